"""Fills the database with a municipality of any size, to try out and to measure on. Never in production.

All of it is one transaction: either the whole municipality is there, with every constraint checked, or nothing is.
A large one is copied into tables without indexes, constraints between tables and exclusion constraints; these are put
back, and so checked, before the transaction commits.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import psycopg

from api.cli.seed import families as households
from api.cli.seed.directory import Directory, directory
from api.domain.vault import Vault
from api.settings import Environment, Settings

CODE = "9000"
"""The municipality that is seeded: no real one has this number."""
PAYS_FROM = 2_000
"""So many families take longer to insert with every index in place than to put the indexes back."""
MOST = 1_000_000
PROCESSES = 2
RUN = 500
"""Families in a run."""
RUNS_AHEAD = 6
"""So many runs at most wait to be copied, which bounds the memory it takes."""
LOADED = 0.3
"""The part of the work that is done once all lines are copied."""
EVENTS = (Path(__file__).parent / "seed.sql").read_text(encoding="utf-8")

COLUMNS = {
    "municipality": "code, name, access_team_name, access_team_phone, access_team_email",
    "agency": "id, name, kind, phone, email, help_domains, signal_only, active",
    "professional": "id, agency_id, name, function, phone, email, registration_number, active",
    "absence": "id, professional_id, cover_id, started_at, ends_at",
    "family": "id, municipality_code, name, framework, strategy, opened_at, closed_at, closing, changed_at",
    "person": "id, municipality_code, given_name, surname, birth_date, bsn_sealed, bsn_pseudonym, shielded, name_keys",
    "member": "id, family_id, person_id, role, parental_authority, started_at",
    "involvement": "id, family_id, agency_id, professional_id, help_domains, shielded, contact_frequency, legal_basis,"
    " legal_ground, basis_ends_at, consented_domains, disclosure_stage,"
    " invited_at, answer, answered_at, started_at, confirmation_due_on, ends_at, end_reason",
    "mandate": "id, family_id, professional_id, powers, legal_basis, granted_by, succeeds_id, proposed_at, answer,"
    " answered_at, started_at, ends_at, end_reason",
    "deputy": "id, family_id, mandate_id, professional_id, started_at, ends_at",
    "contact_point": "id, family_id, help_domain, professional_id, started_at, ends_at, end_reason",
}
TABLES = [*COLUMNS, "event", "audit_record"]

INDEXES = """
SELECT CASE WHEN k.oid IS NULL THEN format('DROP INDEX %%s', i.indexrelid::regclass)
            ELSE format('ALTER TABLE %%s DROP CONSTRAINT %%I', i.indrelid::regclass, k.conname) END,
       CASE WHEN k.oid IS NULL THEN pg_get_indexdef(i.indexrelid)
            ELSE format('ALTER TABLE %%s ADD CONSTRAINT %%I ', i.indrelid::regclass, k.conname)
                 || pg_get_constraintdef(k.oid) END
FROM pg_index i LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')
WHERE i.indrelid = ANY(%(tables)s::regclass[])
ORDER BY i.indrelid, k.contype = 'x', i.indexrelid"""
REFERENCES = """
SELECT format('ALTER TABLE %%s DROP CONSTRAINT %%I', conrelid::regclass, conname),
       format('ALTER TABLE %%s ADD CONSTRAINT %%I %%s', conrelid::regclass, conname, pg_get_constraintdef(oid))
FROM pg_constraint
WHERE contype = 'f' AND (conrelid = ANY(%(tables)s::regclass[]) OR confrelid = ANY(%(tables)s::regclass[]))
ORDER BY conrelid, conname"""

Progress = Callable[[int], None]


class WillNotSeed(RuntimeError):
    """Here is no place to seed."""


def seed(
    url: str,
    families: int,
    vault: Vault,
    *,
    seed: int = 1,
    code: str = CODE,
    on_progress: Progress | None = None,
) -> None:
    """Seed a municipality with so many families. `on_progress` hears for how many of them the work is done."""
    _must_be_fit(families)
    with psycopg.connect(url, options="-c timezone=UTC -c lock_timeout=5s") as connection:
        tell = on_progress or (lambda done: None)
        _must_be_empty(connection, code)
        directory_, lines = directory(f"{seed}:{code}", code, families, datetime.now(UTC))
        put_back = _take_away(connection, families)
        _copy(connection, {"municipality": _municipality(code)} | lines)
        for done, run in _runs(directory_, vault, families):
            _copy(connection, run)
            tell(int(done * LOADED))
        _finish(connection, code, put_back, lambda part: tell(int(families * (LOADED + (1 - LOADED) * part))))
    tell(families)


def _must_be_fit(families: int) -> None:
    if Settings().environment is Environment.PRODUCTION:
        raise WillNotSeed("SPIL_ENVIRONMENT is production: seeding is for trying out and measuring only.")
    if not 1 <= families <= MOST:
        raise WillNotSeed(f"Seed 1 to {MOST} families.")


def _must_be_empty(connection: psycopg.Connection[Any], code: str) -> None:
    if connection.execute("SELECT code FROM municipality WHERE code = %s", [code]).fetchone():
        raise WillNotSeed(f"Municipality {code} is there already. Start from an empty database, or seed another code.")


def _municipality(code: str) -> list[str]:
    return [f"{code}\tVoorbeeldstad\tToegangsteam Voorbeeldstad\t+31 30 000 00 00\ttoegang@example.nl\n"]


def _runs(directory_: Directory, vault: Vault, families: int) -> Iterator[tuple[int, dict[str, bytes]]]:
    """The lines of one run of families after the other, with how many there are so far."""
    runs = [(first, min(RUN, families - first)) for first in range(0, families, RUN)]
    if families < PAYS_FROM:
        for first, count in runs:
            yield first + count, households.families(directory_, vault, first, count)
        return
    with ProcessPoolExecutor(PROCESSES, get_context("spawn"), _remember, (directory_, vault)) as pool:
        ahead: deque[tuple[int, Future[dict[str, bytes]]]] = deque()
        for first, count in runs:
            ahead.append((first + count, pool.submit(_remembered_families, first, count)))
            if len(ahead) > RUNS_AHEAD:
                done, run = ahead.popleft()
                yield done, run.result()
        for done, run in ahead:
            yield done, run.result()


_known: list[tuple[Directory, Vault]] = []
"""What a process that makes families knows."""


def _remember(directory_: Directory, vault: Vault) -> None:
    _known.append((directory_, vault))


def _remembered_families(first: int, count: int) -> dict[str, bytes]:
    return households.families(*_known[0], first, count)


def _copy(connection: psycopg.Connection[Any], lines: Mapping[str, bytes | list[str]]) -> None:
    for table, columns in COLUMNS.items():
        if some := lines.get(table):
            data = some if isinstance(some, bytes) else "".join(some).encode()
            with connection.cursor().copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
                copy.write(data)


def _take_away(connection: psycopg.Connection[Any], families: int) -> list[str]:
    """Take indexes and constraints away where that pays; gives the statements that put them back."""
    known = connection.execute("SELECT count(*) FROM family").fetchone()
    if families < PAYS_FROM or (known and known[0] > families):
        return []
    connection.execute("SET LOCAL maintenance_work_mem = '512MB'")
    connection.execute("SET LOCAL work_mem = '256MB'")
    put_back: list[str] = []
    for kind in (REFERENCES, INDEXES):
        found = connection.execute(kind, {"tables": TABLES}).fetchall()
        for take_away, _ in found:
            connection.execute(take_away)
        put_back = [statement for _, statement in found] + put_back
    return put_back


def _finish(connection: psycopg.Connection[Any], code: str, put_back: list[str], tell: Callable[[float], None]) -> None:
    """Tell what happened, put back what was taken away, and let PostgreSQL look at what there is."""
    events = [psycopg.ClientCursor(connection).mogrify(one, {"code": code}) for one in EVENTS.split(";\n")]
    look = [f"ANALYZE {table}" for table in COLUMNS]
    statements = [*look, *events, *put_back, "ANALYZE event", "ANALYZE audit_record"]
    for done, statement in enumerate(statements, start=1):
        connection.execute(statement)
        tell(done / len(statements))
