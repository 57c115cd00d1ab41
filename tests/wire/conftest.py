"""What the tests of the wire share."""

import pytest

from tests.wire.stage import Stage
from tests.world import World


@pytest.fixture(scope="session")
def stage(world: World) -> Stage:
    return Stage(world)
