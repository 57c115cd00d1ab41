"""Generated clients, a service to drive them against, and somebody for whom they act."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from api.cli.grounds import GROUND_OF
from api.domain.models import Agency
from api.main import create_app
from api.settings import Settings
from tests.access.signing import SigningKey
from tests.clients.generating import generate
from tests.conftest import serving
from tests.world import World, a_bsn

Environment = dict[str, str]


def need(missing: str | None, required: str) -> None:
    """Skip where something is missing, unless it has to be there."""
    if missing and os.environ.get(required) == "required":
        pytest.fail(missing)
    if missing:
        pytest.skip(missing)


@pytest.fixture(scope="session")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all generated clients."""
    folder = tmp_path_factory.mktemp("clients")
    generate(folder)
    return folder


@pytest.fixture(scope="module")
def service(settings: Settings, world: World) -> Iterator[str]:
    """The address of a service that knows its address, as assertions are made out to that."""
    app = create_app(settings)
    with serving(app) as url:
        app.state.settings = settings.model_copy(update={"base_url": url})
        yield url


@pytest.fixture
def agency(world: World) -> Agency:
    return world.an_agency()


@pytest.fixture
def system(service: str, world: World, agency: Agency, tmp_path: Path) -> Environment:
    """What an agency's system has: its registration, its private key, and where Spil is."""
    key, file = SigningKey(ec.generate_private_key(ec.SECP256R1())), tmp_path / "key.pem"
    form = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(key.private.private_bytes(serialization.Encoding.PEM, *form))
    body = {"agencyId": str(agency.id), "name": "Dossier", "jwks": {"keys": [key.jwk]}}
    client = world.as_(world.administrator).post("/clients", body)
    assert client.status_code == 201, client.text
    return {
        "SPIL": service,
        "SPIL_CLIENT": client.json()["id"],
        "SPIL_KEY": str(file),
        "SPIL_KEY_NAME": key.kid,
    }


@pytest.fixture
def driven(system: Environment, world: World, agency: Agency) -> Environment:
    """The same, with whom to register and for whom: a municipality of its own, and a token of its registrar."""
    municipality = world.a_municipality()
    given: dict[str, Any] = {
        "municipality": municipality.code,
        "registrar": world.as_(world.a_registrar(municipality)).token,
        "legalGround": GROUND_OF[agency.kind],
        "bsns": [a_bsn() for _ in range(5)],
    }
    return system | {"GIVEN": json.dumps(given)}
