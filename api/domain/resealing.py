"""Making sealed values and their pseudonyms anew under the keys that are in use, so that an earlier key can go.

What a row says stays the same, so there is no event to tell, and `Work` is not the way: it changes rows one by one,
each with its event. This is the one module that changes rows in bulk. Each batch is a transaction of its own that
leaves an audit record without personal data. A value names its key, so nothing is kept of how far this came: whoever
starts it again finds what is left. Rows that somebody holds are passed over, and found the next time around.
Registrations are compared by pseudonyms: those whose pseudonyms change are placed anew, in the same transaction.

Invariant: `SEALED` is every column that holds a sealed value.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidTag
from sqlalchemy import Column, Connection, Row, Table, bindparam, func, literal, or_, select, tuple_, union, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlmodel import SQLModel, col

from api.domain.actor import Actor, Role
from api.domain.errors import KeyMissing
from api.domain.models import AuditRecord, Registration, RegistrationRelative, UnplacedRegistration
from api.domain.vault import WHOLLY_BOUND, Place, Vault

AT_ONCE = 500
OPERATOR = Actor(role=Role.CLOCK, subject="spil-keys")


@dataclass(frozen=True)
class Sealed:
    """A column that holds sealed values, and the one beside it with their pseudonyms."""

    table: str
    column: str
    pseudonym: str | None = None

    @property
    def of(self) -> Table:
        return SQLModel.metadata.tables[self.table]

    @property
    def key(self) -> list[Column[Any]]:
        return list(self.of.primary_key.columns)

    def stale(self, vault: Vault) -> Any:
        """Whether a row has something that an earlier key made."""
        value = self.of.c[self.column]
        earlier = [func.substring(value, 1, 2) != literal(vault.head, value.type)]
        if self.pseudonym:
            pseudonym = self.of.c[self.pseudonym]
            earlier.append(func.substring(pseudonym, 1, 1).is_distinct_from(literal(vault.mark, pseudonym.type)))
        return value.is_not(None) & or_(*earlier)


SEALED = (
    Sealed("person", "bsn_sealed", "bsn_pseudonym"),
    Sealed("registration", "bsn_sealed", "bsn_pseudonym"),
    Sealed("registration_relative", "bsn_sealed", "bsn_pseudonym"),
    Sealed("idempotent_request", "answer"),
    Sealed("caseload_row", "bsn_sealed", "bsn_pseudonym"),
    Sealed("caseload_row", "said_sealed"),
    Sealed("subscription_key", "private_key_sealed"),
)
FINGERPRINTS = (("idempotent_request", "fingerprint"),)
"""Keyed digests of what isn't kept: they can't be made anew, and matter as long as the request may be repeated."""


@dataclass
class Outcome:
    """What came of some rows: how many were made anew, and which could not be."""

    last: tuple[Any, ...] | None = None
    resealed: int = 0
    unreadable: set[tuple[str, ...]] = field(default_factory=set)
    """Their key isn't there, or they were changed or moved."""
    doubled: set[tuple[str, ...]] = field(default_factory=set)
    """Another row has the same value under the key in use."""

    @property
    def stuck(self) -> int:
        return len(self.unreadable | self.doubled)


def reseal_some(
    connection: Connection, vault: Vault, sealed: Sealed, after: tuple[Any, ...] | None, trace_id: str
) -> Outcome:
    """Make up to `AT_ONCE` values anew, in the order of their rows, in the caller's transaction."""
    rows = connection.execute(_held(vault, sealed, after)).all()
    outcome = Outcome(last=tuple(rows[-1])[: len(sealed.key)] if rows else None)
    anew = [values for row in rows if (values := _anew(vault, sealed, row, outcome))]
    try:
        with connection.begin_nested():
            _write(connection, sealed, anew)
        outcome.resealed = len(anew)
    except IntegrityError:
        _write_each(connection, sealed, anew, outcome)
    if sealed.pseudonym and len(vault.pseudonym_keys) > 1:
        _look_again(connection, [values[sealed.pseudonym] for values in anew])
    if outcome.resealed:
        _record(connection, sealed, trace_id)
    return outcome


def stale(connection: Connection, vault: Vault, sealed: Sealed) -> int:
    """How many values earlier keys still hold."""
    found: int = connection.execute(select(func.count()).select_from(sealed.of).where(sealed.stale(vault))).scalar_one()
    return found


def census(connection: Connection) -> Iterator[tuple[str, str, Counter[int]]]:
    """Each column, what its values are (`sealed`, `pseudonym`, `fingerprint`), and how many each key made."""
    for sealed in SEALED:
        value = sealed.of.c[sealed.column]
        first = func.get_byte(value, 0)
        number = func.get_byte(value, func.least(1, func.length(value) - 1))
        yield _named(sealed.table, sealed.column), "sealed", _counted(connection, value, first, number)
        if sealed.pseudonym:
            yield _pseudonyms(connection, sealed.table, sealed.pseudonym, "pseudonym")
    for table, column in FINGERPRINTS:
        yield _pseudonyms(connection, table, column, "fingerprint")


def _pseudonyms(connection: Connection, table: str, column: str, kind: str) -> tuple[str, str, Counter[int]]:
    value = SQLModel.metadata.tables[table].c[column]
    number = func.get_byte(value, 0)
    return _named(table, column), kind, _counted(connection, value, literal(WHOLLY_BOUND), number)


def _counted(connection: Connection, value: Any, first: Any, number: Any) -> Counter[int]:
    query = select(first.label("first"), number.label("number"), func.count().label("many"))
    found: Counter[int] = Counter()
    for row in connection.execute(query.where(func.length(value) > 0).group_by("first", "number")):
        found[row.number if row.first == WHOLLY_BOUND else row.first] += row.many
    return found


def _named(table: str, column: str) -> str:
    return f"{table}.{column}"


def _held(vault: Vault, sealed: Sealed, after: tuple[Any, ...] | None) -> Any:
    """The next rows, locked; those that somebody else holds are left out."""
    columns = [sealed.of.c[name] for name in (sealed.column, sealed.pseudonym) if name]
    query = select(*sealed.key, *columns).where(sealed.stale(vault))
    if after is not None:
        query = query.where(tuple_(*sealed.key) > tuple_(*after))
    return query.order_by(*sealed.key).limit(AT_ONCE).with_for_update(skip_locked=True)


def _anew(vault: Vault, sealed: Sealed, row: Row[Any], outcome: Outcome) -> dict[str, Any] | None:
    """The row's key, and its values under the keys in use."""
    names = [f"of_{column.name}" for column in sealed.key]
    key = tuple(row)[: len(names)]
    place = Place(sealed.table, sealed.column, tuple(map(str, key)))
    try:
        value = vault.open(row._mapping[sealed.column], bound_to=place)
    except (InvalidTag, KeyMissing):
        outcome.unreadable.add(place.row)
        return None
    made = {sealed.column: vault.seal(value, bound_to=place)}
    if sealed.pseudonym:
        made[sealed.pseudonym] = vault.pseudonym(value)
    return dict(zip(names, key, strict=True)) | made


def _write(connection: Connection, sealed: Sealed, anew: list[dict[str, Any]]) -> None:
    if anew:
        connection.execute(_replacement(sealed), anew)


def _write_each(connection: Connection, sealed: Sealed, anew: list[dict[str, Any]], outcome: Outcome) -> None:
    """One of them can't be written: find out which."""
    for values in anew:
        try:
            with connection.begin_nested():
                connection.execute(_replacement(sealed), values)
            outcome.resealed += 1
        except IntegrityError:
            outcome.doubled.add(tuple(str(values[f"of_{column.name}"]) for column in sealed.key))


def _replacement(sealed: Sealed) -> Any:
    new: dict[str, Any] = {name: bindparam(name) for name in (sealed.column, sealed.pseudonym) if name}
    where = (column == bindparam(f"of_{column.name}") for column in sealed.key)
    return update(sealed.of).where(*where).values(new)


def _look_again(connection: Connection, pseudonyms: list[bytes]) -> None:
    """Have the worker place those who are known by these pseudonyms: they were not comparable to rows under this key.

    It doesn't wait for a registration that somebody holds, who may wait for a row of this batch: it raises.
    """
    about = select(col(Registration.id)).where(col(Registration.bsn_pseudonym).in_(pseudonyms))
    naming = select(col(RegistrationRelative.registration_id)).where(
        col(RegistrationRelative.bsn_pseudonym).in_(pseudonyms)
    )
    concerned = (
        select(col(Registration.id), col(Registration.agency_id))
        .where(col(Registration.id).in_(union(about, naming)), col(Registration.ended_at).is_(None))
        .with_for_update(read=True, key_share=True, nowait=True)
    )
    again = insert(UnplacedRegistration).from_select(["registration_id", "agency_id"], concerned)
    connection.execute(again.on_conflict_do_nothing())


def _record(connection: Connection, sealed: Sealed, trace_id: str) -> None:
    at = connection.execute(select(func.clock_timestamp())).scalar_one()
    action = f"reseal:{_named(sealed.table, sealed.column)}"
    record = AuditRecord.of(OPERATOR, action, "changed", at, trace_id=trace_id)
    connection.execute(insert(SQLModel.metadata.tables["audit_record"]), record.model_dump(exclude={"id"}))
