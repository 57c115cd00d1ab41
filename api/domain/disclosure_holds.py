"""Holds: for a period, a family's members are not shown who has looked since the hold began.

Invariant: what a member could see before stays to be seen, so that a hold doesn't show; and it always has an end.
"""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlmodel import col, select

from api.domain import calendar
from api.domain.codes import EventType
from api.domain.errors import Conflict, Invalid, NotFound
from api.domain.models import DisclosureHold, Family
from api.domain.work import Work

LONGEST = 366
"""Days. Who needs longer looks again."""


def of(work: Work, family: Family) -> Sequence[DisclosureHold]:
    """The holds of a family, the latest first."""
    holds = select(DisclosureHold).where(DisclosureHold.family_id == family.id)
    return work.session.exec(holds.order_by(col(DisclosureHold.started_at).desc(), col(DisclosureHold.id))).all()


def place(work: Work, family: Family, ends_on: date) -> DisclosureHold:
    """Hold back, until a day is over, who looks from now on."""
    ends_at = calendar.end_of(ends_on)
    if ends_at <= work.at or (ends_on - calendar.day_of(work.at)).days > LONGEST:
        raise Invalid(f"A hold ends today or later, within {LONGEST} days.", field="endsOn")
    hold = DisclosureHold(family_id=family.id, started_at=work.at, ends_at=ends_at, set_by_role=str(work.actor.role))
    work.add(hold)
    work.session.flush()
    work.tell(EventType.DISCLOSURE_HOLD_PLACED, hold)
    return hold


def lift(work: Work, family: Family, hold_id: UUID) -> DisclosureHold:
    """End a hold early: what it held back is shown from now on."""
    hold = work.session.get(DisclosureHold, hold_id)
    if hold is None or hold.family_id != family.id:
        raise NotFound("This family has no such hold.")
    if hold.ends_at <= work.at:
        raise Conflict("This hold has ended already.", code="hold_ended")
    hold.ends_at, hold.ended_early = work.at, True
    work.tell(EventType.DISCLOSURE_HOLD_LIFTED, hold)
    return hold
