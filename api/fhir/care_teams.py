"""CareTeam: who is involved with a member's family, who leads, and whom to call for what.

The participants are what the read of who is involved shows this reader, each in each of their roles: nl-core wants a
professional as PractitionerRole. An agency that isn't shown the members yet has a team for its own involvement.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from api.fhir.codings import (
    CARE_TEAM_ROLE,
    COORDINATOR,
    DISCLOSURE_STAGE,
    FAMILY,
    HELP_DOMAIN,
    TEAM_STATUSES,
    VERY_RESTRICTED,
    coding,
    concept,
)
from api.fhir.datatypes import identifier, masked, period, reference, resource
from api.fhir.ids import joined
from api.fhir.organizations import municipality_reference
from api.fhir.patients import patient_reference

ALL_SHOWN = "agencies"
ROLES = {
    "lead_coordinator": "Vaste hulpverlener",
    "deputy": "Waarnemer",
    "contact_point": "Aanspreekpunt",
    "cover": "Vervanger",
    "involved": "Betrokken",
    "others_involved": "Anderen betrokken",
}
"""The code system of roles in a team, with its Dutch words."""


def care_team(item: Mapping[str, Any], family: Mapping[str, Any], labels: Mapping[str, str]) -> dict[str, Any]:
    """`item`: whom the team is around; `family`: what is shown of it; `labels`: of help domains, by their codes."""
    team = family["team"]
    members = {one["personId"]: one for one in family["members"]}
    shielded = any(one["shielded"] for one in team["involvements"])
    return resource(
        "CareTeam",
        joined(item["familyId"], item["key"]),
        profile="CareTeam",
        meta={
            "lastUpdated": family["changedAt"],
            "security": [VERY_RESTRICTED] if shielded else [],
            "tag": [coding(DISCLOSURE_STAGE, team["disclosureStage"])],
        },
        identifier=[identifier(FAMILY, item["familyId"])],
        status=TEAM_STATUSES[team["family"]["state"]],
        name=team["family"]["name"],
        subject=_subject(item, members),
        period=period(item["startedAt"], family["closedAt"]),
        participant=list(_participants(team, labels)),
        managingOrganization=[municipality_reference(team["municipality"]["code"], team["municipality"]["name"])],
    )


def _subject(item: Mapping[str, Any], members: Mapping[str, Any]) -> dict[str, Any] | None:
    if item["personId"] in members:
        return patient_reference(members[item["personId"]])
    return reference("Patient", joined(item["familyId"], item["personId"])) if item["personId"] else None


def _participants(team: Mapping[str, Any], labels: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    yield from _leading(team["leadCoordinator"])
    for row in team["helpDomains"]:
        domain = concept(coding(HELP_DOMAIN, row["helpDomain"], row["label"]))
        if point := row["contactPoint"]:
            yield _participant(point["professional"], [_role("contact_point"), domain], period(point["since"], None))
        if row["call"]["capacity"] == "cover":
            yield _participant(row["call"]["professional"], [_role("cover"), domain], None)
    for one in team["involvements"]:
        domains = [concept(coding(HELP_DOMAIN, code, labels.get(code))) for code in one["helpDomains"]]
        yield _involved(one, [_role("involved"), *domains])
    if team["othersInvolved"] and team["disclosureStage"] != ALL_SHOWN:
        yield {"role": [_role("others_involved")], "member": masked()}


def _leading(lead: Mapping[str, Any] | None) -> Iterator[dict[str, Any]]:
    if lead is None:
        return
    mandate, deputy = lead["mandate"], lead["deputy"]
    roles = [_role("lead_coordinator", COORDINATOR)]
    yield _participant(lead["professional"], roles, period(mandate["startedAt"], mandate["endsAt"]))
    if deputy:
        yield _participant(deputy["professional"], [_role("deputy")], period(deputy["startedAt"], deputy["endsAt"]))


def _involved(one: Mapping[str, Any], roles: list[dict[str, Any]]) -> dict[str, Any]:
    since = period(one["startedAt"], one["endsAt"])
    if one["professional"]:
        return _participant(one["professional"], roles, since)
    return {"role": roles, "member": _agency(one["agency"])} | ({"period": since} if since else {})


def _participant(card: Mapping[str, Any], roles: list[dict[str, Any]], since: dict[str, Any] | None) -> dict[str, Any]:
    member = reference("PractitionerRole", card["id"], card["name"])
    whole = {"role": roles, "member": member, "onBehalfOf": _agency(card["agency"])}
    return whole | ({"period": since} if since else {})


def _agency(card: Mapping[str, Any]) -> dict[str, Any]:
    return reference("Organization", card["id"], card["name"])


def _role(code: str, *same: dict[str, Any]) -> dict[str, Any]:
    return concept(*same, coding(CARE_TEAM_ROLE, code, ROLES[code]))
