"""What has been kept for long enough is gone wholly; what is still needed, or too young, nobody takes away."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from psycopg.errors import InsufficientPrivilege, RestrictViolation
from sqlalchemy import create_engine
from sqlmodel import Session

from api.db import sqlalchemy_url
from api.domain import families, persons, retention, verifying
from api.domain.checkpoints import Book
from api.domain.codes import FamilyClosing
from api.domain.models import Family
from tests.campaigns.tampering import FILL
from tests.test_sealing import seal
from tests.world import World, ago, refused


@pytest.fixture
def url(world: World) -> str:
    known: str = world.app.state.settings.database_url
    return known


@pytest.fixture
def session(url: str) -> Iterator[Session]:
    """As the worker."""
    engine = create_engine(sqlalchemy_url(url), connect_args={"options": "-c role=spil_worker -c timezone=UTC"})
    with Session(engine) as session:
        yield session
    engine.dispose()


def forget(session: Session, what: str) -> int:
    term = next(term for term in retention.TERMS if term.what == what)
    now, gone = retention.now_of(session), 0
    while some := retention.forget_some(session, term, now):
        gone += some
    return gone


def closed(world: World, family: Family, at: datetime) -> None:
    world.around(family, lambda work, mine: families.close(work, mine, FamilyClosing.COMPLETED), at=at)


def rows_of(session: Session, family: Family) -> dict[str, int]:
    counts = {}
    for name, table in retention.TABLES.items():
        if "family_id" in table.columns and name != "audit_record":
            text = f"SELECT count(*) FROM {name} WHERE family_id = %s"
            counts[name] = session.connection().exec_driver_sql(text, (family.id,)).scalar_one()
    return counts


def test_a_family_that_was_closed_long_ago_is_gone_with_everything_around_it(world: World, session: Session) -> None:
    long_ago = ago(days=1000)
    team = world.a_team(at=long_ago)
    _, person = world.a_member(team.family, at=long_ago + timedelta(minutes=1))
    world.a_contact_point(team.family, team.lead, at=long_ago + timedelta(minutes=2))
    closed(world, team.family, ago(days=740))
    before = rows_of(session, team.family)
    assert all(before[name] for name in ("member", "involvement", "mandate", "contact_point", "event"))
    records = len(world.records(team.family))
    session.rollback()
    assert forget(session, "closed families") >= 1
    assert not any(rows_of(session, team.family).values())
    assert session.connection().exec_driver_sql("SELECT FROM family WHERE id = %s", (team.family.id,)).first() is None
    assert session.connection().exec_driver_sql("SELECT FROM person WHERE id = %s", (person.id,)).first() is None
    assert len(world.records(team.family)) == records, "Who saw what stays on record for longer."
    refused(world.as_(world.registrar).get(team.path), 404, "family_not_found")


def test_a_person_of_another_family_stays(world: World, session: Session) -> None:
    old, other = world.a_family(at=ago(days=1000)), world.a_family()
    _, person = world.a_member(old, at=ago(days=999))
    body = {"personId": str(person.id), "role": "parent"}
    assert world.as_(world.registrar).post(f"/families/{other.id}/members", body).status_code == 201
    closed(world, old, ago(days=740))
    forget(session, "closed families")
    assert session.connection().exec_driver_sql("SELECT FROM person WHERE id = %s", (person.id,)).first() is not None


def test_what_is_open_or_closed_lately_stays(world: World, session: Session) -> None:
    lately, still_open = world.a_team(at=ago(days=1000)), world.a_team(at=ago(days=1000))
    closed(world, lately.family, ago(days=700))
    before = [rows_of(session, team.family) for team in (lately, still_open)]
    session.rollback()
    forget(session, "closed families")
    assert [rows_of(session, team.family) for team in (lately, still_open)] == before


def test_forgetting_leaves_a_record_that_names_nobody(world: World, session: Session) -> None:
    team = world.a_team(at=ago(days=1000))
    closed(world, team.family, ago(days=740))
    forget(session, "closed families")
    last = "SELECT * FROM audit_record WHERE action = 'retention:forget' ORDER BY id DESC LIMIT 1"
    record = session.connection().exec_driver_sql(last).one()._mapping
    assert "closed families=" in record["fields"]
    assert "involvement=" in record["fields"]
    named = ("family_id", "shown_person_id", "agency_id", "professional_id", "person_id", "event_id")
    assert [record[name] for name in named] == [None] * len(named)


def test_answers_are_kept_for_a_week(world: World, session: Session) -> None:
    rows = (
        "INSERT INTO idempotent_request (caller, key, fingerprint, at) VALUES ('forget', %s, '', now() - %s::interval)"
    )
    for key, age in (("old", "8 days"), ("new", "6 days")):
        session.connection().exec_driver_sql(rows, (key, age))
    session.commit()
    assert forget(session, "repeatable answers") >= 1
    kept = session.connection().exec_driver_sql("SELECT key FROM idempotent_request WHERE caller = 'forget'").scalars()
    assert kept.all() == ["new"]


def test_a_person_who_never_was_part_of_anything_is_forgotten(world: World, session: Session) -> None:
    def register(work: Any) -> Any:
        return persons.register(work, world.municipality.code, given_name="Alex", surname="Los").id

    old = world.do(register, world.registrar, ago(days=100))
    new = world.do(register, world.registrar, ago(days=80))
    assert forget(session, "persons around whom there is nothing") >= 1
    kept = "SELECT id FROM person WHERE id = ANY(%s)"
    assert session.connection().exec_driver_sql(kept, ([old, new],)).scalars().all() == [new]
    told = "SELECT about FROM event WHERE about = ANY(%s)"
    assert session.connection().exec_driver_sql(told, ([str(old), str(new)],)).scalars().all() == [str(new)]


# Nobody else, and nothing else


def attempt(url: str, role: str, forgetting: str, statement: str) -> None:
    """Carry it out in this role, having said what is being forgotten; and undo it."""
    with psycopg.connect(url) as connection:
        connection.execute(f"SET LOCAL ROLE {role}")
        connection.execute("SELECT set_config('spil.forgetting', %s, true)", [forgetting])
        connection.execute(statement)
        connection.rollback()


@pytest.mark.parametrize("table", ["event", "audit_record"])
@pytest.mark.parametrize("role", ["spil_app", "postgres"])
def test_only_the_worker_takes_anything_away_and_only_by_saying_so(
    world: World, url: str, table: str, role: str
) -> None:
    world.a_family()
    with pytest.raises((RestrictViolation, InsufficientPrivilege)):
        attempt(url, role, table, f"DELETE FROM {table}")
    with pytest.raises(RestrictViolation):
        attempt(url, "spil_worker", "", f"DELETE FROM {table}")


@pytest.mark.parametrize("statement", ["UPDATE {} SET at = now()", "TRUNCATE {} CASCADE"])
@pytest.mark.parametrize("table", ["event", "audit_record"])
def test_not_even_the_worker_changes_anything(url: str, table: str, statement: str) -> None:
    with pytest.raises((RestrictViolation, InsufficientPrivilege)):
        attempt(url, "spil_worker", table, statement.format(table))


@pytest.mark.parametrize(("table", "sentence"), [("event", "as long as"), ("audit_record", "five years")])
def test_the_worker_can_not_take_away_what_is_still_needed(world: World, url: str, table: str, sentence: str) -> None:
    family = world.a_family()
    with pytest.raises(RestrictViolation, match=sentence):
        attempt(url, "spil_worker", table, f"DELETE FROM {table} WHERE family_id = '{family.id}'")


# Records of disclosures


@pytest.fixture
def own(new_database: Any) -> Iterator[Session]:
    """A record of its own, as the worker: ten old records, ten of five years less a day, ten of now."""
    engine = create_engine(
        sqlalchemy_url(new_database()), connect_args={"options": "-c role=spil_worker -c timezone=UTC"}
    )
    with Session(engine) as session:
        yield session
    engine.dispose()


def fill_at(session: Session, days: int) -> None:
    session.connection().exec_driver_sql(FILL.replace("now() -", f"now() - interval '{days} days' -"), (10,))
    session.commit()


def forget_all_records(session: Session, book: Book) -> int:
    gone = 0
    while some := retention.forget_records(session, book):
        gone += some
    return gone


def test_old_records_are_forgotten_by_whole_batches_and_the_rest_still_verifies(own: Session, tmp_path: Path) -> None:
    book = Book(tmp_path / "checkpoints", Ed25519PrivateKey.generate())
    for days in (4000, 3000, 1700, 0):
        fill_at(own, days)
        seal(own, book)
    fill_at(own, 4000)  # not sealed
    assert retention.everything_due(own, book)[retention.RECORDS] == 20
    own.rollback()
    assert forget_all_records(own, book) == 20
    report = verifying.verify(own, book)
    assert (report.wrong, report.records, report.forgotten) == ([], 20, 20)
    own.rollback()
    assert forget_all_records(own, book) == 0
    own.connection().exec_driver_sql("SET LOCAL ROLE NONE; SET LOCAL session_replication_role = replica")
    own.connection().exec_driver_sql("DELETE FROM audit_record WHERE id = 25")
    assert len(verifying.verify(own, book).wrong) == 1


def test_what_is_put_back_among_what_was_forgotten_is_found(own: Session, tmp_path: Path) -> None:
    book = Book(tmp_path / "checkpoints", Ed25519PrivateKey.generate())
    fill_at(own, 4000)
    seal(own, book)
    assert forget_all_records(own, book) == 10
    own.connection().exec_driver_sql(
        "INSERT INTO audit_record (id, at, action, decision, role, subject) VALUES (5, now(), '', '', '', '')"
    )
    own.commit()
    assert verifying.verify(own, book).wrong


def test_without_sealing_no_record_is_forgotten(own: Session) -> None:
    fill_at(own, 4000)
    assert retention.everything_due(own, None)[retention.RECORDS] == 0
