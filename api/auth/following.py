"""Server-sent events: a read that goes on, for as long as who asks may.

Each look is a request of its own: the token is proven again, the relations are looked up again, and what is shown is
recorded before it leaves.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from time import monotonic
from typing import Any

from fastapi import Request
from fastapi.responses import StreamingResponse

from api.db import Database
from api.domain.actor import Actor
from api.paging import encode
from api.problems import WireError

LOOKS_EVERY = 0.5
"""Seconds between two looks whether anything was published."""
SILENT_FOR = 15
"""Seconds after which a silent stream says that it is there."""
UNTIL = "SELECT spil_published_until()"

Ask = Callable[[int], tuple[str, dict[str, Any]]]
"""The statement and the parameters that ask for what comes after a place."""


class EventStream(StreamingResponse):
    """Server-sent events."""

    media_type = "text/event-stream"


async def follow(request: Request, actor: Actor, start: int | None, ask: Ask) -> AsyncIterator[str]:
    """What is published after a place (from now, without one), until the reader goes or the stream ends."""
    ends = monotonic() + request.app.state.settings.stream_seconds
    database: Database = request.app.state.database
    looked = await _published_until(database) if start is None else 0
    after = looked if start is None else start
    silent = 0.0
    yield _comment("here")
    while monotonic() < ends and await _still_asks(request, actor):
        until = await _published_until(database)
        if until > looked:
            body, goes_on, _ = await database.document(*ask(after))
            looked = looked if goes_on else until
            for item in json.loads(body)["items"]:
                after = int(item["sequence"])
                yield _told(item)
            silent = 0.0
        elif silent >= SILENT_FOR:
            yield _comment("still here")
            silent = 0.0
        if until == looked:
            await asyncio.sleep(LOOKS_EVERY)
            silent += LOOKS_EVERY


async def _published_until(database: Database) -> int:
    [until] = await database.document(UNTIL, {})
    return int(until)


async def _still_asks(request: Request, actor: Actor) -> bool:
    """Whether they are still there, with a token that still says who they are; and the service goes on."""
    if getattr(request.app.state, "stopping", False) or await request.is_disconnected():
        return False
    try:
        proof = await request.app.state.authenticator.proof(request.headers.get("authorization"))
    except WireError:
        return False
    return bool(proof.actor == actor)


def _told(item: dict[str, Any]) -> str:
    text = json.dumps(item, ensure_ascii=False, separators=(",", ":"))
    return f"id: {encode([int(item['sequence'])])}\nevent: {item['type']}\ndata: {text}\n\n"


def _comment(text: str) -> str:
    return f": {text}\n\n"
