"""Matches: for the registrar, who decides what becomes of two agencies that are involved with one family.

Invariant: nobody but the registrar of the municipality knows of a match. What is shared of it is that another agency is
involved, and nothing more; of what is shielded, not even that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import aliased
from sqlmodel import Session, col, or_, select, tuple_

from api.domain import persons, placing, signals
from api.domain.codes import EventType, MatchState
from api.domain.errors import Conflict, Forbidden, Invalid, NotFound
from api.domain.models import Agency, Family, Involvement, Match, Person, Registration
from api.domain.work import Work

STILL_OPEN = (MatchState.FOUND, MatchState.SHARED)


@dataclass(frozen=True)
class Side:
    """One of the registrations of a match, and whom the municipality knows by its BSN."""

    registration: Registration
    agency: Agency
    person: Person | None


# What the registrar reads


def search(work: Work, state: MatchState | None, after: tuple[datetime, UUID] | None, limit: int) -> Sequence[Match]:
    """Matches of the registrar's municipality, the oldest first; one more than the limit if there are."""
    found = select(Match).where(*_visible(work)).order_by(col(Match.found_at), col(Match.id)).limit(limit + 1)
    if state:
        found = found.where(Match.state == state)
    if after:
        found = found.where(tuple_(col(Match.found_at), col(Match.id)) > after)
    return work.session.exec(found).all()


def get(work: Work, match_id: UUID) -> Match:
    match = work.session.exec(select(Match).where(Match.id == match_id, *_visible(work))).one_or_none()
    if match is None:
        raise NotFound("Your municipality has no such match.")
    return match


def get_to_decide(work: Work, match_id: UUID) -> Match:
    """The same, when it is the registrar's turn: nobody places its registrations in the meantime."""
    match = get(work, match_id)
    placing.take_turns(work, match.municipality_code)
    work.session.refresh(match, with_for_update=True)
    return match


def sides(work: Work, match: Match) -> list[Side]:
    """Its registrations, in an order that tells nothing of which came first."""
    return [
        Side(registration, work.session.get_one(Agency, registration.agency_id), _whom(work, registration))
        for registration in _registrations(work, match)
    ]


# What the registrar decides


def share(work: Work, match: Match) -> Match:
    """Tell the agencies that another one is involved. They learn no more than that: the first stage of disclosure."""
    _must_be(match, MatchState.FOUND)
    involved = sides(work, match)
    if any(side.registration.shielded or (side.person and side.person.shielded) for side in involved):
        raise Conflict("This is shielded, so nobody is told. Have it join a family, or dismiss it.", code="shielded")
    if match.with_family_id and not _is_openly_helped(work, match.with_family_id):
        raise Conflict("No agency is openly involved with this family: there is nobody to tell of.", code="nobody")
    for side in involved:
        side.registration.match_shared_at = work.at
        work.tell(EventType.REGISTRATION_MATCH_SHARED, side.registration)
    match.shared_at = work.at
    return _decide(work, match, MatchState.SHARED, EventType.MATCH_SHARED)


def dismiss(work: Work, match: Match) -> Match:
    """Say that this is no match that anything has to follow from."""
    _must_be(match, MatchState.FOUND)
    return _decide(work, match, MatchState.DISMISSED, EventType.MATCH_DISMISSED)


def join(work: Work, match: Match, family: Family) -> Match:
    """Have the registrations of a match join a family of the municipality, which is locked already."""
    _must_be(match, *STILL_OPEN)
    if family.closed_at:
        raise Conflict("The approach of this family is closed. Reopen it first.", code="family_closed")
    joining = [registration for registration in _registrations(work, match) if registration.involvement_id is None]
    if not joining:
        raise Conflict("Both have joined a family already.", code="joined")
    for registration in joining:
        work.session.refresh(registration, with_for_update=True)
        signals.must_run(work, registration)
        placing.join(work, registration, family)
    work.municipality_code = family.municipality_code
    return _decide(work, match, MatchState.JOINED, EventType.MATCH_JOINED)


def family_to_join(work: Work, family_id: UUID) -> Family:
    """A family of the registrar's municipality, locked and settled."""
    family = work.session.get(Family, family_id)
    if family is None or family.municipality_code != work.actor.municipality_code:
        raise Invalid("There is no such family in your municipality.", field="familyId")
    return placing.locked(work, family_id)


def person_of(work: Work, match: Match, registration_id: UUID, names: dict[str, Any] | None) -> Person:
    """Whom a registration of a match is about, as the municipality knows them from now on."""
    side = next((side for side in sides(work, match) if side.registration.id == registration_id), None)
    if side is None:
        raise Invalid("This match has no such registration.", field="members")
    if side.person:
        return side.person
    registration = side.registration
    given = {name: getattr(registration, name) for name in ("given_name", "surname", "birth_date")}
    given |= {name: value for name, value in (names or {}).items() if value and name in given}
    if not given["given_name"] or not given["surname"]:
        raise Invalid("Your municipality doesn't know this person. Give their names.", field="members")
    return persons.register(work, match.municipality_code, bsn=signals.bsn_of(work, registration), **given)


# What follows by itself


def to_follow(session: Session, limit: int) -> Sequence[UUID]:
    """Matches of which something has to be written down: agencies consulted, or one is no longer involved."""
    one, other = aliased(Registration), aliased(Registration)
    lapsed = col(Match.state).in_(STILL_OPEN) & or_(col(one.ended_at).is_not(None), col(other.ended_at).is_not(None))
    consulted = (
        col(Match.state).in_([MatchState.SHARED, MatchState.JOINED])
        & col(Match.consulted_at).is_(None)
        & or_(col(one.consulted_at) >= Match.decided_at, col(other.consulted_at) >= Match.decided_at)
    )
    found = (
        select(Match.id)
        .join(one, col(one.id) == Match.registration_id)
        .outerjoin(other, col(other.id) == Match.other_registration_id)
        .where(or_(lapsed, consulted))
    )
    return session.exec(found.limit(limit)).all()


def follow(work: Work, match_id: UUID) -> None:
    """Write down what has come of a match: a consultation first, as that may have been the end of it."""
    match = work.session.exec(select(Match).where(Match.id == match_id).with_for_update()).one()
    work.municipality_code = match.municipality_code
    registrations = _registrations(work, match)
    consulted = [one.consulted_at for one in registrations if one.consulted_at and match.decided_at]
    since = [at for at in consulted if match.decided_at and at >= match.decided_at]
    if since and match.consulted_at is None and match.state in (MatchState.SHARED, MatchState.JOINED):
        match.consulted_at = min(since)
        work.tell(EventType.MATCH_CONSULTED, match, at=match.consulted_at)
    if match.state in STILL_OPEN and any(one.ended_at for one in registrations):
        _decide(work, match, MatchState.LAPSED, EventType.MATCH_LAPSED)


def _registrations(work: Work, match: Match) -> Sequence[Registration]:
    ids = [match.registration_id, match.other_registration_id]
    found = select(Registration).where(col(Registration.id).in_(ids)).order_by(col(Registration.id))
    return work.session.exec(found).all()


def _whom(work: Work, registration: Registration) -> Person | None:
    bsn = signals.bsn_of(work, registration)
    return persons.find_by_bsn(work, bsn, registration.municipality_code) if bsn else None


def _visible(work: Work) -> tuple[Any, ...]:
    """Those of the registrar's municipality; a running one for as long as its agencies are involved."""
    if work.actor.municipality_code is None:
        raise Forbidden("Only a municipality sees matches.", code="role_lacking")
    gone = select(Registration.id).where(
        col(Registration.id).in_([Match.registration_id, Match.other_registration_id]),
        or_(
            col(Registration.ended_at).is_not(None),
            col(Registration.involvement_id).is_(None) & (col(Registration.expires_at) <= work.at),
        ),
    )
    return Match.municipality_code == work.actor.municipality_code, ~gone.exists()


def _decide(work: Work, match: Match, state: MatchState, told: EventType) -> Match:
    match.state, match.decided_at = state, work.at
    work.tell(told, match)
    return match


def _must_be(match: Match, *states: MatchState) -> None:
    if match.state not in states:
        raise Conflict("What becomes of this match has been decided already.", code="match_decided")


def _is_openly_helped(work: Work, family_id: UUID) -> bool:
    running = select(Involvement.id).where(
        Involvement.family_id == family_id,
        ~col(Involvement.shielded),
        col(Involvement.started_at) <= work.at,
        or_(col(Involvement.ends_at).is_(None), col(Involvement.ends_at) > work.at),
    )
    return work.session.exec(running).first() is not None
