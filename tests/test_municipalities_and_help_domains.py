"""Municipalities are the tenants; help domains are one national list and what a municipality adds for itself."""

import secrets
import string
from typing import Any

import pytest

from api.domain.actor import Actor
from tests.world import World, refused

NATIONAL = [
    "finances",
    "work_education",
    "daytime_activities",
    "housing",
    "domestic_relations",
    "mental_health",
    "physical_health",
    "substance_use",
    "basic_adl",
    "instrumental_adl",
    "social_network",
    "community_participation",
    "justice",
    "parenting",
    "child_development",
    "child_safety",
]


def registration(code: str = "7999", **other: Any) -> dict[str, Any]:
    return {
        "code": code,
        "name": "Gemeente Voorbeeld",
        "accessTeamName": "Wijkteam",
        "accessTeamPhone": "+31 30 000 00 01",
        "accessTeamEmail": "wijkteam@example.nl",
    } | other


def test_a_municipality_is_registered_once(world: World) -> None:
    administrator = world.as_(world.administrator)
    code = f"8{secrets.randbelow(1000):03d}"
    answer = administrator.post("/municipalities", registration(code))
    assert answer.status_code == 201, answer.text
    path = answer.headers["Location"].removeprefix("/v1")
    assert administrator.get(path).json() == answer.json()
    assert code in {one["code"] for one in administrator.get("/municipalities").json()["items"]}
    refused(administrator.post("/municipalities", registration(code)), 409, "conflict")
    changed = administrator.change(path, {"accessTeamName": "Toegang"}).json()
    assert (changed["accessTeamName"], changed["name"]) == ("Toegang", "Gemeente Voorbeeld")
    refused(administrator.call("PATCH", path, json={"name": "X"}), 428, "precondition_required")
    refused(administrator.get("/municipalities/0000"), 404, "not_found")


@pytest.mark.parametrize(
    "other", [{"code": "12"}, {"code": "abcd"}, {"accessTeamPhone": "x"}, {"accessTeamEmail": "x"}, {"name": ""}]
)
def test_an_impossible_municipality_is_refused(world: World, other: dict[str, Any]) -> None:
    refused(world.as_(world.administrator).post("/municipalities", registration(**other)), 400, "invalid")


def test_only_an_administrator_manages_municipalities(world: World) -> None:
    for actor in (world.registrar, world.system(world.an_agency()), world.officer()):
        refused(world.as_(actor).post("/municipalities", registration("7998")), 403, "role_lacking")


def test_the_national_list_has_labels_in_two_languages(world: World) -> None:
    caller = world.as_(world.system(world.an_agency()))
    dutch = caller.get("/help-domains").json()["items"]
    english = caller.get("/help-domains", headers={"Accept-Language": "en"}).json()["items"]
    assert [one["code"] for one in dutch if one["municipalityCode"] is None] == NATIONAL
    assert [one["label"] for one in dutch] == [one["labelNl"] for one in dutch]
    assert [one["label"] for one in english] == [one["labelEn"] for one in english]


def added(world: World, registrar: Actor, **other: Any) -> Any:
    code = "own_" + "".join(secrets.choice(string.ascii_lowercase) for _ in range(12))
    body = {"code": code, "labelNl": "Eigen domein", "labelEn": "Own domain"} | other
    return world.as_(registrar).post("/help-domains", body)


def test_a_municipality_adds_help_domains_for_its_own_families_only(world: World) -> None:
    here, there = world.a_municipality(), world.a_municipality()
    answer = added(world, world.a_registrar(here))
    assert (answer.status_code, answer.json()["municipalityCode"]) == (201, here.code)
    code = answer.json()["code"]
    own = world.as_(world.a_registrar(here)).get("/help-domains").json()["items"]
    others = world.as_(world.a_registrar(there)).get("/help-domains").json()["items"]
    assert own[-1]["code"] == code
    assert code not in {one["code"] for one in others}
    agency = world.an_agency()
    for municipality, status in ((here, 201), (there, 400)):
        family = world.a_family(municipality)
        body = {"agencyId": str(agency.id), "helpDomains": [code]}
        invited = world.as_(world.a_registrar(municipality)).post(f"/families/{family.id}/involvements/_invite", body)
        assert invited.status_code == status, invited.text


def test_a_help_domain_is_added_once_by_a_registrar(world: World) -> None:
    code = added(world, world.registrar).json()["code"]
    refused(added(world, world.registrar, code=code), 409, "conflict")
    refused(added(world, world.registrar, code="finances"), 409, "conflict")
    for wrong in ("Finances", "x", "with space", "_x_", "a" * 51):
        refused(added(world, world.registrar, code=wrong), 400, "invalid")
    refused(added(world, world.system(world.an_agency())), 403, "role_lacking")
    refused(world.as_(world.registrar).get("/help-domains/no_such_domain"), 404, "not_found")
    assert world.as_(world.registrar).get(f"/help-domains/{code}").json()["label"] == "Eigen domein"
