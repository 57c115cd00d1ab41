"""Holds every refusal that a test meets against the description: the code must be one that the operation names."""

import re
from functools import cache

from httpx import Response
from pydantic.alias_generators import to_camel

from api.description import codes


@cache
def _paths() -> list[tuple[str, re.Pattern[str], str]]:
    from tests.wire.operations import OPERATIONS

    in_order = sorted(OPERATIONS, key=lambda one: one.path.count("{"))
    return [
        (one.method, re.compile(re.sub(r"\{\w+\}", "[^/_][^/]*", one.path)), to_camel(one.name)) for one in in_order
    ]


def operation_of(method: str, path: str) -> str | None:
    """The operation that answers this."""
    asked = "GET" if method == "HEAD" else method
    found = (name for known, pattern, name in _paths() if known == asked and pattern.fullmatch(path))
    return next(found, None)


def must_be_described(response: Response) -> None:
    """A hook for clients of the tests."""
    if response.headers.get("content-type") != "application/problem+json" or response.request.method == "HEAD":
        return
    name = operation_of(response.request.method, response.request.url.path)
    if name in codes():
        response.read()
        code, known = response.json()["code"], codes()[name].get(str(response.status_code), [])
        assert code in known, f"{name} can be refused with {response.status_code} {code}: its description must say so."
