"""Running the service: uvicorn on uvloop, without an access log (URLs hold ids), and the worker beside it."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import structlog
import uvicorn
from fastapi import FastAPI

from api import worker
from api.cli import configuration
from api.cli.auditing import book_of
from api.cli.connection import reach
from api.cli.keys import vault_of
from api.cli.port import reserve
from api.cli.protocol import Protocol
from api.cli.screen import done, refuse, say
from api.cli.stopping import stoppable
from api.db import Database, DatabaseRole
from api.delivering import AT_ONCE, Deliverer
from api.receivers import Sender
from api.settings import Settings

PATIENCE = 5
"""Seconds that requests get to finish when the service stops."""
HOW: dict[str, Any] = {
    "loop": "uvloop",
    "http": Protocol,
    "ws": "none",
    "lifespan": "on",
    "access_log": False,
    "log_level": "warning",
    "server_header": False,
    "proxy_headers": False,
    "timeout_graceful_shutdown": PATIENCE,
}

log = structlog.get_logger("spil")


class WithWorker(uvicorn.Server):
    """The service and the worker in one process. `ready` is called once requests are answered."""

    def __init__(self, app: FastAPI, ready: Callable[[], None]) -> None:
        super().__init__(uvicorn.Config(app, **HOW))
        self._state, self._ready = app.state, ready
        self._opened = AsyncExitStack()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        book = book_of(self._state.settings)
        self._database = Database(self._state.settings.database_url, 1, DatabaseRole.WORKER)
        deliverer = await self._opened.enter_async_context(delivering(self._state.settings))
        self._worker = asyncio.create_task(worker.run(self._database, self._state.vault, book, deliverer))
        self._worker.add_done_callback(_tell_failure)
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._worker.cancel()
        await asyncio.gather(self._worker, return_exceptions=True)
        await self._opened.aclose()
        await self._database.close()
        await super().shutdown(sockets=sockets)


def serve_configured(host: str, port: int, workers: int) -> None:
    """Serve on the settings of the environment."""
    settings = configuration.safe()
    _must_answer(settings)
    reserve(host, port, f"spil serve --port {port + 1}").close()
    say(f"Serving {settings.base_url} on {host}:{port}")
    with stoppable():
        uvicorn.run("api.main:create_app", factory=True, host=host, port=port, workers=workers, **HOW)


def work_configured() -> None:
    """Do the worker's work on the settings of the environment."""
    settings = configuration.safe()
    _must_answer(settings)
    database = Database(settings.database_url or "", 1, DatabaseRole.WORKER)

    async def work() -> None:
        try:
            async with delivering(settings) as deliverer:
                await worker.run(database, vault_of(settings), book_of(settings), deliverer)
        finally:
            await database.close()

    done("Working. Stop with Ctrl-C.")
    with stoppable():
        asyncio.run(work())


@asynccontextmanager
async def delivering(settings: Settings) -> AsyncIterator[Deliverer]:
    """What delivers events, with its connections to the database and to receivers."""
    url = settings.database_url or ""
    reader = Database(url, settings.connections, DatabaseRole.APP)
    writer = Database(url, settings.connections, DatabaseRole.WORKER)
    sender = Sender(settings.receivers, AT_ONCE)
    await reader.open()
    try:
        yield Deliverer(reader, writer, sender, settings.event_source)
    finally:
        await sender.close()
        await writer.close()
        await reader.close()


def _must_answer(settings: Settings) -> None:
    connection = reach(settings.database_url or "")
    if isinstance(connection, str):
        refuse(f"The database doesn't answer: {connection}", "`spil doctor` looks further.")
    connection.close()


def _tell_failure(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and (error := task.exception()):
        log.error("the worker stopped", kind=type(error).__name__)
