"""Nothing is lost and nothing is out of order around a family, however often those who deliver are killed."""

import random
from collections.abc import Callable
from pathlib import Path

from httpx import Client

from api.main import create_app
from api.settings import Settings
from tests.campaigns import deliveries
from tests.world import World

EVENTS = 200


def test_workers_that_are_killed_lose_nothing(
    settings: Settings, new_database: Callable[[], str], tmp_path: Path
) -> None:
    own = settings.model_copy(update={"database_url": new_database()})
    with Client() as client:
        world = World(create_app(own), client)
        try:
            verdict = deliveries.run(world, tmp_path / "received", EVENTS, 2, random.Random(1), every=60, families=12)
        finally:
            world.close()
    assert verdict.expected > EVENTS
    assert (verdict.lost, verdict.disordered) == (0, 0), verdict
    assert verdict.killed
