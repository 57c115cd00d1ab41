"""Many clients change the same families at once: no rule breaks, nothing is lost, nobody gets a 5xx."""

import asyncio
from collections.abc import Callable
from contextlib import ExitStack

import pytest
from httpx import Client

from api.main import create_app
from api.settings import Settings
from tests.campaigns import history
from tests.campaigns.arena import Arena, fight
from tests.conftest import serving
from tests.world import World

CLIENTS = 16
OPERATIONS = 1250


@pytest.mark.parametrize("servers", [1, 2])
def test_many_clients_at_once_break_no_rule(settings: Settings, new_database: Callable[[], str], servers: int) -> None:
    own = settings.model_copy(update={"database_url": new_database()})
    url = str(own.database_url)
    history.watch(url)
    with ExitStack() as stack:
        apps = [create_app(own) for _ in range(servers)]
        urls = [stack.enter_context(serving(app)) for app in apps]
        world = World(apps[0], stack.enter_context(Client(base_url=urls[0])))
        stack.callback(world.close)
        outcome = asyncio.run(fight(Arena(world), urls, CLIENTS, OPERATIONS, seed=servers))
    assert outcome.failures == []
    assert history.broken(url) == {}
    assert outcome.by_status[200] + outcome.by_status[201] > OPERATIONS / 8, outcome.by_status
    assert outcome.by_status[503] < OPERATIONS / 100, outcome.by_status
    sizes = history.sizes(url)
    assert sizes["transfers"], sizes
    assert sizes["reassigned"], sizes
    assert sizes["orphaned"] + sizes["lost their ground"], sizes
    assert sizes["event"] == sizes["outbox"]
