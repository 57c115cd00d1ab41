"""The whole matrix of access, every cell of every scene.

    python -m tests.campaigns.matrix

starts a PostgreSQL and a service of its own, and holds the service's answers against the independent model of the
rules: each reader, each operation, each legal basis, each state of the involvements. Exit code 0: all is as it says.
`--share 8` asks one cell in eight of each scene, other ones in each.
"""

import sys
import time
from itertools import product

import httpx

from api.main import create_app
from tests.access.deeds import DEEDS
from tests.access.matrix import Tally, ask_all
from tests.access.matrix_scene import BASES, GROUNDS, MatrixScene
from tests.campaigns.ground import a_database, options
from tests.conftest import serving
from tests.world import World


def main() -> int:
    """Ask every cell, or one in so many."""
    wanted = options(__doc__, share=1)
    with a_database() as (_, __, settings):
        app = create_app(settings)
        with serving(app) as base_url, httpx.Client(base_url=base_url, timeout=30) as client:
            world = World(app, client)
            try:
                return _scenes(world, wanted.share)
            finally:
                world.close()


def _scenes(world: World, share: int) -> int:
    tally, since = Tally(), time.monotonic()
    for number, (basis, ground) in enumerate(product(BASES, GROUNDS)):
        ask_all(world.app, MatrixScene(world, basis, ground), tally, share, number)
        seconds = time.monotonic() - since
        print(f"{tally.cells} cells, {dict(tally.outcomes)}, {len(tally.wrong)} wrong, {seconds:.0f} s", flush=True)
    print(f"carried out up to the commit: {tally.rehearsed.total()}, of {len(+tally.rehearsed)} operations")
    changes = {name for name in DEEDS if not name.startswith(("get_", "list_", "whom_", "explain_"))}
    print("changes that were refused for other reasons:", *sorted(changes - set(+tally.rehearsed)))
    print(*tally.wrong[:30], sep="\n")
    return 1 if tally.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
