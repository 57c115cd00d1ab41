"""Rows of a caseload, against what the agency has registered: what is new is started, what differs is changed, what is
the same is confirmed, and what is in no row is ended. By the verbs of single calls, with their rules and events.

Rows about one person are done together. What concerns a family locks that family, and is done apart. What a rule
refuses is refused with its code, and changes nothing.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, LargeBinary, Uuid, any_, cast
from sqlmodel import col, select

from api.domain import bases, calendar, involvements, persons, registrations, signals
from api.domain import bsn as numbers
from api.domain.caseload_synchronisations import place_of
from api.domain.codes import CaseloadOutcome, ContactFrequency, LegalBasis
from api.domain.errors import DomainError, KeyMissing
from api.domain.models import CaseloadRow, CaseloadSynchronisation, Involvement, Professional, Registration
from api.domain.work import Work

WORTH = timedelta(days=7)
"""What is the same is confirmed on record when that puts its end or its next confirmation off by a week or more."""
READ_AS: dict[str, Callable[[str], Any]] = {
    "legal_basis": LegalBasis,
    "legal_basis_ends_on": date.fromisoformat,
    "contact_frequency": ContactFrequency,
    "professional_id": UUID,
    "birth_date": date.fromisoformat,
}
SUBJECT = ("given_name", "surname", "birth_date")
COMPARED = ("legal_basis_ends_on", "legal_ground", "contact_frequency", "shielded", "legal_basis")


@dataclass(frozen=True)
class Verdict:
    """What came of a row. Without an outcome: that it is to be done apart."""

    position: int
    outcome: CaseloadOutcome | None
    registration_id: UUID | None = None
    code: str | None = None
    field: str | None = None


# Rows of the file


def do_all(work: Work, synchronisation: CaseloadSynchronisation, rows: Sequence[CaseloadRow]) -> list[Verdict]:
    by_bsn = defaultdict(list)
    for row in rows:
        by_bsn[_opened(work, row, "bsn_sealed", row.bsn_sealed)].append(row)
    running = _running(work, synchronisation, list(by_bsn))
    _look_up_professionals(work, rows)
    made: list[Registration] = []
    verdicts = [
        _do(work, synchronisation, row, registration, bsn, made)
        for bsn, about_one in by_bsn.items()
        for row, registration in _paired(about_one, running[bsn])
    ]
    signals.place_later(work, *made)
    return verdicts


def _do(
    work: Work,
    synchronisation: CaseloadSynchronisation,
    row: CaseloadRow,
    registration: Registration | None,
    bsn: str,
    made: list[Registration],
) -> Verdict:
    try:
        if registration is None:
            made.append(_start(work, synchronisation, row, bsn))
            return Verdict(row.position, CaseloadOutcome.STARTED, made[-1].id)
        new = _differences(work, row, registration)
        if registration.involvement_id and (new or _is_worth_confirming(work, registration)):
            return Verdict(row.position, None, registration.id)
        return Verdict(row.position, _bring_up_to_date(work, registration, new), registration.id)
    except DomainError as refusal:
        return _refused(row, refusal, registration.id if registration else None)


def do_apart(work: Work, row: CaseloadRow) -> Verdict:
    registration_id = row.registration_id or UUID(int=0)
    try:
        registration = registrations.get_to_change(work, registration_id)
        outcome = _bring_up_to_date(work, registration, _differences(work, row, registration))
        return Verdict(row.position, outcome, registration_id)
    except DomainError as refusal:
        return _refused(row, refusal, registration_id)


def _start(work: Work, synchronisation: CaseloadSynchronisation, row: CaseloadRow, bsn: str) -> Registration:
    said = _said(work, row)
    subject = registrations.Subject(bsn=bsn, **{name: said.pop(name, None) for name in SUBJECT})
    domains = said.pop("help_domains")
    registration = registrations.draft(
        work, synchronisation.municipality_code, subject, domains, involvements.Terms(**said)
    )
    registrations.add(work, registration, bsn)
    return registration


def _bring_up_to_date(work: Work, registration: Registration, new: dict[str, Any]) -> CaseloadOutcome:
    if new:
        registrations.change(work, registration, **new)
        return CaseloadOutcome.CHANGED
    if _is_worth_confirming(work, registration):
        registrations.confirm(work, registration)
    return CaseloadOutcome.CONFIRMED


def _differences(work: Work, row: CaseloadRow, registration: Registration) -> dict[str, Any]:
    """What a row says otherwise. What it leaves out stays; another basis comes with all that is said of it."""
    said = _said(work, row)
    new = {name: said[name] for name in COMPARED if name in said and said[name] != getattr(registration, name)}
    if "legal_basis" in new:
        new |= {name: said[name] for name in bases.SAYS & said.keys()}
    if "professional_id" in said and said["professional_id"] != registration.professional_id:
        new["professional_id"] = said["professional_id"]
    if set(said["help_domains"]) != set(registration.help_domains):
        new["help_domains"] = said["help_domains"]
    return new


def _is_worth_confirming(work: Work, registration: Registration) -> bool:
    until = signals.expiry(work, registration.legal_basis, registration.legal_basis_ends_on)
    involvement = signals.running_involvement(work, registration)
    if involvement and involvement.confirmation_due_on:
        due = calendar.day_of(work.at + involvements.CONFIRMED_FOR)
        return due - involvement.confirmation_due_on >= WORTH
    return until - registration.expires_at >= WORTH


def _said(work: Work, row: CaseloadRow) -> dict[str, Any]:
    said = _opened(work, row, "said_sealed", row.said_sealed)
    return {
        name: READ_AS[name](value) if name in READ_AS and value is not None else value
        for name, value in json.loads(said).items()
    }


def _refused(row: CaseloadRow, refusal: DomainError, registration_id: UUID | None) -> Verdict:
    """A rule refused it. That a key isn't there is nothing of the row's: it is for later."""
    if isinstance(refusal, KeyMissing):
        raise refusal
    field = getattr(refusal, "field", None)
    return Verdict(row.position, CaseloadOutcome.REFUSED, registration_id, refusal.code, field)


def _paired(
    rows: Sequence[CaseloadRow], running: list[Registration]
) -> Iterator[tuple[CaseloadRow, Registration | None]]:
    """Rows about one person with the registrations that run: by professional first, then whatever is left."""
    of = {registration.professional_id: registration for registration in running}
    pairs = {row.position: of.pop(row.professional_id, None) for row in rows}
    left = iter(of.values())
    for row in rows:
        yield row, pairs[row.position] or next(left, None)


def _running(
    work: Work, synchronisation: CaseloadSynchronisation, bsns: list[str]
) -> defaultdict[str, list[Registration]]:
    """The agency's registrations of these persons that run, locked. Nobody else makes one until this commits."""
    persons.hold_bsns(work, bsns, f"{synchronisation.agency_id}:{synchronisation.municipality_code}")
    known_by = {pseudonym: bsn for bsn in bsns for pseudonym in numbers.pseudonyms(work.vault, bsn)}
    among = (
        Registration.agency_id == synchronisation.agency_id,
        Registration.municipality_code == synchronisation.municipality_code,
        col(Registration.ended_at).is_(None),
    )
    these = col(Registration.bsn_pseudonym) == any_(cast(list(known_by), ARRAY(LargeBinary)))
    found = _locked(work, select(Registration).where(*among, these))
    persons.must_know_all_keys(work, col(Registration.bsn_pseudonym), *among)
    running = defaultdict(list)
    for registration in found:
        if registration.bsn_pseudonym and _still_runs(work, registration):
            running[known_by[registration.bsn_pseudonym]].append(registration)
    return running


def _locked(work: Work, these: Any) -> Sequence[Registration]:
    """Registrations, locked, with their involvements at hand."""
    found: Sequence[Registration] = work.session.exec(
        these.order_by(col(Registration.id)).with_for_update(key_share=True)
    ).all()
    joined = [registration.involvement_id for registration in found if registration.involvement_id]
    if joined:
        among = cast(joined, ARRAY(Uuid()))
        asked = select(Involvement).where(col(Involvement.id) == any_(among))
        work.once(("involvements", *joined), work.session.exec(asked).all)
    return found


def _still_runs(work: Work, registration: Registration) -> bool:
    """Whether it does; what has come of it by itself is written down."""
    joined = signals.running_involvement(work, registration)
    if joined is None and (registration.involvement_id or signals.ending(work, registration)):
        signals.settle(work, registration)
        work.session.flush()
    return registration.ended_at is None


def _look_up_professionals(work: Work, rows: Sequence[CaseloadRow]) -> None:
    """All at once who is named in these rows."""
    named = {name for row in rows if (name := row.professional_id)}
    among = cast(list(named), ARRAY(Uuid()))
    asked = select(Professional).where(col(Professional.id) == any_(among)).order_by(col(Professional.id))
    found = {one.id: one for one in work.session.exec(asked.with_for_update(read=True, key_share=True)).all()}
    for professional_id in named:
        work.once((Professional, professional_id), partial(found.get, professional_id))


def _opened(work: Work, row: CaseloadRow, column: str, sealed: bytes | None) -> str:
    place = place_of(row.synchronisation_id, row.position, column)
    return work.vault.open(sealed or b"", bound_to=place).decode()


# What is in no row


def end_all(work: Work, synchronisation: CaseloadSynchronisation, rows: Sequence[CaseloadRow]) -> list[Verdict]:
    by_id = {row.registration_id: row for row in rows}
    among = cast(list(by_id), ARRAY(Uuid()))
    found = _locked(work, select(Registration).where(col(Registration.id) == any_(among)))
    kept = _named_in_vain(work, synchronisation, found)
    ended = [_end(work, synchronisation, by_id.pop(one.id), one, is_kept=one.id in kept) for one in found]
    return ended + [Verdict(row.position, CaseloadOutcome.ENDED, row.registration_id) for row in by_id.values()]


def _end(
    work: Work,
    synchronisation: CaseloadSynchronisation,
    row: CaseloadRow,
    registration: Registration,
    *,
    is_kept: bool,
) -> Verdict:
    if is_kept:
        return Verdict(row.position, CaseloadOutcome.KEPT, registration.id)
    if _still_runs(work, registration):
        if registration.involvement_id:
            return Verdict(row.position, None, registration.id)
        registrations.end(work, registration, synchronisation.end_reason)
    return Verdict(row.position, CaseloadOutcome.ENDED, registration.id)


def end_apart(work: Work, synchronisation: CaseloadSynchronisation, row: CaseloadRow) -> Verdict:
    registration_id = row.registration_id or UUID(int=0)
    try:
        registration = registrations.get_to_change(work, registration_id)
        registrations.end(work, registration, synchronisation.end_reason)
        return Verdict(row.position, CaseloadOutcome.ENDED, registration_id)
    except DomainError as refusal:
        return _refused(row, refusal, registration_id)


def _named_in_vain(work: Work, synchronisation: CaseloadSynchronisation, found: Sequence[Registration]) -> set[UUID]:
    """Those about somebody whom a refused row names: it may have been meant to be this one."""
    of = {pseudonym: one.id for one in found for pseudonym in signals.pseudonyms_of(work, one)}
    refused = select(CaseloadRow.bsn_pseudonym).where(
        CaseloadRow.synchronisation_id == synchronisation.id,
        CaseloadRow.outcome == CaseloadOutcome.REFUSED,
        CaseloadRow.code != "duplicate_row",
        col(CaseloadRow.bsn_pseudonym) == any_(cast(list(of), ARRAY(LargeBinary))),
    )
    return {of[pseudonym] for pseudonym in work.session.exec(refused) if pseudonym}
