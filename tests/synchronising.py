"""What the tests of caseload synchronisations have in common: sending a file, letting the worker work, reading rows."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from httpx import Response

from api.cli.grounds import GROUND_OF
from api.db import Database, DatabaseRole
from api.domain.models import Agency
from api.synchronising import synchronise_some
from tests.world import Caller, World

PATH = "/caseload-synchronisations"
CSV = {"Content-Type": "text/csv"}
NDJSON = {"Content-Type": "application/x-ndjson"}


def a_row(agency: Agency, bsn: str, **more: Any) -> dict[str, Any]:
    basis = {"legalBasis": "statutory_task", "legalGround": GROUND_OF[agency.kind]}
    return {"bsn": bsn, "helpDomains": ["parenting"], **basis} | more


def ndjson(rows: Iterable[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def send(
    world: World, agency: Agency, content: bytes | Iterator[bytes], *, headers: dict[str, str] = NDJSON, **query: Any
) -> Response:
    """Send a file for the world's municipality."""
    asked = {"municipalityCode": world.municipality.code} | query
    return system(world, agency).post(PATH, content=content, headers=headers, params=asked)


def system(world: World, agency: Agency) -> Caller:
    return world.as_(world.system(agency))


def work_on(world: World, workers: int = 1) -> None:
    """Let so many workers at once do whatever there is to do."""

    async def run() -> None:
        database = Database(world.app.state.settings.database_url, workers, DatabaseRole.WORKER)
        try:
            await asyncio.gather(*(one(database) for _ in range(workers)))
        finally:
            await database.close()

    async def one(database: Database) -> None:
        for _ in range(2):
            while await synchronise_some(database, world.app.state.vault):
                pass
            await asyncio.sleep(0.01)

    asyncio.run(run())


def synchronised(world: World, agency: Agency, rows: Iterable[dict[str, Any]], **query: Any) -> dict[str, Any]:
    """Send rows, let the worker work, and read how it stands."""
    answer = send(world, agency, ndjson(rows), **query)
    assert answer.status_code == 202, answer.text
    work_on(world)
    return as_it_stands(world, agency, answer)


def as_it_stands(world: World, agency: Agency, answer: Response) -> dict[str, Any]:
    path = answer.headers["Location"].removeprefix("/v1")
    known: dict[str, Any] = system(world, agency).get(path).json()
    return known


def rows_of(world: World, agency: Agency, known: dict[str, Any], **query: Any) -> list[dict[str, Any]]:
    rows, cursor = [], ""
    while cursor is not None:
        page = system(world, agency).get(f"{PATH}/{known['id']}/rows", params={"cursor": cursor} | query).json()
        rows += page["items"]
        cursor = page["nextCursor"]
    return rows


def outcomes(known: dict[str, Any]) -> dict[str, int]:
    """Those that there are."""
    return {outcome: number for outcome, number in known["outcomes"].items() if number}


def codes(rows: Iterable[dict[str, Any]]) -> Counter[str]:
    return Counter(row["code"] for row in rows if row["code"])


def running_of(world: World, agency: Agency) -> int:
    """How many registrations of the agency haven't ended."""
    items = system(world, agency).get("/registrations", params={"limit": 200}).json()["items"]
    return sum(one["endedAt"] is None for one in items)
