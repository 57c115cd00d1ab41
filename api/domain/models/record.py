"""The record: what happened, who was shown what, how that is sealed, and what is still to be told."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Column, Identity, Index, Text, text
from sqlmodel import Field, SQLModel

from api.domain import codes
from api.domain.actor import Actor
from api.domain.models.base import Instant, ends_after_it_starts, new_id, one_of


class Event(SQLModel, table=True):
    """That something happened: what, when, by whom, about which rows. Codes and identifiers only. Append-only."""

    __table_args__ = (
        CheckConstraint("type ~ '^[a-z_]+[.][a-z_]+$'", name="type"),
        Index("event_family_id_idx", "family_id", text("at DESC"), text("place DESC")),
        Index("event_about_idx", "about", postgresql_where=text("family_id IS NULL")),
    )

    id: UUID = new_id()
    type: codes.EventType = Field(sa_type=one_of(codes.EventType))
    at: datetime = Field(sa_type=Instant)
    place: int
    """Orders what was told in one unit of work."""
    family_id: UUID | None = None
    about: str
    involvement_id: UUID | None = None
    agency_id: UUID | None = None
    professional_id: UUID | None = None
    help_domain: str | None = None
    reason: str | None = None
    by_role: str
    by_agency_id: UUID | None = None
    by_municipality_code: str | None = None


class AuditRecord(SQLModel, table=True):
    """Who changed or was shown what, on whose behalf, for what, by which relation. Append-only.

    Its `id` is the database's to give: it is taken after the transaction has its number, so that once every transaction
    of before a moment has ended, no record can come any more below the ids of that moment (`api/domain/sealing.py`).
    """

    __tablename__ = "audit_record"
    __table_args__ = (
        Index("audit_record_family_id_idx", "family_id", "id"),
        Index("audit_record_municipality_code_idx", "municipality_code", "id"),
        Index(
            "audit_record_shown_person_id_idx",
            "shown_person_id",
            "id",
            postgresql_where=text("shown_person_id IS NOT NULL"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    at: datetime = Field(sa_type=Instant)
    action: str
    decision: str
    family_id: UUID | None = None
    municipality_code: str | None = None
    event_id: UUID | None = None
    role: str
    subject: str
    issuer: str | None = None
    agency_id: UUID | None = None
    professional_id: UUID | None = None
    person_id: UUID | None = None
    via: str | None = None
    """The client that acted on their behalf."""
    shown_person_id: UUID | None = None
    """The data subject: a record of a disclosure is about one person."""
    relation: str | None = None
    legal_basis: str | None = None
    purpose: str | None = None
    activity: str | None = None
    """The processing activity, as the municipality's register names it."""
    fields: str | None = None
    """Which class of fields was shown."""
    trace_id: str | None = None

    @classmethod
    def of(cls, actor: Actor, action: str, decision: str, at: datetime, **what: Any) -> "AuditRecord":
        return cls(**cls.columns(actor, action, decision, at) | what)

    @classmethod
    def columns(cls, actor: Actor, action: str, decision: str, at: datetime) -> dict[str, Any]:
        """The same as values of its columns: making rows takes longer than writing them, where there are many."""
        return dict.fromkeys(name for name in cls.model_fields if name != "id") | {
            "at": at,
            "action": action,
            "decision": decision,
            "role": actor.role,
            "subject": actor.subject,
            "issuer": actor.issuer,
            "via": actor.via,
            "agency_id": actor.agency_id,
            "professional_id": actor.professional_id,
            "person_id": actor.person_id,
        }


class RecordCheckpoint(SQLModel, table=True):
    """Which checkpoints were written outside the database, so that the file can't lose its last ones. Append-only."""

    __tablename__ = "record_checkpoint"

    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    digest: str = Field(sa_type=Text)
    at: datetime = Field(sa_type=Instant)


class DisclosureHold(SQLModel, table=True):
    """A period in which a family's members are not yet shown who has looked since it began."""

    __tablename__ = "disclosure_hold"
    __table_args__ = (ends_after_it_starts(), Index("disclosure_hold_family_id_idx", "family_id"))

    id: UUID = new_id()
    family_id: UUID = Field(foreign_key="family.id")
    started_at: datetime = Field(sa_type=Instant)
    ends_at: datetime = Field(sa_type=Instant)
    set_by_role: str
    ended_early: bool = False


class OnceShielded(SQLModel, table=True):
    """That an agency was ever involved with a family shielded: the database notes it by itself, for good."""

    __tablename__ = "once_shielded"

    family_id: UUID = Field(primary_key=True, foreign_key="family.id")
    agency_id: UUID = Field(primary_key=True, foreign_key="agency.id")


class OutboxRow(SQLModel, table=True):
    """An event still to be published. Written with the change; the database numbers it."""

    __tablename__ = "outbox"

    event_id: UUID = Field(primary_key=True, foreign_key="event.id")
    number: int | None = Field(
        default=None, sa_column=Column("number", BigInteger, Identity(always=True), nullable=False, unique=True)
    )


class PublishedEvent(SQLModel, table=True):
    """An event at its place in the one order of all, and whom it concerns. Places become visible in their order.

    `position` is an instant in microseconds, a little off: how far two places are apart tells no number of events.
    """

    __tablename__ = "published_event"
    __table_args__ = (
        Index("published_event_family_id_idx", "family_id", "position", postgresql_where=text("family_id IS NOT NULL")),
        Index(
            "published_event_agency_id_idx",
            "agency_id",
            "position",
            postgresql_where=text("family_id IS NULL AND agency_id IS NOT NULL"),
        ),
        Index(
            "published_event_municipality_code_idx",
            "municipality_code",
            "position",
            postgresql_where=text("municipality_code IS NOT NULL"),
        ),
    )

    position: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    event_id: UUID = Field(foreign_key="event.id", unique=True)
    type: codes.EventType = Field(sa_type=one_of(codes.EventType))
    at: datetime = Field(sa_type=Instant)
    about: str
    line: str
    """Within a line the order is that of what happened: a family, or the row it is about where there is none."""
    family_id: UUID | None = None
    agency_id: UUID | None = None
    """Where no family is concerned: the agency that is."""
    municipality_code: str | None = None
    """The municipality whose registrar may hear of it, as it was then."""


class IdempotentRequest(SQLModel, table=True):
    """A request that was carried out under an Idempotency-Key, and its sealed answer."""

    __tablename__ = "idempotent_request"

    caller: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    fingerprint: bytes
    answer: bytes | None = None
    at: datetime = Field(sa_type=Instant, index=True)
