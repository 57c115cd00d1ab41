"""Keys change while the service runs: nothing is lost, nobody gets two persons, and a key that can go is told."""

import base64
import json
import os
import secrets
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import psycopg
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from psycopg import sql
from sqlalchemy import LargeBinary
from sqlalchemy.exc import DBAPIError
from sqlmodel import SQLModel
from typer.testing import CliRunner

from api.cli import app as cli
from api.cli.rekeying import missing, seeing_every_row
from api.domain import bsn as numbers
from api.domain import persons
from api.domain.errors import KeyMissing
from api.domain.resealing import FINGERPRINTS, SEALED
from api.domain.vault import Vault
from api.main import UnsafeSettings, create_app
from api.settings import Settings
from tests.conftest import serving
from tests.demo import SPIL
from tests.keyed import KEYS, Keyed, keys_of, vault_keys
from tests.world import a_bsn, refused

NO_SEALED_VALUE: set[tuple[str, str]] = set()
"""Columns of bytes that are neither sealed, nor a pseudonym, nor a fingerprint."""


@contextmanager
def rotating(keyed: Keyed, *versions: int) -> Iterator[subprocess.Popen[bytes]]:
    """`spil keys rotate` as a process of its own."""
    how = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "env": keyed.environment(*versions)}
    with subprocess.Popen([str(SPIL), "keys", "rotate"], **how) as process:  # type: ignore[call-overload]
        try:
            yield process
        finally:
            process.kill()


def until(holds: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        if holds():
            return
        assert process.poll() is None, process.communicate()[0].decode()
        threading.Event().wait(0.1)
    raise AssertionError("It didn't come about.")


def test_every_column_that_holds_a_sealed_value_is_rotated() -> None:
    tables = SQLModel.metadata.tables.values()
    columns = {
        (table.name, column.name) for table in tables for column in table.c if isinstance(column.type, LargeBinary)
    }
    known = {(sealed.table, name) for sealed in SEALED for name in (sealed.column, sealed.pseudonym)}
    assert columns == known.union(FINGERPRINTS, NO_SEALED_VALUE) - {(one.table, None) for one in SEALED}
    assert not [one for one in FINGERPRINTS if one[1].endswith(("_sealed", "_pseudonym", "answer"))]


def test_everything_is_made_anew_and_the_old_keys_can_go(keyed: Keyed) -> None:
    bsns = [a_bsn() for _ in range(7)]
    before = [keyed.register(keyed.first, bsn).id for bsn in bsns]
    new = keyed.with_keys(1, 2)
    assert "Key 1 of SPIL_DATA_KEYS is still needed by 7 values." in keyed.verdict(1, 2)
    outcome = keyed.rotate(1, 2)["person.bsn_sealed"]
    assert (outcome.resealed, outcome.stuck) == (7, 0)
    assert keyed.made_by()["person.bsn_sealed"] == keyed.made_by()["person.bsn_pseudonym"] == {2: 7}
    assert "Key 1 of SPIL_DATA_KEYS can go: nothing needs it." in keyed.verdict(1, 2)
    assert "Key 1 of SPIL_PSEUDONYM_KEYS can go: nothing needs it." in keyed.verdict(1, 2)
    assert sorted(keyed.bsns(2)) == sorted(bsns)
    for world in (new, keyed.with_keys(2)):
        assert [keyed.register(world, bsn).id for bsn in bsns] == before
    assert keyed.rotate(1, 2)["person.bsn_sealed"].resealed == 0


def test_a_batch_leaves_a_record_without_personal_data_and_tells_no_event(keyed: Keyed) -> None:
    person = keyed.register(keyed.first, a_bsn())
    with keyed.connection() as connection:
        events = connection.execute("SELECT count(*) FROM event").fetchone()
        keyed.rotate(1, 2)
        assert connection.execute("SELECT count(*) FROM event").fetchone() == events
        found = connection.execute("SELECT r::text FROM audit_record r WHERE action LIKE 'reseal:%'").fetchall()
    assert len(found) == 1
    assert "reseal:person.bsn_sealed" in found[0][0]
    assert str(person.id) not in found[0][0]


def test_a_value_that_was_sealed_in_the_earlier_form_is_made_anew_under_the_same_key(keyed: Keyed) -> None:
    person = keyed.register(keyed.first, bsn := a_bsn())
    key, nonce = base64.b64decode(KEYS[1]), secrets.token_bytes(12)
    earlier = bytes([1]) + nonce + AESGCM(key).encrypt(nonce, bsn.encode(), f"person:{person.id}".encode())
    with keyed.connection() as connection:
        connection.execute("UPDATE person SET bsn_sealed = %s", [earlier])
    assert keyed.made_by()["person.bsn_sealed"] == {1: 1}
    assert keyed.rotate(1)["person.bsn_sealed"].resealed == 1
    assert keyed.bsns(1) == [bsn]


# Stopped, and started again


def test_killed_inside_a_batch_nothing_of_it_is_done_and_the_next_run_does_it_all(
    keyed: Keyed, monkeypatch: pytest.MonkeyPatch
) -> None:
    bsns = [a_bsn() for _ in range(20)]
    for bsn in bsns:
        keyed.register(keyed.first, bsn)
    with keyed.connection() as holder:
        holder.execute("LOCK TABLE audit_record IN SHARE MODE")  # the batch waits here, with its rows changed
        with rotating(keyed, 1, 2) as process:
            until(lambda: waits_for_a_lock(keyed), process)
            process.send_signal(signal.SIGKILL)
            process.wait()
    assert keyed.made_by()["person.bsn_sealed"] == {1: 20}
    code, said = command(monkeypatch, keyed.environment(1, 2), "keys", "rotate")
    assert code == 0, said
    assert "person.bsn_sealed: 20 made anew" in said
    assert "Key 1 of SPIL_DATA_KEYS can go: nothing needs it." in said
    assert sorted(keyed.bsns(2)) == sorted(bsns)


def waits_for_a_lock(keyed: Keyed) -> bool:
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with keyed.connection() as connection:
        return connection.execute(waiting).fetchone() == (1,)


def test_killed_between_batches_the_next_run_goes_on_and_a_row_in_use_is_waited_for(keyed: Keyed) -> None:
    bsns = [a_bsn() for _ in range(12)]
    held = [keyed.register(keyed.first, bsn) for bsn in bsns][5]
    with keyed.connection() as holder:
        holder.execute("SELECT FROM person WHERE id = %s FOR UPDATE", [held.id])
        with rotating(keyed, 1, 2) as process:
            until(lambda: keyed.made_by()["person.bsn_sealed"] == {1: 1, 2: 11}, process)
            process.send_signal(signal.SIGKILL)
            process.wait()
        assert sorted(keyed.bsns(1, 2)) == sorted(bsns)
        assert keyed.find(keyed.with_keys(1, 2), bsns[5])
        with ThreadPoolExecutor(1) as pool:
            again = pool.submit(keyed.rotate, 1, 2)
            threading.Event().wait(1)
            assert not again.done(), "It waits for the row."
            holder.rollback()
            assert again.result()["person.bsn_sealed"].resealed == 1
    assert keyed.made_by()["person.bsn_sealed"] == {2: 12}


def test_two_rotations_at_once_share_the_work(keyed: Keyed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.domain.resealing.AT_ONCE", 3)
    bsns = [a_bsn() for _ in range(40)]
    for bsn in bsns:
        keyed.register(keyed.first, bsn)
    with ThreadPoolExecutor(2) as pool:
        both = [one.result()["person.bsn_sealed"] for one in [pool.submit(keyed.rotate, 1, 2) for _ in range(2)]]
    assert sum(one.resealed for one in both) == 40
    assert sorted(keyed.bsns(2)) == sorted(bsns)


# While serving


def test_whoever_is_on_record_under_the_old_key_is_found_under_the_new_one(keyed: Keyed) -> None:
    person = keyed.register(keyed.first, bsn := a_bsn())
    new = keyed.with_keys(1, 2)
    assert keyed.register(new, bsn).id == person.id
    found = keyed.find(new, bsn)
    assert found
    assert found.id == person.id
    other = keyed.register(new, a_bsn())
    with pytest.raises(Exception, match="Another person in your municipality has this BSN"):
        new.do(lambda work: persons.change(work, persons.get(work, other.id), bsn=bsn), new.registrar)


def test_who_lacks_a_key_that_is_in_use_does_not_say_that_a_bsn_is_unknown(keyed: Keyed) -> None:
    """Otherwise it would register a second person with the same BSN."""
    mixed, bsn = keyed.with_keys(1, 2), a_bsn()
    keyed.register(keyed.first, a_bsn())
    keyed.register(mixed, bsn)
    for lacking in (keyed.first, keyed.with_keys(2)):
        for number in (bsn, a_bsn()):
            if lacking is keyed.first or number != bsn:
                with pytest.raises(KeyMissing, match="can't be looked up"):
                    keyed.register(lacking, number)
    assert keyed.with_keys(2).do(lambda work: persons.find_by_bsn(work, bsn, keyed.code))
    elsewhere = keyed.first.a_municipality()
    keyed.first.do(lambda work: persons.register(work, elsewhere.code, given_name="A", surname="B", bsn=bsn))


def test_a_bsn_is_on_record_once_however_many_register_it_while_keys_change(
    keyed: Keyed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Processes with the old key, with both, and later with the new key only; and a rotation under way."""
    monkeypatch.setattr("api.domain.resealing.AT_ONCE", 5)
    bsns = [a_bsn() for _ in range(60)]
    for bsn in bsns[:20]:
        keyed.register(keyed.first, bsn)
    processes = [keyed.first, keyed.with_keys(1, 2), keyed.with_keys(1, 2), keyed.with_keys(2)]
    done, refusals = threading.Event(), Counter[int]()

    def registrations(place: int) -> None:
        order = [*bsns]
        secrets.SystemRandom().shuffle(order)
        for bsn in order[: 60 if place in (1, 2) else 30]:
            try:
                keyed.register(processes[place], bsn)
            except (KeyMissing, DBAPIError):
                refusals[place] += 1

    def rotations() -> None:
        while not done.is_set():
            keyed.rotate(1, 2)

    with ThreadPoolExecutor(5) as pool:
        rotation = pool.submit(rotations)
        for registering in [pool.submit(registrations, place) for place in range(4)]:
            registering.result()
        done.set()
        rotation.result()
    keyed.rotate(1, 2)
    assert keyed.made_by()["person.bsn_sealed"] == {2: 60}
    assert sorted(keyed.bsns(2)) == sorted(bsns)
    assert refusals[0]
    assert not refusals[1] + refusals[2]


def test_requests_go_on_while_keys_change(keyed: Keyed) -> None:
    """Over HTTP: an answer that was kept under the old keys is given again, by who has them; others say so."""
    person, key = {"givenName": "Sam", "surname": "Bos", "bsn": a_bsn()}, {"Idempotency-Key": secrets.token_hex(8)}
    body = {"name": "Bos", "framework": "voluntary", "members": [{"person": person, "role": "parent"}]}

    def sent(*versions: int) -> httpx.Response:
        world = keyed.with_keys(*versions)
        with serving(world.app) as url, httpx.Client(base_url=url, timeout=30) as world.client:
            return world.as_(keyed.first.registrar).post("/families", body, headers=key)

    opened = sent(1)
    assert opened.status_code == 201, opened.text
    assert sent(1, 2).json() == opened.json()
    keyed.rotate(1, 2)
    assert keyed.made_by() == {
        "person.bsn_sealed": {2: 1},
        "person.bsn_pseudonym": {2: 1},
        "idempotent_request.answer": {2: 1},
        "idempotent_request.fingerprint": {1: 1},
    } | {name: {} for name in keyed.made_by() if not name.startswith(("person.", "idempotent_request."))}
    assert sent(1, 2).json() == opened.json()
    refused(sent(2), 503, "key_missing")


# What goes wrong


def test_what_the_keys_do_not_open_stays_as_it_is_and_is_named(keyed: Keyed, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = (keyed.register(keyed.first, a_bsn()) for _ in range(2))
    with keyed.connection() as connection:
        changed = connection.execute("SELECT bsn_sealed FROM person WHERE id = %s", [other.id]).fetchone()
        assert changed
        connection.execute("UPDATE person SET bsn_sealed = %s WHERE id = %s", [changed[0], one.id])
    code, said = command(monkeypatch, keyed.environment(1, 2), "keys", "rotate")
    assert code == 1
    assert f"person.bsn_sealed of {one.id} can't be opened" in said
    assert f"{other.id}" not in said
    assert keyed.made_by()["person.bsn_sealed"] == {1: 1, 2: 1}
    code, said = command(monkeypatch, keyed.environment(2), "keys", "rotate")
    assert (code, "Key 1 of SPIL_DATA_KEYS is MISSING: 1 values need it." in said) == (1, True)


def test_with_a_wrong_key_nothing_is_changed(keyed: Keyed, monkeypatch: pytest.MonkeyPatch) -> None:
    keyed.register(keyed.first, bsn := a_bsn())
    wrong = keyed.environment(1, 2) | {"SPIL_DATA_KEYS": json.dumps({"1": KEYS[3], "2": KEYS[2]})}
    code, said = command(monkeypatch, wrong, "keys", "rotate")
    assert (code, "can't be opened with the keys there are" in said) == (1, True)
    assert keyed.bsns(1) == [bsn]


def test_two_rows_with_one_bsn_are_told_and_left_alone(keyed: Keyed, monkeypatch: pytest.MonkeyPatch) -> None:
    """It can't come about; if somebody's hand made it so, both stay readable."""
    bsn, more = a_bsn(), a_bsn()
    one, two, three = (keyed.register(keyed.first, number) for number in (bsn, a_bsn(), more))
    old, new = (Vault(*vault_keys(keyed.settings(*versions))) for versions in ((1,), (1, 2)))
    with keyed.connection() as connection:
        by_hand = "UPDATE person SET bsn_sealed = %s, bsn_pseudonym = %s WHERE id = %s"
        connection.execute(by_hand, [*numbers.sealed(new, bsn, two.id), two.id])
        connection.execute(by_hand, [*numbers.sealed(old, bsn, one.id), one.id])
    code, said = command(monkeypatch, keyed.environment(1, 2), "keys", "rotate")
    assert (code, f"person.bsn_sealed of {one.id} has a double" in said) == (1, True)
    assert keyed.made_by()["person.bsn_sealed"] == {1: 1, 2: 2}
    assert sorted(keyed.bsns(1, 2)) == sorted([bsn, bsn, more])
    assert three.id


def test_the_doctor_says_which_rows_need_a_key_that_was_taken_away(
    keyed: Keyed, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyed.register(keyed.first, a_bsn())
    keyed.register(keyed.with_keys(1, 2), a_bsn())
    code, said = command(monkeypatch, keyed.environment(2), "doctor")
    assert code == 1
    assert "1 values of person.bsn_sealed were made with key 1, which SPIL_DATA_KEYS lacks" in said
    assert "1 values of person.bsn_pseudonym were made with key 1, which SPIL_PSEUDONYM_KEYS lacks" in said
    assert "Keys: open what is stored" not in said
    command(monkeypatch, keyed.environment(1, 2), "keys", "rotate")
    code, said = command(monkeypatch, keyed.environment(2), "doctor")
    assert "Keys: open what is stored" in said


def test_a_role_that_does_not_see_every_row_gets_no_figures(keyed: Keyed) -> None:
    keyed.register(keyed.first, a_bsn())
    role = f"spil_{secrets.token_hex(6)}"
    with psycopg.connect(keyed.url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE ROLE {0} LOGIN").format(sql.Identifier(role)))
        connection.execute("ALTER TABLE person ENABLE ROW LEVEL SECURITY")
        connection.execute(sql.SQL("GRANT SELECT ON ALL TABLES IN SCHEMA public TO {0}").format(sql.Identifier(role)))
        seen = keyed.url.replace("postgresql://postgres:", f"postgresql://{role}:")
        assert role in seen
        with (
            seeing_every_row(seen) as engine,
            engine.connect() as unprivileged,
            pytest.raises(DBAPIError, match="row-level"),
        ):
            missing(unprivileged, keyed.settings(1))
        connection.execute(sql.SQL("DROP OWNED BY {0}").format(sql.Identifier(role)))
        connection.execute(sql.SQL("DROP ROLE {0}").format(sql.Identifier(role)))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SPIL_DATA_KEYS", "[1]"),
        ("SPIL_DATA_KEYS", '"x"'),
        ("SPIL_DATA_KEYS", "{"),
        ("SPIL_DATA_KEYS", json.dumps([["1", KEYS[1]]])),
        ("SPIL_DATA_KEYS", json.dumps({"0": KEYS[1]})),
        ("SPIL_DATA_KEYS", json.dumps({"256": KEYS[1]})),
        ("SPIL_DATA_KEYS", json.dumps({"one": KEYS[1]})),
        ("SPIL_DATA_KEYS", json.dumps({"1": 1})),
        ("SPIL_DATA_KEYS", json.dumps({"1": None})),
        ("SPIL_DATA_KEYS", json.dumps({"1": {"k": KEYS[1]}})),
        ("SPIL_DATA_KEYS", json.dumps({"1": KEYS[1] + "!"})),
        ("SPIL_DATA_KEYS", json.dumps({"1": KEYS[1], "2": KEYS[1]})),
        ("SPIL_DATA_KEYS", f'{{"1": "{KEYS[1]}", "1": "{KEYS[2]}"}}'),
        ("SPIL_DATA_KEYS", "[" * 100_000),
        ("SPIL_PSEUDONYM_KEYS", "{"),
        ("SPIL_PSEUDONYM_KEYS", "{}"),
        ("SPIL_PSEUDONYM_KEYS", json.dumps({"1": KEYS[4], "3": KEYS[5]})),
        ("SPIL_PSEUDONYM_KEYS", json.dumps({"1": KEYS[4], "2": KEYS[4]})),
        ("SPIL_PSEUDONYM_KEYS", json.dumps({"1": "dG9vIHNob3J0"})),
        ("SPIL_PSEUDONYM_KEYS", json.dumps({"1": KEYS[1]})),
    ],
)
def test_keys_that_make_no_sense_are_refused_with_a_sentence(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    given = keys_of(1) | {name.removeprefix("SPIL_").lower(): value}
    given |= {"database_url": str(settings.database_url), "signing_key": "x", "pseudonym_key": ""}
    environment = {f"SPIL_{setting.upper()}": one for setting, one in given.items() if one}
    for words in (("keys", "status"), ("serve",), ("doctor",)):
        code, said = command(monkeypatch, environment, *words)
        assert code == 1
        assert name.removesuffix("S") in said
        assert "Traceback" not in said
        assert not any(key in said for key in KEYS.values())
    with pytest.raises(UnsafeSettings, match=name.removesuffix("S")):
        create_app(Settings(**{**given, "pseudonym_key": None}))


def test_one_key_more_goes_beside_the_one_of_before(monkeypatch: pytest.MonkeyPatch) -> None:
    further = {"pseudonym_key": KEYS[4], "pseudonym_keys": json.dumps({"2": KEYS[5]})}
    assert list(Settings(**further).vault_pseudonym_keys) == [1, 2]
    with pytest.raises(ValueError, match=r"^$"):
        _ = Settings(**further | {"pseudonym_keys": json.dumps({"1": KEYS[5]})}).vault_pseudonym_keys


def command(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], *words: str) -> tuple[int, str]:
    with monkeypatch.context() as patched:
        for name in [name for name in os.environ if name.startswith("SPIL_")]:
            patched.delenv(name)
        for name, value in environment.items():
            patched.setenv(name, value)
        result = CliRunner().invoke(cli, list(words))
    return result.exit_code, " ".join(result.output.split())
