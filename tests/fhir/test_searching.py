"""Searches: what they find, page by page; what they include; and what they refuse, in FHIR's words."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from api.fhir.ids import joined
from api.fhir.outcomes import ISSUE_TYPES
from api.fhir.parameters import INCLUDED, SEARCHED_BY
from api.problems import TITLES
from tests.access.scene import Scene
from tests.fhir.reading import OF_DIRECTORY, OF_FAMILIES, Reader, found, link, outcome, reader
from tests.fhir.validating import REQUIRED, must_be_valid
from tests.world import World, ago


@pytest.fixture(scope="module")
def lead(scene: Scene) -> Reader:
    return reader(scene.world, scene.related["lead"])


# Pages


@pytest.fixture(scope="module")
def busy(world: World) -> Reader:
    """An agency's system with five families: of two members, and one of none."""
    agency = world.an_agency()
    for members in (2, 2, 0, 2, 2):
        family = world.a_family()
        for _ in range(members):
            world.a_member(family)
        world.an_involvement(family, agency)
    return reader(world, world.system(agency))


@pytest.mark.parametrize("kind", ["CareTeam", "Patient", "EpisodeOfCare"])
@pytest.mark.parametrize("size", [1, 2, 3, 5, 200])
def test_pages_hold_everything_once_and_no_more_than_asked_for(busy: Reader, kind: str, size: int) -> None:
    pages = busy.pages(kind, _count=size)
    assert all(len(found(page)) <= size for page in pages)
    ids = [one["id"] for page in pages for one in found(page)]
    whole = [one["id"] for one in busy.all(kind)]
    assert ids == whole
    assert len(ids) == len(set(ids)) == {"EpisodeOfCare": 9}.get(kind, 8)
    assert (len(pages) > 1) is (size < 9)


def test_pages_of_relatives_hold_everything_once(scene: Scene, lead: Reader) -> None:
    ids = [one["id"] for page in lead.pages("RelatedPerson", _count=3) for one in found(page)]
    assert len(ids) == len(set(ids)) == 4


@pytest.mark.parametrize("kind", OF_DIRECTORY)
def test_pages_of_the_directory_hold_everything_once(world: World, kind: str) -> None:
    agency = world.an_agency()
    ids_of = [str(world.a_professional(agency).id) for _ in range(4)]
    asks = reader(world, world.system(agency))
    by = {"Organization": {"name": agency.name}, "Practitioner": {"_id": ",".join(ids_of)}}.get(
        kind, {"organization": f"Organization/{agency.id}"}
    )
    pages = asks.pages(kind, _count=3, **by)
    ids = [one["id"] for page in pages for one in found(page)]
    assert len(ids) == len(set(ids))
    assert len(ids) >= {"Organization": 1}.get(kind, 4)


def test_municipalities_come_after_agencies(world: World) -> None:
    asks = reader(world, world.registrar)
    answer = asks.get("Organization", params={"name:contains": world.municipality.name})
    assert [one["id"] for one in found(answer.json())] == [f"municipality-{world.municipality.code}"]
    first, second = (f"{world.an_agency().id}" for _ in range(2))
    ids = ",".join([f"municipality-{world.municipality.code}", first, second])
    known = [one["id"] for page in asks.pages("Organization", _id=ids, _count=1) for one in found(page)]
    assert known == [*sorted([first, second]), f"municipality-{world.municipality.code}"]


def test_nothing_is_counted(lead: Reader) -> None:
    for kind in OF_FAMILIES:
        assert "total" not in lead.get(kind, params={"_total": "none"}).json()
        outcome(lead.get(kind, params={"_total": "accurate"}), 400, "invalid")
        outcome(lead.get(kind, params={"_count": "0"}), 400, "invalid")


def test_a_page_says_what_was_asked(lead: Reader) -> None:
    query = "CareTeam?status=active&_count=2&_format=json"
    assert str(link(lead.get(query).json(), "self")).endswith("/fhir/CareTeam?status=active&_count=2")


# Parameters


def test_a_team_is_found_by_patient_participant_and_status(scene: Scene, lead: Reader) -> None:
    patient = joined(scene.family.id, scene.parent_person.id)
    base = "http://127.0.0.1:8000/fhir"
    for params in (
        {"patient": f"Patient/{patient}"},
        {"patient": patient},
        {"subject": f"{base}/Patient/{patient}"},
        {"_id": patient},
        {"patient": patient, "status": "active", "participant": f"PractitionerRole/{scene.named.id}"},
        {"patient": patient, "status": "http://hl7.org/fhir/care-team-status|active,inactive"},
        {"patient": f"{patient},{joined(uuid4(), uuid4())}"},
    ):
        assert [one["id"] for one in lead.all("CareTeam", **params)] == [patient], params
    for nothing in (
        {"patient": joined(uuid4(), scene.parent_person.id)},
        {"patient": "Group/x"},
        {"patient": "x"},
        {"patient": patient, "status": "inactive"},
        {"patient": patient, "participant": f"PractitionerRole/{uuid4()}"},
        {"patient": patient, "participant": "PractitionerRole/x"},
        {"patient.identifier": f"urn:spil:person|{uuid4()}"},
        {"patient.identifier": "http://elsewhere.example|1"},
    ):
        assert lead.all("CareTeam", **nothing) == [], nothing


def test_an_episode_is_found_by_organization_manager_and_status(scene: Scene, lead: Reader) -> None:
    of_debt_help = lead.all("EpisodeOfCare", organization=f"Organization/{scene.debt_help.id}")
    assert len(of_debt_help) == 6, "Two involvements, three members."
    of_named = lead.all("EpisodeOfCare", **{"care-manager": f"PractitionerRole/{scene.named.id}", "status": "active"})
    assert {one["careManager"]["reference"] for one in of_named} == {f"PractitionerRole/{scene.named.id}"}
    assert len(of_named) == 3
    assert {one["status"] for one in lead.all("EpisodeOfCare", status="planned")} == {"planned"}


def test_practitioners_are_found_by_name_agency_and_person(scene: Scene, lead: Reader) -> None:
    word = scene.named.name.partition(" ")[2]
    assert [one["id"] for one in lead.all("Practitioner", name=word[:-1])] == [str(scene.named.id)]
    assert lead.all("Practitioner", name=word[1:]) == []
    assert [one["id"] for one in lead.all("Practitioner", **{"name:contains": word[1:]})] == [str(scene.named.id)]
    assert [one["id"] for one in lead.all("Practitioner", **{"name:exact": scene.named.name})] == [str(scene.named.id)]
    known = {one["id"] for one in lead.all("PractitionerRole", organization=str(scene.debt_help.id), active="true")}
    assert known == {str(one.id) for one in (scene.named, scene.absent, scene.cover, scene.unnamed)}
    assert lead.all("PractitionerRole", organization=str(scene.debt_help.id), active="false") == []
    [role] = lead.all("PractitionerRole", practitioner=f"Practitioner/{scene.named.id}")
    assert role["organization"]["reference"] == f"Organization/{scene.debt_help.id}"


def test_by_post_it_is_found_as_by_get(scene: Scene, lead: Reader) -> None:
    posted = lead.post("CareTeam/_search?status=active", {"_count": "2", "_include": "CareTeam:patient"})
    got = lead.get("CareTeam?status=active&_count=2&_include=CareTeam:patient")
    assert posted.json() == got.json()
    must_be_valid(posted.json())
    assert lead.post("CareTeam/_search").json()["entry"]


# When something was changed


def test_a_team_is_found_by_when_it_was_changed_last(world: World) -> None:
    old, new = world.a_team(at=ago(days=3)), world.a_team(at=ago(days=3))
    agency = world.an_agency()
    for team in (old, new):
        world.a_member(team.family, at=ago(days=2))
        world.an_involvement(team.family, agency, at=ago(days=2))
    world.a_contact_point(new.family, new.lead)
    asks = reader(world, world.system(agency))
    yesterday = (datetime.now(UTC) - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    [recent] = asks.all("CareTeam", _lastUpdated=f"ge{yesterday}")
    assert recent["identifier"][0]["value"] == str(new.family.id)
    [before] = asks.all("CareTeam", _lastUpdated=f"lt{yesterday}")
    assert before["identifier"][0]["value"] == str(old.family.id)
    assert len(asks.all("CareTeam", _lastUpdated=["ge2020", f"lt{datetime.now(UTC).year + 1}"])) == 2
    assert len(asks.all("EpisodeOfCare", _lastUpdated=f"lt{yesterday}")) == 4
    assert asks.all("EpisodeOfCare", _lastUpdated="lt2020-01") == []


# Including


def test_a_team_brings_its_patient_and_participants_along(scene: Scene, lead: Reader) -> None:
    patient = joined(scene.family.id, scene.parent_person.id)
    answer = lead.get(
        "CareTeam",
        params={
            "patient": patient,
            "_include": ["CareTeam:patient", "CareTeam:participant"],
            "_include:iterate": ["PractitionerRole:practitioner", "PractitionerRole:organization"],
        },
    )
    must_be_valid(answer.json())
    included = found(answer.json(), "include")
    assert [one["id"] for one in included if one["resourceType"] == "Patient"] == [patient]
    [team] = found(answer.json())
    wanted = {one["member"]["reference"] for one in team["participant"]}
    known = {f"{one['resourceType']}/{one['id']}" for one in included}
    assert wanted <= known
    assert {f"Practitioner/{one.partition('/')[2]}" for one in wanted if one.startswith("PractitionerRole")} <= known
    assert {one["onBehalfOf"]["reference"] for one in team["participant"]} <= known
    for one in included:
        assert lead.read(one["resourceType"], one["id"]) == one


def test_episodes_relatives_and_roles_bring_along_what_they_refer_to(scene: Scene, lead: Reader) -> None:
    for kind, names in INCLUDED.items():
        if kind in {"EpisodeOfCare", "RelatedPerson"}:
            bundle = lead.get(kind, params={"_count": 3, "_include": list(names)}).json()
            must_be_valid(bundle)
            assert {one["resourceType"] for one in found(bundle, "include")} >= {"Patient"}
    bundle = lead.get(f"PractitionerRole?practitioner={scene.named.id}&_include=PractitionerRole:organization").json()
    assert [one["id"] for one in found(bundle, "include")] == [str(scene.debt_help.id)]


def test_a_relative_for_whom_the_directory_is_closed_has_the_cards_of_the_team(scene: Scene) -> None:
    asks = reader(scene.world, scene.related["parent"])
    outcome(asks.get(f"PractitionerRole/{scene.lead.id}"), 403, "role_lacking")
    bundle = asks.get("CareTeam?_include=CareTeam:participant").json()
    assert str(scene.lead.id) in {one["id"] for one in found(bundle, "include")}


# Refusals


@pytest.mark.parametrize(
    "query",
    ["nothing=1", "_summary=count", "_sort=status", "_elements=id", "status:not=active", "organisation=x", "name=x"],
)
def test_what_is_not_known_is_refused_unless_the_client_is_lenient(lead: Reader, query: str) -> None:
    outcome(lead.get(f"CareTeam?{query}"), 400, "unknown_parameter")
    outcome(lead.get(f"CareTeam?{query}", headers={"Prefer": "handling=strict"}), 400, "unknown_parameter")
    lenient = lead.get(f"CareTeam?{query}&_count=1", headers={"Prefer": "handling=lenient"})
    assert lenient.status_code == 200
    assert str(link(lenient.json(), "self")).endswith("CareTeam?_count=1")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("status=active&status=inactive", "invalid"),
        ("status=", "invalid"),
        ("status=" + ",".join(["active"] * 51), "invalid"),
        ("patient=x&_id=y", "invalid"),
        ("_include=*", "invalid"),
        ("_include=CareTeam:encounter", "invalid"),
        ("_include:iterate=CareTeam:patient", "invalid"),
        ("_count=many", "invalid"),
        ("_count=-1", "invalid"),
        ("_cursor=x", "invalid_cursor"),
        ("_lastUpdated=soon", "invalid"),
        ("status=%FF", "invalid_query"),
        ("status=%00", "invalid_query"),
        ("access_token=x", "token_in_query"),
        ("_id=" + ",".join("abc") + "&_count=2", "invalid"),
    ],
)
def test_what_cant_be_read_is_refused(lead: Reader, query: str, code: str) -> None:
    outcome(lead.get(f"CareTeam?{query}"), 400, code)


def test_a_form_that_cant_be_read_is_refused(lead: Reader) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    outcome(lead.post("CareTeam/_search", content=b"status", headers=form), 400, "invalid_query")
    outcome(lead.post("CareTeam/_search", content=b"{}", headers={"Content-Type": "application/json"}), 415, MEDIA)
    outcome(lead.post("CareTeam/_search", content=b"a=" + b"1" * 300_000, headers=form), 413, "too_large")


MEDIA = "unsupported_media_type"


def test_whatever_goes_wrong_is_an_outcome(scene: Scene, lead: Reader) -> None:
    refusals = [
        outcome(lead.get("CareTeam/x"), 404, "not_found"),
        outcome(lead.get("Observation"), 404, "not_found"),
        outcome(lead.get(""), 404, "not_found"),
        outcome(lead.get("CareTeam/_search"), 405, "method_not_allowed"),
        outcome(lead.post("CareTeam", {}), 405, "method_not_allowed"),
        outcome(lead.get("CareTeam", headers={"Accept": "application/fhir+xml"}), 406, "not_acceptable"),
        outcome(lead.get("CareTeam?_format=xml"), 406, "not_acceptable"),
        outcome(lead.get("metadata", headers={"Accept": "text/html"}), 406, "not_acceptable"),
        outcome(lead.get("CareTeam", headers={"Authorization": "Bearer x"}), 401, "unauthenticated"),
    ]
    for one in refusals:
        must_be_valid(one)
        assert one["issue"][0]["code"] in REQUIRED["OperationOutcome.issue.code"]
    assert lead.get("CareTeam/_search").headers["Allow"] == "POST"


def test_every_status_of_a_refusal_has_an_issue_type() -> None:
    assert set(TITLES) - {428} <= set(ISSUE_TYPES)
    assert set(ISSUE_TYPES.values()) <= REQUIRED["OperationOutcome.issue.code"]


def test_a_head_has_the_head_of_its_get(lead: Reader) -> None:
    for path, status in (("CareTeam", 200), ("CareTeam/x", 404)):
        answer = lead.caller.client.head(f"/fhir/{path}", headers={"Authorization": f"Bearer {lead.caller.token}"})
        assert (answer.status_code, answer.content) == (status, b"")
        assert answer.headers["Content-Type"] == "application/fhir+json"


@pytest.mark.parametrize(
    "how",
    [
        {"headers": {"Accept": "application/fhir+json; fhirVersion=4.0"}},
        {"headers": {"Accept": "text/html, application/json;q=0.5"}},
        {"headers": {"Accept": "text/html"}, "params": {"_format": "application/fhir+json"}},
        {"params": {"_format": "json", "_pretty": "true"}},
    ],
)
def test_it_is_json_however_that_is_asked_for(lead: Reader, how: Any) -> None:
    answer = lead.get("CareTeam", **how)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/fhir+json")


def test_another_version_of_fhir_is_not_had(lead: Reader) -> None:
    accept = {"Accept": "application/fhir+json; fhirVersion=5.0"}
    outcome(lead.get("CareTeam", headers=accept), 406, "not_acceptable")


def test_what_the_capability_statement_lists_is_what_is_taken(lead: Reader) -> None:
    """`_id` of nothing, dates and codes that are any: each parameter is known by its type."""
    listed = {one["type"]: one for one in lead.get("metadata").json()["rest"][0]["resource"]}
    values = {"date": "2026", "token": "true", "string": "x", "reference": "x"}
    for kind, resource in listed.items():
        assert {one["name"] for one in resource["searchParam"]} == set(SEARCHED_BY[kind])
        for one in resource["searchParam"]:
            answer = lead.get(kind, params={one["name"]: values[one["type"]], "_count": 1})
            assert answer.status_code == 200, (kind, one, answer.text)
        for name in resource.get("searchInclude", ()):
            assert lead.get(kind, params={"_include": name, "_count": 1}).status_code == 200
