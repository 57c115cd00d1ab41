"""Many clients, many changes, a handful of families, for as long as you like.

    python -m tests.campaigns.concurrency --operations 50000

starts a PostgreSQL and two server processes of its own, has 16 clients change the same families at random, and asks
the database afterwards which laws of history don't hold. Exit code 0: all do, and there was no unexpected 5xx.
"""

import argparse
import asyncio
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
from api.main import create_app
from api.migrating import migrate
from api.settings import Settings
from tests.campaigns import history
from tests.campaigns.arena import Arena, Outcome, fight
from tests.conftest import _new_signing_key
from tests.world import World

ROUND = 2500
"""Operations between two looks at the history."""


def main() -> int:
    """Run the campaign that the command line asks for."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--operations", type=int, default=50_000)
    asked.add_argument("--clients", type=int, default=16)
    asked.add_argument("--servers", type=int, default=2)
    asked.add_argument("--families", type=int, default=4)
    asked.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    wanted = asked.parse_args()
    print(f"seed {wanted.seed}", flush=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that what it started stops with it
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        settings = _settings(stack.enter_context(postgres(folder)))
        migrate(str(settings.database_url))
        history.watch(str(settings.database_url))
        urls = [stack.enter_context(_process(settings)) for _ in range(wanted.servers)]
        world = World(create_app(settings), stack.enter_context(httpx.Client(base_url=urls[0])))
        stack.callback(world.close)
        return _rounds(wanted, Arena(world, wanted.families), urls, str(settings.database_url))


def _rounds(wanted: argparse.Namespace, arena: Arena, urls: list[str], database: str) -> int:
    total, done, since = Outcome(), 0, time.monotonic()
    while done < wanted.operations:
        operations = min(ROUND, wanted.operations - done)
        outcome = asyncio.run(fight(arena, urls, wanted.clients, operations, wanted.seed + done))
        done += operations
        total.answers.update(outcome.answers)
        total.failures.extend(outcome.failures)
        broken = history.broken(database)
        rate = done / (time.monotonic() - since)
        statuses = dict(sorted(total.by_status.items()))
        print(
            f"{done} operations, {rate:.0f}/s, {statuses}, {len(total.failures)} failures, broken: {broken}", flush=True
        )
        if broken or total.failures:
            print(*total.failures[:10], sep="\n")
            return 1
    _report(total, database)
    return 0


def _report(total: Outcome, database: str) -> None:
    for (what, status), number in sorted(total.answers.items()):
        print(f"  {what:20} {status} {number}")
    print(history.sizes(database))


def _settings(url: str) -> Settings:
    return Settings(
        database_url=url,
        signing_key=_new_signing_key(),
        data_keys=f'{{"1": "{base64.b64encode(secrets.token_bytes(32)).decode()}"}}',
        pseudonym_key=base64.b64encode(secrets.token_bytes(32)).decode(),
    )


@contextmanager
def _process(settings: Settings) -> Iterator[str]:
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
        yield _ready(f"http://127.0.0.1:{port}", server)
    finally:
        server.terminate()
        server.wait(timeout=20)


def _ready(url: str, server: subprocess.Popen[bytes]) -> str:
    for _ in range(600):
        if server.poll() is not None:
            raise RuntimeError("A server did not start.")
        try:
            if httpx.get(f"{url}/health/ready", timeout=2).is_success:
                return url
        except httpx.HTTPError:
            time.sleep(0.1)
    raise RuntimeError("A server is not ready.")


if __name__ == "__main__":
    sys.exit(main())
