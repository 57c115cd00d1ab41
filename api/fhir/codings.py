"""Our codes in FHIR's words, as tables. What FHIR or a Dutch code list has no word for keeps our own code."""

from typing import Any

from api.domain.codes import AgencyKind, InvolvementState, MemberRole

BSN = "http://fhir.nl/fhir/NamingSystem/bsn"
"""As nl-core-Patient names it. It is searched by, and never shown."""
PERSON = "urn:spil:person"
FAMILY = "urn:spil:family"
INVOLVEMENT = "urn:spil:involvement"
MUNICIPALITY = "urn:spil:municipality"

AGENCY_KIND = "urn:spil:codes:agency-kind"
CARE_TEAM_ROLE = "urn:spil:codes:care-team-role"
HELP_DOMAIN = "urn:spil:codes:help-domain"
DISCLOSURE_STAGE = "urn:spil:codes:disclosure-stage"
PROBLEM = "urn:spil:codes:problem"

SNOMED = "http://snomed.info/sct"
ROLE_CODE = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
ORGANIZATION_TYPE = "http://terminology.hl7.org/CodeSystem/organization-type"
CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
REPRESENTATIVE = "urn:oid:2.16.840.1.113883.2.4.3.11.22.472"
"""The RolCodelijst of nl-core-ContactPerson."""

COORDINATOR = {"system": SNOMED, "code": "768821004", "display": "Care team coordinator"}
LEGAL_REPRESENTATIVE = {"system": REPRESENTATIVE, "code": "24", "display": "Wettelijke vertegenwoordiger"}
VERY_RESTRICTED = {"system": CONFIDENTIALITY, "code": "V", "display": "very restricted"}

ORGANIZATION_TYPES: dict[AgencyKind, str] = dict.fromkeys(AgencyKind, "prov") | {
    AgencyKind.CHILD_PROTECTION_BOARD: "govt",
    AgencyKind.DEBT_HELP: "other",
    AgencyKind.HOUSING: "other",
    AgencyKind.WORK_AND_INCOME: "govt",
    AgencyKind.SCHOOL: "edu",
    AgencyKind.POLICE: "govt",
    AgencyKind.PROBATION: "govt",
    AgencyKind.MUNICIPALITY: "govt",
}

EPISODE_STATUSES: dict[str, str] = {
    InvolvementState.INVITED: "planned",
    InvolvementState.RUNNING: "active",
    InvolvementState.ENDED: "finished",
    InvolvementState.DECLINED: "cancelled",
    InvolvementState.WITHDRAWN: "cancelled",
}
TEAM_STATUSES: dict[str, str] = {"open": "active", "closed": "inactive"}

AS_PARENT: dict[str, tuple[str, str]] = {
    MemberRole.PARENT: ("PRN", "parent"),
    MemberRole.STEP_PARENT: ("STPPRN", "step parent"),
    MemberRole.FOSTER_PARENT: ("PRNFOST", "foster parent"),
}
AS_CHILD: dict[str, tuple[str, str]] = {
    MemberRole.PARENT: ("CHILD", "child"),
    MemberRole.STEP_PARENT: ("STPCHLD", "step child"),
    MemberRole.FOSTER_PARENT: ("CHLDFOST", "foster child"),
}
"""What a child is to somebody with this role in the family."""

MASKED = {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "masked"}
"""There is something here that isn't for this reader."""


def coding(system: str, code: str, display: str | None = None) -> dict[str, Any]:
    return {"system": system, "code": code} | ({"display": display} if display else {})


def concept(*codings: dict[str, Any], text: str | None = None) -> dict[str, Any]:
    return ({"coding": list(codings)} if codings else {}) | ({"text": text} if text else {})


def ours(codes: dict[str, str], wanted: str) -> list[str]:
    """Our codes for one of FHIR's."""
    return [str(mine) for mine, theirs in codes.items() if theirs == wanted]
