"""Who is involved, who leads, whom to call: one answer for every help domain, with its reason, now and in the past."""

from datetime import date
from typing import Any

import pytest

from api.domain import involvements
from api.domain.codes import AgencyKind, InvolvementEnd, MemberRole
from api.domain.models import Professional
from tests.world import Caller, Team, World, ago, in_days, refused, today


def team_of(caller: Caller, team: Team, on: date | None = None, **headers: str) -> Any:
    params = {"on": str(on)} if on else {}
    answer = caller.get(f"{team.path}/who-is-involved", params=params, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def call(world: World, team: Team, domain: str = "finances", on: date | None = None) -> tuple[str, str, Any]:
    params = {"on": str(on)} if on else {}
    answer = world.as_(world.registrar).get(f"{team.path}/contact-points/{domain}", params=params).json()["call"]
    return answer["capacity"], answer["because"], answer["professional"] and answer["professional"]["id"]


def test_one_call_gives_the_whole_team(world: World) -> None:
    team = world.a_team(["parenting", "child_safety"])
    world.a_member(team.family, MemberRole.CHILD, date(2016, 3, 1))
    world.a_member(team.family, MemberRole.PARENT)
    dewi = world.an_involved_professional(team.family, ("finances",), contact_frequency="weekly")
    world.a_contact_point(team.family, dewi, "finances")
    shown = team_of(world.as_(world.system(team.agency)), team)
    assert [(one["role"], one["birthDate"]) for one in shown["members"]] == [("parent", None), ("child", None)]
    assert shown["municipality"]["accessTeam"]["phone"] == world.municipality.access_team_phone
    assert shown["leadCoordinator"]["mandate"]["id"] == str(team.mandate.id)
    assert shown["leadCoordinator"]["deputy"] is None
    assert [(row["helpDomain"], row["gap"]) for row in shown["helpDomains"]] == [
        ("finances", False),
        ("parenting", True),
        ("child_safety", True),
    ]
    assert [one["agency"]["id"] for one in shown["involvements"]] == [str(team.agency.id), str(dewi.agency_id)]
    assert [one["contactFrequency"] for one in shown["involvements"]] == [None, "weekly"]
    assert not any(one["stale"] for one in shown["involvements"])
    record = world.records(team.family)[-1]
    assert (record.action, record.decision, record.agency_id) == ("team:read", "shown", team.agency.id)
    assert (record.relation, record.legal_basis) == ("involved_agency", "statutory_task")


def test_labels_come_in_the_language_asked_for(world: World) -> None:
    team = world.a_team(["housing"])
    registrar = world.as_(world.registrar)
    labels = [
        team_of(registrar, team, **{"Accept-Language": language})["helpDomains"][0]["label"]
        for language in ("nl", "en")
    ]
    assert labels[0] != labels[1]


@pytest.mark.parametrize(
    ("reader", "birth_date", "strategy"),
    [("registrar", True, True), ("lead", True, True), ("system", False, True), ("parent", False, False)],
)
def test_readers_see_what_the_policy_names(world: World, reader: str, birth_date: bool, strategy: bool) -> None:
    team = world.a_team()
    world.as_(world.registrar).change(team.path, {"strategy": "put_in_order"})
    _, child = world.a_member(team.family, MemberRole.CHILD, date(2016, 3, 1), at=ago(seconds=5))
    _, parent = world.a_member(team.family, at=ago(seconds=4))
    actor = {
        "registrar": world.registrar,
        "lead": world.actor(team.lead),
        "system": world.system(team.agency),
        "parent": world.relative(parent),
    }[reader]
    shown = team_of(world.as_(actor), team)
    dates = {one["personId"]: one["birthDate"] for one in shown["members"]}
    assert (dates[str(child.id)] is not None) is birth_date
    assert (dates[str(parent.id)] is not None) is (birth_date or reader == "parent")
    assert (shown["family"]["strategy"] is not None) is strategy


# Whom to call


def test_the_contact_point_answers(world: World) -> None:
    team = world.a_team()
    dewi = world.an_involved_professional(team.family)
    world.a_contact_point(team.family, dewi, "finances")
    assert call(world, team) == ("contact_point", "is_contact_point", str(dewi.id))


def test_an_absent_contact_point_is_covered(world: World) -> None:
    team = world.a_team()
    dewi = world.an_involved_professional(team.family)
    cover = world.a_professional(team.agency.model_copy(update={"id": dewi.agency_id}))
    world.a_contact_point(team.family, dewi, "finances")
    world.an_absence(dewi, cover=cover)
    assert call(world, team) == ("cover", "contact_point_is_absent", str(cover.id))
    row = world.as_(world.actor(cover)).get(f"{team.path}/contact-points/finances").json()
    assert row["gap"] is False
    assert row["contactPoint"]["professional"]["absentUntil"] == str(in_days(5))


@pytest.mark.parametrize("why", ["no_cover", "cover_absent", "cover_left"])
def test_without_a_cover_the_lead_answers(world: World, why: str) -> None:
    team = world.a_team()
    dewi = world.an_involved_professional(team.family)
    agency = team.agency.model_copy(update={"id": dewi.agency_id})
    cover = world.a_professional(agency)
    world.a_contact_point(team.family, dewi, "finances")
    world.an_absence(dewi, cover=None if why == "no_cover" else cover)
    if why == "cover_absent":
        world.an_absence(cover, -1, 0)
    if why == "cover_left":
        assert world.as_(world.system(agency)).change(f"/professionals/{cover.id}", {"active": False}).is_success
    assert call(world, team) == ("lead_coordinator", "contact_point_is_absent", str(team.lead.id))


def test_an_absence_to_come_or_over_changes_nothing(world: World) -> None:
    team = world.a_team()
    dewi = world.an_involved_professional(team.family)
    world.a_contact_point(team.family, dewi, "finances")
    world.an_absence(dewi, -9, -1)
    world.an_absence(dewi, 1, 9)
    assert call(world, team)[0] == "contact_point"


def test_the_deputy_answers_for_an_absent_lead_and_then_the_access_team(world: World) -> None:
    team = world.a_team()
    world.an_involved_professional(team.family)
    deputy = world.a_professional(team.agency)
    assert call(world, team) == ("lead_coordinator", "no_contact_point", str(team.lead.id))
    world.an_absence(team.lead)
    assert call(world, team) == ("access_team", "no_contact_point", None)
    world.a_deputy(team, deputy)
    assert call(world, team) == ("deputy", "no_contact_point", str(deputy.id))
    world.an_absence(deputy)
    assert call(world, team) == ("access_team", "no_contact_point", None)


def test_a_lead_who_is_there_answers_when_the_deputy_is_absent(world: World) -> None:
    team = world.a_team()
    world.an_involved_professional(team.family)
    deputy = world.a_professional(team.agency)
    world.a_deputy(team, deputy)
    world.an_absence(deputy)
    assert call(world, team) == ("lead_coordinator", "no_contact_point", str(team.lead.id))


def test_a_domain_nobody_is_involved_in_is_answered_for_and_is_no_gap(world: World) -> None:
    team = world.a_team()
    assert call(world, team, "justice") == ("lead_coordinator", "nobody_involved", str(team.lead.id))
    row = world.as_(world.registrar).get(f"{team.path}/contact-points/justice").json()
    assert (row["involved"], row["gap"]) == (False, False)
    assert "justice" not in {one["helpDomain"] for one in team_of(world.as_(world.registrar), team)["helpDomains"]}


def test_a_professional_without_a_number_is_reached_through_the_agency(world: World) -> None:
    team = world.a_team()
    world.a_contact_point(team.family, team.lead)
    system = world.as_(world.system(team.agency))
    assert system.change(f"/professionals/{team.lead.id}", {"phone": None, "email": None}).is_success
    answer = system.get(f"{team.path}/contact-points/parenting").json()["call"]
    assert answer["phone"] == team.agency.phone


# Shielded and signalling


def test_a_shielded_involvement_shows_to_its_agency_the_lead_and_the_registrar_only(world: World) -> None:
    team = world.a_team()
    shelter = world.an_agency(AgencyKind.WOMENS_SHELTER)
    world.an_involvement(team.family, shelter, ("child_safety",), shielded=True)
    other = world.an_involved_professional(team.family)
    deputy = world.a_professional(team.agency)
    world.a_deputy(team, deputy)
    _, parent = world.a_member(team.family, at=ago(seconds=5))
    for actor, seen in (
        (world.system(shelter), True),
        (world.actor(team.lead), True),
        (world.registrar, True),
        (world.system(team.agency), False),
        (world.actor(other), False),
        (world.actor(deputy), False),
        (world.relative(parent), False),
    ):
        shown = world.as_(actor).get(f"{team.path}/who-is-involved")
        assert (str(shelter.id) in shown.text) is seen
        assert "child_safety" not in {row["helpDomain"] for row in shown.json()["helpDomains"]}
        for path in ("involvements", "timeline", "contact-points/child_safety", "mandates"):
            assert seen or str(shelter.id) not in world.as_(actor).get(f"{team.path}/{path}").text
    nobody = world.as_(world.system(team.agency)).get(f"{team.path}/contact-points/child_safety").json()
    assert nobody["call"]["because"] == "nobody_involved"


def test_who_only_signals_is_shown_but_makes_no_domain(world: World) -> None:
    team = world.a_team()
    police = world.an_agency(AgencyKind.POLICE, signal_only=True)
    world.an_involvement(team.family, police, ("justice",))
    shown = team_of(world.as_(world.registrar), team)
    assert [one["signalOnly"] for one in shown["involvements"]] == [False, True]
    assert [one["helpDomain"] for one in shown["helpDomains"]] == ["parenting"]


def test_a_stale_involvement_says_so(world: World) -> None:
    team = world.a_team(at=ago(days=200), ends_on=in_days(10))
    shown = team_of(world.as_(world.registrar), team)["involvements"]
    assert [one["stale"] for one in shown] == [True]
    was = team_of(world.as_(world.registrar), team, on=in_days(-100))["involvements"]
    assert [one["stale"] for one in was] == [False]


# In the past


@pytest.fixture
def changed(world: World) -> tuple[Team, Professional, Professional]:
    """Ten days ago one contact point, four days ago another, since then none: debt help has left."""
    team = world.a_team(at=ago(days=12))
    agency = world.an_agency(AgencyKind.DEBT_HELP)
    first, second = world.a_professional(agency), world.a_professional(agency)
    started = world.an_involvement(team.family, agency, ("finances",), at=ago(days=11))
    world.a_contact_point(team.family, first, "finances", at=ago(days=10))
    world.a_contact_point(team.family, second, "finances", at=ago(days=6))
    world.around(
        team.family,
        lambda work, mine: involvements.end(
            work, mine, involvements.get(work, mine, started.id), InvolvementEnd.COMPLETED
        ),
        world.system(agency),
        at=ago(days=3),
    )
    return team, first, second


def test_the_past_is_answered_as_it_was(world: World, changed: tuple[Team, Professional, Professional]) -> None:
    team, first, second = changed
    assert call(world, team, on=in_days(-8)) == ("contact_point", "is_contact_point", str(first.id))
    assert call(world, team, on=in_days(-5)) == ("contact_point", "is_contact_point", str(second.id))
    assert call(world, team, on=in_days(-1)) == ("lead_coordinator", "no_contact_point", str(team.lead.id))
    then = team_of(world.as_(world.registrar), team, on=in_days(-5))
    assert str(first.agency_id) in {one["agency"]["id"] for one in then["involvements"]}
    assert [row["gap"] for row in then["helpDomains"]] == [False, True]
    now = team_of(world.as_(world.registrar), team)
    assert str(first.agency_id) not in {one["agency"]["id"] for one in now["involvements"]}


def test_a_closed_family_was_open_and_had_its_gaps(
    world: World, changed: tuple[Team, Professional, Professional]
) -> None:
    team, _, _ = changed
    registrar = world.as_(world.registrar)
    before = team_of(registrar, team, on=in_days(-1))
    assert registrar.post(f"{team.path}/_close", {"closing": "completed"}).is_success
    then = team_of(registrar, team, on=in_days(-1))
    assert (then["family"], then["helpDomains"]) == (before["family"], before["helpDomains"])
    assert then["leadCoordinator"]["professional"] == before["leadCoordinator"]["professional"]
    now = team_of(registrar, team)
    assert (now["family"]["state"], now["leadCoordinator"], now["helpDomains"], now["involvements"]) == (
        "closed",
        None,
        [],
        [],
    )


def test_an_ended_mandate_was_active(world: World) -> None:
    team = world.a_team(at=ago(days=5))
    registrar = world.as_(world.registrar)
    registrar.post(f"{team.mandate_path}/_end", {"reason": "withdrawn"})
    assert team_of(registrar, team)["leadCoordinator"] is None
    yesterday = team_of(registrar, team, on=in_days(-1))["leadCoordinator"]
    assert yesterday["mandate"]["id"] == str(team.mandate.id)


def test_a_help_domain_that_was_dropped_had_its_contact_point(world: World) -> None:
    team = world.a_team(["parenting", "housing"], at=ago(days=5))
    world.a_contact_point(team.family, team.lead, "housing", at=ago(days=4))
    world.as_(world.system(team.agency)).change(
        f"{team.path}/involvements/{team.involvement.id}", {"helpDomains": ["parenting"]}
    )
    assert call(world, team, "housing", on=in_days(-1)) == ("contact_point", "is_contact_point", str(team.lead.id))
    assert call(world, team, "housing")[:2] == ("lead_coordinator", "no_contact_point")


def test_an_agency_that_shields_itself_takes_its_past_along(world: World) -> None:
    team = world.a_team(at=ago(days=9))
    dewi = world.an_involved_professional(team.family, at=ago(days=8))
    other = world.an_involved_professional(team.family, ("housing",), at=ago(days=8))
    world.a_contact_point(team.family, dewi, "finances", at=ago(days=7))
    listed = world.as_(world.actor(dewi)).get(f"{team.path}/involvements").json()["items"]
    mine = next(one["id"] for one in listed if one["professionalId"] == str(dewi.id))
    assert world.as_(world.actor(dewi)).change(f"{team.path}/involvements/{mine}", {"shielded": True}).is_success
    for path in ("who-is-involved", "involvements", "timeline", "contact-points/finances", "who-is-involved?on="):
        asked = f"{team.path}/{path}" + (str(in_days(-2)) if path.endswith("=") else "")
        hidden = world.as_(world.actor(other)).get(asked)
        assert hidden.status_code == 200
        assert str(dewi.id) not in hidden.text
        assert str(dewi.agency_id) not in hidden.text
    assert call(world, team, on=in_days(-2)) == ("contact_point", "is_contact_point", str(dewi.id))


def test_a_member_who_moved_was_there(world: World) -> None:
    team, elsewhere = world.a_team(at=ago(days=5)), world.a_family()
    member, person = world.a_member(team.family, MemberRole.CHILD, at=ago(days=4))
    registrar = world.as_(world.registrar)
    moved = registrar.post(f"{team.path}/members/{member.id}/_move", {"familyId": str(elsewhere.id)})
    assert moved.is_success
    assert team_of(registrar, team)["members"] == []
    assert [one["personId"] for one in team_of(registrar, team, on=in_days(-1))["members"]] == [str(person.id)]


def test_an_absence_that_is_over_counted_then(world: World) -> None:
    team = world.a_team(at=ago(days=9))
    dewi = world.an_involved_professional(team.family, at=ago(days=9))
    world.a_contact_point(team.family, dewi, "finances", at=ago(days=8))
    world.an_absence(dewi, -5, -3)
    assert call(world, team, on=in_days(-4))[:2] == ("lead_coordinator", "contact_point_is_absent")
    assert call(world, team, on=in_days(-2))[0] == "contact_point"


def test_before_a_family_was_opened_nobody_was_involved(world: World) -> None:
    team = world.a_team()
    world.a_member(team.family, at=ago(seconds=5))
    shown = team_of(world.as_(world.registrar), team, on=date(2010, 1, 1))
    assert (shown["members"], shown["involvements"], shown["helpDomains"]) == ([], [], [])
    assert shown["leadCoordinator"] is None
    assert call(world, team, on=date(2010, 1, 1)) == ("access_team", "nobody_involved", None)


@pytest.mark.parametrize("path", ["who-is-involved", "contact-points/parenting"])
def test_only_a_day_from_2000_until_today_can_be_asked_about(world: World, path: str) -> None:
    team = world.a_team()
    registrar = world.as_(world.registrar)
    for day in (in_days(1), date(1999, 12, 31), date.min, date.max, "yesterday"):
        refused(registrar.get(f"{team.path}/{path}", params={"on": str(day)}), 400, "invalid")
    assert registrar.get(f"{team.path}/{path}", params={"on": str(today())}).status_code == 200


def test_today_is_answered_as_it_is_now(world: World) -> None:
    team = world.a_team()
    registrar = world.as_(world.registrar)
    now, day = team_of(registrar, team), team_of(registrar, team, on=today())
    assert {**now, "asOf": None} == {**day, "asOf": None}
