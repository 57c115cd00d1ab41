"""Access, explained: who can see a family, by what and until when; and whether somebody may do something."""

from typing import Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from api.auth import explaining
from api.auth.calls import Call, FamilyCall
from api.auth.explaining import Entry, Ground, Verdict
from api.auth.guards import Routes
from api.auth.policy import Access, Permission, Relation
from api.auth.purposes import PURPOSE_OF
from api.domain import members, professionals
from api.domain.actor import Actor, Role
from api.domain.errors import Forbidden
from api.domain.models import Family
from api.shapes import Body, Id, Moment, Out

routes = Routes("Access")

NEEDS = {
    Role.AGENCY_SYSTEM: "agency_id",
    Role.PROFESSIONAL: "professional_id",
    Role.FAMILY_MEMBER: "person_id",
}


class AccessGround(Out):
    """One running relation to the family. `until`: when it ends by itself, if that is known."""

    relation: Relation
    legal_basis: str | None
    powers: list[str]
    until: Moment | None


class AccessEntry(Out):
    """Somebody who can see the family.

    A registrar and a privacy officer stand for everybody of their municipality in that role; an agency's system for all
    systems of that agency. `fields`: what they see that not everybody related to the family sees. `until`: when the
    last of the relations ends by itself; null if one of them runs until further notice.
    """

    role: Role
    municipality_code: str | None
    agency_id: UUID | None
    agency_name: str | None
    professional_id: UUID | None
    professional_name: str | None
    person_id: UUID | None
    grounds: list[AccessGround]
    permissions: list[Permission]
    fields: list[str]
    until: Moment | None


class FamilyAccess(Out):
    """Who can see the family at this moment."""

    as_of: Moment
    items: list[AccessEntry]


class CheckedActor(Body):
    """Somebody else to ask about."""

    role: Literal[
        "agency_system",
        "professional",
        "registrar",
        "analyst",
        "privacy_officer",
        "family_member",
        "platform_administrator",
    ]
    agency_id: Id | None = None
    professional_id: Id | None = None
    person_id: Id | None = None

    @model_validator(mode="after")
    def is_somebody(self) -> Self:
        if (needed := NEEDS.get(Role(self.role))) and getattr(self, needed) is None:
            raise ValueError(
                "Give an agency_system its agencyId, a professional the professionalId, a member personId."
            )
        return self


class AccessCheck(Body):
    """What to ask: may I do this for this family, or may somebody else?"""

    family_id: Id
    permission: Permission = Field(description="As the scope of an operation names it.")
    actor: CheckedActor | None = Field(
        default=None, description="For the registrar, the lead coordinator and the privacy officer: who else."
    )


class AccessAnswer(Out):
    """Whether it is allowed: by which relation, on which basis, until when; or the code that a refusal would have."""

    allowed: bool
    relation: Relation | None
    legal_basis: str | None
    until: Moment | None
    code: str | None


def _ground(ground: Ground) -> AccessGround:
    return AccessGround(
        relation=ground.relation, legal_basis=ground.legal_basis, powers=list(ground.powers), until=ground.until
    )


def _entry(entry: Entry) -> AccessEntry:
    return AccessEntry.of(
        entry.actor,
        agency_name=entry.agency,
        professional_name=entry.professional,
        grounds=[_ground(one) for one in entry.grounds],
        permissions=list(entry.permissions),
        fields=list(entry.fields),
        until=entry.until,
    )


@routes.get("/families/{familyId}/access", Permission.ACCESS_EXPLAIN)
def explain_access(call: FamilyCall) -> FamilyAccess:
    """Explain who can see this family: by which relation, on which legal basis, which permissions, until when."""
    found = explaining.who_sees(call.work.session, call.family.id, shielded_too=call.access.sees("shielded"))
    return FamilyAccess(as_of=call.work.at, items=[_entry(one) for one in found])


@routes.search("/access-checks", Permission.ACCESS_CHECK)
def check_access(call: Call, body: AccessCheck) -> AccessAnswer:
    """Ask whether you may do something for a family, and why or why not, without trying it.

    The registrar, the lead coordinator and the privacy officer of a family may ask about somebody else. A family to
    which you have no relation gives the answer of one that doesn't exist: `family_not_found`.
    """
    own = _own(call, body.family_id)
    standings, role = own, call.work.actor.role
    if body.actor and own:
        asked = _asked_about(call, body.actor, body.family_id, own)
        standings = explaining.grounds(
            call.work.session, asked, body.family_id, shielded_too=Access(role, own).sees("shielded")
        )
        role = asked.role
    found = explaining.verdict(role, standings, body.permission)
    if body.actor and not own:
        found = explaining.NO_FAMILY
    _record(call, body, found, own)
    return AccessAnswer(
        allowed=found.allowed,
        relation=found.by.relation if found.by else None,
        legal_basis=found.by.legal_basis if found.by else None,
        until=found.by.until if found.by else None,
        code=found.code,
    )


def _own(call: Call, family_id: UUID) -> tuple[Ground, ...]:
    """The caller's own standings; who has none takes the same path for a hidden family and for a missing one."""
    call.work.see(family_id)
    return explaining.grounds(call.work.session, call.work.actor, family_id, shielded_too=True)


def _asked_about(call: Call, who: CheckedActor, family_id: UUID, own: tuple[Ground, ...]) -> Actor:
    if not Access(call.work.actor.role, own).by(Permission.ACCESS_EXPLAIN):
        raise Forbidden(
            "Your relation to this family does not allow you to ask about others.",
            code="relation_lacking",
            about={"family_id": family_id},
        )
    role, agency_id = Role(who.role), who.agency_id
    if role is Role.PROFESSIONAL and who.professional_id and agency_id is None:
        agency_id = professionals.get(call.work, who.professional_id).agency_id
    municipal = role in {Role.REGISTRAR, Role.PRIVACY_OFFICER}
    code = call.work.session.get_one(Family, family_id).municipality_code if municipal else None
    return Actor(role, "", code, agency_id, who.professional_id, who.person_id)


def _record(call: Call, body: AccessCheck, found: Verdict, own: tuple[Ground, ...]) -> None:
    """A check discloses something of a family, and is on record like anything that does."""
    work = call.work
    by = Access(work.actor.role, own).by(Permission.ACCESS_EXPLAIN) if body.actor else found.by
    if not found.allowed:
        work.record(Permission.ACCESS_CHECK, "refused", family_id=body.family_id, municipality_code=None)
    elif by is None:
        work.record(Permission.ACCESS_CHECK, "shown")
    else:
        family = work.session.get_one(Family, body.family_id)
        work.municipality_code = family.municipality_code
        work.ground |= {"relation": by.relation, "legal_basis": by.legal_basis, "purpose": PURPOSE_OF[by.relation]}
        subjects: list[UUID | None] = [*members.of(work, family)]
        for person_id in subjects or [None]:
            work.record(Permission.ACCESS_CHECK, "shown", family_id=family.id, shown_person_id=person_id)
