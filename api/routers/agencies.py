"""Agencies: the organisations around families, found by name, kind and help domain."""

from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import MISSING, Field

from api.auth.calls import Call
from api.auth.guards import Routes
from api.auth.policy import Permission
from api.domain import agencies
from api.domain.actor import Role
from api.domain.codes import AgencyKind
from api.domain.errors import Forbidden
from api.paging import Cursor, Limit, Page, decode, page
from api.routers.parameters import AgencyId, NamePart, OnlyActive
from api.shapes import Body, CleanText, Email, HelpDomainCode, Out, Phone, YesNo

routes = Routes("Agencies")

HelpDomains = Annotated[list[HelpDomainCode], Field(max_length=50)]


class AgencyRegistration(Body):
    """An agency that comes to use Spil."""

    name: CleanText
    kind: AgencyKind
    phone: Phone | None = None
    email: Email | None = None
    help_domains: HelpDomains = Field(default=[], description="The help domains it works in.")
    signal_only: YesNo = Field(default=False, description="It only signals: it never leads and is no contact point.")


class AgencyChange(Body):
    """What changes of an agency. Only a platform administrator changes `kind`, `signalOnly` and `active`."""

    name: CleanText | MISSING = MISSING
    phone: Phone | None | MISSING = MISSING
    email: Email | None | MISSING = MISSING
    help_domains: HelpDomains | MISSING = MISSING
    kind: AgencyKind | MISSING = MISSING
    signal_only: YesNo | MISSING = MISSING
    active: YesNo | MISSING = MISSING


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


FOR_ADMINISTRATORS = {"kind", "signal_only", "active"}


def must_be_own_agency(call: Call, agency_id: UUID) -> None:
    if call.work.actor.role is not Role.PLATFORM_ADMINISTRATOR and call.work.actor.agency_id != agency_id:
        raise Forbidden("This is not your agency.", code="other_agency")


def name_and_id(cursor: str | None) -> tuple[str, UUID] | None:
    position = decode(cursor, str, UUID)
    return (position[0], position[1]) if position else None


@routes.get("/agencies", Permission.DIRECTORY_READ)
def list_agencies(
    call: Call,
    name: NamePart = None,
    kind: AgencyKind | None = None,
    help_domain: Annotated[HelpDomainCode | None, Query(alias="helpDomain")] = None,
    only_active: OnlyActive = True,
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
        after=name_and_id(cursor),
        limit=limit,
    )
    return page(found, limit, AgencyOut, lambda agency: (agency.name, agency.id))


@routes.post("/agencies", Permission.AGENCY_REGISTER, status=201, location="/agencies/{id}")
def register_agency(call: Call, body: AgencyRegistration) -> AgencyOut:
    """Register an agency."""
    given = body.complete()
    return AgencyOut.of(agencies.register(call.work, help_domains_=given.pop("help_domains"), **given))


@routes.get("/agencies/{agencyId}", Permission.DIRECTORY_READ)
def get_agency(call: Call, agency_id: AgencyId) -> AgencyOut:
    """Get an agency."""
    return AgencyOut.of(agencies.get(call.work, agency_id))


@routes.patch("/agencies/{agencyId}", Permission.AGENCY_CHANGE)
def change_agency(call: Call, agency_id: AgencyId, body: AgencyChange) -> AgencyOut:
    """Change an agency: what the body leaves out stays as it is."""
    agency = agencies.get(call.work, agency_id)
    must_be_own_agency(call, agency.id)
    new = body.given()
    if call.work.actor.role is not Role.PLATFORM_ADMINISTRATOR and FOR_ADMINISTRATORS & set(new):
        raise Forbidden("Ask a platform administrator to change kind, signalOnly or active.", code="role_lacking")
    return AgencyOut.of(agencies.change(call.work, agency, **new))
