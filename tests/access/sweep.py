"""What the sweeps over all routes have in common."""

from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from httpx import Response

from api.openapi import routes_of

UNDER = "/v1/families/{familyId}"


def routes_under_a_family(app: FastAPI) -> list[APIRoute]:
    found = [route for route in routes_of(app) if route.path.startswith(UNDER)]
    assert len(found) >= 38, "The walk over the routes has missed some."
    return found


def as_answered(answer: Response) -> tuple[int, dict[str, str], Any]:
    """The whole answer, but for what names this very answer."""
    headers = {name: value for name, value in answer.headers.items() if name != "date"}
    body = answer.json() if answer.content else None
    if isinstance(body, dict) and "instance" in body:
        assert len(body.pop("instance")) == len("urn:trace:") + 32
    return answer.status_code, headers, body
