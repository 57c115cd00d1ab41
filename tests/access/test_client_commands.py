"""Agencies' systems, registered, changed and revoked from the command line."""

import json
from pathlib import Path
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives import serialization
from typer.testing import CliRunner

from api.cli import app as spil
from api.domain.codes import EventType
from api.settings import Settings
from tests.access.signing import SigningKey, ec_key, rsa_key
from tests.access.systems import System, told
from tests.world import World, refused


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
