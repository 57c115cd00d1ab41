"""Many decisions in many worlds put together at random, each made three times.

    python -m tests.campaigns.decisions --decisions 200000

starts a PostgreSQL of its own, fills it with one small world after another, and asks the policy, row-level security
and the independent model who may do what around which family. Exit code 0: they never disagreed.
"""

import argparse
import sys
import time

from sqlalchemy import Engine, create_engine
from sqlmodel import Session

from api.db import CONNECT, sqlalchemy_url
from tests.access.random_world import RandomWorld
from tests.access.three_way import DEED_OF, OF_FAMILY, Outcome, compare
from tests.campaigns.ground import a_database, a_seed, options

FAMILIES = 20
"""Families in a world."""


def main() -> int:
    """Run the comparison that the command line asks for."""
    wanted = options(__doc__, decisions=200_000, seed=a_seed(4_000))
    if set(OF_FAMILY) != set(DEED_OF):
        print("The model has no word for:", *(set(OF_FAMILY) ^ set(DEED_OF)))
        return 1
    with a_database() as (_, __, settings):
        engine = create_engine(sqlalchemy_url(str(settings.database_url)), connect_args=CONNECT)
        try:
            return _worlds(engine, wanted)
        finally:
            engine.dispose()


def _worlds(engine: Engine, wanted: argparse.Namespace) -> int:
    outcome, since, seed = Outcome(), time.monotonic(), wanted.seed
    while outcome.decisions < wanted.decisions:
        _one_world(engine, seed, outcome)
        seed += 1
        _report(outcome, seed - wanted.seed, time.monotonic() - since)
        if outcome.disagreements:
            print(f"in the world of seed {seed - 1}:", *outcome.disagreements[:20], sep="\n")
            return 1
    print(f"relations met: {', '.join(sorted(outcome.relations))}")
    return 0


def _one_world(engine: Engine, seed: int, outcome: Outcome) -> None:
    """Worlds stay where they are: the next one finds the rows of others around it, as in real life."""
    world = RandomWorld(seed, FAMILIES)
    with Session(engine, expire_on_commit=False) as session:
        world.write(session)
    with engine.begin() as connection:
        compare(connection, world, outcome)


def _report(outcome: Outcome, worlds: int, seconds: float) -> None:
    print(
        f"{outcome.decisions} decisions ({outcome.allowed} allowed) of {outcome.pairs} readers of a family"
        f" ({outcome.related} related) in {worlds} worlds, {outcome.documents} documents compared, {seconds:.0f} s,"
        f" disagreements: {len(outcome.disagreements)}",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
