"""Families: opened, closed, reopened and handed over by the responsible municipality, and nobody is left behind."""

from datetime import date
from typing import Any

import pytest

from api.domain.actor import Actor
from api.domain.codes import MemberRole
from api.domain.models import Municipality
from tests.world import World, a_bsn, ago, in_days, refused

NOBODY = "00000000-0000-4000-8000-000000000000"


def opening(**other: Any) -> dict[str, Any]:
    return {"name": "De Wit", "framework": "voluntary"} | other


def a_person(**other: Any) -> dict[str, Any]:
    return {"givenName": "Noor", "surname": "de Wit"} | other


def test_a_family_is_opened_with_its_members_in_one_transaction(world: World) -> None:
    registrar = world.as_(world.registrar)
    members = [
        {"person": a_person(bsn=a_bsn()), "role": "parent", "parentalAuthority": True},
        {"person": a_person(givenName="Finn", birthDate="2019-02-28"), "role": "child"},
    ]
    answer = registrar.post("/families", opening(strategy="refresh", members=members))
    assert answer.status_code == 201, answer.text
    assert answer.json()["municipalityCode"] == world.municipality.code
    shown = registrar.get(f"/families/{answer.json()['id']}/members").json()["items"]
    assert [(one["givenName"], one["parentalAuthority"]) for one in shown] == [("Noor", True), ("Finn", False)]
    timeline = registrar.get(f"/families/{answer.json()['id']}/timeline").json()["items"]
    assert [one["type"] for one in timeline] == ["member.joined", "member.joined", "family.opened"]
    assert len({one["at"] for one in timeline}) == 1


def test_only_a_registrar_opens_a_family(world: World) -> None:
    for actor in (world.system(world.an_agency()), world.officer(), world.administrator):
        refused(world.as_(actor).post("/families", opening()), 403, "role_lacking")


def test_every_error_is_named_at_once(world: World) -> None:
    answer = world.as_(world.registrar).post(
        "/families",
        {
            "framework": "forced",
            "diagnosis": "secret",
            "members": [{"role": "child"}, {"role": "aunt", "person": {"surname": "X"}}],
        },
    )
    refused(answer, 400, "invalid")
    assert {"name", "framework", "members.0", "members.1.role", "members.1.person.givenName"} <= {
        one["name"] for one in answer.json()["errors"]
    }
    assert "secret" not in answer.text
    assert "forced" not in answer.text


@pytest.mark.parametrize(
    ("member", "status", "code"),
    [
        ({"personId": NOBODY, "role": "parent"}, 400, "invalid"),
        ({"person": a_person(bsn="123456789"), "role": "parent"}, 400, "invalid_bsn"),
        ({"person": a_person(birthDate=str(in_days(1))), "role": "child"}, 400, "invalid"),
        ({"person": a_person(), "personId": NOBODY, "role": "child"}, 400, "invalid"),
    ],
)
def test_a_family_with_an_impossible_member_is_not_opened_at_all(
    world: World, member: dict[str, Any], status: int, code: str
) -> None:
    registrar = world.a_registrar(world.a_municipality())
    answer = world.as_(registrar).post("/families", opening(members=[{"person": a_person(), "role": "parent"}, member]))
    refused(answer, status, code)
    assert world.caseload(registrar) == [[]]


def test_one_person_is_one_member(world: World) -> None:
    bsn = a_bsn()
    twice = [{"person": a_person(bsn=bsn), "role": role} for role in ("parent", "other_carer")]
    refused(world.as_(world.registrar).post("/families", opening(members=twice)), 409, "conflict")


def test_changing_a_family_tells_it(world: World) -> None:
    family = world.a_family()
    registrar, path = world.as_(world.registrar), f"/families/{family.id}"
    changed = registrar.change(path, {"framework": "court_ordered", "strategy": "direct_offer"}).json()
    assert (changed["framework"], changed["strategy"], changed["name"]) == (
        "court_ordered",
        "direct_offer",
        family.name,
    )
    assert len(world.told(family, "family.changed")) == 1
    assert registrar.change(path, {"strategy": None}).json()["strategy"] is None
    refused(registrar.call("PATCH", path, json={"name": "X"}), 428, "precondition_required")
    for wrong in ({"name": None}, {"municipalityCode": "0001"}, {"closing": "completed"}):
        assert registrar.change(path, wrong).status_code == 400


def test_closing_ends_all_that_runs_and_withdraws_all_that_is_asked(world: World) -> None:
    team = world.a_team()
    world.a_contact_point(team.family, team.lead)
    world.a_deputy(team, world.an_involved_professional(team.family))
    asked = world.an_agency()
    world.an_invitation(team.family, asked)
    body = {"professionalId": str(world.a_professional(team.agency).id)}
    assert world.as_(world.actor(team.lead)).post(f"{team.mandate_path}/_transfer", body).status_code == 201
    before = len(world.told(team.family))
    registrar = world.as_(world.registrar)
    closed = registrar.post(f"{team.path}/_close", {"closing": "stopped_by_family"}).json()
    assert closed["closing"] == "stopped_by_family"
    told = world.told(team.family)[before:]
    assert [(event.type, event.reason) for event in told] == [
        ("family.closed", "stopped_by_family"),
        ("involvement.withdrawn", None),
        ("mandate.withdrawn", None),
        ("contact_point.ended", "family_closed"),
        ("mandate.ended", "family_closed"),
        ("deputy.ended", None),
        ("involvement.ended", "family_closed"),
        ("involvement.ended", "family_closed"),
    ]
    assert len({event.at for event in told}) == 1
    for actor in (world.actor(team.lead), world.system(team.agency), world.system(asked)):
        refused(world.as_(actor).get(f"{team.path}/involvements"), 404, "family_not_found")
    refused(registrar.post(f"{team.path}/_close", {"closing": "completed"}), 409, "family_closed")


def test_reopening_starts_anew_with_the_same_members(world: World) -> None:
    team = world.a_team()
    world.a_member(team.family, at=ago(seconds=5))
    dewi = world.an_involved_professional(team.family)
    world.a_contact_point(team.family, dewi, "finances", at=ago(seconds=4))
    own = world.as_(world.actor(dewi))
    [mine] = [
        one for one in own.get(f"{team.path}/involvements").json()["items"] if one["professionalId"] == str(dewi.id)
    ]
    own.post(f"{team.path}/involvements/{mine['id']}/_end", {"reason": "completed"})
    registrar = world.as_(world.registrar)
    refused(registrar.post(f"{team.path}/_reopen"), 409, "family_open")
    registrar.post(f"{team.path}/_close", {"closing": "completed"})
    assert [event.help_domain for event in world.told(team.family, "contact_point.gap_closed")] == ["finances"]
    reopened = registrar.post(f"{team.path}/_reopen").json()
    assert (reopened["closedAt"], reopened["closing"]) == (None, None)
    assert len(world.told(team.family, "family.reopened")) == 1
    shown = registrar.get(f"{team.path}/who-is-involved").json()
    assert (shown["family"]["state"], len(shown["members"])) == ("open", 1)
    assert (shown["leadCoordinator"], shown["involvements"], shown["helpDomains"]) == (None, [], [])
    world.an_involvement(team.family, team.agency, at=ago(seconds=0))
    assert world.as_(world.system(team.agency)).get(team.path).status_code == 200


# To another municipality


def moved(world: World, path: str, to: Municipality) -> Any:
    return world.as_(world.registrar).post(f"{path}/_move", {"municipalityCode": to.code})


def test_a_family_that_moves_takes_its_team_and_members_along(world: World) -> None:
    team, there = world.a_team(), world.a_municipality()
    bsn = a_bsn()
    _, parent = world.a_member(team.family, bsn=bsn, at=ago(seconds=5))
    _, child = world.a_member(team.family, MemberRole.CHILD, date(2015, 5, 5), at=ago(seconds=4))
    answer = moved(world, team.path, there)
    assert answer.json()["municipalityCode"] == there.code
    old, new = world.as_(world.registrar), world.as_(world.a_registrar(there))
    refused(old.get(team.path), 404, "family_not_found")
    refused(old.get(f"{team.path}/timeline"), 404, "family_not_found")
    shown = new.get(f"{team.path}/who-is-involved").json()
    assert shown["municipality"]["code"] == there.code
    assert shown["leadCoordinator"]["professional"]["id"] == str(team.lead.id)
    assert [one["role"] for one in shown["members"]] == ["parent", "child"]
    assert shown["members"][0]["parentalAuthority"] is True
    assert not {one["personId"] for one in shown["members"]} & {str(parent.id), str(child.id)}
    carried = new.get(f"/persons/{shown['members'][0]['personId']}").json()
    assert (carried["bsn"], carried["familyIds"]) == (bsn, [str(team.family.id)])
    refused(new.get(f"/persons/{parent.id}"), 404, "not_found")
    refused(old.get(f"/persons/{shown['members'][0]['personId']}"), 404, "not_found")
    assert old.get(f"/persons/{parent.id}").json()["familyIds"] == []
    assert str(team.family.id) not in {
        item["family"]["id"] for page in world.caseload(world.registrar) for item in page
    }
    assert len(world.told(team.family, "family.moved")) == 1


def test_who_is_known_there_by_bsn_is_that_person(world: World) -> None:
    there = world.a_municipality()
    theirs = world.a_family(there)
    family, bsn = world.a_family(), a_bsn()
    _, known = world.a_member(theirs, bsn=bsn)
    _, here = world.a_member(family, bsn=bsn)
    assert here.id != known.id
    moved(world, f"/families/{family.id}", there)
    new = world.as_(world.a_registrar(there))
    [member] = new.get(f"/families/{family.id}/members").json()["items"]
    assert member["personId"] == str(known.id)
    assert set(new.get(f"/persons/{known.id}").json()["familyIds"]) == {str(theirs.id), str(family.id)}


def test_a_person_in_two_families_stays_in_the_other_one(world: World) -> None:
    family, other, there = world.a_family(), world.a_family(), world.a_municipality()
    _, person = world.a_member(family, bsn=a_bsn())
    registrar = world.as_(world.registrar)
    registrar.post(f"/families/{other.id}/members", {"personId": str(person.id), "role": "parent"})
    moved(world, f"/families/{family.id}", there)
    assert registrar.get(f"/persons/{person.id}").json()["familyIds"] == [str(other.id)]
    assert len(registrar.get(f"/families/{other.id}/members").json()["items"]) == 1


def test_a_family_that_moves_back_is_the_same_family(world: World) -> None:
    family, there = world.a_family(), world.a_municipality()
    _, person = world.a_member(family, bsn=a_bsn())
    path = f"/families/{family.id}"
    moved(world, path, there)
    back = world.as_(world.a_registrar(there)).post(f"{path}/_move", {"municipalityCode": world.municipality.code})
    assert back.status_code == 200
    [member] = world.as_(world.registrar).get(f"{path}/members").json()["items"]
    assert member["personId"] == str(person.id)


def test_the_officer_of_then_keeps_the_record_of_then(world: World) -> None:
    family, there = world.a_family(), world.a_municipality()
    moved(world, f"/families/{family.id}", there)
    world.as_(world.a_registrar(there)).get(f"/families/{family.id}")

    def actions(actor: Actor) -> set[str]:
        answer = world.as_(actor).get("/disclosures", params={"familyId": str(family.id)})
        return {one["action"] for one in answer.json()["items"]}

    assert {"family.opened", "family.moved"} <= actions(world.officer())
    assert "family:read" in actions(world.officer(there))
    assert "family.opened" not in actions(world.officer(there))


@pytest.mark.parametrize(("where", "status", "code"), [("9999", 400, "invalid"), ("here", 409, "conflict")])
def test_a_family_moves_to_another_municipality_that_is_there(world: World, where: str, status: int, code: str) -> None:
    family = world.a_family()
    there = world.municipality.code if where == "here" else where
    answer = world.as_(world.registrar).post(f"/families/{family.id}/_move", {"municipalityCode": there})
    refused(answer, status, code)
    assert world.told(family, "family.moved") == []


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "", {"name": "X"}),
        ("POST", "/_close", {"closing": "completed"}),
        ("POST", "/_reopen", None),
        ("POST", "/_move", {"municipalityCode": "0001"}),
        ("POST", "/members", {"person": a_person(), "role": "child"}),
        (
            "POST",
            "/mandates",
            {"professionalId": NOBODY, "powers": ["convene"], "legalBasis": "consent", "endsOn": "2030-01-01"},
        ),
    ],
)
def test_what_is_the_registrars_is_refused_to_who_is_involved_and_hidden_from_who_is_not(
    world: World, method: str, path: str, body: Any
) -> None:
    team = world.a_team()
    for insider in (world.system(team.agency), world.actor(team.lead)):
        refused(world.as_(insider).call(method, f"{team.path}{path}", json=body), 403, "relation_lacking")
    outsiders = (world.a_registrar(world.a_municipality()), world.system(world.an_agency()), world.administrator)
    for outsider in outsiders:
        hidden = world.as_(outsider).call(method, f"{team.path}{path}", json=body)
        missing = world.as_(outsider).call(method, f"/families/{NOBODY}{path}", json=body)
        refused(hidden, 404, "family_not_found")
        assert {**hidden.json(), "instance": ""} == {**missing.json(), "instance": ""}
