"""Each known way to learn of a hidden family, person or involvement is tried, and fails."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from httpx import Response

from tests.access import (
    oracles_of_families,
    oracles_of_fhir,
    oracles_of_grounds,
    oracles_of_shielding,
    oracles_of_subscriptions,
    oracles_on_the_wire,
)
from tests.access.oracles import ORACLES
from tests.access.scene import Scene
from tests.access.sweep import as_answered, without_names
from tests.world import World

KINDS = (
    oracles_of_families,
    oracles_of_fhir,
    oracles_on_the_wire,
    oracles_of_grounds,
    oracles_of_shielding,
    oracles_of_subscriptions,
)


@pytest.fixture(scope="module")
def scene(world: World) -> Scene:
    """One that is asked about: what somebody registers in vain can come to something later, for all who read it."""
    return Scene(world)


def heard(answer: Response, *, exact: bool) -> Any:
    """The answer, byte by byte; or but for ids, invented names and moments, and what is made of those."""
    status, headers, body, raw = as_answered(answer)
    if exact:
        return status, headers, body, raw
    headers = {name: value for name, value in headers.items() if name not in {"etag", "content-length"}}
    return without_names(json.dumps([status, headers, body]))


def test_there_are_at_least_25_of_them() -> None:
    assert len(ORACLES) >= 25
    assert {one.__module__ for one in ORACLES.values()} == {kind.__name__ for kind in KINDS}


@pytest.mark.parametrize("name", ORACLES)
def test_existence_is_not_told_by(name: str, world: World, scene: Scene) -> None:
    attempts = list(ORACLES[name](world, scene))
    assert attempts
    for attempt in attempts:
        assert attempt.hidden.status_code < 500, attempt.hidden.text
        hidden, missing = (heard(one, exact=attempt.exact) for one in (attempt.hidden, attempt.missing))
        assert hidden == missing, attempt.hidden.request.url
        if attempt.known is not None:
            assert heard(attempt.known, exact=False) != heard(attempt.missing, exact=False), "This could not have told."


NAMED = {
    "eventId": "a replay of an event of a hidden family",
    "familyIds": "a subscription that names a hidden family",
    "familyId": "foreign key: a hidden family named as where a member moves to",
    "intoFamilyId": "foreign key: a hidden family named as the one to merge into",
    "intoPersonId": "foreign key: a hidden person named as a member",
    "givenByMemberId": "a hidden member, named in a consent or a measure",
    "measureId": "a measure, a consent or a hold of a hidden family",
    "memberId": "a hidden member, named in a consent or a measure",
    "personId": "foreign key: a hidden person named as a member",
    "registrationId": "a match of another municipality, by id, and a registration or person named in it",
    "toMemberId": "a hidden member, named in a consent or a measure",
}
"""Every id of what can be hidden that a body or a query can name, and the oracle that names one."""
KNOWN_TO_ALL = {"agencyId", "professionalId", "successorId", "coverId", "on_behalf_of"}
"""These name what is in the directory, which is open to every role that works here."""


def test_every_id_that_can_be_named_is_tried(app: FastAPI) -> None:
    """A new field of the API that names something needs an attempt of its own."""
    description = app.openapi()
    asked = [description["components"]["schemas"][name] for name in bodies(description)]
    fields = {name: field for schema in asked for name, field in schema.get("properties", {}).items()}
    found = {name for name, field in fields.items() if "uuid" in json.dumps(field)}
    found |= {name for name, schema in queries(description) if "uuid" in json.dumps(schema)}
    assert found == set(NAMED) | KNOWN_TO_ALL
    assert set(NAMED.values()) <= set(ORACLES)


def bodies(description: dict[str, Any]) -> set[str]:
    """The schemas of all bodies, with those inside them."""
    text = json.dumps(
        [
            one.get("requestBody")
            for path in description["paths"].values()
            for one in path.values()
            if isinstance(one, dict)
        ]
    )
    found: set[str] = set()
    while new := {name for name in description["components"]["schemas"] if f'schemas/{name}"' in text} - found:
        found |= new
        text += json.dumps([description["components"]["schemas"][name] for name in new])
    return found


def queries(description: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for path in description["paths"].values():
        for operation in path.values():
            for one in operation.get("parameters", []) if isinstance(operation, dict) else []:
                if one["in"] == "query":
                    yield one["name"], one["schema"]
