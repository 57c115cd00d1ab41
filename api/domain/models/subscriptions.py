"""Who is told of what happens, where, and what became of each delivery."""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import BigInteger, CheckConstraint, Column, Identity, Index, SmallInteger, Text, text
from sqlmodel import Field, SQLModel

from api.domain import codes
from api.domain.models.base import Codes, Instant, coded, new_id, one_of

ONE_OWNER = """CASE role WHEN 'agency_system' THEN agency_id IS NOT NULL AND municipality_code IS NULL
 WHEN 'registrar' THEN municipality_code IS NOT NULL AND agency_id IS NULL ELSE false END"""


class Subscription(SQLModel, table=True):
    """Where an organisation wants to be told of events, and how far it has been. It hears what its maker may know."""

    __table_args__ = (
        CheckConstraint(ONE_OWNER, name="owner"),
        CheckConstraint("(state = 'disabled') = (disabled_reason IS NOT NULL)", name="disabled"),
        Index("subscription_agency_id_idx", "agency_id", "id"),
        Index("subscription_municipality_code_idx", "municipality_code", "id"),
    )

    id: UUID = new_id()
    role: str
    """Who made it, as who it is asked what may be told."""
    agency_id: UUID | None = Field(default=None, foreign_key="agency.id")
    municipality_code: str | None = Field(default=None, foreign_key="municipality.code")
    subject: str
    issuer: str | None = None
    via: str | None = None
    url: str
    types: list[str] = Field(default_factory=list, sa_type=Codes)
    """Types of events, or all about something: `involvement.*`. None: all."""
    family_ids: list[str] = Field(default_factory=list, sa_type=Codes)
    """It only ever leaves out what is about other families, so nobody looks whether there are such families."""
    state: codes.SubscriptionState = Field(
        default=codes.SubscriptionState.UNVERIFIED, sa_type=coded(codes.SubscriptionState)
    )
    disabled_reason: codes.SubscriptionDisabling | None = Field(
        default=None, sa_type=coded(codes.SubscriptionDisabling)
    )
    challenge: str
    """What the receiver has to give back before anything else is sent there."""
    made_at: datetime = Field(sa_type=Instant)
    verified_at: datetime | None = Field(default=None, sa_type=Instant)
    position: int = Field(sa_type=BigInteger)
    """Up to here it was looked what is to be delivered."""
    replay_after: int | None = Field(default=None, sa_type=BigInteger)
    replay_upto: int | None = Field(default=None, sa_type=BigInteger)
    """What is between these is delivered once more."""
    failing_since: datetime | None = Field(default=None, sa_type=Instant)
    not_before: datetime | None = Field(default=None, sa_type=Instant)
    """Until then the receiver asked to be left alone."""


class SubscriptionKey(SQLModel, table=True):
    """A key that signs what is delivered: two while one follows the other."""

    __tablename__ = "subscription_key"
    __table_args__ = (Index("subscription_key_subscription_id_idx", "subscription_id"),)

    id: UUID = new_id()
    subscription_id: UUID = Field(foreign_key="subscription.id", ondelete="CASCADE")
    public_key: str
    private_key_sealed: bytes
    added_at: datetime = Field(sa_type=Instant)


class DeliveryLine(SQLModel, table=True):
    """What is to be delivered one after the other: a subscription's deliveries around one family.

    Whoever delivers claims a line, never a delivery; so what comes later waits for what comes before. A line that has
    nothing to deliver is not there.
    """

    __tablename__ = "delivery_line"
    __table_args__ = (Index("delivery_line_due_idx", "subscription_id", "due_at"),)

    subscription_id: UUID = Field(primary_key=True, foreign_key="subscription.id", ondelete="CASCADE")
    line: str = Field(primary_key=True)
    due_at: datetime = Field(sa_type=Instant)
    """When the next attempt is. Whoever claims it puts this off, so that it is done again if they don't come back."""
    claim: UUID | None = None


class Delivery(SQLModel, table=True):
    """That an event is to be delivered, and what came of it. Kept for a while after it is done."""

    __table_args__ = (
        Index(
            "delivery_waiting_idx", "subscription_id", "line", "position", postgresql_where=text("state = 'waiting'")
        ),
        Index("delivery_subscription_id_idx", "subscription_id", "id"),
        Index("delivery_event_id_idx", "subscription_id", "event_id", unique=True),
        Index("delivery_done_at_idx", "done_at", postgresql_where=text("done_at IS NOT NULL")),
    )

    id: int | None = Field(default=None, sa_column=Column("id", BigInteger, Identity(always=True), primary_key=True))
    subscription_id: UUID = Field(foreign_key="subscription.id", ondelete="CASCADE")
    kind: codes.DeliveryKind = Field(sa_type=coded(codes.DeliveryKind))
    event_id: UUID = Field(default_factory=uuid4)
    type: str
    position: int = Field(default=0, sa_type=BigInteger)
    """The event's place in the order of all; 0 for what is no event."""
    line: str
    state: codes.DeliveryState = Field(default=codes.DeliveryState.WAITING, sa_type=coded(codes.DeliveryState))
    attempts: int = 0
    made_at: datetime = Field(sa_type=Instant)
    first_attempt_at: datetime | None = Field(default=None, sa_type=Instant)
    sent_at: datetime | None = Field(default=None, sa_type=Instant)
    """When it last left; without this nothing ever did."""
    done_at: datetime | None = Field(default=None, sa_type=Instant)


class DeliveryAttempt(SQLModel, table=True):
    """One attempt to deliver, and what the receiver answered: its status. What it said beside that isn't kept."""

    __tablename__ = "delivery_attempt"
    __table_args__ = (Index("delivery_attempt_delivery_id_idx", "delivery_id", "id"),)

    id: int | None = Field(default=None, sa_column=Column("id", BigInteger, Identity(always=True), primary_key=True))
    delivery_id: int = Field(foreign_key="delivery.id", ondelete="CASCADE", sa_type=BigInteger)
    at: datetime = Field(sa_type=Instant)
    milliseconds: int
    status: int | None = Field(default=None, sa_type=SmallInteger)
    reason: codes.DeliveryReason | None = Field(default=None, sa_type=one_of(codes.DeliveryReason))
    trace_id: str = Field(sa_type=Text)
    """The same as in the record of the disclosure."""
