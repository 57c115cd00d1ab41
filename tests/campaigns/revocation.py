"""End a relation on one worker, then read on another, again and again: nothing may be disclosed any more.

    python -m tests.campaigns.revocation --trials 10000

starts a PostgreSQL and two server processes of its own. Each trial ends one relation over HTTP, or lets it lapse, in
one of the ways of `tests/access/ways.py` and `ways_of_grounds.py`, and makes one of the reads that disclosed the family
just before, on both workers. Exit code 0: no read disclosed anything after the acknowledgement.
`--at-once` families are tried at a time.
"""

import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx

from api.main import create_app
from tests.access.stand import trials
from tests.access.sweep import ID
from tests.access.ways import WAYS
from tests.access.ways_of_grounds import WAYS_OF_GROUNDS
from tests.campaigns.ground import a_database, a_server, options
from tests.world import World

Told = tuple[str, str, bool]


def main() -> int:
    """Run the campaign that the command line asks for."""
    wanted = options(__doc__, trials=10_000, at_once=3)
    with a_database() as (stack, _, settings):
        urls = [stack.enter_context(a_server(settings)) for _ in range(2)]
        app = create_app(settings)
        worlds = []
        for _ in range(wanted.at_once):
            clients = [stack.enter_context(httpx.Client(base_url=url, timeout=60)) for url in urls]
            worlds.append((World(app, clients[0]), clients[1]))
            stack.callback(worlds[-1][0].close)
        return _report(_tried(worlds, wanted.trials))


def _tried(worlds: list[tuple[World, httpx.Client]], number: int) -> list[Told]:
    with ThreadPoolExecutor(len(worlds)) as pool:
        share = -(-number // len(worlds))
        parts = [pool.submit(_some, world, reading, share) for world, reading in worlds]
        return [one for part in parts for one in part.result()]


def _some(world: World, reading: httpx.Client, number: int) -> list[Told]:
    told: list[Told] = []
    for one in trials(WAYS | WAYS_OF_GROUNDS, world, ending=world.client, reading=reading, number=number):
        told.append(one)
        if len(told) % 500 == 0:
            print(f"{len(told)} of {number}, {sum(known for *_, known in told)} disclosed", flush=True)
    return told


def _report(told: list[Told]) -> int:
    disclosed = [one for one in told if one[2]]
    for way, number in sorted(Counter(way for way, _, _ in told).items()):
        print(f"  {way:45} {number}")
    for path, number in sorted(Counter(ID.sub("{id}", path) for _, path, _ in told).items()):
        print(f"  {path[:80]:80} {number}")
    print(f"{len(told)} trials, {len(disclosed)} disclosed after the acknowledgement")
    print(*disclosed[:10], sep="\n")
    return int(bool(disclosed))


if __name__ == "__main__":
    sys.exit(main())
