"""The matrix: role and relation x legal basis x shielding x operation, against the independent model of the rules.

The suite asks one cell in six of each scene, other ones in each, so that every reader meets every operation.
`python -m tests.campaigns.matrix` asks all cells of all scenes.
"""

import pytest
from fastapi import FastAPI

from api.domain.actor import Role
from tests.access.deeds import DEEDS, ROLES_OF
from tests.access.matrix import Tally, ask_all, rehearsal
from tests.access.matrix_scene import BASES, GROUNDS, MatrixScene
from tests.access.model import ALLOWED
from tests.access.sweep import routes_under_a_family
from tests.wire.operations import OPERATIONS, a_body
from tests.wire.stage import Stage
from tests.world import World

ELSEWHERE = [one for one in OPERATIONS if one.guarded and not one.of_family]
"""The operations with which no one family is concerned."""

SHARE = 5
SCENES = [
    *((basis, ground) for basis in BASES for ground in ("open", "shielded")),
    ("consent", "ended"),
    ("measure", "lead's ended"),
    ("statutory_task", "lead's shielded"),
]
AT_LEAST = 5_000
"""So many cells are asked by this module, whatever happens to the readers and the routes."""


@pytest.fixture(scope="module")
def stage(world: World) -> Stage:
    return Stage(world)


@pytest.mark.parametrize(("basis", "ground"), SCENES)
def test_every_reader_gets_what_the_rules_give_them(app: FastAPI, world: World, basis: str, ground: str) -> None:
    tally = Tally()
    ask_all(app, MatrixScene(world, basis, ground), tally, SHARE, SCENES.index((basis, ground)))
    assert not tally.wrong, "\n".join(tally.wrong)
    assert tally.cells * len(SCENES) >= AT_LEAST
    assert min(tally.outcomes[name] for name in ("hidden", "refused", "done")) > 20, tally.outcomes
    assert tally.rehearsed.total() > 5, "Some changes were carried out up to the commit."


def test_the_scenes_show_every_basis_and_every_ground() -> None:
    assert {basis for basis, _ in SCENES} == set(BASES)
    assert {ground for _, ground in SCENES} == set(GROUNDS)
    assert len(SCENES) >= SHARE, "Every cell is asked in some scene."


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.CLOCK])
def test_where_no_family_is_concerned_the_role_decides(stage: Stage, role: Role) -> None:
    wrong, token = [], stage.world.as_(stage.actor(role)).token
    with rehearsal():
        for one in ELSEWHERE:
            body = {"json": a_body(one)} if one.body else {}
            query = f"?municipalityCode={stage.world.municipality.code}" if one.name == "synchronise_caseload" else ""
            answer = stage.send(one.method, stage.path(one) + query, token, headers={"If-Match": "*"}, **body)
            refused = answer.status_code == 403 and answer.json()["code"] == "role_lacking"
            if refused is (role in ROLES_OF[one.name]) or answer.status_code >= 500:
                wrong.append((one.name, answer.status_code, answer.text[:200]))
    assert not wrong


def test_every_operation_elsewhere_has_a_rule() -> None:
    assert {one.name for one in ELSEWHERE} == set(ROLES_OF)


def test_every_operation_on_a_family_has_a_rule(app: FastAPI) -> None:
    assert {route.name for route in routes_under_a_family(app)} == set(DEEDS)
    assert set(DEEDS.values()) == set(ALLOWED), "The model has a rule for each, and none that nothing asks for."
