"""Send the same again, late, twice at once or half, while servers are killed: each deed has one effect.

    python -m tests.campaigns.retries --requests 10000

starts a PostgreSQL and two server processes of its own. Clients live through families with one deed after another. Each
deed is sent under one `Idempotency-Key`, several times: at once, again after later deeds, cut off in the middle of the
request, or cut off before its answer is read. Meanwhile one server after the other gets a SIGKILL and is started again.
The database is asked which changes were made, by SQL. Exit code 0: of every deed one, as its answers said.
"""

import asyncio
import json
import os
import random
import re
import secrets
import socket
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import psycopg

from api.domain.actor import Actor
from api.main import create_app
from api.settings import Settings
from tests.campaigns.ground import a_database, a_seed, options, ready
from tests.world import World, in_days

TASK = {"legalBasis": "statutory_task", "legalGround": "youth_help"}
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")
LOST = {403, 404}
"""What a late repetition may hear, when whoever asks has lost the relation since."""


class Server:
    """A server process that can be killed, and comes back at the same address."""

    def __init__(self, settings: Settings) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        keys = {name: getattr(settings, name).get_secret_value() for name in ("signing_key", "data_keys")}
        assert settings.pseudonym_key
        keys |= {"pseudonym_key": settings.pseudonym_key.get_secret_value(), "database_url": settings.database_url}
        self._environment = {f"SPIL_{name.upper()}": str(value) for name, value in keys.items()}
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "uvicorn", "api.main:create_app", "--factory", "--port", str(self.port)]
        self.process = subprocess.Popen([*command, "--log-level", "critical"], env=os.environ | self._environment)

    def wait(self) -> None:
        ready(f"http://127.0.0.1:{self.port}", self.process)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@dataclass
class Deed:
    """Something that one client does once, however often it sends it."""

    kind: str
    method: str
    path: str
    token: str
    body: Any
    headers: dict[str, str]
    trace_id: str = field(default_factory=lambda: f"a{secrets.token_hex(16)}"[:32])
    answers: list[tuple[int, bytes]] = field(default_factory=list)

    def as_bytes(self) -> bytes:
        content = b"" if self.body is None else json.dumps(self.body).encode()
        headers = {
            "Host": "spil",
            "Connection": "close",
            "Authorization": f"Bearer {self.token}",
            "Content-Length": str(len(content)),
            "Idempotency-Key": self.trace_id,
            "traceparent": f"00-{self.trace_id}-00f067aa0ba902b7-01",
        }
        headers |= self.headers | ({"Content-Type": "application/json"} if content else {})
        lines = [f"{self.method} /v1{self.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        return "\r\n".join([*lines, "", ""]).encode() + content


@dataclass
class Report:
    """What was sent, what came back, and what is wrong."""

    sent: Counter[str] = field(default_factory=Counter)
    answered: Counter[str] = field(default_factory=Counter)
    deeds: list[Deed] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @property
    def requests(self) -> int:
        return sum(self.sent.values())


class Client:
    """Lives through families, and is never sure that its requests arrive."""

    def __init__(self, world: World, ports: list[int], chance: random.Random, report: Report, most: int) -> None:
        self.world, self.ports, self.chance, self.report, self.most = world, ports, chance, report, most
        self.late: list[Deed] = []

    async def live(self) -> None:
        while self.report.requests < self.most and not self.report.failures:
            async for deed in self._family():
                self.late.append(deed)
                if self.chance.random() < 0.35:
                    await self._once_more(self.chance.choice(self.late))

    async def _family(self) -> AsyncIterator[Deed]:
        """One family, from its opening to its close."""
        world = self.world
        agency, registrar = await asyncio.to_thread(world.an_agency), world.registrar
        system, mark = world.system(agency), secrets.token_hex(8)
        staff = {"name": f"Medewerker {mark}", "function": "coach", "phone": "+31 6 00 00 00 00"}
        yield (opened := await self._do(registrar, "POST", "/families", {"name": mark, "framework": "voluntary"}))
        at = f"/families/{_id(opened)}"
        yield await self._do(registrar, "PATCH", at, {"name": f"{mark} anders"}, **{"If-Match": _tag(opened)})
        person = {"givenName": "Sam", "surname": f"Voorbeeld {mark}"}
        yield (joined := await self._do(registrar, "POST", f"{at}/members", {"role": "parent", "person": person}))
        invitation = {"agencyId": str(agency.id), "helpDomains": ["parenting"]}
        yield (invited := await self._do(registrar, "POST", f"{at}/involvements/_invite", invitation))
        mine = f"{at}/involvements/{_id(invited)}"
        yield (began := await self._do(system, "POST", f"{mine}/_accept", TASK))
        yield await self._do(system, "PATCH", mine, {"contactFrequency": "weekly"}, **{"If-Match": _tag(began)})
        yield (hired := await self._do(system, "POST", f"/agencies/{agency.id}/professionals", staff))
        days = {"startsOn": str(in_days(3)), "endsOn": str(in_days(4))}
        yield (away := await self._do(system, "POST", f"/professionals/{_id(hired)}/absences", days))
        absence = f"/professionals/{_id(hired)}/absences/{_id(away)}"
        yield await self._do(system, "DELETE", absence, None, **{"If-Match": _tag(away)})
        point, new = f"{at}/contact-points/parenting", {"If-None-Match": "*"}
        yield (called := await self._do(registrar, "PUT", point, {"professionalId": _id(hired)}, **new))
        yield await self._do(registrar, "DELETE", point, None, **{"If-Match": _tag(called)})
        yield await self._do(registrar, "POST", f"{at}/members/{_id(joined)}/_leave", None)
        yield await self._do(system, "POST", f"{mine}/_end", {"reason": "completed"})
        yield await self._do(registrar, "POST", f"{at}/_close", {"closing": "completed"})

    async def _do(self, actor: Actor, method: str, path: str, body: Any, **headers: str) -> Deed:
        """Do something, until it is known to be done. Who ends their own relation has no part in it any more."""
        ends = path.endswith("/_end")
        kind = f"{method} {ID.sub('*', path)}"
        deed = Deed(kind, method, path, self.world.as_(actor).token, body, headers)
        self.report.deeds.append(deed)
        while True:
            ways = self.chance.choices(["whole", "unread", "half"], [5, 2, 2], k=self.chance.randint(1, 4))
            answers = await asyncio.gather(*(self._send(deed, way) for way in ways))
            for answer in answers:
                if answer and (200 <= answer[0] < 300 or (ends and answer[0] in LOST)):
                    return deed
                if answer and answer[0] != 503:
                    self.report.failures.append(f"{deed.method} {deed.path}: {answer}")
                    raise RuntimeError(self.report.failures[-1])
            await asyncio.sleep(0.05)

    async def _once_more(self, deed: Deed) -> None:
        answer = await self._send(deed, "whole")
        if answer and answer[0] not in LOST | {503} and not 200 <= answer[0] < 300:
            self.report.failures.append(f"late {deed.method} {deed.path}: {answer}")

    async def _send(self, deed: Deed, way: str) -> tuple[int, bytes] | None:
        self.report.sent[way] += 1
        content = deed.as_bytes()
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.chance.choice(self.ports))
            try:
                writer.write(content[: self.chance.randrange(1, len(content))] if way == "half" else content)
                await writer.drain()
                if way != "whole":
                    await asyncio.sleep(self.chance.random() * 0.02)
                    return None
                answer = _read(await reader.read())
            finally:
                writer.close()
        except OSError:
            answer = None
        self.report.answered[str(answer[0]) if answer else "nothing"] += 1
        if answer and answer[0] < 300:
            deed.answers.append(answer)
        return answer


def _read(received: bytes) -> tuple[int, bytes] | None:
    """The status and the head with the body, if all of it came."""
    head, end, body = received.partition(b"\r\n\r\n")
    if not end:
        return None
    lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines[1:])
    if len(body) < int(headers.get("content-length", 0)):
        return None
    return int(lines[0].split(" ")[1]), headers.get("etag", "").encode() + b"\n" + body


def _id(deed: Deed) -> str:
    return str(json.loads(deed.answers[0][1].partition(b"\n")[2])["id"])


def _tag(deed: Deed) -> str:
    return deed.answers[0][1].partition(b"\n")[0].decode()


MADE = """
SELECT r.trace_id, array_agg(e.type ORDER BY e.type)
FROM audit_record r JOIN event e ON e.id = r.event_id
WHERE r.decision = 'changed' AND r.trace_id IS NOT NULL GROUP BY r.trace_id
"""


def wrong(database_url: str, report: Report) -> list[str]:
    """What isn't as if each deed was sent once."""
    with psycopg.connect(database_url) as connection:
        made: dict[str, list[str]] = dict(connection.execute(MADE).fetchall())
        twice = connection.execute(
            "SELECT name FROM (SELECT name FROM family UNION ALL SELECT name FROM professional"
            " UNION ALL SELECT surname FROM person) AS named GROUP BY name HAVING count(*) > 1"
        ).fetchall()
        untold = connection.execute(
            "SELECT count(*) FROM event e WHERE NOT EXISTS (SELECT FROM audit_record r WHERE r.event_id = e.id)"
        ).fetchone()
    found = [f"made twice: {name}" for (name,) in twice if name != "Voorbeeld"]
    found += [f"{untold[0]} events without their record"] if untold and untold[0] else []
    effects = defaultdict(set)
    for deed in report.deeds:
        if deed.answers:
            effects[deed.kind].add(tuple(made.get(deed.trace_id, ())))
        if len(set(deed.answers)) > 1:
            found.append(f"{deed.kind} was answered in {len(set(deed.answers))} ways")
    found += [f"{kind} had these effects: {seen}" for kind, seen in effects.items() if len(seen) != 1 or () in seen]
    found += [f"{kind}: {seen}" for kind, seen in effects.items() for one in seen if len(set(one)) < len(one)]
    return found


async def retry(
    world: World, servers: list[Server], requests: int, clients: int, seed: int, killing: Callable[[Report], bool]
) -> Report:
    """Have so many clients send so many requests, and kill a server whenever `killing` says so."""
    report = Report()
    ports = [server.port for server in servers]
    lives = [Client(world, ports, random.Random(f"{seed}:{one}"), report, requests).live() for one in range(clients)]
    living = asyncio.gather(*lives)
    turn = 0
    while not living.done():
        await asyncio.sleep(0.05)
        if killing(report):
            server = servers[turn % len(servers)]
            turn += 1
            await asyncio.to_thread(server.kill)
            server.start()
            await asyncio.to_thread(server.wait)
            report.answered["(killed)"] += 1
    await living
    return report


def every(requests: int) -> Callable[[Report], bool]:
    """Once in so many requests."""
    last = 0

    def due(report: Report) -> bool:
        nonlocal last
        if report.requests - last < requests:
            return False
        last = report.requests
        return True

    return due


def main() -> int:
    """Run the campaign that the command line asks for."""
    wanted = options(__doc__, requests=10_000, clients=8, seed=a_seed())
    with a_database() as (stack, _, settings):
        servers = [Server(settings) for _ in range(2)]
        for server in servers:
            stack.callback(server.kill)
            server.wait()
        world = World(create_app(settings), stack.enter_context(httpx.Client()))
        stack.callback(world.close)
        since = time.monotonic()
        report = asyncio.run(
            retry(world, servers, wanted.requests, wanted.clients, wanted.seed, every(wanted.requests // 12))
        )
        return _tell(report, wrong(str(settings.database_url), report), time.monotonic() - since)


def _tell(report: Report, found: list[str], seconds: float) -> int:
    kinds = Counter(deed.kind for deed in report.deeds)
    print(f"{report.requests} requests for {len(report.deeds)} deeds of {len(kinds)} kinds in {seconds:.0f} s")
    print(f"sent: {dict(report.sent)}; answered: {dict(sorted(report.answered.items()))}")
    print(*(report.failures[:10] + found[:20] or ["Every deed had one effect."]), sep="\n")
    return 1 if report.failures or found else 0


if __name__ == "__main__":
    sys.exit(main())
