"""Writes down what a release promises: `python -m tests.wire.release`.

`openapi/released.json` is the description of the last release, without what only people read. Every later description
of the same major version (while that is 0: of the same minor) is held against it by `tests/wire/test_compatibility.py`.
A release that breaks it needs another number first. What is still `unreleased` in `CHANGELOG.md` may yet change: then
this writes it anew, and says what breaks.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

from tests.wire.compatibility import differences
from tests.wire.operations import APP

ROOT = Path(__file__).parents[2]
RELEASED = ROOT / "openapi" / "released.json"
FOR_PEOPLE = {
    "description",
    "summary",
    "example",
    "examples",
    "tags",
    "servers",
    "security",
    "x-roles",
    "x-relations",
    "x-power",
}
OF_REFUSALS = {str(status) for status in range(400, 600)}
"""How it is refused isn't compared: problems have one form, and their codes pages of their own."""
NAMES = {"properties", "schemas", "paths", "headers", "responses"}
"""Under these, a key is a name of the API's own."""


def promised(description: dict[str, Any]) -> dict[str, Any]:
    """A description without what only people read."""
    kept: dict[str, Any] = _kept(description)
    return kept | {"components": {"schemas": kept["components"]["schemas"]}}


def _kept(node: Any, *, names: bool = False) -> Any:
    if isinstance(node, list):
        return [_kept(one) for one in node]
    if not isinstance(node, dict):
        return node
    left_out = OF_REFUSALS if names else FOR_PEOPLE | OF_REFUSALS
    kept = {name: one for name, one in node.items() if name not in left_out}
    return {name: _kept(one, names=name in NAMES and not names) for name, one in kept.items()}


def series(version: str) -> str:
    """What may not break: a major version; before the first one, a minor."""
    major, minor, _ = version.split(".")
    return major if major != "0" else f"0.{minor}"


def is_released(version: str) -> bool:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    return re.search(rf"^## {re.escape(version)} - \d{{4}}-\d\d-\d\d$", changelog, re.MULTILINE) is not None


def main() -> None:
    old: dict[str, Any] = json.loads(RELEASED.read_text(encoding="utf-8")) if RELEASED.exists() else {}
    new = promised(APP.openapi())
    found = differences(old, new) if old else []
    sys.stdout.writelines(f"{one}\n" for one in found)
    version = old.get("info", {}).get("version", "")
    if any(one.breaks for one in found) and is_released(version) and series(version) == series(new["info"]["version"]):
        sys.exit(f"{version} was released: this needs another major version.")
    RELEASED.write_text(json.dumps(new, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
