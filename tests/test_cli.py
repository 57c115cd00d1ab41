"""The command line: what it refuses, what the doctor finds, and what it prints for other programs."""

import base64
import json
import secrets
from datetime import UTC, datetime
from pathlib import Path

import httpx
import psycopg
import pytest
from alembic.script import ScriptDirectory
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from jose import jwt
from typer.testing import CliRunner

from api.cli import app as spil
from api.cli import doctor
from api.cli.folder import newest_revision
from api.cli.keys import new_keys, new_private_key, public_jwk
from api.domain import clients
from api.domain.codes import AgencyKind
from api.migrating import SCRIPTS
from api.settings import Settings
from tests.world import World, a_bsn

A_KEY = base64.b64encode(secrets.token_bytes(32)).decode()
ISSUER = {
    "issuer": "https://idp.example",
    "jwks": {"keys": [public_jwk(new_private_key())]},
    "roles": ["registrar"],
    "municipality_codes": ["0001"],
}


def run(*arguments: str) -> tuple[int, str]:
    """The exit code, and all that was said, on one line."""
    result = CliRunner().invoke(spil, list(arguments))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, " ".join(result.output.split())


def weak_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, settings: Settings, tmp_path: Path) -> pytest.MonkeyPatch:
    """The environment of a service that is configured well, on the database of this run."""
    monkeypatch.chdir(tmp_path)
    for name, value in settings.model_dump(include={"database_url", "base_url", "environment"}).items():
        monkeypatch.setenv(f"SPIL_{name.upper()}", str(value))
    for name in ("signing_key", "data_keys", "pseudonym_key"):
        monkeypatch.setenv(f"SPIL_{name.upper()}", getattr(settings, name).get_secret_value())
    return monkeypatch


def a_checkpoint_key() -> str:
    pem = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return ed25519.Ed25519PrivateKey.generate().private_bytes(*pem).decode()


@pytest.fixture
def production(environment: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    environment.setenv("SPIL_ENVIRONMENT", "production")
    environment.setenv("SPIL_BASE_URL", "https://spil.example")
    environment.setenv("SPIL_ISSUERS", json.dumps([ISSUER]))
    environment.setenv("SPIL_CHECKPOINTS", str(tmp_path / "checkpoints.jsonl"))
    environment.setenv("SPIL_CHECKPOINT_KEY", a_checkpoint_key())
    return environment


# Unsafe settings


@pytest.mark.parametrize("command", [("serve",), ("worker",)])
@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("SPIL_DATABASE_URL", None, "production never uses the embedded one"),
        ("SPIL_BASE_URL", "http://spil.example", "SPIL_BASE_URL must start with https://"),
        ("SPIL_ISSUERS", "[]", "SPIL_ISSUERS must name at least one identity provider"),
        ("SPIL_ISSUERS", '[{"issuer": "http://idp.example"}]', "must start with https:// in production"),
        ("SPIL_ISSUERS", "nonsense", "SPIL_ISSUERS must be a JSON list"),
        ("SPIL_SIGNING_KEY", None, "SPIL_SIGNING_KEY must hold a private key"),
        ("SPIL_SIGNING_KEY", "nonsense", "SPIL_SIGNING_KEY can't be used"),
        ("SPIL_SIGNING_KEY", weak_key(), "SPIL_SIGNING_KEY can't be used"),
        ("SPIL_DATA_KEYS", None, "SPIL_DATA_KEYS must be JSON"),
        ("SPIL_DATA_KEYS", "nonsense", "SPIL_DATA_KEYS"),
        ("SPIL_DATA_KEYS", '{"1": "dG9vIHNob3J0"}', "SPIL_DATA_KEYS must be JSON"),
        ("SPIL_PSEUDONYM_KEY", None, "SPIL_PSEUDONYM_KEY must be at least 32 bytes"),
        ("SPIL_PSEUDONYM_KEY", "dG9vIHNob3J0", "SPIL_PSEUDONYM_KEY must be at least 32 bytes"),
        ("SPIL_CONNECTIONS", "0", "SPIL_CONNECTIONS can't be used"),
        ("SPIL_ENVIRONMENT", "prod", "SPIL_ENVIRONMENT can't be used"),
    ],
)
def test_unsafe_settings_are_refused_with_a_sentence(
    production: pytest.MonkeyPatch, command: tuple[str, ...], name: str, value: str | None, said: str
) -> None:
    if value is None:
        production.delenv(name)
    else:
        production.setenv(name, value)
    code, output = run(*command)
    assert code == 1
    assert said in output
    assert "Traceback" not in output
    assert value is None or len(value) < 40 or value not in output, "What is wrong with a key doesn't show the key."


def test_the_pseudonym_key_is_no_data_key(production: pytest.MonkeyPatch) -> None:
    production.setenv("SPIL_DATA_KEYS", json.dumps({"1": A_KEY}))
    production.setenv("SPIL_PSEUDONYM_KEY", A_KEY)
    code, output = run("serve")
    assert (code, "must differ from every key" in output) == (1, True)


def test_a_database_that_does_not_answer_is_told_before_serving(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("SPIL_DATABASE_URL", "postgresql://someone:secret@127.0.0.1:1/spil")
    for command in ("serve", "worker"):
        code, output = run(command)
        assert (code, "The database doesn't answer" in output, "secret" in output) == (1, True, False)


@pytest.mark.parametrize("command", ["serve", "demo"])
def test_a_port_in_use_is_told_before_anything_starts(
    environment: pytest.MonkeyPatch, client: httpx.Client, tmp_path: Path, command: str
) -> None:
    code, output = run(command, "--port", str(client.base_url.port))
    assert code == 1
    assert f"Port {client.base_url.port} on 127.0.0.1 is in use. Choose another one" in output
    assert list(tmp_path.iterdir()) == []


# The doctor


def examined() -> dict[str, str | None]:
    """What is wrong, by what was looked at; None where nothing is."""
    return {finding.about: finding.mend for finding in doctor.look()}


def test_the_doctor_finds_nothing_wrong_with_a_good_configuration(production: pytest.MonkeyPatch, world: World) -> None:
    world.a_member(world.a_family(), bsn=a_bsn())
    assert set(examined().values()) == {None}
    code, output = run("doctor")
    assert (code, "Nothing is wrong." in output) == (0, True)


def test_the_doctor_says_what_to_do_where_nothing_is_configured(environment: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "SIGNING_KEY", "DATA_KEYS", "PSEUDONYM_KEY"):
        environment.delenv(f"SPIL_{name}")
    code, output = run("doctor")
    assert code == 1
    for said in ("SPIL_DATABASE_URL", "openssl genrsa", "openssl rand", "spil demo"):
        assert said in output


def test_the_doctor_finds_a_database_that_does_not_answer(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("SPIL_DATABASE_URL", "postgresql://someone:secret@127.0.0.1:1/spil")
    code, output = run("doctor")
    assert (code, "SPIL_DATABASE_URL" in output, "secret" in output) == (1, True, False)


def test_the_doctor_finds_a_schema_that_is_not_up_to_date(environment: pytest.MonkeyPatch, server: str) -> None:
    name = f"spil_{secrets.token_hex(6)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        environment.setenv("SPIL_DATABASE_URL", server.replace("/postgres?", f"/{name}?"))
        assert "spil migrate" in (examined()["Schema"] or "")
        assert run("migrate", "--check")[0] == 1
        assert run("migrate", "--revision", "0001")[0] == 0
        assert "spil migrate" in (examined()["Schema"] or "")
        assert run("migrate")[0] == 0
        assert examined()["Schema"] is None
        assert run("migrate", "--check")[0] == 0
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.parametrize(("name", "said"), [("data_keys", "it was sealed with"), ("pseudonym_key", "the former key")])
def test_the_doctor_finds_keys_that_do_not_open_what_is_stored(
    environment: pytest.MonkeyPatch, world: World, name: str, said: str
) -> None:
    world.a_member(world.a_family(), bsn=a_bsn())
    assert examined()["Keys"] is None
    environment.setenv(f"SPIL_{name.upper()}", new_keys()[name])
    assert said in (examined()["Keys"] or "")


def test_the_doctor_finds_clocks_that_differ(environment: pytest.MonkeyPatch) -> None:
    class Tomorrow(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:
            return datetime.fromtimestamp(datetime.now(UTC).timestamp() + 86400, UTC)

    assert examined()["Clocks"] is None
    environment.setattr(doctor, "datetime", Tomorrow)
    assert "NTP" in (examined()["Clocks"] or "")


def test_the_doctor_finds_a_postgresql_that_is_too_old(environment: pytest.MonkeyPatch) -> None:
    assert examined()["PostgreSQL"] is None
    environment.setattr(doctor, "OLDEST", 99)
    assert "newer" in (examined()["PostgreSQL"] or "")


@pytest.mark.parametrize(
    "issuer",
    [
        {"jwks": {}},
        {"jwks": {"keys": [{"kty": "RSA", "kid": "short", "n": "AQAB", "e": "AQAB"}]}},
        {"jwks": None, "jwks_url": "https://127.0.0.1:1/jwks"},
        {"jwks": None, "issuer": "https://127.0.0.1:1"},
    ],
)
def test_the_doctor_finds_an_issuer_without_keys(production: pytest.MonkeyPatch, issuer: dict[str, object]) -> None:
    production.setenv("SPIL_ISSUERS", json.dumps([ISSUER | issuer]))
    assert examined()["Issuer"]


def test_the_demo_knows_the_newest_revision_without_alembic() -> None:
    assert ScriptDirectory(str(SCRIPTS)).get_heads() == [newest_revision()]


# The OpenAPI document


def test_the_description_is_written_and_drift_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPIL_ENVIRONMENT", "production")
    file = tmp_path / "openapi" / "openapi.json"
    out = ("--out", str(file))
    assert run("openapi", "--check", *out)[0] == 1
    assert run("openapi", *out)[0] == 0
    text = file.read_text(encoding="utf-8")
    assert text == json.dumps(json.loads(text), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    assert run("openapi", "--check", *out)[0] == 0
    file.write_text(text.replace("Spil", "Span", 1), encoding="utf-8")
    code, output = run("openapi", "--check", *out)
    assert (code, "out of date" in output) == (1, True)
    assert file.read_text(encoding="utf-8") != text, "A check writes nothing."


# Tokens


def test_a_token_for_a_role_is_accepted(
    environment: pytest.MonkeyPatch, world: World, client: httpx.Client, settings: Settings
) -> None:
    environment.setenv("SPIL_BASE_URL", settings.base_url)
    code, token = run("token", "--role", "registrar", "--municipality", world.municipality.code, "--seconds", "60")
    assert code == 0
    claims = jwt.get_unverified_claims(token)
    assert (claims["role"], claims["exp"] - claims["iat"]) == ("registrar", 60)
    assert client.get("/v1/caseload", headers={"Authorization": f"Bearer {token}"}).status_code == 200


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Name a role"),
        (["--role", "clock"], "Name a role"),
        (["--role", "registrar"], "needs --municipality"),
        (["--role", "professional"], "needs --agency and --professional"),
        (["--role", "family_member", "--person", "me"], "a UUID"),
        (["--role", "registrar", "--municipality", "99"], "four digits"),
        (["--client", "unknown"], "There is no private key"),
    ],
)
def test_a_token_that_would_say_too_little_is_not_made(
    environment: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    code, output = run("token", *arguments)
    assert (code, said in output) == (1, True), output


def test_a_token_lives_twelve_hours_at_most(environment: pytest.MonkeyPatch) -> None:
    assert run("token", "--role", "platform_administrator", "--seconds", "43201")[0] == 2


def test_in_production_people_get_no_token_here(production: pytest.MonkeyPatch) -> None:
    code, output = run("token", "--role", "registrar", "--municipality", "9901")
    assert (code, "identity provider" in output) == (1, True)


def test_a_client_fetches_its_token_with_its_private_key(
    environment: pytest.MonkeyPatch, world: World, client: httpx.Client, settings: Settings, tmp_path: Path
) -> None:
    agency = world.an_agency(AgencyKind.YOUTH_CARE)
    pem = new_private_key()
    registered = world.do(lambda work: clients.register(work, agency.id, "A system", {"keys": [public_jwk(pem)]}))
    key = tmp_path / "key.pem"
    key.write_text(pem)
    url = str(client.base_url).rstrip("/")
    environment.setattr(type(settings), "token_endpoint", property(lambda _: f"{url}/oauth/token"))
    code, token = run("token", "--client", registered.id, "--key", str(key), "--url", url)
    assert code == 0, token
    assert client.get("/v1/caseload", headers={"Authorization": f"Bearer {token}"}).json()["items"] == []
    key.write_text(new_private_key())
    code, output = run("token", "--client", registered.id, "--key", str(key), "--url", url)
    assert (code, "401" in output) == (1, True)


# Seeding


def test_production_is_never_seeded(production: pytest.MonkeyPatch) -> None:
    code, output = run("seed", "--families", "10")
    assert (code, "real families only" in output) == (1, True)
