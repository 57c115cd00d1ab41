"""What a story is made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

WORK = "the worker does what there is to do"

REGISTRAR, OFFICER, ANALYST = "registrar", "privacy_officer", "analyst"
ADMINISTRATOR = "platform_administrator"
NOBODY = ""
"""Without a token."""


def system(kept: str) -> str:
    """The system of an agency that was kept under this name."""
    return f"system {kept}"


def professional(kept: str) -> str:
    return f"professional {kept}"


def relative(kept: str) -> str:
    """The family member who is the person that was kept under this name."""
    return f"relative {kept}"


@dataclass(frozen=True)
class Step:
    """One call. In what it sends, `{name}` is what was kept under that name, `{+30}` the day thirty days from now."""

    operation: str
    by: str
    body: Any = None
    query: Mapping[str, str] = field(default_factory=dict)
    at: Mapping[str, str] = field(default_factory=dict)
    """What fills the path where it isn't what was kept under the parameter's own name: another name, or a value."""
    keep: Mapping[str, str] = field(default_factory=dict)
    """What to keep of the answer, by where it is: `id`, `items.0.id`, `items.role=parent.id`."""
    accept: str = "application/json"
    """In which form the answer is asked for."""
    shown: bool = True
    """Whether this is the operation's example; if not it only prepares another."""


def step(operation: str, by: str, body: Any = None, **more: Any) -> Step:
    return Step(operation, by, body, **more)


def aside(operation: str, by: str, body: Any = None, **more: Any) -> Step:
    """A step that only prepares others."""
    return Step(operation, by, body, shown=False, **more)


Chapter = tuple[Step | str, ...]
