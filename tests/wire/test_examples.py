"""Every operation of the description has an example, which its schema allows and which the service still answers so."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import jsonschema_rs
import pytest

from api.description import CODES, EXAMPLES
from api.domain import bsn
from tests.wire.examples.playing import told
from tests.wire.examples.recording import examples, settled, shape
from tests.wire.operations import APP
from tests.wire.refusals import codes_of_all

DOCUMENT = APP.openapi()
RECORDED: dict[str, dict[str, Any]] = json.loads(EXAMPLES.read_text(encoding="utf-8"))
DESCRIBED: dict[str, dict[str, Any]] = {
    operation["operationId"]: operation
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
    if method != "servers"
}
ANEW = "Run: python -m tests.wire.describe"
each_operation = pytest.mark.parametrize("name", sorted(DESCRIBED))


def test_every_operation_has_an_example() -> None:
    missing = sorted(set(DESCRIBED) - set(RECORDED))
    assert not missing, f"Add a step for each to tests/wire/examples/more_chapters.py. {ANEW}"
    assert sorted(set(RECORDED) - set(DESCRIBED)) == [], ANEW


def _examples_of(operation: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], Any]]:
    """What there is an example of: where, its schema, and the example."""
    for parameter in operation.get("parameters", ()):
        if "example" in parameter:
            yield parameter["name"], parameter["schema"], parameter["example"]
    contents = [("body", operation.get("requestBody", {}))]
    contents += [(status, answer) for status, answer in operation["responses"].items() if status < "300"]
    for where, holder in contents:
        for content in holder.get("content", {}).values():
            if "example" in content:
                yield where, content.get("schema", {}), content["example"]


@each_operation
def test_an_example_is_what_its_schema_says(name: str) -> None:
    operation = DESCRIBED[name]
    found = list(_examples_of(operation))
    for where, schema, example in found:
        wrong = list(_validator(schema).iter_errors(example))
        assert not wrong, (name, where, [str(one) for one in wrong])
    places = {where for where, _, _ in found}
    assert {one["name"] for one in operation.get("parameters", ()) if one["in"] == "path"} <= places
    assert ("requestBody" in operation) is ("body" in places)
    [status] = [status for status in operation["responses"] if status == str(RECORDED[name]["status"])]
    assert ("content" in operation["responses"][status]) is (status in places)


def _validator(schema: dict[str, Any]) -> Any:
    whole = {"components": DOCUMENT["components"], **schema}
    return jsonschema_rs.Draft202012Validator(whole, validate_formats=True, formats={"bsn": _is_bsn})


def _is_bsn(text: str) -> bool:
    return bsn.is_in(text)


def test_a_wrong_example_is_noticed() -> None:
    schema = {"$ref": "#/components/schemas/Family"}
    right = RECORDED["getFamily"]["answer"]
    assert _validator(schema).is_valid(right)
    for wrong in ({"id": "x"}, {"openedAt": "yesterday"}, {"framework": "none"}, {"name": None}):
        assert not _validator(schema).is_valid(right | wrong), wrong
    assert not _validator({"type": "string", "format": "bsn"}).is_valid("123456789")


def test_bsns_are_in_bodies_only_and_nobodys() -> None:
    for name, example in RECORDED.items():
        for place in ("path", "query", "headers", "answer"):
            shown = json.dumps(example.get(place, ""))
            assert name == "getPerson" or not bsn.is_in(shown), (name, place)
        for number in re.findall(r"(?<!\d)\d{9}(?!\d)", json.dumps(example.get("body", ""))):
            assert number.startswith("9999"), name
    assert any("999990032" in json.dumps(example.get("body", "")) for example in RECORDED.values())


@pytest.fixture(scope="module")
def played(new_database: Callable[[], str]) -> dict[str, dict[str, Any]]:
    """The story once more, against the live service."""
    return examples(told(new_database()))


def test_what_the_examples_show_is_what_the_service_answers(played: dict[str, dict[str, Any]]) -> None:
    assert set(played) == set(RECORDED), ANEW
    for name, example in RECORDED.items():
        live = played[name]
        assert live["status"] == example["status"], name
        for place in ("path", "query", "body", "answer"):
            assert shape(live.get(place)) == shape(example.get(place)), f"{name}, {place}. {ANEW}"


def test_recording_anew_changes_nothing_that_still_holds(played: dict[str, dict[str, Any]]) -> None:
    assert settled(played, RECORDED) == RECORDED, ANEW
    other = json.loads(json.dumps(RECORDED))
    other["getFamily"]["answer"]["name"] = "Anders"
    assert settled(played, other)["getFamily"] == played["getFamily"]


@each_operation
def test_an_operation_says_who_may(name: str) -> None:
    operation = DESCRIBED[name]
    if not operation.get("security"):
        return
    scopes = {scope for way in operation["security"] for scopes in way.values() for scope in scopes}
    assert scopes == {operation["x-permission"]}
    assert f"Scope: `{operation['x-permission']}`." in operation["description"]
    assert operation.get("x-roles") or operation.get("x-relations")
    for who in operation.get("x-roles") or operation["x-relations"]:
        assert f"`{who}`" in operation["description"]


def test_the_codes_of_the_description_are_those_of_the_source() -> None:
    assert json.loads(CODES.read_text(encoding="utf-8")) == codes_of_all(), ANEW


@each_operation
def test_every_refusal_names_its_codes(name: str) -> None:
    for status, answer in DESCRIBED[name]["responses"].items():
        if status >= "400":
            assert "`" in answer.get("description", ""), (status, answer)


def test_the_codes_of_an_operation_are_found_far_down() -> None:
    codes = json.loads(CODES.read_text(encoding="utf-8"))
    assert set(codes["assignContactPoint"]["409"]) >= {"already_contact_point", "no_running_involvement"}
    assert set(codes["mergePerson"]["409"]) >= {"two_persons", "bsn_would_be_lost", "same_person"}
    assert codes["openInEmergency"]["404"] == ["family_not_found"]
    assert "power_lacking" in codes["inviteAgency"]["403"]
    assert "not_found" in codes["getAgency"]["404"]
    assert "two_persons" not in codes["mergeFamily"]["409"]


def test_of_a_story_that_shows_something_else_the_example_is_new() -> None:
    assert shape({"a": [1, 2], "b": None}) == shape({"a": [3], "b": None})
    assert shape({"a": 1}) != shape({"a": "1"})
    assert shape({"a": 1}) != shape({"a": 1, "b": 2})
    assert shape({"a": []}) != shape({"a": [1]})
    assert shape("2031-05-06") != shape("2031-05-06T00:00:00+00:00") != shape("text")
