"""CapabilityStatement: what care systems can ask here. Made from the tables that the searches themselves go by."""

from typing import Any

from api.fhir.codings import coding, concept
from api.fhir.datatypes import NL_CORE
from api.fhir.parameters import INCLUDED, SEARCHED_BY, WITH_A_BSN

FHIR_VERSION = "4.0.1"
PUBLISHED = "2026-11-22"
SECURITY_SERVICE = "http://terminology.hl7.org/CodeSystem/restful-security-service"
OAUTH_URIS = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"
PROFILES = {
    "CareTeam": "CareTeam",
    "Organization": "HealthcareProvider-Organization",
    "Patient": "Patient",
    "Practitioner": "HealthProfessional-Practitioner",
    "PractitionerRole": "HealthProfessional-PractitionerRole",
    "RelatedPerson": "ContactPerson",
}
DEFINITIONS = {
    "_id": "http://hl7.org/fhir/SearchParameter/Resource-id",
    "_lastUpdated": "http://hl7.org/fhir/SearchParameter/Resource-lastUpdated",
}
BY_POST = "With a BSN by POST to _search only: a BSN in a URI is refused."


def statement(base: str, token_url: str, version: str) -> dict[str, Any]:
    """The whole statement, for the service at this address."""
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": PUBLISHED,
        "kind": "instance",
        "software": {"name": "Spil", "version": version},
        "implementation": {"description": "Who is involved, who leads, and whom to call for what", "url": base},
        "fhirVersion": FHIR_VERSION,
        "format": ["json", "application/fhir+json"],
        "rest": [
            {
                "mode": "server",
                "security": _security(token_url),
                "resource": [_resource(kind) for kind in sorted(SEARCHED_BY)],
            }
        ],
    }


def _security(token_url: str) -> dict[str, Any]:
    uris = {"url": OAUTH_URIS, "extension": [{"url": "token", "valueUri": token_url}]}
    return {
        "extension": [uris],
        "service": [concept(coding(SECURITY_SERVICE, "OAuth", "OAuth"))],
        "description": "client_credentials with private_key_jwt. What you see follows from your relations to a family.",
    }


def _resource(kind: str) -> dict[str, Any]:
    whole = {
        "type": kind,
        "supportedProfile": [f"{NL_CORE}{PROFILES[kind]}"] if kind in PROFILES else [],
        "interaction": [{"code": "read"}, {"code": "search-type"}],
        "versioning": "versioned",
        "readHistory": False,
        "searchInclude": list(INCLUDED[kind]),
        "searchParam": [_parameter(kind, name, of) for name, of in SEARCHED_BY[kind].items()],
    }
    return {name: value for name, value in whole.items() if value != []}


def _parameter(kind: str, name: str, of: str) -> dict[str, Any]:
    whole = {"name": name, "type": of}
    if name in DEFINITIONS:
        whole["definition"] = DEFINITIONS[name]
    if name in WITH_A_BSN:
        whole["documentation"] = BY_POST
    return whole
