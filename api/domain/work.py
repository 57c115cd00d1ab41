"""One unit of work: what it changes, the events that tell of it and the audit records commit together, or not at all.

A verb of the field receives a `Work`, changes rows through `work.session` and tells what happened:

    point = work.add(ContactPoint(...))
    work.tell(EventType.CONTACT_POINT_ASSIGNED, point)

No writer can forget to tell: at commit, a changed row that no event is about raises `ForgottenEvent`. For the same
reason rows are changed one by one, never by a bulk statement.
"""

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid4

from sqlalchemy import ARRAY, cast, event, insert, inspect
from sqlalchemy.orm import ORMExecuteState
from sqlalchemy.sql.selectable import ForUpdateArg
from sqlmodel import Session, SQLModel, func, select

from api.domain.actor import CLOCK, Actor
from api.domain.codes import EventType
from api.domain.errors import ForgottenEvent, NotFound
from api.domain.models import (
    AuditRecord,
    CaseloadRow,
    CaseloadSynchronisation,
    ClientAssertion,
    ClientRemovedKey,
    Delivery,
    DeliveryLine,
    Event,
    Family,
    IdempotentRequest,
    OutboxRow,
    SubscriptionKey,
    UnplacedRegistration,
)
from api.domain.vault import Vault

BOOKKEEPING = (
    Event,
    AuditRecord,
    OutboxRow,
    IdempotentRequest,
    ClientAssertion,
    ClientRemovedKey,
    SubscriptionKey,
    Delivery,
    DeliveryLine,
    UnplacedRegistration,
    CaseloadSynchronisation,
    CaseloadRow,
)
"""The record itself, and what concerns nobody but a client and Spil. Everything else must be told."""

KEEP = ForUpdateArg(read=True, key_share=True)
"""Lock a row that a change refers to: it can't be changed in the meantime by who locks it `FOR UPDATE` first."""

MANY = 10
"""From so many rows on it is quicker to send them as columns."""

Row = TypeVar("Row", bound=SQLModel)
Found = TypeVar("Found")


def keep(session: Session, table: type[SQLModel], rows: list[dict[str, Any]]) -> None:
    """Insert rows of the record, all in one statement that gives nothing back: who adds to it may not read it."""
    own = inspect(table).local_table
    if len(rows) < MANY:
        session.connection().execute(insert(own).inline(), rows)
        return
    names = list(rows[0])
    columns = (cast([row[name] for row in rows], ARRAY(own.c[name].type)) for name in names)
    given = func.unnest(*columns).table_valued(*names).render_derived()
    session.connection().execute(insert(own).from_select(names, select(*given.c), include_defaults=False))


class Work:
    """A transaction in the making: by whom, at which instant, and what there is to tell of it."""

    def __init__(
        self, session: Session, actor: Actor, at: datetime, vault: Vault, *, trace_id: str | None = None
    ) -> None:
        self.session = session
        self.actor = actor
        self.at = at
        self.vault = vault
        self.trace_id = trace_id
        self.municipality_code = actor.municipality_code
        self.ground: dict[str, str | None] = {}
        """By which relation, on which basis and for what purpose the actor acts, for the record."""
        self._changed: dict[int, SQLModel] = {}
        self._told: dict[int, SQLModel] = {}
        self._families: dict[UUID, Family] = {}
        self._events: list[dict[str, Any]] = []
        self._records: list[dict[str, Any]] = []
        self._found: dict[Hashable, Any] = {}
        event.listen(session, "before_flush", self._note_changes)
        event.listen(session, "do_orm_execute", self._refuse_bulk)
        event.listen(session, "before_commit", self._seal)
        event.listen(session, "after_rollback", self._forget)

    def begin(self, family: Family) -> None:
        """Begin to change a family, which the caller has locked: its history only ever moves forward."""
        self.at = max(self.at, family.changed_at + timedelta(microseconds=1))
        self._families[family.id] = family

    def see(self, family_id: UUID) -> None:
        """Let the database show a family that the request did not name, if the actor is related to it."""
        self.session.execute(select(func.spil_see(family_id)))

    def add(self, row: Row) -> Row:
        self.session.add(row)
        return row

    def get(self, table: type[Row], key: UUID | str, missing: str) -> Row:
        """The row with this key, or `NotFound` with the sentence given."""
        row = self.session.get(table, key)
        if row is None:
            raise NotFound(missing)
        return row

    def once(self, key: Hashable, find: Callable[[], Found]) -> Found:
        """What `find` gives, looked up once in this transaction: what it locked stays locked."""
        if key not in self._found:
            self._found[key] = find()
        found: Found = self._found[key]
        return found

    def tell(
        self,
        what: EventType,
        about: SQLModel,
        *,
        reason: str | None = None,
        at: datetime | None = None,
        family_id: UUID | None = None,
        **detail: Any,
    ) -> None:
        """Tell that something happened to a row.

        What the row refers to (family, agency, professional, help domain) goes along by itself; a `detail` of the same
        name goes before it. What happened `at` an earlier instant happened by itself: nobody did it.
        """
        at = at or self.at
        by = self.actor if at == self.at else CLOCK
        row_id = getattr(about, "id", None) or getattr(about, "code", None)
        family_id = family_id or (about.id if isinstance(about, Family) else getattr(about, "family_id", None))
        told = {
            "id": uuid4(),
            "type": what,
            "at": at,
            "place": len(self._events),
            "family_id": family_id,
            "about": str(row_id),
            "involvement_id": row_id if what.startswith("involvement.") else None,
            "agency_id": getattr(about, "agency_id", None),
            "professional_id": getattr(about, "professional_id", None),
            "help_domain": getattr(about, "help_domain", None),
            "reason": reason,
            "by_role": by.role,
            "by_agency_id": by.agency_id,
            "by_municipality_code": by.municipality_code,
        }
        self._events.append(told | detail)
        self._told[id(about)] = about
        if family_id in self._families:
            family = self._families[family_id]
            family.changed_at = self.at
            self._told[id(family)] = family
        self.record(what, "changed", by, family_id=family_id, event_id=told["id"])

    @contextmanager
    def by_itself(self) -> Iterator[None]:
        """What follows from a change is nobody's doing: its events don't say whose change it was."""
        actor, ground = self.actor, self.ground
        self.actor, self.ground = CLOCK, {}
        try:
            yield
        finally:
            self.actor, self.ground = actor, ground

    def record(self, action: str, decision: str, by: Actor | None = None, **what: Any) -> None:
        """Leave an audit record of what this actor did or was shown; it commits with the rest."""
        by = by or self.actor
        where = {"municipality_code": self.municipality_code, "trace_id": self.trace_id}
        ground = self.ground if by.role == self.actor.role else {}
        self._records.append(AuditRecord.columns(by, action, decision, self.at) | where | ground | what)

    def _note_changes(self, session: Session, *_: object) -> None:
        for row in (*session.new, *session.dirty, *session.deleted):
            touched = session.is_modified(row) or row in session.deleted
            if isinstance(row, SQLModel) and not isinstance(row, BOOKKEEPING) and touched:
                self._changed[id(row)] = row

    def _refuse_bulk(self, state: ORMExecuteState) -> None:
        table = state.bind_mapper.class_ if state.bind_mapper else None
        if (state.is_insert or state.is_update or state.is_delete) and table not in BOOKKEEPING:
            raise ForgottenEvent("Change rows one by one: a bulk statement tells no event.")

    def _seal(self, session: Session) -> None:
        session.flush()
        for key, row in self._changed.items():
            if key not in self._told:
                raise ForgottenEvent(f"A row of {type(row).__name__} was changed and no event tells of it.")
        if self._events:
            keep(session, Event, self._events)
            keep(session, OutboxRow, [{"event_id": told["id"]} for told in self._events])
        if self._records:
            keep(session, AuditRecord, self._records)
        self._forget()

    def _forget(self, *_: object) -> None:
        """What is committed is told, and what is rolled back has not happened."""
        self._changed, self._told, self._found = {}, {}, {}
        self._events, self._records = [], []
