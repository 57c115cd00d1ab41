"""The whole matrix of access, every cell of every scene.

    python -m tests.campaigns.matrix

starts a PostgreSQL and a service of its own, and holds the service's answers against the independent model of the
rules: each reader, each operation, each legal basis, each state of the involvements. Exit code 0: all is as it says.
"""

import sys
import tempfile
import time
from pathlib import Path

import httpx

from api.embedded import postgres
from api.main import create_app
from api.migrating import migrate
from tests.access.deeds import DEEDS
from tests.access.matrix import Tally, ask_all
from tests.access.matrix_scene import BASES, GROUNDS, MatrixScene
from tests.campaigns.concurrency import _settings
from tests.conftest import serving
from tests.world import World


def main() -> int:
    """Ask every cell."""
    with tempfile.TemporaryDirectory() as folder, postgres(Path(folder)) as url:
        migrate(url)
        app = create_app(_settings(url))
        with serving(app) as base_url, httpx.Client(base_url=base_url, timeout=30) as client:
            world = World(app, client)
            try:
                return _scenes(world)
            finally:
                world.close()


def _scenes(world: World) -> int:
    tally, since = Tally(), time.monotonic()
    for basis in BASES:
        for ground in GROUNDS:
            ask_all(world.app, MatrixScene(world, basis, ground), tally)
            seconds = time.monotonic() - since
            print(f"{tally.cells} cells, {dict(tally.outcomes)}, {len(tally.wrong)} wrong, {seconds:.0f} s", flush=True)
    print(f"carried out up to the commit: {tally.rehearsed.total()}, of {len(+tally.rehearsed)} operations")
    print("never carried out:", *sorted(set(DEEDS) - set(+tally.rehearsed)))
    print(*tally.wrong[:30], sep="\n")
    return 1 if tally.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
