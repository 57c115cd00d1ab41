"""What was sealed can't be changed, removed or added to unseen; what isn't finished isn't sealed."""

import asyncio
import hashlib
import json
import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, create_engine
from sqlmodel import Session

from api.db import Database, DatabaseRole, sqlalchemy_url
from api.domain import merkle, sealing, verifying
from api.domain.checkpoints import Book
from api.domain.sealing import Elsewhere
from api.domain.vault import Vault
from api.domain.verifying import Report
from api.worker import Sealer
from tests.campaigns.tampering import FILL, SKIP, Tampered, tamper

NO_VAULT = Vault({}, {})


@pytest.fixture
def url(new_database: Any) -> str:
    made: str = new_database()
    return made


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    engine = create_engine(sqlalchemy_url(url))
    yield engine
    engine.dispose()


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    with Session(engine) as session:
        yield session


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return Book(tmp_path / "checkpoints", Ed25519PrivateKey.generate())


def fill(session: Session, count: int = 10) -> None:
    session.connection().exec_driver_sql(FILL, (count,))
    session.commit()


def seal(session: Session, book: Book) -> int:
    """Seal all that is finished; gives how many records."""
    known = sealing.horizon(session)
    wait_past(session, known)
    count = 0
    while line := sealing.seal_next(session, book, known.upto):
        count += line.checkpoint.count
    return count


def wait_past(session: Session, known: sealing.Horizon) -> None:
    """Whatever runs in other databases of this PostgreSQL counts too."""
    while not sealing.is_past(session, known):
        session.rollback()
        time.sleep(0.02)


def verified(session: Session, book: Book, **how: Any) -> Report:
    report = verifying.verify(session, book, **how)
    session.rollback()
    return report


def as_superuser(session: Session, statement: str) -> None:
    """With the triggers off, as nobody should be able to."""
    session.connection().exec_driver_sql("SET LOCAL session_replication_role = replica")
    session.connection().exec_driver_sql(statement)
    session.commit()


# Trees


def by_definition(leaves: Sequence[bytes]) -> bytes:
    """The root as RFC 6962 defines it, by halving at the largest power of two."""
    if len(leaves) == 1:
        return leaves[0]
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return hashlib.sha256(b"\x01" + by_definition(leaves[:half]) + by_definition(leaves[half:])).digest()


@given(st.integers(1, 70), st.sampled_from([1, 2, 4, 8]))
def test_a_root_is_that_of_the_standard_in_whatever_parts(count: int, size: int) -> None:
    leaves = [merkle.leaf(str(number).encode()) for number in range(count)]
    parts = [merkle.root(leaves[start : start + size]) for start in range(0, count, size)]
    assert merkle.root(leaves) == merkle.root(parts) == by_definition(leaves)


def test_a_node_can_not_pass_for_a_record() -> None:
    one, other = merkle.leaf(b"one"), merkle.leaf(b"other")
    assert merkle.leaf(one + other) != merkle.root([one, other])


# What is found


def test_every_tampering_is_found_and_an_untouched_copy_verifies(engine: Engine, tmp_path: Path) -> None:
    record = Tampered(engine, tmp_path, seed=20, rounds=4, size=120)
    assert record.wrong_after(lambda _: None) == []
    tried, missed = tamper(record, 60)
    assert missed == []
    assert len(tried) > 8
    assert record.wrong_after(lambda _: None) == []


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("UPDATE audit_record SET subject = 'another' WHERE id = 300", "Of the records 257 to 400 .* was changed"),
        ("DELETE FROM audit_record WHERE id IN (300, 301)", "Of the records 257 to 400 .* 2 were removed"),
        (
            "INSERT INTO audit_record (id, at, action, decision, role, subject) VALUES (401, now(), '', '', '', '')",
            "Among the records 401 to .* 1 were inserted",
        ),
    ],
)
def test_it_is_said_where_something_was_tampered_with(
    session: Session, book: Book, statement: str, sentence: str
) -> None:
    fill(session, 400)
    assert seal(session, book) == 400
    session.connection().exec_driver_sql(SKIP)  # 401 is never used
    fill(session, 50)
    assert seal(session, book) == 50
    as_superuser(session, statement)
    [wrong] = verified(session, book).wrong
    assert re.match(sentence, wrong)


def test_what_is_not_sealed_yet_is_said(session: Session, book: Book) -> None:
    fill(session, 5)
    seal(session, book)
    fill(session, 3)
    report = verified(session, book)
    assert (report.wrong, report.records, report.unsealed) == ([], 5, 3)
    assert report.unsealed_since is not None


def test_a_column_that_comes_later_changes_nothing_and_its_values_are_sealed(session: Session, book: Book) -> None:
    fill(session)
    seal(session, book)
    session.connection().exec_driver_sql("ALTER TABLE audit_record ADD COLUMN a_later_one text")
    session.commit()
    assert verified(session, book).wrong == []
    as_superuser(session, "UPDATE audit_record SET a_later_one = 'x' WHERE id = 3")
    assert len(verified(session, book).wrong) == 1


def test_whoever_cuts_the_file_and_the_database_alike_is_found_by_a_digest_kept_elsewhere(
    session: Session, book: Book
) -> None:
    fill(session)
    seal(session, book)
    fill(session)
    seal(session, book)
    head = verified(session, book).head
    first, _ = book.path.read_bytes().splitlines(keepends=True)
    book.path.write_bytes(first)
    as_superuser(session, "DELETE FROM record_checkpoint WHERE number = 2")
    assert verified(session, book).wrong == []
    assert "expected" in verified(session, book, expected_head=head).wrong[0]


# What is sealed, and when


def test_what_is_still_being_written_is_waited_for(session: Session, url: str, book: Book) -> None:
    with psycopg.connect(url) as slow:
        slow.execute(FILL, (1,))
        fill(session, 2)
        known = sealing.horizon(session)
        assert not sealing.is_past(session, known)
        slow.commit()
    wait_past(session, known)
    session.rollback()
    line = sealing.seal_next(session, book, known.upto)
    assert line
    assert line.checkpoint.count == 3


def test_an_id_is_never_taken_before_its_transaction_counts_as_running(session: Session, url: str) -> None:
    with psycopg.connect(url) as slow:
        taken = slow.execute(
            "SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef JOIN pg_attribute a ON attrelid = adrelid "
            "AND attnum = adnum WHERE adrelid = 'audit_record'::regclass AND attname = 'id'"
        ).fetchone()
        assert taken
        slow.execute(f"SELECT {taken[0]}")  # nothing is written, and yet it is waited for
        known = sealing.horizon(session)
        assert not sealing.is_past(session, known)
        slow.rollback()
    wait_past(session, known)


def test_what_was_written_to_the_file_just_before_a_crash_counts(session: Session, book: Book) -> None:
    fill(session)
    seal(session, book)
    as_superuser(session, "DELETE FROM record_checkpoint")
    assert verified(session, book).wrong == []
    fill(session)
    assert seal(session, book) == 10
    assert verified(session, book).wrong == []


def test_half_a_line_counts_for_nothing(session: Session, book: Book) -> None:
    fill(session)
    seal(session, book)
    with book.path.open("ab") as file:
        file.write(b'{"number":2,"kin')
    assert verified(session, book).wrong == []
    fill(session)
    seal(session, book)
    report = verified(session, book)
    assert (report.wrong, report.checkpoints) == ([], 2)


def test_nothing_is_sealed_where_file_and_database_do_not_belong_together(
    session: Session, book: Book, tmp_path: Path
) -> None:
    fill(session)
    seal(session, book)
    fill(session)
    known = sealing.horizon(session)
    with pytest.raises(Elsewhere, match="end differently"):
        sealing.seal_next(session, Book(tmp_path / "another", Ed25519PrivateKey.generate()), known.upto)
    session.rollback()
    as_superuser(session, "DELETE FROM audit_record WHERE id <= 10")
    with pytest.raises(Elsewhere, match="gone or changed"):
        sealing.seal_next(session, book, known.upto)
    session.rollback()


def test_one_seals_at_a_time(session: Session, engine: Engine, book: Book) -> None:
    fill(session)
    known = sealing.horizon(session)
    with Session(engine) as other:
        other.connection().exec_driver_sql(f"SELECT pg_advisory_xact_lock({sealing.SEALING})")
        assert sealing.seal_next(session, book, known.upto) is None
        session.rollback()
    assert sealing.seal_next(session, book, known.upto)


def test_keys_follow_each_other(session: Session, book: Book) -> None:
    fill(session)
    seal(session, book)
    old, new = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    keys = [json.loads(line)["key"] for line in book.lines()]
    rotated = Book(book.path, new, *book.trusted)
    fill(session)
    seal(session, rotated)
    keys += [json.loads(line)["key"] for line in list(book.lines())[1:]]
    assert len(set(keys)) == 2
    assert verified(session, rotated).wrong == []
    assert verified(session, Book(book.path, None, *rotated.trusted)).wrong == []
    assert "its key is unknown" in verified(session, Book(book.path, old, new.public_key())).wrong[0]


def test_after_a_restore_what_was_lost_is_given_up_aloud(session: Session, book: Book) -> None:
    for _ in range(3):
        fill(session)
        seal(session, book)
    as_superuser(session, "DELETE FROM audit_record WHERE id > 20")
    as_superuser(session, "DELETE FROM record_checkpoint WHERE number > 2")
    session.connection().exec_driver_sql("SELECT setval('audit_record_id_seq', 20)")
    session.commit()
    fill(session, 4)
    with pytest.raises(Elsewhere):
        seal(session, book)
    session.rollback()
    assert verified(session, book).wrong
    kept = verifying.first_wrong(session, book)
    session.rollback()
    sealing.lay_down(session, book, **verifying.restored(kept))
    assert seal(session, book) == 4
    report = verified(session, book)
    assert (report.wrong, report.records, len(report.given_up)) == ([], 24, 1)
    as_superuser(session, "UPDATE audit_record SET subject = 'x' WHERE id = 22")
    assert len(verified(session, book).wrong) == 1


async def _seal_by_worker(url: str, book: Book) -> None:
    database = Database(url, 1, DatabaseRole.WORKER)
    sealer = Sealer(book)
    try:
        sealed = 0
        while not sealed:
            sealed = await sealer.seal_some(database, NO_VAULT)
    finally:
        await database.close()


def test_the_worker_seals_by_itself(url: str, session: Session, book: Book) -> None:
    fill(session, 7)
    asyncio.run(_seal_by_worker(url, book))
    report = verified(session, book)
    assert (report.wrong, report.records, report.unsealed) == ([], 7, 0)
