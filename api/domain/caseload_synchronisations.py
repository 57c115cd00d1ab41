"""Caseload synchronisations: an agency sends all that runs in one municipality, and hears what became of each row.

Here is what is done on request; the worker carries it out afterwards (`api/domain/synchronising.py`).

Invariant: what is received is complete and stored. Nothing is ended by accident: a caseload that would end more than
may be ended changes nothing before its agency says so.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import col, func, select, tuple_

from api.domain import agencies, registrations
from api.domain import bsn as numbers
from api.domain.codes import CaseloadOutcome, EventType, RegistrationEnd, SynchronisationState
from api.domain.errors import Conflict, Forbidden, Invalid, NotFound
from api.domain.models import CaseloadRow, CaseloadSynchronisation
from api.domain.vault import Place
from api.domain.work import Work, keep

HANDFUL = 5
SHARE = 5
"""Without a word of its agency, a caseload ends at most a handful, or one in so many of what runs if that is more."""

IS_GOING_ON = (SynchronisationState.RECEIVED, SynchronisationState.RUNNING)
WAITS = (SynchronisationState.COMPARED, SynchronisationState.CONFIRMATION_NEEDED)
RUNNING_ALREADY = Conflict(
    "Another synchronisation of your caseload in this municipality is going on. Wait for its end.",
    code="synchronisation_running",
)

REPEATED = """
UPDATE caseload_row AS r SET outcome = 'refused', code = 'duplicate_row', field = 'bsn', said_sealed = NULL
FROM (
  SELECT position, row_number() OVER (PARTITION BY bsn_pseudonym, professional_id ORDER BY position) AS nth
  FROM caseload_row WHERE synchronisation_id = %(id)s AND said_sealed IS NOT NULL
) AS same
WHERE r.synchronisation_id = %(id)s AND r.position = same.position AND same.nth > 1
"""
"""Of rows about the same person by the same professional the first counts."""


# Taking a caseload in


def begin(
    work: Work, municipality_code: str, *, dry_run: bool, end_reason: RegistrationEnd, may_end: int | None
) -> CaseloadSynchronisation:
    """Begin to take in a caseload. It is nothing yet: `receive` makes it one that is carried out."""
    registrations.must_exist(work, municipality_code)
    agency = agencies.active(work, _agency(work))
    return work.add(
        CaseloadSynchronisation(
            agency_id=agency.id,
            municipality_code=municipality_code,
            dry_run=dry_run,
            end_reason=end_reason,
            may_end=may_end,
            begun_at=work.at,
            subject=work.actor.subject,
        )
    )


def readable(work: Work, of: CaseloadSynchronisation, number: int, bsn: str, said: dict[str, Any]) -> dict[str, Any]:
    """A row that can be carried out, to keep."""
    sealed = work.vault.seal(json.dumps(said).encode(), bound_to=place_of(of.id, number, "said_sealed"))
    professional_id = said.get("professional_id")
    named = {"said_sealed": sealed, "professional_id": UUID(professional_id) if professional_id else None}
    return _row(of, number) | named | _sealed(work, of, number, bsn)


def unreadable(
    work: Work, of: CaseloadSynchronisation, number: int, code: str, field: str | None, bsn: str | None
) -> dict[str, Any]:
    """A row that can't, to keep: where, why, and whom it is about if it says so; nothing else of it."""
    said = {"outcome": CaseloadOutcome.REFUSED.value, "code": code, "field": field}
    return _row(of, number) | said | (_sealed(work, of, number, bsn) if bsn else {})


def keep_rows(work: Work, rows: list[dict[str, Any]]) -> None:
    keep(work.session, CaseloadRow, rows)


def discard(work: Work, synchronisation_id: UUID) -> None:
    """Throw away what came in, unless it was received."""
    text = "DELETE FROM caseload_synchronisation WHERE id = %s AND received_at IS NULL"
    work.session.connection().exec_driver_sql(text, (synchronisation_id,))


def receive(work: Work, synchronisation_id: UUID) -> CaseloadSynchronisation:
    """Receive a caseload that has come in completely. From here on it isn't lost."""
    synchronisation = work.session.get_one(CaseloadSynchronisation, synchronisation_id, with_for_update=True)
    synchronisation.row_count = work.session.exec(_count(synchronisation)).one()
    if not synchronisation.row_count:
        raise Invalid("There are no rows. End what still runs one by one.", field="", code="no_rows")
    work.session.connection().exec_driver_sql(REPEATED, {"id": synchronisation.id})
    _send(work, synchronisation, EventType.CASELOAD_SYNCHRONISATION_RECEIVED)
    return synchronisation


def carry_out(work: Work, synchronisation: CaseloadSynchronisation, may_end: int | None) -> CaseloadSynchronisation:
    """Have a caseload carried out that was only compared, or that would end more than it might."""
    work.session.refresh(synchronisation, with_for_update=True)
    if synchronisation.state not in WAITS:
        raise Conflict("It doesn't wait for you to have it carried out.", code="synchronisation_not_waiting")
    agencies.active(work, synchronisation.agency_id)
    must_be_alone(work, synchronisation.municipality_code)
    synchronisation.dry_run, synchronisation.may_end, synchronisation.finished_at = False, may_end, None
    _send(work, synchronisation, EventType.CASELOAD_SYNCHRONISATION_CONFIRMED)
    return synchronisation


def _send(work: Work, synchronisation: CaseloadSynchronisation, told: EventType) -> None:
    """To the worker, as who asks for it now."""
    actor = work.actor
    synchronisation.sqlmodel_update(
        {
            "state": SynchronisationState.RECEIVED,
            "received_at": synchronisation.received_at or work.at,
            "subject": actor.subject,
            "issuer": actor.issuer,
            "via": actor.via,
            "trace_id": work.trace_id,
        }
    )
    work.municipality_code = synchronisation.municipality_code
    work.tell(told, synchronisation)


# What an agency reads


def get(work: Work, synchronisation_id: UUID) -> CaseloadSynchronisation:
    """A synchronisation of the actor's own agency; another's is as good as none."""
    asked = _own(work).where(CaseloadSynchronisation.id == synchronisation_id)
    known: CaseloadSynchronisation | None = work.session.exec(asked).one_or_none()
    if known is None:
        raise NotFound("Your agency has no such synchronisation.")
    return known


def own(work: Work, after: tuple[datetime, UUID] | None, limit: int) -> Sequence[CaseloadSynchronisation]:
    """The agency's own, the newest first; one more than the limit if there are."""
    place = (col(CaseloadSynchronisation.received_at), col(CaseloadSynchronisation.id))
    found = _own(work).order_by(place[0].desc(), place[1].desc()).limit(limit + 1)
    if after:
        found = found.where(tuple_(*place) < after)
    known: Sequence[CaseloadSynchronisation] = work.session.exec(found).all()
    return known


def counts(work: Work, synchronisation: CaseloadSynchronisation) -> dict[CaseloadOutcome | None, int]:
    """How many rows came to which outcome; to none, those that are still to be done."""
    counted = select(CaseloadRow.outcome, func.count()).where(CaseloadRow.synchronisation_id == synchronisation.id)
    found: dict[CaseloadOutcome | None, int] = {}
    for outcome, number in work.session.exec(counted.group_by(col(CaseloadRow.outcome))):
        found[CaseloadOutcome(outcome) if outcome else None] = number
    return found


def rows(
    work: Work, synchronisation: CaseloadSynchronisation, outcome: CaseloadOutcome | None, after: int, limit: int
) -> Sequence[CaseloadRow]:
    """Its rows that are done, in order, those of the file first; one more than the limit if there are."""
    found = select(CaseloadRow).where(
        CaseloadRow.synchronisation_id == synchronisation.id, CaseloadRow.position > after
    )
    found = found.where(CaseloadRow.outcome == outcome if outcome else col(CaseloadRow.outcome).is_not(None))
    return work.session.exec(found.order_by(col(CaseloadRow.position)).limit(limit + 1)).all()


def may_end(work: Work, synchronisation: CaseloadSynchronisation, running: int | None) -> int:
    """How many may be ended: what its agency says; nothing while it is unclear whom a row is about."""
    if synchronisation.may_end is not None:
        return synchronisation.may_end
    unclear = _count(synchronisation).where(col(CaseloadRow.bsn_pseudonym).is_(None), col(CaseloadRow.line) > 0)
    if synchronisation.state in IS_GOING_ON + WAITS and work.session.exec(unclear).one():
        return 0
    return max(HANDFUL, (running or 0) // SHARE)


def place_of(synchronisation_id: UUID, position: int, column: str) -> Place:
    """Where something of a row stands: it can be opened there only."""
    return Place("caseload_row", column, (str(synchronisation_id), str(position)))


def _own(work: Work) -> Any:
    received = col(CaseloadSynchronisation.received_at).is_not(None)
    return select(CaseloadSynchronisation).where(CaseloadSynchronisation.agency_id == _agency(work), received)


def _agency(work: Work) -> UUID:
    if work.actor.agency_id is None:
        raise Forbidden("Only an agency does this, for itself.", code="role_lacking")
    return work.actor.agency_id


def must_be_alone(work: Work, municipality_code: str) -> None:
    """Refuse while another one of the agency's is going on there. The index holds it; this says so beforehand."""
    others = select(CaseloadSynchronisation.id).where(
        CaseloadSynchronisation.agency_id == _agency(work),
        CaseloadSynchronisation.municipality_code == municipality_code,
        col(CaseloadSynchronisation.received_at).is_not(None),
        col(CaseloadSynchronisation.state).in_(IS_GOING_ON),
    )
    if work.session.exec(others).first():
        raise RUNNING_ALREADY


def _count(synchronisation: CaseloadSynchronisation) -> Any:
    return select(func.count()).select_from(CaseloadRow).where(CaseloadRow.synchronisation_id == synchronisation.id)


def _row(of: CaseloadSynchronisation, number: int) -> dict[str, Any]:
    columns = ("bsn_sealed", "bsn_pseudonym", "said_sealed", "professional_id", "outcome", "code", "field")
    known = {"synchronisation_id": of.id, "position": number, "line": number, "agency_id": of.agency_id}
    return known | {"apart": False} | dict.fromkeys(columns)


def _sealed(work: Work, of: CaseloadSynchronisation, number: int, bsn: str) -> dict[str, bytes]:
    value = numbers.check(bsn).encode()
    sealed = work.vault.seal(value, bound_to=place_of(of.id, number, "bsn_sealed"))
    return {"bsn_sealed": sealed, "bsn_pseudonym": work.vault.pseudonym(value)}
