"""Somebody with every right on the database and on the file of checkpoints tampers with the record, a thousand times.

    python -m tests.campaigns.tampering --tampers 1000

starts a PostgreSQL of its own, fills and seals a record of disclosures, and then, each time on what was sealed: tampers
at random with the triggers off, verifies, and undoes it. Exit code 0: each was found, and the untouched copy was fine.
"""

import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine, create_engine
from sqlmodel import Session

from api.db import sqlalchemy_url
from api.domain import sealing, verifying
from api.domain.checkpoints import Book
from tests.campaigns.ground import a_database, a_seed, options

FILL = """
INSERT INTO audit_record (at, action, decision, family_id, municipality_code, event_id, role, subject, issuer,
                          agency_id, professional_id, via, shown_person_id, relation, legal_basis, purpose, activity,
                          fields, trace_id)
SELECT now() - n * interval '1 second', 'team:read', CASE WHEN mod(n, 9) = 0 THEN 'refused' ELSE 'shown' END,
       gen_random_uuid(), CASE WHEN mod(n, 9) > 0 THEN '9901' END, CASE WHEN mod(n, 5) = 0 THEN gen_random_uuid() END,
       'professional', 'professional ' || n, CASE WHEN mod(n, 2) = 0 THEN 'https://id.example' END,
       gen_random_uuid(), gen_random_uuid(), CASE WHEN mod(n, 3) = 0 THEN 'client' END, gen_random_uuid(),
       'involved_agency', 'consent', 'coordination_of_help', 'family_coordination', 'team', md5(n::text)
FROM generate_series(1, %s) AS n
"""
SKIP = "SELECT nextval('audit_record_id_seq')"
"""An id that no record ever gets, as after a transaction that was undone: room for somebody to insert one."""


class Tampered:
    """One sealed record of disclosures, and everything that can be done to it."""

    def __init__(self, engine: Engine, folder: Path, seed: int, rounds: int = 12, size: int = 260) -> None:
        self.random, self.engine, self.folder = random.Random(seed), engine, folder
        self.key = Ed25519PrivateKey.generate()
        self.book = Book(folder / "checkpoints", self.key)
        with Session(engine) as session:
            for _ in range(rounds):
                self._fill(session, size)
                self.seal(session)
        self.lines = self.book.path.read_bytes().splitlines()
        self.columns = self._columns()

    def _fill(self, session: Session, size: int) -> None:
        connection = session.connection()
        for share in range(4):
            connection.exec_driver_sql(FILL, (self.random.randint(size // 8, size // 3),))
            for _ in range(1 + share):
                connection.exec_driver_sql(SKIP)
        session.commit()

    def seal(self, session: Session) -> None:
        known = sealing.horizon(session)
        while not sealing.is_past(session, known):
            session.rollback()
        while sealing.seal_next(session, self.book, known.upto):
            pass

    def _columns(self) -> dict[str, str]:
        text = "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'audit_record'"
        with self.engine.connect() as connection:
            return {row.column_name: row.data_type for row in connection.exec_driver_sql(text)}

    def wrong_after(self, tamper: Callable[[Session], None]) -> list[str]:
        """What is found after this tampering, which is undone."""
        with Session(self.engine) as session:
            session.connection().exec_driver_sql("SET LOCAL session_replication_role = replica")
            tamper(session)
            wrong = verifying.verify(session, self.book).wrong
            session.rollback()
        self.book.path.write_bytes(b"".join(line + b"\n" for line in self.lines))
        return wrong

    def any_tampering(self) -> tuple[str, Callable[[Session], None]]:
        kind = self.random.choice(KINDS)
        return kind.__name__, lambda session: kind(self, session)

    # In the database

    def an_id(self, session: Session) -> int:
        rows = session.connection().exec_driver_sql("SELECT id FROM audit_record ORDER BY id").scalars().all()
        return self.random.choice(rows)

    def a_gap(self, session: Session) -> int:
        text = "SELECT g FROM generate_series(1, %s) AS g WHERE NOT EXISTS (SELECT FROM audit_record WHERE id = g)"
        head = self.book.head()
        assert head
        rows = session.connection().exec_driver_sql(text, (head.checkpoint.sealed_upto,)).scalars().all()
        return self.random.choice(rows)

    def change_a_column(self, session: Session) -> None:
        column = self.random.choice([name for name in self.columns if name != "id"])
        new = {
            "uuid": "gen_random_uuid()",
            "timestamp with time zone": f"{column} + interval '1 microsecond'",
        }.get(self.columns[column], f"coalesce({column}, '') || 'x'")
        session.connection().exec_driver_sql(
            f"UPDATE audit_record SET {column} = {new} WHERE id = %s", (self.an_id(session),)
        )

    def empty_a_column(self, session: Session) -> None:
        column = self.random.choice(["shown_person_id", "agency_id", "trace_id", "relation", "fields"])
        session.connection().exec_driver_sql(
            f"UPDATE audit_record SET {column} = NULL WHERE id = %s", (self.an_id(session),)
        )

    def move_a_value(self, session: Session) -> None:
        """The same text, in another column."""
        session.connection().exec_driver_sql(
            "UPDATE audit_record SET fields = relation, relation = fields WHERE id = %s", (self.an_id(session),)
        )

    def delete_one(self, session: Session) -> None:
        session.connection().exec_driver_sql("DELETE FROM audit_record WHERE id = %s", (self.an_id(session),))

    def delete_a_batch(self, session: Session) -> None:
        batch = self.random.choice(list(sealing.sealed_batches(self.book)))
        session.connection().exec_driver_sql(
            "DELETE FROM audit_record WHERE id > %s AND id <= %s", (batch.after, batch.upto)
        )

    def insert_one(self, session: Session) -> None:
        place = self.random.choice(
            [self.a_gap(session), self.a_gap(session), 0, -self.random.randrange(1, 2**40), 2**40]
        )
        self._copy(session, self.an_id(session), place)

    def _copy(self, session: Session, one: int, place: int) -> None:
        names = ", ".join(name for name in self.columns if name != "id")
        session.connection().exec_driver_sql(
            f"INSERT INTO audit_record (id, {names}) SELECT %s, {names} FROM audit_record WHERE id = %s", (place, one)
        )

    def renumber_one(self, session: Session) -> None:
        session.connection().exec_driver_sql(
            "UPDATE audit_record SET id = %s WHERE id = %s", (self.a_gap(session), self.an_id(session))
        )

    def swap_two(self, session: Session) -> None:
        one = self.an_id(session)
        other = one
        while other == one:
            other = self.an_id(session)
        for old, new in ((one, -1), (other, one), (-1, other)):
            session.connection().exec_driver_sql("UPDATE audit_record SET id = %s WHERE id = %s", (new, old))

    def change_what_is_noted(self, session: Session) -> None:
        session.connection().exec_driver_sql(
            "UPDATE record_checkpoint SET digest = md5(digest) WHERE number = %s",
            (self.random.randint(1, len(self.lines)),),
        )

    # In the file

    def change_a_byte(self, _: Session) -> None:
        place = self.random.randrange(len(self.lines))
        line = bytearray(self.lines[place])
        line[self.random.randrange(len(line))] ^= 1 << self.random.randrange(7)
        self._write([*self.lines[:place], bytes(line), *self.lines[place + 1 :]])

    def remove_a_line(self, _: Session) -> None:
        place = self.random.randrange(len(self.lines))
        self._write(self.lines[:place] + self.lines[place + 1 :])

    def remove_the_last_lines(self, _: Session) -> None:
        self._write(self.lines[: -self.random.randint(1, len(self.lines))])

    def cut_the_file(self, _: Session) -> None:
        whole = self.book.path.read_bytes()
        self.book.path.write_bytes(whole[: self.random.randrange(len(whole))])

    def swap_two_lines(self, _: Session) -> None:
        one, other = self.random.sample(range(len(self.lines)), 2)
        lines = list(self.lines)
        lines[one], lines[other] = lines[other], lines[one]
        self._write(lines)

    def repeat_a_line(self, _: Session) -> None:
        lines = list(self.lines)
        lines.insert(self.random.randint(0, len(lines)), self.random.choice(lines))
        self._write(lines)

    def sign_with_another_key(self, session: Session) -> None:
        """Whoever deletes a record, and seals anew what is left with a key of their own."""
        self.delete_one(session)
        other = Book(self.folder / "other", Ed25519PrivateKey.generate())
        other.path.unlink(missing_ok=True)
        for line in self.lines:
            head = other.head()
            previous = head.digest if head else "0" * 64
            other.append(sealing.replace(self.book.read(line).checkpoint, previous=previous))
        self.book.path.write_bytes(other.path.read_bytes())

    def claim_another_count(self, _: Session) -> None:
        place = self.random.randrange(len(self.lines))
        said: dict[str, Any] = json.loads(self.lines[place])
        said["count"] += 1
        changed = json.dumps(said, sort_keys=True, separators=(",", ":")).encode()
        self._write([*self.lines[:place], changed, *self.lines[place + 1 :]])

    def delete_a_batch_with_its_line(self, session: Session) -> None:
        batch = self.random.choice(list(sealing.sealed_batches(self.book)))
        session.connection().exec_driver_sql(
            "DELETE FROM audit_record WHERE id > %s AND id <= %s", (batch.after, batch.upto)
        )
        self._write([line for line in self.lines if self.book.read(line).checkpoint.number != batch.number])

    def _write(self, lines: list[bytes]) -> None:
        self.book.path.write_bytes(b"".join(line + b"\n" for line in lines))


KINDS = (
    *[Tampered.change_a_column] * 6,
    *[Tampered.delete_one] * 3,
    *[Tampered.insert_one] * 3,
    *[Tampered.swap_two] * 2,
    Tampered.empty_a_column,
    Tampered.move_a_value,
    Tampered.renumber_one,
    Tampered.delete_a_batch,
    Tampered.delete_a_batch_with_its_line,
    Tampered.change_what_is_noted,
    Tampered.change_a_byte,
    Tampered.remove_a_line,
    Tampered.remove_the_last_lines,
    Tampered.cut_the_file,
    Tampered.swap_two_lines,
    Tampered.repeat_a_line,
    Tampered.sign_with_another_key,
    Tampered.claim_another_count,
)


def tamper(record: Tampered, times: int) -> tuple[Counter[str], list[str]]:
    """Tamper so often; gives how often of which kind, and the kinds of what wasn't found."""
    tried: Counter[str] = Counter()
    missed = []
    for _ in range(times):
        name, doing = record.any_tampering()
        tried[name] += 1
        if not record.wrong_after(doing):
            missed.append(name)
    return tried, missed


def main() -> int:
    """Run the campaign that the command line asks for."""
    wanted = options(__doc__, tampers=1000, seed=a_seed())
    with a_database() as (_, folder, settings):
        engine = create_engine(sqlalchemy_url(str(settings.database_url)))
        try:
            return _campaign(Tampered(engine, folder, wanted.seed), wanted.tampers)
        finally:
            engine.dispose()


def _campaign(record: Tampered, times: int) -> int:
    if wrong := record.wrong_after(lambda _: None):
        print(f"The untouched copy is wrong: {wrong}")
        return 1
    began = time.monotonic()
    tried, missed = tamper(record, times)
    for name, count in tried.most_common():
        print(f"{count:5} {name}")
    untouched = not record.wrong_after(lambda _: None)
    print(
        f"{times} tampers, {times - len(missed)} found, in {time.monotonic() - began:.0f} s; missed: {missed or 'none'}"
    )
    print(f"The untouched copy verifies before and after: {'yes' if untouched else 'NO'}")
    return 0 if untouched and not missed else 1


if __name__ == "__main__":
    sys.exit(main())
