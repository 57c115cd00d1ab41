"""Families, their members, and the persons a municipality knows."""

from typing import Annotated, Self
from uuid import UUID

from pydantic import MISSING, Field, SecretStr, model_validator

from api.auth.calls import Call, FamilyCall
from api.auth.guards import Routes
from api.auth.policy import Permission
from api.domain import families, members, persons
from api.domain.codes import FamilyClosing, Framework, MemberRole, Strategy
from api.domain.models import Family, Member, Person
from api.paging import Page
from api.routers.parameters import MemberId, PersonId
from api.shapes import Body, CleanText, Day, Moment, MunicipalityCode, Out

routes = Routes("Families")

Bsn = Annotated[
    SecretStr,
    Field(min_length=9, max_length=9, description="Nine digits that pass the eleven-test.", examples=["999990019"]),
]


class PersonRegistration(Body):
    """A person. With a BSN that your municipality knows already, it is that person."""

    given_name: CleanText
    surname: CleanText
    birth_date: Day | None = None
    bsn: Bsn | None = None


class PersonChange(Body):
    """What changes of a person."""

    given_name: CleanText | MISSING = MISSING
    surname: CleanText | MISSING = MISSING
    birth_date: Day | None | MISSING = MISSING
    bsn: Bsn | MISSING = MISSING


class PersonSearch(Body):
    """Whom to look for: by BSN, or by surname and birth date."""

    bsn: Bsn | None = None
    surname: CleanText | None = None
    birth_date: Day | None = None

    @model_validator(mode="after")
    def has_enough(self) -> Self:
        if not self.bsn and not (self.surname and self.birth_date):
            raise ValueError("Give a bsn, or a surname and a birthDate.")
        return self


class PersonOut(Out):
    """A person your municipality knows. `hasBsn`: whether a BSN is on record; only GET of one person gives it."""

    id: UUID
    given_name: str
    surname: str
    birth_date: Day | None
    has_bsn: bool
    family_ids: list[UUID]


class PersonWithBsn(PersonOut):
    """A person with their BSN."""

    bsn: str | None


class NewMember(Body):
    """A person who joins a family: one that is known (`personId`), or a new one (`person`)."""

    person_id: UUID | None = None
    person: PersonRegistration | None = None
    role: MemberRole
    parental_authority: bool = False

    @model_validator(mode="after")
    def is_one_person(self) -> Self:
        if (self.person_id is None) == (self.person is None):
            raise ValueError("Give either a personId or a person.")
        return self


class MemberChange(Body):
    """What changes of a member."""

    role: MemberRole | MISSING = MISSING
    parental_authority: bool | MISSING = MISSING


class MemberMove(Body):
    """The family that a member moves to."""

    family_id: UUID


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


class FamilyOpening(Body):
    """A family to coordinate help for."""

    name: CleanText = Field(description="What the family goes by, for instance its surname.")
    framework: Framework
    strategy: Strategy | None = None
    members: list[NewMember] = Field(default=[], max_length=30)


class FamilyChange(Body):
    """What changes of a family."""

    name: CleanText | MISSING = MISSING
    framework: Framework | MISSING = MISSING
    strategy: Strategy | None | MISSING = MISSING


class FamilyClosure(Body):
    """How the approach came to its end."""

    closing: FamilyClosing


class FamilyMove(Body):
    """The municipality that becomes responsible."""

    municipality_code: MunicipalityCode


class FamilyOut(Out):
    """A family. `strategy` is null for whom the policy doesn't show it."""

    id: UUID
    name: str
    municipality_code: MunicipalityCode
    framework: Framework
    strategy: Strategy | None
    opened_at: Moment
    closed_at: Moment | None
    closing: FamilyClosing | None


def _family(call: FamilyCall) -> FamilyOut:
    return FamilyOut.of(call.family, strategy=call.family.strategy if call.access.sees("strategy") else None)


def _member(call: FamilyCall, member: Member, person: Person) -> MemberOut:
    own = person.id == call.work.actor.person_id
    return MemberOut.of(
        member,
        given_name=person.given_name,
        surname=person.surname,
        birth_date=person.birth_date if own or call.access.sees("birth_date") else None,
    )


def _changed_member(call: FamilyCall, member: Member) -> MemberOut:
    return _member(call, member, call.work.session.get_one(Person, member.person_id))


def _person(call: Call, person: Person) -> PersonOut:
    return PersonOut.of(
        person, has_bsn=person.bsn_sealed is not None, family_ids=list(persons.families_of(call.work, person))
    )


def _join(call: Call, family: Family, new: NewMember) -> Member:
    if new.person_id:
        person = persons.get(call.work, new.person_id)
    else:
        given = new.person.complete() if new.person else {}
        person = persons.register(call.work, family.municipality_code, **given)
    return members.join(call.work, family, person, new.role, parental_authority=new.parental_authority)


@routes.post("/families", Permission.FAMILY_OPEN, status=201, location="/families/{id}")
def open_family(call: Call, body: FamilyOpening) -> FamilyOut:
    """Open a family for which your municipality is responsible, with its members."""
    code = call.work.actor.municipality_code or ""
    family = families.open_family(call.work, code, name=body.name, framework=body.framework, strategy=body.strategy)
    for new in body.members:
        _join(call, family, new)
    return FamilyOut.of(family)


@routes.get("/families/{familyId}", Permission.FAMILY_READ)
def get_family(call: FamilyCall) -> FamilyOut:
    """Get a family."""
    return _family(call)


@routes.patch("/families/{familyId}", Permission.FAMILY_CHANGE)
def change_family(call: FamilyCall, body: FamilyChange) -> FamilyOut:
    """Change a family: what the body leaves out stays as it is."""
    call.must_match(_family(call))
    families.change(call.work, call.family, **body.given())
    return _family(call)


@routes.post("/families/{familyId}/_close", Permission.FAMILY_CHANGE)
def close_family(call: FamilyCall, body: FamilyClosure) -> FamilyOut:
    """Close the approach. Every running involvement, mandate and contact point ends at this instant."""
    return FamilyOut.of(families.close(call.work, call.family, body.closing))


@routes.post("/families/{familyId}/_reopen", Permission.FAMILY_CHANGE)
def reopen_family(call: FamilyCall) -> FamilyOut:
    """Reopen a closed approach. Who was involved is not restored: invite them anew."""
    return FamilyOut.of(families.reopen(call.work, call.family))


@routes.post("/families/{familyId}/_move", Permission.FAMILY_CHANGE)
def move_family(call: FamilyCall, body: FamilyMove) -> FamilyOut:
    """Hand the family over to another municipality. You no longer see it afterwards."""
    return FamilyOut.of(families.move_to_municipality(call.work, call.family, body.municipality_code))


@routes.get("/families/{familyId}/members", Permission.FAMILY_READ)
def list_members(call: FamilyCall) -> Page[MemberOut]:
    """List who is in the family now."""
    return Page(items=[_member(call, *one) for one in members.current(call.work, call.family)])


@routes.post(
    "/families/{familyId}/members",
    Permission.MEMBER_MANAGE,
    status=201,
    location="/families/{familyId}/members/{id}",
)
def add_member(call: FamilyCall, body: NewMember) -> MemberOut:
    """Add a person to the family."""
    return _changed_member(call, _join(call, call.family, body))


@routes.get("/families/{familyId}/members/{memberId}", Permission.FAMILY_READ)
def get_member(call: FamilyCall, member_id: MemberId) -> MemberOut:
    """Get a member of the family."""
    return _changed_member(call, members.get(call.work, call.family, member_id))


@routes.patch("/families/{familyId}/members/{memberId}", Permission.MEMBER_MANAGE)
def change_member(call: FamilyCall, member_id: MemberId, body: MemberChange) -> MemberOut:
    """Change a member's role or authority: what the body leaves out stays as it is."""
    member = members.get(call.work, call.family, member_id)
    call.must_match(_changed_member(call, member))
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


@routes.search("/persons/_search", Permission.PERSON_FIND)
def search_persons(call: Call, body: PersonSearch) -> Page[PersonOut]:
    """Find persons your municipality knows, by BSN or by surname and birth date."""
    code = call.work.actor.municipality_code or ""
    if body.bsn:
        known = persons.find_by_bsn(call.work, body.bsn.get_secret_value(), code)
        found = [known] if known else []
    else:
        found = list(persons.find_by_name(call.work, str(body.surname), body.birth_date or Day.min, code))
    for person in found:
        call.work.record(Permission.PERSON_FIND, "shown", shown_person_id=person.id)
    return Page(items=[_person(call, person) for person in found])


@routes.get("/persons/{personId}", Permission.PERSON_FIND)
def get_person(call: Call, person_id: PersonId) -> PersonWithBsn:
    """Get a person your municipality knows, with their BSN."""
    person = persons.get(call.work, person_id)
    call.work.record(Permission.PERSON_FIND, "shown", shown_person_id=person.id)
    return _with_bsn(call, person)


@routes.patch("/persons/{personId}", Permission.PERSON_CHANGE)
def change_person(call: Call, person_id: PersonId, body: PersonChange) -> PersonOut:
    """Change a person your municipality knows: what the body leaves out stays as it is."""
    person = persons.get(call.work, person_id)
    call.must_match(_with_bsn(call, person))
    persons.change(call.work, person, **body.given())
    return _person(call, person)


def _with_bsn(call: Call, person: Person) -> PersonWithBsn:
    shown = _person(call, person)
    return PersonWithBsn(**shown.model_dump(), bsn=persons.bsn_of(call.work, person))
