"""Holds on what a family's members are shown of who has looked. Members never see that there is one."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import Path

from api.auth.calls import FamilyCall
from api.auth.guards import Routes
from api.auth.policy import Permission
from api.domain import calendar, disclosure_holds
from api.domain.models import DisclosureHold
from api.paging import Page
from api.shapes import Body, Day, Id, Moment, Out

routes = Routes("Disclosures")

HoldId = Annotated[Id, Path(alias="holdId")]


class DisclosureHoldPlacement(Body):
    """Until when, that day included, members are not shown who looks from now on. At most a year ahead."""

    ends_on: Day


class DisclosureHoldOut(Out):
    """A hold: since when, and the last day of it. It says that, never why."""

    id: UUID
    started_at: Moment
    ends_on: date
    ended_early: bool
    set_by_role: str


def _hold(hold: DisclosureHold) -> DisclosureHoldOut:
    ends_at: datetime = hold.ends_at
    return DisclosureHoldOut.of(hold, ends_on=calendar.last_day_before(ends_at))


@routes.get("/families/{familyId}/disclosure-holds", Permission.DISCLOSURE_HOLD)
def list_disclosure_holds(call: FamilyCall) -> Page[DisclosureHoldOut]:
    """List the holds of a family, the latest first."""
    return Page(items=[_hold(hold) for hold in disclosure_holds.of(call.work, call.family)])


@routes.post("/families/{familyId}/disclosure-holds", Permission.DISCLOSURE_HOLD, status=201)
def place_disclosure_hold(call: FamilyCall, body: DisclosureHoldPlacement) -> DisclosureHoldOut:
    """Hold back, for a period, who looks from now on. What members could see before stays."""
    return _hold(disclosure_holds.place(call.work, call.family, body.ends_on))


@routes.post("/families/{familyId}/disclosure-holds/{holdId}/_lift", Permission.DISCLOSURE_HOLD)
def lift_disclosure_hold(call: FamilyCall, hold_id: HoldId) -> DisclosureHoldOut:
    """End a hold early. What it held back is shown from now on."""
    return _hold(disclosure_holds.lift(call.work, call.family, hold_id))
