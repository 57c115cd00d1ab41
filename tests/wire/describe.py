"""Describes the API anew: plays the story for the examples, reads the codes in the source, writes the description.

Run it after a change of the API: `python -m tests.wire.describe`.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from api.description import CODES, EXAMPLES
from api.embedded import postgres
from api.migrating import migrate
from tests.wire.examples.playing import told
from tests.wire.examples.recording import examples, settled
from tests.wire.refusals import codes_of_all


def recorded() -> dict[str, Any]:
    """The examples, of a story that is played on a database of its own."""
    with tempfile.TemporaryDirectory() as folder, postgres(Path(folder) / "postgres") as url:
        migrate(url)
        return examples(told(url))


def main() -> None:
    known = json.loads(EXAMPLES.read_text(encoding="utf-8")) if EXAMPLES.exists() else {}
    fresh = settled(recorded(), known)
    _write(EXAMPLES, fresh)
    _write(CODES, codes_of_all())
    sys.stdout.write(f"{len(fresh)} examples, {sum(fresh[name] != known.get(name) for name in fresh)} of them new\n")
    subprocess.run([str(Path(sys.executable).with_name("spil")), "openapi"], check=True)  # by a process that reads anew


def _write(file: Path, what: Any) -> None:
    file.write_text(json.dumps(what, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
