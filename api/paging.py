"""Lists in pages: a page ends with an opaque cursor to the next. There is no count of all rows, on purpose."""

import base64
import binascii
import json
import re
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Query
from pydantic import BeforeValidator, Field
from pydantic_core import from_json

from api.problems import WireError
from api.shapes import Out

Item = TypeVar("Item")
LARGEST_NUMBER = 2**63 - 1


def whole_number(value: object) -> object:
    if isinstance(value, str) and not re.fullmatch("-?[0-9]{1,20}", value):
        raise ValueError("Give a whole number.")
    return value


Limit = Annotated[
    int, Field(ge=1, le=200), BeforeValidator(whole_number), Query(description="How many items a page has at most.")
]
Cursor = Annotated[
    str | None,
    Query(
        max_length=300,
        pattern="^[A-Za-z0-9_-]*$",
        description="Where the page starts: the `nextCursor` of the page before it.",
    ),
]


class Page(Out, Generic[Item]):
    """Some items of a list, in its order."""

    items: Sequence[Item]
    next_cursor: str | None = Field(
        default=None, description="Give it as `cursor` for the next page. Null: this is the last."
    )


def page(found: Sequence[Any], limit: int, shape: type[Item], position: Callable[[Any], Sequence[Any]]) -> "Page[Item]":
    """A page of what was found, of which there is one more than the limit if there is a next page."""
    items = [shape.of(row) for row in found[:limit]]  # type: ignore[attr-defined]
    following = encode([str(part) for part in position(found[limit - 1])]) if len(found) > limit else None
    return Page[shape](items=items, next_cursor=following)  # type: ignore[valid-type]


def encode(position: Sequence[Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode().rstrip("=")


def decode(cursor: str | None, *parts: Callable[[Any], Any]) -> tuple[Any, ...] | None:
    """The position a cursor stands for, each part read as what it is."""
    if not cursor:
        return None
    try:
        position = from_json(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), allow_inf_nan=False)
        return tuple(_part(read, given) for read, given in zip(parts, position, strict=True))
    except (ValueError, TypeError, AttributeError, OverflowError, binascii.Error):
        detail = "Take the cursor from `nextCursor`, and leave it out for the first page."
        raise WireError(400, "invalid_cursor", detail) from None


def _part(read: Callable[[Any], Any], given: Any) -> Any:
    """One part of a position: text or a number, within what the database can compare with."""
    if type(given) not in (str, int) or "\x00" in str(given):
        raise ValueError
    part = read(given)
    if isinstance(part, int) and not 0 <= part <= LARGEST_NUMBER:
        raise ValueError
    return part
