"""Whether a resource is what FHIR R4 says: by the classes of `fhir.resources`, and by rules of our own that those lack.

Those classes look at names and types. The required value sets, and what nl-core asks of the parts that we fill, are
looked at here.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from fhir.resources.R4B import get_fhir_model_class

NL_CORE = "http://nictiz.nl/fhir/StructureDefinition/nl-core-"
REQUIRED: dict[str, set[str]] = {
    "Bundle.type": {"searchset"},
    "Bundle.entry.search.mode": {"match", "include", "outcome"},
    "CapabilityStatement.status": {"draft", "active", "retired", "unknown"},
    "CapabilityStatement.kind": {"instance", "capability", "requirements"},
    "CapabilityStatement.rest.mode": {"client", "server"},
    "CareTeam.status": {"proposed", "active", "suspended", "inactive", "entered-in-error"},
    "EpisodeOfCare.status": {
        *("planned", "waitlist", "active", "onhold", "finished", "cancelled", "entered-in-error"),
    },
    "Patient.gender": {"male", "female", "other", "unknown"},
    "RelatedPerson.gender": {"male", "female", "other", "unknown"},
    "Patient.link.type": {"replaced-by", "replaces", "refer", "seealso"},
    "OperationOutcome.issue.severity": {"fatal", "error", "warning", "information"},
    "OperationOutcome.issue.code": {
        *("invalid", "structure", "required", "value", "invariant", "security", "login", "unknown", "expired"),
        *("forbidden", "suppressed", "processing", "not-supported", "duplicate", "multiple-matches", "not-found"),
        *("deleted", "too-long", "code-invalid", "extension", "too-costly", "business-rule", "conflict", "transient"),
        *("lock-error", "no-store", "exception", "timeout", "incomplete", "throttled", "informational"),
    },
}
"""The value sets with a required binding, of the paths that are used."""
NAME_USES = {"usual", "official", "temp", "nickname", "anonymous", "old", "maiden"}
TELECOM_SYSTEMS = {"phone", "fax", "email", "pager", "url", "sms", "other"}
TELECOM_USES = {"home", "work", "temp", "old", "mobile"}
KINSHIP = {"PRN", "STPPRN", "PRNFOST", "CHILD", "STPCHLD", "CHLDFOST"}
"""Of v3-RoleCode."""
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
REFERRED = {
    "CareTeam.subject": {"Patient", "Group"},
    "CareTeam.participant.member": {
        *("Practitioner", "PractitionerRole", "RelatedPerson", "Patient", "Organization", "CareTeam"),
    },
    "CareTeam.participant.onBehalfOf": {"Organization"},
    "CareTeam.managingOrganization": {"Organization"},
    "EpisodeOfCare.patient": {"Patient"},
    "EpisodeOfCare.managingOrganization": {"Organization"},
    "EpisodeOfCare.careManager": {"Practitioner", "PractitionerRole"},
    "EpisodeOfCare.team": {"CareTeam"},
    "Patient.managingOrganization": {"Organization"},
    "Patient.link.other": {"Patient", "RelatedPerson"},
    "RelatedPerson.patient": {"Patient"},
    "PractitionerRole.practitioner": {"Practitioner"},
    "PractitionerRole.organization": {"Organization"},
}
WITHOUT_REASONS = {
    "CareTeam": {"encounter", "reasonCode", "reasonReference", "note", "category"},
    "EpisodeOfCare": {"diagnosis", "referralRequest", "account", "statusHistory"},
    "Patient": {"gender", "address", "maritalStatus", "generalPractitioner", "communication"},
}
"""What would say why somebody is helped, or what Spil doesn't know."""


def must_be_valid(whole: dict[str, Any]) -> None:
    """The resource, and for a Bundle all in it."""
    kind = whole["resourceType"]
    model = get_fhir_model_class(kind).model_validate(whole)
    assert model.get_resource_type() == kind
    for path, node in nodes(kind, whole):
        if path in REQUIRED:
            assert node in REQUIRED[path], (path, node)
        if isinstance(node, dict):
            _must_fit(path, node)
    assert not WITHOUT_REASONS.get(kind, set()) & set(whole)
    if kind == "Bundle":
        _must_be_a_searchset(whole)
    elif "id" in whole:
        assert ID.fullmatch(whole["id"])
        assert INSTANT.fullmatch(whole["meta"].get("lastUpdated", "2026-01-01T00:00:00Z"))
        SHAPES.get(kind, _any_shape)(whole)


def nodes(path: str, node: Any) -> Iterator[tuple[str, Any]]:
    """Every element with its path; a contained resource begins a path of its own."""
    if isinstance(node, list):
        for one in node:
            yield from nodes(path, one)
    elif isinstance(node, dict):
        here = node.get("resourceType", path)
        yield here, node
        for name, value in node.items():
            yield from nodes(f"{here}.{name}", value)
    else:
        assert node not in (None, ""), path
        yield path, node


def _must_fit(path: str, node: dict[str, Any]) -> None:
    assert node, path
    last = path.rpartition(".")[2]
    if last == "telecom":
        assert node["system"] in TELECOM_SYSTEMS
        assert node["use"] in TELECOM_USES
    if last == "name":
        assert node.get("use", "usual") in NAME_USES
    if last == "period":
        assert all(INSTANT.fullmatch(moment) for moment in node.values())
        if {"start", "end"} <= set(node):
            assert datetime.fromisoformat(node["start"]) <= datetime.fromisoformat(node["end"])
    if "reference" in node:
        kind, _, logical_id = node["reference"].partition("/")
        assert kind == node["type"]
        assert kind in REFERRED[path], path
        assert ID.fullmatch(logical_id)
    if "code" in node and "system" in node and last == "coding":
        assert re.match(r"(https?://|urn:)", node["system"])


def _must_be_a_searchset(bundle: dict[str, Any]) -> None:
    assert "total" not in bundle
    assert [one["relation"] for one in bundle["link"]][:1] == ["self"]
    entries = bundle.get("entry", [])
    addresses = [one["fullUrl"] for one in entries]
    assert len(addresses) == len(set(addresses))
    for one in entries:
        whole = one["resource"]
        assert one["fullUrl"].endswith(f"/fhir/{whole['resourceType']}/{whole['id']}")
        must_be_valid(whole)


def _any_shape(_: dict[str, Any]) -> None:
    """Nothing more is asked of it."""


def _claims(whole: dict[str, Any], profile: str) -> None:
    assert whole["meta"]["profile"] == [NL_CORE + profile]


def _care_team(team: dict[str, Any]) -> None:
    """nl-core-CareTeam: a professional takes part as PractitionerRole."""
    _claims(team, "CareTeam")
    for one in team.get("participant", ()):
        assert one["role"]
        assert one["member"].get("type") in {"PractitionerRole", "Organization", None}
        assert ("onBehalfOf" in one) == (one["member"].get("type") == "PractitionerRole")


def _patient(patient: dict[str, Any]) -> None:
    _claims(patient, "Patient")
    _named(patient)
    assert [one["system"] for one in patient["identifier"]] == ["urn:spil:person"]


def _named(person: dict[str, Any]) -> None:
    """nl-core-NameInformation: an own name, and a prefix only beside one; `use` had better be left out."""
    [name] = person["name"]
    parts = {one["url"].rpartition("/")[2]: one["valueString"] for one in name["_family"]["extension"]}
    assert name["family"] == " ".join(filter(None, (parts.get("humanname-own-prefix"), parts["humanname-own-name"])))
    assert "use" not in name


def _related_person(relative: dict[str, Any]) -> None:
    _claims(relative, "ContactPerson")
    _named(relative)
    codes = {coding["code"] for one in relative["relationship"] for coding in one["coding"]}
    assert codes & KINSHIP
    assert codes <= KINSHIP | {"24"}


def _organization(organization: dict[str, Any]) -> None:
    """org-1: an organisation has a name or an identifier."""
    _claims(organization, "HealthcareProvider-Organization")
    assert organization["name"]
    assert all(one.get("use") != "home" for one in organization.get("telecom", ()))


def _practitioner(practitioner: dict[str, Any]) -> None:
    _claims(practitioner, "HealthProfessional-Practitioner")


def _practitioner_role(role: dict[str, Any]) -> None:
    _claims(role, "HealthProfessional-PractitionerRole")
    assert role["practitioner"]["reference"] == f"Practitioner/{role['id']}"


def _episode(episode: dict[str, Any]) -> None:
    """It claims to be no episode of a health problem; its types are parts of life."""
    assert "profile" not in episode["meta"]
    assert {coding["system"] for one in episode["type"] for coding in one["coding"]} == {"urn:spil:codes:help-domain"}


SHAPES = {
    "CareTeam": _care_team,
    "Patient": _patient,
    "RelatedPerson": _related_person,
    "Organization": _organization,
    "Practitioner": _practitioner,
    "PractitionerRole": _practitioner_role,
    "EpisodeOfCare": _episode,
}
