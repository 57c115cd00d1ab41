"""The description: it is what was committed, it is complete, and anybody may read it."""

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.wire.operations import APP, OPERATIONS, SCHEMAS

COMMITTED = Path(__file__).parents[2] / "openapi" / "openapi.json"
DOCUMENT = APP.openapi()
DESCRIBED = [
    pytest.param(path, method, operation, id=operation["operationId"])
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
    if method != "servers"
]
each_operation = pytest.mark.parametrize(("path", "method", "operation"), DESCRIBED)
Described = dict[str, Any]


def test_what_is_committed_is_what_there_is() -> None:
    fresh = json.dumps(DOCUMENT, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    assert COMMITTED.read_text(encoding="utf-8") == fresh, "Run: spil openapi"


def test_every_versioned_route_is_described() -> None:
    hidden = {"get_openapi", "is_live", "is_ready", "get_metadata", "get_metadata_by_issuer"}
    assert len(DESCRIBED) == len(OPERATIONS) - len(hidden)
    assert len(DESCRIBED) > 60


@each_operation
def test_an_operation_says_what_it_does(path: str, method: str, operation: Described) -> None:
    assert re.fullmatch("[a-z]+([A-Z][a-z]+)*", operation["operationId"])
    assert operation["summary"]
    assert operation["description"].endswith((".", "key."))
    assert len(operation["tags"]) == 1
    assert operation["tags"][0] in {tag["name"] for tag in DOCUMENT["tags"]}
    assert ("security" in operation) is not path.startswith("/oauth")
    for parameter in operation.get("parameters", ()):
        assert "null" not in json.dumps(parameter)


@each_operation
def test_an_operation_names_all_its_answers(path: str, method: str, operation: Described) -> None:
    answers = operation["responses"]
    expected = {"400", "406", "500"} | ({"401", "503"} if "security" in operation else set())
    expected |= {"403", "404"} if "{familyId}" in path else set()
    expected |= {"404"} if "{" in path else set()
    expected |= {"413", "415"} if method in {"post", "put", "patch"} else set()
    expected |= {"409"} if "Idempotency-Key" in str(operation.get("parameters")) else set()
    expected |= {"412", "428", "409"} if method in {"put", "patch", "delete"} else set()
    assert set(answers) >= expected
    assert "422" not in answers
    for status, answer in answers.items():
        if status >= "400":
            assert answer["$ref"] == f"#/components/responses/Problem{status}"
        else:
            assert "API-Version" in answer["headers"]
            assert ("content" in answer) is (status not in {"204", "304"})
    assert ("Location" in str(answers)) <= bool({"201", "202"} & set(answers))


@each_operation
def test_a_change_can_be_repeated_or_is_conditional(path: str, method: str, operation: Described) -> None:
    headers = {one["name"]: one for one in operation.get("parameters", ()) if one["in"] == "header"}
    if path.startswith("/oauth"):
        return
    changes = method == "post" and not path.endswith(("/_search", "/access-checks"))
    conditional = method in {"put", "patch", "delete"}
    assert ("Idempotency-Key" in headers) is (changes or conditional)
    of_one_thing = re.search(r"}/_[a-z-]+$", path) is not None and changes
    assert ("If-Match" in headers) is (conditional or of_one_thing)
    if "If-Match" in headers:
        assert headers["If-Match"]["required"] is (method in {"patch", "delete"})
    assert ("304" in operation["responses"]) is (method == "get" and "If-None-Match" in headers)


def test_names_are_those_of_the_field() -> None:
    assert {"Mandate", "Involvement", "MemberPage", "WhoIsInvolved", "Problem", "PersonWithBsn"} <= set(SCHEMAS)
    for name in SCHEMAS:
        assert re.fullmatch("([A-Z][a-z0-9]+)+", name), name
        assert not name.endswith("Out")
    for path in DOCUMENT["paths"]:
        assert re.fullmatch("(/(_?[a-z-]+|{[a-z]+([A-Z][a-z]+)*}))+", path), path
    of_the_wire = {name: one for name, one in SCHEMAS.items() if name not in {"TokenRequest", "AccessToken"}}
    for schema in of_the_wire.values():
        for name, field in schema.get("properties", {}).items():
            assert re.fullmatch("[a-z]+([A-Z][a-z]+)*", name), name
            if name.endswith("At"):
                assert field["format"] == "date-time", name
            if name.endswith("On"):
                assert field["format"] == "date", name


def test_requests_take_nothing_unknown_and_answers_leave_nothing_out() -> None:
    taken = {one.body["$ref"].rpartition("/")[2] for one in OPERATIONS if one.body and "$ref" in one.body}
    for name in taken - {"TokenRequest"}:
        assert SCHEMAS[name]["additionalProperties"] is False, name
    answers = [
        name for name, schema in SCHEMAS.items() if "properties" in schema and name not in taken | _within(taken)
    ]
    for name in set(answers) - {"Problem", "AccessToken"}:
        assert set(SCHEMAS[name]["required"]) == set(SCHEMAS[name]["properties"]), name


def _within(names: set[str]) -> set[str]:
    """The schemas that these refer to."""
    found: set[str] = set()
    for name in names:
        referred = set(re.findall(r"#/components/schemas/(\w+)", json.dumps(SCHEMAS[name])))
        found |= referred | _within(referred)
    return found


def test_anybody_from_anywhere_may_read_the_description(client: httpx.Client) -> None:
    answer = client.get("/v1/openapi.json", headers={"Origin": "https://elders.example"})
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json() == DOCUMENT


def test_nothing_else_is_open_to_other_origins(client: httpx.Client) -> None:
    for path in ("/v1/agencies", "/oauth/jwks", "/health/live", "/v1/nothing"):
        answer = client.get(path, headers={"Origin": "https://elders.example"})
        assert not [name for name in answer.headers if name.startswith("access-control")]
