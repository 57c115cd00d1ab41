"""The schema: brought up to date, taken down, or compared with the tables of the code."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

from api.db import sqlalchemy_url

SCRIPTS = Path(__file__).parent.parent / "migrations"
PATIENCE = "-c lock_timeout=5s -c statement_timeout=15min"


def configured(url: str) -> "MigratingConnection":
    return MigratingConnection(url)


class MigratingConnection:
    """Alembic's configuration, with a connection of its own that gives up rather than block a running service."""

    def __init__(self, url: str) -> None:
        self._engine = create_engine(sqlalchemy_url(url), connect_args={"options": PATIENCE})

    def __enter__(self) -> Config:
        self._connection = self._engine.connect()
        config = Config()
        config.set_main_option("script_location", str(SCRIPTS))
        config.attributes["connection"] = self._connection
        return config

    def __exit__(self, *_: object) -> None:
        self._connection.commit()
        self._connection.close()
        self._engine.dispose()


def migrate(url: str, revision: str = "head") -> None:
    """Bring the schema to a revision: the newest, unless another is named."""
    with configured(url) as config:
        command.upgrade(config, revision)


def check(url: str) -> None:
    """Fail if the tables of the code and the migrated schema differ."""
    with configured(url) as config:
        command.check(config)
