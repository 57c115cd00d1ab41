"""Registrations: that an agency is involved with a person, and the matches between registrations.

A registration is its agency's own; nobody else sees it, until it joins a family or the registrar sees a match.
"""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from api.domain import codes
from api.domain.models.base import Codes, Instant, coded, new_id


class Registration(SQLModel, table=True):
    """That an agency is involved with a person, who may or may not belong to a family. It says that, never why.

    Without a BSN it waits until the registrar has confirmed who it is about: `person_id`.
    """

    __table_args__ = (
        CheckConstraint("cardinality(help_domains) > 0", name="help_domains"),
        CheckConstraint("(bsn_sealed IS NULL) = (bsn_pseudonym IS NULL)", name="bsn"),
        CheckConstraint("bsn_sealed IS NOT NULL OR num_nonnulls(given_name, surname, birth_date) = 3", name="says_who"),
        CheckConstraint("(ended_at IS NULL) = (end_reason IS NULL)", name="ended"),
        CheckConstraint("own_involvement IS FALSE OR involvement_id IS NOT NULL", name="own_involvement"),
        Index(
            "registration_one_running_key",
            "agency_id",
            "municipality_code",
            "bsn_pseudonym",
            "professional_id",
            unique=True,
            postgresql_nulls_not_distinct=True,
            postgresql_where=text("ended_at IS NULL AND bsn_pseudonym IS NOT NULL"),
        ),
        Index("registration_agency_id_idx", "agency_id", "registered_at", "id"),
        Index("registration_bsn_pseudonym_idx", "bsn_pseudonym", postgresql_where=text("ended_at IS NULL")),
        Index(
            "registration_unconfirmed_idx",
            "municipality_code",
            "registered_at",
            "id",
            postgresql_where=text("bsn_pseudonym IS NULL AND person_id IS NULL AND ended_at IS NULL"),
        ),
        Index(
            "registration_expiring_idx",
            "expires_at",
            postgresql_where=text("ended_at IS NULL AND involvement_id IS NULL"),
        ),
        Index("registration_involvement_id_idx", "involvement_id"),
    )

    id: UUID = new_id()
    agency_id: UUID = Field(foreign_key="agency.id")
    municipality_code: str = Field(foreign_key="municipality.code")
    professional_id: UUID | None = Field(default=None, foreign_key="professional.id", index=True)
    given_name: str | None = None
    surname: str | None = None
    birth_date: date | None = None
    bsn_sealed: bytes | None = None
    bsn_pseudonym: bytes | None = None
    person_id: UUID | None = Field(default=None, foreign_key="person.id", index=True)
    help_domains: list[str] = Field(sa_type=Codes)
    legal_basis: codes.LegalBasis = Field(sa_type=coded(codes.LegalBasis))
    legal_basis_ends_on: date | None = None
    legal_ground: str | None = None
    contact_frequency: codes.ContactFrequency | None = Field(default=None, sa_type=coded(codes.ContactFrequency))
    shielded: bool = False
    registered_at: datetime = Field(sa_type=Instant)
    expires_at: datetime = Field(sa_type=Instant)
    """When it ends by itself, unless it is part of a family by then."""
    involvement_id: UUID | None = Field(default=None, foreign_key="involvement.id")
    """The involvement by which it is part of a family."""
    own_involvement: bool = False
    """Whether that involvement began with this registration, and so ends with it."""
    match_shared_at: datetime | None = Field(default=None, sa_type=Instant)
    """When its agency was told that another one is involved."""
    consulted_at: datetime | None = Field(default=None, sa_type=Instant)
    ended_at: datetime | None = Field(default=None, sa_type=Instant)
    end_reason: codes.RegistrationEnd | None = Field(default=None, sa_type=coded(codes.RegistrationEnd))


class RegistrationRelative(SQLModel, table=True):
    """A parent or child of the person that a registration is about, as its agency knows them."""

    __tablename__ = "registration_relative"

    id: UUID = new_id()
    registration_id: UUID = Field(foreign_key="registration.id", index=True)
    agency_id: UUID = Field(foreign_key="agency.id", index=True)
    municipality_code: str = Field(foreign_key="municipality.code")
    kinship: codes.Kinship = Field(sa_type=coded(codes.Kinship))
    bsn_sealed: bytes
    bsn_pseudonym: bytes = Field(index=True)


class UnplacedRegistration(SQLModel, table=True):
    """A registration still to be looked at: does it join a family, does it match? Written with it, removed after."""

    __tablename__ = "unplaced_registration"

    registration_id: UUID = Field(primary_key=True, foreign_key="registration.id")
    agency_id: UUID = Field(foreign_key="agency.id", index=True)


class Match(SQLModel, table=True):
    """That two agencies registered one person, or a parent and a child; or one whom only the registrar can place.

    It is between two registrations, or between a registration and a family.
    """

    __table_args__ = (
        CheckConstraint("num_nonnulls(other_registration_id, with_family_id) = 1", name="other_side"),
        CheckConstraint("registration_id < other_registration_id", name="once"),
        CheckConstraint("(decided_at IS NULL) = (state = 'found')", name="decided"),
        Index("match_registrations_key", "registration_id", "other_registration_id", unique=True),
        Index("match_family_key", "registration_id", "with_family_id", unique=True),
        Index("match_municipality_code_idx", "municipality_code", "found_at", "id"),
    )

    id: UUID = new_id()
    municipality_code: str = Field(foreign_key="municipality.code")
    kind: codes.MatchKind = Field(sa_type=coded(codes.MatchKind))
    registration_id: UUID = Field(foreign_key="registration.id")
    other_registration_id: UUID | None = Field(default=None, foreign_key="registration.id", index=True)
    with_family_id: UUID | None = Field(default=None, foreign_key="family.id", index=True)
    state: codes.MatchState = Field(default=codes.MatchState.FOUND, sa_type=coded(codes.MatchState))
    found_at: datetime = Field(sa_type=Instant)
    decided_at: datetime | None = Field(default=None, sa_type=Instant)
    shared_at: datetime | None = Field(default=None, sa_type=Instant)
    consulted_at: datetime | None = Field(default=None, sa_type=Instant)
