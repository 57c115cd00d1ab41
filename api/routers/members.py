"""Members: who is in a family, and for how long."""

from typing import Self
from uuid import UUID

from pydantic import MISSING, model_validator

from api.auth.calls import Call, FamilyCall
from api.auth.guards import Routes
from api.auth.policy import Permission
from api.domain import members, persons
from api.domain.codes import MemberRole
from api.domain.errors import Invalid, NotFound
from api.domain.models import Family, Member, Person
from api.paging import Page
from api.routers.parameters import MemberId
from api.routers.persons import PersonRegistration
from api.shapes import Body, Day, Id, Moment, Out, YesNo

routes = Routes("Families")


class NewMember(Body):
    """A person who joins a family: one that is known (`personId`), or a new one (`person`)."""

    person_id: Id | None = None
    person: PersonRegistration | None = None
    role: MemberRole
    parental_authority: YesNo = False

    @model_validator(mode="after")
    def is_one_person(self) -> Self:
        if (self.person_id is None) == (self.person is None):
            raise ValueError("Give either a personId or a person.")
        return self


class MemberChange(Body):
    """What changes of a member."""

    role: MemberRole | MISSING = MISSING
    parental_authority: YesNo | MISSING = MISSING


class MemberMove(Body):
    """The family that a member moves to."""

    family_id: Id


class MemberOut(Out):
    """A person in a family. `birthDate` is null for whom the policy doesn't show it."""

    id: UUID
    family_id: UUID
    person_id: UUID
    given_name: str
    surname: str
    birth_date: Day | None
    role: MemberRole
    parental_authority: bool
    started_at: Moment
    ends_at: Moment | None


def _member(call: FamilyCall, member: Member, person: Person) -> MemberOut:
    own = person.id == call.work.actor.person_id
    return MemberOut.of(
        member,
        given_name=person.given_name,
        surname=person.surname,
        birth_date=person.birth_date if own or call.access.sees("birth_date") else None,
    )


def _is_shown(call: FamilyCall, person: Person) -> bool:
    """That a person whose whereabouts are secret is a member is for the lead, the registrar and that person only."""
    return not person.shielded or call.access.sees("shielded") or person.id == call.work.actor.person_id


def _changed_member(call: FamilyCall, member: Member) -> MemberOut:
    return _member(call, member, call.work.session.get_one(Person, member.person_id))


def _known_person(call: Call, person_id: UUID) -> Person:
    """What a body refers to and isn't there is bad input; 404 is for what the path names."""
    try:
        return persons.get(call.work, person_id)
    except NotFound as missing:
        raise Invalid(missing.sentence, field="personId") from None


def join(call: Call, family: Family, new: NewMember) -> Member:
    if new.person_id:
        person = _known_person(call, new.person_id)
    else:
        given = new.person.complete() if new.person else {}
        person = persons.register(call.work, family.municipality_code, **given)
    return members.join(call.work, family, person, new.role, parental_authority=new.parental_authority)


@routes.get("/families/{familyId}/members", Permission.FAMILY_READ)
def list_members(call: FamilyCall) -> Page[MemberOut]:
    """List who is in the family now."""
    known = members.current(call.work, call.family)
    return Page(items=[_member(call, member, person) for member, person in known if _is_shown(call, person)])


@routes.post(
    "/families/{familyId}/members",
    Permission.MEMBER_MANAGE,
    status=201,
    location="/families/{familyId}/members/{id}",
)
def add_member(call: FamilyCall, body: NewMember) -> MemberOut:
    """Add a person to the family."""
    return _changed_member(call, join(call, call.family, body))


@routes.get("/families/{familyId}/members/{memberId}", Permission.FAMILY_READ)
def get_member(call: FamilyCall, member_id: MemberId) -> MemberOut:
    """Get a member of the family."""
    member = members.get(call.work, call.family, member_id)
    person = call.work.session.get_one(Person, member.person_id)
    if not _is_shown(call, person):
        raise NotFound(members.NO_SUCH_MEMBER)
    return _member(call, member, person)


@routes.patch("/families/{familyId}/members/{memberId}", Permission.MEMBER_MANAGE)
def change_member(call: FamilyCall, member_id: MemberId, body: MemberChange) -> MemberOut:
    """Change a member's role or authority: what the body leaves out stays as it is."""
    member = members.get(call.work, call.family, member_id)
    return _changed_member(call, members.change(call.work, member, **body.given()))


@routes.post("/families/{familyId}/members/{memberId}/_leave", Permission.MEMBER_MANAGE)
def end_membership(call: FamilyCall, member_id: MemberId) -> MemberOut:
    """Record that a member has left the family."""
    member = members.get(call.work, call.family, member_id)
    return _changed_member(call, members.leave(call.work, member))


@routes.post("/families/{familyId}/members/{memberId}/_move", Permission.MEMBER_MANAGE)
def move_member(call: FamilyCall, member_id: MemberId, body: MemberMove) -> MemberOut:
    """Move a member to another family of your municipality, at one instant."""
    member = members.get(call.work, call.family, member_id)
    other = call.other_family(body.family_id)
    return _changed_member(call, members.move(call.work, member, other))
