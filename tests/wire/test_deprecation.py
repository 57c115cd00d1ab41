"""A route that is to go says so on every answer, and in the description."""

from collections.abc import Iterator
from datetime import date

import httpx
import pytest
from fastapi import FastAPI

from api.auth.calls import Call
from api.auth.guards import Routes
from api.auth.policy import Permission
from api.main import create_app
from api.openapi import Deprecation
from api.settings import Settings
from api.shapes import Out
from tests.conftest import serving
from tests.world import World

TOLD_AT = "https://spil.example/changes#old-weather"
GOES = Deprecation(since=date(2026, 12, 1), sunset=date(2027, 12, 1), told_at=TOLD_AT)
routes = Routes("Access")


class WeatherOut(Out):
    """What it is like outside."""

    sky: str


@routes.get("/old-weather", Permission.DIRECTORY_READ, deprecation=GOES)
def get_old_weather(call: Call) -> WeatherOut:
    """Look outside."""
    return WeatherOut(sky="blue")


@routes.get("/new-weather", Permission.DIRECTORY_READ)
def get_new_weather(call: Call) -> WeatherOut:
    """Look outside again."""
    return WeatherOut(sky="blue")


@pytest.fixture(scope="module")
def app(settings: Settings) -> FastAPI:
    app = create_app(settings)
    app.include_router(routes.router, prefix="/v1")
    return app


@pytest.fixture(scope="module")
def world(app: FastAPI) -> Iterator[World]:
    with serving(app) as base_url, httpx.Client(base_url=base_url) as client:
        world = World(app, client)
        yield world
        world.close()


def test_it_says_since_when_until_when_and_where_to_read_on(world: World) -> None:
    answers = [world.as_(world.registrar).get("/old-weather"), world.client.get("/v1/old-weather")]
    assert [answer.status_code for answer in answers] == [200, 401]
    for answer in answers:
        assert answer.headers["Deprecation"] == "@1796083200"
        assert answer.headers["Sunset"] == "Wed, 01 Dec 2027 00:00:00 GMT"
        assert f'<{TOLD_AT}>; rel="deprecation"' in answer.headers["Link"]
        assert f'<{TOLD_AT}>; rel="sunset"' in answer.headers["Link"]


def test_what_stays_says_nothing_of_the_kind(world: World) -> None:
    answer = world.as_(world.registrar).get("/new-weather")
    assert answer.status_code == 200
    assert not {"deprecation", "sunset", "link"} & set(answer.headers)


def test_the_description_says_it_too(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.openapi.complete", lambda operation, titles: None, raising=False)
    paths = app.openapi()["paths"]
    old, new = paths["/old-weather"]["get"], paths["/new-weather"]["get"]
    assert old["deprecated"] is True
    assert {"Deprecation", "Sunset"} <= set(old["responses"]["200"]["headers"])
    assert "deprecated" not in new
    assert not {"Deprecation", "Sunset"} & set(new["responses"]["200"]["headers"])
