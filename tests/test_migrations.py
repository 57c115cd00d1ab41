"""The schema goes up, down and up again, and is then what the code says."""

import secrets
from collections.abc import Iterator

import psycopg
import pytest
from alembic import command

from api.migrating import check, configured, migrate

LEFT = """
SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname NOT LIKE 'alembic%'
UNION ALL SELECT typname FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typname NOT LIKE '%alembic%'
UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
"""


@pytest.fixture
def empty_database(server: str) -> Iterator[str]:
    name = f"spil_{secrets.token_hex(6)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield server.replace("/postgres?", f"/{name}?")
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def left(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        return sorted(row[0] for row in connection.execute(LEFT))


def test_up_down_and_up_again(empty_database: str) -> None:
    migrate(empty_database)
    once = left(empty_database)
    assert {"family", "event", "refuse_change", "uuidrange"} <= set(once)
    with configured(empty_database) as config:
        command.downgrade(config, "base")
    assert left(empty_database) == []
    migrate(empty_database)
    assert left(empty_database) == once
    check(empty_database)


def test_migrating_what_is_up_to_date_changes_nothing(empty_database: str) -> None:
    migrate(empty_database)
    migrate(empty_database)
    check(empty_database)
    with psycopg.connect(empty_database) as connection:
        [domains] = connection.execute("SELECT count(*) FROM help_domain").fetchone() or (0,)
    assert domains == 16
