"""What the tests of the wire share."""

import pytest

from tests.wire.stage import Stage
from tests.world import World


@pytest.fixture(scope="session")
def stage(world: World) -> Stage:
    return Stage(world)


@pytest.fixture(scope="session")
def untouched(world: World) -> Stage:
    """A stage on which nothing is ever changed, so that everything on it can be read."""
    return Stage(world)
