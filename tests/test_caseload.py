"""The caseload: every family one is related to, once, with what needs one's attention."""

from typing import Any

import pytest

from api.domain.actor import Actor
from api.domain.codes import AgencyKind
from tests.world import World, ago, in_days, refused


def attention(world: World, actor: Actor, family_id: Any) -> dict[str, Any]:
    """What needs this reader's attention about a family, by kind (and help domain)."""
    items = [item for page in world.caseload(actor) for item in page if item["family"]["id"] == str(family_id)]
    assert len(items) == 1
    return {one["helpDomain"] or one["kind"]: one for one in items[0]["attention"]}


def test_gaps_and_a_missing_lead_are_for_who_must_fill_them(world: World) -> None:
    team = world.a_team(["parenting", "housing"])
    world.a_contact_point(team.family, team.lead, "housing")
    deputy = world.a_professional(team.agency)
    world.a_deputy(team, deputy)
    for actor in (world.registrar, world.actor(team.lead), world.actor(deputy)):
        needed = attention(world, actor, team.family.id)
        assert set(needed) == {"parenting"}
        assert needed["parenting"]["kind"] == "gap"
    assert attention(world, world.system(team.agency), team.family.id) == {}
    world.as_(world.registrar).post(f"{team.mandate_path}/_end", {"reason": "withdrawn"})
    assert set(attention(world, world.registrar, team.family.id)) == {"parenting", "no_lead_coordinator"}


def test_a_gap_left_behind_needs_attention_until_it_is_closed(world: World) -> None:
    team = world.a_team()
    world.a_contact_point(team.family, team.lead)
    dewi = world.an_involved_professional(team.family)
    world.a_contact_point(team.family, dewi, "finances", at=ago(seconds=1))
    own = world.as_(world.actor(dewi))
    [mine] = [
        one for one in own.get(f"{team.path}/involvements").json()["items"] if one["professionalId"] == str(dewi.id)
    ]
    assert own.post(f"{team.path}/involvements/{mine['id']}/_end", {"reason": "completed"}).is_success
    assert set(attention(world, world.actor(team.lead), team.family.id)) == {"finances"}
    assert world.as_(world.actor(team.lead)).delete(f"{team.path}/contact-points/finances").is_success
    assert attention(world, world.actor(team.lead), team.family.id) == {}


@pytest.mark.parametrize(("days", "expiring"), [(29, True), (31, False)])
def test_a_mandate_that_ends_within_a_month_needs_attention(world: World, days: int, expiring: bool) -> None:
    team = world.a_team(ends_on=in_days(days))
    needed = attention(world, world.actor(team.lead), team.family.id)
    assert ("mandate_expiring" in needed) is expiring
    if expiring:
        assert needed["mandate_expiring"]["dueOn"] == str(in_days(days))
        assert needed["mandate_expiring"]["about"] == str(team.mandate.id)


def test_a_proposal_needs_the_attention_of_who_is_asked_and_of_the_registrar(world: World) -> None:
    family = world.a_family()
    anna = world.an_involved_professional(family)
    other = world.an_involved_professional(family)
    proposal = world.a_proposal(family, anna, at=ago(seconds=5))
    for actor in (world.registrar, world.actor(anna)):
        assert attention(world, actor, family.id)["mandate_proposed"]["about"] == str(proposal.id)
    assert attention(world, world.actor(other), family.id) == {}


def test_an_invitation_needs_the_attention_of_the_agency_that_is_asked(world: World) -> None:
    family = world.a_family()
    agency = world.an_agency()
    invitation = world.an_invitation(family, agency)
    needed = attention(world, world.system(agency), family.id)
    assert needed["invitation_open"]["about"] == str(invitation.id)
    assert world.caseload(world.actor(world.a_professional(agency))) == [[]]
    assert "invitation_open" not in attention(world, world.registrar, family.id)


@pytest.mark.parametrize(("days", "due"), [(175, True), (160, False)])
def test_an_involvement_is_confirmed_every_half_year(world: World, days: int, due: bool) -> None:
    agency = world.an_agency()
    professional = world.a_professional(agency)
    family = world.a_family(at=ago(days=days))
    involvement = world.an_involvement(family, agency, professional=professional, at=ago(days=days))
    for actor in (world.system(agency), world.actor(professional)):
        assert ("confirmation_due" in attention(world, actor, family.id)) is due
    path = f"/families/{family.id}/involvements/{involvement.id}/_confirm"
    assert world.as_(world.actor(professional)).post(path).is_success
    assert "confirmation_due" not in attention(world, world.system(agency), family.id)


def test_what_is_shielded_or_only_signals_makes_no_gap(world: World) -> None:
    family = world.a_family()
    for how in ({"signal_only": True}, {}):
        agency = world.an_agency(AgencyKind.POLICE, **how)
        world.an_involvement(family, agency, ("justice",), shielded=not how)
    assert set(attention(world, world.registrar, family.id)) == {"no_lead_coordinator"}


def test_a_closed_family_needs_no_attention_and_leaves_the_caseload_of_who_was_involved(world: World) -> None:
    team = world.a_team()
    world.as_(world.registrar).post(f"{team.path}/_close", {"closing": "completed"})
    assert attention(world, world.registrar, team.family.id) == {}
    for actor in (world.system(team.agency), world.actor(team.lead)):
        assert world.caseload(actor) == [[]]


def test_a_relative_finds_their_own_families_and_nothing_to_do(world: World) -> None:
    team, other = world.a_team(), world.a_family()
    _, parent = world.a_member(team.family, at=ago(seconds=5))
    world.as_(world.registrar).post(f"/families/{other.id}/members", {"personId": str(parent.id), "role": "parent"})
    [items] = world.caseload(world.relative(parent))
    assert {item["family"]["id"] for item in items} == {str(team.family.id), str(other.id)}
    assert [(item["relations"], item["attention"]) for item in items] == [(["member"], [])] * 2


@pytest.mark.parametrize("reader", ["agency", "registrar", "professional"])
@pytest.mark.parametrize("limit", [1, 2, 3, 4, 7])
def test_each_family_comes_once_however_the_pages_fall(world: World, reader: str, limit: int) -> None:
    actor, families = busy(world, reader)
    pages = world.caseload(actor, limit)
    assert all(len(page) == limit for page in pages[:-1])
    found = [item["family"]["id"] for page in pages for item in page]
    assert found == sorted(str(family) for family in families)


BUSY: dict[str, tuple[Actor, set[Any]]] = {}


def busy(world: World, reader: str) -> tuple[Actor, set[Any]]:
    """Somebody with seven families and several relations to each. Made once: the reads change nothing."""
    if reader not in BUSY:
        municipality = world.a_municipality()
        registrar = world.a_registrar(municipality)
        agency = world.an_agency()
        lead = world.a_professional(agency)
        families = [world.a_family(municipality) for _ in range(7)]
        for place, family in enumerate(families):
            if place % 3 == 0:
                world.an_invitation(family, agency, ("housing",))
            world.an_involvement(family, agency, professional=lead, at=ago(seconds=100))
            if place % 2:
                world.a_mandate(family, lead, at=ago(seconds=90))
                world.a_contact_point(family, lead)
            else:
                world.a_proposal(family, lead, at=ago(seconds=90))
        actor = {"agency": world.system(agency), "registrar": registrar, "professional": world.actor(lead)}[reader]
        BUSY[reader] = actor, {family.id for family in families}
    return BUSY[reader]


def test_every_relation_is_named_on_every_page(world: World) -> None:
    actor, _ = busy(world, "professional")
    relations = [item["relations"] for page in world.caseload(actor, 2) for item in page]
    assert sum("lead_coordinator" in names and "contact_point" in names for names in relations) == 3
    assert sum("proposed_lead" in names for names in relations) == 4
    assert all("involved_agency" in names for names in relations)


def test_every_family_shown_is_recorded(world: World) -> None:
    actor, families = busy(world, "agency")
    world.caseload(actor, 7)
    for family_id in families:
        records = world.records_of(family_id)
        assert (records[-1].action, records[-1].decision) == ("caseload:read", "shown")
        assert records[-1].agency_id == actor.agency_id


def test_a_cursor_of_ones_own_making_is_refused(world: World) -> None:
    for cursor in ("x", "bnVsbA", "WyJ4Il0"):
        refused(world.as_(world.registrar).get("/caseload", params={"cursor": cursor}), 400, "invalid_cursor")


def test_an_analyst_and_an_officer_have_no_caseload(world: World) -> None:
    refused(world.as_(world.officer()).get("/caseload"), 403, "role_lacking")
