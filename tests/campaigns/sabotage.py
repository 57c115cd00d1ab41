"""Break the code of access in every way of `tests/access/sabotages.py`, and see whether the named test notices.

    python -m tests.campaigns.sabotage
    python -m tests.campaigns.sabotage --only "a small child looks"

Each runs in a process of its own, on one PostgreSQL. Exit code 0: every sabotage is noticed by its test, or is shown to
do no harm behind row-level security (and noticed without it); and nothing is wrong where nothing is broken.
"""

import argparse
import signal
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from api.embedded import postgres
from tests.access.sabotages import SABOTAGES
from tests.access.sabotaging import caught, unsound


def main() -> int:
    """Try the sabotages that the command line asks for."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--only", action="append", choices=list(SABOTAGES))
    asked.add_argument("--at-once", type=int, default=2)
    wanted = asked.parse_args()
    names = wanted.only or list(SABOTAGES)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that what it started stops with it
    with tempfile.TemporaryDirectory() as folder, postgres(Path(folder)) as url:
        wrong = unsound(url, names)
        print(f"The tests don't pass as it is:\n{wrong}" if wrong else "The tests pass as it is.", flush=True)
        with ThreadPoolExecutor(wanted.at_once) as pool:
            noticed = list(pool.map(lambda name: _tried(name, url), names))
        return _report(names, noticed) or int(bool(wrong))


def _tried(name: str, url: str) -> bool:
    noticed, said = caught(name, url)
    print(f"{'noticed' if noticed else 'MISSED '}  {name}\n    {SABOTAGES[name].test}\n    {said}", flush=True)
    return noticed


def _report(names: list[str], noticed: list[bool]) -> int:
    behind = sum(SABOTAGES[name].behind and one for name, one in zip(names, noticed, strict=True))
    print(
        f"{len(names)} sabotages: {sum(noticed) - behind} noticed by their test, {behind} harmless behind row-level "
        f"security and noticed without it, {len(names) - sum(noticed)} missed"
    )
    return int(not all(noticed))


if __name__ == "__main__":
    sys.exit(main())
