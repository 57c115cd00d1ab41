"""Running the service: uvicorn on uvloop, without an access log (URLs hold ids), and the worker beside it."""

import asyncio
import os
import socket
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import structlog
import uvicorn
from fastapi import FastAPI

from api import metrics, worker
from api.cli import configuration
from api.cli.auditing import book_of
from api.cli.connection import reach
from api.cli.keys import vault_of
from api.cli.port import reserve
from api.cli.protocol import Protocol
from api.cli.screen import done, refuse, say
from api.cli.stopping import SIGNALS, stoppable
from api.db import Database, DatabaseRole
from api.delivering import AT_ONCE, Deliverer
from api.receivers import Sender
from api.settings import Settings

PATIENCE = 20
"""Seconds that requests, and steps of the worker, get to finish when the service stops."""
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
        self._stopping = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        book = book_of(self._state.settings)
        self._database = Database(self._state.settings.database_url, 1, DatabaseRole.WORKER)
        deliverer = await self._opened.enter_async_context(delivering(self._state.settings))
        self._worker = asyncio.create_task(
            worker.run(self._database, self._state.vault, book, deliverer, self._stopping)
        )
        self._worker.add_done_callback(_tell_failure)
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._stopping.set()
        await asyncio.gather(super().shutdown(sockets=sockets), _finished(self._worker))
        await self._opened.aclose()
        await self._database.close()


def serve_configured(host: str, port: int, workers: int) -> None:
    """Serve on the settings of the environment."""
    settings = configuration.safe()
    _must_answer(settings)
    reserve(host, port, f"spil serve --port {port + 1}").close()
    say(f"Serving {settings.base_url} on {host}:{port}")
    if settings.metrics_port:
        if workers > 1:
            os.environ[metrics.SHARED] = tempfile.mkdtemp(prefix="spil-metrics-")
        metrics.serve(settings.metrics_host, settings.metrics_port)
    with stoppable():
        uvicorn.run("api.main:create_app", factory=True, host=host, port=port, workers=workers, **HOW)


def work_configured() -> None:
    """Do the worker's work on the settings of the environment."""
    settings = configuration.safe()
    _must_answer(settings)
    database = Database(settings.database_url or "", 1, DatabaseRole.WORKER)

    async def work() -> None:
        stopping = asyncio.Event()
        for one in SIGNALS:
            asyncio.get_running_loop().add_signal_handler(one, stopping.set)
        try:
            async with delivering(settings) as deliverer:
                jobs = worker.run(database, vault_of(settings), book_of(settings), deliverer, stopping)
                await _until(stopping, asyncio.create_task(jobs))
        finally:
            await database.close()

    if settings.metrics_port:
        metrics.serve(settings.metrics_host, settings.metrics_port)
    done("Working. Stop with Ctrl-C.")
    asyncio.run(work())


async def _until(stopping: asyncio.Event, working: "asyncio.Task[None]") -> None:
    asked = asyncio.create_task(stopping.wait())
    await asyncio.wait({asked, working}, return_when=asyncio.FIRST_COMPLETED)
    asked.cancel()
    await _finished(working)
    if not working.cancelled():
        working.result()


async def _finished(working: "asyncio.Task[None]") -> None:
    """Let the worker finish the steps it is at, for as long as requests get."""
    await asyncio.wait({working}, timeout=PATIENCE)
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)


@asynccontextmanager
async def delivering(settings: Settings) -> AsyncIterator[Deliverer]:
    """What delivers events, with its connections to the database and to receivers."""
    url = settings.database_url or ""
    reader = Database(url, settings.connections, DatabaseRole.APP)
    writer = Database(url, settings.connections, DatabaseRole.WORKER)
    sender = Sender(settings.receivers, AT_ONCE)
    await reader.open()
    await writer.open()
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
