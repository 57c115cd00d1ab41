"""Stopping on Ctrl-C or SIGTERM: what was started is stopped in order, once, and that is no failure."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(KeyboardInterrupt):
    """Somebody asked to stop."""


def _stop(*_: int | FrameType | None) -> NoReturn:
    """From here on, stopping goes its own way: a second Ctrl-C would only leave something running."""
    for one in SIGNALS:
        signal.signal(one, signal.SIG_IGN)
    raise Stopped


@contextmanager
def stoppable() -> Iterator[None]:
    """Both signals end what is done here as if it was done. What it opened is closed on the way out."""
    before = {one: signal.signal(one, _stop) for one in SIGNALS}
    try:
        yield
    except Stopped:
        pass
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Whoever asks to stop waits until this is done: half of it couldn't be stopped in order."""
    asked: list[int] = []
    before = {one: signal.signal(one, lambda number, _: asked.append(number)) for one in SIGNALS}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
        if asked:
            _stop()
