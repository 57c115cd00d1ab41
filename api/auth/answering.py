"""Answering an authorised request: how each kind of endpoint is carried out, and what becomes of a refusal.

A `Call` runs in one transaction, carried out anew if it met a deadlock. A document is asked for in one statement; one
that goes on, again and again. An upload is taken in first. A refusal leaves a record too.
"""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from fastapi import Request, Response
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from api.auth import chunks, documents, turns
from api.auth.calls import Operation, carry_out, refusal
from api.auth.following import EventStream, follow
from api.auth.idempotency import Answer
from api.auth.policy import Access, Relation, Standing
from api.auth.purposes import recorded
from api.auth.representations import etag, is_known
from api.auth.requests import claim_of
from api.auth.uploads import Upload
from api.domain.actor import Actor
from api.domain.documents import Document, Following
from api.domain.errors import Forbidden, NotFound
from api.domain.models import AuditRecord
from api.domain.work import keep
from api.problems import AGAIN

ATTEMPTS = 3
"""A transaction that met a deadlock is carried out anew, so many times in all."""


def way_of(operation: Operation, own: inspect.Signature) -> Callable[..., Awaitable[Response]]:
    """How an operation is carried out: in one transaction or in several, or as a document, once or again and again."""
    if "turns" in own.parameters:
        return turns.take
    if "upload" in own.parameters:
        return take_in
    if "call" in own.parameters:
        return carry_out_request
    if own.return_annotation is Following:
        return follow_documents
    return chunks.send if operation.offers else ask_document


async def carry_out_request(operation: Operation, request: Request, actor: Actor, inputs: dict[str, Any]) -> Response:
    """Carry out a change or a simple read, anew if it met a deadlock; a refusal leaves a record too."""
    claim = await claim_of(request, actor) if operation.changes else None
    for attempt in range(1, ATTEMPTS + 1):
        try:
            answer: Answer = await request.app.state.database.run(carry_out, operation, request, actor, claim, inputs)
            return _unless_known(operation, request, answer)
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) not in AGAIN or attempt == ATTEMPTS:
                raise
        except (NotFound, Forbidden) as error:
            about = {"family_id": inputs["family_id"]} if operation.of_family else error.about
            if about is not None:
                await _record_refusal(operation, request, actor, about)
            raise
    raise AssertionError("The last attempt returns or raises.")


async def take_in(operation: Operation, request: Request, actor: Actor, inputs: dict[str, Any]) -> Response:
    """Take a body in as it comes, and then carry out what its endpoint makes of it."""
    upload = Upload(operation, request, actor)
    await upload.must_be_possible()
    try:
        verb = await operation.function(upload, **inputs)
        return await carry_out_request(replace(operation, function=verb), request, actor, {})
    finally:
        await upload.leave()


async def ask_document(operation: Operation, request: Request, actor: Actor, inputs: dict[str, Any]) -> Response:
    """Ask for a composed read, which records what it shows or refuses."""
    family_id = inputs.pop("family_id", None)
    document: Document = operation.function(**inputs)
    statement = documents.statement(
        document.select, actor.role, one_family=operation.of_family, candidates=document.candidates
    )
    values = documents.parameters(document, actor, operation.permission, family_id, request.scope["trace_id"])
    body, next_cursor, names = await request.app.state.database.document(statement, values)
    if body is None:
        access = Access(actor.role, tuple(Standing(Relation(name)) for name in names))
        if access.by(operation.permission):
            raise NotFound("This family has no such thing.")
        raise refusal(access, operation.permission)
    content = body.encode()
    headers = {"ETag": etag(content)}
    if next_cursor:
        following = request.url.include_query_params(cursor=next_cursor)
        headers["Link"] = f'<{following.path}?{following.query}>; rel="next"'
    return _unless_known(operation, request, Answer(200, content, headers))


def _unless_known(operation: Operation, request: Request, answer: Answer) -> Response:
    """The answer; or, to who has the same already, that they do. That is on record as it is: it shows as much."""
    if operation.method == "GET" and is_known(request.headers.get("if-none-match"), answer.headers["ETag"]):
        return Response(None, 304, answer.headers)
    return Response(answer.body, answer.status, answer.headers, "application/json" if answer.body else None)


async def follow_documents(operation: Operation, request: Request, actor: Actor, inputs: dict[str, Any]) -> Response:
    """Ask for what comes after a place, again and again; each time for who asks then, and with its record."""
    following: Following = operation.function(**inputs)

    def ask(place: int) -> tuple[str, dict[str, Any]]:
        document = following.after(place)
        statement = documents.statement(document.select, actor.role, one_family=False, candidates=document.candidates)
        return statement, documents.parameters(document, actor, operation.permission, None, request.scope["trace_id"])

    return EventStream(() if request.scope.get("head") else follow(request, actor, following.start, ask))


async def _record_refusal(operation: Operation, request: Request, actor: Actor, about: dict[str, Any]) -> None:
    what = about | {"trace_id": request.scope["trace_id"], **recorded(operation.permission)}
    record = AuditRecord.of(actor, operation.permission, "refused", datetime.now(UTC), **what)
    await request.app.state.database.run(_leave, record)


def _leave(session: Session, record: AuditRecord) -> None:
    keep(session, AuditRecord, [record.model_dump(exclude={"id"})])
    session.commit()
