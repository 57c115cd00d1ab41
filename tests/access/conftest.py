"""A family with everyone around it, to look at; tests that change something build their own."""

import pytest

from tests.access.scene import Scene
from tests.world import World


@pytest.fixture(scope="session")
def scene(world: World) -> Scene:
    """For reading only."""
    return Scene(world)
