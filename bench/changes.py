"""What a change sends to PostgreSQL, for pgbench: the very statements of one request, over many families.

One request of each kind is carried out in this process, on the database that is measured, and its statements are
noted. What differs per request becomes a variable of pgbench; all else stays as it was sent, and commits. The families
are others than those of the requests over HTTP.
"""

import asyncio
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx
from psycopg import sql
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from api.main import create_app
from api.settings import Settings

NAMED = re.compile(r"%\((\w+)\)s")
A_UUID = re.compile(r"'([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})'(?:::uuid)?", re.IGNORECASE)

A_TEXT = re.compile(r"'(?:[^'\n]|'')*'")

Sent = list[tuple[str, dict[str, Any]]]


@dataclass(frozen=True)
class Request:
    """A change to carry out once."""

    method: str
    path: str
    body: dict[str, Any]
    headers: dict[str, str]


def sent_for(settings: Settings, requests: list[Request]) -> Sent:
    """The statements that the first request sends, with their parameters. The others undo it."""
    return asyncio.run(_sent_for(settings, requests))


async def _sent_for(settings: Settings, requests: list[Request]) -> Sent:
    app, told = create_app(settings), list[Sent]()

    def note(_connection: Any, _cursor: Any, statement: str, given: Any, *_: Any) -> None:
        told[-1].extend((statement, one) for one in (given if isinstance(given, list) else [given]))

    engine: AsyncEngine = app.state.database._engine
    event.listen(engine.sync_engine, "before_cursor_execute", note)
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1/v1") as client,
    ):
        for request in requests:
            told.append([])
            answer = await client.request(request.method, request.path, json=request.body, headers=request.headers)
            answer.raise_for_status()
    return told[0]


def apart(rows: int) -> str:
    """A random row, of those that no other client of pgbench takes."""
    return f"\\set i 1 + :client_id + 32 * random(0, {rows // 32 - 1})\n"


def once(table: str) -> str:
    """The next row, which nobody has taken yet."""
    return f"SELECT nextval('{table}_turn') AS i \\gset\n"


def taking(turn: str, select: str, names: list[str]) -> str:
    """The row whose turn it is, as variables."""
    return f"{turn}SELECT {', '.join(names)} FROM ({select.strip()}) AS turn WHERE i = :i \\gset\n"


def transaction(sent: Sent, variables: dict[str, str]) -> str:
    """The statements as pgbench takes them. `variables`: which value of this request stands for which variable."""
    ids: dict[str, str] = {}
    lines = [_statement(statement, given, variables, ids) for statement, given in sent]
    new = [f"gen_random_uuid() AS {name}" for name in ids.values()]
    made = f"SELECT {', '.join(['clock_timestamp() AS at', *new])} \\gset\n"
    return made + "BEGIN;\n" + "".join(f"{line};\n" for line in lines) + "COMMIT;\n"


def _statement(statement: str, given: dict[str, Any], variables: dict[str, str], ids: dict[str, str]) -> str:
    plain = "\n".join(line for line in statement.splitlines() if not line.lstrip().startswith("--"))
    plain = without_colons(plain)
    return NAMED.sub(lambda found: _value(given[found[1]], variables, ids), plain).replace("%%", "%")


def _value(value: Any, variables: dict[str, str], ids: dict[str, str]) -> str:
    """A variable for what differs per request, the value itself for what does not."""
    if str(value) in variables:
        return f":{variables[str(value)]}::{'uuid' if A_UUID.fullmatch(repr(str(value))) else 'text'}"
    if isinstance(value, UUID):
        return f":{ids.setdefault(str(value), f'new_{len(ids)}')}::uuid"
    if isinstance(value, datetime):
        return ":at::timestamptz"
    return without_colons(sql.Literal(value).as_string())


def without_colons(statement: str) -> str:
    """The same for pgbench, for which a colon begins a variable, in a text too."""
    return A_TEXT.sub(lambda text: f"E{text[0]}".replace(":", r"\x3a") if ":" in text[0] else text[0], statement)
