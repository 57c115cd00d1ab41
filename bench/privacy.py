"""What privacy costs: `python -m bench.privacy`. Who-is-involved as it is, without the record of disclosures, and with
neither the record nor row-level security, in turn on one database of 1,000 families, so that noise meets them alike.

Prints the median rate of each, and its ratio to the service as it is.
"""

import json
import pickle
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import psycopg
from fastapi import FastAPI

from api import db
from api.auth import documents
from api.cli.seed import seed
from api.domain.vault import Vault
from api.embedded import postgres
from api.main import create_app
from api.migrating import migrate
from api.settings import Settings
from bench.cases import Cases
from bench.serving import serving, settings_for

FAMILIES, CLIENTS, SECONDS, RUNS = 1_000, 8, 5, 5
WAYS = {
    "bench.privacy:as_it_is": "as it is",
    "bench.privacy:without_record": "without the record of disclosures",
    "bench.privacy:without_row_level_security": "without row-level security",
    "bench.privacy:without_either": "without either",
}


def as_it_is() -> FastAPI:
    return create_app()


def without_record() -> FastAPI:
    _leave_no_record()
    return create_app()


def without_row_level_security() -> FastAPI:
    _say_nothing_of_who_asks()
    return create_app()


def without_either() -> FastAPI:
    _leave_no_record()
    _say_nothing_of_who_asks()
    return create_app()


def _leave_no_record() -> None:
    begins, ends = documents.RECORD.index("record AS ("), documents.RECORD.rindex("SELECT (SELECT body")
    documents.RECORD = documents.RECORD[:begins].rstrip().rstrip(",") + documents.RECORD[ends:]


def _say_nothing_of_who_asks() -> None:
    """The tables have no row-level security for the role that migrated them, if it is a superuser."""

    class AsOwner(db.Database):
        def __init__(self, url: str, connections: int) -> None:
            super().__init__(url, connections, role="none")  # type: ignore[arg-type]

        async def _ask(self, statement: str, parameters: Any) -> Any:
            numbered, names = db._numbered(statement)
            async with self._documents.connection() as connection:
                cursor = await connection.execute(numbered, [parameters[name] for name in names])
                return await cursor.fetchone()

    db.Database = AsOwner  # type: ignore[assignment, misc]
    sys.modules["api.main"].Database = AsOwner  # type: ignore[attr-defined]


def rate(port: int, requests: list[bytes], folder: Path) -> float:
    """Answers a second, to so many clients at once."""
    kept = folder / "requests"
    kept.write_bytes(pickle.dumps(requests))
    given = [str(kept), str(port), str(CLIENTS), str(SECONDS), "0"]
    said = subprocess.run([sys.executable, "-m", "bench.load", *given], check=True, stdout=subprocess.PIPE, text=True)
    figures = json.loads(said.stdout)
    assert not figures["refused"], figures["refused"]
    return float(figures["rate"])


def _measure(settings: Settings, folder: Path) -> list[dict[str, float]]:
    requests = Cases(str(settings.database_url), settings).who_is_involved.requests
    runs: list[dict[str, float]] = []
    for _ in range(RUNS):
        runs.append({})
        for factory in WAYS:
            with serving(factory, settings) as port:
                runs[-1][factory] = rate(port, requests, folder)
    return runs


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="spil-privacy-") as name, postgres(Path(name) / "postgres") as url:
        migrate(url)
        key = b"k" * 32
        seed(url, FAMILIES, Vault({1: key}, {1: key}))
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
        runs = _measure(settings_for(url), Path(name))
    first = next(iter(WAYS))
    for factory, meaning in WAYS.items():
        rates = [run[factory] for run in runs]
        ratio = statistics.median(run[first] / run[factory] for run in runs)
        print(f"{statistics.median(rates):8.0f}/s  as it is: {ratio:5.2f} of it  {meaning}")


if __name__ == "__main__":
    main()
