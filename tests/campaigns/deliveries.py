"""Many events, workers that are killed in the middle, receivers that fail: nothing is lost, and nothing out of order.

    python -m tests.campaigns.deliveries --events 100000

starts a PostgreSQL, a receiver and a few workers of its own. Workers are killed (SIGKILL) at random and started anew;
the receiver refuses some deliveries, before or after it has written down that it got them. What it wrote down is then
held against what happened. Exit code 0: every event arrived, around each family in its order.
"""

import asyncio
import json
import os
import random
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import uvicorn

from api import worker
from api.cli.keys import vault_of
from api.cli.serving import delivering
from api.db import Database, DatabaseRole
from api.domain import subscriptions
from api.domain.addresses import Receivers
from api.domain.deliveries import Patience
from api.main import create_app
from api.settings import Settings
from tests.campaigns.ground import a_database, a_seed, options
from tests.demo import a_free_port
from tests.world import World

FAMILIES = 100
AT_ONCE = 500
LINE = 85
"""About so many bytes are written down of a delivery."""
PATIENCE = Patience(lease=timedelta(seconds=4), first_pause=0.2)
"""Shorter than ever outside, so that a line that was left by a killed worker goes on soon."""
WRITE = """
WITH told AS (
  INSERT INTO event (id, type, at, place, family_id, about, by_role)
  SELECT (one ->> 'id')::uuid, 'family.changed', clock_timestamp(), 0,
         (one ->> 'family')::uuid, one ->> 'family', 'clock'
  FROM jsonb_array_elements(%s) AS one
)
INSERT INTO outbox (event_id)
SELECT (one ->> 'id')::uuid FROM jsonb_array_elements(%s) WITH ORDINALITY AS given (one, number) ORDER BY number
"""


@dataclass
class Told:
    """What happened, in order, around each family; and which families are told of at which path."""

    families: dict[str, list[UUID]]
    of: dict[str, list[str]] = field(default_factory=dict)


@dataclass
class Verdict:
    """What the receiver got, held against what happened."""

    expected: int
    received: int
    repeated: int
    lost: int
    disordered: int
    killed: int
    seconds: float

    def __str__(self) -> str:
        return (
            f"{self.expected} deliveries due, {self.lost} lost, {self.disordered} out of order, {self.repeated} "
            f"repeated; {self.killed} workers killed; {self.seconds:.0f} s, "
            f"{self.received / self.seconds:.0f} received per second"
        )


def main() -> int:
    wanted = options(__doc__, events=100_000, workers=3, every=1000, seed=a_seed())
    with a_database() as (stack, folder, settings):
        settings = settings.model_copy(update={"receivers": Receivers.ANYWHERE})
        world = World(create_app(settings), stack.enter_context(httpx.Client()))
        stack.callback(world.close)
        verdict = run(
            world, folder / "received", wanted.events, wanted.workers, random.Random(wanted.seed), wanted.every, print
        )
    print(verdict)
    return 1 if verdict.lost or verdict.disordered else 0


def run(
    world: World,
    log: Path,
    events: int,
    workers: int,
    chance: random.Random,
    every: int,
    says: Any = lambda _: None,
    families: int = FAMILIES,
) -> Verdict:
    """Have so many events happen and be delivered, while workers are killed."""
    log.touch()
    settings: Settings = world.app.state.settings
    with receiving(log) as url, psycopg.connect(str(settings.database_url), autocommit=True) as connection:
        told = _prepared(world, url, families)
        fleet = Fleet(settings, workers, chance, every, log)
        try:
            _wait(lambda: _active(connection), fleet)
            began = time.monotonic()
            happened = 0
            while happened < events:
                happened += _happen(connection, told, min(AT_ONCE, events - happened), chance)
                fleet.look_after()
            expected = {to: [one for family in of for one in told.families[family]] for to, of in told.of.items()}
            due = sum(map(len, expected.values()))
            _wait(lambda: _arrived(log, due, says), fleet)
            seconds = time.monotonic() - began
        finally:
            fleet.stop()
    return _verdict(log, told, fleet.killed, seconds)


def _prepared(world: World, url: str, number: int) -> Told:
    """A municipality with families, an agency that is involved with a tenth of them, and a subscription of each."""
    municipality, agency = world.a_municipality(), world.an_agency()
    families = [world.a_family(municipality) for _ in range(number)]
    for family in families[: number // 10]:
        world.an_involvement(family, agency)
    told = Told({str(one.id): [] for one in families})
    of = {
        "/registrar": (world.a_registrar(municipality), families),
        "/agency": (world.system(agency), families[: number // 10]),
    }
    for path, (actor, theirs) in of.items():
        world.do(lambda work, to=url + path: subscriptions.make(work, to, ["family.changed"], []), actor)  # type: ignore[misc]
        told.of[path] = [str(one.id) for one in theirs]
    return told


def _active(connection: psycopg.Connection[Any]) -> bool:
    row = connection.execute(
        "SELECT bool_and(state = 'active') FROM subscription WHERE types = ARRAY['family.changed']"
    ).fetchone()
    return bool(row and row[0])


def _happen(connection: psycopg.Connection[Any], told: Told, number: int, chance: random.Random) -> int:
    some = [(uuid4(), chance.choice(list(told.families))) for _ in range(number)]
    for event_id, family in some:
        told.families[family].append(event_id)
    rows = json.dumps([{"id": str(event_id), "family": family} for event_id, family in some])
    connection.execute(WRITE, [rows, rows])
    return number


def _wait(done: Any, fleet: "Fleet") -> None:
    while not done():
        fleet.look_after()
        time.sleep(0.2)


def _arrived(log: Path, due: int, says: Any) -> bool:
    arrived = len(set(log.read_text().splitlines()))
    says(f"{arrived} of {due}")
    time.sleep(max(0, min(5, (due - arrived) / 2000)))
    return arrived >= due


def _verdict(log: Path, told: Told, killed: int, seconds: float) -> Verdict:
    lines = [line.split() for line in log.read_text().splitlines()]
    first: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    seen: set[tuple[str, str]] = set()
    for subscription, event_id, family in lines:
        if (subscription, event_id) not in seen:
            first[subscription][family].append(event_id)
        seen.add((subscription, event_id))
    lost = disordered = expected = 0
    for to, of in told.of.items():
        for family in of:
            wanted, got = [str(one) for one in told.families[family]], first[str(to)][family]
            expected += len(wanted)
            lost += len(set(wanted) - set(got))
            disordered += sum(one != other for one, other in zip(wanted, got, strict=False))
    return Verdict(expected, len(lines), len(lines) - len(seen), lost, disordered, killed, seconds)


# Workers


class Fleet:
    """Some workers, of which now and then one is killed; there is another one at once."""

    def __init__(self, settings: Settings, number: int, chance: random.Random, every: int, log: Path) -> None:
        self._chance, self._every, self._log, self.killed = chance, every, log, 0
        names = ("signing_key", "data_keys", "pseudonym_key")
        keys = {f"SPIL_{name.upper()}": getattr(settings, name).get_secret_value() for name in names}
        self._environment = os.environ | keys | {"SPIL_RECEIVERS": "anywhere"}
        self._environment["SPIL_DATABASE_URL"] = str(settings.database_url)
        self._workers = [self._start() for _ in range(number)]
        self._next = self._soon()

    def _start(self) -> "subprocess.Popen[bytes]":
        return subprocess.Popen([sys.executable, "-m", "tests.campaigns.deliveries", "work"], env=self._environment)

    def _soon(self) -> float:
        return self._written() + self._chance.uniform(0.5, 1.5) * self._every * LINE

    def _written(self) -> int:
        return self._log.stat().st_size

    def look_after(self) -> None:
        """Kill one, if so many deliveries have arrived since the last time: however fast this machine is today."""
        if self._written() < self._next:
            return
        at = self._chance.randrange(len(self._workers))
        self._workers[at].kill()
        self._workers[at].wait()
        self._workers[at] = self._start()
        self.killed += 1
        self._next = self._soon()

    def stop(self) -> None:
        for one in self._workers:
            one.kill()
            one.wait()


async def _work() -> None:
    settings = Settings()
    database = Database(str(settings.database_url), 1, DatabaseRole.WORKER)
    async with delivering(settings) as deliverer:
        deliverer.patience = PATIENCE
        await worker.run(database, vault_of(settings), None, deliverer)


# The receiver


@contextmanager
def receiving(log: Path) -> Iterator[str]:
    """A receiver of its own process."""
    port = a_free_port()
    command = [sys.executable, "-m", "tests.campaigns.deliveries", "receive", str(port), str(log)]
    process = subprocess.Popen(command)
    try:
        for _ in range(300):
            try:
                httpx.get(f"http://127.0.0.1:{port}/", timeout=1)
                break
            except httpx.HTTPError:
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def _receive(port: int, log: Path) -> None:
    chance = random.Random(port)
    with log.open("a") as written:

        async def answer(scope: Any, receive: Any, send: Any) -> None:
            body, more = b"", True
            while more:
                part = await receive()
                body, more = body + part.get("body", b""), part.get("more_body", False)
            event = json.loads(body or b"{}")
            status, says = _answer(event, scope["path"], chance, written)
            if chance.random() < 0.01:
                await asyncio.sleep(0.3)
            await send({"type": "http.response.start", "status": status, "headers": []})
            await send({"type": "http.response.body", "body": says})

        uvicorn.run(answer, port=port, log_level="error", access_log=False, lifespan="off", ws="none")


def _answer(event: Any, path: str, chance: random.Random, written: Any) -> tuple[int, bytes]:
    data = event.get("data", {})
    if "challenge" in data:
        return 200, json.dumps(data).encode()
    if chance.random() < 0.02:
        return chance.choice([500, 503, 404]), b""
    if "familyId" in data:
        written.write(f"{path} {event['id']} {data['familyId']}\n")
        written.flush()
    return (500 if chance.random() < 0.01 else 204), b""


if __name__ == "__main__":
    if sys.argv[1:2] == ["work"]:
        asyncio.run(_work())
    elif sys.argv[1:2] == ["receive"]:
        _receive(int(sys.argv[2]), Path(sys.argv[3]))
    else:
        sys.exit(main())
