"""Who has no running relation to a family can't tell it from one that doesn't exist, whatever they send."""

from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from httpx import Response

from api.domain import involvements, professionals
from api.domain.codes import MemberRole
from api.domain.models import Absence, Family, Professional
from tests.access.endings import ENDINGS, move_away
from tests.access.scene import Scene
from tests.access.sweep import as_answered, routes_under_a_family, sent
from tests.world import Caller, World, in_days, today

OUTSIDERS = (
    "uninvolved agency's system",
    "professional of an uninvolved agency",
    "colleague who isn't named",
    "lead's colleague without a role",
    "professional of the invited agency who isn't asked",
    "registrar elsewhere",
    "analyst",
    "platform administrator",
    "privacy officer elsewhere",
    "member of another family",
    "small child",
    "someone who borrows a professional's id",
)


def send(scene: Scene, caller: Caller, route: APIRoute, family_id: Any, how: str) -> Response:
    headers = {} if how == "plain" else {"If-Match": "*", "Idempotency-Key": uuid4().hex}
    return sent(scene, caller, route, scene.inside(family_id), headers, how)


def test_the_sweep_walks_every_operation_that_the_api_describes(app: FastAPI) -> None:
    """Counted a second way: FastAPI keeps its routes in a tree, and a flat walk would find none."""
    described = {
        (method.upper(), f"/v1{path}")
        for path, operations in app.openapi()["paths"].items()
        for method in operations
        if "{familyId}" in path and method in {"get", "post", "put", "patch", "delete"}
    }
    walked = {(method, route.path) for route in routes_under_a_family(app) for method in route.methods}
    assert walked == described
    assert all(len(route.methods) == 1 for route in routes_under_a_family(app))


def test_the_outsiders_of_the_sweep_are_all_of_the_scene(scene: Scene) -> None:
    assert set(OUTSIDERS) == set(scene.outsiders)


@pytest.mark.parametrize(
    ("outsider", "how"),
    [*((one, how) for one in OUTSIDERS for how in ("plain", "with preconditions")), (OUTSIDERS[0], "empty")],
)
def test_an_outsider_cant_tell_a_hidden_family_from_none(app: FastAPI, scene: Scene, outsider: str, how: str) -> None:
    caller = scene.world.as_(scene.outsiders[outsider])
    for route in routes_under_a_family(app):
        hidden = as_answered(send(scene, caller, route, scene.family.id, how))
        missing = as_answered(send(scene, caller, route, uuid4(), how))
        assert hidden == missing, route.path
        if how != "empty":
            assert (hidden[0], hidden[2]["code"]) == (404, "family_not_found"), route.path


@pytest.mark.parametrize("outsider", OUTSIDERS)
def test_neither_by_how_it_is_asked(scene: Scene, outsider: str) -> None:
    caller = scene.world.as_(scene.outsiders[outsider])
    for method, rest, more in (
        ("HEAD", "/who-is-involved", {}),
        ("GET", "/who-is-involved", {"params": {"on": str(today())}}),
        ("GET", "/who-is-involved", {"params": {"on": "1999-01-01"}}),
        ("GET", "/who-is-involved", {"headers": {"Accept": "text/html"}}),
        ("GET", "/timeline", {"params": {"cursor": "WyJhIl0"}}),
        ("GET", "/timeline", {"params": {"limit": 0}}),
        ("GET", "/contact-points/nothing_here", {}),
        ("GET", "/nothing-here", {}),
        ("GET", "/", {}),
        ("PATCH", "/members", {"json": {}}),
        ("OPTIONS", "", {}),
        ("POST", "/_close", {"json": {"closing": "bored"}}),
        ("POST", "/_close", {"content": b"{", "headers": {"Content-Type": "application/json"}}),
        ("POST", "/involvements", {"json": {"helpDomains": ["finances"]}, "headers": {"Idempotency-Key": ""}}),
    ):
        answers = [
            as_answered(caller.call(method, f"/families/{family_id}{rest}", **more))
            for family_id in (scene.family.id, uuid4())
        ]
        assert answers[0] == answers[1], (method, rest, more)


def test_an_outsiders_lists_dont_show_it(scene: Scene) -> None:
    for actor in scene.outsiders.values():
        answer = scene.world.as_(actor).get("/caseload", params={"limit": 200})
        assert str(scene.family.id) not in answer.text
        assert answer.status_code in {200, 403}


def test_a_family_named_in_a_body_is_as_hidden_as_one_in_a_path(world: World) -> None:
    """A registrar moves a member to a family of another municipality."""
    mine, hidden = world.a_family(), world.a_family(world.a_municipality())
    member, _ = world.a_member(mine)
    registrar = world.as_(world.registrar)
    path = f"/families/{mine.id}/members/{member.id}/_move"
    answers = [as_answered(registrar.post(path, {"familyId": str(one)})) for one in (hidden.id, uuid4())]
    assert answers[0] == answers[1]
    assert answers[0][0] == 404


def test_a_person_of_another_municipality_is_as_hidden(world: World) -> None:
    _, person = world.a_member(world.a_family(world.a_municipality()))
    registrar, mine = world.as_(world.registrar), world.a_family()
    for ids in ((person.id, uuid4()),):
        joined = [registrar.post(f"/families/{mine.id}/members", {"personId": str(i), "role": "child"}) for i in ids]
        assert as_answered(joined[0]) == as_answered(joined[1])
        read = [registrar.get(f"/persons/{i}") for i in ids]
        assert as_answered(read[0]) == as_answered(read[1])
        assert read[0].status_code == 404


def test_a_part_of_another_family_is_not_reached_through_ones_own(scene: Scene, world: World) -> None:
    """The ids of a family's parts open nothing below a family one is related to."""
    own = world.a_team()
    caller = world.as_(world.actor(own.lead))
    hidden, missing = scene.inside(own.family.id), scene.inside(own.family.id)
    missing |= {name: str(uuid4()) for name in ("memberId", "involvementId", "mandateId", "deputyId")}
    for path in ("members/{memberId}", "involvements/{involvementId}", "mandates/{mandateId}"):
        answers = [
            as_answered(caller.get(f"/families/{own.family.id}/" + path.format(**names))) for names in (hidden, missing)
        ]
        assert answers[0] == answers[1]
        assert answers[0][0] == 404


# A relation that ends, ends at once


@pytest.mark.parametrize("ending", ENDINGS)
def test_when_a_relation_ends_the_next_request_finds_nothing(world: World, ending: str) -> None:
    who, end = ENDINGS[ending]
    scene = Scene(world, shield=False)
    caller = world.as_(scene.related[who])
    path = {"candidate": "/mandates", "invited_system": "/involvements"}.get(who, "/who-is-involved")
    before = caller.get(scene.path + path)
    assert before.status_code == (403 if who == "officer" else 200), before.text
    end(scene)
    after, missing = caller.get(scene.path + path), caller.get(f"/families/{uuid4()}{path}")
    assert as_answered(after) == as_answered(missing)
    assert after.status_code == 404
    assert str(scene.family.id) not in caller.get("/caseload").text


def test_the_municipality_that_took_over_sees_it_at_once(world: World) -> None:
    scene = Scene(world, shield=False)
    there = world.as_(world.a_registrar(scene.elsewhere))
    assert there.get(scene.path).status_code == 404
    move_away(scene)
    assert there.get(scene.path).status_code == 200


def test_an_involvement_whose_consent_ran_out_is_no_relation(world: World) -> None:
    """Nobody wrote the end down: it is past, and that is enough."""
    agency, family = world.an_agency(), world.a_family()
    world.an_involvement(family, agency)
    caller = world.as_(world.system(agency))
    assert caller.get(f"/families/{family.id}").status_code == 200
    world.around(family, lambda work, mine: _let_lapse(work, mine), world.system(agency))
    assert caller.get(f"/families/{family.id}").status_code == 404


def _let_lapse(work: Any, family: Family) -> None:
    [involvement] = involvements.of_family(work, family)
    involvements.change(work, family, involvement)
    involvement.ends_at = work.at


# Children, cover, and who was only asked


@pytest.mark.parametrize(
    ("years", "days", "sees"), [(11, 0, False), (12, 2, False), (12, -2, True), (17, 0, True), (30, 0, True)]
)
def test_a_child_may_look_from_twelve(world: World, years: int, days: int, sees: bool) -> None:
    family = world.a_family()
    birthday = in_days(days).replace(year=in_days(days).year - years)
    _, child = world.a_member(family, MemberRole.CHILD, birthday)
    answer = world.as_(world.relative(child)).get(f"/families/{family.id}/who-is-involved")
    assert answer.status_code == (200 if sees else 404)


def test_a_child_without_a_known_birth_date_does_not_look(world: World) -> None:
    family = world.a_family()
    _, child = world.a_member(family, MemberRole.CHILD, None)
    assert world.as_(world.relative(child)).get(f"/families/{family.id}").status_code == 404


def test_who_covers_for_a_colleague_sees_their_families_and_nobody_elses(world: World) -> None:
    agency, family, other = world.an_agency(), world.a_family(), world.a_family()
    absent, cover, third = (world.a_professional(agency) for _ in range(3))
    world.an_involvement(family, agency, professional=absent)
    world.an_involvement(other, agency, professional=third)
    caller = world.as_(world.actor(cover))
    assert caller.get(f"/families/{family.id}").status_code == 404
    _absence(world, absent, cover, in_days(1), in_days(3))
    assert caller.get(f"/families/{family.id}").status_code == 404, "The absence is still to come."
    _absence(world, absent, cover, today(), today())
    assert caller.get(f"/families/{family.id}").status_code == 200
    assert caller.get(f"/families/{other.id}").status_code == 404
    assert [item["family"]["id"] for item in caller.get("/caseload").json()["items"]] == [str(family.id)]


def _absence(world: World, absent: Professional, cover: Professional, first: Any, last: Any) -> Absence:
    return world.do(lambda work: professionals.report_absence(work, absent, first, last, cover.id))


def test_who_covers_for_a_lead_coordinator_does_not_lead(world: World) -> None:
    team = world.a_team()
    cover = world.a_professional(team.agency)
    _absence(world, team.lead, cover, today(), in_days(3))
    caller = world.as_(world.actor(cover))
    assert caller.get(team.path).status_code == 200, "Covers for the named professional."
    assert caller.post(f"{team.mandate_path}/_end", {"reason": "laid_down"}).status_code == 403


def test_a_candidate_reads_and_answers_that_mandate_and_nothing_else(world: World) -> None:
    scene = Scene(world)
    caller = world.as_(scene.related["candidate"])
    listed = caller.get(f"{scene.path}/mandates").json()["items"]
    assert [one["id"] for one in listed] == [str(scene.proposal.id)]
    assert caller.get(f"{scene.path}/mandates/{scene.proposal.id}").json()["state"] == "proposed"
    other, none = (caller.get(f"{scene.path}/mandates/{one}") for one in (scene.mandate.id, uuid4()))
    assert as_answered(other) == as_answered(none)
    for path in ("", "/who-is-involved", "/timeline", "/members", "/involvements", "/contact-points/parenting"):
        assert caller.get(scene.path + path).status_code == 403, path
    accepted = caller.post(f"{scene.path}/mandates/{scene.proposal.id}/_accept")
    assert accepted.json()["state"] == "active"
    assert caller.get(f"{scene.path}/who-is-involved").status_code == 200


def test_an_invited_agency_sees_its_own_invitation_and_nothing_of_the_others(scene: Scene) -> None:
    caller = scene.world.as_(scene.related["invited_system"])
    listed = caller.get(f"{scene.path}/involvements").json()["items"]
    assert [one["id"] for one in listed] == [str(scene.invitation.id)]
    ids = (scene.debt_involvement.id, scene.shielded_involvement and scene.shielded_involvement.id, uuid4())
    answers = [as_answered(caller.get(f"{scene.path}/involvements/{one}")) for one in ids]
    assert answers[0] == answers[1] == answers[2]
    for path in ("", "/who-is-involved", "/timeline", "/members", "/mandates", "/contact-points/parenting"):
        answer = caller.get(scene.path + path)
        assert (answer.status_code, answer.json()["code"]) == (403, "relation_lacking"), path


def test_others_dont_see_who_is_invited_or_asked_to_lead(scene: Scene) -> None:
    for who in ("deputy", "contact_point", "involved_system", "parent", "teenager"):
        caller = scene.world.as_(scene.related[who])
        for path in ("/who-is-involved", "/timeline", "/involvements", "/mandates", "/members"):
            text = caller.get(scene.path + path).text
            assert str(scene.invited.id) not in text, (who, path)
            assert str(scene.proposal.id) not in text, (who, path)
