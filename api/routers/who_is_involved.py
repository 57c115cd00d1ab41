"""Who is involved, who leads, and whom to call for what: the one call this service exists for."""

from datetime import date
from enum import StrEnum
from uuid import UUID

from api.auth.guards import Routes
from api.auth.policy import Permission
from api.domain import who_is_involved
from api.domain.codes import (
    AgencyKind,
    ContactFrequency,
    DisclosureStage,
    Framework,
    MandateBasis,
    MemberRole,
    Power,
    Strategy,
)
from api.domain.documents import Document
from api.routers.parameters import Language, On
from api.shapes import Email, HelpDomainCode, Moment, MunicipalityCode, Out, Phone

routes = Routes("Who is involved")


class FamilyState(StrEnum):
    """Whether the approach of a family is open."""

    OPEN = "open"
    CLOSED = "closed"


class CallCapacity(StrEnum):
    """In what capacity someone answers for a help domain. The access team answers when nobody else does."""

    CONTACT_POINT = "contact_point"
    COVER = "cover"
    LEAD_COORDINATOR = "lead_coordinator"
    DEPUTY = "deputy"
    ACCESS_TEAM = "access_team"


class CallReason(StrEnum):
    """Why it is this one who answers."""

    IS_CONTACT_POINT = "is_contact_point"
    CONTACT_POINT_IS_ABSENT = "contact_point_is_absent"
    NO_CONTACT_POINT = "no_contact_point"
    NOBODY_INVOLVED = "nobody_involved"


class AgencyCard(Out):
    """An agency, and how to reach it."""

    id: UUID
    name: str
    kind: AgencyKind
    phone: Phone | None
    email: Email | None


class ProfessionalCard(Out):
    """A professional, and how to reach them. `absentUntil`: the last day of the absence that runs now."""

    id: UUID
    name: str
    function: str
    phone: Phone | None
    email: Email | None
    agency: AgencyCard
    absent_until: date | None


class AccessTeam(Out):
    """The access team of the responsible municipality."""

    name: str
    phone: Phone
    email: Email


class ResponsibleMunicipality(Out):
    """The municipality that is responsible for the family."""

    code: MunicipalityCode
    name: str
    access_team: AccessTeam


class FamilySummary(Out):
    """The family. What the policy doesn't show you is null: at an early stage of disclosure the name too."""

    id: UUID
    name: str | None
    framework: Framework | None
    strategy: Strategy | None
    state: FamilyState
    opened_at: Moment | None


class MemberSummary(Out):
    """A member of the family. `birthDate` is null for whom the policy doesn't show it."""

    id: UUID
    person_id: UUID
    given_name: str
    surname: str
    role: MemberRole
    parental_authority: bool
    birth_date: date | None


class MandateSummary(Out):
    """The active mandate."""

    id: UUID
    powers: list[Power]
    legal_basis: MandateBasis
    granted_by: MunicipalityCode
    started_at: Moment
    ends_at: Moment


class DeputySummary(Out):
    """Who stands in for the lead coordinator now."""

    professional: ProfessionalCard
    started_at: Moment
    ends_at: Moment


class LeadCoordinator(Out):
    """Who leads, by which mandate, and who deputises now."""

    professional: ProfessionalCard
    mandate: MandateSummary
    deputy: DeputySummary | None


class AssignedContactPoint(Out):
    """Who is the contact point, and since when."""

    id: UUID
    professional: ProfessionalCard
    since: Moment


class WhomToCall(Out):
    """The one to call, and why it is this one. `professional` is null for the access team."""

    capacity: CallCapacity
    because: CallReason
    name: str
    phone: Phone | None
    email: Email | None
    professional: ProfessionalCard | None


class HelpDomainContact(Out):
    """One help domain: its contact point, or the gap, and whom to call now. `involved`: somebody openly helps here."""

    help_domain: HelpDomainCode
    label: str
    contact_point: AssignedContactPoint | None
    involved: bool
    gap: bool
    call: WhomToCall


class RunningInvolvement(Out):
    """An agency that is involved. `stale`: it should have confirmed by now that it still is."""

    id: UUID
    agency: AgencyCard
    professional: ProfessionalCard | None
    help_domains: list[HelpDomainCode]
    contact_frequency: ContactFrequency | None
    signal_only: bool
    shielded: bool
    started_at: Moment
    ends_at: Moment | None
    confirmation_due_on: date
    stale: bool


class WhoIsInvolved(Out):
    """The whole team around a family at one instant, as you may see it.

    `disclosureStage`: how much that is. At `others_involved` there are your own involvements only, at
    `lead_and_contact_points` also who leads and whom to call. `othersInvolved`: other agencies than yours are.
    """

    family: FamilySummary
    municipality: ResponsibleMunicipality
    as_of: Moment
    disclosure_stage: DisclosureStage
    others_involved: bool
    members: list[MemberSummary]
    lead_coordinator: LeadCoordinator | None
    help_domains: list[HelpDomainContact]
    involvements: list[RunningInvolvement]


@routes.get("/families/{familyId}/who-is-involved", Permission.TEAM_READ, shape=WhoIsInvolved)
def get_who_is_involved(language: Language, on: On = None) -> Document:
    """Who is involved, who leads, and whom to call for what: the whole team, as you may see it."""
    return who_is_involved.who_is_involved(on, language)
