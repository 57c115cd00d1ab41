"""Registrations that something came of by itself: their time, their involvement or a new family of theirs.

Invariant: what is found here is only written down or looked at anew; reads look at the instants themselves.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, exists
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, func, or_, select

from api.domain import signals
from api.domain.models import (
    Agency,
    Family,
    Involvement,
    Match,
    Member,
    Person,
    Registration,
    RegistrationRelative,
    UnplacedRegistration,
)
from api.domain.placing import running
from api.domain.work import Work


def to_place_anew(session: Session, at: datetime, limit: int) -> Sequence[UUID]:
    """Waiting registrations of whom, or of whose parent or child, there is a family by now; some of them.

    Which of them differs each time, so that one that can't be placed doesn't stand before the others.
    """
    relative = aliased(RegistrationRelative)
    who = or_(Person.bsn_pseudonym == Registration.bsn_pseudonym, Person.bsn_pseudonym == relative.bsn_pseudonym)
    found = (
        select(Registration.id)
        .outerjoin(relative, col(relative.registration_id) == Registration.id)
        .join(Person, (col(Person.municipality_code) == Registration.municipality_code) & who)
        .join(Member, col(Member.person_id) == Person.id)
        .join(
            Family, (col(Family.id) == Member.family_id) & (Family.municipality_code == Registration.municipality_code)
        )
        .join(Agency, (col(Agency.id) == Registration.agency_id) & Agency.active)
        .where(
            col(Registration.ended_at).is_(None),
            col(Registration.involvement_id).is_(None),
            col(Registration.expires_at) > at,
            col(Family.closed_at).is_(None),
            *running(Member, at),
            or_(Person.bsn_pseudonym == Registration.bsn_pseudonym, ~_is_involved(at)),
            ~_is_matched(),
            ~exists().where(col(UnplacedRegistration.registration_id) == Registration.id),
        )
    )
    ids = found.distinct().subquery()
    return session.exec(select(ids.c.id).order_by(func.random()).limit(limit)).all()


def settled_by_time(session: Session, at: datetime, limit: int) -> Sequence[UUID]:
    """Registrations of which something has to be written down: they expired, or their involvement ended."""
    runs = col(Registration.ended_at).is_(None)
    waiting = select(Registration.id).where(
        runs, col(Registration.involvement_id).is_(None), col(Registration.expires_at) <= at
    )
    joined = (
        select(Registration.id)
        .join(Involvement, col(Involvement.id) == Registration.involvement_id)
        .where(runs, col(Involvement.ends_at) <= at)
    )
    return [*session.exec(waiting.limit(limit)), *session.exec(joined.limit(limit))][:limit]


def settle(work: Work, registration_id: UUID) -> None:
    asked = select(Registration).where(Registration.id == registration_id).with_for_update()
    registration = work.session.exec(asked).one()
    work.municipality_code = registration.municipality_code
    signals.settle(work, registration)


def _is_matched() -> ColumnElement[bool]:
    """Whether the registrar has the registration and the family of a query before them already."""
    return exists().where(col(Match.registration_id) == Registration.id, col(Match.with_family_id) == Family.id)


def _is_involved(at: datetime) -> ColumnElement[bool]:
    """Whether the agency of a registration is involved with the family of a query already."""
    same = (col(Involvement.agency_id) == Registration.agency_id, col(Involvement.family_id) == Family.id)
    return exists().where(*same, *running(Involvement, at))
