"""`spil keys`: which keys what is stored still needs, and making it anew under those in use, while the service runs.

Every row has to be seen, so row-level security is switched off for this: a role to which it applies gets an error of
the database rather than too low a number, on which somebody might throw a key away.
"""

import secrets
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.table import Table
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.exc import DBAPIError, OperationalError

from api.cli import configuration
from api.cli.keys import vault_of
from api.cli.screen import done, err, out, refuse, say
from api.cli.stopping import stoppable
from api.db import sqlalchemy_url
from api.domain.resealing import SEALED, Outcome, Sealed, census, reseal_some, stale
from api.domain.vault import Vault
from api.settings import Settings

CONNECT: dict[str, Any] = {"options": "-c timezone=UTC -c row_security=off -c lock_timeout=5s", "connect_timeout": 5}
PAUSE, PATIENCE = 0.5, 60
"""Seconds between two rounds, and how many rounds without progress to wait for rows that others hold."""


@contextmanager
def seeing_every_row(url: str) -> Iterator[Engine]:
    engine = create_engine(sqlalchemy_url(url), connect_args=CONNECT, hide_parameters=True)
    try:
        yield engine
    finally:
        engine.dispose()


def rotate_configured() -> None:
    """Make everything anew that an earlier key made; exit 1 if something could not be."""
    settings = configuration.safe()
    with stoppable(), _reached(settings) as engine:
        outcomes = rotate(engine, vault_of(settings))
        for name, outcome in outcomes.items():
            done(f"{name}: {outcome.resealed:,} made anew")
            _tell_stuck(name, outcome)
        show_status(engine, settings)
        if any(outcome.stuck for outcome in outcomes.values()):
            refuse("Something could not be made anew; keep the earlier keys.")


def status_configured() -> None:
    """Show how many values each key made, and which keys can go."""
    settings = configuration.safe()
    with _reached(settings) as engine:
        show_status(engine, settings)


def rotate(engine: Engine, vault: Vault) -> dict[str, Outcome]:
    """Column by column, in rounds, until nothing is left but what can't be made anew."""
    trace_id = secrets.token_hex(16)
    return {f"{sealed.table}.{sealed.column}": _rotate(engine, vault, sealed, trace_id) for sealed in SEALED}


def _rotate(engine: Engine, vault: Vault, sealed: Sealed, trace_id: str) -> Outcome:
    total, waited = Outcome(), 0
    while waited < PATIENCE:
        outcome = _round(engine, vault, sealed, trace_id)
        total.resealed += outcome.resealed
        total.unreadable, total.doubled = outcome.unreadable, outcome.doubled
        with engine.connect() as connection:
            if stale(connection, vault, sealed) <= outcome.stuck:
                break
        waited = 0 if outcome.resealed else waited + 1
        time.sleep(PAUSE)
    return total


def _round(engine: Engine, vault: Vault, sealed: Sealed, trace_id: str) -> Outcome:
    """Once through the table, a transaction for each batch; where somebody is in the way it ends there."""
    total = Outcome()
    while True:
        try:
            with engine.begin() as connection:
                outcome = reseal_some(connection, vault, sealed, total.last, trace_id)
        except OperationalError:
            return total
        if outcome.last is None:
            return total
        total.last = outcome.last
        total.resealed += outcome.resealed
        total.unreadable |= outcome.unreadable
        total.doubled |= outcome.doubled


def show_status(engine: Engine, settings: Settings) -> None:
    table = Table("column", "what", "key", "values", box=None)
    with engine.connect() as connection:
        found = list(census(connection))
    for name, kind, made in found:
        for version, many in sorted(made.items()):
            table.add_row(name, kind, str(version), f"{many:,}")
    out.print(table)
    for sentence in verdict(found, settings):
        say(sentence)


def verdict(found: list[tuple[str, str, Counter[int]]], settings: Settings) -> Iterator[str]:
    """For each key: whether it can go, is needed, or is missing."""
    for setting, kinds, known in key_rings(settings):
        needed: Counter[int] = sum((made for _, kind, made in found if kind in kinds), Counter())
        for version in sorted(known | set(needed)):
            if version not in known:
                yield f"Key {version} of {setting} is MISSING: {needed[version]:,} values need it."
            elif version == max(known):
                yield f"Key {version} of {setting} is in use."
            elif needed[version]:
                yield f"Key {version} of {setting} is still needed by {needed[version]:,} values."
            else:
                yield f"Key {version} of {setting} can go: nothing needs it."


def key_rings(settings: Settings) -> list[tuple[str, tuple[str, ...], set[int]]]:
    """The settings with keys, what their keys make, and the numbers they have."""
    return [
        ("SPIL_DATA_KEYS", ("sealed",), set(settings.vault_keys)),
        ("SPIL_PSEUDONYM_KEYS", ("pseudonym", "fingerprint"), set(settings.vault_pseudonym_keys)),
    ]


def missing(connection: Connection, settings: Settings) -> list[str]:
    """What is stored under keys that the settings don't have, a sentence for each column and key."""
    rings = {kind: (setting, known) for setting, kinds, known in key_rings(settings) for kind in kinds}
    return [
        f"{many:,} values of {name} were made with key {version}, which {rings[kind][0]} lacks"
        for name, kind, made in census(connection)
        for version, many in sorted(made.items())
        if version not in rings[kind][1]
    ]


def _tell_stuck(name: str, outcome: Outcome) -> None:
    for rows, why in (
        (outcome.unreadable, "can't be opened with the keys there are"),
        (outcome.doubled, "has a double"),
    ):
        for row in sorted(rows)[:20]:
            err.print(f"  {name} of {' '.join(row)} {why}", soft_wrap=True, markup=False)


@contextmanager
def _reached(settings: Settings) -> Iterator[Engine]:
    try:
        with seeing_every_row(settings.database_url or "") as engine:
            yield engine
    except DBAPIError as error:
        said = str(error.orig).strip().partition("\n")[0]
        refuse(f"The database refused: {said}", "Use the URL of a role that sees every row, such as the migration's.")
