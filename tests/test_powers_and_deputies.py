"""What follows from the powers of a mandate: for the lead coordinator, and for the deputy during the period."""

from typing import Any

import pytest

from api.domain.codes import Power
from api.domain.models import Professional
from tests.groundless import NOBODY, someone
from tests.world import Team, World, ago, in_days, refused, today

# What follows from the powers

BY_POWER = [
    ("PUT", "/contact-points/parenting", {"professionalId": NOBODY}, Power.ASSIGN_CONTACT_POINTS),
    ("DELETE", "/contact-points/parenting", None, Power.ASSIGN_CONTACT_POINTS),
    ("POST", "/involvements/_invite", {"agencyId": NOBODY, "helpDomains": ["finances"]}, Power.INVITE_AGENCIES),
    ("POST", f"/involvements/{NOBODY}/_withdraw", None, Power.INVITE_AGENCIES),
]


@pytest.mark.parametrize(("method", "path", "body", "power"), BY_POWER)
def test_a_lead_or_deputy_without_the_power_is_told_which_one_they_lack(
    world: World, method: str, path: str, body: Any, power: Power
) -> None:
    team = world.a_team(powers=[one for one in Power if one is not power])
    deputy = world.an_involved_professional(team.family)
    world.a_deputy(team, deputy)
    for leading in (team.lead, deputy):
        answer = world.as_(world.actor(leading)).call(method, f"{team.path}{path}", json=body)
        refused(answer, 403, "power_lacking")
        assert power in answer.json()["detail"]
    assert [record.decision for record in world.records(team.family)][-2:] == ["refused", "refused"]


@pytest.mark.parametrize(("method", "path", "body", "power"), BY_POWER)
def test_the_power_alone_is_enough(world: World, method: str, path: str, body: Any, power: Power) -> None:
    team = world.a_team(powers=[power])
    headers = {"If-Match": "*"} if method == "DELETE" else {}
    answer = world.as_(world.actor(team.lead)).call(method, f"{team.path}{path}", json=body, headers=headers)
    assert answer.status_code in {400, 404}, answer.text


def test_a_power_that_is_taken_away_is_gone_at_once(world: World) -> None:
    team = world.a_team()
    assert world.as_(world.registrar).change(team.mandate_path, {"powers": ["convene"]}).status_code == 200
    answer = world.as_(world.actor(team.lead)).put(f"{team.path}/contact-points/parenting", {"professionalId": NOBODY})
    refused(answer, 403, "power_lacking")


# The deputy


def named(world: World, team: Team, deputy: Professional, first: int = 0, last: int = 5, by: Any = None) -> Any:
    body = {"professionalId": str(deputy.id), "startsOn": str(in_days(first)), "endsOn": str(in_days(last))}
    return world.as_(by or world.actor(team.lead)).post(f"{team.mandate_path}/deputies", body)


def test_a_deputy_has_the_powers_of_the_mandate_during_the_period(world: World) -> None:
    team = world.a_team()
    agency = world.an_agency()
    deputy = world.a_professional(agency)
    world.an_involvement(team.family, agency)
    caller = world.as_(world.actor(deputy))
    refused(caller.get(f"{team.path}/who-is-involved"), 404, "family_not_found")
    answer = named(world, team, deputy)
    assert answer.status_code == 201, answer.text
    shown = caller.get(f"{team.path}/who-is-involved").json()["leadCoordinator"]
    assert shown["deputy"]["professional"]["id"] == str(deputy.id)
    assigned = caller.put(f"{team.path}/contact-points/parenting", {"professionalId": str(team.lead.id)})
    assert assigned.status_code == 200
    assert len(world.told(team.family, "deputy.named")) == 1
    deputies = f"{team.mandate_path}/deputies"
    assert world.as_(world.actor(team.lead)).delete(f"{deputies}/{answer.json()['id']}").status_code == 204
    refused(caller.get(f"{team.path}/who-is-involved"), 404, "family_not_found")
    assert len(world.told(team.family, "deputy.ended")) == 1
    refused(world.as_(world.registrar).delete(f"{deputies}/{answer.json()['id']}"), 404, "not_found")


def test_a_deputy_has_nothing_before_the_period(world: World) -> None:
    team = world.a_team()
    deputy = world.a_professional(team.agency)
    answer = named(world, team, deputy, first=2)
    refused(world.as_(world.actor(deputy)).get(team.path), 404, "family_not_found")
    deputies = f"{team.mandate_path}/deputies"
    assert len(world.as_(world.registrar).get(deputies).json()["items"]) == 1
    assert world.as_(world.registrar).delete(f"{deputies}/{answer.json()['id']}").status_code == 204
    assert world.as_(world.registrar).get(deputies).json()["items"] == []
    assert len(world.told(team.family, "deputy.ended")) == 1


def test_a_deputy_may_not_hand_over_or_end_the_mandate(world: World) -> None:
    team = world.a_team()
    deputy = world.a_professional(team.agency)
    named(world, team, deputy)
    caller = world.as_(world.actor(deputy))
    for verb, body in (
        ("_transfer", {"professionalId": str(deputy.id)}),
        ("_end", {"reason": "laid_down"}),
        ("deputies", {"professionalId": str(deputy.id), "startsOn": str(today()), "endsOn": str(today())}),
    ):
        refused(caller.post(f"{team.mandate_path}/{verb}", body), 403, "relation_lacking")


@pytest.mark.parametrize("who", ["uninvolved", "signaller", "shielded", "ended", "lapsed", "invited"])
def test_only_someone_of_an_openly_involved_agency_deputises(world: World, who: str) -> None:
    team = world.a_team(at=ago(days=9))
    refused(named(world, team, someone(world, team.family, who)), 409, "no_running_involvement")


@pytest.mark.parametrize(
    ("who", "first", "last"),
    [("nobody", 0, 5), ("left", 0, 5), ("lead", 0, 5), ("colleague", 3, 1), ("colleague", -5, -1), ("late", 40, 50)],
)
def test_a_deputy_is_someone_else_in_a_period_of_the_mandate(world: World, who: str, first: int, last: int) -> None:
    team = world.a_team(ends_on=in_days(30))
    colleague = world.a_professional(team.agency)
    chosen = {"lead": team.lead, "colleague": colleague, "late": colleague}.get(who)
    refused(named(world, team, chosen or someone(world, team.family, who), first, last), 400, "invalid")
    assert world.told(team.family, "deputy.named") == []


def test_one_deputy_at_a_time(world: World) -> None:
    team = world.a_team()
    one, other = world.a_professional(team.agency), world.a_professional(team.agency)
    assert named(world, team, one, 0, 3).status_code == 201
    refused(named(world, team, other, 3, 4), 409, "conflict")
    assert named(world, team, other, 4, 6, by=world.registrar).status_code == 201


def test_a_mandate_that_is_not_active_has_no_deputy(world: World) -> None:
    team = world.a_team()
    world.as_(world.registrar).post(f"{team.mandate_path}/_end", {"reason": "completed"})
    answer = named(world, team, world.a_professional(team.agency), by=world.registrar)
    refused(answer, 409, "mandate_not_active")


def test_a_deputy_goes_with_the_mandate(world: World) -> None:
    team = world.a_team()
    now, later = world.an_involved_professional(team.family), world.an_involved_professional(team.family)
    named(world, team, now, 0, 3)
    named(world, team, later, 4, 6)
    world.as_(world.actor(team.lead)).post(f"{team.mandate_path}/_end", {"reason": "laid_down"})
    assert len(world.told(team.family, "deputy.ended")) == 2
    answer = world.as_(world.actor(now)).put(f"{team.path}/contact-points/parenting", {"professionalId": str(now.id)})
    refused(answer, 403, "relation_lacking")
