"""What holds for every request and every answer, whatever the route: headers, HEAD, size, a trace id, and no stack
trace ever. One ASGI layer, because it must hold for errors too.
"""

import os
import re
import secrets
import traceback
from importlib.metadata import version
from pathlib import Path

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import metrics, telemetry
from api.problems import problem

API_VERSION = version("spil")
MAX_BODY = 256 * 1024
LIMITS = {("POST", "/v1/caseload-synchronisations"): 32 * 1024 * 1024}
"""What takes more than that: it is read as it comes, and never held as a whole."""
TRACEPARENT = re.compile(rb"^[0-9a-f]{2}-(?![0-9]{32})([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$")
"""A caller's trace id is recorded, so one of digits alone isn't taken over: it could be somebody's number."""

HEADERS = {
    "API-Version": API_VERSION,
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
ENCODED_HEADERS = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]

log = structlog.get_logger("spil")


class TooLarge(Exception):
    """More body than any operation takes."""


class Wire:
    """Wraps the application."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        trace = TRACEPARENT.match(headers.get(b"traceparent", b""))
        head = scope["method"] == "HEAD"
        added: list[tuple[str, str]] = []
        trace_id = trace[1].decode() if trace else secrets.token_hex(16)
        scope = dict(scope, head=head, added_headers=added, trace_id=trace_id)
        if head:
            scope["method"] = "GET"
        answer = _Answer(send, added, head=head)
        tracer = getattr(scope["app"].state, "tracer", None)
        if tracer is None:
            await self._serve(scope, receive, answer)
            return
        with telemetry.request(tracer, scope, telemetry.parent_of(trace)) as span:
            scope["trace_id"] = telemetry.trace_id_of(span)
            failure = await self._serve(scope, receive, answer)
            telemetry.answered(span, scope, answer.status, failure)

    async def _serve(self, scope: Scope, receive: Receive, answer: "_Answer") -> str | None:
        """Answer, whatever happens; gives the kind of error that nobody foresaw."""
        measured = metrics.Request(scope, head=answer.head)
        limit = LIMITS.get((scope["method"], scope["path"]), MAX_BODY)
        try:
            if _declared_length(dict(scope["headers"])) > limit:
                raise TooLarge
            await self.app(scope, _limited(receive, limit), answer)
        except TooLarge:
            await self._fail(answer, scope, 413, "too_large", f"Send at most {limit // 1024} KiB.")
        except ClientDisconnect:  # they hung up before their request was whole: nobody is there to be answered
            pass
        except Exception as error:
            log.error("unexpected", kind=type(error).__name__, trace_id=scope["trace_id"], where=_where(error))
            await self._fail(answer, scope, 500, "unexpected", "Nothing was changed. Tell us the `instance`.")
            return type(error).__name__
        finally:
            measured.answered(answer.status)
        return None

    async def _fail(self, answer: "_Answer", scope: Scope, status: int, code: str, detail: str) -> None:
        if not answer.started:
            response = problem(status, code, detail, instance=f"urn:trace:{scope['trace_id']}")
            await response(scope, _nothing, answer)


class _Answer:
    """Sends an answer with the headers that every answer has, and without a body to a HEAD."""

    def __init__(self, send: Send, added: list[tuple[str, str]], *, head: bool) -> None:
        self.send, self.added, self.head, self.started, self.status = send, added, head, False, 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started, self.status = True, message["status"]
            own = {name for name, _ in message["headers"]}
            extra = [header for header in ENCODED_HEADERS if header[0] not in own]
            added = [(name.lower().encode(), value.encode()) for name, value in self.added]
            message["headers"] = [*message["headers"], *extra, *added]
        elif self.head and message["type"] == "http.response.body":
            message["body"] = b""
        await self.send(message)


def _limited(receive: Receive, limit: int) -> Receive:
    seen = 0

    async def limited() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > limit:
            raise TooLarge
        return message

    return limited


def _declared_length(headers: dict[bytes, bytes]) -> int:
    declared = headers.get(b"content-length", b"0")
    return int(declared) if declared.isdigit() else 0


def _where(error: BaseException) -> list[str]:
    """The places of ours that an error passed, and where it arose, without its text: that could hold personal data."""
    passed = [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)]
    ours = [one for one in passed[:-1] if f"{os.sep}site-packages{os.sep}" not in one[0]]
    return [f"{Path(name).name}:{line}" for name, line in [*ours, *passed[-1:]]][-8:]


async def _nothing() -> Message:
    return {"type": "http.disconnect"}
