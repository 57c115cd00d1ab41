"""A change is of what its sender has read: `If-Match` with the ETag of that (RFC 9110, 13.1).

Nothing in an endpoint has to think of it. A PATCH, PUT or DELETE changes what a GET at the same path shows, and a verb
(`_accept`) what a GET at the path before it shows. That read is made inside the change's transaction, on what is
locked, in the eyes of who changes it. A route without such a read can't be served (`must_be_readable`).
"""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlmodel import func, select

from api.auth.policy import RULES
from api.auth.representations import content, etag, tags_of
from api.domain.documents import Document
from api.domain.errors import NotFound
from api.problems import WireError

if TYPE_CHECKING:
    from api.auth.calls import Call, FamilyCall, Operation

CONDITIONAL = {"PATCH", "PUT", "DELETE"}
LANGUAGES = ("nl", "en")
"""What is read has labels in one of these."""
READS: dict[str, "Operation"] = {}
"""How each path is read."""


def path_of(method: str, path: str) -> str | None:
    """The path of what an operation changes, if that is one thing."""
    if method == "POST":
        path, _, verb = path.rpartition("/")
        return path if verb.startswith("_") and path.endswith("}") else None
    return path if method in CONDITIONAL else None


def must_be_readable(method: str, path: str) -> None:
    """Refuse to serve a change of what can't be read: nobody could know its ETag."""
    if method in CONDITIONAL and path not in READS:
        raise TypeError(f"{method} {path} needs a GET at the same path, or `current`: what is its ETag of?")


def must_hold(call: "Call", operation: "Operation", inputs: dict[str, Any]) -> None:
    """Refuse a change that is based on another state than the one there is, or on none."""
    if_match, if_none_match = (call.request.headers.get(name) for name in ("if-match", "if-none-match"))
    state = _State(call, operation, inputs)
    _take_turns(call, operation)
    if if_none_match is not None and operation.method == "PUT":
        if if_none_match.strip() != "*":
            raise WireError(400, "invalid_precondition", "If-None-Match on a PUT is *: only if there is nothing yet.")
        if state.is_there():
            raise WireError(412, "precondition_failed", "There is one already. Read it, and send its ETag as If-Match.")
    elif if_match is None:
        if operation.method in CONDITIONAL and state.is_there():
            raise WireError(428, "precondition_required", "Read it first, and send its ETag as If-Match.")
    elif tags_of(if_match) != ["*"] and not any(tag in tags_of(if_match) for tag in state.tags()):
        raise WireError(412, "precondition_failed", "It has changed since you read it. Read it again.")


def _take_turns(call: "Call", operation: "Operation") -> None:
    """Of two changes of one thing the second sees what the first has made of it. A family is locked already."""
    if not operation.of_family and path_of(operation.method, operation.path):
        thing = call.request.url.path.rpartition("/_")[0] if operation.method == "POST" else call.request.url.path
        call.work.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(thing, 0))))


def tag_now(call: "Call", operation: "Operation", inputs: dict[str, Any]) -> str | None:
    """The ETag of what a change has left, where its answer isn't what a read would show."""
    if operation.current is None and not _answers_otherwise(operation):
        return None
    return next(_State(call, operation, inputs).tags(), None)


def _answers_otherwise(operation: "Operation") -> bool:
    read = READS.get(operation.path) if operation.method in {"PATCH", "PUT"} else None
    if read is None or operation.status == 204:
        return False
    return _shape(read.function) is not _shape(operation.function) and _shape(read.function) is not Document


def _shape(function: Callable[..., Any]) -> Any:
    return inspect.signature(function).return_annotation


class _State:
    """What an operation is about to change."""

    def __init__(self, call: "Call", operation: "Operation", inputs: dict[str, Any]) -> None:
        self._call, self._operation, self._inputs = call, operation, inputs
        self._read = READS.get(path_of(operation.method, operation.path) or "")

    def is_there(self) -> bool:
        """Only a PUT may find nothing; for the others that is a 404."""
        if self._operation.unless_there is not None:
            return bool(self._operation.unless_there(self._call, **_taken(self._operation.unless_there, self._inputs)))
        try:
            next(self.tags(), None)
        except NotFound:
            if self._operation.method == "PUT":
                return False
            raise
        return True

    def tags(self) -> Iterator[str]:
        """Its ETags, in each language. None for who may change it and not read it."""
        if self._operation.current is not None:
            shown = self._operation.current(self._call, **_taken(self._operation.current, self._inputs))
            yield etag(content(shown))
        elif self._read is not None and self._may_read(self._read):
            yield from (etag(form) for form in self._forms(self._read))

    def _forms(self, read: "Operation") -> Iterator[bytes]:
        given = _taken(read.function, self._inputs)
        languages = LANGUAGES if "language" in inspect.signature(read.function).parameters else (None,)
        for language in languages:
            spoken = given | ({"language": language} if language else {})
            if _shape(read.function) is Document:
                yield self._as_family(read).read(read.function(**spoken))
            else:
                yield content(read.function(self._call, **spoken))

    def _as_family(self, read: "Operation") -> "FamilyCall":
        return replace(self._call, operation=read)  # type: ignore[call-arg, return-value]

    def _may_read(self, read: "Operation") -> bool:
        roles = RULES[read.permission].roles
        return self._call.work.actor.role in roles if roles else self._call.access.by(read.permission) is not None


def _taken(function: Callable[..., Any], inputs: dict[str, Any]) -> dict[str, Any]:
    known = inspect.signature(function).parameters
    return {name: value for name, value in inputs.items() if name in known}
