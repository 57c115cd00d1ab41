"""Stopping without leaving anybody in the middle: who is told that the service stops, and when.

At the signal, readiness ends and streams are closed. For a few seconds requests are still taken, so that a balancer
can notice. Then the server stops listening, finishes what it has begun, and goes.
"""

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def noticed(state: Any, pause: float) -> Iterator[None]:
    """Have `state.stopping` say that somebody asked to stop; the server itself hears it after the pause."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {one: signal.getsignal(one) for one in SIGNALS}
    loop = asyncio.get_running_loop()
    for one, server in before.items():
        if callable(server) and server is not signal.default_int_handler:
            signal.signal(one, _first(state, loop, pause, server))
    try:
        yield
    finally:
        for one, server in before.items():
            signal.signal(one, server)


def _first(
    state: Any, loop: asyncio.AbstractEventLoop, pause: float, server: Callable[[int, Any], Any]
) -> Callable[[int, Any], None]:
    def stop(number: int, frame: Any) -> None:
        if pause and not state.stopping and number == signal.SIGTERM:
            loop.call_soon_threadsafe(loop.call_later, pause, server, number, None)
        else:
            server(number, frame)
        state.stopping = True

    return stop
