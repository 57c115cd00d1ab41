"""What ends by itself has ended whether or not anybody noticed; afterwards it is written down once, at its instant."""

import asyncio
from datetime import date, datetime, timedelta

import pytest

from api.db import Database, DatabaseRole
from api.domain import calendar, mandates
from api.domain.models import Family, Involvement, Mandate, Professional
from api.domain.work import Work
from api.worker import settle_some
from tests.world import Team, World, ago, in_days, refused

LAST_DAY = in_days(-3)
LAPSED_AT = calendar.end_of(LAST_DAY)
CONSENT = {"legal_basis": "consent", "legal_basis_ends_on": LAST_DAY}


def settle(world: World, workers: int = 1) -> None:
    """Let so many workers at once write down whatever has lapsed."""

    async def run() -> None:
        database = Database(world.app.state.settings.database_url, 2, DatabaseRole.WORKER)
        await asyncio.gather(*(all_of_it(database) for _ in range(workers)))
        await database.close()

    async def all_of_it(database: Database) -> None:
        while await settle_some(database, world.app.state.vault):
            pass

    asyncio.run(run())


def led_on_consent(world: World) -> tuple[Team, Professional]:
    """A family whose lead's agency had consent until three days ago; her colleague is contact point and deputy."""
    agency = world.an_agency()
    lead, colleague = world.a_professional(agency), world.a_professional(agency)
    family = world.a_family(at=ago(days=20))
    involvement = world.an_involvement(family, agency, ("parenting",), professional=lead, at=ago(days=19), **CONSENT)
    team = Team(family, agency, lead, involvement, world.a_mandate(family, lead, at=ago(days=18)))
    world.a_contact_point(family, colleague, at=ago(days=17))
    return team, colleague


def test_a_consent_that_has_run_out_has_ended_before_anybody_writes_it_down(world: World) -> None:
    team, _ = led_on_consent(world)
    shown = world.as_(world.registrar).get(f"{team.path}/who-is-involved").json()
    assert (shown["leadCoordinator"], shown["involvements"]) == (None, [])
    assert [(row["helpDomain"], row["gap"]) for row in shown["helpDomains"]] == [("parenting", True)]
    assert shown["helpDomains"][0]["call"]["capacity"] == "access_team"
    attention = attention_of(world, team.family)
    assert {"gap", "no_lead_coordinator"} <= attention
    for actor in (world.actor(team.lead), world.system(team.agency)):
        refused(world.as_(actor).get(team.path), 404, "family_not_found")
    assert world.told(team.family, "involvement.ended") == []
    then = world.as_(world.registrar).get(f"{team.path}/who-is-involved", params={"on": str(in_days(-5))}).json()
    assert then["leadCoordinator"]["professional"]["id"] == str(team.lead.id)


def attention_of(world: World, family: Family) -> set[str]:
    pages = world.caseload(world.registrar)
    [item] = [item for page in pages for item in page if item["family"]["id"] == str(family.id)]
    return {one["kind"] for one in item["attention"]}


@pytest.mark.parametrize("by", ["change", "worker"])
def test_what_has_lapsed_is_written_down_with_the_instant_at_which_it_did(world: World, by: str) -> None:
    team, _ = led_on_consent(world)
    if by == "worker":
        settle(world)
    else:
        assert world.as_(world.registrar).change(team.path, {"framework": "pressure"}).is_success
    lapse = [event for event in world.told(team.family) if event.at == LAPSED_AT]
    assert [event.type for event in lapse] == [
        "involvement.ended",
        "mandate.ended",
        "mandate.gap_opened",
        "contact_point.ended",
        "contact_point.gap_opened",
    ]
    assert {event.by_role for event in lapse} == {"clock"}
    assert [event.reason for event in lapse if event.reason] == [
        "legal_basis_ended",
        "involvement_ended",
        "involvement_ended",
    ]
    with world.session() as session:
        assert session.get_one(Involvement, team.involvement.id).ends_at == LAPSED_AT
        assert session.get_one(Mandate, team.mandate.id).ends_at == LAPSED_AT
    event_ids = {event.id for event in lapse}
    records = [record for record in world.records(team.family) if record.event_id in event_ids]
    assert [(record.role, record.decision) for record in records] == [("clock", "changed")] * 5


def test_workers_that_settle_at_once_tell_it_once(world: World) -> None:
    teams = [led_on_consent(world)[0] for _ in range(4)]
    settle(world, workers=4)
    settle(world)
    for team in teams:
        assert len(world.told(team.family, "involvement.ended")) == 1
        assert len(world.told(team.family, "mandate.gap_opened")) == 1
        assert len(world.told(team.family, "contact_point.gap_opened")) == 1


def test_settling_when_there_is_nothing_to_settle_tells_nothing(world: World) -> None:
    team = world.a_team()
    before = len(world.told(team.family))
    settle(world)
    assert len(world.told(team.family)) == before


def in_the_past(world: World, ends_on: date) -> tuple[Team, datetime]:
    """A family whose mandate lasted until a day in the past."""
    return world.a_team(at=ago(days=20), ends_on=ends_on), calendar.end_of(ends_on)


@pytest.mark.parametrize("by", ["change", "worker"])
def test_a_mandate_that_has_expired_is_over(world: World, by: str) -> None:
    team, expired_at = in_the_past(world, LAST_DAY)
    mandate = world.as_(world.registrar).get(team.mandate_path).json()
    assert (mandate["state"], mandate["endReason"]) == ("ended", None)
    answer = world.as_(world.actor(team.lead)).put(
        f"{team.path}/contact-points/parenting", {"professionalId": str(team.lead.id)}
    )
    refused(answer, 403, "relation_lacking")
    assert "no_lead_coordinator" in attention_of(world, team.family)
    if by == "worker":
        settle(world)
    else:
        assert world.as_(world.registrar).change(team.path, {"framework": "pressure"}).is_success
    ended, gap = world.told(team.family, "mandate.ended", "mandate.gap_opened")
    assert (ended.at, ended.reason, gap.at, gap.by_role) == (expired_at, "expired", expired_at, "clock")
    assert world.as_(world.registrar).get(team.mandate_path).json()["endReason"] == "expired"


def test_an_expired_mandate_makes_room_for_another(world: World) -> None:
    team, expired_at = in_the_past(world, LAST_DAY)
    again = world.a_mandate(team.family, team.lead, at=ago(seconds=1))
    assert again.started_at
    assert again.started_at > expired_at
    assert [event.at for event in world.told(team.family, "mandate.ended")] == [expired_at]


def test_a_proposal_that_nobody_answered_expires(world: World) -> None:
    family = world.a_family(at=ago(days=20))
    anna = world.an_involved_professional(family, at=ago(days=19))
    proposal = world.a_proposal(family, anna, ends_on=LAST_DAY, at=ago(days=18))
    path = f"/families/{family.id}/mandates/{proposal.id}"
    assert world.as_(world.registrar).get(path).json()["state"] == "withdrawn"
    refused(world.as_(world.actor(anna)).post(f"{path}/_accept"), 403, "relation_lacking")
    settle(world)
    [event] = world.told(family, "mandate.withdrawn")
    assert (event.at, event.reason, event.by_role) == (LAPSED_AT, "expired", "clock")
    assert world.told(family, "mandate.gap_opened") == []
    world.a_proposal(family, anna, at=ago(seconds=1))


@pytest.mark.parametrize("ends_on", [LAST_DAY, in_days(-1), in_days(9)])
def test_a_proposal_goes_with_the_ground_of_who_is_asked(world: World, ends_on: date) -> None:
    family = world.a_family(at=ago(days=20))
    anna = world.an_involved_professional(family, at=ago(days=19), **CONSENT)
    world.a_proposal(family, anna, ends_on=ends_on, at=ago(days=18))
    refused(world.as_(world.actor(anna)).get(f"/families/{family.id}/mandates"), 404, "family_not_found")
    settle(world)
    [event] = world.told(family, "mandate.withdrawn")
    assert (event.at, event.reason) == (LAPSED_AT, "expired" if ends_on == LAST_DAY else "involvement_ended")
    assert world.told(family, "mandate.ended") == []


def test_lapses_are_told_in_the_order_in_which_they_came(world: World) -> None:
    team, _ = led_on_consent(world)
    finances = {"legal_basis": "measure", "legal_basis_ends_on": in_days(-6)}
    dewi = world.an_involved_professional(team.family, at=ago(days=16), **finances)
    world.a_contact_point(team.family, dewi, "finances", at=ago(days=15))
    settle(world)
    ends = world.told(team.family, "involvement.ended")
    assert [event.at for event in ends] == [calendar.end_of(in_days(-6)), LAPSED_AT]
    [finances_gap, _] = world.told(team.family, "contact_point.gap_opened")
    assert finances_gap.at == calendar.end_of(in_days(-6))
    timeline = world.as_(world.registrar).get(f"{team.path}/timeline", params={"limit": 200}).json()["items"]
    assert [one["at"] for one in timeline] == sorted((one["at"] for one in timeline), reverse=True)


def test_a_deputy_of_a_lead_whose_consent_ran_out_can_do_nothing(world: World) -> None:
    team, deputy = deputised(world)
    answer = world.as_(world.actor(deputy)).put(
        f"{team.path}/contact-points/housing", {"professionalId": str(deputy.id)}
    )
    refused(answer, 403, "relation_lacking")
    shown = world.as_(world.actor(deputy)).get(f"{team.path}/who-is-involved").json()
    assert shown["leadCoordinator"] is None


def deputised(world: World) -> tuple[Team, Professional]:
    """The lead's consent ran out three days ago; the deputy, of another agency, had been named until next week."""
    team, _ = led_on_consent(world)
    deputy = world.an_involved_professional(team.family, ("housing",), at=ago(days=16))

    def name(work: Work, mine: Family) -> object:
        mandate = mandates.get(work, mine, team.mandate.id)
        return mandates.name_deputy(work, mine, mandate, deputy.id, in_days(-10), in_days(7))

    world.around(team.family, name, at=ago(days=15))
    return team, deputy


def test_a_contact_point_whose_domain_lapsed_is_no_longer_related_by_it(world: World) -> None:
    team = world.a_team(at=ago(days=20))
    agency = world.an_agency()
    dewi = world.a_professional(agency)
    world.an_involvement(team.family, agency, ("finances",), at=ago(days=19), **CONSENT)
    world.an_involvement(team.family, agency, ("housing",), professional=world.a_professional(agency), at=ago(days=19))
    world.a_contact_point(team.family, dewi, "finances", at=ago(days=18))
    refused(world.as_(world.actor(dewi)).get(team.path), 404, "family_not_found")
    settle(world)
    assert [event.at for event in world.told(team.family, "contact_point.gap_opened")] == [LAPSED_AT]


def test_a_role_that_began_after_the_lapse_of_another_stays(world: World) -> None:
    team, _ = led_on_consent(world)
    world.an_involvement(team.family, team.agency, ("parenting",), at=LAPSED_AT + timedelta(hours=1))
    again = world.a_mandate(team.family, team.lead, at=LAPSED_AT + timedelta(hours=2))
    settle(world)
    assert world.as_(world.registrar).get(f"{team.path}/mandates/{again.id}").json()["state"] == "active"
    assert len(world.told(team.family, "mandate.ended")) == 1
