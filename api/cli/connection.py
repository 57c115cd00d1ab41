"""A first connection to the database, to see whether it answers."""

from typing import Any

import psycopg

PATIENCE = 5
"""Seconds to wait for an answer."""


def reach(url: str) -> psycopg.Connection[Any] | str:
    """A connection to the database, or why there is none."""
    try:
        return psycopg.connect(url, connect_timeout=PATIENCE, autocommit=True)
    except (psycopg.Error, UnicodeError) as error:
        return " ".join(str(error).split()) or type(error).__name__


def revision_of(url: str) -> str | None:
    """The revision of the schema in this database, if it has any."""
    with psycopg.connect(url) as connection:
        if connection.execute("SELECT to_regclass('alembic_version')").fetchone() == (None,):
            return None
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return row[0] if row else None
