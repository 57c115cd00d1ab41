"""Many clients, many changes, a handful of families, for as long as you like.

    python -m tests.campaigns.concurrency --operations 50000

starts a PostgreSQL and two server processes of its own, has 16 clients change the same families at random, and asks
the database afterwards which laws of history don't hold. Exit code 0: all do, and there was no unexpected 5xx.
"""

import argparse
import asyncio
import sys
import time

import httpx

from api.main import create_app
from tests.campaigns import history
from tests.campaigns.arena import Arena, Outcome, fight
from tests.campaigns.ground import a_database, a_seed, a_server, options
from tests.world import World

ROUND = 2500
"""Operations between two looks at the history."""


def main() -> int:
    """Run the campaign that the command line asks for."""
    wanted = options(__doc__, operations=50_000, clients=16, servers=2, families=4, seed=a_seed())
    with a_database() as (stack, _, settings):
        history.watch(str(settings.database_url))
        urls = [stack.enter_context(a_server(settings)) for _ in range(wanted.servers)]
        world = World(create_app(settings), stack.enter_context(httpx.Client(base_url=urls[0])))
        stack.callback(world.close)
        return _rounds(wanted, Arena(world, wanted.families), urls, str(settings.database_url))


def _rounds(wanted: argparse.Namespace, arena: Arena, urls: list[str], database: str) -> int:
    total, done, since = Outcome(), 0, time.monotonic()
    while done < wanted.operations:
        operations = min(ROUND, wanted.operations - done)
        outcome = asyncio.run(fight(arena, urls, wanted.clients, operations, wanted.seed + done))
        done += operations
        total.answers.update(outcome.answers)
        total.failures.extend(outcome.failures)
        broken = history.broken(database)
        rate = done / (time.monotonic() - since)
        statuses = dict(sorted(total.by_status.items()))
        print(
            f"{done} operations, {rate:.0f}/s, {statuses}, {len(total.failures)} failures, broken: {broken}", flush=True
        )
        if broken or total.failures:
            print(*total.failures[:10], sep="\n")
            return 1
    _report(total, database)
    return 0


def _report(total: Outcome, database: str) -> None:
    for (what, status), number in sorted(total.answers.items()):
        print(f"  {what:20} {status} {number}")
    print(history.sizes(database))


if __name__ == "__main__":
    sys.exit(main())
