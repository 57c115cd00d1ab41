"""The API only grows within a major version, and every way in which it could shrink is noticed."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.wire.compatibility import BREAKS, WARNINGS, Found, differences
from tests.wire.operations import APP
from tests.wire.release import RELEASED, promised, series

OLD: dict[str, Any] = promised(APP.openapi())
Sabotage = Callable[[dict[str, Any]], object]


def test_nothing_that_was_released_breaks_without_a_new_major_version() -> None:
    released, now = json.loads(RELEASED.read_text(encoding="utf-8")), promised(APP.openapi())
    if series(released["info"]["version"]) == series(now["info"]["version"]):
        broken = [str(one) for one in differences(released, now) if one.breaks]
        assert not broken, "Integrators rely on this. Keep it, or see tests/wire/release.py."


def test_an_api_is_compatible_with_itself() -> None:
    assert differences(OLD, copy.deepcopy(OLD)) == []


def _of(document: dict[str, Any], path: str, method: str) -> dict[str, Any]:
    operation: dict[str, Any] = document["paths"][path][method]
    return operation


def _shape(document: dict[str, Any], name: str) -> dict[str, Any]:
    shape: dict[str, Any] = document["components"]["schemas"][name]
    return shape


def _parameter(document: dict[str, Any], path: str, method: str, name: str) -> dict[str, Any]:
    return next(one for one in _of(document, path, method)["parameters"] if one["name"] == name)


def _without(things: list[Any], wanted: Callable[[Any], bool]) -> None:
    things[:] = [one for one in things if not wanted(one)]


AGENCIES, FAMILY = "/agencies", "/families/{familyId}"
SABOTAGES: list[tuple[str, Sabotage]] = [
    ("path_removed", lambda new: new["paths"].pop(FAMILY)),
    ("operation_removed", lambda new: new["paths"][FAMILY].pop("patch")),
    ("operation_renamed", lambda new: _of(new, FAMILY, "get").update(operationId="readFamily")),
    ("scope_changed", lambda new: _of(new, FAMILY, "get").update({"x-permission": "family:change"})),
    (
        "parameter_removed",
        lambda new: _without(_of(new, AGENCIES, "get")["parameters"], lambda one: one["name"] == "kind"),
    ),
    ("parameter_required", lambda new: _parameter(new, AGENCIES, "get", "kind").update(required=True)),
    (
        "parameter_required",
        lambda new: _of(new, AGENCIES, "get")["parameters"].append(
            {"name": "country", "in": "query", "required": True, "schema": {"type": "string"}}
        ),
    ),
    (
        "body_required",
        lambda new: _of(new, f"{FAMILY}/_reopen", "post").update(
            requestBody={"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}
        ),
    ),
    (
        "media_type_removed",
        lambda new: _of(new, FAMILY, "patch")["requestBody"]["content"].pop("application/merge-patch+json"),
    ),
    (
        "media_type_removed",
        lambda new: _of(new, FAMILY, "get")["responses"]["200"]["content"].pop("application/json"),
    ),
    ("answer_removed", lambda new: _of(new, "/families", "post")["responses"].pop("201")),
    ("header_removed", lambda new: _of(new, FAMILY, "get")["responses"]["200"]["headers"].pop("ETag")),
    ("field_not_taken", lambda new: _shape(new, "FamilyOpening")["properties"].pop("strategy")),
    ("field_required", lambda new: _shape(new, "FamilyOpening")["required"].append("strategy")),
    ("field_not_told", lambda new: _shape(new, "Family")["properties"].pop("openedAt")),
    ("field_may_be_absent", lambda new: _shape(new, "Family")["required"].remove("openedAt")),
    ("kind_not_taken", lambda new: _shape(new, "AgencyRegistration")["properties"]["phone"].update(type="string")),
    ("kind_not_taken", lambda new: _shape(new, "FamilyOpening")["properties"]["name"].update(type="integer")),
    ("kind_new", lambda new: _shape(new, "Family")["properties"]["openedAt"].update(type=["string", "null"])),
    ("kind_new", lambda new: _shape(new, "Family")["properties"]["name"].update(type="integer")),
    ("value_not_taken", lambda new: _shape(new, "FamilyClosing")["enum"].remove("completed")),
    ("value_new", lambda new: _shape(new, "FamilyState")["enum"].append("asleep")),
    ("narrowed", lambda new: _shape(new, "FamilyOpening")["properties"]["name"].update(maxLength=100)),
    ("narrowed", lambda new: _shape(new, "FamilyOpening")["properties"]["name"].update(minLength=3)),
    ("narrowed", lambda new: _shape(new, "FamilyOpening")["properties"]["name"].update(pattern="^[A-Z]")),
    ("narrowed", lambda new: _shape(new, "FamilyOpening")["properties"]["members"].update(maxItems=3)),
    ("narrowed", lambda new: _parameter(new, AGENCIES, "get", "limit")["schema"].update(maximum=10)),
    ("narrowed", lambda new: _parameter(new, AGENCIES, "get", "name")["schema"].update(enum=["A"])),
]


@pytest.mark.parametrize(
    ("rule", "sabotage"), SABOTAGES, ids=[f"{at}-{rule}" for at, (rule, _) in enumerate(SABOTAGES)]
)
def test_each_break_is_noticed_as_what_it_is(rule: str, sabotage: Sabotage) -> None:
    new = copy.deepcopy(OLD)
    sabotage(new)
    found = differences(OLD, new)
    assert {one.rule for one in found} == {rule}
    assert all(one.breaks is (rule in BREAKS) for one in found)


def test_every_rule_is_tried() -> None:
    renamed = copy.deepcopy(OLD)
    renamed["components"]["schemas"]["Household"] = renamed["components"]["schemas"].pop("FamilyMove")
    whole = json.loads(json.dumps(renamed).replace("schemas/FamilyMove", "schemas/Household"))
    assert differences(OLD, whole) == [Found("shape_renamed", "FamilyMove")]
    assert {rule for rule, _ in SABOTAGES} | {"shape_renamed"} == set(BREAKS) | set(WARNINGS)


def _grow(new: dict[str, Any]) -> None:
    """Everything that may be added."""
    new["paths"]["/streets"] = {"get": copy.deepcopy(_of(new, AGENCIES, "get")) | {"operationId": "listStreets"}}
    new["paths"][AGENCIES]["delete"] = copy.deepcopy(_of(new, FAMILY, "get")) | {"operationId": "removeAgencies"}
    _of(new, AGENCIES, "get")["parameters"].append({"name": "street", "in": "query", "schema": {"type": "string"}})
    _of(new, AGENCIES, "get")["responses"]["429"] = {"description": "Later."}
    _of(new, FAMILY, "get")["responses"]["200"]["headers"]["Age"] = {"schema": {"type": "string"}}
    _shape(new, "FamilyOpening")["properties"]["street"] = {"type": "string"}
    _shape(new, "FamilyOpening")["properties"]["name"]["maxLength"] = 500
    _shape(new, "FamilyOpening")["properties"]["name"].pop("pattern")
    _shape(new, "FamilyClosing")["enum"].append("elsewhere")
    _shape(new, "Family")["properties"]["street"] = {"type": "string"}
    _shape(new, "Family")["required"].append("street")
    _shape(new, "Family")["properties"]["name"]["description"] = "What it goes by."


def test_what_is_added_breaks_nothing() -> None:
    new = copy.deepcopy(OLD)
    _grow(new)
    assert [one for one in differences(OLD, new) if one.breaks] == []
    assert {one.rule for one in differences(OLD, new)} <= {"value_new"}  # a code that is sent is told too
    assert any(one.breaks for one in differences(new, OLD))


def test_before_the_first_major_version_a_minor_one_may_break() -> None:
    assert series("0.1.0") == series("0.1.7") != series("0.2.0")
    assert series("1.0.0") == series("1.9.3") != series("2.0.0")
