"""An agency's system is registered with its public keys, and gets tokens for assertions it signs with them."""

import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx
import pytest
from httpx import Client
from sqlmodel import select

from api.domain import agencies
from api.domain.codes import EventType
from api.domain.models import Agency, Event
from tests.access.signing import ec_key, rsa_key
from tests.access.systems import TYPE, System
from tests.world import World, refused

KEYS = {"RS256": rsa_key(), "ES256": ec_key()}
OTHER = rsa_key()


@pytest.fixture(scope="module")
def system(world: World) -> System:
    return System(world, *KEYS.values())


@pytest.mark.parametrize("algorithm", KEYS)
def test_a_signed_assertion_gives_a_token_that_works(world: World, system: System, algorithm: str) -> None:
    answer = system.ask(KEYS[algorithm].sign(system.claims()))
    assert answer.status_code == 200, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json() | {"access_token": ""} == {"access_token": "", "token_type": "Bearer", "expires_in": 900}
    family = world.a_family()
    world.an_involvement(family, system.agency)
    bearer = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    assert system.http.get(f"/v1/families/{family.id}/who-is-involved", headers=bearer).status_code == 200
    other = world.a_family()
    assert system.http.get(f"/v1/families/{other.id}/who-is-involved", headers=bearer).status_code == 404


UNTRUSTED: dict[str, Callable[[System], str]] = {
    "other audience": lambda one: one.assertion(aud="https://elsewhere.example/token"),
    "audience of access tokens": lambda one: one.assertion(aud="spil"),
    "no audience": lambda one: one.assertion(aud=None),
    "expired": lambda one: one.assertion(iat=int(time.time()) - 400, exp=int(time.time()) - 200),
    "lives over five minutes": lambda one: one.assertion(exp=int(time.time()) + 310),
    "from the future": lambda one: one.assertion(iat=int(time.time()) + 200, exp=int(time.time()) + 300),
    "no expiry": lambda one: one.assertion(exp=None),
    "no issue time": lambda one: one.assertion(iat=None),
    "no jti": lambda one: one.assertion(jti=None),
    "empty jti": lambda one: one.assertion(jti=""),
    "jti a number": lambda one: one.assertion(jti=7),
    "jti with NUL": lambda one: one.assertion(jti="a\x00"),
    "jti with half a character": lambda one: one.assertion(jti="\ud800"),
    "jti too long": lambda one: one.assertion(jti="x" * 256),
    "unknown client": lambda one: one.assertion(iss=str(uuid4()), sub=str(uuid4())),
    "client with NUL": lambda one: one.assertion(iss="\x00", sub="\x00"),
    "client with half a character": lambda one: one.assertion(iss="\ud800", sub="\ud800"),
    "client a list": lambda one: one.assertion(iss=[one.id]),
    "no client": lambda one: one.assertion(iss=None),
    "for somebody else": lambda one: one.assertion(sub=str(uuid4())),
    "other key": lambda one: OTHER.sign(one.claims()),
    "other key under its name": lambda one: OTHER.sign(one.claims(), {"kid": one.key.kid}),
    "no kid": lambda one: one.key.sign(one.claims(), {"kid": None}),
    "brings its key": lambda one: OTHER.sign(one.claims(), {"jwk": OTHER.jwk}),
    "no JSON": lambda one: one.key.sign(b"claims"),
    "no token": lambda _: "assertion",
    "too long": lambda _: "a" * 5000,
    "empty": lambda _: "",
    "cut off": lambda one: one.assertion()[:-3],
    "line break at the end": lambda one: one.assertion() + "\n",
    "an access token": lambda one: one.world.as_(one.world.system(one.agency)).token,
}


@pytest.mark.parametrize("lie", UNTRUSTED)
def test_an_assertion_that_proves_nothing_is_refused_in_one_way(system: System, lie: str) -> None:
    answer = system.ask(UNTRUSTED[lie](system))
    if lie == "empty":
        refused(answer, 400, "invalid")
        return
    refused(answer, 401, "invalid_client")
    same = system.ask(OTHER.sign(system.claims()))
    assert {**answer.json(), "instance": ""} == {**same.json(), "instance": ""}


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"grant_type": None}, "invalid"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "client_credentials\x00"}, "unsupported_grant_type"),
        ({"client_assertion_type": None}, "invalid"),
        ({"client_assertion_type": "basic"}, "invalid_client"),
        ({"client_assertion": None}, "invalid"),
    ],
)
def test_a_request_for_a_token_is_complete_and_of_the_one_kind(
    system: System, form: dict[str, str | None], code: str
) -> None:
    refused(system.ask(system.assertion(), **form), 400, code)


@pytest.mark.parametrize(
    "sent",
    [
        {"json": {"grant_type": "client_credentials"}},
        {"content": b"grant_type=client_credentials", "headers": {"Content-Type": "text/plain"}},
        {"content": b"\xff\xfe\x00", "headers": {"Content-Type": "application/x-www-form-urlencoded"}},
        {"content": b"--x", "headers": {"Content-Type": "multipart/form-data"}},
        {},
    ],
)
def test_what_is_no_form_is_refused(system: System, sent: dict[str, Any]) -> None:
    answer = system.http.post("/oauth/token", **sent)
    assert answer.status_code in {400, 415}
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_an_assertion_counts_once(system: System) -> None:
    assertion = system.assertion()
    assert system.ask(assertion).status_code == 200
    refused(system.ask(assertion), 401, "invalid_client")
    jti = secrets.token_hex(8)
    assert system.ask(system.assertion(jti=jti)).status_code == 200
    refused(system.ask(system.assertion(jti=jti)), 401, "invalid_client")


def test_sent_by_many_at_once_an_assertion_counts_once(system: System) -> None:
    url = str(system.http.base_url)
    for _ in range(5):
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": TYPE,
            "client_assertion": system.assertion(),
        }
        with ThreadPoolExecutor(16) as many:
            sent = [many.submit(httpx.post, f"{url}/oauth/token", data=form, timeout=30) for _ in range(16)]
            answers = sorted(one.result().status_code for one in sent)
        assert answers == [200] + [401] * 15


def test_the_jti_of_one_client_is_free_for_another(world: World, system: System) -> None:
    jti = secrets.token_hex(8)
    other = System(world, ec_key())
    assert system.ask(system.assertion(jti=jti)).status_code == 200
    assert other.ask(other.assertion(jti=jti)).status_code == 200


def test_one_clients_key_gives_no_token_for_another(world: World, system: System) -> None:
    other = System(world, ec_key())
    refused(system.ask(other.key.sign(system.claims())), 401, "invalid_client")


def test_a_deactivated_client_gets_no_tokens(world: World) -> None:
    system = System(world, ec_key())
    assert system.ask(system.assertion()).status_code == 200
    done = system.administrator.post(f"/clients/{system.id}/_deactivate")
    assert (done.status_code, done.json()["active"]) == (200, False)
    refused(system.ask(system.assertion()), 401, "invalid_client")
    refused(system.administrator.post(f"/clients/{system.id}/_deactivate"), 409, "conflict")
    with world.session() as session:
        told = session.exec(select(Event.type).where(Event.about == system.id)).all()
    assert sorted(told) == [EventType.CLIENT_DEACTIVATED, EventType.CLIENT_REGISTERED]


def test_an_inactive_agencys_client_gets_no_tokens(world: World) -> None:
    system = System(world, ec_key())
    world.do(lambda work: agencies.change(work, work.session.get_one(Agency, system.agency.id), active=False))
    refused(system.ask(system.assertion()), 401, "invalid_client")


def test_a_client_is_registered_listed_and_read(world: World, system: System) -> None:
    location = system.registered.headers["Location"].removeprefix("/v1")
    assert system.administrator.get(location).json() == system.registered.json()
    assert system.registered.json()["keyIds"] == [key.kid for key in KEYS.values()]
    listed = system.administrator.get("/clients", params={"agencyId": str(system.agency.id)}).json()["items"]
    assert listed == [system.registered.json()]
    first = system.administrator.get("/clients", params={"limit": 1})
    assert len(first.json()["items"]) == 1
    System(world, ec_key())
    following = system.administrator.get("/clients", params={"limit": 1}).json()["nextCursor"]
    assert system.administrator.get("/clients", params={"cursor": following}).json()["items"]
    refused(system.administrator.get(f"/clients/{uuid4()}"), 404, "not_found")


def test_only_the_platform_administrator_registers_clients(world: World, system: System) -> None:
    for actor in (world.registrar, world.system(system.agency), world.officer()):
        caller = world.as_(actor)
        refused(caller.get("/clients"), 403, "role_lacking")
        refused(caller.get(f"/clients/{system.id}"), 403, "role_lacking")
        refused(caller.post(f"/clients/{system.id}/_deactivate"), 403, "role_lacking")
    body = {"agencyId": str(system.agency.id), "name": "x", "jwks": {"keys": [OTHER.jwk]}}
    refused(world.as_(world.system(system.agency)).post("/clients", body), 403, "role_lacking")


BAD_KEYS: dict[str, list[Any]] = {
    "none": [],
    "private": [OTHER.private_jwk],
    "private EC": [ec_key().private_jwk],
    "a public and a private one": [OTHER.jwk, ec_key().private_jwk],
    "1024 bits": [rsa_key(1024).jwk],
    "1024 bits that look like more": [rsa_key(1024).jwk | {"n": "A" * 300 + rsa_key(1024).jwk["n"]}],
    "exponent one": [OTHER.jwk | {"e": "AQ"}],
    "other curve": [ec_key().jwk | {"crv": "P-384"}],
    "not on the curve": [ec_key().jwk | {"x": "AAAA"}],
    "symmetric": [{"kty": "oct", "k": "AAAA", "kid": "a"}],
    "without a name": [{name: value for name, value in OTHER.jwk.items() if name != "kid"}],
    "one name twice": [OTHER.jwk, ec_key().jwk | {"kid": OTHER.kid}],
    "for encryption": [OTHER.jwk | {"use": "enc"}],
    "other algorithm": [OTHER.jwk | {"alg": "PS256"}],
    "algorithm of another kind": [OTHER.jwk | {"alg": "ES256"}],
    "incomplete": [{"kty": "RSA", "kid": "a", "e": "AQAB"}],
    "no key": [7],
    "too many": [ec_key().jwk for _ in range(6)],
}


@pytest.mark.parametrize("what", BAD_KEYS)
def test_a_key_that_is_private_or_weak_is_refused_and_not_echoed(system: System, what: str) -> None:
    body = {"agencyId": str(system.agency.id), "name": "Dossier", "jwks": {"keys": BAD_KEYS[what]}}
    answer = system.administrator.post("/clients", body)
    refused(answer, 400, "invalid")
    secret = [key["d"] for key in BAD_KEYS[what] if isinstance(key, dict) and "d" in key]
    assert not any(one in answer.text for one in secret)


def test_an_unknown_agency_has_no_client(system: System) -> None:
    body = {"agencyId": str(uuid4()), "name": "Dossier", "jwks": {"keys": [OTHER.jwk]}}
    refused(system.administrator.post("/clients", body), 400, "invalid")


def test_the_public_keys_of_spils_own_issuer_are_there_for_anyone(client: Client) -> None:
    keys = client.get("/oauth/jwks").json()["keys"]
    assert keys
    assert not any("d" in key for key in keys)
