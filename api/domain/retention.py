"""Retention: what is kept for how long, as a table, and the job that forgets what is over.

Invariant: what is forgotten is gone wholly, with everything that refers to it, in one transaction, which leaves a
record that says how many of what, and nothing of whom. What is still needed is never forgotten: a family that a running
registration is part of, a person anything refers to. Records of disclosures go last, by whole sealed batches, after a
signed checkpoint that says so.

Runs as the worker: nobody else may take away an event or a record (migration 0011).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Column, Table, and_, delete, exists, func, insert, literal_column, or_, select, tuple_
from sqlmodel import Session, SQLModel

from api.domain import sealing
from api.domain.actor import CLOCK
from api.domain.checkpoints import Book, Checkpoint
from api.domain.models import AuditRecord

TABLES = SQLModel.metadata.tables


@dataclass(frozen=True)
class Term:
    """How long something is kept after it is over, and on what ground."""

    what: str
    days: int
    ground: str
    due: Callable[[datetime], Any]
    """Selects the keys of what is over since before an instant."""
    forget: Callable[[Session, Sequence[Any]], dict[str, int]]
    """Forgets what has these keys; gives how many rows of which table."""
    at_once: int = 1000
    """How many in one transaction."""

    def over(self, now: datetime) -> Any:
        return self.due(now - timedelta(days=self.days))


def now_of(session: Session) -> datetime:
    now: datetime = session.connection().exec_driver_sql("SELECT clock_timestamp()").scalar_one()
    return now


def count(session: Session, term: Term, now: datetime) -> int:
    """How many are over."""
    found: int = session.connection().execute(select(func.count()).select_from(term.over(now).subquery())).scalar_one()
    return found


def forget_some(session: Session, term: Term, now: datetime) -> int:
    """Forget some of what is over; gives how many. Commits."""
    keys = session.connection().execute(term.over(now).limit(term.at_once)).all()
    if not keys:
        session.rollback()
        return 0
    gone = term.forget(session, keys)
    _leave_record(session, {term.what: len(keys)} | gone)
    session.commit()
    return len(keys)


def _leave_record(session: Session, gone: dict[str, int]) -> None:
    """That something was forgotten: how many of what, and nothing of whom."""
    said = " ".join(f"{name}={number}" for name, number in sorted(gone.items()) if number)
    record = AuditRecord.of(CLOCK, "retention:forget", "changed", now_of(session), fields=said, activity="retention")
    values = record.model_dump(exclude={"id"})
    session.connection().execute(insert(TABLES["audit_record"]).inline(), values)


# What refers to what is forgotten goes with it


def _referring(table: Table) -> Iterator[tuple[Table, Column[Any]]]:
    """The tables with a foreign key to this one, other than to itself."""
    for other in TABLES.values():
        for column in other.columns:
            for key in column.foreign_keys:
                if key.column.table is table and other is not table:
                    yield other, column


def _uproot(session: Session, table: Table, condition: Any) -> dict[str, int]:
    """Delete rows and, before them, whatever refers to them; gives how many of which table."""
    gone: dict[str, int] = {}
    for other, column in _referring(table):
        parents = select(_key(table)).where(condition)
        _add(gone, _uproot(session, other, column.in_(parents)))
    _add(gone, {table.name: session.connection().execute(delete(table).where(condition)).rowcount})
    return gone


def _key(table: Table) -> Column[Any]:
    return next(iter(table.primary_key.columns))


def _add(gone: dict[str, int], more: dict[str, int]) -> None:
    for name, number in more.items():
        gone[name] = gone.get(name, 0) + number


def _forget_events(session: Session, condition: Any) -> dict[str, int]:
    """Events go after what they were about; the database refuses it otherwise, and to anybody but the worker."""
    session.connection().exec_driver_sql("SELECT set_config('spil.forgetting', 'event', true)")
    gone = _uproot(session, TABLES["event"], condition)
    session.connection().exec_driver_sql("SELECT set_config('spil.forgetting', '', true)")
    return gone


def _events_about(keys: Iterable[Any]) -> Any:
    event = TABLES["event"].c
    return and_(event.family_id.is_(None), event.about.in_([str(key) for key in keys]))


# Families, and the persons in them


def _closed_families(before: datetime) -> Any:
    family, involvement, registration = TABLES["family"].c, TABLES["involvement"].c, TABLES["registration"].c
    running = exists().where(
        involvement.family_id == family.id,
        registration.involvement_id == involvement.id,
        registration.ended_at.is_(None),
    )
    return select(family.id).where(family.closed_at < before, ~running).order_by(family.closed_at, family.id)


def _forget_families(session: Session, keys: Sequence[Any]) -> dict[str, int]:
    family, member = TABLES["family"].c, TABLES["member"].c
    still_closed = select(family.id).where(family.id.in_([key[0] for key in keys]), family.closed_at.is_not(None))
    ids = session.connection().execute(still_closed.with_for_update()).scalars().all()
    persons = session.connection().execute(select(member.person_id).where(member.family_id.in_(ids))).scalars().all()
    gone = _uproot(session, TABLES["family"], TABLES["family"].c.id.in_(ids))
    _add(gone, _forget_events(session, TABLES["event"].c.family_id.in_(ids)))
    loose = select(TABLES["person"].c.id).where(TABLES["person"].c.id.in_(persons), _is_loose())
    _add(gone, _forget_persons(session, session.connection().execute(loose).all()))
    return gone


def _is_loose() -> Any:
    """Nothing refers to this person any more."""
    person = TABLES["person"]
    return and_(*(~exists().where(column == person.c.id) for _, column in _referring(person)))


def _loose_persons(before: datetime) -> Any:
    person, event = TABLES["person"].c, TABLES["event"].c
    recent = exists().where(
        event.family_id.is_(None), event.about == literal_column("person.id::text"), event.at >= before
    )
    return select(person.id).where(_is_loose(), ~recent).order_by(person.id)


def _forget_persons(session: Session, keys: Sequence[Any]) -> dict[str, int]:
    ids = [key[0] for key in keys]
    removed = session.connection().execute(delete(TABLES["person"]).where(TABLES["person"].c.id.in_(ids)))
    gone = {"person": removed.rowcount}
    _add(gone, _forget_events(session, _events_about(ids)))
    return gone


def _ended_registrations(before: datetime) -> Any:
    registration = TABLES["registration"].c
    over = (registration.ended_at < before, registration.involvement_id.is_(None))
    return select(registration.id).where(*over).order_by(registration.ended_at, registration.id)


def _forget_registrations(session: Session, keys: Sequence[Any]) -> dict[str, int]:
    ids = [key[0] for key in keys]
    match, registration = TABLES["match"].c, TABLES["registration"]
    of_these = match.registration_id.in_(ids) | match.other_registration_id.in_(ids)
    matches = session.connection().execute(select(match.id).where(of_these)).scalars().all()
    gone = _uproot(session, registration, registration.c.id.in_(ids))
    _add(gone, _forget_events(session, _events_about([*ids, *matches])))
    return gone


# What refers to nothing


def _older(table: str, column: str) -> Callable[[datetime], Any]:
    def due(before: datetime) -> Any:
        own = TABLES[table]
        return select(*own.primary_key.columns).where(own.c[column] < before)

    return due


def _forget_rows(table: str) -> Callable[[Session, Sequence[Any]], dict[str, int]]:
    def forget(session: Session, keys: Sequence[Any]) -> dict[str, int]:
        own = TABLES[table]
        these = tuple_(*own.primary_key.columns).in_([tuple(key) for key in keys])
        session.connection().execute(delete(own).where(these))
        return {}

    return forget


def _old_synchronisations(before: datetime) -> Any:
    """Those that are over, and files that never came in completely."""
    own = TABLES["caseload_synchronisation"].c
    over = or_(own.finished_at < before, and_(own.received_at.is_(None), own.begun_at < before))
    return select(own.id).where(over).order_by(own.begun_at, own.id)


def _forget_synchronisations(session: Session, keys: Sequence[Any]) -> dict[str, int]:
    """That there was one stays, as its events are about an agency and no family."""
    own = TABLES["caseload_synchronisation"]
    return _uproot(session, own, own.c.id.in_([key[0] for key in keys]))


TERMS = (
    Term(
        "repeatable answers",
        7,
        "Nobody repeats a request after a week; its answer holds personal data.",
        _older("idempotent_request", "at"),
        _forget_rows("idempotent_request"),
    ),
    Term(
        "used assertions",
        1,
        "An assertion that has expired is refused anyway.",
        _older("client_assertion", "expires_at"),
        _forget_rows("client_assertion"),
    ),
    Term(
        "caseload synchronisations",
        14,
        "Long enough to mend what was refused, and to have a dry run carried out.",
        _old_synchronisations,
        _forget_synchronisations,
        at_once=20,
    ),
    Term(
        "deliveries that are done",
        30,
        "The log of deliveries is for finding out what went wrong.",
        _older("delivery", "done_at"),
        _forget_rows("delivery"),
    ),
    Term(
        "absences",
        730,
        "Needed to say whom to call at an earlier moment.",
        _older("absence", "ends_at"),
        _forget_rows("absence"),
    ),
    Term(
        "ended registrations",
        365,
        "Follow-up of matches is accounted for yearly.",
        _ended_registrations,
        _forget_registrations,
    ),
    Term(
        "closed families",
        730,
        "Aftercare, and reopening when problems return; then the ground to keep them is gone.",
        _closed_families,
        _forget_families,
        at_once=50,
    ),
    Term(
        "persons around whom there is nothing",
        90,
        "Registered, and never part of anything, or no longer.",
        _loose_persons,
        _forget_persons,
    ),
)
RECORDS = "records of disclosures"
RECORDS_DAYS = 5 * 366
"""Five years and a little. The database itself refuses less than five."""
RECORDS_GROUND = "Who saw what can be accounted for as long as logs in care have to be."
KEPT = {
    "unsealed records of disclosures": "until they are sealed, as nothing would say that they were there",
    "events of agencies, clients and municipalities": "for as long as Spil runs; they are about no family",
    "what is over around a family that is still open": "with the family, as its history rests on it",
    "events still to be told outside": "until they are told, or their family is forgotten",
    "taken away keys of clients": "for good, so that what they signed stays refused",
}
"""What isn't forgotten by itself, and until when it is kept."""


# Records of disclosures


def old_batches(session: Session, book: Book, now: datetime) -> Iterator[Checkpoint]:
    """The sealed batches, from the oldest on, of which every record is over and still there."""
    head = book.head()
    upto = head.checkpoint.forgotten_upto if head else 0
    newest = "SELECT max(at) FROM audit_record WHERE id > %s AND id <= %s"
    for batch in sealing.sealed_batches(book):
        if batch.upto <= upto:
            continue
        at = session.connection().exec_driver_sql(newest, (batch.after, batch.upto)).scalar_one()
        if at is None or at >= now - timedelta(days=RECORDS_DAYS):
            return
        yield batch


def forget_records(session: Session, book: Book) -> int:
    """Forget the next batch of records, having said so in a signed checkpoint; gives how many. Commits."""
    if gone := _remove_forgotten(session, book):
        return gone
    now = now_of(session)
    batch = next(old_batches(session, book, now), None)
    head = book.head()
    if batch is None or head is None or not _nobody_verifies(session):
        session.rollback()
        return 0
    sealing.lay_down(session, book, **sealing.forgotten(head.checkpoint, batch.upto, [batch]))
    return _remove_forgotten(session, book)


def _nobody_verifies(session: Session) -> bool:
    text = f"SELECT pg_try_advisory_xact_lock({sealing.READING})"
    return bool(session.connection().exec_driver_sql(text).scalar_one())


def _remove_forgotten(session: Session, book: Book) -> int:
    """Remove what a checkpoint says is forgotten. Whoever verifies meanwhile is not disturbed: then it is for later."""
    head = book.head()
    if head is None or head.checkpoint.forgotten_upto < 1 or not _nobody_verifies(session):
        session.rollback()
        return 0
    session.connection().exec_driver_sql("SELECT set_config('spil.forgetting', 'audit_record', true)")
    removed = session.connection().exec_driver_sql(
        "DELETE FROM audit_record WHERE id <= %s", (head.checkpoint.forgotten_upto,)
    )
    gone = removed.rowcount
    session.connection().exec_driver_sql("SELECT set_config('spil.forgetting', '', true)")
    if gone:
        _leave_record(session, {"audit_record": gone})
    session.commit()
    return gone


def everything_due(session: Session, book: Book | None, now: datetime | None = None) -> dict[str, int]:
    """What would be forgotten: how many of each."""
    now = now or datetime.now(UTC)
    counts = {term.what: count(session, term, now) for term in TERMS}
    counts[RECORDS] = sum(batch.count for batch in old_batches(session, book, now)) if book else 0
    return counts
