"""Reading a request strictly: what is sent and what is wanted must be JSON, the JSON plain, and nothing unknown."""

from collections.abc import Callable, Coroutine
from dataclasses import astuple
from typing import Any

from fastapi import Request, Response
from fastapi.dependencies.utils import get_flat_params
from fastapi.params import Form, Query
from fastapi.routing import APIRoute
from pydantic_core import from_json
from starlette.routing import Match
from starlette.types import Scope

from api.auth.idempotency import Claim
from api.domain import bsn
from api.domain.actor import Actor
from api.problems import WireError, is_at

JSON = "application/json"
NDJSON = "application/x-ndjson"
FORM = "application/x-www-form-urlencoded"
BODIES = {"POST": {JSON}, "PUT": {JSON}, "PATCH": {JSON, "application/merge-patch+json"}}
ACCEPTABLE = {"*/*", "application/*", JSON, "application/problem+json"}
LONGEST_KEY = 128
TOKENS = {"access_token", "token", "authorization", "client_assertion", "client_secret", "id_token"}
"""What may never be in a query."""


class StrictRoute(APIRoute):
    """Reads strictly before anything else looks at the request."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """As ever, except that a verb is not an id."""
        found = super().matches(scope)
        return found if is_at(found) else (Match.NONE, {})

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        known = {one.alias for one in get_flat_params(self.dependant) if isinstance(one.field_info, Query)}
        takes_form = self.body_field is not None and isinstance(self.body_field.field_info, Form)
        takes_body = self.body_field is not None
        offered: frozenset[str] = getattr(self.endpoint, "offers", frozenset())
        taken_in: frozenset[str] = getattr(self.endpoint, "takes", frozenset())

        async def strict(request: Request) -> Response:
            negotiate(request, offered)
            refuse_token_in_query(request)
            refuse_other_parameters(request, known)
            if taken_in:
                must_be_sent_as(request, taken_in)
                return await handle(request)
            body = await request.body()
            if body and request.method in BODIES:
                must_be_sent_as(request, {FORM} if takes_form else BODIES[request.method])
                if not takes_form:
                    read_json(request, body, takes_body=takes_body)
            return await handle(request)

        return strict


def refuse_token_in_query(request: Request) -> None:
    """What proves who asks would stay behind in logs and histories: refuse it, so that nobody gets used to it."""
    if TOKENS & {name.lower() for name in request.query_params}:
        detail = "A token in a URI stays behind in logs. Send it as Authorization: Bearer <token>, or in the body."
        raise WireError(400, "token_in_query", detail)


def refuse_other_parameters(request: Request, known: set[str]) -> None:
    """Refuse what a misspelt filter would silently show: more than was asked for."""
    given = [name for name, _ in request.query_params.multi_items()]
    if any("\ufffd" in part for pair in request.query_params.multi_items() for part in pair):
        raise WireError(400, "invalid_query", "The query can't be read. Send UTF-8, percent-encoded.")
    if set(given) - known or len(given) > len(set(given)):
        names = ", ".join(sorted(known)) or "none"
        raise WireError(400, "unknown_parameter", f"The query parameters here are, each at most once: {names}.")


def media_type_of(request: Request) -> str:
    return _media_type(request.headers.get("content-type", ""))


def must_be_sent_as(request: Request, media_types: set[str] | frozenset[str]) -> None:
    if media_type_of(request) not in media_types:
        wanted = " or ".join(sorted(media_types))
        raise WireError(415, "unsupported_media_type", f"Send it with Content-Type: {wanted}.")


def read_json(request: Request, body: bytes, *, takes_body: bool) -> None:
    """Read the body once, so that what comes later finds plain JSON: no NaN, no half characters."""
    try:
        request._json = from_json(body, allow_inf_nan=False)
    except ValueError:
        raise WireError(400, "invalid_json", "The body can't be read. Send valid JSON in UTF-8.") from None
    if not takes_body and request._json not in ({}, None):
        raise WireError(400, "body_not_taken", "Send this without a body.")


def negotiate(request: Request, offered: frozenset[str] = frozenset()) -> None:
    """Refuse who can't take JSON for an answer, nor what else is `offered` here."""
    wanted = request.headers.get("accept", "*/*") or "*/*"
    if not any(_media_type(one) in ACCEPTABLE | offered and not _is_refused(one) for one in wanted.split(",")):
        names = " or ".join((JSON, *sorted(offered)))
        raise WireError(406, "not_acceptable", f"Answers are JSON. Send Accept: {names}.")


def prefers(request: Request, media_type: str) -> bool:
    """Whether this is wanted before JSON: by its weight, and of what weighs the same by what is named first."""
    wanted = (request.headers.get("accept") or JSON).split(",")
    known = [one for one in wanted if _media_type(one) in ACCEPTABLE | {media_type} and not _is_refused(one)]
    return bool(known) and _media_type(max(known, key=_quality)) == media_type


def language_of(accept_language: str | None) -> str:
    """`nl` unless English is preferred."""
    ranked = sorted(((_quality(part), -place, part) for place, part in enumerate((accept_language or "").split(","))))
    for quality, _, part in reversed(ranked):
        language = part.split(";")[0].strip().lower().split("-")[0]
        if quality > 0 and language in {"nl", "en"}:
            return language
    return "nl"


async def claim_of(request: Request, actor: Actor, body: bytes | None = None) -> Claim | None:
    """The claim a change makes on its Idempotency-Key, if it has one."""
    key = request.headers.get("idempotency-key")
    if key is None:
        return None
    if not 0 < len(key) <= LONGEST_KEY or not key.isascii() or not key.isprintable():
        raise WireError(400, "invalid_idempotency_key", f"An Idempotency-Key is 1 to {LONGEST_KEY} ASCII characters.")
    if bsn.is_in(key):
        raise WireError(400, "invalid_idempotency_key", "An Idempotency-Key is stored, so it must not hold a BSN.")
    body = await request.body() if body is None else body
    return Claim(
        caller=":".join(str(part) for part in astuple(actor)),
        key=key,
        request=b"\n".join([request.method.encode(), _target(request).encode(), body]),
    )


def _target(request: Request) -> str:
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def _media_type(value: str) -> str:
    return value.split(";")[0].strip().lower()


def _quality(value: str) -> float:
    for parameter in value.split(";")[1:]:
        name, _, weight = parameter.strip().partition("=")
        if name == "q":
            try:
                return float(weight)
            except ValueError:
                return 0.0
    return 1.0


def _is_refused(value: str) -> bool:
    return _quality(value) == 0.0
