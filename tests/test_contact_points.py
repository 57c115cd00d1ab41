"""The contact point: one per family and help domain, of an agency openly involved in it, never silently gone."""

from typing import Any

import pytest

from api.domain.codes import LegalBasis
from api.domain.models import Professional
from tests.groundless import REFUSED, someone
from tests.world import Caller, Team, World, ago, in_days, refused


def assign(caller: Caller, team: Team, professional: Professional, domain: str = "parenting", **how: Any) -> Any:
    return caller.put(f"{team.path}/contact-points/{domain}", {"professionalId": str(professional.id)}, **how)


def row(world: World, team: Team, domain: str = "parenting") -> Any:
    return world.as_(world.registrar).get(f"{team.path}/contact-points/{domain}").json()


def test_assigning_tells_and_records(world: World) -> None:
    team = world.a_team()
    answer = assign(world.as_(world.actor(team.lead)), team, team.lead)
    assert answer.status_code == 200, answer.text
    assert answer.json() == row(world, team)
    assert answer.json()["contactPoint"]["professional"]["id"] == str(team.lead.id)
    assert answer.json()["gap"] is False
    [event] = world.told(team.family, "contact_point.assigned")
    assert (event.professional_id, event.help_domain) == (team.lead.id, "parenting")
    assert event.by_agency_id == team.agency.id
    assert answer.json()["contactPoint"]["id"] == event.about
    assert ("contact_point.assigned", "changed") in {(one.action, one.decision) for one in world.records(team.family)}


def test_a_new_contact_point_begins_when_the_previous_ends(world: World) -> None:
    team = world.a_team()
    world.a_contact_point(team.family, team.lead)
    colleague = world.a_professional(team.agency)
    registrar = world.as_(world.registrar)
    refused(assign(registrar, team, colleague), 428, "precondition_required")
    stale = assign(registrar, team, colleague, headers={"If-Match": '"x"'})
    refused(stale, 412, "precondition_failed")
    changed = registrar.change(f"{team.path}/contact-points/parenting", {"professionalId": str(colleague.id)}, "PUT")
    assert changed.json()["contactPoint"]["professional"]["id"] == str(colleague.id)
    ended, assigned = world.told(team.family)[-2:]
    assert (ended.type, ended.reason, assigned.type) == ("contact_point.ended", "reassigned", "contact_point.assigned")
    assert ended.at == assigned.at


def test_the_etag_holds_in_either_language(world: World) -> None:
    team = world.a_team()
    world.a_contact_point(team.family, team.lead)
    colleague = world.a_professional(team.agency)
    registrar = world.as_(world.registrar)
    seen = registrar.get(f"{team.path}/contact-points/parenting", headers={"Accept-Language": "en"})
    answer = assign(registrar, team, colleague, headers={"If-Match": seen.headers["ETag"]})
    assert answer.status_code == 200


@pytest.mark.parametrize(("who", "status", "code"), REFUSED)
def test_a_contact_point_is_of_an_agency_openly_involved_in_the_domain(
    world: World, who: str, status: int, code: str
) -> None:
    team = world.a_team(at=ago(days=9))
    refused(assign(world.as_(world.registrar), team, someone(world, team.family, who)), status, code)
    assert world.told(team.family, "contact_point.assigned") == []


def test_involvement_in_one_domain_gives_no_contact_point_in_another(world: World) -> None:
    team = world.a_team(["parenting"])
    registrar = world.as_(world.registrar)
    refused(assign(registrar, team, team.lead, "finances"), 409, "no_running_involvement")
    refused(assign(registrar, team, team.lead, "no_such_domain"), 404, "not_found")
    refused(registrar.delete(f"{team.path}/contact-points/parenting"), 404, "not_found")
    refused(registrar.get(f"{team.path}/contact-points/no_such_domain"), 404, "not_found")


def test_who_is_the_contact_point_already_is_not_assigned_again(world: World) -> None:
    team = world.a_team()
    world.a_contact_point(team.family, team.lead)
    answer = world.as_(world.registrar).change(
        f"{team.path}/contact-points/parenting", {"professionalId": str(team.lead.id)}, "PUT"
    )
    refused(answer, 409, "already_contact_point")


def test_an_involved_agency_assigns_no_contact_points(world: World) -> None:
    team = world.a_team()
    for actor in (world.system(team.agency), world.actor(world.an_involved_professional(team.family))):
        refused(assign(world.as_(actor), team, team.lead), 403, "relation_lacking")
    stranger = world.system(world.an_agency())
    refused(assign(world.as_(stranger), team, team.lead), 404, "family_not_found")


def test_a_released_contact_point_leaves_the_lead_to_answer(world: World) -> None:
    team = world.a_team()
    world.a_contact_point(team.family, team.lead)
    assert world.as_(world.actor(team.lead)).delete(f"{team.path}/contact-points/parenting").status_code == 204
    assert [one.reason for one in world.told(team.family, "contact_point.ended")] == ["released"]
    assert row(world, team)["gap"] is True
    assert row(world, team)["call"]["capacity"] == "lead_coordinator"


# When the ground goes


def lose_ground(world: World, team: Team, professional: Professional, how: str) -> None:
    """Debt help, which does finances and housing, stops with finances in one way or another."""
    registrar = world.as_(world.registrar)
    listed = registrar.get(f"{team.path}/involvements").json()["items"]
    mine = next(one for one in listed if one["agencyId"] == str(professional.agency_id))
    path = f"{team.path}/involvements/{mine['id']}"
    system = world.as_(world.system(team.agency.model_copy(update={"id": professional.agency_id})))
    if how == "ended":
        answer = system.post(f"{path}/_end", {"reason": "no_longer_needed"})
    else:
        answer = system.change(path, {"helpDomains": ["housing"]} if how == "dropped" else {"shielded": True})
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("how", ["ended", "dropped", "shielded"])
def test_a_contact_point_ends_with_its_ground_in_one_transaction_and_the_gap_is_told(world: World, how: str) -> None:
    team = world.a_team()
    dewi = world.an_involved_professional(team.family, ("finances", "housing"))
    world.a_contact_point(team.family, dewi, "finances")
    lose_ground(world, team, dewi, how)
    ended, gap = world.told(team.family)[-2:]
    assert (ended.type, ended.reason) == ("contact_point.ended", "involvement_ended")
    assert (gap.type, gap.help_domain) == ("contact_point.gap_opened", "finances")
    assert ended.at == gap.at == world.told(team.family)[-3].at
    finances = row(world, team, "finances")
    assert (finances["involved"], finances["gap"], finances["contactPoint"]) == (False, True, None)
    assert (finances["call"]["capacity"], finances["call"]["because"]) == ("lead_coordinator", "no_contact_point")
    refused(world.as_(world.actor(dewi)).get(team.path), 404, "family_not_found") if how == "ended" else None


@pytest.mark.parametrize("how", ["ended", "dropped"])
def test_another_involvement_of_the_agency_keeps_the_role(world: World, how: str) -> None:
    team = world.a_team()
    dewi = world.an_involved_professional(team.family, ("finances", "housing"))
    world.an_involvement(team.family, team.agency.model_copy(update={"id": dewi.agency_id}), ("finances",))
    world.a_contact_point(team.family, dewi, "finances")
    lose_ground(world, team, dewi, how)
    assert row(world, team, "finances")["contactPoint"]["professional"]["id"] == str(dewi.id)
    assert world.told(team.family, "contact_point.gap_opened") == []


def test_a_gap_stays_until_it_is_filled(world: World) -> None:
    team = world.a_team()
    dewi = world.an_involved_professional(team.family)
    world.a_contact_point(team.family, dewi, "finances")
    lose_ground(world, team, dewi, "ended")
    other = world.an_involved_professional(team.family, ("finances",), at=ago(seconds=1))
    assert row(world, team, "finances")["gap"] is True
    assert assign(world.as_(world.actor(team.lead)), team, other, "finances").json()["gap"] is False


def test_a_gap_that_needs_no_filling_is_closed_once(world: World) -> None:
    team = world.a_team()
    dewi = world.an_involved_professional(team.family)
    world.a_contact_point(team.family, dewi, "finances")
    lose_ground(world, team, dewi, "ended")
    lead = world.as_(world.actor(team.lead))
    assert lead.delete(f"{team.path}/contact-points/finances").status_code == 204
    [event] = world.told(team.family, "contact_point.gap_closed")
    assert (event.help_domain, event.professional_id) == ("finances", dewi.id)
    team_now = lead.get(f"{team.path}/who-is-involved").json()
    assert [one["helpDomain"] for one in team_now["helpDomains"]] == ["parenting"]
    assert row(world, team, "finances")["call"]["because"] == "nobody_involved"
    refused(lead.delete(f"{team.path}/contact-points/finances"), 404, "not_found")


def test_the_lead_goes_with_the_last_open_involvement_and_so_do_deputy_and_contact_points(world: World) -> None:
    team = world.a_team()
    deputy = world.a_professional(team.agency)
    world.a_deputy(team, deputy)
    world.a_contact_point(team.family, deputy)
    path = f"{team.path}/involvements/{team.involvement.id}/_end"
    assert world.as_(world.system(team.agency)).post(path, {"reason": "completed"}).status_code == 200
    ends = [event.type for event in world.told(team.family)[-6:]]
    assert ends == [
        "involvement.ended",
        "mandate.ended",
        "deputy.ended",
        "mandate.gap_opened",
        "contact_point.ended",
        "contact_point.gap_opened",
    ]
    assert len({event.at for event in world.told(team.family)[-6:]}) == 1
    for gone in (team.lead, deputy):
        refused(world.as_(world.actor(gone)).get(team.path), 404, "family_not_found")
    assert row(world, team)["call"]["capacity"] == "access_team"
    assert row(world, team)["call"]["name"] == world.municipality.access_team_name


@pytest.mark.parametrize("basis", [LegalBasis.CONSENT, LegalBasis.MEASURE])
def test_a_role_rests_on_a_basis_only_as_long_as_it_runs(world: World, basis: LegalBasis) -> None:
    team = world.a_team(at=ago(days=9))
    until = {"legal_basis": basis, "legal_basis_ends_on": in_days(-2)}
    dewi = world.an_involved_professional(team.family, at=ago(days=8), **until)
    world.a_contact_point(team.family, dewi, "finances", at=ago(days=7))
    finances = row(world, team, "finances")
    assert (finances["gap"], finances["contactPoint"]) == (True, None)
    assert world.told(team.family, "contact_point.ended") == []
    refused(world.as_(world.actor(dewi)).get(team.path), 404, "family_not_found")
