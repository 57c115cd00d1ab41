"""Which clients and keys are no longer trusted, so that tokens they have already got lose their force.

Invariant: nothing decided here rests on knowledge older than five seconds. Each worker asks the database at most every
two seconds, when a token is used; when the database can't be asked, what is known counts a little longer, and then no
client's token is taken at all.
"""

import asyncio
import time

import structlog
from psycopg import Error as PostgresError
from psycopg_pool import PoolTimeout

from api.db import Database
from api.problems import UNREACHABLE

FRESH_FOR = 2.0
"""Seconds after which the database is asked again."""
LASTS_FOR = 4.0
"""Seconds for which what is known counts while the database can't be asked; an answer may take no longer either."""
ASKS_AGAIN_AFTER = 0.5
"""Seconds between two attempts while the database can't be asked: those who wait don't each try."""

REVOKED = """
SELECT ARRAY(SELECT c.id FROM client c JOIN agency a ON a.id = c.agency_id WHERE NOT (c.active AND a.active)),
       ARRAY(SELECT ARRAY[client_id, kid]::text[] FROM client_removed_key
             WHERE removed_at > clock_timestamp() - interval '1 day')
"""
"""A token lasts fifteen minutes, so a key that was removed a day ago has none left."""

log = structlog.get_logger("spil.revocations")


class Revocations:
    """What one worker knows of them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._clients: frozenset[str] = frozenset()
        self._keys: frozenset[tuple[str, str]] = frozenset()
        self._known_at = self._asked_at = -float("inf")
        self._asking = asyncio.Lock()

    async def has(self, client_id: str, kid: str) -> bool:
        """Whether this client, or the key it asked with, is no longer trusted."""
        if self._age() >= FRESH_FOR:
            async with self._asking:
                if self._age() >= FRESH_FOR and time.monotonic() - self._asked_at >= ASKS_AGAIN_AFTER:
                    await self._ask()
            if self._age() >= LASTS_FOR:
                raise UNREACHABLE
        return client_id in self._clients or (client_id, kid) in self._keys

    def _age(self) -> float:
        return time.monotonic() - self._known_at

    async def _ask(self) -> None:
        self._asked_at = asked_at = time.monotonic()
        try:
            async with asyncio.timeout(LASTS_FOR):
                clients, keys = await self._database.document(REVOKED, {})
        except (PostgresError, PoolTimeout, OSError, TimeoutError) as error:
            log.warning("revoked clients can't be asked for", kind=type(error).__name__)
            return
        self._clients, self._keys = frozenset(clients), frozenset((client, kid) for client, kid in keys)
        self._known_at = asked_at
