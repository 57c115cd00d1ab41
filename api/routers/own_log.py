"""A family member's own log: who was shown their data."""

from datetime import datetime
from typing import Any
from uuid import UUID

from api.auth.calls import Call
from api.auth.guards import Routes
from api.auth.policy import Permission
from api.domain import own_log
from api.domain.codes import AgencyKind
from api.domain.own_log import Position
from api.paging import Cursor, Limit, Page, decode, encode
from api.shapes import Moment, Out

routes = Routes("Disclosures")


class LookingAgency(Out):
    """The agency for which somebody looked."""

    id: UUID
    name: str
    kind: AgencyKind


class MyDisclosure(Out):
    """That your data was shown: when, to whom, for what, on which basis, and what sort of data (`fields`).

    `agency` with the `function` of who looked, or the `municipality`. `byMyself`: you looked.
    """

    at: Moment
    by_myself: bool
    role: str
    agency: LookingAgency | None
    function: str | None
    municipality: str | None
    purpose: str | None
    legal_basis: str | None
    fields: str | None
    decision: str


def _seen(number: int) -> int:
    """How many entries of one instant were seen."""
    if not 0 <= int(number) < 2**31:
        raise ValueError
    return int(number)


@routes.get("/my-disclosures", Permission.OWN_LOG_READ)
def list_my_disclosures(call: Call, cursor: Cursor = None, limit: Limit = 50) -> Page[MyDisclosure]:
    """List who was shown your data, the latest first: the agencies you know of, and your municipality.

    What some agencies looked at is shown after a while. What others of your family looked at is theirs.
    """
    given = decode(cursor, datetime.fromisoformat, _seen)
    before = Position(given[0], given[1]) if given else None
    found = own_log.entries(call.work, Permission.OWN_LOG_READ, before, limit)
    call.work.record(Permission.OWN_LOG_READ, "shown", shown_person_id=call.work.actor.person_id)
    following = own_log.position_after(found[:limit], before) if len(found) > limit else None
    return Page(
        items=[_entry(row) for row in found[:limit]],
        next_cursor=encode([following.at.isoformat(), str(following.seen)]) if following else None,
    )


def _entry(row: Any) -> MyDisclosure:
    agency = LookingAgency(id=row.agency_id, name=row.agency, kind=row.agency_kind) if row.agency_id else None
    return MyDisclosure.of(row, agency=agency)
