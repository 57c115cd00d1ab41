"""A token proves who asks, or it is a 401 like any other. A hostile one never brings the service down."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from fastapi import FastAPI
from httpx import Client, Response
from sqlmodel import func, select
from structlog.testing import capture_logs

from api.auth import issuers, proofs, tokens
from api.domain.models import AuditRecord
from api.main import create_app
from api.settings import Settings
from api.trust import TrustedIssuer
from tests.access.hostile import EC_KEY, FOREIGN, HOSTILE, KEY, NAME, ONE_TOWN, TOWN_KEY, UUID_, WEAK, WEAK_PADDED, good
from tests.access.hostile_variants import VARIANTS
from tests.access.signing import SigningKey, claims_for, ec_key, rsa_key
from tests.access.systems import TYPE
from tests.conftest import serving
from tests.world import World, refused


@pytest.fixture(scope="module")
def trusting(settings: Settings) -> Iterator[Client]:
    """The service, trusting two identity providers: one for everything, one for one town's registrars."""
    trusted = [
        TrustedIssuer(issuer=NAME, jwks={"keys": [KEY.jwk, EC_KEY.jwk, WEAK_PADDED]}),
        TrustedIssuer(issuer=ONE_TOWN, jwks={"keys": [TOWN_KEY.jwk]}, roles=["registrar"], municipality_codes=["0042"]),
    ]
    app = create_app(settings.model_copy(update={"issuers": trusted}))
    with serving(app) as url, Client(base_url=url, timeout=30) as client:
        yield client


def ask(client: Client, token: str) -> Response:
    return client.get("/v1/agencies?limit=1", headers={"Authorization": f"Bearer {token}".encode("latin-1", "replace")})


LIES = HOSTILE | VARIANTS


def test_there_are_many_ways_to_lie() -> None:
    assert len(LIES) == len(HOSTILE) + len(VARIANTS) >= 350


@pytest.mark.parametrize("lie", LIES)
def test_a_hostile_token_is_a_401_like_any_other(trusting: Client, lie: str) -> None:
    answer = ask(trusting, LIES[lie]())
    refused(answer, 401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
    same = ask(trusting, "nonsense")
    assert {**answer.json(), "instance": ""} == {**same.json(), "instance": ""}


@pytest.mark.parametrize("lie", LIES)
def test_a_hostile_token_is_no_assertion_either(trusting: Client, lie: str) -> None:
    form = {"grant_type": "client_credentials", "client_assertion_type": TYPE, "client_assertion": LIES[lie]()}
    answer = trusting.post("/oauth/token", data=form)
    assert answer.status_code in {400, 401}, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_who_is_refused_leaves_nothing_behind(world: World, trusting: Client) -> None:
    """No record, no log: a token that proves nothing says nothing of anybody either."""
    with world.session() as session:
        before = session.exec(select(func.count()).select_from(AuditRecord)).one()
        with capture_logs() as logged:
            for lie in LIES.values():
                assert ask(trusting, lie()).status_code == 401
        assert session.exec(select(func.count()).select_from(AuditRecord)).one() == before
    assert logged == []


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Basic YTpi", "Token a.b.c", "a.b.c"])
def test_without_a_bearer_token_nothing_is_answered(trusting: Client, authorization: str | None) -> None:
    answer = trusting.get("/v1/agencies", headers={"Authorization": authorization} if authorization else {})
    refused(answer, 401, "unauthenticated")


@pytest.mark.parametrize(
    "token",
    [
        lambda: KEY.sign(good()),
        lambda: EC_KEY.sign(good()),
        lambda: KEY.sign(good(aud=["other", "spil"])),
        lambda: KEY.sign(good(), {"typ": "at+jwt"}),
        lambda: KEY.sign(good(), {"typ": None}),
        lambda: KEY.sign(good(), {"x5t": "AAAA"}),
        lambda: KEY.sign(good(unknown={"claim": [1, None]})),
    ],
)
def test_a_good_token_is_taken(trusting: Client, token: Callable[[], str]) -> None:
    assert ask(trusting, token()).status_code == 200


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({"role": "registrar", "municipality_code": "0042"}, 200),
        ({"role": "registrar", "municipality_code": "0043"}, 401),
        ({"role": "privacy_officer", "municipality_code": "0042"}, 401),
        ({"role": "platform_administrator"}, 401),
        ({"role": "agency_system", "agency_id": UUID_}, 401),
    ],
)
def test_an_issuer_speaks_only_for_its_roles_and_its_municipality(
    trusting: Client, claims: dict[str, str], status: int
) -> None:
    assert ask(trusting, TOWN_KEY.sign(claims_for(ONE_TOWN, **claims))).status_code == status


def test_a_token_that_was_taken_before_is_refused_once_it_has_expired(trusting: Client) -> None:
    """Within the leeway it still is taken, and remembered; what is remembered dies with the token."""
    now = int(time.time())
    token = KEY.sign(good(iat=now - 60, exp=now - tokens.LEEWAY + 6))
    assert ask(trusting, token).status_code == 200
    while time.time() <= now + 7:
        time.sleep(0.1)
    for _ in range(3):
        refused(ask(trusting, token), 401, "unauthenticated")


def test_what_is_remembered_has_a_bound(app: FastAPI, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proofs, "REMEMBERED_AT_MOST", 5)
    own = app.state.own_issuer
    key = SigningKey(
        serialization.load_pem_private_key(app.state.settings.signing_key.get_secret_value().encode(), None)
    )  # type: ignore[arg-type]
    for number in range(20):
        token = key.sign(claims_for(own.issuer, sub=f"analyst {number}"), {"kid": own.kid})
        assert ask(client, token).status_code == 200
    assert len(app.state.authenticator._remembered) <= 5


class Provider:
    """An identity provider that publishes its keys on a local port."""

    def __init__(self) -> None:
        self.body: bytes = b"{}"
        self.status, self.asked = 200, 0

    def publishes(self, *keys: SigningKey) -> None:
        self.status, self.body = 200, json.dumps({"keys": [key.jwk for key in keys]}).encode()


@contextmanager
def published(provider: Provider) -> Iterator[str]:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            provider.asked += 1
            self.send_response(provider.status)
            self.send_header("Content-Length", str(len(provider.body)))
            self.end_headers()
            self.wfile.write(provider.body)

        def log_message(self, *_: object) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/jwks"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def provider() -> Iterator[tuple[Provider, str]]:
    known = Provider()
    with published(known) as url:
        yield known, url


@pytest.fixture
def by_url(settings: Settings, provider: tuple[Provider, str]) -> Iterator[tuple[Provider, Client]]:
    """The service, trusting a provider by the address of its keys."""
    known, url = provider
    app = create_app(settings.model_copy(update={"issuers": [TrustedIssuer(issuer=NAME, jwks_url=url)]}))
    with serving(app) as base_url, httpx.Client(base_url=base_url, timeout=30) as client:
        yield known, client


def pass_time(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Let the age of fetched keys seem longer, by asking less of it."""
    monkeypatch.setattr(issuers, "REFETCH_EVERY", issuers.REFETCH_EVERY - seconds)


def test_keys_come_from_the_issuers_address_and_rotate(
    by_url: tuple[Provider, Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    provider, client = by_url
    old, new = rsa_key(), ec_key()
    provider.publishes(old)
    assert ask(client, old.sign(good())).status_code == 200
    assert ask(client, new.sign(good())).status_code == 401, "not published yet"
    provider.publishes(old, new)
    assert ask(client, new.sign(good())).status_code == 401, "not asked for again within half a minute"
    assert provider.asked == 1
    pass_time(monkeypatch, issuers.REFETCH_EVERY)
    assert ask(client, new.sign(good())).status_code == 200
    assert ask(client, old.sign(good(sub="else"))).status_code == 200
    assert provider.asked == 2


def test_unknown_keys_dont_have_the_issuer_asked_more_than_once_in_half_a_minute(
    by_url: tuple[Provider, Client],
) -> None:
    provider, client = by_url
    provider.publishes(KEY)
    for _ in range(30):
        assert ask(client, FOREIGN.sign(good(), {"kid": "unknown"})).status_code == 401
    assert provider.asked == 1
    assert ask(client, KEY.sign(good())).status_code == 200
    assert issuers.REFETCH_EVERY == 30


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b"{}"),
        (404, b"not found"),
        (302, b""),
        (200, b"<html>"),
        (200, b"[]"),
        (200, b'"text"'),
        (200, b"null"),
        (200, b'{"keys": null}'),
        (200, b'{"keys": [1, "a", null, {}, {"kty": ["RSA"], "kid": "a"}]}'),
        (200, b'{"keys": [{"kty": "RSA", "kid": "a", "n": "!!", "e": "AQAB"}]}'),
        (200, b'{"keys": [{"kty": "EC", "crv": "P-256", "kid": "a", "x": "AA", "y": "AA"}]}'),
        (200, b"[" * 100_000),
        (200, b"\xff\xfe"),
    ],
)
def test_when_fetching_fails_the_known_keys_stay(
    by_url: tuple[Provider, Client], monkeypatch: pytest.MonkeyPatch, status: int, body: bytes
) -> None:
    provider, client = by_url
    provider.publishes(KEY)
    assert ask(client, KEY.sign(good())).status_code == 200
    provider.status, provider.body = status, body
    pass_time(monkeypatch, issuers.REFETCH_EVERY)
    assert ask(client, FOREIGN.sign(good())).status_code == 401
    assert provider.asked == 2
    assert ask(client, KEY.sign(good(sub="else"))).status_code == 200


def test_a_bad_key_beside_a_good_one_takes_nothing_down(by_url: tuple[Provider, Client]) -> None:
    provider, client = by_url
    provider.body = json.dumps({"keys": [{"kty": "RSA"}, 7, WEAK.jwk, KEY.jwk, FOREIGN.private_jwk]}).encode()
    assert ask(client, KEY.sign(good())).status_code == 200
    assert ask(client, WEAK.sign(good())).status_code == 401
    assert ask(client, FOREIGN.sign(good())).status_code == 401


def test_a_key_that_the_issuer_took_back_loses_its_force(
    by_url: tuple[Provider, Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    provider, client = by_url
    stolen, fresh = rsa_key(), rsa_key()
    provider.publishes(stolen)
    assert ask(client, stolen.sign(good())).status_code == 200
    provider.publishes(fresh)
    monkeypatch.setattr(issuers, "KEYS_FRESH_FOR", 0)
    pass_time(monkeypatch, issuers.REFETCH_EVERY)
    assert ask(client, stolen.sign(good(sub="thief"))).status_code == 401


def test_an_issuer_that_does_not_answer_costs_a_401_and_no_more(settings: Settings) -> None:
    issuer = TrustedIssuer(issuer=NAME, jwks_url="http://127.0.0.1:1/jwks")
    app = create_app(settings.model_copy(update={"issuers": [issuer]}))
    with serving(app) as url, Client(base_url=url) as client:
        refused(ask(client, KEY.sign(good())), 401, "unauthenticated")
