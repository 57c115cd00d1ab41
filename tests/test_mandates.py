"""The mandate: one at a time, by acceptance, no wider than granted, handed over at one instant."""

from datetime import timedelta
from typing import Any

import pytest

from api.domain.actor import Role
from api.domain.codes import Answer, EventType, MandateBasis, Power
from api.domain.models import Family, Mandate, Professional
from api.domain.work import Work
from tests.groundless import NOBODY, REFUSED, someone
from tests.world import Team, World, ago, in_days, refused, today

EVERY_POWER = [str(power) for power in Power]


def terms(professional: Professional, **other: Any) -> dict[str, Any]:
    return {
        "professionalId": str(professional.id),
        "powers": ["convene"],
        "legalBasis": "consent",
        "endsOn": str(in_days(90)),
    } | other


def proposed(world: World, family: Family, **other: Any) -> Any:
    return world.as_(world.registrar).post(f"/families/{family.id}/mandates", **other)


def test_a_proposal_is_not_yet_a_mandate(world: World) -> None:
    family = world.a_family()
    anna = world.an_involved_professional(family)
    answer = proposed(world, family, json=terms(anna, powers=["convene", "escalate", "convene"]))
    assert answer.status_code == 201
    assert (answer.json()["state"], answer.json()["startedAt"]) == ("proposed", None)
    assert answer.json()["powers"] == ["convene", "escalate"]
    assert answer.json()["grantedBy"] == world.municipality.code
    assert answer.headers["Location"] == f"/v1/families/{family.id}/mandates/{answer.json()['id']}"
    team = world.as_(world.registrar).get(f"/families/{family.id}/who-is-involved").json()
    assert team["leadCoordinator"] is None
    [event] = world.told(family, EventType.MANDATE_PROPOSED)
    assert (event.about, event.professional_id, event.by_role) == (answer.json()["id"], anna.id, Role.REGISTRAR)
    record = next(record for record in world.records(family) if record.event_id == event.id)
    assert (record.action, record.decision) == ("mandate.proposed", "changed")
    assert record.municipality_code == world.municipality.code


def test_who_accepts_leads_from_that_instant(world: World) -> None:
    family = world.a_family()
    anna = world.an_involved_professional(family)
    mandate = world.a_proposal(family, anna)
    accepted = world.as_(world.actor(anna)).post(f"/families/{family.id}/mandates/{mandate.id}/_accept").json()
    assert (accepted["state"], accepted["startedAt"]) == ("active", accepted["answeredAt"])
    team = world.as_(world.actor(anna)).get(f"/families/{family.id}/who-is-involved").json()
    assert team["leadCoordinator"]["mandate"]["powers"] == EVERY_POWER
    assert [event.by_agency_id for event in world.told(family, "mandate.granted")] == [anna.agency_id]


def test_who_declines_gives_a_reason(world: World) -> None:
    family = world.a_family()
    anna = world.an_involved_professional(family)
    path = f"/families/{family.id}/mandates/{world.a_proposal(family, anna).id}"
    declined = world.as_(world.actor(anna)).post(f"{path}/_decline", {"reason": "no_capacity"})
    assert (declined.json()["state"], declined.json()["declineReason"]) == ("declined", "no_capacity")
    assert [event.reason for event in world.told(family, "mandate.declined")] == ["no_capacity"]
    refused(world.as_(world.registrar).post(f"{path}/_withdraw"), 409, "proposal_not_open")


def test_a_withdrawn_proposal_cannot_be_accepted(world: World) -> None:
    family = world.a_family()
    anna = world.an_involved_professional(family)
    path = f"/families/{family.id}/mandates/{world.a_proposal(family, anna).id}"
    assert world.as_(world.registrar).post(f"{path}/_withdraw").json()["state"] == "withdrawn"
    assert len(world.told(family, "mandate.withdrawn")) == 1
    refused(world.as_(world.actor(anna)).post(f"{path}/_accept"), 403, "relation_lacking")
    assert proposed(world, family, json=terms(anna)).status_code == 201


@pytest.mark.parametrize(("who", "status", "code"), REFUSED)
def test_only_someone_of_an_openly_involved_agency_can_be_asked_to_lead(
    world: World, who: str, status: int, code: str
) -> None:
    family = world.a_family(at=ago(days=9))
    professional = someone(world, family, who)
    refused(proposed(world, family, json=terms(professional)), status, code)
    assert world.told(family, "mandate.proposed") == []


def test_a_mandate_has_an_end_that_is_still_to_come(world: World) -> None:
    team = world.a_team()
    other = world.a_family()
    anna = world.an_involved_professional(other)
    refused(proposed(world, other, json=terms(anna, endsOn=str(in_days(-1)))), 400, "invalid")
    answer = world.as_(world.registrar).change(team.mandate_path, {"endsOn": str(in_days(-1))})
    refused(answer, 400, "invalid")
    assert proposed(world, other, json=terms(anna, endsOn=str(today()))).status_code == 201


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_a_day_no_calendar_reaches_is_refused(world: World, day: str) -> None:
    family = world.a_family()
    anna = world.an_involved_professional(family)
    assert proposed(world, family, json=terms(anna, endsOn=day)).status_code == 400


def test_a_family_has_one_open_proposal(world: World) -> None:
    family = world.a_family()
    anna, bram = world.an_involved_professional(family), world.an_involved_professional(family)
    world.a_proposal(family, anna)
    refused(proposed(world, family, json=terms(bram)), 409, "proposal_open")


def test_a_family_that_has_a_lead_gets_another_by_transfer_only(world: World) -> None:
    team = world.a_team()
    bram = world.a_professional(team.agency)
    refused(proposed(world, team.family, json=terms(bram)), 409, "mandate_active")


def test_a_closed_family_gets_no_lead(world: World) -> None:
    family = world.a_family()
    anna = world.an_involved_professional(family)
    world.as_(world.registrar).post(f"/families/{family.id}/_close", {"closing": "completed"})
    refused(proposed(world, family, json=terms(anna)), 409, "family_closed")


@pytest.mark.parametrize("verb", ["_accept", "_decline"])
def test_only_who_is_asked_can_answer(world: World, verb: str) -> None:
    family = world.a_family()
    anna, bram = world.an_involved_professional(family), world.an_involved_professional(family)
    path = f"/families/{family.id}/mandates/{world.a_proposal(family, anna).id}/{verb}"
    body = {"reason": "no_capacity"} if verb == "_decline" else None
    for other in (world.registrar, world.actor(bram)):
        refused(world.as_(other).post(path, body), 403, "relation_lacking")
    refused(world.as_(world.system(world.an_agency())).post(path, body), 404, "family_not_found")


def test_who_is_asked_can_answer_nobody_elses_proposal(world: World) -> None:
    team = world.a_team()
    bram = world.a_professional(team.agency)
    transfer(world, team, bram)
    refused(world.as_(world.actor(bram)).post(f"{team.mandate_path}/_accept"), 404, "not_found")


def test_nobody_accepts_after_their_agency_has_left(world: World) -> None:
    family = world.a_family()
    agency = world.an_agency()
    anna = world.a_professional(agency)
    involvement = world.an_involvement(family, agency)
    path = f"/families/{family.id}/mandates/{world.a_proposal(family, anna).id}"
    world.as_(world.system(agency)).post(
        f"/families/{family.id}/involvements/{involvement.id}/_end", {"reason": "completed"}
    )
    refused(world.as_(world.actor(anna)).post(f"{path}/_accept"), 404, "family_not_found")
    refused(world.as_(world.actor(anna)).get(f"/families/{family.id}/mandates"), 404, "family_not_found")
    assert [one.reason for one in world.told(family, "mandate.withdrawn")] == ["involvement_ended"]
    assert proposed(world, family, json=terms(world.an_involved_professional(family))).status_code == 201


def test_nobody_accepts_who_no_longer_works(world: World) -> None:
    family = world.a_family()
    agency = world.an_agency()
    anna = world.a_professional(agency)
    world.an_involvement(family, agency)
    path = f"/families/{family.id}/mandates/{world.a_proposal(family, anna).id}"
    assert world.as_(world.system(agency)).change(f"/professionals/{anna.id}", {"active": False}).status_code == 200
    refused(world.as_(world.actor(anna)).post(f"{path}/_accept"), 404, "family_not_found")
    assert world.told(family, "mandate.granted") == []


def transfer(world: World, team: Team, to: Professional, by: Any = None, **other: Any) -> Any:
    caller = world.as_(by or world.actor(team.lead))
    return caller.post(f"{team.mandate_path}/_transfer", {"professionalId": str(to.id)} | other)


def test_a_transfer_leaves_no_gap_and_no_overlap(world: World) -> None:
    team = world.a_team()
    bram = world.an_involved_professional(team.family)
    answer = transfer(world, team, bram)
    assert answer.json()["state"] == "proposed"
    assert answer.json()["succeedsId"] == str(team.mandate.id)
    assert answer.json()["endsAt"] == world.as_(world.registrar).get(team.mandate_path).json()["endsAt"]
    lead = world.as_(world.actor(team.lead))
    assert lead.get(team.mandate_path).json()["state"] == "active"
    path = f"{team.path}/mandates/{answer.json()['id']}"
    began = world.as_(world.actor(bram)).post(f"{path}/_accept").json()
    before = world.as_(world.registrar).get(team.mandate_path).json()
    assert (before["state"], before["endReason"]) == ("ended", "transferred")
    assert began["startedAt"] == before["endsAt"]
    assert [(one.type, one.at) for one in world.told(team.family)[-2:]] == [
        ("mandate.ended", world.told(team.family)[-1].at),
        ("mandate.granted", world.told(team.family)[-1].at),
    ]
    assert world.told(team.family, "mandate.gap_opened") == []


def test_the_lead_stays_when_the_successor_declines(world: World) -> None:
    team = world.a_team()
    bram = world.a_professional(team.agency)
    path = f"{team.path}/mandates/{transfer(world, team, bram).json()['id']}"
    assert world.as_(world.actor(bram)).post(f"{path}/_decline", {"reason": "no_capacity"}).status_code == 200
    assert world.as_(world.registrar).get(team.mandate_path).json()["state"] == "active"


def test_a_successor_fills_the_gap_when_the_predecessor_left_meanwhile(world: World) -> None:
    team = world.a_team()
    bram = world.an_involved_professional(team.family)
    path = f"{team.path}/mandates/{transfer(world, team, bram).json()['id']}"
    ended = world.as_(world.registrar).post(f"{team.mandate_path}/_end", {"reason": "withdrawn"})
    assert ended.json()["endReason"] == "withdrawn"
    assert world.as_(world.actor(bram)).post(f"{path}/_accept").json()["state"] == "active"
    assert world.as_(world.registrar).get(team.mandate_path).json()["endReason"] == "withdrawn"


@pytest.mark.parametrize(
    "wider",
    [{"powers": EVERY_POWER}, {"legalBasis": "measure"}, {"endsOn": str(in_days(200))}],
    ids=["powers", "basis", "period"],
)
def test_a_lead_hands_over_no_more_than_they_have(world: World, wider: dict[str, Any]) -> None:
    team = world.a_team(powers=[Power.CONVENE], ends_on=in_days(60))
    bram = world.a_professional(team.agency)
    refused(transfer(world, team, bram, **wider), 403, "power_lacking")
    assert transfer(world, team, bram, by=world.registrar, **wider).status_code == 201


def test_a_lead_may_hand_over_less(world: World) -> None:
    team = world.a_team(powers=[Power.CONVENE, Power.ESCALATE])
    bram = world.a_professional(team.agency)
    answer = transfer(world, team, bram, powers=["escalate"], endsOn=str(in_days(3)))
    assert answer.json()["powers"] == ["escalate"]


def test_a_transfer_is_refused_to_oneself_twice_or_of_an_ended_mandate(world: World) -> None:
    team = world.a_team()
    bram = world.a_professional(team.agency)
    refused(transfer(world, team, team.lead), 400, "invalid")
    refused(transfer(world, team, world.a_professional(world.an_agency())), 409, "no_running_involvement")
    assert transfer(world, team, bram).status_code == 201
    refused(transfer(world, team, bram), 409, "proposal_open")
    world.as_(world.registrar).post(f"{team.mandate_path}/_end", {"reason": "completed"})
    refused(transfer(world, team, bram, by=world.registrar), 409, "mandate_not_active")


@pytest.mark.parametrize(
    ("by", "reason", "allowed"),
    [
        ("lead", "laid_down", True),
        ("lead", "completed", True),
        ("registrar", "withdrawn", True),
        ("registrar", "completed", True),
        ("lead", "withdrawn", False),
        ("registrar", "laid_down", False),
        ("registrar", "transferred", False),
        ("registrar", "expired", False),
        ("lead", "involvement_ended", False),
        ("lead", "family_closed", False),
    ],
)
def test_each_ends_a_mandate_in_their_own_way(world: World, by: str, reason: str, allowed: bool) -> None:
    team = world.a_team()
    caller = world.as_(world.actor(team.lead) if by == "lead" else world.registrar)
    answer = caller.post(f"{team.mandate_path}/_end", {"reason": reason})
    if not allowed:
        return refused(answer, 403, "reason_reserved")
    assert (answer.json()["state"], answer.json()["endReason"]) == ("ended", reason)
    assert [event.reason for event in world.told(team.family, "mandate.ended")] == [reason]
    assert len(world.told(team.family, "mandate.gap_opened")) == 1
    again = world.as_(world.registrar).post(f"{team.mandate_path}/_end", {"reason": "completed"})
    return refused(again, 409, "mandate_not_active")


def test_the_registrar_changes_an_active_mandate(world: World) -> None:
    team = world.a_team()
    registrar = world.as_(world.registrar)
    new = {"powers": ["escalate", "convene", "escalate"], "legalBasis": "measure", "endsOn": str(in_days(10))}
    changed = registrar.change(team.mandate_path, new).json()
    assert (changed["powers"], changed["legalBasis"]) == (["convene", "escalate"], "measure")
    assert len(world.told(team.family, "mandate.changed")) == 1
    refused(registrar.call("PATCH", team.mandate_path, json=new), 428, "precondition_required")
    stale = registrar.call("PATCH", team.mandate_path, json=new, headers={"If-Match": '"old"'})
    refused(stale, 412, "precondition_failed")
    refused(world.as_(world.actor(team.lead)).change(team.mandate_path, new), 403, "relation_lacking")
    registrar.post(f"{team.mandate_path}/_end", {"reason": "completed"})
    refused(registrar.change(team.mandate_path, new), 409, "mandate_not_active")


def test_another_familys_mandate_is_as_good_as_none(world: World) -> None:
    team, other = world.a_team(), world.a_team()
    registrar = world.as_(world.registrar)
    refused(registrar.get(f"{team.path}/mandates/{other.mandate.id}"), 404, "not_found")
    refused(registrar.get(f"{team.path}/mandates/{NOBODY}"), 404, "not_found")


def test_an_open_proposal_is_between_those_it_concerns(world: World) -> None:
    team = world.a_team()
    bram, dewi = world.an_involved_professional(team.family), world.an_involved_professional(team.family)
    proposal = transfer(world, team, bram).json()["id"]
    for reader, seen in ((dewi, False), (bram, True), (team.lead, True)):
        caller = world.as_(world.actor(reader))
        listed = [one["id"] for one in caller.get(f"{team.path}/mandates").json()["items"]]
        assert (proposal in listed) is seen
        assert caller.get(f"{team.path}/mandates/{proposal}").status_code == (200 if seen else 404)


def test_whoever_leads_by_another_way_is_not_pushed_aside(world: World) -> None:
    family = world.a_family()
    anna, bram = world.an_involved_professional(family), world.an_involved_professional(family)
    proposal = world.a_proposal(family, anna)

    def grant(work: Work, mine: Family) -> None:
        granted = Mandate(
            family_id=mine.id,
            professional_id=bram.id,
            powers=["convene"],
            legal_basis=MandateBasis.CONSENT,
            granted_by=mine.municipality_code,
            proposed_at=work.at,
            answer=Answer.ACCEPTED,
            started_at=work.at,
            ends_at=work.at + timedelta(days=1),
        )
        work.tell(EventType.MANDATE_GRANTED, work.add(granted))

    world.around(family, grant, at=ago(seconds=1))
    answer = world.as_(world.actor(anna)).post(f"/families/{family.id}/mandates/{proposal.id}/_accept")
    refused(answer, 409, "mandate_active")
