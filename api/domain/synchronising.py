"""Carrying out a caseload, step by step.

A step does some rows, or goes from one stage to the next: see what would be ended, do the rows of the file, list what
is missing from it, end that. It is one transaction with what came of its rows, so whoever stops in between has done
nothing twice and left nothing out. A dry run does the very same, and undoes it.
"""

from collections.abc import Sequence
from typing import Any

from sqlmodel import col, select

from api.domain import caseload_rows
from api.domain.caseload_rows import Verdict
from api.domain.caseload_synchronisations import may_end
from api.domain.codes import CaseloadOutcome, EventType, SynchronisationState
from api.domain.models import Agency, CaseloadRow, CaseloadSynchronisation, Client
from api.domain.work import Work

RUNS = """r.agency_id = %(agency_id)s AND r.municipality_code = %(code)s AND r.ended_at IS NULL
  AND r.bsn_pseudonym IS NOT NULL AND r.registered_at < %(since)s
  AND (r.expires_at > %(at)s OR r.involvement_id IS NOT NULL)"""
FORECAST = f"""
SELECT count(*) AS running, count(*) FILTER (WHERE NOT EXISTS (
  SELECT FROM caseload_row s WHERE s.synchronisation_id = %(id)s AND s.bsn_pseudonym = r.bsn_pseudonym)) AS missing
FROM registration r WHERE {RUNS}
"""
"""While keys change it may find too many missing. It then asks to be confirmed: what is ended is looked up anew."""
LIST_MISSING = f"""
INSERT INTO caseload_row (synchronisation_id, position, agency_id, apart, registration_id)
SELECT %(id)s, %(last)s + row_number() OVER (ORDER BY r.registered_at, r.id), r.agency_id, false, r.id
FROM registration r
WHERE {RUNS} AND NOT EXISTS (
  SELECT FROM caseload_row s WHERE s.synchronisation_id = %(id)s AND s.registration_id = r.id)
"""
AGAIN = """
WITH gone AS (DELETE FROM caseload_row WHERE synchronisation_id = %(id)s AND line IS NULL)
UPDATE caseload_row SET outcome = NULL, code = NULL, field = NULL, registration_id = NULL, apart = false
WHERE synchronisation_id = %(id)s AND said_sealed IS NOT NULL
"""
NOTE = """
UPDATE caseload_row AS r
SET outcome = v.outcome, apart = v.apart, code = v.code, field = v.field, registration_id = v.registration_id
FROM unnest(%(positions)s::int[], %(outcomes)s::text[], %(aparts)s::bool[], %(codes)s::text[], %(fields)s::text[],
            %(registrations)s::uuid[]) AS v (position, outcome, apart, code, field, registration_id)
WHERE r.synchronisation_id = %(id)s AND r.position = v.position
"""
FORGET = """UPDATE caseload_row SET bsn_sealed = NULL, bsn_pseudonym = NULL, said_sealed = NULL, professional_id = NULL
            WHERE synchronisation_id = %(id)s"""


# Step by step


def carry_on(work: Work, synchronisation: CaseloadSynchronisation, at_once: int) -> list[Verdict]:
    """Do the next step of a synchronisation that is locked; gives what came of its rows, if it was about rows."""
    work.municipality_code = synchronisation.municipality_code
    if not _may_go_on(work, synchronisation):
        _finish(work, synchronisation, SynchronisationState.STOPPED)
        return []
    if synchronisation.state is SynchronisationState.RECEIVED:
        _prepare(work, synchronisation)
        return []
    for missing in (False, True):
        if missing and not synchronisation.missing_listed:
            _list_missing(work, synchronisation)
            return []
        if rows := _to_do(work, synchronisation, missing, apart=False, limit=at_once):
            return (
                caseload_rows.end_all(work, synchronisation, rows)
                if missing
                else caseload_rows.do_all(work, synchronisation, rows)
            )
        if rows := _to_do(work, synchronisation, missing, apart=True, limit=1):
            return [
                caseload_rows.end_apart(work, synchronisation, rows[0])
                if missing
                else caseload_rows.do_apart(work, rows[0])
            ]
    done = SynchronisationState.COMPARED if synchronisation.dry_run else SynchronisationState.COMPLETED
    _finish(work, synchronisation, done)
    return []


def note(work: Work, synchronisation: CaseloadSynchronisation, verdicts: Sequence[Verdict]) -> None:
    """Write down what came of rows."""
    values = {
        "id": synchronisation.id,
        "positions": [one.position for one in verdicts],
        "outcomes": [one.outcome for one in verdicts],
        "aparts": [one.outcome is None for one in verdicts],
        "codes": [one.code for one in verdicts],
        "fields": [one.field for one in verdicts],
        "registrations": [None if _is_undone(synchronisation, one) else one.registration_id for one in verdicts],
    }
    work.session.connection().exec_driver_sql(NOTE, values)


def _is_undone(synchronisation: CaseloadSynchronisation, verdict: Verdict) -> bool:
    """What a dry run has started isn't there."""
    return synchronisation.dry_run and verdict.outcome is CaseloadOutcome.STARTED


def _may_go_on(work: Work, synchronisation: CaseloadSynchronisation) -> bool:
    """Not for an agency that is no longer active, nor for a system that is no longer trusted."""
    system = work.session.get(Client, synchronisation.subject)
    trusted = system is None or system.active
    return trusted and work.session.get_one(Agency, synchronisation.agency_id).active


def _prepare(work: Work, synchronisation: CaseloadSynchronisation) -> None:
    """See how much would be ended before anything is changed."""
    connection = work.session.connection()
    if synchronisation.running_count is not None:
        connection.exec_driver_sql(AGAIN, {"id": synchronisation.id})
        synchronisation.missing_listed = False
    found = connection.exec_driver_sql(FORECAST, _values(work, synchronisation)).one()
    synchronisation.running_count, synchronisation.would_end = found.running, found.missing
    synchronisation.state = SynchronisationState.RUNNING
    if not synchronisation.dry_run and found.missing > may_end(work, synchronisation, found.running):
        _hold(work, synchronisation)


def _list_missing(work: Work, synchronisation: CaseloadSynchronisation) -> None:
    """What runs and is in none of its rows is listed with them, to be ended."""
    last = "SELECT max(position) FROM caseload_row WHERE synchronisation_id = %(id)s"
    values = _values(work, synchronisation)
    values["last"] = work.session.connection().exec_driver_sql(last, values).scalar_one()
    missing = work.session.connection().exec_driver_sql(LIST_MISSING, values).rowcount
    synchronisation.missing_listed, synchronisation.would_end = True, missing
    allowed = may_end(work, synchronisation, synchronisation.running_count or 0)
    if not synchronisation.dry_run and missing > allowed:
        _hold(work, synchronisation)


def _hold(work: Work, synchronisation: CaseloadSynchronisation) -> None:
    synchronisation.state, synchronisation.finished_at = SynchronisationState.CONFIRMATION_NEEDED, work.at
    work.tell(EventType.CASELOAD_SYNCHRONISATION_HELD, synchronisation)


def _finish(work: Work, synchronisation: CaseloadSynchronisation, state: SynchronisationState) -> None:
    """After a dry run it waits to be carried out; otherwise nothing is left of what its rows said."""
    synchronisation.state, synchronisation.finished_at = state, work.at
    if state is not SynchronisationState.COMPARED:
        work.session.connection().exec_driver_sql(FORGET, {"id": synchronisation.id})
    work.tell(EventType(f"caseload_synchronisation.{state}"), synchronisation)


def _values(work: Work, synchronisation: CaseloadSynchronisation) -> dict[str, Any]:
    return {
        "id": synchronisation.id,
        "agency_id": synchronisation.agency_id,
        "code": synchronisation.municipality_code,
        "since": synchronisation.received_at,
        "at": work.at,
    }


def _to_do(
    work: Work, synchronisation: CaseloadSynchronisation, missing: bool, *, apart: bool, limit: int
) -> list[CaseloadRow]:
    """The next rows by person, with all rows about the last of them."""
    line = col(CaseloadRow.line)
    to_do = (
        select(CaseloadRow)
        .where(
            CaseloadRow.synchronisation_id == synchronisation.id,
            col(CaseloadRow.outcome).is_(None),
            col(CaseloadRow.apart).is_(apart),
            line.is_(None) if missing else line.is_not(None),
        )
        .order_by(col(CaseloadRow.bsn_pseudonym), col(CaseloadRow.position))
    )
    rows = list(work.session.exec(to_do.limit(limit)).all())
    if len(rows) == limit and not apart and not missing:
        last = rows[-1]
        also = (CaseloadRow.bsn_pseudonym == last.bsn_pseudonym, CaseloadRow.position > last.position)
        rows += work.session.exec(to_do.where(*also)).all()
    return rows
