"""What each error `code` means, why it happens and what to do: `problems.toml`, read once.

Every code that the service can answer is there, and no other; so `type` in a problem leads to a page.
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("problems.toml")


@dataclass(frozen=True)
class Explained:
    """A problem in one language."""

    title: str
    why: str
    do: str


@dataclass(frozen=True)
class ProblemPage:
    """One code."""

    code: str
    statuses: tuple[int, ...]
    dutch: Explained
    english: Explained

    @property
    def path(self) -> str:
        """Where its page is."""
        return f"/problems/{self.slug}"

    @property
    def slug(self) -> str:
        return self.code.replace("_", "-")

    def as_json(self) -> dict[str, Any]:
        texts = {"nl": vars(self.dutch), "en": vars(self.english)}
        return {"code": self.code, "type": self.path, "statuses": list(self.statuses), **texts}


@cache
def pages() -> dict[str, ProblemPage]:
    """Every problem there is, by the last part of its address."""
    told = tomllib.loads(FILE.read_text(encoding="utf-8"))
    found = [
        ProblemPage(code, tuple(one["status"]), Explained(*one["nl"]), Explained(*one["en"]))
        for code, one in sorted(told.items())
    ]
    return {page.slug: page for page in found}
