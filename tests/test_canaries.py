"""BSNs and names are planted through the API, wherever somebody could put one; then everything Spil emits is searched.

A BSN is in the request that brings it and in one answer to the registrar, and nowhere else: not in a log, header, URL,
error, event, record, column or file of the database. Names stand in the columns and answers that are for them, and
nowhere else either. The keys stand nowhere at all.
"""

import base64
import itertools
import json
import os
import re
import secrets
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID

import httpx
import psycopg
import pytest
import structlog
from fastapi import FastAPI
from psycopg import sql

from api.domain import persons
from api.domain.actor import Actor, Role
from api.main import create_app
from api.settings import Settings
from tests.demo import SPIL, a_free_port
from tests.fhir.reading import Reader
from tests.synchronising import CSV, PATH, ndjson, rows_of, send, work_on
from tests.world import Caller, World, a_bsn

NAMES_ARE_IN = {
    "person.given_name",
    "person.surname",
    "family.name",
    "registration.given_name",
    "registration.surname",
}
"""The only columns that may have the name of somebody in a family."""
SHOWS_THE_BSN = re.compile(r"\d+ GET /v1/persons/[0-9a-f-]{36} 200 body")
"""The one answer that has a BSN: the registrar's look at one person."""
NINE_OR_MORE = re.compile(rb"[0-9]{9,}|(?:3[0-9]){9,}")
"""Where in a file a BSN could be, as it is or in hexadecimal."""


# Looking for canaries


def forms(canary: str) -> list[bytes]:
    """How it may look: as it is, backwards, in hexadecimal, in base64 at any offset, percent-encoded, in two bytes."""
    plain = canary.encode()
    found = {plain, plain[::-1], plain.hex().encode(), plain.hex().upper().encode(), canary.encode("utf-16-le")}
    found |= {quote(canary).encode(), json.dumps(canary)[1:-1].encode()}
    for offset in range(3):  # what stands before decides where in base64 it begins; its first and last letters vary
        whole = base64.b64encode(b"\0" * offset + plain).rstrip(b"=")
        found.add(whole[(0, 2, 3)[offset] : -1])
    if canary.isdigit():
        found |= {b".".join((plain[:4], plain[4:6], plain[6:])), b" ".join((plain[:3], plain[3:6], plain[6:]))}
    return sorted(found)


def leaks(emitted: dict[str, bytes], canaries: Iterable[str]) -> list[str]:
    """Where something that was emitted has a canary, without repeating it."""
    searched = [(number, form) for number, canary in enumerate(canaries) for form in forms(canary)]
    return [f"{where}: canary {number}" for where, text in emitted.items() for number, form in searched if form in text]


def numbers_in(content: bytes) -> set[bytes]:
    """Every nine digits in a row, also of a longer row."""
    runs = (bytes.fromhex(run.decode()) if _may_be_hex(run) else run for run in hexed(content))
    return {run[place : place + 9] for run in runs for place in range(len(run) - 8)}


def _may_be_hex(run: bytes) -> bool:
    return run[:1] == b"3" and len(run) >= 18 and len(run) % 2 == 0


def hexed(content: bytes) -> Iterator[bytes]:
    for run in NINE_OR_MORE.findall(content):
        yield run
        if run[:1] == b"3" and len(run) % 2:
            yield run[:-1]


@pytest.mark.parametrize("canary", ["999990019", "Kanarie55aa", "Zoë van 't Hof"])
def test_a_canary_is_found_in_each_of_its_forms(canary: str) -> None:
    line = '{"event": "registered", "detail": "%s", "level": "info"}'
    assert leaks({"log": (line % "nobody").encode()}, [canary]) == []
    assert leaks({"log": (line % canary).encode()}, [canary]) == ["log: canary 0"] * len(
        {form for form in forms(canary) if form in (line % canary).encode()}
    )
    for offset in range(7):
        text = b"x" * offset + canary.encode() + b"y" * 5
        for coded in (text.hex().encode(), base64.b64encode(text), text[::-1], quote(text.decode()).encode()):
            assert leaks({"log": b"before " + coded + b" after"}, [canary]), (offset, coded)


def test_a_number_is_found_in_a_file() -> None:
    for content in (
        b"\0\x17999990019\0",
        b"999990019",
        b"1999990019",
        b"\\x393939393930303139",
        b"ff39393939393030313939",
    ):
        assert b"999990019" in numbers_in(content), content
    assert numbers_in(b"99999 0019 \x99\x99\x90\x01\x90 99999001") == set()


def test_a_bsn_in_a_log_line_would_be_found(
    world: World, settings: Settings, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The same search, with somebody's mistake in the code: a line of the log that tells too much."""
    register, log = persons.register, structlog.get_logger("spil")

    def telling(*given: Any, bsn: str | None = None, **more: Any) -> Any:
        log.info("registered", number=bsn)
        return register(*given, bsn=bsn, **more)

    monkeypatch.setattr(persons, "register", telling)
    bsn = a_bsn()
    person = {"givenName": "Sam", "surname": "Bos", "bsn": bsn}
    body = {"name": "Bos", "framework": "voluntary", "members": [{"person": person, "role": "parent"}]}
    assert world.as_(world.registrar).post("/families", body).status_code == 201
    captured = capfd.readouterr()
    assert leaks({"log": (captured.out + captured.err).encode()}, [bsn])


def test_an_error_that_nobody_expected_tells_nothing_of_what_was_sent(
    world: World, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    bsn, name = a_bsn(), f"Kanarie{secrets.token_hex(6)}"

    def failing(*given: Any, **more: Any) -> None:
        raise RuntimeError(f"{given} {more}")

    monkeypatch.setattr(persons, "register", failing)
    person = {"givenName": name, "surname": name, "bsn": bsn}
    body = {"name": name, "framework": "voluntary", "members": [{"person": person, "role": "parent"}]}
    answer = world.as_(world.registrar).post("/families", body)
    captured = capfd.readouterr()
    emitted = {"log": (captured.out + captured.err).encode(), "answer": answer.content}
    assert answer.status_code == 500
    assert b"unexpected" in emitted["log"]
    assert leaks(emitted, [bsn, name]) == []


# Planting them


@dataclass
class Planted:
    """A service in a process of its own, what was planted in it, and all it said."""

    app: FastAPI
    url: str
    log: Path
    since: float
    bsns: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    answers: dict[str, bytes] = field(default_factory=dict)

    def bsn(self) -> str:
        self.bsns.append(a_bsn())
        return self.bsns[-1]

    def name(self) -> str:
        self.names.append(f"Kanarie{secrets.token_hex(6)}")
        return self.names[-1]

    def person(self) -> dict[str, Any]:
        return {"givenName": self.name(), "surname": self.name(), "birthDate": "1985-04-01", "bsn": self.bsn()}

    def keep(self, response: httpx.Response) -> None:
        """Keep what was answered, head and body."""
        response.read()
        what = f"{len(self.answers)} {response.request.method} {response.request.url.path} {response.status_code}"
        self.answers[f"{what} body"] = response.content
        self.answers[f"{what} head"] = repr(response.headers.multi_items()).encode()

    @property
    def database(self) -> str:
        return str(self.app.state.settings.database_url)


@pytest.fixture(scope="module")
def planted(
    new_database: Callable[[], str], settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Planted]:
    """`spil serve` on a database of its own, its output kept, and everything planted."""
    port, log = a_free_port(), tmp_path_factory.mktemp("canaries") / "said.txt"
    data_key, pseudonym_key = (base64.b64encode(secrets.token_bytes(32)).decode() for _ in range(2))
    assert settings.signing_key
    given = {
        "database_url": new_database(),
        "base_url": f"http://127.0.0.1:{port}",
        "data_keys": json.dumps({"1": data_key}),
        "pseudonym_keys": json.dumps({"1": pseudonym_key}),
        "signing_key": settings.signing_key.get_secret_value(),
        "stream_seconds": "0.5",
        "rate_limit": "0",
        "address_rate_limit": "0",
    }
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SPIL_")}
    environment |= {f"SPIL_{name.upper()}": value for name, value in given.items()}
    found = Planted(create_app(Settings(**given)), given["base_url"], log, time.time())
    with log.open("wb") as output:
        arguments = [str(SPIL), "serve", "--port", str(port)]
        process = subprocess.Popen(arguments, stdout=output, stderr=subprocess.STDOUT, env=environment)
    try:
        with httpx.Client(base_url=found.url, timeout=30) as client:
            until_ready(client, process, log)
            client.event_hooks = {"response": [found.keep]}
            plant(found, World(found.app, client))
        yield found
    finally:
        process.terminate()
        process.wait(30)


def until_ready(client: httpx.Client, process: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(1200):
        assert process.poll() is None, log.read_text()
        try:
            if client.get("/health/ready").is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError(log.read_text())


def plant(planted: Planted, world: World) -> None:
    try:
        family_id, person_id = where_they_belong(planted, world)
        for actor in everyone(world, person_id):
            look(planted, world.as_(actor), family_id, person_id)
        registrar = world.as_(world.registrar)
        in_registrations(planted, world, person_id)
        in_files(planted, world)
        in_care_systems(planted, world, person_id)
        in_bodies(planted, registrar, family_id)
        in_addresses(planted, registrar, family_id)
        in_heads(planted, world, family_id)
        in_tokens(planted, world)
    finally:
        world.close()


def where_they_belong(planted: Planted, world: World) -> tuple[str, str]:
    """Persons, families and members, found, changed, looked at and moved by who may."""
    registrar, key = world.as_(world.registrar), {"Idempotency-Key": secrets.token_hex(8)}
    person = planted.person()
    body = {"name": planted.name(), "framework": "voluntary", "members": [{"person": person, "role": "parent"}]}
    opened = registrar.post("/families", body, headers=key)
    assert opened.status_code == 201, opened.text
    assert registrar.post("/families", body, headers=key).json() == opened.json()
    path = f"/families/{opened.json()['id']}"
    joined = registrar.post(f"{path}/members", {"person": planted.person(), "role": "child"})
    assert joined.status_code == 201, joined.text
    [found] = registrar.post("/persons/_search", {"bsn": person["bsn"]}).json()["items"]
    assert registrar.get(f"/persons/{found['id']}").json()["bsn"] == person["bsn"]
    by_name = {"surname": person["surname"], "birthDate": "1985-04-01"}
    assert registrar.post("/persons/_search", by_name).json()["items"] == [found]
    assert registrar.post("/persons/_search", {"bsn": planted.bsn()}).json()["items"] == []
    changed = registrar.change(f"/persons/{found['id']}", {"bsn": planted.bsn(), "surname": planted.name()})
    assert changed.status_code == 200, changed.text
    assert registrar.change(path, {"name": planted.name()}).status_code == 200
    taken = registrar.change(f"/persons/{joined.json()['personId']}", {"bsn": planted.bsns[-1]})
    assert taken.status_code == 409, taken.text
    moving = registrar.post("/families", {"name": planted.name(), "framework": "voluntary"}).json()["id"]
    registrar.post(f"/families/{moving}/members", {"person": planted.person(), "role": "parent"})
    there = world.a_municipality()
    assert registrar.post(f"/families/{moving}/_move", {"municipalityCode": there.code}).is_success
    return opened.json()["id"], found["id"]


def in_registrations(planted: Planted, world: World, person_id: str) -> None:
    """An agency registers by BSN, with a relative, and by name; the registrar looks at what waits, and confirms it."""
    system, registrar = world.as_(world.system(world.an_agency())), world.as_(world.registrar)
    terms = {"municipalityCode": world.municipality.code, "helpDomains": ["finances"]}
    terms |= {"legalBasis": "statutory_task", "legalGround": "youth_help"}
    bsn = registrar.get(f"/persons/{person_id}").json()["bsn"]
    for number in (bsn, planted.bsn(), bsn):
        body = terms | {"bsn": number, "relatives": [{"kinship": "child", "bsn": planted.bsn()}]}
        made = system.post("/registrations", body, headers={"Idempotency-Key": secrets.token_hex(8)})
        assert made.status_code in {201, 409}, made.text
    named = {"givenName": planted.name(), "surname": planted.name(), "birthDate": "1985-04-01"}
    waiting = system.post("/registrations", terms | named)
    assert waiting.status_code == 201, waiting.text
    for path in ("", f"/{waiting.json()['id']}", "/_unconfirmed"):
        system.get(f"/registrations{path}")
        registrar.get(f"/registrations{path}")
    confirmed = {"person": planted.person()}
    answer = registrar.post(f"/registrations/{waiting.json()['id']}/_confirm", confirmed)
    assert answer.status_code == 204, answer.text
    assert system.post("/registrations", terms | {"bsn": planted.bsn(), "surname": planted.name()}).status_code < 500


def in_files(planted: Planted, world: World) -> None:
    """An agency sends its caseload, of which some lines can't be read; compared and carried out, and one that waits."""
    agency = world.an_agency()
    person = planted.person() | {"helpDomains": ["finances"], "legalBasis": "vital_interest"}
    rows = [
        person,
        person,
        person | {"bsn": planted.bsn(), "legalBasis": planted.bsn()},
        person | {"bsn": planted.bsn(), planted.name(): planted.bsn()},
        person | {"bsn": f"{planted.bsn()}1"},
    ]
    content = ndjson(rows) + f"{planted.bsn()};{planted.name()}".encode()
    assert send(world, agency, content).status_code == 202
    work_on(world)
    waits = send(world, agency, ndjson([planted.person() | person | {"bsn": planted.bsn()}]), dryRun="true")
    work_on(world)
    assert rows_of(world, agency, waits.json())
    header = f"{planted.bsn()},{planted.name()}\n".encode()
    assert send(world, agency, header, headers=CSV).status_code == 400
    asked = {"municipalityCode": planted.bsn()}
    assert world.as_(world.system(agency)).post(PATH, content=header, headers=CSV, params=asked).status_code == 400


def in_care_systems(planted: Planted, world: World, person_id: str) -> None:
    """Searched for in FHIR: by who may find somebody and who may not, in the right place and in every wrong one."""
    bsn = world.as_(world.registrar).get(f"/persons/{person_id}").json()["bsn"]
    for reader in (Reader(world.as_(actor)) for actor in everyone(world, person_id)):
        for kind, number in itertools.product(("Patient", "CareTeam", "EpisodeOfCare"), (bsn, planted.bsn(), "1")):
            assert reader.by_bsn(kind, number, _count="1").status_code in {200, 400, 403, 404}
        for wrong in (bsn, f"urn:x|{planted.bsn()}", f"{planted.name()}|{planted.bsn()}", f"{planted.bsn()},{bsn}"):
            reader.post("CareTeam/_search", {"patient.identifier": wrong})
            reader.post("CareTeam/_search", {"patient": wrong, "_include": wrong, wrong: wrong})
            reader.post("CareTeam/_search", content=wrong, headers={"Content-Type": "application/json"})
            assert reader.get("CareTeam", params={"patient.identifier": wrong}).status_code in {400, 403}
            assert reader.get("Patient", params={"identifier": wrong, "_lastUpdated": wrong}).status_code in {400, 403}
            assert reader.get(f"Patient/{wrong}").status_code in {400, 403, 404}
            assert reader.get(f"{wrong}/1").status_code == 404


def everyone(world: World, person_id: str) -> Iterator[Actor]:
    """Who has to do with the family, and who hasn't."""
    agency = world.an_agency()
    yield from (world.registrar, world.officer(), world.administrator, world.system(agency))
    yield world.actor(world.a_professional(agency))
    yield Actor(role=Role.FAMILY_MEMBER, subject="somebody", person_id=UUID(person_id))
    yield Actor(role=Role.ANALYST, subject="analyst", municipality_code=world.municipality.code)


def look(planted: Planted, caller: Caller, family_id: str, person_id: str) -> None:
    """Read everything there is to read, allowed or not."""
    known = {"{familyId}": family_id, "{personId}": person_id, "{helpDomain}": "finances"}
    for path, methods in planted.app.openapi()["paths"].items():
        if "get" in methods:
            for name, value in known.items():
                path = path.replace(name, value)
            caller.get(path.replace("{", "").replace("}", ""))


def in_bodies(planted: Planted, registrar: Caller, family_id: str) -> None:
    """In the wrong field, of the wrong type, cut off, with another media type, misspelt, too much of it."""
    bsn, name, members = planted.bsn, planted.name, f"/families/{family_id}/members"
    key = {"Idempotency-Key": secrets.token_hex(8)}
    persons_ = [
        planted.person() | {"bsn": int(bsn())},
        planted.person() | {"bsn": [bsn()]},
        planted.person() | {"bsn": bsn() + "0"},
        planted.person() | {"bsn": f" {bsn()}"},
        planted.person() | {"surname": f"{name()} {bsn()}"},
        planted.person() | {bsn(): name()},
        planted.person() | {"birthDate": bsn()},
        planted.person() | {"givenName": name() + "\0" + bsn()},
        planted.person() | {"birthDate": "2199-01-01"},
        {"bsn": bsn()},
    ]
    for person in persons_:
        for how in ({}, {"headers": key}):
            assert registrar.post(members, {"person": person, "role": "child"}, **how).status_code in {400, 409}
    assert registrar.post("/families", {"name": bsn(), "framework": bsn()}).status_code == 400
    assert registrar.post("/persons/_search", {"bsn": str(int(bsn()) ^ 1)}).status_code == 400
    assert registrar.post("/persons/_search", {"surname": bsn(), "birthDate": bsn()}).status_code == 400
    raw = json.dumps({"person": planted.person(), "role": "child"})
    for text, media_type in ((raw[:-3], "application/json"), (raw, "text/plain"), (bsn(), "application/json")):
        head = {"Content-Type": media_type}
        assert registrar.call("POST", members, content=text, headers=head).status_code in {400, 415}
    large = json.dumps({"person": planted.person(), "x": bsn() * 40_000})
    assert (
        registrar.call("POST", members, content=large, headers={"Content-Type": "application/json"}).status_code == 413
    )
    form = {"grant_type": bsn(), "client_id": bsn(), "client_assertion": bsn(), "scope": bsn()}
    assert registrar.client.post("/oauth/token", data=form).status_code in {400, 401}


def in_addresses(planted: Planted, registrar: Caller, family_id: str) -> None:
    for path in ("/persons/{}", "/families/{}", "/families/{}/members", "/{}", "/persons/{}/x", "/agencies/{}"):
        assert registrar.get(path.format(planted.bsn())).status_code in {400, 404}
    for query in ("bsn", "cursor", "limit", "since", "x"):
        for path in ("/agencies", "/persons", f"/families/{family_id}/members", "/disclosures"):
            registrar.get(path, params={query: planted.bsn()})
    registrar.get("/agencies", params={planted.bsn(): planted.name()})
    for method in ("DELETE", "PUT", "TRACE", "OPTIONS"):
        assert registrar.call(method, f"/persons/{planted.bsn()}").status_code in {400, 401, 404, 405}


def in_heads(planted: Planted, world: World, family_id: str) -> None:
    """Also in an Idempotency-Key and a trace id, which Spil would store."""
    registrar = world.as_(world.registrar)
    body = {"name": planted.name(), "framework": "voluntary"}
    refused = registrar.post("/families", body, headers={"Idempotency-Key": planted.bsn()})
    assert refused.json()["code"] == "invalid_idempotency_key"
    trace = f"00-{planted.bsn():0>32}-{'1' * 16}-01"
    assert registrar.post("/families", body, headers={"traceparent": trace}).status_code == 201
    names = ("If-Match", "Accept-Language", "Accept", "User-Agent", "X-Request-Id", "Referer", "Cookie", "tracestate")
    for name in (*names, "Forwarded", "Origin", "Content-Type", "baggage"):
        registrar.get(f"/families/{family_id}", headers={name: planted.bsn()})
        registrar.call("PATCH", f"/families/{family_id}", json={"name": planted.name()}, headers={name: planted.bsn()})


def in_tokens(planted: Planted, world: World) -> None:
    """A token that isn't one, and a well-signed one of somebody whose subject is their BSN."""
    for token in (planted.bsn(), f"{planted.bsn()}.{planted.bsn()}.x"):
        assert Caller(world.client, token).get("/agencies").status_code == 401
    subject = Actor(role=Role.REGISTRAR, subject=planted.bsn(), municipality_code=world.municipality.code)
    body = {"name": planted.name(), "framework": "voluntary"}
    assert world.as_(subject).post("/families", body, headers={"Idempotency-Key": "k"}).status_code == 401


# Searching what Spil emitted


def test_enough_was_planted_and_answered(planted: Planted) -> None:
    assert len(planted.bsns) > 80
    assert len(planted.names) > 45
    statuses = {where.split()[-2] for where in planted.answers}
    assert {"200", "201", "400", "401", "403", "404", "405", "409", "413", "415"} <= statuses
    assert not {status for status in statuses if status.startswith("5")}
    assert [where for where, text in planted.answers.items() if SHOWS_THE_BSN.fullmatch(where) and b'"bsn"' in text]
    found = [text for where, text in planted.answers.items() if where.endswith("POST /fhir/Patient/_search 200 body")]
    assert [text for text in found if b'"Patient"' in text], "Somebody was found by BSN in FHIR."


def test_no_answer_has_a_bsn_but_the_registrars_look_at_one_person(planted: Planted) -> None:
    shows = {where for where in planted.answers if SHOWS_THE_BSN.fullmatch(where)}
    assert leaks({where: planted.answers[where] for where in shows}, planted.bsns), "The search sees it where it is."
    assert leaks({where: text for where, text in planted.answers.items() if where not in shows}, planted.bsns) == []


def test_no_head_and_no_error_has_a_name(planted: Planted) -> None:
    """Heads have the URLs that Spil makes: `Location` and `Link`."""
    told = {
        where: text for where, text in planted.answers.items() if where.endswith("head") or where.split()[-2] >= "400"
    }
    assert len(told) > 200
    assert leaks(told, planted.names) == []


def test_no_line_of_the_log_has_a_bsn_or_a_name(planted: Planted) -> None:
    said = planted.log.read_bytes()
    assert b"Serving" in said
    assert leaks({"log": said}, planted.bsns + planted.names) == []


def columns(planted: Planted) -> dict[str, bytes]:
    """Everything in every column of every table, as text; bytes also as they are."""
    found: dict[str, bytes] = {}
    with psycopg.connect(planted.database) as connection:
        everywhere = connection.execute(
            """SELECT table_schema, table_name, column_name, data_type FROM information_schema.columns
               WHERE table_schema NOT IN ('pg_catalog', 'information_schema')"""
        ).fetchall()
        for schema, table, column, kind in everywhere:
            query = sql.SQL("SELECT {}{} FROM {}").format(
                sql.Identifier(column), sql.SQL("" if kind == "bytea" else "::text"), sql.Identifier(schema, table)
            )
            values = [row[0] for row in connection.execute(query) if row[0] is not None]
            found[f"{table}.{column}"] = b"\n".join(one if kind == "bytea" else one.encode() for one in values)
    return found


def test_no_column_has_a_bsn_and_names_are_only_where_they_belong(planted: Planted) -> None:
    stored = columns(planted)
    for filled in ("event.about", "audit_record.subject", "outbox.event_id", "idempotent_request.answer"):
        assert stored[filled], filled
    assert leaks(stored, planted.bsns) == []
    assert {where.partition(":")[0] for where in leaks(stored, planted.names)} <= NAMES_ARE_IN
    assert leaks({"names": stored["person.surname"]}, planted.names), "The search sees them where they are."


def files(planted: Planted) -> Iterator[tuple[str, bytes]]:
    """The files of this database, and what was written since to the log of changes and the server's own log."""
    with psycopg.connect(planted.database, autocommit=True) as connection:
        connection.execute("CHECKPOINT")
        row = connection.execute(
            "SELECT current_setting('data_directory'), oid FROM pg_database WHERE datname = current_database()"
        ).fetchone()
    assert row
    folder = Path(row[0])
    own, others = folder / "base" / str(row[1]), folder / "base"
    for file in sorted(folder.rglob("*")):
        ours = file.is_file() and (own in file.parents or others not in file.parents)
        if ours and file.stat().st_mtime >= planted.since - 1:
            yield str(file.relative_to(folder)), file.read_bytes()


def test_no_file_of_the_database_has_a_bsn(planted: Planted) -> None:
    wanted = {bsn.encode() for bsn in planted.bsns}
    name, seen, found = planted.names[0].encode(), set[str](), list[str]()
    for where, content in files(planted):
        if name in content:
            seen.add(where.partition("/")[0])
        found += [where] if numbers_in(content) & wanted else []
    assert {"base", "pg_wal"} <= seen, "The files are the ones where a name is."
    assert found == []


def test_the_keys_are_nowhere(planted: Planted) -> None:
    settings: Settings = planted.app.state.settings
    raw = [*settings.vault_keys.values(), *settings.vault_pseudonym_keys.values()]
    assert settings.signing_key
    pem = settings.signing_key.get_secret_value().splitlines()[1].encode()
    wanted = [pem, *raw, *(base64.b64encode(key) for key in raw), *(key.hex().encode() for key in raw)]
    emitted = columns(planted) | planted.answers | {"log": planted.log.read_bytes()} | dict(files(planted))
    assert [where for where, text in emitted.items() for key in wanted if key in text] == []
