"""What sharing rests on: the code lists of legal grounds and purposes, what families consent to, and measures.

Whether a consent or a measure holds is never stored apart from its period: it is looked up by instant.
"""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Text, text
from sqlmodel import Field, SQLModel

from api.domain import codes
from api.domain.models.base import Codes, Instant, all_of, coded, ends_after_it_starts, new_id, one_at_a_time


class LegalGround(SQLModel, table=True):
    """An article that gives a legal basis, and the days on which it may be named."""

    __tablename__ = "legal_ground"
    __table_args__ = (CheckConstraint("valid_until >= valid_from", name="valid"),)

    code: str = Field(primary_key=True, sa_type=Text)
    basis: codes.LegalBasis = Field(sa_type=coded(codes.LegalBasis))
    article: str
    label_nl: str
    label_en: str
    position: int
    valid_from: date
    valid_until: date | None = None
    """The last day."""


class Purpose(SQLModel, table=True):
    """For what something is shared, and the days on which that may be named."""

    __table_args__ = (CheckConstraint("valid_until >= valid_from", name="valid"),)

    code: str = Field(primary_key=True, sa_type=Text)
    label_nl: str
    label_en: str
    position: int
    valid_from: date
    valid_until: date | None = None
    """The last day."""


class Consent(SQLModel, table=True):
    """That a member consents to sharing, or objects to it: with one agency or all, for one help domain or all.

    With `to_person_id` it is a young person's consent to somebody's looking at what is about them.
    """

    __table_args__ = (
        ends_after_it_starts(),
        CheckConstraint("decision = 'objected' OR ends_at IS NOT NULL", name="has_end"),
        CheckConstraint(
            "to_person_id IS NULL OR (agency_id IS NULL AND help_domain IS NULL AND decision = 'given')", name="looking"
        ),
        CheckConstraint("withdrawn_at >= started_at", name="withdrawn"),
        Index("consent_family_id_idx", "family_id", "person_id"),
        Index("consent_person_id_idx", "person_id"),
    )

    id: UUID = new_id()
    family_id: UUID = Field(foreign_key="family.id")
    person_id: UUID = Field(foreign_key="person.id")
    """Whose consent it is."""
    decision: codes.ConsentDecision = Field(sa_type=coded(codes.ConsentDecision))
    agency_id: UUID | None = Field(default=None, foreign_key="agency.id")
    help_domain: str | None = Field(default=None, foreign_key="help_domain.code")
    to_person_id: UUID | None = Field(default=None, foreign_key="person.id")
    given_by_id: UUID = Field(foreign_key="person.id")
    """Who said so: the member, or a parent with authority over them."""
    started_at: datetime = Field(sa_type=Instant)
    ends_at: datetime | None = Field(default=None, sa_type=Instant)
    withdrawn_at: datetime | None = Field(default=None, sa_type=Instant)

    def state_at(self, at: datetime) -> codes.ConsentState:
        if self.withdrawn_at is not None and self.withdrawn_at <= at:
            return codes.ConsentState.WITHDRAWN
        over = self.ends_at is not None and self.ends_at <= at
        return codes.ConsentState.ENDED if over else codes.ConsentState.RUNNING

    def runs_at(self, at: datetime) -> bool:
        return self.started_at <= at and self.state_at(at) is codes.ConsentState.RUNNING


class Measure(SQLModel, table=True):
    """A child protection measure: about which child, by which institution, for how long, on which conditions."""

    __table_args__ = (
        ends_after_it_starts(),
        all_of("conditions", codes.MeasureCondition),
        all_of("negotiable", codes.MeasureCondition),
        CheckConstraint("NOT conditions && negotiable", name="either"),
        one_at_a_time("measure_one_at_a_time", "md5(family_id::text || person_id::text || kind)::uuid"),
        Index("measure_family_id_idx", "family_id"),
        Index("measure_person_id_idx", "person_id"),
        Index("measure_agency_id_idx", "agency_id", "family_id"),
        Index("measure_lapsing_idx", "ends_at", postgresql_where=text("ends_at IS NOT NULL AND end_reason IS NULL")),
    )

    id: UUID = new_id()
    family_id: UUID = Field(foreign_key="family.id")
    person_id: UUID = Field(foreign_key="person.id")
    """The child."""
    kind: codes.MeasureKind = Field(sa_type=coded(codes.MeasureKind))
    agency_id: UUID = Field(foreign_key="agency.id")
    """The certified institution that carries it out."""
    started_at: datetime = Field(sa_type=Instant)
    ends_at: datetime | None = Field(default=None, sa_type=Instant)
    review_on: date | None = None
    conditions: list[str] = Field(default_factory=list, sa_type=Codes)
    """Those that are not negotiable."""
    negotiable: list[str] = Field(default_factory=list, sa_type=Codes)
    end_reason: codes.MeasureEnd | None = Field(default=None, sa_type=coded(codes.MeasureEnd))

    def runs_at(self, at: datetime) -> bool:
        return self.started_at <= at and (self.ends_at is None or self.ends_at > at)
