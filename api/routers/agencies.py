"""Agencies, their professionals, and who covers when a professional is absent."""

from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import MISSING, Field

from api.auth.calls import Call
from api.auth.guards import Routes
from api.auth.policy import Permission
from api.domain import agencies, calendar, professionals
from api.domain.actor import Role
from api.domain.codes import AgencyKind
from api.domain.errors import Forbidden
from api.domain.models import Absence, Professional
from api.paging import Cursor, Limit, Page, decode, page
from api.routers.parameters import AbsenceId, AgencyId, NamePart, ProfessionalId
from api.shapes import Body, CleanText, Day, Email, HelpDomainCode, Out, Phone

routes = Routes("Agencies")

HelpDomains = Annotated[list[HelpDomainCode], Field(max_length=50)]


class AgencyRegistration(Body):
    """An agency that comes to use Spil."""

    name: CleanText
    kind: AgencyKind
    phone: Phone | None = None
    email: Email | None = None
    help_domains: HelpDomains = Field(default=[], description="The help domains it works in.")
    signal_only: bool = Field(default=False, description="It only signals: it never leads and is no contact point.")


class AgencyChange(Body):
    """What changes of an agency. Only a platform administrator changes `kind`, `signalOnly` and `active`."""

    name: CleanText | MISSING = MISSING
    phone: Phone | None | MISSING = MISSING
    email: Email | None | MISSING = MISSING
    help_domains: HelpDomains | MISSING = MISSING
    kind: AgencyKind | MISSING = MISSING
    signal_only: bool | MISSING = MISSING
    active: bool | MISSING = MISSING


class AgencyOut(Out):
    """An agency, and how to reach it."""

    id: UUID
    name: str
    kind: AgencyKind
    phone: str | None
    email: str | None
    help_domains: list[str]
    signal_only: bool
    active: bool


class ProfessionalRegistration(Body):
    """A professional who comes to work for an agency."""

    name: CleanText
    function: CleanText
    phone: Phone | None = None
    email: Email | None = None
    registration_number: CleanText | None = Field(default=None, description="For instance of the SKJ or BIG register.")


class ProfessionalChange(Body):
    """What changes of a professional. `active: false`: works there no longer."""

    name: CleanText | MISSING = MISSING
    function: CleanText | MISSING = MISSING
    phone: Phone | None | MISSING = MISSING
    email: Email | None | MISSING = MISSING
    registration_number: CleanText | None | MISSING = MISSING
    active: bool | MISSING = MISSING


class ProfessionalOut(Out):
    """A professional, and how to reach them."""

    id: UUID
    agency_id: UUID
    name: str
    function: str
    phone: str | None
    email: str | None
    registration_number: str | None
    active: bool


class AbsenceReport(Body):
    """A period in whole days, both included, and the colleague who covers."""

    starts_on: Day
    ends_on: Day
    cover_id: UUID | None = Field(default=None, description="A professional of the same agency.")


class AbsenceOut(Out):
    """A period in which a professional can't be reached."""

    id: UUID
    professional_id: UUID
    cover_id: UUID | None
    starts_on: Day
    ends_on: Day


FOR_ADMINISTRATORS = {"kind", "signal_only", "active"}


def _of_own_agency(call: Call, agency_id: UUID) -> None:
    if call.work.actor.role is not Role.PLATFORM_ADMINISTRATOR and call.work.actor.agency_id != agency_id:
        raise Forbidden("This is not your agency.", code="other_agency")


def _own_professional(call: Call, professional_id: UUID) -> Professional:
    professional = professionals.get(call.work, professional_id)
    _of_own_agency(call, professional.agency_id)
    return professional


def _absence(absence: Absence) -> AbsenceOut:
    first, last = calendar.day_of(absence.started_at), calendar.last_day_before(absence.ends_at)
    return AbsenceOut.of(absence, starts_on=first, ends_on=last)


def _after(cursor: str | None) -> tuple[str, UUID] | None:
    position = decode(cursor, str, UUID)
    return (position[0], position[1]) if position else None


@routes.get("/agencies", Permission.DIRECTORY_READ)
def list_agencies(
    call: Call,
    name: NamePart = None,
    kind: AgencyKind | None = None,
    help_domain: Annotated[HelpDomainCode | None, Query(alias="helpDomain")] = None,
    only_active: Annotated[bool, Query(alias="onlyActive")] = True,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[AgencyOut]:
    """Search agencies by part of their name, by kind and by help domain, in order of name."""
    found = agencies.search(
        call.work,
        name=name,
        kind=kind,
        help_domain=help_domain,
        only_active=only_active,
        after=_after(cursor),
        limit=limit,
    )
    return page(found, limit, AgencyOut, lambda agency: (agency.name, agency.id))


@routes.post("/agencies", Permission.AGENCY_REGISTER, status=201, location="/agencies/{id}")
def register_agency(call: Call, body: AgencyRegistration) -> AgencyOut:
    """Register an agency."""
    return AgencyOut.of(agencies.register(call.work, **body.complete()))


@routes.get("/agencies/{agencyId}", Permission.DIRECTORY_READ)
def get_agency(call: Call, agency_id: AgencyId) -> AgencyOut:
    """Get an agency."""
    return AgencyOut.of(agencies.get(call.work, agency_id))


@routes.patch("/agencies/{agencyId}", Permission.AGENCY_CHANGE)
def change_agency(call: Call, agency_id: AgencyId, body: AgencyChange) -> AgencyOut:
    """Change an agency: what the body leaves out stays as it is."""
    agency = agencies.get(call.work, agency_id)
    _of_own_agency(call, agency.id)
    new = body.given()
    if call.work.actor.role is not Role.PLATFORM_ADMINISTRATOR and FOR_ADMINISTRATORS & set(new):
        raise Forbidden("Ask a platform administrator to change kind, signalOnly or active.", code="role_lacking")
    call.must_match(AgencyOut.of(agency))
    return AgencyOut.of(agencies.change(call.work, agency, **new))


@routes.get("/professionals", Permission.PROFESSIONAL_READ)
def list_professionals(
    call: Call,
    name: NamePart = None,
    agency_id: Annotated[UUID | None, Query(alias="agencyId")] = None,
    only_active: Annotated[bool, Query(alias="onlyActive")] = True,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[ProfessionalOut]:
    """Search professionals by part of their name and by agency, in order of name."""
    found = professionals.search(
        call.work, name=name, agency_id=agency_id, only_active=only_active, after=_after(cursor), limit=limit
    )
    return page(found, limit, ProfessionalOut, lambda professional: (professional.name, professional.id))


@routes.post(
    "/agencies/{agencyId}/professionals",
    Permission.PROFESSIONAL_MANAGE,
    status=201,
    location="/professionals/{id}",
)
def register_professional(call: Call, agency_id: AgencyId, body: ProfessionalRegistration) -> ProfessionalOut:
    """Register a professional of your agency."""
    agency = agencies.get(call.work, agency_id)
    _of_own_agency(call, agency.id)
    return ProfessionalOut.of(professionals.register(call.work, Professional(agency_id=agency.id, **body.complete())))


@routes.get("/professionals/{professionalId}", Permission.PROFESSIONAL_READ)
def get_professional(call: Call, professional_id: ProfessionalId) -> ProfessionalOut:
    """Get a professional."""
    return ProfessionalOut.of(professionals.get(call.work, professional_id))


@routes.patch("/professionals/{professionalId}", Permission.PROFESSIONAL_MANAGE)
def change_professional(call: Call, professional_id: ProfessionalId, body: ProfessionalChange) -> ProfessionalOut:
    """Change a professional of your agency: what the body leaves out stays as it is."""
    professional = _own_professional(call, professional_id)
    call.must_match(ProfessionalOut.of(professional))
    return ProfessionalOut.of(professionals.change(call.work, professional, **body.given()))


@routes.get("/professionals/{professionalId}/absences", Permission.PROFESSIONAL_READ)
def list_absences(call: Call, professional_id: ProfessionalId) -> Page[AbsenceOut]:
    """List a professional's absences, running and to come."""
    professional = professionals.get(call.work, professional_id)
    return Page(items=[_absence(absence) for absence in professionals.absences_of(call.work, professional)])


@routes.post("/professionals/{professionalId}/absences", Permission.ABSENCE_REPORT, status=201)
def report_absence(call: Call, professional_id: ProfessionalId, body: AbsenceReport) -> AbsenceOut:
    """Report an absence of a professional of your agency, and who covers for them."""
    professional = _own_professional(call, professional_id)
    return _absence(professionals.report_absence(call.work, professional, **body.complete()))


@routes.delete("/professionals/{professionalId}/absences/{absenceId}", Permission.ABSENCE_REPORT)
def withdraw_absence(call: Call, professional_id: ProfessionalId, absence_id: AbsenceId) -> None:
    """Take an absence back: one that has begun ends now."""
    professionals.withdraw_absence(call.work, _own_professional(call, professional_id), absence_id)
