"""The database in a demo's folder: an embedded PostgreSQL, started for as long as it is used."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Thread

from api.cli.screen import command, done, out, refuse
from api.cli.stopping import undisturbed
from api.embedded import EmbeddedMissing, postgres

POSTGRES, KEYS, KNOWN, CHECKPOINTS = "postgres", "keys.json", "municipality.json", "checkpoints.jsonl"
MIGRATIONS = Path(__file__).parents[2] / "migrations" / "versions"
"""Their files are named after their revisions, in order."""
USERS = ".handle_pids.json"
"""Where the embedded PostgreSQL keeps the processes that use it."""


@contextmanager
def folder_database(folder: Path, meanwhile: Callable[[], None] = lambda: None) -> Iterator[str]:
    """The URL of the database in this folder, its schema up to date. What is to be done `meanwhile` is done then."""
    _must_be_whole(folder)
    _forget_the_dead(folder / POSTGRES)
    beside = Thread(target=meanwhile, daemon=True)
    with ExitStack() as opened:
        with out.status("Starting PostgreSQL"):
            beside.start()
            url = opened.enter_context(_started(folder / POSTGRES))
            beside.join()
        done("PostgreSQL runs")
        with out.status("Bringing the schema up to date"):
            _migrate(url)
        done("The schema is up to date")
        yield url


@contextmanager
def _started(data: Path) -> Iterator[str]:
    with ExitStack() as opened:
        try:
            with undisturbed():
                url = opened.enter_context(postgres(data))
        except EmbeddedMissing as error:
            refuse(str(error))
        yield url


def _migrate(url: str) -> None:
    """Bring the schema up to date. Alembic takes a second to load: where nothing is to be done, it isn't."""
    from api.cli.connection import revision_of

    if revision_of(url) == newest_revision():
        return
    from api.migrating import migrate

    migrate(url)


def newest_revision() -> str:
    return max(file.name for file in MIGRATIONS.glob("[0-9]*.py")).partition("_")[0]


def _must_be_whole(folder: Path) -> None:
    """Without its keys, a municipality that was loaded earlier can't be read."""
    if (folder / KNOWN).exists() and not (folder / KEYS).exists():
        refuse(f"The keys of the database in {folder} are gone. Start over with: {command()} demo --reset")


def _forget_the_dead(data: Path) -> None:
    """A process that was killed couldn't say that it left; PostgreSQL would be kept running for it forever."""
    users = data / USERS
    if users.exists():
        alive = [pid for pid in json.loads(users.read_text() or "[]") if _lives(pid)]
        users.write_text(json.dumps(alive))


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
