"""Caseload synchronisations: an agency sends all that runs in one municipality, and reads what became of each row."""

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import Field

from api.auth.calls import Call
from api.auth.guards import Routes
from api.auth.policy import Permission
from api.auth.uploads import Upload
from api.caseload_files import CSV, NDJSON, Line, read
from api.domain import caseload_synchronisations as synchronisations
from api.domain.codes import CaseloadOutcome, ContactFrequency, LegalBasis, RegistrationEnd, SynchronisationState
from api.domain.errors import Forbidden
from api.domain.models import CaseloadRow, CaseloadSynchronisation
from api.paging import Cursor, Limit, Page, decode, encode
from api.routers.involvements import GROUND, HelpDomains
from api.routers.parameters import DryRun, MayEnd, SynchronisationId
from api.routers.persons import Bsn
from api.routers.registrations import BASIS_ENDS, NOT_GIVEN, SHIELDED
from api.shapes import Body, CleanText, Day, Id, LegalGroundCode, Moment, MunicipalityCode, Out, YesNo

routes = Routes("Registrations")

KEPT_AT_ONCE = 200
LOOK_AGAIN = 2
"""After how many seconds there is something new to see."""
EndReason = Annotated[
    RegistrationEnd, Query(alias="endReason", description="With which reason what is in no row is ended.")
]


class CaseloadRowIn(Body):
    """A row: with whom an agency is involved, and with what. What it leaves out stays as it is."""

    bsn: Bsn
    help_domains: HelpDomains
    legal_basis: LegalBasis
    legal_basis_ends_on: Day | None = Field(default=None, description=BASIS_ENDS)
    legal_ground: LegalGroundCode | None = Field(default=None, description=GROUND)
    professional_id: Id | None = Field(default=None, description="Who does it; a professional of the agency.")
    contact_frequency: ContactFrequency | None = None
    shielded: YesNo = Field(default=False, description=SHIELDED)
    given_name: CleanText | None = None
    surname: CleanText | None = None
    birth_date: Day | None = None


class SynchronisationCarryingOut(Body):
    """How many registrations that are in no row may be ended, if that is more than 20 % of what runs."""

    may_end: int | None = Field(default=None, ge=0, le=1_000_000)


class OutcomeCounts(Out):
    """How many rows came to which outcome. `ended` and `kept` are registrations that are in no row."""

    started: int = 0
    changed: int = 0
    confirmed: int = 0
    ended: int = 0
    kept: int = 0
    refused: int = 0


class CaseloadSynchronisationOut(Out):
    """Where a synchronisation stands. `rows`: how many the file had. `wouldEnd`: how many of the `running`
    registrations are in none of them, once that was looked at; `mayEnd`: how many of them may be ended without a word
    from you, or by your word.
    """

    id: UUID
    municipality_code: MunicipalityCode
    state: SynchronisationState
    dry_run: bool
    end_reason: RegistrationEnd
    rows: int
    done: int
    running: int | None
    would_end: int | None
    may_end: int | None
    outcomes: OutcomeCounts
    received_at: Moment
    finished_at: Moment | None

    @property
    def retry_after(self) -> int | None:
        """When to look again, while it is going on."""
        return LOOK_AGAIN if self.state in synchronisations.IS_GOING_ON else None


class CaseloadRowOut(Out):
    """What became of a row. `line`: its line in the file; null for a registration that is in no row."""

    line: int | None
    outcome: CaseloadOutcome
    code: str | None = Field(description="Why it was refused; for programs.")
    column: str | None = Field(description="Which column of it was wrong, if it was one.")
    registration_id: UUID | None


def _out(call: Call, synchronisation: CaseloadSynchronisation) -> CaseloadSynchronisationOut:
    counts = synchronisations.counts(call.work, synchronisation)
    outcomes = {str(outcome): number for outcome, number in counts.items() if outcome}
    return CaseloadSynchronisationOut.of(
        synchronisation,
        rows=synchronisation.row_count,
        done=sum(outcomes.values()),
        running=synchronisation.running_count,
        may_end=synchronisations.may_end(call.work, synchronisation, synchronisation.running_count),
        outcomes=OutcomeCounts(**outcomes),
    )


def _row(row: CaseloadRow) -> CaseloadRowOut:
    return CaseloadRowOut.of(row, column=row.field)


@routes.post(
    "/caseload-synchronisations",
    Permission.CASELOAD_SYNCHRONISE,
    status=202,
    location="/caseload-synchronisations/{id}",
    takes=frozenset({CSV, NDJSON}),
    shape=CaseloadSynchronisationOut,
)
async def synchronise_caseload(
    upload: Upload,
    municipality_code: Annotated[MunicipalityCode, Query(alias="municipalityCode")],
    dry_run: DryRun = False,
    may_end: MayEnd = None,
    end_reason: EndReason = RegistrationEnd.COMPLETED,
) -> Callable[[Call], CaseloadSynchronisationOut]:
    """Send all that runs for your agency in one municipality; Spil starts, changes, confirms and ends what differs.

    The body is CSV (first line: the names of the columns; comma or semicolon; help domains separated by spaces) or
    NDJSON (an object a line), in UTF-8, of at most 32 MiB. It is stored before the answer, and carried out afterwards:
    poll the `Location`. What is in no row is ended; if that is more than `mayEnd`, or 20 % of what runs, nothing is
    changed until you confirm it with `_perform`. One at a time: 409 `synchronisation_running`.
    """
    _must_be_given_by_an_agency(end_reason)
    how = {"dry_run": dry_run, "end_reason": end_reason, "may_end": may_end}
    if upload.is_new:
        await upload.once(lambda call: synchronisations.must_be_alone(call.work, municipality_code))
    begun = await upload.once(lambda call: synchronisations.begin(call.work, municipality_code, **how))  # type: ignore[arg-type]
    upload.otherwise(lambda call: synchronisations.discard(call.work, begun.id))
    batch: list[Line] = []
    async for line in read(upload.pieces(), upload.media_type, CaseloadRowIn):
        batch.append(line)
        if len(batch) >= KEPT_AT_ONCE:
            await upload.once(partial(_keep, begun, batch))
            batch = []
    if batch:
        await upload.once(partial(_keep, begun, batch))
    return lambda call: _out(call, synchronisations.receive(call.work, begun.id))


def _keep(begun: CaseloadSynchronisation, lines: Iterable[Line], call: Call) -> None:
    synchronisations.keep_rows(
        call.work,
        [
            synchronisations.readable(call.work, begun, line.number, line.bsn, line.said)
            if line.bsn and line.said
            else synchronisations.unreadable(
                call.work, begun, line.number, line.code or "malformed", line.field, line.bsn
            )
            for line in lines
        ],
    )


@routes.get("/caseload-synchronisations", Permission.CASELOAD_SYNCHRONISE)
def list_caseload_synchronisations(
    call: Call, cursor: Cursor = None, limit: Limit = 50
) -> Page[CaseloadSynchronisationOut]:
    """List your agency's synchronisations, the newest first. They are forgotten two weeks after their end."""
    position = decode(cursor, datetime.fromisoformat, UUID)
    found = synchronisations.own(call.work, (position[0], position[1]) if position else None, limit)
    last = found[limit - 1] if len(found) > limit else None
    following = encode([last.received_at.isoformat(), str(last.id)]) if last and last.received_at else None
    return Page(items=[_out(call, one) for one in found[:limit]], next_cursor=following)


@routes.get("/caseload-synchronisations/{synchronisationId}", Permission.CASELOAD_SYNCHRONISE)
def get_caseload_synchronisation(call: Call, synchronisation_id: SynchronisationId) -> CaseloadSynchronisationOut:
    """Get how far a synchronisation is. While it is going on, `Retry-After` says when to look again."""
    return _out(call, synchronisations.get(call.work, synchronisation_id))


@routes.get("/caseload-synchronisations/{synchronisationId}/rows", Permission.CASELOAD_SYNCHRONISE)
def list_caseload_rows(
    call: Call,
    synchronisation_id: SynchronisationId,
    outcome: Annotated[CaseloadOutcome | None, Query(description="Only rows that came to this.")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[CaseloadRowOut]:
    """List what became of the rows that are done, by their lines in the file; never what they say."""
    synchronisation = synchronisations.get(call.work, synchronisation_id)
    [after] = decode(cursor, int) or (0,)
    found = synchronisations.rows(call.work, synchronisation, outcome, after, limit)
    following = encode([found[limit - 1].position]) if len(found) > limit else None
    return Page(items=[_row(one) for one in found[:limit]], next_cursor=following)


@routes.post("/caseload-synchronisations/{synchronisationId}/_perform", Permission.CASELOAD_SYNCHRONISE, status=202)
def carry_out_synchronisation(
    call: Call, synchronisation_id: SynchronisationId, body: SynchronisationCarryingOut
) -> CaseloadSynchronisationOut:
    """Have a synchronisation carried out that was a dry run, or that would end more than it might: say `mayEnd`.

    Nothing has to be sent again. Each row is compared anew, with what is registered then.
    """
    synchronisation = synchronisations.get(call.work, synchronisation_id)
    return _out(call, synchronisations.carry_out(call.work, synchronisation, body.may_end))


def _must_be_given_by_an_agency(reason: RegistrationEnd) -> None:
    if reason in NOT_GIVEN:
        raise Forbidden("An agency doesn't give this reason. Choose another one.", code="reason_reserved")
