"""`spil demo` as a process of its own, for tests that use it as somebody would."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

SPIL = Path(sys.executable).with_name("spil")
STARTS_WITHIN, STOPS_WITHIN = 180, 60
"""Seconds after which a test gives up waiting; bounds, not expectations."""


def a_free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@dataclass
class Run:
    """One run of the demo: what it wrote, what it said, and how it ended."""

    process: subprocess.Popen[bytes]
    folder: Path
    said: Path
    written: dict[str, Any] = field(default_factory=dict)
    database: int = 0
    ended: int | None = None

    @property
    def output(self) -> str:
        return self.said.read_text(encoding="utf-8")

    def wait_until_ready(self) -> None:
        wait_for(lambda: "Spil is ready at" in self.output, self)
        self.written = json.loads((self.folder / "demo.json").read_text(encoding="utf-8"))
        self.database = database_in(self.folder)

    def stop(self, number: signal.Signals) -> None:
        if self.ended is None:
            self.process.send_signal(number)
            self.ended = self.process.wait(STOPS_WITHIN)


@dataclass(frozen=True)
class Demo:
    """A demo that was started twice on the same folder; the second still runs."""

    first: Run
    second: Run

    @property
    def written(self) -> dict[str, Any]:
        return self.second.written

    def actor(self, name: str) -> dict[str, Any]:
        return next(actor for actor in self.written["actors"] if name in actor["name"])

    def get(self, path: str, name: str = "Registrar of Veenmeer") -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.actor(name)['token']}"}
        return httpx.get(f"{self.written['baseUrl']}/v1{path}", headers=headers, timeout=30)

    def everything(self, path: str, name: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self.get(f"{path}?limit=200", name).json()["items"]
        return items

    def families(self, state: str) -> list[str]:
        return [family["id"] for family in self.written["families"] if family["state"] == state]


def wait_for(done: Callable[[], bool], run: Run) -> None:
    until = time.monotonic() + STARTS_WITHIN
    while not done():
        assert run.process.poll() is None, run.output
        assert time.monotonic() < until, run.output
        time.sleep(0.05)


def database_in(folder: Path) -> int:
    """The process of the PostgreSQL that runs on this folder, 0 if none does."""
    try:
        return int((folder / "postgres" / "postmaster.pid").read_text().split()[0])
    except (FileNotFoundError, IndexError):
        return 0


def goes(pid: int) -> bool:
    """Whether this process ends. It takes its file away before it is gone itself."""
    until = time.monotonic() + STOPS_WITHIN
    while time.monotonic() < until:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


@contextmanager
def a_demo(folder: Path, port: int, *more: str) -> Iterator[Run]:
    said = folder.with_name(f"{folder.name}-{time.monotonic_ns()}.txt")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SPIL_")}
    # What the environment says of a service in production doesn't reach the demo.
    environment |= {"SPIL_ENVIRONMENT": "production", "SPIL_SIGNING_KEY": "nonsense"}
    arguments = [str(SPIL), "demo", "--port", str(port), "--folder", str(folder), *more]
    with said.open("wb") as output:
        process = subprocess.Popen(arguments, stdout=output, stderr=subprocess.STDOUT, env=environment)
    run = Run(process, folder, said)
    try:
        yield run
    finally:
        run.stop(signal.SIGTERM)
