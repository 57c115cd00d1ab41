"""Long answers, in chunks: what a chunk shows is on record, and committed, before its first byte leaves.

Each chunk asks anew who asks and what they may see, so a relation or a token that ends in the middle ends what follows.
Between two chunks nothing is held, no connection and no rows: memory stays flat, however much there is and however
slowly it is read. As lines (NDJSON) it says after each chunk where to go on after a cut, and at the end that it is all.
"""

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from sqlmodel import Session

from api.auth import documents
from api.auth.calls import Call, Operation, admitted
from api.auth.requests import JSON, NDJSON, prefers
from api.domain.actor import Actor
from api.domain.documents import Document

if TYPE_CHECKING:
    from api.db import Database


@dataclass(frozen=True)
class Chunk:
    """Some lines, each a JSON object, and the cursor of what follows."""

    lines: list[str]
    following: str | None


Read = Callable[[Call], Chunk]
"""A chunk that is read with the domain's own verbs, in a transaction that it ends."""


async def send(operation: Operation, request: Request, actor: Actor, inputs: dict[str, Any]) -> Response:
    """Send all that follows a cursor. The operation says how a chunk is asked for: as a document or a `Read`."""
    chunks = _chunks(operation, request, actor, inputs)
    first = await anext(chunks)  # whatever is refused, is refused before the answer begins
    written = _lines(first, chunks) if prefers(request, NDJSON) else _json(first, chunks)
    return StreamingResponse(written, operation.status, media_type=NDJSON if prefers(request, NDJSON) else JSON)


async def _chunks(operation: Operation, request: Request, actor: Actor, inputs: dict[str, Any]) -> AsyncIterator[Chunk]:
    state, authorization = request.app.state, request.headers.get("authorization")
    while True:
        asked = operation.function(**inputs)
        if isinstance(asked, Document):
            chunk = await _document(state.database, operation, request, actor, asked)
        else:
            chunk = await state.database.run(_read, operation, request, actor, asked)
        yield chunk
        if chunk.following is None or request.scope.get("head"):
            return
        inputs = inputs | {"cursor": chunk.following}
        await state.authenticator.proof(authorization)


async def _document(
    database: "Database", operation: Operation, request: Request, actor: Actor, document: Document
) -> Chunk:
    statement = documents.statement(document.select, actor.role, one_family=False)
    values = documents.parameters(document, actor, operation.permission, None, request.scope["trace_id"])
    body, following, _ = await database.document(statement, values)
    return Chunk(body.split("\n") if body else [], following)


def _read(session: Session, operation: Operation, request: Request, actor: Actor, read: Read) -> Chunk:
    chunk = read(admitted(session, operation, request, actor, None))
    session.commit()
    return chunk


async def _lines(first: Chunk, chunks: AsyncIterator[Chunk]) -> AsyncIterator[str]:
    async for chunk in _all(first, chunks):
        mark = {"kind": "checkpoint", "cursor": chunk.following} if chunk.following else {"kind": "end"}
        yield "\n".join([*chunk.lines, json.dumps(mark), ""])


async def _json(first: Chunk, chunks: AsyncIterator[Chunk]) -> AsyncIterator[str]:
    before = '{"items":['
    async for chunk in _all(first, chunks):
        if chunk.lines:
            yield before + ",".join(chunk.lines)
            before = ","
    yield "]}" if before == "," else before + "]}"


async def _all(first: Chunk, chunks: AsyncIterator[Chunk]) -> AsyncIterator[Chunk]:
    yield first
    async for chunk in chunks:
        yield chunk
