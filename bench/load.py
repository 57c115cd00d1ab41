"""The load generator, a process of its own: `python -m bench.load`. Many keep-alive connections, one loop, no library.

Each connection sends the next request of a list as soon as it has its answer. The list is walked through from a given
place, so that requests that can be carried out only once go on where the run before stopped.
"""

import asyncio
import json
import pickle
import sys
import time
from pathlib import Path
from typing import cast

import uvloop

WARM_UP = 1.0
"""Seconds before counting starts."""
PATIENCE = 30.0
"""Seconds after the end in which the last answers must have come."""


class Load:
    """What is sent, for how long, and what came of it."""

    def __init__(self, requests: list[bytes], place: int, seconds: float) -> None:
        self.requests, self.place = requests, place
        self.counted_from = time.perf_counter() + WARM_UP
        self.until = self.counted_from + seconds
        self.latencies: list[float] = []
        self.refused: dict[str, int] = {}
        self.ended_at = self.counted_from

    def next(self) -> bytes:
        request = self.requests[self.place % len(self.requests)]
        self.place += 1
        return request

    def note(self, sent_at: float, status: bytes, body: bytes) -> None:
        if sent_at >= self.counted_from:
            self.ended_at = time.perf_counter()
            self.latencies.append(self.ended_at - sent_at)
        if not status.startswith(b"2"):
            what = f"{status.decode()} {body[:160].decode(errors='replace')}"
            self.refused[what] = self.refused.get(what, 0) + 1


class Client(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self, load: Load) -> None:
        self.load, self.received = load, b""
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.send()

    def send(self) -> None:
        self.sent_at = time.perf_counter()
        if self.sent_at < self.load.until:
            self.transport.write(self.load.next())
        else:
            self.transport.close()
            self.done.set_result(None)

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, separator, body = self.received.partition(b"\r\n\r\n")
        if separator and len(body) >= _length(head):
            self.received = b""
            self.load.note(self.sent_at, head[9:12], body)
            self.send()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(error or ConnectionError("The server closed the connection."))


def _length(head: bytes) -> int:
    lower = head.lower()
    at = lower.index(b"content-length:") + 15
    end = lower.find(b"\r", at)
    return int(lower[at : end if end > 0 else None])


async def _run(load: Load, port: int, clients: int) -> None:
    loop = asyncio.get_running_loop()
    opened = [await loop.create_connection(lambda: Client(load), "127.0.0.1", port) for _ in range(clients)]
    async with asyncio.timeout(load.until - time.perf_counter() + PATIENCE):
        await asyncio.gather(*(client.done for _, client in opened))


def main() -> None:
    file, port, clients, seconds, place = sys.argv[1:]
    load = Load(pickle.loads(Path(file).read_bytes()), int(place), float(seconds))
    uvloop.run(_run(load, int(port), int(clients)))
    latencies = sorted(load.latencies)
    figures = {
        "rate": len(latencies) / (load.ended_at - load.counted_from),
        "p50": latencies[len(latencies) // 2],
        "p99": latencies[int(len(latencies) * 0.99)],
        "place": load.place,
        "refused": load.refused,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
