"""What the description of the API says beside what the code says of itself: examples, and which errors there are.

Both are recorded by `python -m tests.wire.describe`: the examples by playing a story, the codes by reading the source.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).with_name("examples.json")
CODES = Path(__file__).with_name("codes.json")


@cache
def examples() -> dict[str, dict[str, Any]]:
    """What was asked and answered, for each operation by its id."""
    told: dict[str, dict[str, Any]] = json.loads(EXAMPLES.read_text(encoding="utf-8"))
    return told


@cache
def codes() -> dict[str, dict[str, list[str]]]:
    """The error codes that each operation can meet, by status."""
    told: dict[str, dict[str, list[str]]] = json.loads(CODES.read_text(encoding="utf-8"))
    return told
