"""Agencies and professionals: found by anyone who works with families, kept by their own, absent with a cover."""

import secrets
from datetime import date
from typing import Any

import pytest
from sqlmodel import select

from api.domain.codes import AgencyKind
from api.domain.models import Agency, Event, Professional
from tests.world import World, ago, in_days, refused

NOBODY = "00000000-0000-4000-8000-000000000000"


def told_of(world: World, about: Any) -> list[str]:
    with world.session() as session:
        events = session.exec(select(Event).where(Event.about == str(about)).order_by(Event.at, Event.place))
        return [event.type for event in events]


def registration(**other: Any) -> dict[str, Any]:
    return {"name": f"Instantie {secrets.token_hex(4)}", "kind": "housing"} | other


def test_an_agency_is_registered_by_a_registrar_or_an_administrator(world: World) -> None:
    body = registration(helpDomains=["housing", "finances"], phone="+31 30 765 43 21", email="info@example.nl")
    for actor in (world.registrar, world.administrator):
        answer = world.as_(actor).post("/agencies", body)
        assert answer.status_code == 201, answer.text
        path = answer.headers["Location"].removeprefix("/v1")
        assert world.as_(world.system(world.an_agency())).get(path).json() == answer.json()
        assert answer.json()["helpDomains"] == ["finances", "housing"]
        assert told_of(world, answer.json()["id"]) == ["agency.registered"]
    for actor in (world.system(world.an_agency()), world.officer()):
        refused(world.as_(actor).post("/agencies", body), 403, "role_lacking")


@pytest.mark.parametrize(
    ("other", "code"),
    [
        ({"helpDomains": ["no_such_domain"]}, "unknown_help_domain"),
        ({"kind": "bakery"}, "invalid"),
        ({"phone": "call me"}, "invalid"),
        ({"email": "not an address"}, "invalid"),
        ({"name": "   "}, "invalid"),
        ({"name": "a\u0000b"}, "invalid"),
    ],
)
def test_an_impossible_agency_is_not_registered(world: World, other: dict[str, Any], code: str) -> None:
    refused(world.as_(world.registrar).post("/agencies", registration(**other)), 400, code)


def test_agencies_are_found_by_name_kind_and_help_domain(world: World) -> None:
    mark = secrets.token_hex(4)
    registrar = world.as_(world.registrar)
    for name, kind, domains in (
        (f"B {mark} 100%", "housing", ["housing"]),
        (f"A {mark}", "debt_help", ["finances", "housing"]),
        (f"C {mark}", "housing", []),
    ):
        assert registrar.post("/agencies", {"name": name, "kind": kind, "helpDomains": domains}).status_code == 201

    def found(**how: Any) -> str:
        items = registrar.get("/agencies", params={"name": mark.upper()} | how).json()["items"]
        return "".join(one["name"][0] for one in items)

    assert found() == "ABC"
    assert found(kind="housing") == "BC"
    assert found(helpDomain="housing") == "AB"
    assert found(kind="housing", helpDomain="housing") == "B"
    assert found(name=f"{mark} 100%") == "B"
    assert found(name=f"{mark}_") == ""
    refused(registrar.get("/agencies", params={"kind": "bakery"}), 400, "invalid")


@pytest.mark.parametrize("limit", [1, 2, 5])
def test_the_directory_comes_in_pages(world: World, limit: int) -> None:
    agency, mark = world.an_agency(), secrets.token_hex(4)
    system = world.as_(world.system(agency))
    names = sorted(f"{mark} {number}" for number in range(5))
    for name in (*names, names[0]):
        system.post(f"/agencies/{agency.id}/professionals", {"name": name, "function": "coach"})
    found, cursor = [], ""
    while cursor is not None:
        page = system.get("/professionals", params={"name": mark, "limit": limit, "cursor": cursor}).json()
        found += page["items"]
        cursor = page["nextCursor"]
    assert [one["name"] for one in found] == sorted([*names, names[0]])
    assert len({one["id"] for one in found}) == 6


def test_an_agency_keeps_its_own_details_and_the_administrator_the_rest(world: World) -> None:
    agency, other = world.an_agency(), world.an_agency()
    system, administrator = world.as_(world.system(agency)), world.as_(world.administrator)
    path = f"/agencies/{agency.id}"
    changed = system.change(path, {"phone": "+31 10 000 00 00", "helpDomains": ["justice"]}).json()
    assert (changed["phone"], changed["helpDomains"]) == ("+31 10 000 00 00", ["justice"])
    for reserved in ({"kind": "police"}, {"signalOnly": True}, {"active": False}):
        refused(system.change(path, reserved), 403, "role_lacking")
        assert administrator.change(path, reserved).status_code == 200
    refused(system.change(f"/agencies/{other.id}", {"phone": None}), 403, "other_agency")
    refused(administrator.call("PATCH", path, json={"name": "X"}), 428, "precondition_required")
    refused(administrator.change(path, {"helpDomains": ["no_such_domain"]}), 400, "unknown_help_domain")
    refused(administrator.get(f"/agencies/{NOBODY}"), 404, "not_found")
    assert set(told_of(world, agency.id)) == {"agency.registered", "agency.changed"}
    assert administrator.get("/agencies", params={"name": agency.name}).json()["items"] == []
    everyone = administrator.get("/agencies", params={"name": agency.name, "onlyActive": "false"}).json()["items"]
    assert [one["id"] for one in everyone] == [str(agency.id)]


@pytest.mark.parametrize("change", [{"active": False}, {"signalOnly": True}])
def test_an_agency_that_is_involved_neither_stops_nor_only_signals(world: World, change: dict[str, Any]) -> None:
    team = world.a_team()
    administrator = world.as_(world.administrator)
    refused(administrator.change(f"/agencies/{team.agency.id}", change), 409, "conflict")
    world.as_(world.registrar).post(f"{team.path}/_close", {"closing": "completed"})
    assert administrator.change(f"/agencies/{team.agency.id}", change).status_code == 200


# Professionals


def test_an_agency_registers_and_changes_its_own_professionals(world: World) -> None:
    agency, other = world.an_agency(), world.an_agency()
    system = world.as_(world.system(agency))
    body = {
        "name": "Anna de Boer",
        "function": "gezinscoach",
        "phone": "+31 6 12 34 56 78",
        "registrationNumber": "SKJ 1",
    }
    answer = system.post(f"/agencies/{agency.id}/professionals", body)
    assert answer.status_code == 201
    path = answer.headers["Location"].removeprefix("/v1")
    assert system.get(path).json() == answer.json()
    assert system.change(path, {"email": "anna@example.nl", "phone": None}).json()["phone"] is None
    assert told_of(world, answer.json()["id"]) == ["professional.registered", "professional.changed"]
    stranger = world.as_(world.system(other))
    assert stranger.get(path).status_code == 200
    refused(stranger.change(path, {"phone": None}), 403, "other_agency")
    refused(stranger.post(f"/agencies/{agency.id}/professionals", body), 403, "other_agency")
    refused(world.as_(world.administrator).post(f"/agencies/{NOBODY}/professionals", body), 404, "not_found")
    refused(system.get(f"/professionals/{NOBODY}"), 404, "not_found")
    refused(world.as_(world.registrar).change(path, {"phone": None}), 403, "role_lacking")


def test_a_relative_finds_no_professionals(world: World) -> None:
    _, person = world.a_member(world.a_family())
    refused(world.as_(world.relative(person)).get("/professionals"), 403, "role_lacking")


@pytest.mark.parametrize("role", ["involved", "leads", "deputises", "contact point"])
def test_nobody_leaves_who_still_has_a_role_around_a_family(world: World, role: str) -> None:
    team = world.a_team()
    someone = world.a_professional(team.agency)
    if role == "involved":
        world.an_involvement(team.family, team.agency, ("housing",), professional=someone)
    if role == "deputises":
        world.a_deputy(team, someone, first=2)
    if role == "contact point":
        world.a_contact_point(team.family, someone)
    leaver = team.lead if role == "leads" else someone
    system = world.as_(world.system(team.agency))
    refused(system.change(f"/professionals/{leaver.id}", {"active": False}), 409, "roles_running")
    world.as_(world.registrar).post(f"{team.path}/_close", {"closing": "completed"})
    assert system.change(f"/professionals/{leaver.id}", {"active": False}).json()["active"] is False


# Absences


def absent(world: World, who: Professional, first: int, last: int, cover: Any = None) -> Any:
    body = {"startsOn": str(in_days(first)), "endsOn": str(in_days(last)), "coverId": cover and str(cover)}
    return world.as_(world.actor(who)).post(f"/professionals/{who.id}/absences", body)


def test_an_absence_is_reported_and_taken_back(world: World) -> None:
    agency = world.an_agency()
    anna, bram = world.a_professional(agency), world.a_professional(agency)
    running, coming = absent(world, anna, -1, 3, bram.id), absent(world, anna, 4, 9)
    assert (running.status_code, coming.status_code) == (201, 201)
    assert running.json()["coverId"] == str(bram.id)
    assert (running.json()["startsOn"], running.json()["endsOn"]) == (str(in_days(-1)), str(in_days(3)))
    path = f"/professionals/{anna.id}/absences"
    system = world.as_(world.system(agency))
    assert [one["id"] for one in system.get(path).json()["items"]] == [running.json()["id"], coming.json()["id"]]
    for absence in (running, coming):
        assert system.delete(f"{path}/{absence.json()['id']}").status_code == 204
        assert told_of(world, absence.json()["id"]) == ["absence.reported", "absence.withdrawn"]
        refused(system.delete(f"{path}/{absence.json()['id']}"), 404, "not_found")
    assert system.get(path).json()["items"] == []


@pytest.mark.parametrize(
    ("first", "last", "cover", "status", "code"),
    [
        (3, 2, "none", 400, "invalid"),
        (1, 2, "self", 400, "invalid"),
        (1, 2, "stranger", 400, "invalid"),
        (1, 2, "left", 400, "invalid"),
        (1, 2, "nobody", 400, "invalid"),
        (0, 0, "none", 409, "conflict"),
        (-3, 5, "none", 409, "conflict"),
    ],
)
def test_an_absence_that_cannot_be_is_refused(
    world: World, first: int, last: int, cover: str, status: int, code: str
) -> None:
    agency = world.an_agency()
    anna = world.a_professional(agency)
    world.an_absence(anna, -1, 0)
    refused(absent(world, anna, first, last, a_cover(world, agency, anna, cover)), status, code)


def a_cover(world: World, agency: Agency, anna: Professional, which: str) -> Any:
    if which == "left":
        left = world.a_professional(agency)
        assert world.as_(world.system(agency)).change(f"/professionals/{left.id}", {"active": False}).is_success
        return left.id
    stranger = world.a_professional(world.an_agency(AgencyKind.HOUSING)).id
    return {"none": None, "self": anna.id, "stranger": stranger, "nobody": NOBODY}[which]


@pytest.mark.parametrize(("starts", "ends"), [(date.min, date(2026, 1, 1)), (date(2026, 1, 1), date.max)])
def test_an_absence_lies_within_reach_of_the_calendar(world: World, starts: date, ends: date) -> None:
    anna = world.a_professional(world.an_agency())
    body = {"startsOn": str(starts), "endsOn": str(ends)}
    refused(world.as_(world.actor(anna)).post(f"/professionals/{anna.id}/absences", body), 400, "invalid")


def test_absences_are_reported_within_the_agency_only(world: World) -> None:
    anna, stranger = world.a_professional(world.an_agency()), world.a_professional(world.an_agency())
    body = {"startsOn": str(in_days(0)), "endsOn": str(in_days(1))}
    for actor in (world.actor(stranger), world.system(Agency(id=stranger.agency_id, name="", kind=AgencyKind.POLICE))):
        refused(world.as_(actor).post(f"/professionals/{anna.id}/absences", body), 403, "other_agency")
    refused(world.as_(world.registrar).post(f"/professionals/{anna.id}/absences", body), 403, "role_lacking")


def test_a_cover_sees_the_families_of_who_is_absent_for_as_long_as_that_lasts(world: World) -> None:
    team = world.a_team()
    world.a_contact_point(team.family, team.lead)
    cover = world.a_professional(team.agency)
    caller = world.as_(world.actor(cover))
    refused(caller.get(team.path), 404, "family_not_found")
    absence = world.an_absence(team.lead, cover=cover, at=ago(seconds=5))
    [item] = caller.get("/caseload").json()["items"]
    assert item["relations"] == ["contact_point", "involved_agency"]
    answer = caller.put(f"{team.path}/contact-points/parenting", {"professionalId": str(cover.id)})
    refused(answer, 403, "relation_lacking")
    world.as_(world.system(team.agency)).delete(f"/professionals/{team.lead.id}/absences/{absence.id}")
    refused(caller.get(team.path), 404, "family_not_found")


def test_nobody_becomes_the_cover_of_a_colleague_by_their_own_word(world: World) -> None:
    """Who covers sees families: the agency's system says who does, or who is absent."""
    team = world.a_team()
    colleague, third = world.a_professional(team.agency), world.a_professional(team.agency)
    path = f"/professionals/{team.lead.id}/absences"
    for cover in (colleague, third):
        body = {"startsOn": str(in_days(0)), "endsOn": str(in_days(1)), "coverId": str(cover.id)}
        refused(world.as_(world.actor(colleague)).post(path, body), 403, "not_yours")
        refused(world.as_(world.actor(cover)).get(team.path), 404, "family_not_found")
    assert world.as_(world.system(team.agency)).post(path, body).status_code == 201
    assert world.as_(world.actor(third)).get(team.path).status_code == 200


def test_an_agency_that_is_invited_stays_until_it_has_answered(world: World) -> None:
    family, agency = world.a_family(), world.an_agency()
    invitation = world.an_invitation(family, agency)
    system, administrator = world.as_(world.system(agency)), world.as_(world.administrator)
    refused(administrator.change(f"/agencies/{agency.id}", {"active": False}), 409, "conflict")
    answer = system.post(f"/families/{family.id}/involvements/{invitation.id}/_decline", {"reason": "no_capacity"})
    assert answer.status_code == 200
    assert administrator.change(f"/agencies/{agency.id}", {"active": False}).json()["active"] is False
