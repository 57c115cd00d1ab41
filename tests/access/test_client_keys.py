"""Clients and their keys: changed without a gap, revoked everywhere within seconds; what a token is narrowed to."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from httpx import Client, Response
from jose import jwt
from sqlmodel import col, select
from typer.testing import CliRunner

from api.auth import revocations
from api.auth.issuers import SCOPES
from api.auth.policy import Permission
from api.cli import app as spil
from api.domain import agencies, professionals
from api.domain.codes import EventType
from api.domain.models import Agency, AuditRecord, Event, Professional
from api.main import create_app
from api.settings import Settings
from tests.access.signing import SigningKey, ec_key, rsa_key
from tests.access.systems import System
from tests.conftest import serving
from tests.wire.operations import OPERATIONS, Operation
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


def told(system: System) -> list[str]:
    with system.world.session() as session:
        events = session.exec(select(Event).where(Event.about == system.id).order_by(col(Event.at)))
        return [event.type for event in events]


# Keys


def test_a_key_is_replaced_without_a_gap(system: System) -> None:
    new = rsa_key()
    added = change(system, "_add-key", {"key": new.jwk})
    assert (added.status_code, added.json()["keyIds"]) == (200, [system.key.kid, new.kid])
    assert ask(system.http, system.token()).status_code == 200
    assert ask(system.http, system.token(new)).status_code == 200
    removed = change(system, "_remove-key", {"kid": system.key.kid})
    assert (removed.status_code, removed.json()["keyIds"]) == (200, [new.kid])
    refused(system.ask(system.assertion()), 401, "invalid_client")
    assert system.token(new)
    assert told(system) == [EventType.CLIENT_REGISTERED, EventType.CLIENT_KEY_ADDED, EventType.CLIENT_KEY_REMOVED]


def test_the_last_key_may_go_and_a_new_one_come(system: System) -> None:
    assert change(system, "_remove-key", {"kid": system.key.kid}).json()["keyIds"] == []
    refused(system.ask(system.assertion()), 401, "invalid_client")
    new = ec_key()
    assert change(system, "_add-key", {"key": new.jwk}).status_code == 200
    assert system.token(new)


def test_a_name_of_a_key_is_used_once(system: System) -> None:
    refused(change(system, "_add-key", {"key": system.key.jwk}), 409, "key_in_use")
    change(system, "_remove-key", {"kid": system.key.kid})
    refused(change(system, "_add-key", {"key": system.key.jwk}), 409, "key_in_use")
    refused(change(system, "_add-key", {"key": ec_key().jwk | {"kid": system.key.kid}}), 409, "key_in_use")


def test_a_client_has_five_keys_at_most(system: System) -> None:
    for _ in range(4):
        assert change(system, "_add-key", {"key": ec_key().jwk}).status_code == 200
    refused(change(system, "_add-key", {"key": ec_key().jwk}), 409, "too_many_keys")


@pytest.mark.parametrize("what", ["private", "weak", "foreign"])
def test_a_key_that_can_not_be_trusted_is_not_added(system: System, what: str) -> None:
    bad = {"private": ec_key().private_jwk, "weak": rsa_key(1024).jwk, "foreign": ec_key().jwk | {"crv": "P-384"}}[what]
    answer = change(system, "_add-key", {"key": bad})
    refused(answer, 400, "invalid")
    assert "d" not in bad or bad["d"] not in answer.text


def test_what_is_not_there_can_not_be_changed(system: System) -> None:
    refused(change(system, "_remove-key", {"kid": "unknown"}), 404, "not_found")
    refused(system.administrator.post(f"/clients/{uuid4()}/_remove-key", {"kid": "a"}), 404, "not_found")
    assert change(system, "_deactivate").status_code == 200
    for verb, body in (("_add-key", {"key": ec_key().jwk}), ("_remove-key", {"kid": system.key.kid})):
        refused(change(system, verb, body), 409, "conflict")


def test_only_the_platform_administrator_changes_keys(world: World, system: System) -> None:
    for actor in (world.registrar, world.system(system.agency), world.officer()):
        caller = world.as_(actor)
        refused(caller.post(f"/clients/{system.id}/_add-key", {"key": ec_key().jwk}), 403, "role_lacking")
        refused(caller.post(f"/clients/{system.id}/_remove-key", {"kid": system.key.kid}), 403, "role_lacking")


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
    change(system, "_add-key", {"key": new.jwk})
    stolen, fresh = system.token(), system.token(new)
    assert both(system, second_worker, stolen) == [200, 200]
    change(system, "_remove-key", {"kid": system.key.kid})
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


# Scopes


def test_a_token_does_no_more_than_it_was_asked_for(world: World, system: System) -> None:
    asked = "directory:read team:read"
    answer = system.ask(system.assertion(), scope=asked)
    assert answer.json()["scope"] == asked
    token = answer.json()["access_token"]
    family = world.a_family()
    world.an_involvement(family, system.agency)
    assert ask(system.http, token).status_code == 200
    assert ask(system.http, token, f"/families/{family.id}/who-is-involved").status_code == 200
    lacking = ask(system.http, token, f"/families/{family.id}/timeline")
    refused(lacking, 403, "scope_lacking")
    assert 'error="insufficient_scope", scope="timeline:read"' in lacking.headers["WWW-Authenticate"]


def test_a_scope_gives_nothing_that_the_role_does_not(system: System) -> None:
    every = " ".join(sorted(SCOPES))
    refused(ask(system.http, system.token(scope=every), "/clients"), 403, "role_lacking")


@pytest.mark.parametrize("scope", ["family", "family:raed", "team:read openid", " ", "team:read  directory:read", "*"])
def test_an_unknown_scope_is_refused(system: System, scope: str) -> None:
    refused(system.ask(system.assertion(), scope=scope), 400, "invalid_scope")


@pytest.fixture(scope="module")
def caller(world: World) -> System:
    return System(world, ec_key())


GUARDED = [operation for operation in OPERATIONS if operation.guarded]


@pytest.mark.parametrize("operation", GUARDED, ids=lambda operation: operation.name)
def test_every_operation_names_the_one_scope_it_takes(caller: System, operation: Operation) -> None:
    """What is documented is what is held, before anything is read: whatever is sent, the answer is the same."""
    document = caller.world.app.openapi()["paths"][operation.path.removeprefix("/v1")][operation.method.lower()]
    [scope] = document["security"][0]["client"]
    assert document["security"] == [{"client": [scope]}, {"token": [scope]}]
    assert scope in SCOPES
    other = Permission.HELP_DOMAIN_ADD if scope == Permission.DIRECTORY_READ else Permission.DIRECTORY_READ
    path = operation.path
    for name in operation.names_of("path"):
        path = path.replace(f"{{{name}}}", str(uuid4()))
    headers = {"Authorization": f"Bearer {caller.token(scope=other)}"}
    answer = caller.http.request(operation.method, path, headers=headers)
    refused(answer, 403, "scope_lacking")
    assert f'scope="{scope}"' in answer.headers["WWW-Authenticate"]


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


# The command line


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, settings: Settings, tmp_path: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, value in settings.model_dump(include={"database_url", "base_url"}).items():
        monkeypatch.setenv(f"SPIL_{name.upper()}", str(value))
    for name in ("signing_key", "data_keys", "pseudonym_key"):
        monkeypatch.setenv(f"SPIL_{name.upper()}", getattr(settings, name).get_secret_value())
    return tmp_path


def run(*arguments: str) -> tuple[int, list[str]]:
    result = CliRunner().invoke(spil, ["client", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output.strip().splitlines()


def public_pem(key: SigningKey) -> str:
    return (
        key.private.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


def test_a_system_is_registered_changed_and_revoked_from_the_command_line(world: World, environment: Path) -> None:
    old, new = ec_key(), rsa_key()
    (environment / "old.json").write_text(json.dumps({"keys": [old.jwk]}))
    (environment / "new.json").write_text(json.dumps(new.jwk))
    system = System(world, ec_key())
    agency = str(system.agency.id)
    code, lines = run("register", "--agency", agency, "--name", "Dossier", "--key", "old.json")
    assert code == 0, lines
    system.id = lines[-1]
    assert system.token(old)
    assert run("add-key", system.id, "--key", "new.json")[0] == 0
    assert system.token(new)
    assert run("remove-key", system.id, "--kid", old.kid)[0] == 0
    refused(system.ask(old.sign(system.claims())), 401, "invalid_client")
    [line] = [line for line in run("list", "--agency", agency)[1] if system.id in line]
    assert new.kid in line
    assert old.kid not in line
    assert run("revoke", system.id)[0] == 0
    refused(system.ask(new.sign(system.claims())), 401, "invalid_client")
    assert told(system) == [
        EventType.CLIENT_REGISTERED,
        EventType.CLIENT_KEY_ADDED,
        EventType.CLIENT_KEY_REMOVED,
        EventType.CLIENT_DEACTIVATED,
    ]


@pytest.mark.parametrize("kind", ["RSA", "EC"])
def test_a_key_in_pem_is_named_by_its_thumbprint(world: World, environment: Path, kind: str) -> None:
    key = rsa_key() if kind == "RSA" else ec_key()
    (environment / "key.pem").write_text(public_pem(key))
    system = System(world, ec_key())
    code, lines = run("register", "--agency", str(system.agency.id), "--name", "x", "--key", "key.pem")
    assert code == 0, lines
    system.id = lines[-1]
    [kid] = system.administrator.get(f"/clients/{system.id}").json()["keyIds"]
    assert system.token(SigningKey(key.private, kid))


def test_a_private_key_is_refused_on_the_command_line(world: World, environment: Path) -> None:
    key = ec_key()
    pem = key.private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    files = {"pem": pem, "jwk": json.dumps(key.private_jwk), "none": "nonsense", "other": json.dumps({"kty": "oct"})}
    for name, text in files.items():
        (environment / name).write_text(text)
        code, lines = run("register", "--agency", str(uuid4()), "--name", "x", "--key", name)
        assert (code, "Traceback" in str(lines)) == (1, False)
        assert key.private_jwk["d"] not in str(lines)


@pytest.mark.parametrize(
    "arguments",
    [
        ("revoke", "nobody"),
        ("revoke", "6f0c2d1e-8a51-4b39-9d5f-0d5a5d0a3b11"),
        ("remove-key", "6f0c2d1e-8a51-4b39-9d5f-0d5a5d0a3b11", "--kid", "a"),
        ("add-key", "6f0c2d1e-8a51-4b39-9d5f-0d5a5d0a3b11", "--key", "missing.json"),
        ("list", "--agency", "nobody"),
    ],
)
def test_what_is_not_there_is_refused_with_a_sentence(environment: Path, arguments: tuple[str, ...]) -> None:
    code, lines = run(*arguments)
    assert code == 1
    assert lines
    assert "Traceback" not in str(lines)


def test_without_a_database_or_a_demo_the_command_line_says_so(
    environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SPIL_DATABASE_URL")
    code, lines = run("list")
    assert (code, "SPIL_DATABASE_URL" in str(lines), "spil demo" in str(lines)) == (1, True, True)
