"""Caseload synchronisations: all that an agency says is running in one municipality, and what became of each row.

They are the agency's own, and nobody else sees them. What a row says is sealed; when everything was carried out,
nothing of it is left, only its number and its outcome.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, text
from sqlmodel import Field, SQLModel

from api.domain import codes
from api.domain.models.base import Instant, coded, new_id


class CaseloadSynchronisation(SQLModel, table=True):
    """A caseload that was sent. One that has no `received_at` still comes in, and is nothing yet."""

    __tablename__ = "caseload_synchronisation"
    __table_args__ = (
        CheckConstraint("may_end >= 0", name="may_end"),
        Index(
            "caseload_synchronisation_one_running_key",
            "agency_id",
            "municipality_code",
            unique=True,
            postgresql_where=text("received_at IS NOT NULL AND state IN ('received', 'running')"),
        ),
        Index("caseload_synchronisation_agency_id_idx", "agency_id", "received_at", "id"),
    )

    id: UUID = new_id()
    agency_id: UUID = Field(foreign_key="agency.id")
    municipality_code: str = Field(foreign_key="municipality.code")
    state: codes.SynchronisationState = Field(
        default=codes.SynchronisationState.RECEIVED, sa_type=coded(codes.SynchronisationState)
    )
    dry_run: bool
    end_reason: codes.RegistrationEnd = Field(sa_type=coded(codes.RegistrationEnd))
    may_end: int | None = None
    """How many its agency says may be ended, if it says so."""
    row_count: int = 0
    running_count: int | None = None
    """How many of the agency's registrations ran when it was compared."""
    would_end: int | None = None
    """How many of those are in none of its rows."""
    missing_listed: bool = False
    """Whether those are among its rows already."""
    begun_at: datetime = Field(sa_type=Instant)
    received_at: datetime | None = Field(default=None, sa_type=Instant)
    finished_at: datetime | None = Field(default=None, sa_type=Instant)
    subject: str
    """Who sent it, from here to `trace_id`: it is carried out as theirs."""
    issuer: str | None = None
    via: str | None = None
    trace_id: str | None = None


class CaseloadRow(SQLModel, table=True):
    """A row of a caseload, or, without a number, a registration that is in none of its rows."""

    __tablename__ = "caseload_row"
    __table_args__ = (
        CheckConstraint("(bsn_sealed IS NULL) = (bsn_pseudonym IS NULL)", name="bsn"),
        Index(
            "caseload_row_to_do_idx",
            "synchronisation_id",
            "bsn_pseudonym",
            "position",
            postgresql_where=text("outcome IS NULL"),
        ),
        Index("caseload_row_registration_id_idx", "synchronisation_id", "registration_id"),
    )

    synchronisation_id: UUID = Field(
        sa_column=Column(
            "synchronisation_id", ForeignKey("caseload_synchronisation.id", ondelete="CASCADE"), primary_key=True
        )
    )
    position: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    line: int | None = None
    """The line of the file it stood on."""
    agency_id: UUID
    bsn_sealed: bytes | None = None
    bsn_pseudonym: bytes | None = None
    said_sealed: bytes | None = None
    """What the row says beside the BSN, by our names; None if it can't be carried out."""
    professional_id: UUID | None = None
    apart: bool = False
    """Whether it concerns a family, and so is carried out by itself."""
    outcome: codes.CaseloadOutcome | None = Field(default=None, sa_type=coded(codes.CaseloadOutcome))
    code: str | None = None
    """Why it was refused."""
    field: str | None = None
    registration_id: UUID | None = None
