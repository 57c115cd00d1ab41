"""The scene of the tests of access: one family, everybody around it, and everybody who is not."""

import pytest

from tests.access.scene import Scene
from tests.world import World


@pytest.fixture(scope="module")
def scene(world: World) -> Scene:
    return Scene(world)
