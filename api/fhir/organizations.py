"""Organization: an agency; and a municipality, which is responsible for families and answers when nobody else does."""

from typing import Any

from api.domain.codes import AgencyKind
from api.domain.models import Agency, Municipality
from api.fhir.codings import AGENCY_KIND, MUNICIPALITY, ORGANIZATION_TYPE, ORGANIZATION_TYPES, coding, concept
from api.fhir.datatypes import identifier, reference, resource, telecom

PROFILE = "HealthcareProvider-Organization"
OF_MUNICIPALITY = "municipality-"


def of_agency(agency: Agency) -> dict[str, Any]:
    kind = AgencyKind(agency.kind)
    return resource(
        "Organization",
        str(agency.id),
        profile=PROFILE,
        active=agency.active,
        type=[concept(coding(AGENCY_KIND, kind)), concept(coding(ORGANIZATION_TYPE, ORGANIZATION_TYPES[kind]))],
        name=agency.name,
        telecom=telecom(agency.phone, agency.email),
    )


def of_municipality(municipality: Municipality) -> dict[str, Any]:
    """Its telecom is that of its access team."""
    return resource(
        "Organization",
        f"{OF_MUNICIPALITY}{municipality.code}",
        profile=PROFILE,
        identifier=[identifier(MUNICIPALITY, municipality.code)],
        active=True,
        type=[concept(coding(ORGANIZATION_TYPE, "govt"))],
        name=municipality.name,
        telecom=telecom(municipality.access_team_phone, municipality.access_team_email),
        contact=[{"name": {"text": municipality.access_team_name}}],
    )


def municipality_reference(code: str, name: str | None = None) -> dict[str, Any]:
    return reference("Organization", f"{OF_MUNICIPALITY}{code}", name)
