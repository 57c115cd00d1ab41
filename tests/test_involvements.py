"""Involvements: that an agency is involved, on which terms. It says so itself, and what rested on it ends with it."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from api.domain import calendar
from api.domain.codes import AgencyKind
from api.domain.models import Agency, Family
from tests.world import Team, World, ago, in_days, refused, today

NOBODY = "00000000-0000-4000-8000-000000000000"
TASK = {"legalBasis": "statutory_task", "legalGround": "youth_help"}


def invite(world: World, family: Family, agency_id: Any, **other: Any) -> Any:
    body = {"agencyId": str(agency_id), "helpDomains": ["finances"]} | other
    return world.as_(world.registrar).post(f"/families/{family.id}/involvements/_invite", body)


def an_invited(world: World) -> tuple[Family, Agency, str]:
    family, agency = world.a_family(), world.an_agency()
    return family, agency, f"/families/{family.id}/involvements/{world.an_invitation(family, agency).id}"


def path_of(team: Team) -> str:
    return f"{team.path}/involvements/{team.involvement.id}"


def test_an_invited_agency_sees_its_invitation_and_nothing_else(world: World) -> None:
    team = world.a_team()
    agency = world.an_agency()
    answer = invite(world, team.family, agency.id)
    assert (answer.status_code, answer.json()["state"]) == (201, "invited")
    [event] = world.told(team.family, "involvement.invited")
    assert (event.agency_id, str(event.involvement_id)) == (agency.id, answer.json()["id"])
    system = world.as_(world.system(agency))
    listed = system.get(f"{team.path}/involvements").json()["items"]
    assert [one["id"] for one in listed if one["state"] == "invited"] == [answer.json()["id"]]
    for part in ("", "/who-is-involved", "/timeline", "/members", "/mandates", "/contact-points/finances"):
        refused(system.get(f"{team.path}{part}"), 403, "relation_lacking")


def test_an_accepted_invitation_runs_from_that_instant(world: World) -> None:
    family, agency, path = an_invited(world)
    dewi = world.a_professional(agency)
    body = {"legalBasis": "consent", "legalBasisEndsOn": str(in_days(30)), "professionalId": str(dewi.id)}
    answer = world.as_(world.system(agency)).post(f"{path}/_accept", body | {"helpDomains": ["housing", "finances"]})
    running = answer.json()
    assert running["state"] == "running"
    assert running["startedAt"] == running["answeredAt"]
    assert running["helpDomains"] == ["finances", "housing"]
    assert datetime.fromisoformat(running["endsAt"]) == calendar.end_of(in_days(30))
    assert running["confirmationDueOn"] == str(calendar.day_of(world.told(family)[-1].at + timedelta(days=182)))
    assert [event.by_agency_id for event in world.told(family, "involvement.started")] == [agency.id]
    again = world.as_(world.system(agency)).post(f"{path}/_accept", TASK)
    refused(again, 403, "relation_lacking")


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"legalBasis": "consent"}, "legalBasisEndsOn"),
        ({"legalBasis": "consent", "legalBasisEndsOn": str(in_days(-1))}, "legalBasisEndsOn"),
        ({"legalBasis": "measure", "legalBasisEndsOn": str(in_days(-1))}, "legalBasisEndsOn"),
        ({"legalBasis": "consent", "legalBasisEndsOn": "9999-12-31"}, "legalBasisEndsOn"),
        ({**TASK, "professionalId": NOBODY}, "professionalId"),
        ({**TASK, "helpDomains": ["no_such_domain"]}, "helpDomains"),
        ({**TASK, "helpDomains": []}, "helpDomains"),
        ({}, "legalBasis"),
        ({"legalBasis": "curiosity"}, "legalBasis"),
        ({**TASK, "reason": "drugs"}, ""),
    ],
)
def test_no_involvement_on_terms_that_do_not_hold(world: World, terms: dict[str, Any], field: str) -> None:
    family, agency, path = an_invited(world)
    answer = world.as_(world.system(agency)).post(f"{path}/_accept", terms)
    assert answer.status_code == 400, answer.text
    assert field in {one["name"].split(".")[0] for one in answer.json()["errors"]}
    assert "drugs" not in answer.text
    assert world.told(family, "involvement.started") == []


def test_nobody_of_another_agency_is_named_in_an_involvement(world: World) -> None:
    family, agency, path = an_invited(world)
    stranger = world.a_professional(world.an_agency())
    refused(
        world.as_(world.system(agency)).post(f"{path}/_accept", {**TASK, "professionalId": str(stranger.id)}),
        400,
        "invalid",
    )
    refused(invite(world, family, stranger.agency_id, professionalId=NOBODY), 400, "invalid")
    assert invite(world, family, stranger.agency_id, professionalId=str(stranger.id)).status_code == 201


def test_who_was_asked_and_has_left_is_not_involved_by_accepting(world: World) -> None:
    family, agency = world.a_family(), world.an_agency()
    asked = world.a_professional(agency)
    path = f"/families/{family.id}/involvements"
    invitation = invite(world, family, agency.id, professionalId=str(asked.id)).json()["id"]
    system = world.as_(world.system(agency))
    assert system.change(f"/professionals/{asked.id}", {"active": False}).is_success
    refused(system.post(f"{path}/{invitation}/_accept", TASK), 400, "invalid")
    successor = {"professionalId": str(world.a_professional(agency).id)}
    assert system.post(f"{path}/{invitation}/_accept", TASK | successor).is_success


def test_an_agency_stops_once_it_has_answered_and_is_invited_no_more(world: World) -> None:
    _, agency, path = an_invited(world)
    stop = {"active": False}
    refused(world.as_(world.administrator).change(f"/agencies/{agency.id}", stop), 409, "conflict")
    assert world.as_(world.system(agency)).post(f"{path}/_decline", {"reason": "no_capacity"}).is_success
    assert world.as_(world.administrator).change(f"/agencies/{agency.id}", stop).is_success
    refused(invite(world, world.a_family(), agency.id), 400, "invalid")


def test_an_agency_declines_with_a_reason(world: World) -> None:
    family, agency, path = an_invited(world)
    system = world.as_(world.system(agency))
    refused(system.post(f"{path}/_decline", {"reason": "no_idea"}), 400, "invalid")
    answer = system.post(f"{path}/_decline", {"reason": "no_capacity"})
    assert (answer.json()["state"], answer.json()["declineReason"]) == ("declined", "no_capacity")
    assert [event.reason for event in world.told(family, "involvement.declined")] == ["no_capacity"]
    refused(system.get(path), 404, "family_not_found")
    refused(world.as_(world.registrar).post(f"{path}/_withdraw"), 409, "invitation_not_open")


@pytest.mark.parametrize("verb", ["_accept", "_decline"])
def test_a_withdrawn_invitation_is_as_good_as_none(world: World, verb: str) -> None:
    family, agency, path = an_invited(world)
    assert world.as_(world.registrar).post(f"{path}/_withdraw").json()["state"] == "withdrawn"
    assert len(world.told(family, "involvement.withdrawn")) == 1
    body = TASK if verb == "_accept" else {"reason": "no_capacity"}
    refused(world.as_(world.system(agency)).post(f"{path}/{verb}", body), 404, "family_not_found")


@pytest.mark.parametrize("verb", ["_accept", "_decline"])
def test_an_answered_invitation_is_not_answered_again(world: World, verb: str) -> None:
    family, agency, path = an_invited(world)
    system = world.as_(world.system(agency))
    system.post(f"{path}/_decline", {"reason": "no_capacity"})
    assert invite(world, family, agency.id).status_code == 201
    body = TASK if verb == "_accept" else {"reason": "no_capacity"}
    refused(system.post(f"{path}/{verb}", body), 409, "invitation_not_open")


def test_another_agencys_invitation_or_involvement_is_as_good_as_none(world: World) -> None:
    team = world.a_team()
    other = world.an_agency()
    world.an_involvement(team.family, other, ("finances",))
    invited = world.an_agency()
    invitation = world.an_invitation(team.family, invited)
    world.an_invitation(team.family, other)
    system = world.as_(world.system(other))
    refused(system.post(f"{team.path}/involvements/{invitation.id}/_accept", TASK), 404, "not_found")
    refused(system.get(f"{team.path}/involvements/{invitation.id}"), 404, "not_found")
    refused(system.post(f"{path_of(team)}/_end", {"reason": "completed"}), 404, "not_found")
    refused(system.post(f"{path_of(team)}/_confirm"), 404, "not_found")
    hide = {"json": {"shielded": True}, "headers": {"If-Match": "*"}}
    refused(system.call("PATCH", path_of(team), **hide), 404, "not_found")
    elsewhere = world.a_team()
    refused(world.as_(world.registrar).get(f"{team.path}/involvements/{elsewhere.involvement.id}"), 404, "not_found")


def test_one_open_invitation_per_agency(world: World) -> None:
    family, agency, _ = an_invited(world)
    refused(invite(world, family, agency.id), 409, "conflict")
    refused(invite(world, family, NOBODY), 400, "invalid")
    refused(invite(world, family, world.an_agency().id, helpDomains=["no_such_domain"]), 400, "unknown_help_domain")


def test_an_agency_becomes_involved_by_invitation_and_then_starts_more_itself(world: World) -> None:
    family, agency = world.a_family(), world.an_agency()
    system, path = world.as_(world.system(agency)), f"/families/{family.id}/involvements"
    body = {**TASK, "helpDomains": ["housing"]}
    refused(system.post(path, body), 404, "family_not_found")
    world.an_invitation(family, agency)
    refused(system.post(path, body), 403, "relation_lacking")
    world.an_involvement(family, agency, professional=world.a_professional(agency), at=ago(seconds=1))
    answer = system.post(path, body | {"startedOn": str(in_days(-30))})
    assert answer.status_code == 201, answer.text
    assert datetime.fromisoformat(answer.json()["startedAt"]) == calendar.start_of(in_days(-30))
    assert len(world.told(family, "involvement.started")) == 2


@pytest.mark.parametrize("day", [str(in_days(1)), "0001-01-01", "9999-12-31"])
def test_an_involvement_starts_today_or_on_a_day_in_the_past(world: World, day: str) -> None:
    team = world.a_team()
    system = world.as_(world.system(team.agency))
    body = {**TASK, "helpDomains": ["housing"], "startedOn": day}
    refused(system.post(f"{team.path}/involvements", body), 400, "invalid")
    assert system.post(f"{team.path}/involvements", body | {"startedOn": str(today())}).status_code == 201


def test_an_agency_and_professional_are_involved_once_at_a_time(world: World) -> None:
    team = world.a_team(at=ago(days=5))
    system = world.as_(world.system(team.agency))
    body = {**TASK, "helpDomains": ["housing"], "professionalId": str(team.lead.id)}
    refused(system.post(f"{team.path}/involvements", body), 409, "conflict")
    other = system.post(f"{team.path}/involvements", body | {"professionalId": None})
    change = system.change(f"{team.path}/involvements/{other.json()['id']}", {"professionalId": str(team.lead.id)})
    refused(change, 409, "conflict")
    assert system.post(f"{path_of(team)}/_end", {"reason": "completed"}).is_success
    refused(system.post(f"{team.path}/involvements", body | {"startedOn": str(in_days(-3))}), 409, "conflict")
    assert system.post(f"{team.path}/involvements", body).status_code == 201


def test_an_agency_changes_its_own_terms(world: World) -> None:
    team = world.a_team()
    system = world.as_(world.system(team.agency))
    new = {"contactFrequency": "weekly", "helpDomains": ["housing", "parenting"], "professionalId": None}
    changed = system.change(path_of(team), new).json()
    assert {key: changed[key] for key in new} == new
    assert (changed["legalBasis"], changed["endsAt"]) == ("statutory_task", None)
    changed = system.change(path_of(team), {"legalBasis": "consent", "legalBasisEndsOn": str(in_days(9))}).json()
    assert datetime.fromisoformat(changed["endsAt"]) == calendar.end_of(in_days(9))
    assert len(world.told(team.family, "involvement.changed")) == 2
    refused(system.call("PATCH", path_of(team), json=new), 428, "precondition_required")


@pytest.mark.parametrize(
    "new",
    [
        {"legalBasis": "consent"},
        {"legalBasis": "consent", "legalBasisEndsOn": None},
        {"legalBasisEndsOn": str(in_days(-1))},
        {"professionalId": NOBODY},
        {"helpDomains": ["no_such_domain"]},
        {"helpDomains": []},
        {"legalBasis": None},
        {"shielded": None},
        {"startedAt": "2020-01-01T00:00:00Z"},
    ],
)
def test_a_change_to_terms_that_do_not_hold_is_refused(world: World, new: dict[str, Any]) -> None:
    team = world.a_team()
    assert world.as_(world.system(team.agency)).change(path_of(team), new).status_code == 400
    assert world.told(team.family, "involvement.changed") == []


def test_confirming_puts_off_the_question_for_half_a_year(world: World) -> None:
    team = world.a_team(at=ago(days=170))
    answer = world.as_(world.system(team.agency)).post(f"{path_of(team)}/_confirm")
    assert answer.json()["confirmationDueOn"] == str(in_days(182))
    assert len(world.told(team.family, "involvement.confirmed")) == 1


@pytest.mark.parametrize("verb", ["_confirm", "_end", "change"])
def test_what_has_ended_is_neither_changed_nor_confirmed_nor_ended(world: World, verb: str) -> None:
    team = world.a_team()
    world.an_involvement(team.family, team.agency, ("housing",), at=ago(seconds=1))
    system = world.as_(world.system(team.agency))
    assert system.post(f"{path_of(team)}/_end", {"reason": "handed_over"}).json()["endReason"] == "handed_over"
    assert [event.reason for event in world.told(team.family, "involvement.ended")] == ["handed_over"]
    if verb == "change":
        again = system.change(path_of(team), {"contactFrequency": "daily"})
    else:
        again = system.post(f"{path_of(team)}/{verb}", {"reason": "completed"} if verb == "_end" else None)
    refused(again, 409, "involvement_not_running")


@pytest.mark.parametrize("reason", ["legal_basis_ended", "family_closed"])
def test_some_reasons_are_for_spil_itself_to_give(world: World, reason: str) -> None:
    team = world.a_team()
    answer = world.as_(world.system(team.agency)).post(f"{path_of(team)}/_end", {"reason": reason})
    refused(answer, 403, "reason_reserved")


def test_only_the_agency_itself_ends_its_involvement(world: World) -> None:
    team = world.a_team()
    refused(world.as_(world.registrar).post(f"{path_of(team)}/_end", {"reason": "completed"}), 403, "relation_lacking")


def test_who_leads_is_not_shielded(world: World) -> None:
    team = world.a_team()
    system = world.as_(world.system(team.agency))
    refused(system.change(path_of(team), {"shielded": True}), 409, "leads")
    world.as_(world.registrar).post(f"{team.mandate_path}/_end", {"reason": "completed"})
    assert system.change(path_of(team), {"shielded": True}).json()["shielded"] is True


def test_a_closed_family_takes_no_involvements(world: World) -> None:
    family, agency = world.a_family(), world.an_agency()
    world.as_(world.registrar).post(f"/families/{family.id}/_close", {"closing": "completed"})
    refused(invite(world, family, agency.id), 409, "family_closed")


def test_a_list_can_be_narrowed_to_one_state(world: World) -> None:
    team = world.a_team()
    world.an_invitation(team.family, world.an_agency(AgencyKind.HOUSING))
    registrar = world.as_(world.registrar)
    for state, count in (("running", 1), ("invited", 1), ("ended", 0)):
        assert len(registrar.get(f"{team.path}/involvements", params={"state": state}).json()["items"]) == count
    refused(registrar.get(f"{team.path}/involvements", params={"state": "gone"}), 400, "invalid")
