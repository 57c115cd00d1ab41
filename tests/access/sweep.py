"""What the sweeps over all routes have in common."""

import json
import re
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from fastapi import FastAPI
from fastapi.routing import APIRoute
from httpx import Response

from api.openapi import routes_of
from tests.access.scene import Scene
from tests.wire.operations import OPERATIONS, a_body
from tests.world import Caller

UNDER = "/v1/families/{familyId}"


def routes_under_a_family(app: FastAPI) -> list[APIRoute]:
    found = [route for route in routes_of(app) if route.path.startswith(UNDER)]
    assert len(found) >= 38, "The walk over the routes has missed some."
    return found


TRACE = re.compile(rb"urn:trace:[0-9a-f]{32}")


def as_answered(answer: Response) -> tuple[int, dict[str, str], Any, bytes]:
    """The whole answer, read and byte by byte, but for what names this very answer: its date and its trace."""
    headers = {name: value for name, value in answer.headers.items() if name != "date"}
    body = answer.json() if answer.content else None
    if isinstance(body, dict) and "instance" in body:
        assert TRACE.fullmatch(body.pop("instance").encode())
    if isinstance(body, dict) and body.get("resourceType") == "OperationOutcome":
        body = json.loads(TRACE.sub(b"", answer.content))
    raw = [b"%b: %b" % pair for pair in answer.headers.raw if pair[0].lower() != b"date"]
    return answer.status_code, headers, body, b"\n".join([*raw, TRACE.sub(b"", answer.content)])


class Names(dict[str, str]):
    """What fills the path of a route: what the scene has; an id of nothing where it has none."""

    def __missing__(self, name: str) -> str:
        return str(uuid4())


def path_of(route: APIRoute, names: Mapping[str, str]) -> str:
    return route.path.removeprefix("/v1").format_map(Names(names))


def body_of(scene: Scene, route: APIRoute) -> Any:
    """A valid body: the scene's own, or the least that the description of the API asks for."""
    [method] = route.methods
    if own := scene.body_for(method, route.path):
        return own
    [operation] = [one for one in OPERATIONS if (one.method, one.path) == (method, route.path)]
    return a_body(operation) if operation.body else None


def sent(
    scene: Scene, caller: Caller, route: APIRoute, names: Mapping[str, str], headers: Mapping[str, str], how: str = ""
) -> Response:
    """The answer of a route with these ids in its path, to a valid body; or to an `empty` one."""
    [method] = route.methods
    body = body_of(scene, route)
    if how == "empty":
        body = {} if body else None
    return caller.call(method, path_of(route, names), json=body, headers=dict(headers))


MOMENT = re.compile(r"\d{4}-\d\d-\d\dT[0-9:.]+(\+00:00|Z)?")
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\b[0-9a-f]{32}\b")
NAME = re.compile(r"(Instantie|Medewerker|Familie|Gemeente) [0-9a-f]+")


def without_names(text: str) -> str:
    """The same for two families alike: ids, invented names and moments by the order in which they first come."""
    for pattern in (MOMENT, ID, NAME):
        known: dict[str, str] = {}
        text = pattern.sub(lambda match, known=known: known.setdefault(match[0], f"#{len(known)}"), text)  # type: ignore[misc]
    return text
