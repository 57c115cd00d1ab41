"""Professionals: the people who work for agencies, how to reach them, and who covers when they are absent.

Invariant: whoever still leads, deputises, is a contact point or is named in a running involvement stays active.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlmodel import col, func, select, tuple_

from api.domain import calendar
from api.domain.codes import EventType
from api.domain.errors import Conflict, Invalid, NotFound
from api.domain.models import Absence, Professional
from api.domain.work import KEEP, Work

STILL_NEEDED = (
    "This professional still has a role around a family. "
    "Hand their roles over first: POST /v1/professionals/{professionalId}/_handover."
)
MISSING = "There is no such professional. GET /v1/professionals lists them."


def get(work: Work, professional_id: UUID) -> Professional:
    return work.get(Professional, professional_id, MISSING)


def working(
    work: Work, professional_id: UUID, agency_id: UUID | None = None, field: str = "professionalId"
) -> Professional:
    """The professional, if they work (for this agency), and they do until this commits; `Invalid` if not."""
    professional = work.once(
        (Professional, professional_id), lambda: work.session.get(Professional, professional_id, with_for_update=KEEP)
    )
    if professional is None or not professional.active:
        raise Invalid("There is no working professional with this id. GET /v1/professionals lists them.", field=field)
    if agency_id and professional.agency_id != agency_id:
        raise Invalid("This professional works for another agency. Name one of the agency itself.", field=field)
    return professional


def register(work: Work, professional: Professional) -> Professional:
    work.add(professional)
    work.tell(EventType.PROFESSIONAL_REGISTERED, professional, professional_id=professional.id)
    return professional


def change(work: Work, professional: Professional, **new: Any) -> Professional:
    work.session.refresh(professional, with_for_update=True)
    if professional.active and new.get("active") is False and _has_a_role(work, professional):
        raise Conflict(STILL_NEEDED, code="roles_running")
    professional.sqlmodel_update(new)
    work.tell(EventType.PROFESSIONAL_CHANGED, professional, professional_id=professional.id)
    return professional


def report_absence(
    work: Work, professional: Professional, starts_on: date, ends_on: date, cover_id: UUID | None
) -> Absence:
    """Report an absence in whole days, both included, and the colleague who covers."""
    if ends_on < starts_on:
        raise Invalid("An absence can't end before it starts.", field="endsOn")
    if cover_id == professional.id:
        raise Invalid("Nobody covers for themselves. Name a colleague, or leave it out.", field="coverId")
    if cover_id:
        working(work, cover_id, professional.agency_id, field="coverId")
    absence = Absence(
        professional_id=professional.id,
        cover_id=cover_id,
        started_at=calendar.start_of(starts_on),
        ends_at=calendar.end_of(ends_on),
    )
    work.add(absence)
    work.tell(EventType.ABSENCE_REPORTED, absence)
    return absence


def get_absence(work: Work, professional: Professional, absence_id: UUID, *, to_change: bool = False) -> Absence:
    """An absence that runs or is still to come."""
    absence = work.session.get(Absence, absence_id, with_for_update=to_change or None)
    if absence is None or absence.professional_id != professional.id or absence.ends_at <= work.at:
        raise NotFound("There is no such absence, or it is over.")
    return absence


def withdraw_absence(work: Work, professional: Professional, absence_id: UUID) -> None:
    """Take an absence back. One that has begun ends now; one that still has to begin disappears."""
    absence = get_absence(work, professional, absence_id, to_change=True)
    if absence.started_at < work.at:
        absence.ends_at = work.at
    else:
        work.session.delete(absence)
    work.tell(EventType.ABSENCE_WITHDRAWN, absence)


def _has_a_role(work: Work, professional: Professional) -> bool:
    """Around any family: whoever asks sees none of them."""
    return bool(work.session.scalar(select(func.spil_professional_has_a_role(professional.id, work.at))))


def search(
    work: Work,
    *,
    name: str | None = None,
    agency_id: UUID | None = None,
    only_active: bool = True,
    after: tuple[str, UUID] | None = None,
    limit: int = 50,
) -> Sequence[Professional]:
    """Professionals by part of their name and agency, in order of name; one more than the limit if there are."""
    found = select(Professional).order_by(col(Professional.name), col(Professional.id)).limit(limit + 1)
    if name:
        found = found.where(col(Professional.name).icontains(name, autoescape=True))
    if agency_id:
        found = found.where(Professional.agency_id == agency_id)
    if only_active:
        found = found.where(Professional.active)
    if after:
        found = found.where(tuple_(col(Professional.name), col(Professional.id)) > after)
    return work.session.exec(found).all()


def absences_of(work: Work, professional: Professional) -> Sequence[Absence]:
    """Absences that run or are still to come."""
    known = select(Absence).where(Absence.professional_id == professional.id, col(Absence.ends_at) > work.at)
    return work.session.exec(known.order_by(col(Absence.started_at))).all()
