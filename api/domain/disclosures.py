"""The record of disclosures, for the privacy officer of the municipality that was responsible at the time.

A refusal is written down without looking up whose family it was, so that it takes as long as for a family that doesn't
exist; it is shown to the officer of the municipality that is responsible now. Who looks into the record is recorded.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select, union_all

from api.domain import bsn as numbers
from api.domain import calendar
from api.domain.models import AuditRecord, Family
from api.domain.work import Work

PAGE = 1000


@dataclass(frozen=True)
class Asked:
    """Which records are looked for: all that is given must hold. Days include the last."""

    family_id: UUID | None = None
    shown_person_id: UUID | None = None
    professional_id: UUID | None = None
    agency_id: UUID | None = None
    decision: str | None = None
    role: str | None = None
    purpose: str | None = None
    from_day: date | None = None
    until_day: date | None = None

    def conditions(self) -> list[Any]:
        names = ("family_id", "shown_person_id", "professional_id", "agency_id", "decision", "role", "purpose")
        asked: list[Any] = [
            getattr(AuditRecord, name) == getattr(self, name) for name in names if getattr(self, name) is not None
        ]
        if self.from_day:
            asked.append(col(AuditRecord.at) >= calendar.start_of(self.from_day))
        if self.until_day:
            asked.append(col(AuditRecord.at) < calendar.end_of(self.until_day))
        return asked


def search(work: Work, asked: Asked, before: int | None = None, limit: int = 50) -> Sequence[AuditRecord]:
    """Records of the officer's municipality, the latest first; one more than the limit if there are."""
    conditions = asked.conditions()
    if before:
        conditions.append(col(AuditRecord.id) < before)
    code = work.actor.municipality_code
    families = select(Family.id).where(Family.municipality_code == code)
    here = AuditRecord.municipality_code == code
    refused_here = (
        col(AuditRecord.municipality_code).is_(None),
        AuditRecord.decision == "refused",
        col(AuditRecord.family_id).in_(families),
    )
    # Each by itself, as each has an index of its own to walk; an OR of the two has none.
    ids = union_all(_latest(limit, *conditions, here), _latest(limit, *conditions, *refused_here))
    found = select(AuditRecord).where(col(AuditRecord.id).in_(ids))
    return work.session.exec(found.order_by(col(AuditRecord.id).desc()).limit(limit + 1)).all()


def _latest(limit: int, *conditions: Any) -> Any:
    return select(AuditRecord.id).where(*conditions).order_by(col(AuditRecord.id).desc()).limit(limit + 1)


def all_of(session: Session, municipality_code: str, asked: Asked) -> Iterator[AuditRecord]:
    """Every record of a municipality that is asked for, the oldest first, a page at a time."""
    after = 0
    while True:
        conditions = (
            *asked.conditions(),
            AuditRecord.municipality_code == municipality_code,
            col(AuditRecord.id) > after,
        )
        page = session.exec(select(AuditRecord).where(*conditions).order_by(col(AuditRecord.id)).limit(PAGE)).all()
        yield from page
        if len(page) < PAGE:
            return
        after = page[-1].id or 0
        session.expunge_all()


def person_by_bsn(work: Work, bsn: str) -> UUID | None:
    """The data subject with this BSN, if the officer's municipality knows them: who it is, and nothing else of them."""
    known = "SELECT spil_data_subject(%s)"
    found: UUID | None = (
        work.session.connection().exec_driver_sql(known, (numbers.pseudonyms(work.vault, bsn),)).scalar()
    )
    return found


def record_look(work: Work, action: str, asked: Asked, shown: Iterable[AuditRecord]) -> None:
    """Whoever looks into the record leaves one: for each person that what was shown is about."""
    about: set[UUID | None] = {record.shown_person_id for record in shown if record.shown_person_id}
    for person_id in sorted(about or {asked.shown_person_id}, key=str):
        work.record(action, "shown", family_id=asked.family_id, shown_person_id=person_id)
