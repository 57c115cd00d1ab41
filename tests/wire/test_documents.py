"""What PostgreSQL builds is what the response models say: every field there, nothing else, in every state."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from types import GenericAlias
from typing import Any, get_args, get_origin

import pytest
from pydantic import BaseModel, ConfigDict, create_model

from api.domain import contact_points, families, involvements
from api.domain.actor import Actor
from api.domain.codes import AgencyKind, FamilyClosing, InvolvementEnd, MemberRole
from api.domain.models import Family
from api.routers.caseload import Caseload
from api.routers.parameters import LANGUAGES
from api.routers.timeline import Timeline
from api.routers.who_is_involved import HelpDomainContact, WhoIsInvolved
from api.shapes import Out
from tests.world import World, a_bsn, ago, today

State = Callable[[World], tuple[Family, list[Actor]]]


@cache
def strict(shape: Any) -> Any:
    """The same shape, all the way down, with every field required and no other one accepted."""
    if isinstance(shape, type) and not isinstance(shape, GenericAlias) and issubclass(shape, Out):
        fields: dict[str, Any] = {
            name: (strict(field.rebuild_annotation()), ...) for name, field in shape.model_fields.items()
        }
        base = type("Exactly", (Out,), {"model_config": ConfigDict(extra="forbid", populate_by_name=False)})
        return create_model(f"Exactly{shape.__name__}", __base__=base, **fields)
    if get_origin(shape) is list:
        return list[strict(get_args(shape)[0])]  # type: ignore[misc]
    if type(None) in get_args(shape):
        inner = [strict(one) for one in get_args(shape) if one is not type(None)]
        return inner[0] | None
    return shape


def test_the_strict_reading_is_strict() -> None:
    exact: type[BaseModel] = strict(Caseload)
    good = {"items": [], "nextCursor": None}
    exact.model_validate(good)
    family = {"id": "2b1f4c52-9c1e-4d51-8a35-5f2f3f9d7c10", "name": "x", "framework": "voluntary", "state": "open"}
    item = {"family": family, "relations": [], "attention": []}
    exact.model_validate(good | {"items": [item]})
    for bad in (
        {"items": []},
        good | {"more": 1},
        good | {"items": [item | {"more": 1}]},
        good | {"items": [item | {"family": {**family, "more": 1}}]},
        good | {"items": [{"family": family, "relations": []}]},
    ):
        with pytest.raises(ValueError, match="validation error"):
            exact.model_validate(bad)


def _with_nobody(world: World) -> tuple[Family, list[Actor]]:
    return world.a_family(), [world.registrar]


def _with_everything(world: World) -> tuple[Family, list[Actor]]:
    team = world.a_team(("parenting", "child_safety"))
    deputy, colleague = world.a_professional(team.agency), world.a_professional(team.agency)
    world.a_deputy(team, deputy)
    _, parent = world.a_member(team.family, bsn=a_bsn())
    world.a_member(team.family, MemberRole.CHILD, birth_date=None)
    world.a_contact_point(team.family, colleague)
    world.an_absence(colleague, cover=deputy)
    debts = world.an_involved_professional(team.family)
    world.a_contact_point(team.family, debts, "finances")
    world.an_involvement(team.family, world.an_agency(AgencyKind.WOMENS_SHELTER), ["housing"], shielded=True)
    world.an_invitation(team.family, world.an_agency(AgencyKind.SCHOOL, signal_only=True), ["child_development"])
    readers = [world.actor(team.lead), world.actor(deputy), world.actor(debts), world.relative(parent)]
    return team.family, [world.registrar, world.system(team.agency), *readers]


def _with_a_gap(world: World) -> tuple[Family, list[Actor]]:
    team = world.a_team()
    debts = world.an_involved_professional(team.family)
    world.a_contact_point(team.family, debts, "finances")

    def end(work: Any, mine: Family) -> None:
        [own] = [one for one in involvements.of_family(work, mine) if one.agency_id == debts.agency_id]
        involvements.end(work, mine, own, InvolvementEnd.COMPLETED)

    world.around(team.family, end, world.actor(debts))
    return team.family, [world.registrar, world.actor(team.lead)]


def _released(world: World) -> tuple[Family, list[Actor]]:
    team = world.a_team()
    world.a_contact_point(team.family, team.lead)
    world.around(team.family, lambda work, mine: contact_points.release(work, mine, "parenting"))
    return team.family, [world.registrar, world.system(team.agency)]


def _proposed(world: World) -> tuple[Family, list[Actor]]:
    family, agency = world.a_family(), world.an_agency()
    lead = world.a_professional(agency)
    world.an_involvement(family, agency, professional=lead)
    world.a_proposal(family, lead)
    return family, [world.registrar, world.actor(lead)]


def _closed(world: World) -> tuple[Family, list[Actor]]:
    team = world.a_team(at=ago(days=3))
    world.around(team.family, lambda work, mine: families.close(work, mine, FamilyClosing.COMPLETED))
    return team.family, [world.registrar]


STATES = [_with_nobody, _with_everything, _with_a_gap, _released, _proposed, _closed]


@pytest.mark.parametrize("state", STATES)
def test_documents_are_as_their_models_say(state: State, world: World) -> None:
    family, readers = state(world)
    of_family = f"/families/{family.id}"
    for reader in readers:
        caller = world.as_(reader)
        for path, shape in (
            (f"{of_family}/who-is-involved", WhoIsInvolved),
            (f"{of_family}/who-is-involved?on={today()}", WhoIsInvolved),
            (f"{of_family}/contact-points/parenting", HelpDomainContact),
            (f"{of_family}/contact-points/finances", HelpDomainContact),
            (f"{of_family}/contact-points/justice", HelpDomainContact),
            (f"{of_family}/timeline", Timeline),
            (f"{of_family}/timeline?limit=1", Timeline),
            ("/caseload", Caseload),
            ("/caseload?limit=1", Caseload),
        ):
            for language in LANGUAGES:
                answer = caller.get(path, headers={"Accept-Language": language})
                assert answer.status_code == 200, answer.text
                strict(shape).model_validate_json(answer.content)
                _is_utc_throughout(answer.json())


def _is_utc_throughout(node: Any) -> None:
    """Every instant is answered in UTC."""
    for key, value in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        _is_utc_throughout(value)
        if isinstance(key, str) and (key.endswith("At") or key in {"at", "since", "asOf"}) and value is not None:
            assert str(value).endswith(("+00:00", "Z")), value
            assert datetime.fromisoformat(value).tzinfo == UTC
