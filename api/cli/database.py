"""The schema of the configured database, and filling a database for trying out and measuring."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic.util import CommandError
from psycopg import Error as PostgresError
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from sqlalchemy.exc import SQLAlchemyError

from api.cli import configuration
from api.cli.folder import folder_database
from api.cli.keys import kept_keys, settings_on, vault_of
from api.cli.screen import done, out, refuse
from api.cli.stopping import stoppable
from api.domain.vault import Vault
from api.embedded import EmbeddedMissing, postgres
from api.migrating import check, migrate
from api.settings import Environment, Settings


def migrate_configured(revision: str) -> None:
    """Bring the schema of the configured database to a revision."""
    with _reached():
        migrate(configuration.database_url(), revision)
    done("The schema is up to date" if revision == "head" else f"The schema is at {revision}")


def check_schema() -> None:
    """Refuse if schema and code differ: in the configured database, otherwise in a fresh one."""
    url = configuration.known().database_url
    with _reached():
        if url:
            check(url)
        else:
            _check_fresh()
    done("The schema is what the code says")


def seed_database(families: int, folder: Path) -> None:
    """Fill the configured database, otherwise the demo's; never one of production."""
    from api.cli.seed import WillNotSeed, seed

    settings = configuration.known()
    if settings.environment is Environment.PRODUCTION:
        refuse("Production holds real families only. Seed a database for trying out.")
    with stoppable(), _to_fill(settings, folder) as (url, vault), _reached(), _progress() as progress:
        task = progress.add_task(f"Seeding {families:,} families", total=families)
        try:
            seed(url, families, vault, on_progress=lambda count: progress.update(task, completed=count))
        except WillNotSeed as error:
            refuse(str(error))
        progress.update(task, completed=families)
        took = progress.tasks[task].elapsed or 1
        progress.stop()
        done(f"Seeded {families:,} families in {took:.1f} s: {families / took:,.0f} a second")


@contextmanager
def _to_fill(settings: Settings, folder: Path) -> Iterator[tuple[str, Vault]]:
    """The configured database and the keys that seal what goes into it; otherwise those of the demo."""
    if settings.database_url:
        yield settings.database_url, vault_of(configuration.safe())
        return
    folder = folder.absolute()
    with folder_database(folder) as url:
        yield url, vault_of(settings_on(kept_keys(folder), url, settings.base_url))


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    return Progress(*columns, console=out, transient=True, disable=not out.is_terminal)


def _check_fresh() -> None:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, postgres(Path(folder) / "postgres") as url:
        migrate(url)
        check(url)


@contextmanager
def _reached() -> Iterator[None]:
    try:
        yield
    except CommandError as error:
        refuse(str(error), "Bring the schema up to date with: spil migrate")
    except (SQLAlchemyError, PostgresError) as error:
        said = str(getattr(error, "orig", error)).strip().partition("\n")[0]
        refuse(f"The database refused: {said}", "`spil doctor` looks further.")
    except EmbeddedMissing as error:
        refuse(str(error))
