"""The timeline: what changed around a family, when and by whom; the latest first, and only what one may know."""

from typing import Any

import pytest

from api.domain.actor import Actor
from api.domain.codes import AgencyKind
from tests.world import Team, World, ago, in_days, refused


def timeline(world: World, actor: Actor, path: str, limit: int = 200) -> list[Any]:
    """All of it, page by page."""
    items, cursor = [], ""
    while cursor is not None:
        answer = world.as_(actor).get(f"{path}/timeline", params={"limit": limit, "cursor": cursor})
        assert answer.status_code == 200, answer.text
        items += answer.json()["items"]
        cursor = answer.json()["nextCursor"]
    return items


def kinds(items: list[Any]) -> list[str]:
    return [item["type"] for item in items]


def test_the_latest_comes_first_and_says_by_whom(world: World) -> None:
    team = world.a_team()
    world.a_contact_point(team.family, team.lead)
    items = timeline(world, world.registrar, team.path)
    assert kinds(items) == [
        "contact_point.assigned",
        "mandate.granted",
        "mandate.proposed",
        "involvement.started",
        "family.opened",
    ]
    assigned, granted, _, started, opened = items
    assert (assigned["helpDomain"], assigned["professional"]["id"]) == ("parenting", str(team.lead.id))
    assert assigned["by"] == {"role": "registrar", "agencyId": None, "name": world.municipality.name}
    assert granted["by"] == {"role": "professional", "agencyId": str(team.agency.id), "name": team.agency.name}
    assert (started["agency"]["name"], started["about"]) == (team.agency.name, str(team.involvement.id))
    assert opened["about"] == str(team.family.id)


@pytest.mark.parametrize("limit", [1, 2, 3, 5])
def test_pages_neither_skip_nor_repeat(world: World, limit: int) -> None:
    team = world.a_team()
    world.a_contact_point(team.family, team.lead)
    world.as_(world.system(team.agency)).post(
        f"{team.path}/involvements/{team.involvement.id}/_end", {"reason": "completed"}
    )
    whole = timeline(world, world.registrar, team.path)
    assert len(whole) == 10
    assert timeline(world, world.registrar, team.path, limit) == whole


def test_what_happened_at_one_instant_stays_in_order_over_pages(world: World) -> None:
    team = world.a_team()
    world.as_(world.registrar).post(f"{team.path}/_close", {"closing": "completed"})
    ends = kinds(timeline(world, world.registrar, team.path, 1))[:3]
    assert ends == ["involvement.ended", "mandate.ended", "family.closed"]


def test_an_open_or_failed_invitation_is_between_those_it_concerns(world: World) -> None:
    team = world.a_team()
    asked, declined = world.an_agency(), world.an_agency()
    world.an_invitation(team.family, asked)
    path = f"{team.path}/involvements/{world.an_invitation(team.family, declined).id}"
    assert world.as_(world.system(declined)).post(f"{path}/_decline", {"reason": "not_our_task"}).is_success
    other = world.an_involved_professional(team.family, at=ago(seconds=1))
    for agency in (asked, declined):
        assert str(agency.id) not in str(timeline(world, world.actor(other), team.path))
        for insider in (world.registrar, world.actor(team.lead)):
            assert str(agency.id) in str(timeline(world, insider, team.path))
    assert "not_our_task" not in str(timeline(world, world.system(team.agency), team.path))
    world.as_(world.system(asked)).post(
        f"{team.path}/involvements/{the_invitation(world, team, asked.id)}/_accept",
        {"legalBasis": "statutory_task", "legalGround": "debt_help"},
    )
    seen = [item for item in timeline(world, world.actor(other), team.path) if item["agency"]]
    assert {"involvement.invited", "involvement.started"} <= {
        item["type"] for item in seen if item["agency"]["id"] == str(asked.id)
    }


def the_invitation(world: World, team: Team, agency_id: Any) -> str:
    listed = world.as_(world.registrar).get(f"{team.path}/involvements", params={"state": "invited"}).json()["items"]
    [invitation] = [str(one["id"]) for one in listed if one["agencyId"] == str(agency_id)]
    return invitation


def test_an_open_or_failed_proposal_is_between_those_it_concerns(world: World) -> None:
    team = world.a_team()
    bram, other = world.an_involved_professional(team.family), world.an_involved_professional(team.family)
    body = {"professionalId": str(bram.id)}
    proposal = world.as_(world.actor(team.lead)).post(f"{team.mandate_path}/_transfer", body).json()["id"]
    readers = {"lead": team.lead, "bram": bram, "other": other}

    def seen() -> dict[str, int]:
        return {
            name: sum(item["about"] == proposal for item in timeline(world, world.actor(reader), team.path))
            for name, reader in readers.items()
        }

    assert seen() == {"lead": 1, "bram": 1, "other": 0}
    answer = world.as_(world.actor(bram)).post(
        f"{team.path}/mandates/{proposal}/_decline", {"reason": "conflict_of_interest"}
    )
    assert answer.is_success
    assert seen() == {"lead": 2, "bram": 2, "other": 0}
    assert "conflict_of_interest" not in str(timeline(world, world.system(team.agency), team.path))


def test_a_shielded_involvement_leaves_no_trace_for_others(world: World) -> None:
    team = world.a_team()
    shelter = world.an_agency(AgencyKind.WOMENS_SHELTER)
    worker = world.a_professional(shelter)
    involvement = world.an_involvement(team.family, shelter, ("child_safety",), professional=worker, shielded=True)
    own = world.as_(world.system(shelter))
    assert own.post(f"{team.path}/involvements/{involvement.id}/_confirm").is_success
    other = world.an_involved_professional(team.family, at=ago(seconds=1))
    _, parent = world.a_member(team.family, at=ago(seconds=1))
    for outsider in (world.actor(other), world.system(team.agency), world.relative(parent)):
        assert str(shelter.id) not in str(timeline(world, outsider, team.path))
        assert str(worker.id) not in str(timeline(world, outsider, team.path))
    for insider in (world.registrar, world.actor(team.lead), world.system(shelter)):
        assert "involvement.confirmed" in kinds(timeline(world, insider, team.path))


def test_an_agency_that_shields_itself_disappears_from_the_timeline(world: World) -> None:
    team = world.a_team()
    dewi = world.an_involved_professional(team.family)
    world.a_contact_point(team.family, dewi, "finances")
    other = world.an_involved_professional(team.family, at=ago(seconds=30))
    assert str(dewi.agency_id) in str(timeline(world, world.actor(other), team.path))
    own = world.as_(world.actor(dewi))
    [mine] = [
        one["id"]
        for one in own.get(f"{team.path}/involvements").json()["items"]
        if one["professionalId"] == str(dewi.id)
    ]
    assert own.change(f"{team.path}/involvements/{mine}", {"shielded": True}).is_success
    seen = str(timeline(world, world.actor(other), team.path))
    assert str(dewi.agency_id) not in seen
    assert str(dewi.id) not in seen
    assert "contact_point.gap_opened" not in seen
    assert "contact_point.gap_opened" in str(timeline(world, world.registrar, team.path))


def test_an_agency_known_openly_hides_only_what_it_shields(world: World) -> None:
    team = world.a_team()
    agency = world.an_agency()
    openly = world.an_involvement(team.family, agency, ("finances",))
    hidden = world.an_involvement(
        team.family, agency, ("child_safety",), professional=world.a_professional(agency), shielded=True
    )
    other = world.actor(world.an_involved_professional(team.family, at=ago(seconds=1)))
    caller = world.as_(other)
    texts = [caller.get(f"{team.path}/{part}").text for part in ("who-is-involved", "involvements", "timeline")]
    assert [str(openly.id) in text for text in texts] == [True, True, True]
    assert [str(hidden.id) in text for text in texts] == [False, False, False]


def test_the_timeline_holds_codes_and_names_but_no_birth_date_or_number(world: World) -> None:
    team = world.a_team()
    _, person = world.a_member(team.family, at=ago(seconds=1))
    text = str(timeline(world, world.registrar, team.path))
    assert person.surname not in text
    assert str(person.birth_date) not in text


def test_reading_the_timeline_is_recorded(world: World) -> None:
    team = world.a_team()
    timeline(world, world.system(team.agency), team.path)
    record = world.records(team.family)[-1]
    assert (record.action, record.decision, record.relation) == ("timeline:read", "shown", "involved_agency")
    refused(world.as_(world.system(world.an_agency())).get(f"{team.path}/timeline"), 404, "family_not_found")
    assert world.records(team.family)[-1].decision == "refused"


@pytest.mark.parametrize("cursor", ["x", "bnVsbA", "WyJ4IiwxXQ", "WyIyMDI2LTAxLTAxIiwieCJd"])
def test_a_cursor_of_ones_own_making_is_refused(world: World, cursor: str) -> None:
    team = world.a_team()
    answer = world.as_(world.registrar).get(f"{team.path}/timeline", params={"cursor": cursor})
    refused(answer, 400, "invalid_cursor")


def test_what_happened_long_ago_keeps_its_place(world: World) -> None:
    team = world.a_team(at=ago(days=400), ends_on=in_days(-10))
    world.a_mandate(team.family, team.lead, at=ago(seconds=1))
    items = timeline(world, world.registrar, team.path)
    assert kinds(items)[:4] == ["mandate.granted", "mandate.proposed", "mandate.gap_opened", "mandate.ended"]
    assert [item["at"] for item in items] == sorted((item["at"] for item in items), reverse=True)
