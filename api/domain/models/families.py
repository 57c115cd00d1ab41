"""Families: their members, who is involved, who leads, and whom to call for what."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from api.domain import codes
from api.domain.models.base import Codes, Instant, Keys, all_of, coded, ends_after_it_starts, new_id, one_at_a_time


class Person(SQLModel, table=True):
    """A person as one municipality knows them. The BSN is sealed, and found by a keyed pseudonym only."""

    __table_args__ = (
        Index("person_bsn_key", "municipality_code", "bsn_pseudonym", unique=True),
        Index("person_name_keys_idx", "name_keys", postgresql_using="gin"),
    )

    id: UUID = new_id()
    municipality_code: str = Field(foreign_key="municipality.code")
    given_name: str
    surname: str
    birth_date: date | None = None
    shielded: bool = False
    """Their whereabouts are secret: only the lead coordinator and the registrar see that they are a member."""
    bsn_sealed: bytes | None = None
    bsn_pseudonym: bytes | None = None
    name_keys: list[bytes] = Field(default_factory=list, sa_type=Keys)
    """Keyed pseudonyms of how the name sounds and of the birth date, by which duplicates are found."""


class Family(SQLModel, table=True):
    """The household the approach is about. `changed_at` is the instant of the last change around it, always rising."""

    __table_args__ = (
        CheckConstraint("(closed_at IS NULL) = (closing IS NULL)", name="closed"),
        Index("family_municipality_code_idx", "municipality_code", "id"),
        Index("family_closed_at_idx", "closed_at", postgresql_where=text("closed_at IS NOT NULL")),
    )

    id: UUID = new_id()
    municipality_code: str = Field(foreign_key="municipality.code")
    name: str
    framework: codes.Framework = Field(sa_type=coded(codes.Framework))
    framework_ends_at: datetime | None = Field(default=None, sa_type=Instant)
    """When the last of its measures ends, if that is known: from then on the family is helped voluntarily."""
    strategy: codes.Strategy | None = Field(default=None, sa_type=coded(codes.Strategy))
    opened_at: datetime = Field(sa_type=Instant)
    closed_at: datetime | None = Field(default=None, sa_type=Instant)
    closing: codes.FamilyClosing | None = Field(default=None, sa_type=coded(codes.FamilyClosing))
    changed_at: datetime = Field(sa_type=Instant)

    def framework_at(self, at: datetime) -> codes.Framework:
        over = self.framework_ends_at is not None and self.framework_ends_at <= at
        return codes.Framework.VOLUNTARY if over else self.framework


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
        Index("involvement_family_id_idx", "family_id", "agency_id", "professional_id"),
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
    legal_ground: str | None = Field(default=None, foreign_key="legal_ground.code")
    """The article; a statutory task always names one."""
    basis_ends_at: datetime | None = Field(default=None, sa_type=Instant)
    """Until when the basis holds by the agency's word; what it rests on may end it sooner."""
    consented_domains: list[str] = Field(default_factory=list, sa_type=Codes)
    """The help domains that rest on a consent on record: without it they don't fall back on the agency's word."""
    measure_id: UUID | None = Field(default=None, foreign_key="measure.id", index=True)
    """The measure it rests on, and ends with."""
    person_id: UUID | None = Field(default=None, foreign_key="person.id", index=True)
    """The member it is about; without one, the family as a whole."""
    disclosure_stage: codes.DisclosureStage = Field(
        default=codes.DisclosureStage.AGENCIES, sa_type=coded(codes.DisclosureStage)
    )
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
        Index("mandate_family_id_idx", "family_id", "professional_id"),
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
        Index("deputy_family_id_idx", "family_id", "professional_id"),
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
        Index("contact_point_family_id_idx", "family_id", "professional_id"),
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
