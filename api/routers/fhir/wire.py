"""What FHIR asks of HTTP: its media type, errors as OperationOutcome, and no BSN in a URI."""

import json
from collections.abc import MutableMapping
from typing import Any

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.domain import bsn
from api.fhir.codings import BSN
from api.fhir.outcomes import outcome
from api.problems import MEDIA_TYPE as PROBLEM
from api.problems import WireError

FHIR_JSON = "application/fhir+json"
ROOT = "/fhir"
FORMATS = {FHIR_JSON, "application/json", "json", "text/json"}
WANTED = {FHIR_JSON, "application/json", "application/*", "*/*"}
VERSIONS = {"4.0", "4.0.1"}


def must_want_fhir(request: Request) -> None:
    """Refuse who can't take FHIR R4 as JSON. `_format` goes before Accept."""
    asked = request.query_params.getlist("_format") or (request.headers.get("accept") or "*/*").split(",")
    known = FORMATS if "_format" in request.query_params else WANTED
    if not any(_fits(one, known) for one in asked):
        raise WireError(406, "not_acceptable", f"Answers are FHIR R4 in JSON. Send Accept: {FHIR_JSON}.")


def _fits(media_range: str, known: set[str]) -> bool:
    kind, *parameters = (part.strip().lower() for part in media_range.replace(" json", "+json").split(";"))
    given = dict(one.split("=", 1) for one in parameters if "=" in one)
    return kind in known and given.get("fhirversion", "4.0") in VERSIONS and given.get("q") not in {"0", "0.0"}


def refuse_bsn_in_query(request: Request) -> None:
    """A URI stays behind in logs and histories: whoever searches by BSN does so in a body."""
    for value in request.query_params.values():
        if bsn.is_in(value) or f"{BSN}|" in value:
            detail = "A BSN in a URI stays behind in logs. POST the search to _search, form-encoded."
            raise WireError(400, "bsn_in_query", detail)


class Outcomes:
    """Wraps the application: what goes wrong at `/fhir`, wherever it does, is answered with an OperationOutcome."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        of_fhir = scope["type"] == "http" and (scope["path"] == ROOT or scope["path"].startswith(f"{ROOT}/"))
        await self.app(scope, receive, _Translated(send) if of_fhir else send)


class _Translated:
    """Sends an answer on; a problem document, as the outcome that it is."""

    def __init__(self, send: Send) -> None:
        self.send = send
        self.start: MutableMapping[str, Any] | None = None
        self.body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _media_type(message) == PROBLEM:
            self.start = message
        elif self.start is None:
            await self.send(message)
        else:
            self.body += message.get("body", b"")
            if not message.get("more_body"):
                await self._send_outcome(self.start)

    async def _send_outcome(self, start: MutableMapping[str, Any]) -> None:
        """The answer to a HEAD has no body to translate."""
        body = json.dumps(outcome(json.loads(self.body)), ensure_ascii=False).encode() if self.body else b""
        length = [(b"content-length", str(len(body)).encode())] if body else []
        kept = [one for one in start["headers"] if one[0] not in {b"content-type", b"content-length"}]
        headers = [*kept, (b"content-type", FHIR_JSON.encode()), *length]
        await self.send({**start, "headers": headers})
        await self.send({"type": "http.response.body", "body": body})


def _media_type(message: Message) -> str:
    known = {name.lower(): value for name, value in message["headers"]}
    return str(known.get(b"content-type", b"").decode().split(";")[0])
