"""Who there is: municipalities, agencies, their professionals and systems, and the help domains."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from api.domain import codes
from api.domain.models.base import Codes, Instant, coded, ends_after_it_starts, new_id, one_at_a_time


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


class Client(SQLModel, table=True):
    """An agency's system that may ask for tokens, and the public keys it signs with."""

    id: str = Field(primary_key=True, sa_type=Text)
    agency_id: UUID = Field(foreign_key="agency.id", index=True)
    name: str
    jwks: dict[str, Any] = Field(sa_type=JSONB)
    active: bool = True
    acts_for_professionals: bool = False
    """Whether it may ask for tokens of its agency's professionals, to act on their behalf."""


class ClientRemovedKey(SQLModel, table=True):
    """A key that was taken from a client. Its name is never used again, so that what it signed stays refused."""

    __tablename__ = "client_removed_key"

    client_id: str = Field(primary_key=True, foreign_key="client.id")
    kid: str = Field(primary_key=True)
    removed_at: datetime = Field(sa_type=Instant)


class ClientAssertion(SQLModel, table=True):
    """A signed assertion that was used once, and so can't be again."""

    __tablename__ = "client_assertion"

    client_id: str = Field(primary_key=True, foreign_key="client.id")
    jti: str = Field(primary_key=True)
    expires_at: datetime = Field(sa_type=Instant, index=True)
