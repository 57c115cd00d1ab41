"""What differs per reader: BSN and birth date, the strategy, and what is shielded."""

import pytest
from fastapi import FastAPI

from api.auth.policy import FIELDS
from api.domain import involvements
from api.domain.actor import Actor, Role
from tests.access.scene import Scene
from tests.access.sweep import UNDER, routes_under_a_family, without_names
from tests.world import World, today

BIRTH_DATES = ("1985-04-01", "2010-02-03", "2018-05-06")
SEES_BIRTH_DATES = {"registrar", "lead", "deputy"}
SEES_STRATEGY = {"registrar", "lead", "deputy", "contact_point", "involved_system", "named", "cover"}
SEES_SHIELDED = {"registrar", "lead"}
ORDINARY = ("deputy", "contact_point", "involved_system", "named", "cover", "parent", "teenager")
READERS = (*sorted(SEES_SHIELDED), *ORDINARY)
NOT_FOR_ALL = (
    *("/access", "/consents", "Id}/consents/{consentId}", "/measures/{measureId}", "/disclosure-holds"),
    "/export",
)
"""Reads that some of these readers don't have; their own tests say what is in them."""


def reads(app: FastAPI, scene: Scene) -> dict[str, str]:
    """Every read below the family, and the composed ones of a day too."""
    names = scene.inside(scene.family.id)
    paths = {
        route.path.removeprefix(UNDER): route.path.removeprefix("/v1").format(**names)
        for route in routes_under_a_family(app)
        if "GET" in route.methods and not route.path.endswith(NOT_FOR_ALL)
    }
    for path in ("/who-is-involved", "/contact-points/{helpDomain}"):
        paths[f"{path}?on="] = f"{paths[path]}?on={today()}"
    assert len(paths) >= 14
    return paths | {"caseload": "/caseload?limit=200"}


def test_the_policy_says_who_sees_which_field() -> None:
    assert set(FIELDS) == {
        *("shielded", "birth_date", "strategy", "lead", "agencies", "consents", "measures", "timeline", "oversight")
    }


@pytest.mark.parametrize("who", READERS)
def test_birth_dates_bsn_and_strategy_are_for_whom_the_policy_names(app: FastAPI, scene: Scene, who: str) -> None:
    caller = scene.world.as_(scene.related[who])
    shown: dict[str, set[str]] = {"birth": set(), "strategy": set()}
    for name, path in reads(app, scene).items():
        answer = caller.get(path)
        assert answer.status_code == 200, (path, answer.text)
        assert scene.bsn not in answer.text, name
        shown["birth"] |= {name for one in BIRTH_DATES if one in answer.text}
        shown["strategy"] |= {name for _ in [1] if "prop_and_support" in answer.text}
    all_births = {"/who-is-involved", "/who-is-involved?on=", "/members", "/members/{memberId}"}
    own = {"parent": all_births, "teenager": all_births - {"/members/{memberId}"}}.get(who, set())
    assert shown["birth"] == (all_births if who in SEES_BIRTH_DATES else own)
    assert shown["strategy"] == ({"", "/who-is-involved", "/who-is-involved?on="} if who in SEES_STRATEGY else set())


@pytest.mark.parametrize(("who", "own"), [("parent", BIRTH_DATES[0]), ("teenager", BIRTH_DATES[1])])
def test_a_member_sees_their_own_birth_date_only(scene: Scene, who: str, own: str) -> None:
    caller = scene.world.as_(scene.related[who])
    for path in ("/who-is-involved", "/members"):
        text = caller.get(scene.path + path).text
        assert [date for date in BIRTH_DATES if date in text] == [own]


def test_the_bsn_is_given_by_one_route_to_the_registrar_only(scene: Scene) -> None:
    path = f"/persons/{scene.parent_person.id}"
    assert scene.world.as_(scene.world.registrar).get(path).json()["bsn"] == scene.bsn
    for who, actor in (scene.related | scene.outsiders).items():
        if who != "registrar":
            answer = scene.world.as_(actor).get(path)
            assert answer.status_code in {403, 404}, who
            assert scene.bsn not in answer.text


def _mentions(scene: Scene) -> list[str]:
    assert scene.shielded_involvement
    ids = (scene.shelter.id, scene.shielded_worker.id, scene.shielded_involvement.id)
    return [*map(str, ids), scene.shelter.name, scene.shielded_worker.name]


@pytest.mark.parametrize("who", ORDINARY)
def test_a_shielded_involvement_shows_on_no_read(app: FastAPI, scene: Scene, who: str) -> None:
    caller = scene.world.as_(scene.related[who])
    assert scene.shielded_involvement
    for name, path in reads(app, scene).items():
        text = caller.get(path).text
        assert not [one for one in _mentions(scene) if one in text], (who, name)
        assert "child_safety" not in text, (who, name)
    hidden = caller.get(f"{scene.path}/involvements/{scene.shielded_involvement.id}")
    assert hidden.status_code == 404


@pytest.mark.parametrize("who", ["registrar", "lead", "own system", "own professional"])
def test_a_shielded_involvement_shows_to_its_own_the_lead_and_the_registrar(scene: Scene, who: str) -> None:
    world = scene.world
    own = {"own system": world.system(scene.shelter), "own professional": world.actor(scene.shielded_worker)}
    caller = world.as_((scene.related | own)[who])
    assert scene.shielded_involvement
    for path in ("/who-is-involved", f"/who-is-involved?on={today()}", "/involvements", "/timeline"):
        assert str(scene.shielded_involvement.id) in caller.get(scene.path + path).text, path
    assert caller.get(f"{scene.path}/involvements/{scene.shielded_involvement.id}").json()["shielded"] is True


@pytest.mark.parametrize("who", ORDINARY)
def test_without_a_shielded_involvement_an_ordinary_reader_would_see_the_same(
    app: FastAPI, scene: Scene, unshielded: Scene, who: str
) -> None:
    for name, path in reads(app, scene).items():
        if name != "caseload":
            answers = [
                without_names(one.world.as_(one.related[who]).get(reads(app, one)[name]).text)
                for one in (scene, unshielded)
            ]
            assert answers[0] == answers[1], (path, name)


@pytest.fixture(scope="module")
def unshielded(world: World) -> Scene:
    return Scene(world, shield=False)


def test_beside_an_open_involvement_a_shielded_one_of_the_same_agency_changes_nothing(
    app: FastAPI, world: World
) -> None:
    """The agency is known to be there; that it is there for something else too is not."""
    plain, shielding = Scene(world, shield=False), Scene(world, shield=False)
    world.around(
        shielding.family,
        lambda work, mine: involvements.start(
            work,
            mine,
            shielding.youth_care.id,
            ["child_safety"],
            involvements.Terms(
                legal_basis=involvements.LegalBasis.STATUTORY_TASK,
                legal_ground="debt_help",
                professional_id=shielding.bystander.id,
                shielded=True,
            ),
        ),
        world.system(shielding.youth_care),
    )
    for who in ("involved_system", "named", "parent"):
        for name in reads(app, plain):
            if name != "caseload":
                answers = [
                    without_names(one.world.as_(one.related[who]).get(reads(app, one)[name]).text)
                    for one in (plain, shielding)
                ]
                assert answers[0] == answers[1], (who, name)


def test_once_shielded_nothing_is_left_to_see_of_it(app: FastAPI, world: World) -> None:
    """Not the contact point it had, nor the gap that this leaves."""
    scene = Scene(world, shield=False)
    worker = world.a_professional(scene.shelter)
    involvement = world.an_involvement(scene.family, scene.shelter, ["child_safety"], professional=worker)
    world.a_contact_point(scene.family, worker, "child_safety")
    parent = world.as_(scene.related["parent"])
    assert "child_safety" in parent.get(f"{scene.path}/who-is-involved").text
    world.around(
        scene.family,
        lambda work, mine: involvements.change(work, mine, involvements.get(work, mine, involvement.id), shielded=True),
        world.system(scene.shelter),
    )
    for who in ORDINARY:
        caller = world.as_(scene.related[who])
        for name, path in reads(app, scene).items():
            text = caller.get(path).text
            traces = (str(scene.shelter.id), str(worker.id), "child_safety")
            assert not [one for one in traces if one in text], (who, name)
    lead = world.as_(scene.related["lead"])
    rows = lead.get(f"{scene.path}/who-is-involved").json()["helpDomains"]
    assert [row["gap"] for row in rows if row["helpDomain"] == "child_safety"] == [True]


def test_the_analyst_sees_no_family_at_all(app: FastAPI, scene: Scene) -> None:
    analyst = scene.world.as_(
        Actor(role=Role.ANALYST, subject="analyst", municipality_code=scene.world.municipality.code)
    )
    for name, path in reads(app, scene).items():
        answer = analyst.get(path)
        assert answer.status_code == (403 if name == "caseload" else 404), name
        assert str(scene.family.id) not in answer.text
