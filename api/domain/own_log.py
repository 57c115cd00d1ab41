"""A person's own log: who was shown their data. Invariant: it tells nothing of anybody else, nor of a shielded agency.

An agency is named, with the function of who looked; never a professional's name. A look that may not be shown leaves
no gap: pages are filled with what may be, and a cursor tells the instant of the last entry, not its place.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session, func, select

from api.domain.codes import AgencyKind, MemberRole
from api.domain.documents import load
from api.domain.errors import Forbidden
from api.domain.models import Member, Person
from api.domain.work import Work

OWN_LOG = load("own_log.sql")

DELAYS: dict[AgencyKind, int] = {
    AgencyKind.SAFE_AT_HOME: 90,
    AgencyKind.POLICE: 90,
    AgencyKind.CHILD_PROTECTION_BOARD: 90,
}
"""After how many days a look is shown, by kind of agency: what they look into must not be warned of."""
OLD_ENOUGH = 12


@dataclass(frozen=True)
class Position:
    """Where a page starts: at this instant, past so many entries of it."""

    at: datetime
    seen: int


def entries(work: Work, action: str, before: Position | None, limit: int) -> Sequence[Any]:
    """The latest looks at the reader's own data; one more than the limit if there are."""
    # Of families that they have left, what may not be told of looks at that time still counts
    work.session.execute(select(func.spil_see_own_past()))
    person_id = _reader(work)
    work.session.connection().exec_driver_sql("SELECT spil_see_own_past()")
    values = {
        "person_id": person_id,
        "own_action": action,
        "now": work.at,
        "before": before.at if before else None,
        "seen": before.seen if before else 0,
        "delays": json.dumps(DELAYS),
        "limit": limit,
    }
    return work.session.connection().exec_driver_sql(OWN_LOG, values).all()


def _reader(work: Work) -> UUID:
    """Whose log it is: somebody who may look for themselves."""
    person_id = work.actor.person_id
    if person_id is None or not _is_old_enough(work.session, person_id, work.at):
        raise Forbidden("From the age of twelve a child may look for themselves.", code="too_young")
    return person_id


def _is_old_enough(session: Session, person_id: UUID, at: datetime) -> bool:
    """As old as it takes to see the family; of a child without a birth date nobody knows."""
    person = session.get(Person, person_id)
    if person is None:
        return True
    if person.birth_date is None:
        child = select(Member.id).where(Member.person_id == person_id, Member.role == MemberRole.CHILD)
        return session.exec(child).first() is None
    birthday = person.birth_date.year + OLD_ENOUGH, person.birth_date.month, person.birth_date.day
    return birthday <= (at.year, at.month, at.day)


def position_after(shown: Sequence[Any], before: Position | None) -> Position:
    """Where the next page starts."""
    last: datetime = shown[-1].at
    seen = sum(1 for entry in shown if entry.at == last)
    return Position(last, seen + (before.seen if before and before.at == last else 0))
