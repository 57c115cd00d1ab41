"""A seeded municipality is realistic, keeps every rule, and is the same for the same seed."""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from api import migrating
from api.cli import seed as seeding
from api.cli.seed import WillNotSeed, seed
from api.domain import bsn
from api.domain.vault import Vault

FAMILIES = 120
VAULT = Vault({1: b"1" * 32}, {1: b"2" * 32})
SCHEMA = """
SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT conrelid::regclass || conname || pg_get_constraintdef(oid) FROM pg_constraint
WHERE connamespace = 'public'::regnamespace AND conrelid <> 0 ORDER BY 1"""
RUNS = "i.started_at <= now() AND (i.ends_at IS NULL OR i.ends_at > now())"
OPEN_GROUND = f"""EXISTS (
  SELECT FROM involvement i JOIN agency a ON a.id = i.agency_id JOIN professional p ON p.agency_id = a.id
  WHERE p.id = role.professional_id AND i.family_id = role.family_id AND NOT i.shielded AND NOT a.signal_only AND {RUNS}
)"""


@pytest.fixture(scope="module")
def empty(new_database: Callable[[], str]) -> Iterator[tuple[str, list[Any]]]:
    """A database to seed, and its schema before."""
    url = new_database()
    with psycopg.connect(url) as connection:
        yield url, connection.execute(SCHEMA).fetchall()


@pytest.fixture(scope="module")
def seeded(empty: tuple[str, list[Any]]) -> Iterator[psycopg.Connection[Any]]:
    """Seeded with indexes taken away and put back, by more than one process."""
    url, _ = empty
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(seeding, "PAYS_FROM", 1)
        patch.setattr(seeding, "RUN", 50)
        seed(url, FAMILIES, VAULT)
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


def value(connection: psycopg.Connection[Any], query: str) -> Any:
    row = connection.execute(query).fetchone()
    assert row
    return row[0]


def test_the_schema_is_the_same_afterwards(
    empty: tuple[str, list[Any]], seeded: psycopg.Connection[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    url, before = empty
    assert seeded.execute(SCHEMA).fetchall() == before
    migrating.check(url)


def test_a_family_has_about_seven_agencies_and_twelve_professionals(seeded: psycopg.Connection[Any]) -> None:
    around = f"""SELECT avg(n) FROM (SELECT count(DISTINCT {{what}}) AS n FROM involvement i WHERE {RUNS}
                 GROUP BY family_id) AS counted"""
    assert 6 < value(seeded, around.format(what="agency_id")) < 8
    assert 10 < value(seeded, around.format(what="professional_id")) < 14
    assert value(seeded, "SELECT count(*) FROM family") == FAMILIES
    assert 3.5 < value(seeded, "SELECT count(*) FROM member") / FAMILIES < 5


def test_most_families_have_a_lead_coordinator_and_none_has_two(seeded: psycopg.Connection[Any]) -> None:
    led = "SELECT count(*), count(DISTINCT family_id) FROM mandate WHERE started_at <= now() AND ends_at > now()"
    mandates, families = seeded.execute(led).fetchone() or (0, 0)
    assert mandates == families
    assert 0.7 < families / FAMILIES < 0.95


@pytest.mark.parametrize(
    "role",
    [
        "SELECT family_id, professional_id FROM mandate WHERE started_at <= now() AND ends_at > now()",
        "SELECT family_id, professional_id FROM deputy WHERE started_at <= now() AND ends_at > now()",
        "SELECT family_id, professional_id FROM contact_point WHERE ends_at IS NULL",
    ],
)
def test_every_running_role_rests_on_an_open_involvement(seeded: psycopg.Connection[Any], role: str) -> None:
    assert value(seeded, f"SELECT count(*) FROM ({role}) AS role WHERE NOT {OPEN_GROUND}") == 0


def test_what_happened_is_told_and_recorded(seeded: psycopg.Connection[Any]) -> None:
    for table, told in {"family": "family.opened", "member": "member.joined", "mandate": "mandate.proposed"}.items():
        untold = f"""SELECT count(*) FROM {table} AS it WHERE NOT EXISTS
                     (SELECT FROM event WHERE type = '{told}' AND about = it.id::text)"""
        assert value(seeded, untold) == 0
    unrecorded = "SELECT count(*) FROM event e WHERE NOT EXISTS (SELECT FROM audit_record WHERE event_id = e.id)"
    assert value(seeded, unrecorded) == 0
    late = "SELECT count(*) FROM event e JOIN family f ON f.id = e.family_id WHERE e.at > f.changed_at"
    assert value(seeded, late) == 0


def test_bsns_are_valid_sealed_and_found_by_their_pseudonym(seeded: psycopg.Connection[Any]) -> None:
    rows = seeded.execute("SELECT id, bsn_sealed, bsn_pseudonym FROM person WHERE bsn_sealed IS NOT NULL").fetchall()
    assert len(rows) > FAMILIES
    for person_id, sealed, pseudonym in rows:
        number = bsn.check(bsn.opened(VAULT, sealed, person_id))
        assert number.startswith("9")
        assert VAULT.pseudonym(number.encode()) == pseudonym


def test_the_same_seed_gives_the_same_municipality(
    seeded: psycopg.Connection[Any], new_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seeding, "RUN", 50)
    url = new_database()
    seed(url, FAMILIES, VAULT)
    people = (
        "SELECT id, given_name, surname FROM person UNION ALL SELECT id, name, function FROM professional ORDER BY 1"
    )
    involved = "SELECT id, family_id, agency_id, professional_id, help_domains FROM involvement ORDER BY 1"
    with psycopg.connect(url) as again:
        for query in (people, involved, "SELECT id FROM event ORDER BY 1"):
            assert set(map(str, again.execute(query))) == set(map(str, seeded.execute(query)))


def test_another_municipality_fits_beside_it_and_progress_is_told(new_database: Callable[[], str]) -> None:
    url, told = new_database(), list[int]()
    seed(url, 2, VAULT)
    seed(url, 3, VAULT, code="9001", on_progress=told.append)
    assert told[-1] == 3
    assert told == sorted(told)
    with psycopg.connect(url) as connection:
        assert value(connection, "SELECT count(*) FROM family WHERE municipality_code = '9001'") == 3
        assert value(connection, "SELECT count(*) FROM family") == 5


def test_it_refuses_a_municipality_that_is_there(seeded: psycopg.Connection[Any], empty: Any) -> None:
    with pytest.raises(WillNotSeed, match="is there already"):
        seed(empty[0], 3, VAULT)


def test_it_refuses_production_and_impossible_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(WillNotSeed, match="1 to 1000000"):
        seed("postgresql://nowhere", 0, VAULT)
    monkeypatch.setenv("SPIL_ENVIRONMENT", "production")
    with pytest.raises(WillNotSeed, match="production"):
        seed("postgresql://nowhere", 3, VAULT)
