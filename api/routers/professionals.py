"""Professionals: who works for which agency, how to reach them, and who covers when they are absent."""

from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import MISSING, Field

from api.auth.calls import Call
from api.auth.guards import Routes
from api.auth.policy import Permission
from api.domain import agencies, calendar, professionals
from api.domain.errors import Forbidden
from api.domain.models import Absence, Professional
from api.paging import Cursor, Limit, Page, page
from api.routers.agencies import must_be_own_agency, name_and_id
from api.routers.parameters import AbsenceId, AgencyId, NamePart, OnlyActive, ProfessionalId
from api.shapes import Body, CleanText, Day, Email, Id, Out, Phone, YesNo

routes = Routes("Professionals")


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
    active: YesNo | MISSING = MISSING


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
    cover_id: Id | None = Field(default=None, description="A professional of the same agency.")


class AbsenceOut(Out):
    """A period in which a professional can't be reached."""

    id: UUID
    professional_id: UUID
    cover_id: UUID | None
    starts_on: Day
    ends_on: Day


def _own_professional(call: Call, professional_id: UUID) -> Professional:
    professional = professionals.get(call.work, professional_id)
    must_be_own_agency(call, professional.agency_id)
    return professional


def _must_not_cover_by_own_word(call: Call, absent: Professional) -> None:
    """Who covers sees the families of who is absent: nobody brings that about for a colleague's families."""
    if call.work.actor.professional_id not in (None, absent.id):
        raise Forbidden("You report your own absence; your agency's system reports a colleague's.", code="not_yours")


def _absence(absence: Absence) -> AbsenceOut:
    first, last = calendar.day_of(absence.started_at), calendar.last_day_before(absence.ends_at)
    return AbsenceOut.of(absence, starts_on=first, ends_on=last)


@routes.get("/professionals", Permission.PROFESSIONAL_READ)
def list_professionals(
    call: Call,
    name: NamePart = None,
    agency_id: Annotated[Id | None, Query(alias="agencyId")] = None,
    only_active: OnlyActive = True,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[ProfessionalOut]:
    """Search professionals by part of their name and by agency, in order of name."""
    found = professionals.search(
        call.work, name=name, agency_id=agency_id, only_active=only_active, after=name_and_id(cursor), limit=limit
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
    must_be_own_agency(call, agency.id)
    return ProfessionalOut.of(professionals.register(call.work, Professional(agency_id=agency.id, **body.complete())))


@routes.get("/professionals/{professionalId}", Permission.PROFESSIONAL_READ)
def get_professional(call: Call, professional_id: ProfessionalId) -> ProfessionalOut:
    """Get a professional."""
    return ProfessionalOut.of(professionals.get(call.work, professional_id))


@routes.patch("/professionals/{professionalId}", Permission.PROFESSIONAL_MANAGE)
def change_professional(call: Call, professional_id: ProfessionalId, body: ProfessionalChange) -> ProfessionalOut:
    """Change a professional of your agency: what the body leaves out stays as it is."""
    professional = _own_professional(call, professional_id)
    return ProfessionalOut.of(professionals.change(call.work, professional, **body.given()))


@routes.get("/professionals/{professionalId}/absences", Permission.PROFESSIONAL_READ)
def list_absences(call: Call, professional_id: ProfessionalId) -> Page[AbsenceOut]:
    """List a professional's absences, running and to come."""
    professional = professionals.get(call.work, professional_id)
    return Page(items=[_absence(absence) for absence in professionals.absences_of(call.work, professional)])


@routes.post(
    "/professionals/{professionalId}/absences",
    Permission.ABSENCE_REPORT,
    status=201,
    location="/professionals/{professionalId}/absences/{id}",
)
def report_absence(call: Call, professional_id: ProfessionalId, body: AbsenceReport) -> AbsenceOut:
    """Report an absence, and who covers: a professional their own, an agency's system anybody's there."""
    professional = _own_professional(call, professional_id)
    _must_not_cover_by_own_word(call, professional)
    return _absence(professionals.report_absence(call.work, professional, **body.complete()))


@routes.get("/professionals/{professionalId}/absences/{absenceId}", Permission.PROFESSIONAL_READ)
def get_absence(call: Call, professional_id: ProfessionalId, absence_id: AbsenceId) -> AbsenceOut:
    """Get an absence that runs or is still to come."""
    professional = professionals.get(call.work, professional_id)
    return _absence(professionals.get_absence(call.work, professional, absence_id))


@routes.delete("/professionals/{professionalId}/absences/{absenceId}", Permission.ABSENCE_REPORT)
def withdraw_absence(call: Call, professional_id: ProfessionalId, absence_id: AbsenceId) -> None:
    """Take an absence back: one that has begun ends now."""
    professionals.withdraw_absence(call.work, _own_professional(call, professional_id), absence_id)
