"""Clients and their keys: changed without a gap, revoked everywhere within seconds; what a token is narrowed to."""

import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from httpx import Client, Response
from jose import jwt
from sqlmodel import select

from api.auth import revocations
from api.auth.issuers import SCOPES
from api.domain import agencies, professionals
from api.domain.codes import EventType
from api.domain.models import Agency, AuditRecord, Professional
from api.main import create_app
from api.settings import Settings
from tests.access.signing import ec_key, rsa_key
from tests.access.systems import System, told
from tests.conftest import serving
from tests.world import ADMINISTRATOR, World, refused


@pytest.fixture
def system(world: World) -> System:
    return System(world, ec_key(), actsForProfessionals=True)


@pytest.fixture(scope="module")
def second_worker(settings: Settings) -> Iterator[Client]:
    """Another process's worth of the service, on the same database."""
    with serving(create_app(settings)) as url, httpx.Client(base_url=url, timeout=30) as client:
        yield client


def ask(client: Client, token: str, path: str = "/agencies?limit=1") -> Response:
    return client.get(f"/v1{path}", headers={"Authorization": f"Bearer {token}"})


def change(system: System, verb: str, body: Any = None) -> Response:
    return system.administrator.post(f"/clients/{system.id}/{verb}", body)


# Keys


def test_a_key_is_replaced_without_a_gap(system: System) -> None:
    new = rsa_key()
    added = change(system, "keys/_add", {"key": new.jwk})
    assert (added.status_code, added.json()["keyIds"]) == (200, [system.key.kid, new.kid])
    assert ask(system.http, system.token()).status_code == 200
    assert ask(system.http, system.token(new)).status_code == 200
    removed = change(system, "keys/_remove", {"kid": system.key.kid})
    assert (removed.status_code, removed.json()["keyIds"]) == (200, [new.kid])
    refused(system.ask(system.assertion()), 401, "invalid_client")
    assert system.token(new)
    assert told(system) == [EventType.CLIENT_REGISTERED, EventType.CLIENT_KEY_ADDED, EventType.CLIENT_KEY_REMOVED]


def test_the_last_key_may_go_and_a_new_one_come(system: System) -> None:
    assert change(system, "keys/_remove", {"kid": system.key.kid}).json()["keyIds"] == []
    refused(system.ask(system.assertion()), 401, "invalid_client")
    new = ec_key()
    assert change(system, "keys/_add", {"key": new.jwk}).status_code == 200
    assert system.token(new)


def test_a_name_of_a_key_is_used_once(system: System) -> None:
    refused(change(system, "keys/_add", {"key": system.key.jwk}), 409, "key_in_use")
    change(system, "keys/_remove", {"kid": system.key.kid})
    refused(change(system, "keys/_add", {"key": system.key.jwk}), 409, "key_in_use")
    refused(change(system, "keys/_add", {"key": ec_key().jwk | {"kid": system.key.kid}}), 409, "key_in_use")


def test_a_client_has_five_keys_at_most(system: System) -> None:
    for _ in range(4):
        assert change(system, "keys/_add", {"key": ec_key().jwk}).status_code == 200
    refused(change(system, "keys/_add", {"key": ec_key().jwk}), 409, "too_many_keys")


@pytest.mark.parametrize("what", ["private", "weak", "foreign"])
def test_a_key_that_can_not_be_trusted_is_not_added(system: System, what: str) -> None:
    bad = {"private": ec_key().private_jwk, "weak": rsa_key(1024).jwk, "foreign": ec_key().jwk | {"crv": "P-384"}}[what]
    answer = change(system, "keys/_add", {"key": bad})
    refused(answer, 400, "invalid")
    assert "d" not in bad or bad["d"] not in answer.text


def test_what_is_not_there_can_not_be_changed(system: System) -> None:
    refused(change(system, "keys/_remove", {"kid": "unknown"}), 404, "not_found")
    refused(system.administrator.post(f"/clients/{uuid4()}/keys/_remove", {"kid": "a"}), 404, "not_found")
    assert change(system, "_deactivate").status_code == 200
    for verb, body in (("keys/_add", {"key": ec_key().jwk}), ("keys/_remove", {"kid": system.key.kid})):
        refused(change(system, verb, body), 409, "conflict")


def test_only_the_platform_administrator_changes_keys(world: World, system: System) -> None:
    for actor in (world.registrar, world.system(system.agency), world.officer()):
        caller = world.as_(actor)
        refused(caller.post(f"/clients/{system.id}/keys/_add", {"key": ec_key().jwk}), 403, "role_lacking")
        refused(caller.post(f"/clients/{system.id}/keys/_remove", {"kid": system.key.kid}), 403, "role_lacking")


# Revocation reaches what was given out


def both(system: System, second: Client, token: str) -> list[int]:
    return [ask(client, token).status_code for client in (system.http, second)]


def wait_until_told() -> None:
    """As long as a worker may go on by what it knew; longer than that nothing is waited for."""
    time.sleep(revocations.FRESH_FOR + 0.01)


def test_nothing_rests_on_knowledge_older_than_five_seconds() -> None:
    assert revocations.FRESH_FOR < revocations.LASTS_FOR < 5


def test_the_tokens_of_a_deactivated_client_are_refused_by_every_worker(system: System, second_worker: Client) -> None:
    token = system.token()
    assert both(system, second_worker, token) == [200, 200]
    change(system, "_deactivate")
    wait_until_told()
    assert both(system, second_worker, token) == [401, 401]


def test_the_tokens_of_a_removed_key_are_refused_and_those_of_another_key_are_not(
    system: System, second_worker: Client
) -> None:
    new = ec_key()
    change(system, "keys/_add", {"key": new.jwk})
    stolen, fresh = system.token(), system.token(new)
    assert both(system, second_worker, stolen) == [200, 200]
    change(system, "keys/_remove", {"kid": system.key.kid})
    wait_until_told()
    assert both(system, second_worker, stolen) == [401, 401]
    assert both(system, second_worker, fresh) == [200, 200]


def test_the_tokens_of_an_inactive_agencys_systems_are_refused(system: System, second_worker: Client) -> None:
    worker = system.world.a_professional(system.agency)
    tokens = [system.token(), system.token(on_behalf_of=str(worker.id))]
    assert [both(system, second_worker, token) for token in tokens] == [[200, 200]] * 2
    system.world.do(lambda work: agencies.change(work, work.session.get_one(Agency, system.agency.id), active=False))
    wait_until_told()
    assert [both(system, second_worker, token) for token in tokens] == [[401, 401]] * 2


def test_what_can_not_be_asked_for_is_not_taken_for_granted(
    system: System, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where revoked clients can't be asked for, clients' tokens are refused; others still are what they were."""
    monkeypatch.setattr(revocations, "REVOKED", "SELECT nothing FROM nowhere")
    with serving(create_app(settings)) as url, httpx.Client(base_url=url, timeout=30) as client:
        refused(ask(client, system.token()), 503, "unavailable")
        assert ask(client, system.world.as_(ADMINISTRATOR).token).status_code == 200


# On whose behalf


def test_a_system_acts_on_behalf_of_a_professional_of_its_agency(world: World, system: System) -> None:
    worker = world.a_professional(system.agency)
    family = world.a_family()
    world.an_involvement(family, system.agency, professional=worker)
    token = system.token(on_behalf_of=str(worker.id))
    claims = jwt.get_unverified_claims(token)
    assert (claims["role"], claims["sub"], claims["act"]) == ("professional", str(worker.id), {"sub": system.id})
    assert ask(system.http, token, f"/families/{family.id}/who-is-involved").status_code == 200
    colleague = world.a_professional(system.agency)
    hidden = ask(system.http, system.token(on_behalf_of=str(colleague.id)), f"/families/{family.id}/who-is-involved")
    refused(hidden, 404, "family_not_found")


def test_the_record_names_who_acted_and_on_whose_behalf(world: World, system: System) -> None:
    worker = world.a_professional(system.agency)
    family = world.a_family()
    world.an_involvement(family, system.agency, professional=worker)
    token = system.token(on_behalf_of=str(worker.id))
    assert ask(system.http, token, f"/families/{family.id}/who-is-involved").status_code == 200
    with world.session() as session:
        shown = select(AuditRecord).where(AuditRecord.family_id == family.id, AuditRecord.decision == "shown")
        records = session.exec(shown).all()
    assert {(record.via, record.professional_id, record.subject) for record in records} == {
        (system.id, worker.id, str(worker.id))
    }


def test_a_system_acts_for_nobody_elses_people(world: World, system: System) -> None:
    left = world.a_professional(system.agency)
    world.do(lambda work: professionals.change(work, work.session.get_one(Professional, left.id), active=False))
    others = [world.a_professional(world.an_agency()).id, left.id, uuid4(), system.agency.id]
    answers = [system.ask(system.assertion(), on_behalf_of=str(other)) for other in others]
    for answer in answers:
        refused(answer, 400, "invalid_request")
    assert len({answer.json()["detail"] for answer in answers}) == 1
    refused(system.ask(system.assertion(), on_behalf_of="nobody"), 400, "invalid")


def test_acting_for_others_is_said_when_a_system_is_registered(world: World) -> None:
    plain = System(world, ec_key())
    worker = world.a_professional(plain.agency)
    refused(plain.ask(plain.assertion(), on_behalf_of=str(worker.id)), 400, "unauthorized_client")


# Never in a URI


@pytest.mark.parametrize("name", ["access_token", "token", "ACCESS_TOKEN", "client_assertion", "id_token"])
@pytest.mark.parametrize("path", ["/v1/agencies", "/v1/families/6f0c2d1e-8a51-4b39-9d5f-0d5a5d0a3b11"])
def test_a_token_in_a_uri_is_refused_for_what_it_is(system: System, path: str, name: str) -> None:
    token = system.token()
    for headers in ({}, {"Authorization": f"Bearer {token}"}):
        answer = system.http.get(path, params={name: token}, headers=headers)
        refused(answer, 400, "token_in_query")
        assert token not in answer.text


def test_an_assertion_in_a_uri_is_refused(system: System) -> None:
    refused(system.http.post("/oauth/token", params={"client_assertion": system.assertion()}), 400, "token_in_query")


# What others read of our issuer


def test_the_issuer_says_what_it_does(system: System) -> None:
    answers = [system.http.get(f"/.well-known/oauth-authorization-server{tail}") for tail in ("", "/oauth")]
    assert answers[0].json() == answers[1].json()
    said = answers[0].json()
    settings = system.world.app.state.settings
    assert (said["issuer"], said["token_endpoint"]) == (settings.issuer, settings.token_endpoint)
    assert said["token_endpoint_auth_methods_supported"] == ["private_key_jwt"]
    assert said["token_endpoint_auth_signing_alg_values_supported"] == ["RS256", "ES256"]
    assert said["grant_types_supported"] == ["client_credentials"]
    assert set(said["scopes_supported"]) == SCOPES
    assert said["jwks_uri"] == f"{settings.issuer}/jwks"


def test_a_token_is_short_and_says_what_it_is(system: System) -> None:
    token = system.token()
    claims = jwt.get_unverified_claims(token)
    assert jwt.get_unverified_header(token)["typ"] == "at+jwt"
    assert claims["exp"] - claims["iat"] == 900
    assert (claims["client_id"], claims["client_key"]) == (system.id, system.key.kid)


@pytest.mark.parametrize("kind", ["issuer", "list of both"])
def test_the_issuer_itself_may_be_the_audience_of_an_assertion(system: System, kind: str) -> None:
    settings = system.world.app.state.settings
    audience = settings.issuer if kind == "issuer" else [settings.issuer, settings.token_endpoint]
    assert system.ask(system.assertion(aud=audience)).status_code == 200
