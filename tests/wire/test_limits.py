"""Who asks too much waits; what is left is said, and says nothing of any family."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from uuid import uuid4

import httpx
import pytest

from api.limits import MINUTE, Limit, address_of
from api.main import create_app
from api.settings import Settings
from tests.conftest import serving
from tests.wire.answers import is_problem
from tests.wire.operations import APP
from tests.world import World

Serve = Callable[..., World]


@pytest.fixture
def limited(settings: Settings) -> Iterator[Serve]:
    """The service with limits of its own."""
    with ExitStack() as stack:

        def serve(**limits: object) -> World:
            app = create_app(settings.model_copy(update=limits))
            client = stack.enter_context(httpx.Client(base_url=stack.enter_context(serving(app)), timeout=30))
            world = World(app, client)
            stack.callback(world.close)
            return world

        yield serve


def test_a_client_that_asks_too_much_waits_and_the_others_do_not(limited: Serve) -> None:
    world = limited(rate_limit=3)
    one, other = world.as_(world.registrar), world.as_(world.officer())
    answers = [one.get("/agencies") for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    left = [re.fullmatch(r'"client";r=(\d+);t=(\d+)', answer.headers["RateLimit"]) for answer in answers]
    assert [int(found[1]) for found in left if found] == [2, 1, 0, 0, 0]
    assert {answer.headers["RateLimit-Policy"] for answer in answers} == {'"client";q=3;w=60'}
    is_problem(answers[-1], 429)
    assert answers[-1].json()["code"] == "too_many_requests"
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= MINUTE
    assert other.get("/agencies").status_code == 200


def test_a_hidden_family_counts_as_one_that_is_not_there(limited: Serve) -> None:
    world = limited(rate_limit=4)
    stranger = world.as_(world.system(world.an_agency()))
    paths = [f"/families/{one}/who-is-involved" for one in (world.a_family().id, uuid4(), world.a_family().id, uuid4())]
    answers = [stranger.get(path) for path in paths]
    assert [answer.status_code for answer in answers] == [404] * 4
    assert [answer.headers["RateLimit"].split(";")[1] for answer in answers] == ["r=3", "r=2", "r=1", "r=0"]
    refused = [stranger.get(path) for path in paths[:2]]
    assert {(one.status_code, one.headers["RateLimit-Policy"]) for one in refused} == {(429, '"client";q=4;w=60')}


def test_who_proves_nothing_is_counted_by_address(limited: Serve) -> None:
    world = limited(address_rate_limit=3, rate_limit=0)
    guess = {"Authorization": "Bearer junk"}
    statuses = [world.client.get("/v1/agencies", headers=guess).status_code for _ in range(5)]
    assert statuses == [401, 401, 401, 429, 429]
    form = {"grant_type": "client_credentials", "client_assertion_type": "x", "client_assertion": "x"}
    answer = world.client.post("/oauth/token", data=form)
    is_problem(answer, 429)
    assert answer.headers["RateLimit-Policy"] == '"address";q=3;w=60'
    honest = world.as_(world.registrar).get("/agencies")
    assert honest.status_code == 200, "Whoever proves who they are isn't kept out by a neighbour's guesses."
    assert "RateLimit" not in honest.headers


def test_behind_our_own_proxy_the_address_is_what_the_proxy_says(limited: Serve) -> None:
    world = limited(address_rate_limit=1, proxies=["127.0.0.1"])
    answers = [
        world.client.get("/v1/agencies", headers={"X-Forwarded-For": chain}).status_code
        for chain in ("198.51.100.1", "198.51.100.1", "198.51.100.2", "198.51.100.9, 198.51.100.2")
    ]
    assert answers == [401, 429, 401, 429]


@pytest.mark.parametrize(
    ("forwarded_for", "proxies", "address"),
    [
        ("198.51.100.1", [], "192.0.2.1"),
        ("198.51.100.1", ["192.0.2.1"], "198.51.100.1"),
        ("203.0.113.5, 198.51.100.1", ["192.0.2.1"], "198.51.100.1"),
        ("203.0.113.5, 192.0.2.2", ["192.0.2.1", "192.0.2.2"], "203.0.113.5"),
        ("", ["192.0.2.1"], "192.0.2.1"),
    ],
)
def test_an_address_is_believed_from_our_own_proxies_only(forwarded_for: str, proxies: list[str], address: str) -> None:
    assert address_of("192.0.2.1", forwarded_for, proxies) == address


def test_a_new_minute_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("api.limits.monotonic", lambda: now)
    limit = Limit("client", 1)
    counted = [limit.count("a"), limit.count("a")]
    now += MINUTE
    counted.append(limit.count("a"))
    assert [one.refused for one in counted if one] == [False, True, False]
    assert Limit("client", 0).count("a") is None


def test_every_operation_says_that_there_is_a_limit() -> None:
    document = APP.openapi()
    operations = [one for path in document["paths"].values() for method, one in path.items() if method != "servers"]
    without = [one["operationId"] for one in operations if "429" not in one["responses"]]
    assert without == ["getJwks"]
    headers = document["components"]["responses"]["Problem429"]["headers"]
    assert {"Retry-After", "RateLimit", "RateLimit-Policy"} <= set(headers)
