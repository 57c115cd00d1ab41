"""EpisodeOfCare: that an agency is involved with a member, was, or is asked to be. Never why.

It claims no profile: nl-core-EpisodeOfCare is the episode of a health problem, and problems are what Spil doesn't know.
The only `type` is the part of life that the help is about.
"""

from collections.abc import Mapping
from typing import Any

from api.fhir.codings import EPISODE_STATUSES, HELP_DOMAIN, INVOLVEMENT, VERY_RESTRICTED, coding, concept
from api.fhir.datatypes import identifier, masked, period, reference, resource
from api.fhir.ids import joined
from api.fhir.patients import patient_reference


def episode(item: Mapping[str, Any], family: Mapping[str, Any], labels: Mapping[str, str]) -> dict[str, Any]:
    """`item`: an involvement with one member, as a read gives it; `family`: the members that the reader sees."""
    whole = [item["familyId"], item["id"], *([item["personId"]] if item["personId"] else [])]
    return resource(
        "EpisodeOfCare",
        joined(*whole),
        meta={"lastUpdated": item["changedAt"], "security": [VERY_RESTRICTED] if item["shielded"] else []},
        identifier=[identifier(INVOLVEMENT, item["id"])],
        status=EPISODE_STATUSES[item["state"]],
        type=[concept(coding(HELP_DOMAIN, code, labels.get(code))) for code in item["helpDomains"]],
        patient=_patient(item, family),
        managingOrganization=reference("Organization", item["agencyId"], item["agency"]),
        period=period(item["startedAt"], item["endsAt"]),
        careManager=_manager(item),
        team=_team(item, family),
    )


def _patient(item: Mapping[str, Any], family: Mapping[str, Any]) -> dict[str, Any]:
    for member in family.get("members", ()):
        if member["personId"] == item["personId"]:
            return patient_reference(member)
    return reference("Patient", joined(item["familyId"], item["personId"])) if item["personId"] else masked()


def _manager(item: Mapping[str, Any]) -> dict[str, Any] | None:
    if item["professionalId"] is None:
        return None
    return reference("PractitionerRole", item["professionalId"], item["professional"])


def _team(item: Mapping[str, Any], family: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The team around this member; for an agency that isn't shown the members, the one around its involvement."""
    if not item["seesMembers"]:
        return [reference("CareTeam", joined(item["familyId"], item["id"]))] if item["state"] == "running" else []
    known = any(member["personId"] == item["personId"] for member in family.get("members", ()))
    return [reference("CareTeam", joined(item["familyId"], item["personId"]))] if known else []
