"""Verifying: everything that was sealed is computed anew, and whatever differs is said, as exactly as can be known.

A batch's parts say between which ids something was changed, removed or inserted; the chain of lines says which
checkpoint was. What isn't sealed yet isn't covered, and is counted. Only a page of records is in memory at a time.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlmodel import Session

from api.domain.checkpoints import FIRST, NOTHING, RESTORED, SEALED, Book, Checkpoint, NotToBeTrusted, Part
from api.domain.merkle import root
from api.domain.sealing import HORIZON, READING, Digest, records, root_of

NOTED = "SELECT number, digest FROM record_checkpoint WHERE number > %s ORDER BY number LIMIT 4096"
TAIL = """
SELECT count(*), to_char(min(at) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"') FROM audit_record WHERE id > %s
"""
NEVER_GIVEN = f"""
SELECT id FROM audit_record WHERE id < 1 UNION ALL SELECT id FROM audit_record WHERE id > ({HORIZON})
ORDER BY id LIMIT 10
"""


@dataclass
class Report:
    """What was found. `wrong` is empty when everything that was sealed is as it was."""

    wrong: list[str] = field(default_factory=list)
    checkpoints: int = 0
    batches: int = 0
    records: int = 0
    forgotten: int = 0
    given_up: list[str] = field(default_factory=list)
    unsealed: int = 0
    unsealed_since: str | None = None
    head: str = NOTHING


@dataclass
class _Known:
    """What the lines that can be trusted say together."""

    given_up: list[tuple[int, int]] = field(default_factory=list)
    sealed_upto: int = FIRST
    forgotten_upto: int = FIRST

    def stands(self, one: Checkpoint) -> bool:
        return one.kind == SEALED and not any(first < one.number < last for first, last in self.given_up)


def verify(
    session: Session,
    book: Book,
    *,
    expected_head: str | None = None,
    on_progress: Callable[[int], None] = lambda _: None,
) -> Report:
    """Look at every line and every record. `expected_head`: the digest of a line, noted down elsewhere at its time."""
    session.connection().exec_driver_sql(f"SELECT pg_advisory_xact_lock_shared({READING})")
    report = Report()
    known = _chain(session, book, report, expected_head)
    reached = FIRST
    for batch in _standing(book, known):
        if batch.after != reached:
            report.wrong.append(f"No checkpoint that can be trusted covers the records {_range(reached, batch.after)}.")
        reached = batch.upto
        _look_at(session, batch, known, report)
        on_progress(report.records)
    _rest(session, known, report)
    return report


def first_wrong(session: Session, book: Book) -> tuple[int, Checkpoint | None]:
    """Up to which line the batches are all there, and the last such batch: what a restored database still has."""
    known = _chain(session, book, Report(), None)
    kept: Checkpoint | None = None
    for batch in _standing(book, known):
        report = Report()
        _look_at(session, batch, known, report)
        if report.wrong:
            break
        kept = batch
    return (kept.number if kept else 0), kept


def restored(kept: tuple[int, Checkpoint | None]) -> dict[str, Any]:
    """What a line says when the database went back in time: which batches are kept."""
    number, batch = kept
    upto = batch.upto if batch else FIRST
    return {
        "kind": RESTORED,
        "keeps": number,
        "after": upto,
        "upto": upto,
        "sealed_upto": upto,
        "last": batch.last if batch else None,
    }


def _chain(session: Session, book: Book, report: Report, expected_head: str | None) -> _Known:
    """Every line follows the one before it, is signed, and is the one the database knows by its number."""
    known, notes = _Known(), _noted(session)
    note = next(notes, None)
    number, previous, seen = 0, NOTHING, expected_head is None
    for place, line in enumerate(book.lines(), start=1):
        digest = hashlib.sha256(line).hexdigest()
        seen = seen or digest == expected_head
        try:
            one = book.read(line).checkpoint
        except NotToBeTrusted as error:
            report.wrong.append(f"Line {place} of the checkpoints can't be trusted: {error}.")
            number, previous = number + 1, ""
            continue
        if one.number != number + 1 or previous not in ("", one.previous):
            report.wrong.append(f"Checkpoint {one.number}, in line {place}, doesn't follow the line before it.")
        number, previous = one.number, digest
        while note and note[0] < number:
            note = next(notes, None)
        if note and note[0] == number and note[1] != digest:
            report.wrong.append(f"Checkpoint {number} isn't the one that the database noted.")
        _learn(known, one, report)
    report.head = previous or NOTHING
    _ends_alike(session, number, report)
    if not seen:
        report.wrong.append("No checkpoint has the digest you expected: lines were removed or changed.")
    return known


def _learn(known: _Known, one: Checkpoint, report: Report) -> None:
    report.checkpoints += 1
    known.sealed_upto, known.forgotten_upto = one.sealed_upto, max(known.forgotten_upto, one.forgotten_upto)
    if one.keeps is not None:
        known.given_up.append((one.keeps, one.number))
        report.given_up.append(f"At {one.at} the database was restored: checkpoints after {one.keeps} were given up.")


def _ends_alike(session: Session, number: int, report: Report) -> None:
    """The database notes a line just after it was written, so the file may be one ahead; never behind."""
    last = session.connection().exec_driver_sql("SELECT max(number) FROM record_checkpoint").scalar_one() or 0
    if number < last:
        report.wrong.append(f"The file ends with checkpoint {number}, and the database knows of {last}.")
    if number > last + 1:
        report.wrong.append(f"The database forgot of checkpoints: it knows of {last}, and the file has {number}.")


def _noted(session: Session) -> Iterator[tuple[int, str]]:
    after = 0
    while rows := session.connection().exec_driver_sql(NOTED, (after,)).all():
        yield from ((row.number, row.digest) for row in rows)
        after = rows[-1].number


def _standing(book: Book, known: _Known) -> Iterator[Checkpoint]:
    """The batches that stand, in the order of their ids, as far as their lines can be trusted."""
    reached = FIRST
    for line in book.lines():
        try:
            one = book.read(line).checkpoint
        except NotToBeTrusted:
            continue
        if known.stands(one) and one.after >= reached:
            reached = one.upto
            yield one


def _look_at(session: Session, batch: Checkpoint, known: _Known, report: Report) -> None:
    found = records(session, batch.after, batch.upto)
    if batch.upto <= known.forgotten_upto:
        first = next(found, None)
        if first is None:
            report.forgotten += batch.count
            return
        found = _with(first, found)
    report.batches += 1
    if root_of(batch.parts) != batch.root:
        report.wrong.append(f"Checkpoint {batch.number} doesn't add up.")
    _compare(batch, found, report)


def _with(first: Digest, rest: Iterator[Digest]) -> Iterator[Digest]:
    yield first
    yield from rest


def _compare(batch: Checkpoint, found: Iterator[Digest], report: Report) -> None:
    after, waiting = batch.after, next(found, None)
    for part in batch.parts:
        count, leaves = 0, []
        while waiting and waiting.id <= part.upto:
            count += 1
            if count <= part.count:
                leaves.append(waiting.leaf)
            waiting = next(found, None)
        if count != part.count or root(leaves).hex() != part.root:
            report.wrong.append(_difference(batch, part, after, count))
        report.records += count
        after = part.upto


def _difference(batch: Checkpoint, part: Part, after: int, count: int) -> str:
    where = f"the records {_range(after, part.upto)} (checkpoint {batch.number} of {batch.at})"
    if count < part.count:
        return f"Of {where}, {part.count - count} were removed."
    if count > part.count:
        return f"Among {where}, {count - part.count} were inserted."
    return f"Of {where}, at least one was changed."


def _range(after: int, upto: int) -> str:
    return f"{max(after + 1, 1)} to {upto}"


def _rest(session: Session, known: _Known, report: Report) -> None:
    """What no checkpoint covers yet, and what can't be there at all."""
    connection = session.connection()
    report.unsealed, report.unsealed_since = connection.exec_driver_sql(TAIL, (known.sealed_upto,)).one()
    for row in connection.exec_driver_sql(NEVER_GIVEN):
        report.wrong.append(f"The record {row.id} was inserted: the database never gave out that id.")
