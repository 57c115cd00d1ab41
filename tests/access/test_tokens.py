"""A token proves who asks, or it is a 401 like any other. A hostile one never brings the service down."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from fastapi import FastAPI
from httpx import Client, Response

from api.auth import tokens
from api.main import create_app
from api.settings import Settings, TrustedIssuer
from tests.access.signing import SigningKey, b64, claims_for, ec_key, hs256, rsa_key
from tests.conftest import serving
from tests.world import refused

NAME = "https://identity.example"
ONE_TOWN = "https://town.example"
KEY, EC_KEY, WEAK, TOWN_KEY, FOREIGN = rsa_key(), ec_key(), rsa_key(1024), rsa_key(), rsa_key()
WEAK_PADDED = WEAK.jwk | {"n": b64(bytes(200) + WEAK.private.public_key().public_numbers().n.to_bytes(128))}  # type: ignore[union-attr]
PEM = KEY.private.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
SURROGATE = b'"\\ud800x"'


def good(**more: Any) -> dict[str, Any]:
    return claims_for(NAME, **more)


def raw(**replaced: bytes) -> bytes:
    """The good claims as JSON, with some values that `json.dumps` would not write."""
    text = json.dumps(good()).encode()
    for name, value in replaced.items():
        before = json.dumps(good()[name]).encode()
        text = text.replace(b'"%s": %s' % (name.encode(), before), b'"%s": %s' % (name.encode(), value))
    return text


def unsigned(header: dict[str, Any], claims: Any, signature: str = "") -> str:
    return f"{b64(json.dumps(header).encode())}.{b64(json.dumps(claims).encode())}.{signature}"


def after(change: Callable[[str, str, str], str]) -> Callable[[], str]:
    return lambda: change(*KEY.sign(good()).split("."))


def said(**claims: Any) -> Callable[[], str]:
    return lambda: KEY.sign(good(**claims))


def written(**values: bytes) -> Callable[[], str]:
    return lambda: KEY.sign(raw(**values))


def headed(**header: Any) -> Callable[[], str]:
    return lambda: KEY.sign(good(), header)


NOW = int(time.time())
UUID_ = "6f0c2d1e-8a51-4b39-9d5f-0d5a5d0a3b11"
HOSTILE: dict[str, Callable[[], str]] = {
    # Claims that lack or lie
    **{f"no {name}": said(**{name: None}) for name in ("iss", "sub", "aud", "exp", "iat", "role", "municipality_code")},
    "expired": said(iat=NOW - 900, exp=NOW - 300),
    "never issued": said(iat=NOW + 86_400, exp=NOW + 86_400 + 60),
    "lives too long": said(exp=NOW + 13 * 3600),
    "ends before it starts": said(iat=NOW + 5, exp=NOW + 1),
    "not yet valid": said(nbf=NOW + 3600),
    "other audience": said(aud="elsewhere"),
    "other audiences": said(aud=["elsewhere", "spil.example"]),
    "audience of numbers": said(aud=[1, 2]),
    "audience an object": said(aud={"spil": 1}),
    "unknown issuer": said(iss="https://unknown.example"),
    "issuer a list": said(iss=[NAME]),
    "issuer an object": said(iss={"name": NAME}),
    "exp as text": said(exp=str(NOW + 600)),
    "exp with a fraction": said(exp=NOW + 600.5),
    "exp not a number": written(exp=b"NaN"),
    "exp infinite": written(exp=b"Infinity"),
    "exp of 400 digits": written(exp=b"9" * 400),
    "exp of 5000 digits": lambda: KEY.sign(raw(exp=b"9" * 3000)),
    "exp 1e999": written(exp=b"1e999"),
    "exp true": said(exp=True),
    "exp negative": said(exp=-1),
    "exp a list": said(exp=[NOW + 600]),
    "iat as text": said(iat=str(NOW)),
    "iat false": said(iat=False),
    "nbf as text": said(nbf="soon"),
    "sub a number": said(sub=7),
    "sub empty": said(sub=""),
    "sub long": said(sub="a" * 256),
    "sub a list": said(sub=["somebody"]),
    "sub with NUL": said(sub="some\x00body"),
    "sub with half a character": written(sub=SURROGATE),
    "sub with a line break": said(sub="some\nbody"),
    "role unknown": said(role="mayor"),
    "role of the clock": said(role="clock"),
    "role a list": said(role=["analyst"]),
    "role an object": said(role={"analyst": True}),
    "role in capitals": said(role="ANALYST"),
    "role with half a character": written(role=SURROGATE),
    "agency's system without agency": said(role="agency_system"),
    "professional without a person": said(role="professional", agency_id=UUID_),
    "professional without agency": said(role="professional", professional_id=UUID_),
    "family member without person": said(role="family_member"),
    "agency not a uuid": said(role="agency_system", agency_id="1 OR true"),
    "agency a number": said(role="agency_system", agency_id=1),
    "agency a list": said(role="agency_system", agency_id=[UUID_]),
    "agency null": written(role=b'"agency_system", "agency_id": null'),
    "municipality a number": said(municipality_code=1234),
    "municipality too long": said(municipality_code="00010"),
    "municipality with a line break": said(municipality_code="0001\n"),
    "municipality in other digits": said(municipality_code="٠٠٠١"),
    "claims twice": lambda: KEY.sign(json.dumps(good()).encode()[:-1] + b', "role": "privacy_officer"}'),
    "claims a list": lambda: KEY.sign([good()]),
    "claims a string": lambda: KEY.sign("claims"),
    "claims null": lambda: KEY.sign(b"null"),
    "claims no JSON": lambda: KEY.sign(b"{not json}"),
    "claims no UTF-8": lambda: KEY.sign(b'{"sub": "\xff\xfe"}'),
    "claims empty": lambda: KEY.sign(b"{}"),
    "claims nested deep": lambda: KEY.sign(b"[" * 4000),
    "claims objects nested deep": lambda: KEY.sign(b'{"a":' * 800 + b"1" + b"}" * 800),
    # Headers that lie
    "alg none": lambda: unsigned({"alg": "none", "typ": "JWT"}, good()),
    "alg none with a kid": lambda: unsigned({"alg": "none", "kid": KEY.kid}, good(), "AA"),
    "alg None": lambda: unsigned({"alg": "None", "kid": KEY.kid}, good(), "AA"),
    "HS256 by the public key": lambda: hs256(good(), PEM, {"kid": KEY.kid}),
    "HS256 by the modulus": lambda: hs256(good(), KEY.jwk["n"].encode(), {"kid": KEY.kid}),
    "HS256 by nothing": lambda: hs256(good(), b"", {"kid": KEY.kid}),
    "RSA called ES256": headed(alg="ES256"),
    "RSA called RS512": headed(alg="RS512"),
    "RSA called PS256": headed(alg="PS256"),
    "RSA under the kid of the EC key": headed(kid=EC_KEY.kid),
    "alg missing": headed(alg=None),
    "alg a list": headed(alg=["RS256"]),
    "kid missing": headed(kid=None),
    "kid unknown": headed(kid="unknown"),
    "kid empty": headed(kid=""),
    "kid a number": headed(kid=1),
    "kid a path": headed(kid="../../etc/passwd"),
    "kid with SQL": headed(kid="' OR '1'='1"),
    "kid with NUL": headed(kid=KEY.kid + "\x00"),
    "kid of another issuer": headed(kid=TOWN_KEY.kid),
    "unknown crit": headed(crit=["exp2"]),
    "crit b64": headed(crit=["b64"], b64=False),
    "key brought along": lambda: FOREIGN.sign(good(), {"kid": KEY.kid, "jwk": FOREIGN.jwk}),
    "address of a key": lambda: FOREIGN.sign(good(), {"jku": "https://evil.example/jwks"}),
    "address of a certificate": headed(x5u="https://evil.example/cert"),
    "certificate": headed(x5c=["AA"]),
    "zipped": headed(zip="DEF"),
    "encrypted": headed(enc="A256GCM"),
    "nested": headed(cty="JWT"),
    "typ of another token": headed(typ="logout+jwt"),
    "typ a number": headed(typ=1),
    "header twice": lambda: KEY.sign_raw(
        f'{{"alg":"none","alg":"RS256","kid":"{KEY.kid}"}}'.encode(), json.dumps(good()).encode()
    ),
    "header a list": lambda: KEY.sign_raw(b'["RS256"]', json.dumps(good()).encode()),
    "header no JSON": lambda: KEY.sign_raw(b"RS256", json.dumps(good()).encode()),
    # Signatures and shapes
    "key of another issuer": lambda: TOWN_KEY.sign(good()),
    "key of nobody under our kid": lambda: FOREIGN.sign(good(), {"kid": KEY.kid}),
    "key of 1024 bits": lambda: WEAK.sign(good()),
    "junk signature": after(lambda head, body, _: f"{head}.{body}.{b64(bytes(256))}"),
    "short signature": after(lambda head, body, sig: f"{head}.{body}.{sig[:-4]}"),
    "no signature": after(lambda head, body, _: f"{head}.{body}."),
    "two parts": after(lambda head, body, _: f"{head}.{body}"),
    "four parts": after(lambda head, body, sig: f"{head}.{body}.{sig}.{sig}"),
    "other claims": after(lambda head, _, sig: f"{head}.{b64(json.dumps(good(role='registrar')).encode())}.{sig}"),
    "truncated": after(lambda head, body, sig: f"{head}.{body}.{sig}"[:-1]),
    "padded": after(lambda head, body, sig: f"{head}.{body}.{sig}=="),
    "plus and slash": after(lambda head, body, sig: f"{head}.{body}.+/{sig[2:]}"),
    "oversized": lambda: KEY.sign(good(filler="x" * 12_000)),
    "long junk": lambda: "a" * 20_000 + ".b.c",
    "dots": lambda: "...",
    "one letter": lambda: "a",
    "space before": after(lambda head, body, sig: f" {head}.{body}.{sig}"),
    "tab within": after(lambda head, body, sig: f"{head}\t.{body}.{sig}"),
    "unicode whitespace": after(lambda head, body, sig: f"{head}.{body}.{sig}\u00a0"),
    "high bytes": lambda: "\u00ff\u00fe.\u00e9.\u00e9",
    "EC signature of zeros": lambda: ".".join([*EC_KEY.sign(good()).split(".")[:2], b64(bytes(64))]),
}


@pytest.fixture(scope="module")
def trusting(settings: Settings) -> Iterator[Client]:
    """The service, trusting two identity providers: one for everything, one for one town's registrars."""
    issuers = [
        TrustedIssuer(issuer=NAME, jwks={"keys": [KEY.jwk, EC_KEY.jwk, WEAK_PADDED]}),
        TrustedIssuer(issuer=ONE_TOWN, jwks={"keys": [TOWN_KEY.jwk]}, roles=["registrar"], municipality_code="0042"),
    ]
    app = create_app(settings.model_copy(update={"issuers": issuers}))
    with serving(app) as url, Client(base_url=url, timeout=30) as client:
        yield client


def ask(client: Client, token: str) -> Response:
    return client.get("/v1/agencies?limit=1", headers={"Authorization": f"Bearer {token}".encode("latin-1", "replace")})


def test_there_are_many_ways_to_lie() -> None:
    assert len(HOSTILE) >= 100


@pytest.mark.parametrize("lie", HOSTILE)
def test_a_hostile_token_is_a_401_like_any_other(trusting: Client, lie: str) -> None:
    answer = ask(trusting, HOSTILE[lie]())
    refused(answer, 401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
    same = ask(trusting, "nonsense")
    assert {**answer.json(), "instance": ""} == {**same.json(), "instance": ""}


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
    token = KEY.sign(good(iat=now - 60, exp=now - tokens.LEEWAY + 3))
    assert ask(trusting, token).status_code == 200
    while time.time() <= now + 4:
        time.sleep(0.1)
    for _ in range(3):
        refused(ask(trusting, token), 401, "unauthenticated")


def test_what_is_remembered_has_a_bound(app: FastAPI, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "REMEMBERED_AT_MOST", 5)
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
    monkeypatch.setattr(tokens, "REFETCH_EVERY", tokens.REFETCH_EVERY - seconds)


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
    pass_time(monkeypatch, tokens.REFETCH_EVERY)
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
    assert tokens.REFETCH_EVERY == 30


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
    pass_time(monkeypatch, tokens.REFETCH_EVERY)
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
    monkeypatch.setattr(tokens, "KEYS_FRESH_FOR", 0)
    pass_time(monkeypatch, tokens.REFETCH_EVERY)
    assert ask(client, stolen.sign(good(sub="thief"))).status_code == 401


def test_an_issuer_that_does_not_answer_costs_a_401_and_no_more(settings: Settings) -> None:
    issuer = TrustedIssuer(issuer=NAME, jwks_url="http://127.0.0.1:1/jwks")
    app = create_app(settings.model_copy(update={"issuers": [issuer]}))
    with serving(app) as url, Client(base_url=url) as client:
        refused(ask(client, KEY.sign(good())), 401, "unauthenticated")
