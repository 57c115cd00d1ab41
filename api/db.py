"""The database, in two ways of speaking to it.

`run()` is for changes and simple reads, with SQLModel. `document()` is for composed reads: one statement in which
PostgreSQL builds the JSON, in one round trip that is its own transaction, so that what it records is committed when
the answer arrives. Both are asynchronous underneath; the domain's verbs are plain functions.

Behind both stands row-level security. A connection acts in a role that owns nothing, and each transaction begins by
saying who asks (`ENTER`): the database then shows the rows of that actor's families, and of no other, whatever the
statement asks for. What was said ends with the transaction.
"""

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import cache
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from psycopg import AsyncRawCursor, OperationalError
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlmodel import Session

from api import metrics, telemetry

NAMED = re.compile(r"%\((\w+)\)s")

WAITS = 10
"""Seconds a request waits for a connection."""

Given = ParamSpec("Given")
Result = TypeVar("Result")

PATIENCE = "-c lock_timeout=5s -c idle_in_transaction_session_timeout=30s"
FEW_ROWS = "-c jit=off -c random_page_cost=1.1"
"""Every statement reaches few rows by index: compiling one takes longer than it saves, and reading on is no cheaper."""
PLANNED_ONCE = "-c plan_cache_mode=force_generic_plan"
"""Every statement is planned once per connection: planning a composed read takes longer than running it."""
CONNECT: dict[str, Any] = {"options": f"-c timezone=UTC {PATIENCE} {FEW_ROWS} {PLANNED_ONCE}", "prepare_threshold": 0}

ENTER = """SELECT spil_enter(%(role)s, %(municipality_code)s, %(agency_id)s::uuid, %(professional_id)s::uuid,
                             %(person_id)s::uuid, %(family_id)s::uuid, %(after)s::uuid, %(limit)s::int)"""
"""Says who asks, about which family or about which page of families."""


class DatabaseRole(StrEnum):
    """What a connection may do. Whoever connects is a member of the one they need."""

    APP = "spil_app"
    """Serves requests: sees what the actor of each is related to."""
    WORKER = "spil_worker"
    """Does what nobody asks for, around every family."""


def sqlalchemy_url(url: str) -> str:
    """The same address, for SQLAlchemy with psycopg 3."""
    return url.replace("postgresql://", "postgresql+psycopg://", 1)


@cache
def _numbered(statement: str) -> tuple[str, list[str]]:
    """The statement with numbered parameters, and their names in order: psycopg reads a long one anew each time."""
    names = list(dict.fromkeys(NAMED.findall(statement)))
    return NAMED.sub(lambda found: f"${names.index(found[1]) + 1}", statement), names


class Database:
    """One worker's connections."""

    def __init__(self, url: str, connections: int, role: DatabaseRole = DatabaseRole.APP) -> None:
        connect = CONNECT | {"options": f"{CONNECT['options']} -c role={role}"}
        self._engine = create_async_engine(
            sqlalchemy_url(url),
            pool_size=connections,
            max_overflow=0,
            pool_timeout=WAITS,
            hide_parameters=True,  # an error's text would have names in it
            connect_args=connect,
        )
        self._documents = AsyncConnectionPool(
            url,
            min_size=connections,
            max_size=connections,
            open=False,
            timeout=WAITS,
            kwargs=connect | {"autocommit": True, "cursor_factory": AsyncRawCursor},
        )

    async def open(self) -> None:
        await self._documents.open(wait=True)
        for kind in ("changes", "documents"):
            metrics.ROOM.labels(kind).set(self._documents.max_size)

    async def close(self) -> None:
        await self._documents.close()
        await self._engine.dispose()

    async def run(
        self, function: Callable[Concatenate[Session, Given], Result], *args: Given.args, **kwargs: Given.kwargs
    ) -> Result:
        """Run a function on a session of its own. What it has not committed when it returns or raises is undone.

        A connection that turns out to be lost, before the commit that ends the function, undoes it too: then it runs
        once more. One that is lost in the commit may have committed, and is an error.
        """
        try:
            return await self._in_session(function, *args, **kwargs)
        except DBAPIError as error:
            if not error.connection_invalidated or error.statement is None:
                raise
            return await self._in_session(function, *args, **kwargs)

    async def _in_session(
        self, function: Callable[Concatenate[Session, Given], Result], *args: Given.args, **kwargs: Given.kwargs
    ) -> Result:
        session = AsyncSession(self._engine, sync_session_class=Session, expire_on_commit=False)
        async with metrics.held("changes"), session:
            with telemetry.step("transaction"):
                return await session.run_sync(cast("Any", function), *args, **kwargs)

    async def document(self, statement: str, parameters: Mapping[str, Any]) -> TupleRow:
        """The one row of one statement for who asks, which has committed when this returns."""
        try:
            with telemetry.step("document"):
                return await self._ask(statement, parameters)
        except OperationalError:  # the database went away; if it is back, so are its connections
            await self._documents.check()
            return await self._ask(statement, parameters)

    async def _ask(self, statement: str, parameters: Mapping[str, Any]) -> TupleRow:
        enter, known = _numbered(ENTER)
        numbered, names = _numbered(statement)
        async with self._documents.connection() as connection, metrics.held("documents"):
            async with connection.pipeline():  # one round trip, and so one transaction
                await connection.execute(enter, [parameters.get(name) for name in known])
                cursor = await connection.execute(numbered, [parameters[name] for name in names])
            row = await cursor.fetchone()
        if row is None:
            raise RuntimeError("A document statement always gives one row.")
        return row
