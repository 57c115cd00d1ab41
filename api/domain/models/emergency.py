"""Emergencies: which agencies a municipality entitles to open a family at once, and who opened which."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from api.domain import codes
from api.domain.models.base import Instant, coded, ends_after_it_starts, new_id, one_at_a_time


class Entitlement(SQLModel, table=True):
    """That a municipality lets the professionals of an agency open its families in an emergency."""

    __table_args__ = (
        ends_after_it_starts(),
        one_at_a_time("entitlement_one_at_a_time", "md5(municipality_code || agency_id::text)::uuid"),
        Index("entitlement_agency_id_idx", "agency_id"),
        Index("entitlement_municipality_code_idx", "municipality_code"),
    )

    id: UUID = new_id()
    municipality_code: str = Field(foreign_key="municipality.code")
    agency_id: UUID = Field(foreign_key="agency.id")
    started_at: datetime = Field(sa_type=Instant)
    ends_at: datetime | None = Field(default=None, sa_type=Instant)


class EmergencyAccess(SQLModel, table=True):
    """One professional's view of one family in an emergency. It ends by itself, a few hours after it began."""

    __tablename__ = "emergency_access"
    __table_args__ = (
        ends_after_it_starts(),
        CheckConstraint("ends_at <= started_at + interval '3 hours'", name="short"),
        Index("emergency_access_family_id_idx", "family_id"),
        Index("emergency_access_professional_id_idx", "professional_id", "family_id"),
        Index("emergency_access_entitlement_id_idx", "entitlement_id", "started_at", "id"),
        Index("emergency_access_lapsing_idx", "ends_at", postgresql_where=text("end_reason IS NULL")),
    )

    id: UUID = new_id()
    family_id: UUID = Field(foreign_key="family.id")
    entitlement_id: UUID = Field(foreign_key="entitlement.id")
    agency_id: UUID = Field(foreign_key="agency.id")
    professional_id: UUID = Field(foreign_key="professional.id")
    reason: codes.EmergencyReason = Field(sa_type=coded(codes.EmergencyReason))
    started_at: datetime = Field(sa_type=Instant)
    ends_at: datetime = Field(sa_type=Instant)
    end_reason: codes.EmergencyEnd | None = Field(default=None, sa_type=coded(codes.EmergencyEnd))
    reviewed_at: datetime | None = Field(default=None, sa_type=Instant)
    """When the privacy officer looked into it."""
