"""Sealing: records that are finished are summed up in a signed checkpoint outside the database, in the order of ids.

Invariant: what a checkpoint covers never changes again, unless somebody tampers. An id is taken after its transaction
has a number (migration 0009). So `horizon` looks how far ids have been given out, and takes a number of its own; once
every transaction with a lower number has ended (`is_past`), no record can come any more up to that id. Ids survive a
dump and a restore, which transaction numbers don't.

What a record is summed up as: JSON without spaces, of its columns by name in alphabetical order, each as text; a column
without a value is left out, so that a column which comes later changes nothing. Instants are in UTC to the microsecond.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from sqlmodel import Session

from api.domain.checkpoints import FIRST, FORGOTTEN, NOTHING, SEALED, Book, Checkpoint, Line, NotToBeTrusted, Part
from api.domain.merkle import leaf, root

BATCH = 4096
"""Records in a checkpoint at most."""
PART = 256
"""Records in a part of it: a power of two, so that parts are subtrees."""
SEALING, READING = 7_375_501, 7_375_502
"""Advisory locks: of who seals, and of who reads what may not be forgotten meanwhile."""

COLUMNS = """
SELECT string_agg(CASE
         WHEN atttypid = 'timestamptz'::regtype
           THEN format('to_char(%%I AT TIME ZONE ''UTC'', ''YYYY-MM-DD"T"HH24:MI:SS.US"Z"'')', attname)
         WHEN atttypid = 'bytea'::regtype THEN format('encode(%%I, ''hex'')', attname)
         ELSE format('%%I::text', attname) END, ', ' ORDER BY attname COLLATE "C"),
       array_agg(attname::text ORDER BY attname COLLATE "C")
FROM pg_attribute WHERE attrelid = 'audit_record'::regclass AND attnum > 0 AND NOT attisdropped
"""
HORIZON = "SELECT coalesce(pg_sequence_last_value('audit_record_id_seq'), 0)"


@dataclass(frozen=True)
class Horizon:
    """How far ids were given out, and the number of a transaction that began after that."""

    upto: int
    transaction: int


@dataclass(frozen=True)
class Digest:
    """A record's id and what it is summed up as."""

    id: int
    leaf: bytes


class Elsewhere(Exception):
    """The database and the file of checkpoints don't belong together; the sentence says how that shows."""


def horizon(session: Session) -> Horizon:
    """How far sealing may go once every transaction that runs now has ended. Commits."""
    connection = session.connection()
    upto = connection.exec_driver_sql(HORIZON).scalar_one()
    transaction = connection.exec_driver_sql("SELECT pg_current_xact_id()::text::bigint").scalar_one()
    session.commit()
    return Horizon(upto, transaction)


def is_past(session: Session, known: Horizon) -> bool:
    """Whether every transaction from before the horizon has ended."""
    oldest = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
    return bool(session.connection().exec_driver_sql(oldest).scalar_one() > known.transaction)


def records(session: Session, after: int, upto: int) -> Iterator[Digest]:
    """The records after an id up to another, in order, a page at a time."""
    expressions, names = session.connection().exec_driver_sql(COLUMNS).one()
    page = f"SELECT id, {expressions} FROM audit_record AS r WHERE id > %s AND id <= %s ORDER BY r.id LIMIT {BATCH}"
    while True:
        rows = session.connection().exec_driver_sql(page, (after, upto)).all()
        yield from (Digest(row[0], leaf(_content(names, row[1:]))) for row in rows)
        if len(rows) < BATCH:
            return
        after = rows[-1][0]


def _content(names: Sequence[str], values: Sequence[str | None]) -> bytes:
    said = {name: value for name, value in zip(names, values, strict=True) if value is not None}
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()


def seal_next(session: Session, book: Book, upto: int) -> Line | None:
    """Seal the next batch of records, none after `upto`, which lies before the horizon. Commits.

    Gives None when there is nothing to seal, or somebody else is sealing. `Elsewhere` if this database and this book
    don't belong together: then nothing is sealed until somebody has looked.
    """
    if not _alone(session):
        return None
    head = _agreed_head(session, book)
    before = head.checkpoint if head else None
    after = before.sealed_upto if before else FIRST
    found = list(islice(records(session, after, upto), BATCH))
    if not found:
        session.rollback()
        return None
    full = len(found) == BATCH
    batch = _batch(found, after, found[-1].id if full else upto)
    line = book.append(_following(head, _now(session), **batch))
    _note(session, line)
    session.commit()
    return line


def _alone(session: Session) -> bool:
    return bool(session.connection().exec_driver_sql(f"SELECT pg_try_advisory_xact_lock({SEALING})").scalar_one())


def _now(session: Session) -> str:
    text = "SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
    return str(session.connection().exec_driver_sql(text).scalar_one())


def _batch(found: Sequence[Digest], after: int, upto: int) -> dict[str, Any]:
    parts = parts_of(found)
    parts[-1] = replace(parts[-1], upto=upto)
    return {
        "kind": SEALED,
        "after": after,
        "upto": upto,
        "count": len(found),
        "root": root_of(parts),
        "parts": tuple(parts),
        "last": found[-1].leaf.hex(),
        "sealed_upto": upto,
    }


def parts_of(found: Iterable[Digest]) -> list[Part]:
    """The records in parts of 256."""
    found, parts = iter(found), []
    while part := list(islice(found, PART)):
        parts.append(Part(part[-1].id, len(part), root(one.leaf for one in part).hex()))
    return parts


def root_of(parts: Iterable[Part]) -> str:
    return root(bytes.fromhex(part.root) for part in parts).hex()


def _following(head: Line | None, at: str, **said: Any) -> Checkpoint:
    """The next line: what isn't said stays as it was."""
    before = head.checkpoint if head else None
    known: dict[str, Any] = {
        "number": before.number + 1 if before else 1,
        "at": at,
        "parts": (),
        "count": 0,
        "root": NOTHING,
        "last": before.last if before else None,
        "sealed_upto": before.sealed_upto if before else FIRST,
        "forgotten_upto": before.forgotten_upto if before else FIRST,
        "keeps": None,
        "previous": head.digest if head else NOTHING,
    }
    return Checkpoint(**known | said)


def _note(session: Session, line: Line) -> None:
    """Note in the database which line was written, so that the file can't lose it."""
    insert = "INSERT INTO record_checkpoint (number, digest, at) VALUES (%s, %s, %s)"
    session.connection().exec_driver_sql(insert, (line.checkpoint.number, line.digest, line.checkpoint.at))


def noted(session: Session) -> tuple[int, str]:
    """The last line that the database knows of."""
    last = "SELECT number, digest FROM record_checkpoint ORDER BY number DESC LIMIT 1"
    row = session.connection().exec_driver_sql(last).first()
    return (row.number, row.digest) if row else (0, NOTHING)


def _agreed_head(session: Session, book: Book) -> Line | None:
    """The last line, if file and database agree on it. One that was written just before a crash is noted now."""
    head = book.head()
    number, digest = noted(session)
    if head and (head.checkpoint.number, head.checkpoint.previous) == (number + 1, digest):
        _note(session, head)
    elif (number, digest) != ((head.checkpoint.number, head.digest) if head else (0, NOTHING)):
        raise Elsewhere("The database and the file of checkpoints end differently. Run: spil audit verify")
    if head and not _is_where_we_were(session, head.checkpoint):
        raise Elsewhere("The record that was sealed last is gone or changed. Run: spil audit verify")
    return head


def _is_where_we_were(session: Session, known: Checkpoint) -> bool:
    """A quick look at the record that was sealed last; whatever lies before it is for `verify`."""
    if known.last is None or known.sealed_upto <= known.forgotten_upto:
        return True
    newest = "SELECT max(id) FROM audit_record WHERE id <= %s"
    last_id = session.connection().exec_driver_sql(newest, (known.sealed_upto,)).scalar_one()
    return last_id is not None and [one.leaf.hex() for one in records(session, last_id - 1, last_id)] == [known.last]


def lay_down(session: Session, book: Book, **said: Any) -> Checkpoint:
    """Add a line that seals nothing: that records may be forgotten, or that the database was restored. Commits."""
    if not _alone(session):
        raise Elsewhere("Somebody else is sealing. Try again.")
    head = book.head() if said.get("keeps") is not None else _agreed_head(session, book)
    line = book.append(_following(head, _now(session), **said))
    _note(session, line)
    session.commit()
    return line.checkpoint


def sealed_batches(book: Book) -> Iterator[Checkpoint]:
    """The batches that stand, in order: not those that were given up in a restore."""
    given_up = _given_up(book)
    for line in book.lines():
        one = book.read(line).checkpoint
        if one.kind == SEALED and not any(first < one.number < last for first, last in given_up):
            yield one


def _given_up(book: Book) -> list[tuple[int, int]]:
    """Between which lines batches were given up."""
    lines = (_readable(book, line) for line in book.lines())
    return [(one.keeps, one.number) for one in lines if one is not None and one.keeps is not None]


def _readable(book: Book, line: bytes) -> Checkpoint | None:
    try:
        return book.read(line).checkpoint
    except NotToBeTrusted:
        return None


def forgotten(known: Checkpoint, upto: int, batches: Sequence[Checkpoint]) -> dict[str, Any]:
    """What a tombstone says: from where to where, how many records, and the root over the roots of their batches."""
    return {
        "kind": FORGOTTEN,
        "after": known.forgotten_upto,
        "upto": upto,
        "count": sum(batch.count for batch in batches),
        "root": root(bytes.fromhex(batch.root) for batch in batches).hex(),
        "forgotten_upto": upto,
    }
