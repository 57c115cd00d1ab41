"""What is sent again, twice at once, half or late, to servers that are killed, is done once."""

import asyncio
from collections.abc import Callable
from contextlib import ExitStack

from httpx import Client

from api.main import create_app
from api.settings import Settings
from tests.campaigns.retries import Report, Server, retry, wrong
from tests.world import World

REQUESTS = 240


def _once(at: int) -> Callable[[Report], bool]:
    killed = False

    def due(report: Report) -> bool:
        nonlocal killed
        now, killed = not killed and report.requests >= at, killed or report.requests >= at
        return now

    return due


def test_each_deed_has_one_effect_however_often_it_is_sent(settings: Settings, new_database: Callable[[], str]) -> None:
    own = settings.model_copy(update={"database_url": new_database()})
    with ExitStack() as stack:
        servers = [Server(own) for _ in range(2)]
        for server in servers:
            stack.callback(server.kill)
            server.wait()
        world = World(create_app(own), stack.enter_context(Client()))
        stack.callback(world.close)
        report = asyncio.run(retry(world, servers, REQUESTS, clients=4, seed=4, killing=_once(REQUESTS // 2)))
    assert report.failures == []
    assert wrong(str(own.database_url), report) == []
    assert report.answered["(killed)"] == 1
    assert len({deed.kind for deed in report.deeds}) == 14
    assert min(report.sent.values()) > REQUESTS // 10
