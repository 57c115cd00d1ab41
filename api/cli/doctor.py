"""`spil doctor`: what is wrong with the configuration, each with what to do about it. Changes nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import psycopg
import typer
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from cryptography.exceptions import InvalidTag
from rich.markup import escape
from sqlalchemy import create_engine
from sqlalchemy.exc import DBAPIError

from api.auth.tokens import usable_keys
from api.cli import configuration
from api.cli.connection import PATIENCE, reach
from api.cli.keys import vault_of
from api.cli.rekeying import missing, seeing_every_row
from api.cli.screen import out, say
from api.db import sqlalchemy_url
from api.domain import bsn
from api.domain.vault import Vault
from api.migrating import configured
from api.settings import Settings
from api.trust import TrustedIssuer, keys_address

OLDEST = 18
"""The oldest major version of PostgreSQL that Spil is for."""
SKEW = 2.0
"""Seconds the clocks of this machine and of the database may differ; periods begin and end by the database's."""


@dataclass(frozen=True)
class Finding:
    """Something looked at: what was found, and how to mend it if that is wrong."""

    about: str
    found: str
    mend: str | None = None


def examine() -> None:
    """Show every finding; exit 1 if anything is wrong."""
    findings = list(look())
    for finding in findings:
        sign = "[bold red]✗ wrong[/]" if finding.mend else "[green]✓ ok   [/]"
        out.print(f"{sign} [bold]{finding.about}[/]: {escape(finding.found)}", soft_wrap=True)
        if finding.mend:
            out.print(f"        {escape(finding.mend)}", soft_wrap=True)
    wrong = sum(1 for finding in findings if finding.mend)
    say("" if wrong else "Nothing is wrong.")
    if wrong:
        say(f"{wrong} to mend. To try Spil without any configuration: spil demo")
        raise typer.Exit(1)


MAY_NOT = "42501"
"""What PostgreSQL says of a role that may not do something."""


def look() -> Iterator[Finding]:
    """All there is to find, in the order in which it is best mended."""
    try:
        settings = configuration.read()
    except configuration.Unreadable as error:
        yield from (Finding("Settings", "can't be read", sentence) for sentence in error.sentences)
        return
    wrong = [sentence for sentence in configuration.wrong_with(settings) if "SPIL_DATABASE_URL" not in sentence]
    yield from (Finding("Settings", f"unfit for {settings.environment}", sentence) for sentence in wrong)
    if not wrong:
        yield Finding("Settings", f"fit for {settings.environment}")
        yield from (_issuer(issuer, settings) for issuer in settings.issuers)
        yield _sealing(settings)
    yield from _database(settings, keys_are_fit=not wrong)


def _sealing(settings: Settings) -> Finding:
    """Whether changes to the record of disclosures would show."""
    if settings.checkpoints is None:
        mend = None if settings.in_development else "Set SPIL_CHECKPOINTS and SPIL_CHECKPOINT_KEY for the worker."
        return Finding("Record of disclosures", "isn't sealed: nobody would see that it was changed", mend)
    folder = settings.checkpoints.absolute().parent
    mend = None if folder.is_dir() else f"Make the folder {folder}, on another disk than the database's."
    return Finding("Record of disclosures", f"is sealed in {settings.checkpoints}", mend)


def _issuer(issuer: TrustedIssuer, settings: Settings) -> Finding:
    jwks: Any = issuer.jwks
    if jwks is None:
        try:
            address = issuer.jwks_url or keys_address(
                issuer, _fetched(issuer.discovery_url), loopback=settings.in_development
            )
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            why = str(error) if type(error) is ValueError else "no discovery document can be read there"
            return Finding("Issuer", f"{issuer.issuer}: {why}", f"Check {issuer.discovery_url}, or give a jwks_url.")
        try:
            jwks = _fetched(address)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError):
            return Finding("Issuer", f"{issuer.issuer} can't be asked for its keys", f"Check {address}")
    count = len(usable_keys(jwks, issuer.algorithms))
    mend = None if count else "Its jwks or jwks_url must give a key of RSA with 2048 bits or more, or EC on P-256."
    return Finding("Issuer", f"{issuer.issuer} has {count} keys that can be used", mend)


def _fetched(url: str) -> Any:
    return httpx.get(url, timeout=PATIENCE, follow_redirects=False).raise_for_status().json()


def _database(settings: Settings, *, keys_are_fit: bool) -> Iterator[Finding]:
    if settings.database_url is None:
        yield Finding("Database", "none is named", configuration.NO_DATABASE)
        return
    connection = reach(settings.database_url)
    if isinstance(connection, str):
        yield Finding(
            "Database", connection, "Check SPIL_DATABASE_URL, and whether PostgreSQL can be reached from here."
        )
        return
    with connection:
        yield Finding("Database", "answers")
        yield _version(connection)
        yield _clock(connection)
        yield _login(connection)
        schema = _schema(settings.database_url)
        yield schema
        if keys_are_fit and not schema.mend:
            yield from _keys(connection, settings)


def _version(connection: psycopg.Connection[Any]) -> Finding:
    version = connection.info.server_version
    mend = None if version >= OLDEST * 10000 else f"Spil is for PostgreSQL {OLDEST} or newer. Upgrade it."
    return Finding("PostgreSQL", f"version {version // 10000}.{version % 10000}", mend)


def _login(connection: psycopg.Connection[Any]) -> Finding:
    """Whether row-level security would hold for whoever takes over the service's connection."""
    [passes_by] = connection.execute("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = session_user")
    if passes_by[0]:
        return Finding("Login", "could pass by row-level security: better give the service a login of its own")
    return Finding("Login", "can't pass by row-level security")


def _clock(connection: psycopg.Connection[Any]) -> Finding:
    """Both clocks, asked as close together as can be."""
    before = datetime.now(UTC)
    [theirs] = connection.execute("SELECT clock_timestamp()").fetchone() or [before]
    ours = before + (datetime.now(UTC) - before) / 2
    skew = abs((theirs - ours).total_seconds())
    mend = None if skew <= SKEW else "Have both machines keep time by NTP: tokens and periods depend on it."
    return Finding("Clocks", f"{skew:.1f} s apart", mend)


def _schema(url: str) -> Finding:
    with configured(url) as config:
        newest = set(ScriptDirectory.from_config(config).get_heads())
    engine = create_engine(sqlalchemy_url(url))
    try:
        with engine.connect() as connection:
            current = set(MigrationContext.configure(connection).get_current_heads())
    finally:
        engine.dispose()
    at = ", ".join(sorted(current)) or "nothing"
    mend = None if current == newest else f"The code needs {', '.join(sorted(newest))}. Run: spil migrate"
    return Finding("Schema", f"at {at}", mend)


def _keys(connection: psycopg.Connection[Any], settings: Settings) -> Iterator[Finding]:
    """Whether every key is there that made something, and whether they are the right ones: one BSN tells."""
    try:
        lacking = _lacking(settings)
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != MAY_NOT:
            raise
        yield Finding("Keys", "can't be examined by a role to which row-level security applies: see spil keys status")
        return
    for sentence in lacking:
        yield Finding("Keys", sentence, "Put back the key it was sealed with, or the former key of pseudonyms.")
    if not lacking:
        yield _fit(connection, vault_of(settings))


def _lacking(settings: Settings) -> list[str]:
    with seeing_every_row(settings.database_url or "") as engine, engine.connect() as seen:
        return missing(seen, settings)


def _fit(connection: psycopg.Connection[Any], vault: Vault) -> Finding:
    row = connection.execute(
        "SELECT id, bsn_sealed, bsn_pseudonym FROM person WHERE bsn_sealed IS NOT NULL LIMIT 1"
    ).fetchone()
    if row is None:
        return Finding("Keys", "nothing is sealed yet")
    try:
        number = bsn.opened(vault, row[1], row[0])
    except InvalidTag:
        return Finding("Keys", "SPIL_DATA_KEYS don't open what is stored", "Put back the key it was sealed with.")
    if row[2] not in bsn.pseudonyms(vault, number):
        return Finding("Keys", "SPIL_PSEUDONYM_KEY is another one than before", "Put back the former key.")
    return Finding("Keys", "open what is stored")
