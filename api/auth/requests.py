"""Reading a request strictly: what is sent and what is wanted must be JSON, and the JSON must be plain."""

from dataclasses import astuple

from fastapi import Request
from pydantic_core import from_json

from api.auth.idempotency import Claim
from api.domain.actor import Actor
from api.problems import WireError

JSON_TYPES = {"application/json", "application/merge-patch+json"}
WITH_BODY = {"POST", "PUT", "PATCH"}
ACCEPTABLE = {"*/*", "application/*", "application/json", "application/problem+json"}
LONGEST_KEY = 128


async def read_strictly(request: Request) -> None:
    """Read the body once, so that what comes later finds plain JSON: no NaN, no infinity, no half characters."""
    body = await request.body()
    if request.method in WITH_BODY and body:
        if _media_type(request.headers.get("content-type", "")) not in JSON_TYPES:
            raise WireError(415, "unsupported_media_type", "Send JSON, with Content-Type: application/json.")
        try:
            request._json = from_json(body, allow_inf_nan=False)
        except ValueError:
            raise WireError(400, "invalid_json", "The body can't be read. Send valid JSON in UTF-8.") from None


def negotiate(request: Request) -> None:
    """Refuse who can't take JSON for an answer."""
    wanted = request.headers.get("accept", "*/*") or "*/*"
    if not any(_media_type(one) in ACCEPTABLE and not _is_refused(one) for one in wanted.split(",")):
        raise WireError(406, "not_acceptable", "Answers are JSON. Send Accept: application/json.")


def matches(if_match: str, current: str) -> bool:
    return if_match.strip() == "*" or current in [tag.strip() for tag in if_match.split(",")]


def language_of(accept_language: str | None) -> str:
    """`nl` unless English is preferred."""
    ranked = sorted(((_quality(part), -place, part) for place, part in enumerate((accept_language or "").split(","))))
    for _, _, part in reversed(ranked):
        language = part.strip().lower()[:2]
        if language in {"nl", "en"}:
            return language
    return "nl"


async def claim_of(request: Request, actor: Actor) -> Claim | None:
    """The claim a POST makes on its Idempotency-Key, if it has one."""
    key = request.headers.get("idempotency-key")
    if key is None or request.method != "POST":
        return None
    if not 0 < len(key) <= LONGEST_KEY or not key.isascii() or not key.isprintable():
        raise WireError(400, "invalid_idempotency_key", f"An Idempotency-Key is 1 to {LONGEST_KEY} ASCII characters.")
    return Claim(
        caller=":".join(str(part) for part in astuple(actor)),
        key=key,
        request=b"\n".join([request.method.encode(), request.url.path.encode(), await request.body()]),
    )


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
