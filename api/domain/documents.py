"""Composed reads: documents that PostgreSQL builds in one statement, asked for by a select and its parameters.

The select is kept in a `.sql` file beside its capability. It gives one row: `body` (the JSON as text), `family_ids`
(whom it shows) and `next_cursor`. It starts from the reader's relations, which the policy puts before it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Document:
    """A composed read, asked for."""

    select: str
    parameters: dict[str, Any]
    candidates: str | None = None
    """A select whose `family_id`s are all that it can be about, for a read that isn't about a page of families."""


@dataclass(frozen=True)
class Following:
    """A read that goes on: from a place, or from now, by documents of what comes after a place."""

    start: int | None
    after: Callable[[int], Document]


def load(*names: str) -> str:
    """The text of one or more `.sql` files of this folder, one after the other."""
    return "\n".join((Path(__file__).parent / name).read_text(encoding="utf-8") for name in names)
