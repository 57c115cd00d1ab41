"""How an endpoint best speaks to PostgreSQL: `python -m bench.styles`.

Four ways to answer the same small document, with a record written in the same transaction, on one worker: this is what
the choice in `docs/decisions.md` rests on. Prints the median rate of each of several runs, and its ratio to the first.
"""

import json
import os
import pickle
import statistics
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, cast

import psycopg
from fastapi import Depends, FastAPI, Response
from psycopg_pool import AsyncConnectionPool
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlmodel import Session

from api.db import sqlalchemy_url
from api.embedded import postgres
from bench.serving import serving, settings_for

CONNECTIONS, CLIENTS, SECONDS, RUNS = 4, 8, 3, 3
WAYS = {
    "/document": "one statement, psycopg, async endpoint",
    "/session": "SQLAlchemy session, async endpoint, plain function inside",
    "/thread": "SQLAlchemy session, plain endpoint in a thread",
    "/dependency": "the same, session from a dependency",
}
SQL = """
WITH document AS (
  SELECT json_build_object('id', %(id)s::int, 'members',
    (SELECT json_agg(json_build_object('id', n, 'name', 'x' || n)) FROM generate_series(1, 20) n))::text AS body),
record AS (INSERT INTO seen (id) SELECT %(id)s::int FROM document)
SELECT body FROM document
"""


def application() -> FastAPI:
    """The four ways, on the database that the environment names."""
    url = os.environ["SPIL_DATABASE_URL"]
    pool = AsyncConnectionPool(url, min_size=CONNECTIONS, max_size=CONNECTIONS, open=False, kwargs={"autocommit": True})
    plain = create_engine(sqlalchemy_url(url), pool_size=CONNECTIONS, max_overflow=0)
    engine = create_async_engine(sqlalchemy_url(url), pool_size=CONNECTIONS, max_overflow=0)
    statement = text(SQL.replace("%(id)s::int", "CAST(:id AS int)"))

    @asynccontextmanager
    async def running(_: FastAPI) -> AsyncIterator[None]:
        await pool.open(wait=True)
        yield
        await pool.close()
        await engine.dispose()

    app = FastAPI(lifespan=running, openapi_url=None)

    def ask(session: Session) -> str:
        body: str = session.execute(statement, {"id": 5}).scalar_one()
        session.commit()
        return body

    def session() -> Iterator[Session]:
        with Session(plain) as opened:
            yield opened

    @app.get("/document")
    async def document() -> Response:
        async with pool.connection() as connection:
            row = await (await connection.execute(SQL, {"id": 5})).fetchone()
        return Response(row[0] if row else "")

    @app.get("/session")
    async def in_session() -> Response:
        async with AsyncSession(engine, sync_session_class=Session) as opened:
            return Response(await opened.run_sync(cast("Any", ask)))

    @app.get("/thread")
    def in_thread() -> Response:
        with Session(plain) as opened:
            return Response(ask(opened))

    @app.get("/dependency")
    def by_dependency(opened: Annotated[Session, Depends(session)]) -> Response:
        return Response(ask(opened))

    return app


def rate(port: int, path: str, folder: Path) -> float:
    """Answers a second, to so many clients at once."""
    requests = folder / "requests"
    requests.write_bytes(pickle.dumps([f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()]))
    given = [str(requests), str(port), str(CLIENTS), str(SECONDS), "0"]
    said = subprocess.run([sys.executable, "-m", "bench.load", *given], check=True, stdout=subprocess.PIPE, text=True)
    figures = json.loads(said.stdout)
    assert not figures["refused"], figures["refused"]
    return float(figures["rate"])


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="spil-styles-") as name, postgres(Path(name) / "postgres") as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE TABLE seen (id int, at timestamptz DEFAULT now())")
        with serving("bench.styles:application", settings_for(url)) as port:
            runs = [{path: rate(port, path, Path(name)) for path in WAYS} for _ in range(RUNS)]
    rates = {path: statistics.median(run[path] for run in runs) for path in WAYS}
    for path, meaning in WAYS.items():
        print(f"{rates[path]:8.0f}/s  {rates[path] / rates['/document']:5.2f}  {meaning}")


if __name__ == "__main__":
    main()
