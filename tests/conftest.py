"""One real PostgreSQL for the whole run, a migrated database for each worker, and the service on it."""

import base64
import os
import secrets
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import fasteners
import httpx
import psycopg
import pytest
import uvicorn
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from fastapi import FastAPI

from api.cli.protocol import Protocol
from api.domain.addresses import Receivers
from api.embedded import postgres
from api.main import create_app
from api.migrating import migrate
from api.settings import Settings
from tests.demo import Demo, a_demo, a_free_port
from tests.keyed import Keyed
from tests.world import World

TEMPLATE = "spil_template"
os.environ |= {"SPIL_RATE_LIMIT": "0", "SPIL_ADDRESS_RATE_LIMIT": "0", "SPIL_STREAM_SECONDS": "1"}
"""A run of the tests asks as much as it can, and waits for no stream; what asks too much has a service of its own."""


def _new_signing_key() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a PostgreSQL that all workers of this run share."""
    shared = tmp_path_factory.getbasetemp()
    if "popen-gw" in shared.name:
        shared = shared.parent
    with postgres(shared / "postgres") as url:
        with fasteners.InterProcessLock(shared / "template.lock"), psycopg.connect(url, autocommit=True) as connection:
            known = connection.execute("SELECT FROM pg_database WHERE datname = %s", [TEMPLATE]).fetchone()
            if known is None:  # a row without columns is empty, and yet a row
                connection.execute(f"CREATE DATABASE {TEMPLATE}")
                migrate(_at(url, TEMPLATE))
        yield url


@pytest.fixture(scope="session")
def new_database(server: str) -> Iterator[object]:
    """Makes migrated databases, each a copy of the template."""
    made: list[str] = []

    def make() -> str:
        name = f"spil_{secrets.token_hex(6)}"
        lock = fasteners.InterProcessLock(Path(server.rpartition("=")[2]).parent / "copy.lock")
        with lock, psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
            connection.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
        made.append(name)
        return _at(server, name)

    yield make
    with psycopg.connect(server, autocommit=True) as connection:
        for name in made:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def database_of_many_keys(new_database) -> str:  # type: ignore[no-untyped-def]
    return new_database()


@pytest.fixture
def keyed(database_of_many_keys: str, settings: Settings) -> Iterator[Keyed]:
    """A database that processes with different keys see; nothing is sealed in it yet."""
    assert settings.signing_key
    with ExitStack() as stack:
        yield Keyed(database_of_many_keys, settings.signing_key.get_secret_value(), stack)


@pytest.fixture(scope="session")
def settings(new_database) -> Settings:  # type: ignore[no-untyped-def]
    return Settings(
        database_url=new_database(),
        signing_key=_new_signing_key(),
        data_keys=f'{{"1": "{base64.b64encode(secrets.token_bytes(32)).decode()}"}}',
        pseudonym_key=base64.b64encode(secrets.token_bytes(32)).decode(),
        receivers=Receivers.ANYWHERE,
    )


@pytest.fixture(scope="session")
def app(settings: Settings) -> FastAPI:
    return create_app(settings)


@pytest.fixture(scope="session")
def client(app: FastAPI) -> Iterator[httpx.Client]:
    """An HTTP client on the running service."""
    with serving(app) as base_url, httpx.Client(base_url=base_url, timeout=30) as client:
        yield client


@pytest.fixture(scope="session")
def world(app: FastAPI, client: httpx.Client) -> Iterator[World]:
    """A municipality's field to act in. Tests share it: everything they make is theirs alone."""
    world = World(app, client)
    yield world
    world.close()


@contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    """Serve the application on a free port, as `spil serve` does, in a thread of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    how = uvicorn.Config(app, port=port, log_level="error", access_log=False, http=Protocol, ws="none")
    server = uvicorn.Server(how)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "The service didn't start."
        time.sleep(0.01)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(timeout=10)


def _at(url: str, database: str) -> str:
    return url.replace("/postgres?", f"/{database}?")


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo that was started, stopped and started again. Tests that use it are of the xdist group `demo`."""
    folder, port = tmp_path_factory.mktemp("demo") / "spil", a_free_port()
    with a_demo(folder, port) as first:
        first.wait_until_ready()
        first.stop(signal.SIGINT)
    with a_demo(folder, port) as second:
        second.wait_until_ready()
        yield Demo(first, second)
