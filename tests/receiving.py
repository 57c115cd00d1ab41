"""A receiver of deliveries, and a worker that delivers all there is, for tests."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from api.cli.serving import delivering
from api.db import Database, DatabaseRole
from api.delivering import Deliverer
from api.domain import publishing
from api.domain.vault import Vault
from tests.world import World

CHALLENGE, TEST = "nl.spil.subscriptions.challenge", "nl.spil.subscriptions.test"


@dataclass(frozen=True)
class Got:
    """One request, as it came."""

    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Says:
    """What a receiver answers."""

    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


def gives_back(got: Got) -> Says:
    """What a receiver of good will answers."""
    if got.event.get("type") != CHALLENGE:
        return Says()
    return Says(200, {"Content-Type": "application/json"}, json.dumps(got.event["data"]).encode())


@dataclass
class Receiver:
    """Keeps what it got."""

    url: str = ""
    got: list[Got] = field(default_factory=list)
    answer: Callable[[Got], Says] = gives_back

    @property
    def events(self) -> list[Any]:
        """What it was told, but for challenges."""
        return [one.event for one in self.got if one.event["type"] != CHALLENGE]

    @property
    def told(self) -> list[str]:
        return [one["data"].get("event", one["type"]) for one in self.events]


@contextmanager
def a_receiver(answer: Callable[[Got], Says] = gives_back) -> Iterator[Receiver]:
    receiver = Receiver(answer=answer)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got = Got({name.lower(): value for name, value in self.headers.items()}, body)
            receiver.got.append(got)
            says = receiver.answer(got)
            self.send_response(says.status)
            for name, value in (says.headers | {"Content-Length": str(len(says.body))}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(says.body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    receiver.url = f"http://127.0.0.1:{server.server_port}/spil"
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


WORKERS: dict[int, tuple[asyncio.Runner, Deliverer, Database]] = {}
"""The worker of each world, while it has one."""


@contextmanager
def a_worker(world: World) -> Iterator[Deliverer]:
    """What `deliver` delivers with."""
    settings = world.app.state.settings
    with asyncio.Runner() as runner:
        opened = AsyncExitStack()
        deliverer = runner.run(opened.enter_async_context(delivering(settings)))
        database = Database(settings.database_url, 1, DatabaseRole.WORKER)
        WORKERS[id(world)] = runner, deliverer, database
        try:
            yield deliverer
        finally:
            del WORKERS[id(world)]
            runner.run(database.close())
            runner.run(opened.aclose())


def deliver(world: World) -> None:
    """Publish, look and deliver as the worker does, until nothing is due."""
    runner, deliverer, database = WORKERS[id(world)]
    runner.run(deliver_all(deliverer, database, world.app.state.vault))


async def deliver_all(deliverer: Deliverer, database: Database, vault: Vault) -> None:
    await publish_and_spread(deliverer, database, vault)
    while await deliverer.deliver_some(database, vault):
        pass


async def publish_and_spread(deliverer: Deliverer, database: Database, vault: Vault) -> None:
    while await database.run(publishing.publish_some, 1000):
        pass
    while await deliverer.spread_some(database, vault):
        pass


def stop_while_sending(world: World, receiver: Receiver) -> None:
    """Have a worker of its own begin to deliver, and stop while the receiver is still thinking about its answer."""
    runner, deliverer, database = WORKERS[id(world)]
    leaving = replace(deliverer, _running={})
    thinking, answered = threading.Event(), threading.Event()

    def after_a_while(got: Got) -> Says:
        thinking.set()
        answered.wait(timeout=30)
        return gives_back(got)

    async def stop() -> None:
        await asyncio.to_thread(thinking.wait, 30)
        finishing = asyncio.create_task(leaving.finish())
        await asyncio.sleep(0)
        answered.set()
        await finishing

    async def scene() -> None:
        await publish_and_spread(leaving, database, world.app.state.vault)
        await leaving.deliver_some(database, world.app.state.vault)
        await stop()

    receiver.answer = after_a_while
    runner.run(scene())
