"""Every table, and the constraints that hold whatever the code does.

Two things recur:

- A period is `started_at` up to but not including `ends_at`; no `ends_at` means until further notice. A period that
  is known to end (a consent runs out) has its `ends_at` from the start, so that nothing has to happen for it to end.
- `At most one at any instant` is an exclusion constraint. PostgreSQL without extensions has no equality of uuids in a
  GiST index, so a uuid stands there as a range of one: `uuidrange(id, id, '[]')`.
"""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, DateTime, Enum, Index, Text, TypeDecorator, text
from sqlalchemy.dialects.postgresql import JSONB, ExcludeConstraint
from sqlmodel import Field, SQLModel

from api.domain import codes
from api.domain.actor import Actor

SQLModel.metadata.naming_convention = {
    "pk": "%(table_name)s_pkey",
    "fk": "%(table_name)s_%(column_0_name)s_fkey",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    "ck": "%(table_name)s_%(constraint_name)s_check",
}


class Instant(TypeDecorator[datetime]):
    """A moment, with its time zone."""

    impl = DateTime(timezone=True)
    cache_ok = True


class Codes(TypeDecorator[list[str]]):
    """A handful of codes, kept together because they are only ever read and replaced together."""

    impl = ARRAY(Text)
    cache_ok = True


def coded(vocabulary: type[StrEnum]) -> Any:
    """The column holds a code of this list, as text with a CHECK: a new code is a small migration."""
    return Enum(
        vocabulary,
        values_callable=lambda codes: [code.value for code in codes],
        native_enum=False,
        create_constraint=True,
        length=40,
    )


def all_of(column: str, vocabulary: type[StrEnum]) -> CheckConstraint:
    """The column holds only codes of this list."""
    values = ", ".join(f"'{code}'" for code in vocabulary)
    return CheckConstraint(f"{column} <@ ARRAY[{values}]", name=column)


def ends_after_it_starts() -> CheckConstraint:
    return CheckConstraint("ends_at > started_at AND isfinite(started_at) AND isfinite(ends_at)", name="period")


def one_at_a_time(name: str, key: str, *, where: str | None = None) -> ExcludeConstraint:
    """At most one row per key (an expression of type uuid) at any instant."""
    return ExcludeConstraint(
        (text(f"uuidrange({key}, {key}, '[]')"), "&&"),
        (text("tstzrange(started_at, ends_at)"), "&&"),
        name=name,
        using="gist",
        where=text(where) if where else None,
    )


def new_id() -> Any:
    """A random identifier: unlike a counter or a time-ordered one, it tells nothing of when or how many."""
    return Field(default_factory=uuid4, primary_key=True)


class Municipality(SQLModel, table=True):
    """A tenant: responsible for its families, with an access team that answers when nobody else does."""

    __table_args__ = (CheckConstraint("code ~ '^[0-9]{4}$'", name="code"),)

    code: str = Field(primary_key=True, sa_type=Text)
    name: str
    access_team_name: str
    access_team_phone: str
    access_team_email: str


class HelpDomain(SQLModel, table=True):
    """A part of life help is about. A municipality may add its own to the national list."""

    __tablename__ = "help_domain"
    __table_args__ = (CheckConstraint("code ~ '^[a-z][a-z_]{1,48}[a-z]$'", name="code"),)

    code: str = Field(primary_key=True, sa_type=Text)
    label_nl: str
    label_en: str
    position: int
    municipality_code: str | None = Field(default=None, foreign_key="municipality.code", index=True)


class Agency(SQLModel, table=True):
    """An organisation that helps families, or that only signals."""

    id: UUID = new_id()
    name: str
    kind: codes.AgencyKind = Field(sa_type=coded(codes.AgencyKind))
    phone: str | None = None
    email: str | None = None
    help_domains: list[str] = Field(default_factory=list, sa_type=Codes)
    signal_only: bool = False
    active: bool = True


class Professional(SQLModel, table=True):
    """A person working for an agency, and how to reach them."""

    id: UUID = new_id()
    agency_id: UUID = Field(foreign_key="agency.id", index=True)
    name: str
    function: str
    phone: str | None = None
    email: str | None = None
    registration_number: str | None = None
    active: bool = True


class Absence(SQLModel, table=True):
    """A period in which a professional can't be reached, and who can be instead."""

    __table_args__ = (
        ends_after_it_starts(),
        CheckConstraint("cover_id <> professional_id", name="cover"),
        one_at_a_time("absence_one_at_a_time", "professional_id"),
        Index("absence_professional_id_idx", "professional_id"),
        Index("absence_cover_id_idx", "cover_id"),
    )

    id: UUID = new_id()
    professional_id: UUID = Field(foreign_key="professional.id")
    cover_id: UUID | None = Field(default=None, foreign_key="professional.id")
    started_at: datetime = Field(sa_type=Instant)
    ends_at: datetime = Field(sa_type=Instant)


class Person(SQLModel, table=True):
    """A person as one municipality knows them. The BSN is sealed, and found by a keyed pseudonym only."""

    __table_args__ = (Index("person_bsn_key", "municipality_code", "bsn_pseudonym", unique=True),)

    id: UUID = new_id()
    municipality_code: str = Field(foreign_key="municipality.code")
    given_name: str
    surname: str
    birth_date: date | None = None
    bsn_sealed: bytes | None = None
    bsn_pseudonym: bytes | None = None


class Family(SQLModel, table=True):
    """The household the approach is about. `changed_at` is the instant of the last change around it, always rising."""

    __table_args__ = (
        CheckConstraint("(closed_at IS NULL) = (closing IS NULL)", name="closed"),
        Index("family_municipality_code_idx", "municipality_code", "id"),
    )

    id: UUID = new_id()
    municipality_code: str = Field(foreign_key="municipality.code")
    name: str
    framework: codes.Framework = Field(sa_type=coded(codes.Framework))
    strategy: codes.Strategy | None = Field(default=None, sa_type=coded(codes.Strategy))
    opened_at: datetime = Field(sa_type=Instant)
    closed_at: datetime | None = Field(default=None, sa_type=Instant)
    closing: codes.FamilyClosing | None = Field(default=None, sa_type=coded(codes.FamilyClosing))
    changed_at: datetime = Field(sa_type=Instant)


class Member(SQLModel, table=True):
    """A person in a family for a period."""

    __table_args__ = (
        ends_after_it_starts(),
        one_at_a_time("member_one_at_a_time", "md5(family_id::text || person_id::text)::uuid"),
        Index("member_family_id_idx", "family_id"),
        Index("member_person_id_idx", "person_id"),
    )

    id: UUID = new_id()
    family_id: UUID = Field(foreign_key="family.id")
    person_id: UUID = Field(foreign_key="person.id")
    role: codes.MemberRole = Field(sa_type=coded(codes.MemberRole))
    parental_authority: bool = False
    started_at: datetime = Field(sa_type=Instant)
    ends_at: datetime | None = Field(default=None, sa_type=Instant)


class Involvement(SQLModel, table=True):
    """That an agency is involved with a family, or is asked to be. It says that, never why."""

    __table_args__ = (
        ends_after_it_starts(),
        CheckConstraint("cardinality(help_domains) > 0", name="help_domains"),
        CheckConstraint("(answer = 'accepted') IS TRUE = (started_at IS NOT NULL)", name="started"),
        CheckConstraint("started_at IS NULL OR legal_basis IS NOT NULL", name="has_basis"),
        one_at_a_time(
            "involvement_one_at_a_time",
            "md5(family_id::text || agency_id::text || coalesce(professional_id::text, ''))::uuid",
            where="started_at IS NOT NULL",
        ),
        Index("involvement_family_id_idx", "family_id"),
        Index("involvement_agency_id_idx", "agency_id", "family_id"),
        Index("involvement_professional_id_idx", "professional_id", "family_id"),
        Index("involvement_invited_idx", "agency_id", "family_id", postgresql_where=text("answer IS NULL")),
        Index(
            "involvement_lapsing_idx", "ends_at", postgresql_where=text("ends_at IS NOT NULL AND end_reason IS NULL")
        ),
    )

    id: UUID = new_id()
    family_id: UUID = Field(foreign_key="family.id")
    agency_id: UUID = Field(foreign_key="agency.id")
    professional_id: UUID | None = Field(default=None, foreign_key="professional.id")
    help_domains: list[str] = Field(sa_type=Codes)
    shielded: bool = False
    contact_frequency: codes.ContactFrequency | None = Field(default=None, sa_type=coded(codes.ContactFrequency))
    legal_basis: codes.LegalBasis | None = Field(default=None, sa_type=coded(codes.LegalBasis))
    invited_at: datetime | None = Field(default=None, sa_type=Instant)
    answer: codes.Answer | None = Field(default=None, sa_type=coded(codes.Answer))
    answered_at: datetime | None = Field(default=None, sa_type=Instant)
    decline_reason: codes.InvitationDecline | None = Field(default=None, sa_type=coded(codes.InvitationDecline))
    started_at: datetime | None = Field(default=None, sa_type=Instant)
    confirmation_due_on: date | None = None
    ends_at: datetime | None = Field(default=None, sa_type=Instant)
    end_reason: codes.InvolvementEnd | None = Field(default=None, sa_type=coded(codes.InvolvementEnd))

    def state_at(self, at: datetime) -> codes.InvolvementState:
        if self.answer is None:
            return codes.InvolvementState.INVITED
        if self.answer is not codes.Answer.ACCEPTED:
            return codes.InvolvementState(self.answer)
        over = self.ends_at is not None and self.ends_at <= at
        return codes.InvolvementState.ENDED if over else codes.InvolvementState.RUNNING


class Mandate(SQLModel, table=True):
    """The lead coordinator's authority over one family: proposed first, running once accepted."""

    __table_args__ = (
        all_of("powers", codes.Power),
        ends_after_it_starts(),
        CheckConstraint("(answer = 'accepted') IS TRUE = (started_at IS NOT NULL)", name="started"),
        one_at_a_time("mandate_one_at_a_time", "family_id", where="started_at IS NOT NULL"),
        Index("mandate_family_id_idx", "family_id"),
        Index("mandate_one_open_proposal_key", "family_id", unique=True, postgresql_where=text("answer IS NULL")),
        Index("mandate_professional_id_idx", "professional_id", "family_id"),
        Index("mandate_lapsing_idx", "ends_at", postgresql_where=text("started_at IS NOT NULL AND end_reason IS NULL")),
    )

    id: UUID = new_id()
    family_id: UUID = Field(foreign_key="family.id")
    professional_id: UUID = Field(foreign_key="professional.id")
    powers: list[str] = Field(sa_type=Codes)
    legal_basis: codes.MandateBasis = Field(sa_type=coded(codes.MandateBasis))
    granted_by: str = Field(foreign_key="municipality.code")
    succeeds_id: UUID | None = Field(default=None, foreign_key="mandate.id")
    proposed_at: datetime = Field(sa_type=Instant)
    answer: codes.Answer | None = Field(default=None, sa_type=coded(codes.Answer))
    answered_at: datetime | None = Field(default=None, sa_type=Instant)
    decline_reason: codes.MandateDecline | None = Field(default=None, sa_type=coded(codes.MandateDecline))
    started_at: datetime | None = Field(default=None, sa_type=Instant)
    ends_at: datetime = Field(sa_type=Instant)
    end_reason: codes.MandateEnd | None = Field(default=None, sa_type=coded(codes.MandateEnd))

    def state_at(self, at: datetime) -> codes.MandateState:
        if self.answer is None:
            return codes.MandateState.PROPOSED if self.ends_at > at else codes.MandateState.WITHDRAWN
        if self.answer is not codes.Answer.ACCEPTED:
            return codes.MandateState(self.answer)
        return codes.MandateState.ENDED if self.ends_at <= at else codes.MandateState.ACTIVE


class Deputy(SQLModel, table=True):
    """Who stands in for the lead coordinator during a period of absence."""

    __table_args__ = (
        ends_after_it_starts(),
        one_at_a_time("deputy_one_at_a_time", "mandate_id"),
        Index("deputy_mandate_id_idx", "mandate_id"),
        Index("deputy_family_id_idx", "family_id"),
        Index("deputy_professional_id_idx", "professional_id"),
    )

    id: UUID = new_id()
    family_id: UUID = Field(foreign_key="family.id")
    mandate_id: UUID = Field(foreign_key="mandate.id")
    professional_id: UUID = Field(foreign_key="professional.id")
    started_at: datetime = Field(sa_type=Instant)
    ends_at: datetime = Field(sa_type=Instant)


class ContactPoint(SQLModel, table=True):
    """The one person to call about one help domain of one family."""

    __tablename__ = "contact_point"
    __table_args__ = (
        ends_after_it_starts(),
        one_at_a_time("contact_point_one_at_a_time", "md5(family_id::text || help_domain)::uuid"),
        Index("contact_point_family_id_idx", "family_id"),
        Index("contact_point_professional_id_idx", "professional_id", "family_id"),
    )

    id: UUID = new_id()
    family_id: UUID = Field(foreign_key="family.id")
    help_domain: str = Field(foreign_key="help_domain.code")
    professional_id: UUID = Field(foreign_key="professional.id")
    started_at: datetime = Field(sa_type=Instant)
    ends_at: datetime | None = Field(default=None, sa_type=Instant)
    end_reason: codes.ContactPointEnd | None = Field(default=None, sa_type=coded(codes.ContactPointEnd))
    gap_closed_at: datetime | None = Field(default=None, sa_type=Instant)
    """When it was decided that the gap this contact point left needs no filling."""


class Event(SQLModel, table=True):
    """That something happened: what, when, by whom, about which rows. Codes and identifiers only. Append-only."""

    __table_args__ = (Index("event_family_id_idx", "family_id", text("at DESC"), text("place DESC")),)

    id: UUID = new_id()
    type: codes.EventType = Field(sa_type=coded(codes.EventType))
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
    """Who changed or was shown what, on whose behalf, for what, by which relation. Append-only."""

    __tablename__ = "audit_record"
    __table_args__ = (
        Index("audit_record_family_id_idx", "family_id", "id"),
        Index("audit_record_municipality_code_idx", "municipality_code", "id"),
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
    agency_id: UUID | None = None
    professional_id: UUID | None = None
    person_id: UUID | None = None
    shown_person_id: UUID | None = None
    relation: str | None = None
    legal_basis: str | None = None
    trace_id: str | None = None

    @classmethod
    def of(cls, actor: Actor, action: str, decision: str, at: datetime, **what: Any) -> "AuditRecord":
        return cls(
            at=at,
            action=action,
            decision=decision,
            role=actor.role,
            subject=actor.subject,
            agency_id=actor.agency_id,
            professional_id=actor.professional_id,
            person_id=actor.person_id,
            **what,
        )


class OutboxRow(SQLModel, table=True):
    """An event still to be told outside. Written with the change, removed once told."""

    __tablename__ = "outbox"

    event_id: UUID = Field(primary_key=True, foreign_key="event.id")


class Client(SQLModel, table=True):
    """An agency's system that may ask for tokens, and the public keys it signs with."""

    id: str = Field(primary_key=True, sa_type=Text)
    agency_id: UUID = Field(foreign_key="agency.id", index=True)
    name: str
    jwks: dict[str, Any] = Field(sa_type=JSONB)
    active: bool = True


class ClientAssertion(SQLModel, table=True):
    """A signed assertion that was used once, and so can't be again."""

    __tablename__ = "client_assertion"

    client_id: str = Field(primary_key=True, foreign_key="client.id")
    jti: str = Field(primary_key=True)
    expires_at: datetime = Field(sa_type=Instant, index=True)


class IdempotentRequest(SQLModel, table=True):
    """A request that was carried out under an Idempotency-Key, and its sealed answer."""

    __tablename__ = "idempotent_request"

    caller: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    fingerprint: bytes
    answer: bytes | None = None
    at: datetime = Field(sa_type=Instant, index=True)
