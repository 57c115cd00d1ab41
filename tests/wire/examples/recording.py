"""What was asked and answered, in a form that is the same each time: invented ids, instants on fixed days, no keys.

An example that still says the same is left as it was, so that recording anew changes only what has changed.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic.alias_generators import to_camel

from tests.wire.examples.playing import Played
from tests.world import today

LOCAL = ZoneInfo("Europe/Amsterdam")
FIRST_DAY = date(2026, 9, 1)
"""The day on which the story is told to have happened."""

AN_ID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
A_TRACE = re.compile("(?<![0-9a-f])[0-9a-f]{32,}(?![0-9a-f])")
A_PLACE = re.compile("(?m)^id: .*$")
AN_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
A_DAY = re.compile(r"(?<![\dT-])\d{4}-\d\d-\d\d(?![\dT-])")
CURSOR = "WyJleGFtcGxlIl0"
SEALED = {
    "client_assertion": "eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJleGFtcGxlIn0.c2lnbmF0dXJl",
    "access_token": "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJpc3MiOiJleGFtcGxlIn0.c2lnbmF0dXJl",
    "nextCursor": CURSOR,
    "cursor": CURSOR,
    "sequence": "00000000000000000041",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    "publicKey": "whpk_3ZbQ0Jq1v0cG0Jm3iW9yq0x8mCw1q5m2n4k7r9t0u1w=",
    "If-Match": '"7d1c0a52e94b4f0f8a35b1c6d2e4f901"',
}
"""Keys, tokens and cursors, which differ each time: by the name under which they are."""
FIXED_IDS = {"linde-2026", "second-key"}


class Plainly:
    """Puts an invented value in the place of each that differs from one time to the next."""

    def __init__(self) -> None:
        self._ids: dict[str, str] = {}
        self._later = FIRST_DAY - today()

    def of(self, node: Any, where: str, name: str = "") -> Any:
        if isinstance(node, Mapping):
            return {key: self.of(one, f"{where}.{key}", key) for key, one in node.items()}
        if isinstance(node, list):
            return [self.of(one, f"{where}.{place}", name) for place, one in enumerate(node)]
        if not isinstance(node, str):
            return node
        if name in SEALED:
            return SEALED[name]
        if name == "kid":
            return node if node in FIXED_IDS else "spil-2026"
        return node if name == "birthDate" else self._text(node, where)

    def _text(self, text: str, where: str) -> str:
        text = AN_ID.sub(lambda found: self._id(found[0], where), text)
        text = A_TRACE.sub(lambda found: self._number(found[0], where), text)
        text = A_PLACE.sub(f"id: {CURSOR}", text).replace("http://127.0.0.1:8000", "https://spil.example")
        text = re.sub(r"http://127\.0\.0\.1:\d+", "https://linde.example", text)
        text = AN_INSTANT.sub(lambda found: self._instant(found[0]), text)
        return A_DAY.sub(lambda found: str(self._moved(date.fromisoformat(found[0]))), text)

    def name(self, real: str, name: str) -> None:
        """Give what the story goes on with an id by what it is called there."""
        self._ids.setdefault(real, _made(name))

    def _id(self, real: str, where: str) -> str:
        """The same for the same, and made of where it was met first."""
        if real not in self._ids:
            known = set(self._ids.values())
            tries = (_made(f"{where} {count}") for count in range(len(known) + 1))
            self._ids[real] = next(one for one in tries if one not in known)
        return self._ids[real]

    def _number(self, real: str, where: str) -> str:
        return (self._id(real, where).replace("-", "") * 3)[: len(real)]

    def _instant(self, real: str) -> str:
        local = datetime.fromisoformat(real).astimezone(LOCAL)
        moved = self._moved(local.date())
        if (local.hour, local.minute) == (0, 0):
            told = datetime(moved.year, moved.month, moved.day, tzinfo=LOCAL)
        else:
            told = datetime(moved.year, moved.month, moved.day, 9, 30, tzinfo=LOCAL)
        return told.astimezone(UTC).isoformat()

    def _moved(self, day: date) -> date:
        """Days around the story move with it; those of law and of birth stay."""
        around = today() - timedelta(days=60) <= day <= today() + timedelta(days=5 * 366)
        return day + self._later if around else day


def _made(name: str) -> str:
    return str(UUID(bytes=hashlib.sha256(name.encode()).digest()[:16], version=4))


def examples(story: Iterable[Played]) -> dict[str, dict[str, Any]]:
    """The example of each operation, by its id in the description."""
    plainly, told = Plainly(), {}
    for played in story:
        for name, real in played.kept.items():
            plainly.name(real, name)
        example = plainly.of(_as_it_went(played), played.operation.name)
        if played.step.shown:
            assert played.operation.name not in told, f"{played.operation.name} has two examples."
            told[played.operation.name] = _short(example)
    return {to_camel(name): example for name, example in told.items()}


def _as_it_went(played: Played) -> dict[str, Any]:
    answer = played.answer
    asked = {"path": played.path, "query": played.query, "headers": played.headers, "body": played.body}
    is_json = answer.headers.get("content-type", "").startswith("application/json")
    said = answer.json() if is_json else answer.text or None
    return {name: one for name, one in asked.items() if one} | {"status": answer.status_code, "answer": said}


def _short(node: Any) -> Any:
    """The same with lists of no more than it takes to show each kind of item, and two at least."""
    if isinstance(node, dict):
        return {name: _short(one) for name, one in node.items()}
    if not isinstance(node, list):
        return node
    shown: list[Any] = []
    for one in node:
        if len(shown) < 2 or shape(one) not in [shape(known) for known in shown]:
            shown.append(_short(one))
    return shown


def shape(node: Any) -> Any:
    """The names and types of a value, whatever is in it."""
    if isinstance(node, dict):
        return {name: shape(one) for name, one in node.items()}
    if isinstance(node, list):
        return sorted({json.dumps(shape(one), sort_keys=True) for one in node})
    return _kind(node) if isinstance(node, str) else type(node).__name__


def _kind(text: str) -> str:
    for kind, pattern in (("id", AN_ID), ("instant", AN_INSTANT), ("day", A_DAY)):
        if pattern.fullmatch(text):
            return kind
    return "text"


def settled(fresh: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    """The examples, of which those that say the same as before are as they were."""
    return {name: known[name] if _says_same(one, known.get(name)) else one for name, one in fresh.items()}


def _says_same(one: Any, other: Any) -> bool:
    return other is not None and _gist(one) == _gist(other)


def _gist(node: Any) -> Any:
    """What a value says, but for ids and days, and in whatever order."""
    if isinstance(node, dict):
        return {name: _gist(one) for name, one in node.items()}
    if isinstance(node, list):
        return sorted({json.dumps(_gist(one), sort_keys=True) for one in node})
    if isinstance(node, str):
        return node if _kind(node) == "text" and not AN_ID.search(node) else _kind(node)
    return type(node).__name__
