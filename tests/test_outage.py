"""When the database goes away and comes back, nobody gets a 500, and nothing needs a restart."""

import httpx
import psycopg
import pytest

from api.main import create_app
from api.settings import Settings
from tests.conftest import serving
from tests.world import World


@pytest.fixture
def database_url(new_database) -> str:  # type: ignore[no-untyped-def]
    url: str = new_database()
    return url


def lose_connections(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def test_requests_survive_lost_connections(settings: Settings, database_url: str) -> None:
    app = create_app(settings.model_copy(update={"database_url": database_url}))
    with serving(app) as base_url, httpx.Client(base_url=base_url, timeout=30) as client:
        world = World(app, client)
        registrar, family = world.as_(world.registrar), world.a_family()
        for _ in range(8):
            assert registrar.get(f"/families/{family.id}/who-is-involved").status_code == 200
        lose_connections(database_url)
        statuses = {registrar.get(f"/families/{family.id}/who-is-involved").status_code for _ in range(8)}
        statuses |= {registrar.get(f"/families/{family.id}").status_code for _ in range(8)}
        assert statuses == {200}
        assert client.get("/health/ready").status_code == 200
        world.close()


def test_a_change_on_a_lost_connection_is_made_once(settings: Settings, database_url: str) -> None:
    app = create_app(settings.model_copy(update={"database_url": database_url}))
    with serving(app) as base_url, httpx.Client(base_url=base_url, timeout=30) as client:
        world = World(app, client)
        team = world.a_team()
        registrar = world.as_(world.registrar)
        lead = {"professionalId": str(team.lead.id)}
        assert registrar.get(team.path).status_code == 200
        world.close()
        lose_connections(database_url)
        assert registrar.put(f"{team.path}/contact-points/parenting", lead).status_code == 200
        assert len(world.told(team.family, "contact_point.assigned")) == 1
        world.close()
