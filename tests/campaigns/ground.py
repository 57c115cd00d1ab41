"""What a campaign stands on: its options, a migrated database with keys of its own, and server processes."""

import argparse
import base64
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

from api.embedded import postgres
from api.migrating import migrate
from api.settings import Settings
from tests.conftest import _new_signing_key


def a_seed(below: int = 1_000_000) -> int:
    return secrets.randbelow(below)


def options(about: str | None, **defaults: int) -> argparse.Namespace:
    """What the command line says, each a whole number. All of it is printed: with it the run can be repeated."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in defaults.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=default)
    wanted = parser.parse_args()
    print(*(f"--{name.replace('_', '-')} {value}" for name, value in vars(wanted).items()), flush=True)
    return wanted


@contextmanager
def a_database() -> Iterator[tuple[ExitStack, Path, Settings]]:
    """A database for one run, with a folder beside it; what is put on the stack stops before it does."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that what it started stops with it
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
        url = stack.enter_context(postgres(folder / "postgres"))
        migrate(url)
        yield stack, folder, settings_on(url)


def settings_on(url: str) -> Settings:
    return Settings(
        database_url=url,
        signing_key=_new_signing_key(),
        data_keys=f'{{"1": "{base64.b64encode(secrets.token_bytes(32)).decode()}"}}',
        pseudonym_key=base64.b64encode(secrets.token_bytes(32)).decode(),
    )


@contextmanager
def a_server(settings: Settings) -> Iterator[str]:
    """A server process of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    keys = {name: getattr(settings, name).get_secret_value() for name in ("signing_key", "data_keys", "pseudonym_key")}
    environment = {f"SPIL_{name.upper()}": value for name, value in keys.items()}
    environment["SPIL_DATABASE_URL"] = str(settings.database_url)
    command = [sys.executable, "-m", "uvicorn", "api.main:create_app", "--factory", "--port", str(port)]
    server = subprocess.Popen([*command, "--log-level", "warning"], env=os.environ | environment)
    try:
        yield ready(f"http://127.0.0.1:{port}", server)
    finally:
        server.terminate()
        server.wait(timeout=20)


def ready(url: str, server: subprocess.Popen[bytes]) -> str:
    """The address, once the server answers there."""
    for _ in range(600):
        if server.poll() is not None:
            raise RuntimeError("A server did not start.")
        try:
            if httpx.get(f"{url}/health/ready", timeout=2).is_success:
                return url
        except httpx.HTTPError:
            time.sleep(0.1)
    raise RuntimeError("A server is not ready.")
