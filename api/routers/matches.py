"""Matches: what the registrar sees when two agencies are involved with one person or family, and decides of it."""

from datetime import date, datetime
from typing import Annotated, Self
from uuid import UUID

from fastapi import Query
from pydantic import Field, model_validator

from api.auth.calls import Call
from api.auth.guards import Routes
from api.auth.policy import Permission
from api.domain import families, match_follow_up, matches, members
from api.domain.actor import Role
from api.domain.codes import AgencyKind, Framework, MatchKind, MatchState, MemberRole, Strategy
from api.domain.models import Family, Match
from api.paging import Cursor, Limit, Page, decode, encode
from api.routers.families import FamilyOut
from api.routers.members import NewMember, join
from api.routers.parameters import MatchId
from api.routers.persons import PersonRegistration
from api.shapes import Body, CleanText, Id, Moment, Out, YesNo

routes = Routes("Matches")


class MatchedMember(Body):
    """A member of the new family: whom a registration of the match is about, a known person, or a new one.

    `person` beside `registrationId` gives the names of somebody your municipality doesn't know yet.
    """

    registration_id: Id | None = None
    person_id: Id | None = None
    person: PersonRegistration | None = None
    role: MemberRole
    parental_authority: YesNo = False

    @model_validator(mode="after")
    def is_one_person(self) -> Self:
        if self.registration_id and self.person_id:
            raise ValueError("Give either a registrationId or a personId.")
        if not self.registration_id and (self.person_id is None) == (self.person is None):
            raise ValueError("Give a registrationId, a personId or a person.")
        return self


class MatchedFamilyOpening(Body):
    """The family that a match becomes."""

    name: CleanText = Field(description="What the family goes by, for instance its surname.")
    framework: Framework
    strategy: Strategy | None = None
    members: list[MatchedMember] = Field(min_length=1, max_length=30)


class MatchJoining(Body):
    """The family, of your municipality, that the registrations join."""

    family_id: Id


class MatchedAgency(Out):
    """An agency that registered somebody."""

    id: UUID
    name: str
    kind: AgencyKind


class MatchedPerson(Out):
    """Whom a registration is about, as far as it says or your municipality knows. `personId`: if it knows them."""

    person_id: UUID | None
    given_name: str | None
    surname: str | None
    birth_date: date | None


class MatchedRegistration(Out):
    """One of the registrations of a match: which agency, with what, about whom. Not why."""

    id: UUID
    agency: MatchedAgency
    help_domains: list[str]
    shielded: bool
    registered_at: Moment
    has_joined: bool
    person: MatchedPerson


class MatchOut(Out):
    """That two agencies registered one person, or a parent and a child.

    `familyId`: the match is of one registration with this family. It was left to you because the person is shielded
    or in several families, because somebody objected, or because only a parent or child of theirs is a member.
    """

    id: UUID
    kind: MatchKind
    state: MatchState
    registrations: list[MatchedRegistration]
    family_id: UUID | None
    found_at: Moment
    decided_at: Moment | None
    shared_at: Moment | None
    consulted_at: Moment | None


class MatchCount(Out):
    """How many matches are in a state. Null: fewer than five, which is not told."""

    state: MatchState
    count: int | None


class MatchFollowUp(Out):
    """What came of the matches in your municipality. Null: suppressed, or nothing to count.

    `shareConsulted`: of those of which agencies were told. `medianDaysToConsultation`: from the match on.
    """

    found: int | None
    states: list[MatchCount]
    consulted: int | None
    not_consulted: int | None
    share_consulted: float | None
    median_days_to_consultation: float | None
    suppressed: bool = Field(description="Whether figures are left out because they, or others, are below five.")


def _match(call: Call, match: Match) -> MatchOut:
    sides = matches.sides(call.work, match)
    for side in sides:
        shown = side.person.id if side.person else None
        call.work.record(Permission.MATCH_READ, "shown", family_id=match.with_family_id, shown_person_id=shown)
    return MatchOut.of(match, registrations=[_side(side) for side in sides], family_id=match.with_family_id)


def _side(side: matches.Side) -> MatchedRegistration:
    known = side.person or side.registration
    person = MatchedPerson(
        person_id=side.person.id if side.person else None,
        given_name=known.given_name,
        surname=known.surname,
        birth_date=known.birth_date,
    )
    return MatchedRegistration.of(
        side.registration,
        agency=MatchedAgency.of(side.agency),
        has_joined=side.registration.involvement_id is not None,
        person=person,
    )


@routes.get("/matches", Permission.MATCH_READ)
def list_matches(
    call: Call,
    state: Annotated[MatchState | None, Query(description="Only those in this state.")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[MatchOut]:
    """List the matches in your municipality, the oldest first, for as long as both agencies are involved."""
    position = decode(cursor, datetime.fromisoformat, UUID)
    found = matches.search(call.work, state, (position[0], position[1]) if position else None, limit)
    last = found[limit - 1] if len(found) > limit else None
    following = encode([last.found_at.isoformat(), str(last.id)]) if last else None
    return Page(items=[_match(call, one) for one in found[:limit]], next_cursor=following)


@routes.get("/matches/{matchId}", Permission.MATCH_READ)
def get_match(call: Call, match_id: MatchId) -> MatchOut:
    """Get a match in your municipality."""
    return _match(call, matches.get(call.work, match_id))


@routes.post("/matches/{matchId}/_share", Permission.MATCH_DECIDE)
def share_match(call: Call, match_id: MatchId) -> MatchOut:
    """Tell the agencies that another one is involved, and nothing more. What is shielded is not shared."""
    return _match(call, matches.share(call.work, matches.get_to_decide(call.work, match_id)))


@routes.post("/matches/{matchId}/_dismiss", Permission.MATCH_DECIDE)
def dismiss_match(call: Call, match_id: MatchId) -> MatchOut:
    """Dismiss a match: nothing follows from it, and it is not found again."""
    return _match(call, matches.dismiss(call.work, matches.get_to_decide(call.work, match_id)))


@routes.post("/matches/{matchId}/_join", Permission.MATCH_DECIDE)
def join_match(call: Call, match_id: MatchId, body: MatchJoining) -> MatchOut:
    """Have the registrations of a match join a family of your municipality; each agency is involved from then on."""
    match = matches.get_to_decide(call.work, match_id)
    family = matches.family_to_join(call.work, body.family_id)
    return _match(call, matches.join(call.work, match, family))


@routes.post("/matches/{matchId}/_open", Permission.MATCH_DECIDE, status=201, location="/families/{id}")
def open_matched_family(call: Call, match_id: MatchId, body: MatchedFamilyOpening) -> FamilyOut:
    """Open a family for a match, with its members; each agency is involved from then on."""
    match = matches.get_to_decide(call.work, match_id)
    family = families.open_family(
        call.work, match.municipality_code, name=body.name, framework=body.framework, strategy=body.strategy
    )
    call.work.begin(family)
    for new in body.members:
        _join(call, match, family, new)
    matches.join(call.work, match, family)
    return FamilyOut.of(family)


def _join(call: Call, match: Match, family: Family, new: MatchedMember) -> None:
    if new.registration_id is None:
        given = {name: getattr(new, name) for name in NewMember.model_fields}
        join(call, family, NewMember.model_construct(**given))
        return
    names = new.person.complete() if new.person else None
    person = matches.person_of(call.work, match, new.registration_id, names)
    members.join(call.work, family, person, new.role, parental_authority=new.parental_authority)


@routes.get("/match-follow-up", Permission.MATCH_FOLLOW_UP)
def get_match_follow_up(call: Call) -> MatchFollowUp:
    """What came of the matches in your municipality, in figures; for an analyst without those below five."""
    actor = call.work.actor
    figures = match_follow_up.follow_up(call.work, actor.municipality_code or "", whole=actor.role is Role.REGISTRAR)
    states = [MatchCount(state=state, count=count) for state, count in figures.per_state.items()]
    return MatchFollowUp.of(figures, states=states)
