"""When the end of a relation is acknowledged by one worker, no read on any worker discloses anything any more."""

from collections import Counter
from collections.abc import Iterator

import pytest
from httpx import Client

from api.main import create_app
from api.settings import Settings
from tests.access.stand import trials
from tests.access.ways import WAYS
from tests.access.ways_of_grounds import WAYS_OF_GROUNDS
from tests.conftest import serving
from tests.world import World

ALL = WAYS | WAYS_OF_GROUNDS
NUMBER = 3 * len(ALL)
"""Each way three times, with another read each time. `python -m tests.campaigns.revocation` does it 10,000 times."""


@pytest.fixture(scope="module")
def second_worker(settings: Settings) -> Iterator[Client]:
    """The same service on the same database, with a memory of its own for tokens."""
    with serving(create_app(settings)) as url, Client(base_url=url, timeout=30) as client:
        yield client


def test_nothing_is_disclosed_after_the_acknowledgement(world: World, second_worker: Client) -> None:
    tried = list(trials(ALL, world, ending=world.client, reading=second_worker, number=NUMBER))
    assert [one for one in tried if one[2]] == []
    assert set(Counter(way for way, _, _ in tried).values()) == {NUMBER // len(ALL)}
    assert len({path.rpartition("/")[2] for _, path, _ in tried}) >= 6, "It is all reads that are tried."
