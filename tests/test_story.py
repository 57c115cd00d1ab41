"""The story Spil exists for, over HTTP with the demo's tokens: from opening a family to who was involved before."""

from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.demo import Demo
from tests.world import Caller, a_bsn, in_days, today

pytestmark = pytest.mark.xdist_group("demo")

NOBODY = "00000000-0000-4000-8000-000000000000"


@dataclass(frozen=True)
class Cast:
    """Everybody in the story, by what they are in it."""

    demo: Demo
    client: httpx.Client

    def __getattr__(self, part: str) -> Caller:
        return Caller(self.client, self.of(part)["token"])

    def of(self, part: str) -> dict[str, Any]:
        names = {
            "registrar": "Registrar of Veenmeer",
            "youth_care": "System of Jeugdhulp De Wilg",
            "debt_help": "System of Schuldhulp Veenmeer",
            "school": "System of Veenmeer College",
            "lead": "Marieke Terpstra",
            "successor": "Yasmina Belkadi",
            "debt_counsellor": "Dennis Ruiter",
            "privacy_officer": "Privacy officer",
        }
        return self.demo.actor(names[part])


def test_the_story_of_a_family(demo: Demo) -> None:
    with httpx.Client(base_url=demo.written["baseUrl"], timeout=30) as client:
        cast = Cast(demo, client)
        family = the_registrar_opens_a_family(cast)
        two_agencies_are_invited_and_accept(cast, family)
        mandate = a_professional_accepts_the_lead(cast, family)
        the_lead_assigns_contact_points(cast, family)
        debt_help_asks_who_is_involved(cast, family)
        the_school_hears_of_nothing(cast, family)
        debt_help_ends_and_the_lead_answers_meanwhile(cast, family)
        the_mandate_is_handed_over_without_a_gap(cast, family, mandate)
        the_past_is_still_answered(cast, family)
        the_timeline_tells_and_the_privacy_officer_sees(cast, family)


def the_registrar_opens_a_family(cast: Cast) -> str:
    parent = {"givenName": "Noor", "surname": "de Vries", "birthDate": "1986-05-02", "bsn": a_bsn()}
    children = [
        {"givenName": "Finn", "surname": "de Vries", "birthDate": "2014-01-09"},
        {"givenName": "Saar", "surname": "de Vries", "birthDate": "2017-11-30"},
    ]
    members = [{"person": parent, "role": "parent", "parentalAuthority": True}]
    members += [{"person": child, "role": "child"} for child in children]
    opening = {"name": "De Vries", "framework": "voluntary", "strategy": "put_in_order", "members": members}
    opened = cast.registrar.post("/families", opening)
    assert opened.status_code == 201, opened.text
    family = opened.headers["Location"].removeprefix("/v1")
    assert cast.registrar.get(family).json() == opened.json()
    return family


def two_agencies_are_invited_and_accept(cast: Cast, family: str) -> None:
    for agency, domain, professional in (
        ("youth_care", "parenting", "lead"),
        ("debt_help", "finances", "debt_counsellor"),
    ):
        system: Caller = getattr(cast, agency)
        assert system.get(f"{family}/who-is-involved").status_code == 404
        invitation = {"agencyId": cast.of(agency)["agencyId"], "helpDomains": [domain]}
        invited = cast.registrar.post(f"{family}/involvements/_invite", invitation)
        assert invited.status_code == 201, invited.text
        assert invited.json()["id"] in open_invitations(system)
        terms = {
            "legalBasis": "statutory_task",
            "legalGround": "youth_help",
            "professionalId": cast.of(professional)["professionalId"],
        }
        accepted = system.post(f"{family}/involvements/{invited.json()['id']}/_accept", terms)
        assert accepted.status_code == 200, accepted.text
        assert accepted.json()["state"] == "running"


def open_invitations(system: Caller) -> set[str]:
    items = system.get("/caseload", params={"limit": 200}).json()["items"]
    return {one["about"] for item in items for one in item["attention"] if one["kind"] == "invitation_open"}


def a_professional_accepts_the_lead(cast: Cast, family: str) -> str:
    proposal = {
        "professionalId": cast.of("lead")["professionalId"],
        "powers": ["assign_contact_points", "invite_agencies"],
        "legalBasis": "consent",
        "endsOn": str(in_days(180)),
    }
    proposed = cast.registrar.post(f"{family}/mandates", proposal)
    assert proposed.status_code == 201, proposed.text
    mandate = proposed.headers["Location"].removeprefix("/v1")
    assert cast.lead.post(f"{mandate}/_accept").json()["state"] == "active"
    return mandate


def the_lead_assigns_contact_points(cast: Cast, family: str) -> None:
    for domain, professional in (("finances", "debt_counsellor"), ("parenting", "lead")):
        person = {"professionalId": cast.of(professional)["professionalId"]}
        assigned = cast.lead.put(f"{family}/contact-points/{domain}", person)
        assert assigned.status_code == 200, assigned.text


def debt_help_asks_who_is_involved(cast: Cast, family: str) -> None:
    team = cast.debt_help.get(f"{family}/who-is-involved").json()
    lead = cast.of("lead")["professionalId"]
    assert team["leadCoordinator"]["professional"]["id"] == lead
    agencies = {involvement["agency"]["id"] for involvement in team["involvements"]}
    assert agencies == {cast.of("youth_care")["agencyId"], cast.of("debt_help")["agencyId"]}
    assert [row["gap"] for row in team["helpDomains"]] == [False, False]
    assert [member["givenName"] for member in team["members"]] == ["Noor", "Finn", "Saar"]
    call = cast.debt_help.get(f"{family}/contact-points/parenting").json()["call"]
    assert (call["professional"]["id"], call["because"]) == (lead, "is_contact_point")


def the_school_hears_of_nothing(cast: Cast, family: str) -> None:
    hidden = cast.school.get(f"{family}/who-is-involved")
    missing = cast.school.get(f"/families/{NOBODY}/who-is-involved")
    assert hidden.status_code == missing.status_code == 404
    assert hidden.json() | {"instance": ""} == missing.json() | {"instance": ""}


def debt_help_ends_and_the_lead_answers_meanwhile(cast: Cast, family: str) -> None:
    running = cast.debt_help.get(f"{family}/involvements", params={"state": "running"}).json()["items"]
    [own] = [one["id"] for one in running if one["agencyId"] == cast.of("debt_help")["agencyId"]]
    ended = cast.debt_help.post(f"{family}/involvements/{own}/_end", {"reason": "completed"})
    assert ended.json()["state"] == "ended"
    assert cast.debt_help.get(f"{family}/who-is-involved").status_code == 404
    finances = cast.lead.get(f"{family}/contact-points/finances").json()
    assert (finances["gap"], finances["call"]["capacity"]) == (True, "lead_coordinator")
    assert finances["call"]["professional"]["id"] == cast.of("lead")["professionalId"]


def the_mandate_is_handed_over_without_a_gap(cast: Cast, family: str, mandate: str) -> None:
    successor = cast.of("successor")["professionalId"]
    transfer = cast.lead.post(f"{mandate}/_transfer", {"professionalId": successor})
    assert transfer.status_code == 201, transfer.text
    assert cast.registrar.get(mandate).json()["state"] == "active"
    started = cast.successor.post(f"{transfer.headers['Location'].removeprefix('/v1')}/_accept").json()
    assert started["startedAt"] == cast.registrar.get(mandate).json()["endsAt"]
    team = cast.registrar.get(f"{family}/who-is-involved").json()
    assert team["leadCoordinator"]["professional"]["id"] == successor


def the_past_is_still_answered(cast: Cast, family: str) -> None:
    assert cast.registrar.get(f"{family}/who-is-involved", params={"on": str(today())}).status_code == 200
    [transferred] = cast.demo.families("mandate_transferred")
    before, now = (
        cast.registrar.get(f"/families/{transferred}/who-is-involved", params=params).json()["leadCoordinator"]
        for params in ({"on": str(in_days(-45))}, {})
    )
    assert before["professional"]["id"] != now["professional"]["id"]


def the_timeline_tells_and_the_privacy_officer_sees(cast: Cast, family: str) -> None:
    told = [item["type"] for item in cast.registrar.get(f"{family}/timeline").json()["items"]]
    assert told[:2] == ["mandate.granted", "mandate.ended"]
    assert {"family.opened", "member.joined", "involvement.ended", "contact_point.gap_opened"} <= set(told)
    asked = {"familyId": family.rpartition("/")[2], "limit": 200}
    records = cast.privacy_officer.get("/disclosures", params=asked).json()["items"]
    assert (cast.of("debt_help")["agencyId"], "shown") in {(one["agencyId"], one["decision"]) for one in records}
    assert (cast.of("school")["agencyId"], "refused") in {(one["agencyId"], one["decision"]) for one in records}
    assert cast.privacy_officer.get(f"{family}/who-is-involved").status_code == 403
