"""Practitioner and PractitionerRole: a professional as a person, and at the agency they work for. They share an id.

Spil knows a professional's name as one text, and their registration number without its register: nl-core has no place
for such a number, and takes such a name.
"""

from typing import Any

from api.domain.models import Agency, Professional
from api.fhir.codings import concept
from api.fhir.datatypes import reference, resource, telecom


def practitioner(professional: Professional) -> dict[str, Any]:
    return resource(
        "Practitioner",
        str(professional.id),
        profile="HealthProfessional-Practitioner",
        active=professional.active,
        name=[{"text": professional.name}],
        telecom=telecom(professional.phone, professional.email),
    )


def practitioner_role(professional: Professional, agency: Agency) -> dict[str, Any]:
    return resource(
        "PractitionerRole",
        str(professional.id),
        profile="HealthProfessional-PractitionerRole",
        active=professional.active,
        practitioner=reference("Practitioner", str(professional.id), professional.name),
        organization=reference("Organization", str(agency.id), agency.name),
        code=[concept(text=professional.function)],
        telecom=telecom(professional.phone or agency.phone, professional.email or agency.email),
    )
