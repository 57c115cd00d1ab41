"""A whole caseload at once: what is new starts, what differs changes, what is the same is confirmed, the rest ends."""

import asyncio
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from sqlmodel import select

from api import synchronising as worker
from api import wire
from api.db import Database, DatabaseRole
from api.domain import agencies, caseload_rows, retention
from api.domain.models import Agency, AuditRecord, CaseloadRow, Event, Registration
from tests.registering import involvements_of, long_ago, own, registered, somebody_in, told_about, work_through
from tests.synchronising import (
    CSV,
    PATH,
    a_row,
    as_it_stands,
    codes,
    ndjson,
    outcomes,
    rows_of,
    send,
    synchronised,
    system,
    work_on,
)
from tests.world import World, a_bsn, ago, in_days, refused


def some(agency: Agency, number: int) -> list[dict[str, Any]]:
    return [a_row(agency, a_bsn()) for _ in range(number)]


def running(world: World, agency: Agency) -> list[dict[str, Any]]:
    """The agency's registrations that haven't ended."""
    items = system(world, agency).get("/registrations", params={"limit": 200}).json()["items"]
    return [one for one in items if one["endedAt"] is None]


# What becomes of a row


def test_what_is_new_starts_and_leaves_the_same_events_and_records_as_a_single_call(world: World) -> None:
    agency, bsn = world.an_agency(), a_bsn()
    single = registered(world, agency, a_bsn())
    known = synchronised(world, agency, [a_row(agency, bsn, givenName="Jo", surname="Wit")], mayEnd=0, dryRun="true")
    assert outcomes(known) == {"started": 1, "ended": 1}
    known = synchronised(world, agency, [a_row(agency, bsn, givenName="Jo", surname="Wit")], mayEnd=1)
    assert known["state"] == "completed"
    assert outcomes(known) == {"started": 1, "ended": 1}
    [row] = rows_of(world, agency, known, outcome="started")
    started = f"/registrations/{row['registrationId']}"
    assert told_about(world, row["registrationId"]) == ["registration.made"]
    assert told_about(world, single.rpartition("/")[2]) == ["registration.made", "registration.ended"]
    assert (own(world, agency, started)["givenName"], own(world, agency, started)["hasBsn"]) == ("Jo", True)
    with world.session() as session:
        made = session.exec(select(Event).where(Event.type == "registration.made", Event.agency_id == agency.id)).all()
        ids = [event.id for event in made]
        records = session.exec(select(AuditRecord).where(AuditRecord.event_id.in_(ids))).all()  # type: ignore[union-attr]
    assert len(records) == 2
    assert len({(one.role, one.subject, one.agency_id, one.purpose, one.decision) for one in records}) == 1


def test_what_differs_changes_and_what_a_row_leaves_out_stays(world: World) -> None:
    agency = world.an_agency()
    someone = world.a_professional(agency)
    rows = some(agency, 4)
    first = [row | {"contactFrequency": "weekly"} for row in rows]
    synchronised(world, agency, first)
    consent = {"legalBasis": "consent", "legalGround": None, "legalBasisEndsOn": str(in_days(90))}
    second = [
        rows[0] | {"helpDomains": ["finances", "housing"]},
        rows[1] | {"professionalId": str(someone.id), "contactFrequency": None},
        rows[2] | consent,
        rows[3],
    ]
    known = synchronised(world, agency, second)
    assert outcomes(known) == {"changed": 3, "confirmed": 1}
    now = {
        row["line"]: own(world, agency, f"/registrations/{row['registrationId']}")
        for row in rows_of(world, agency, known)
    }
    assert now[1]["helpDomains"] == ["finances", "housing"]
    assert (now[1]["contactFrequency"], now[4]["contactFrequency"]) == ("weekly", "weekly")
    assert (now[2]["professionalId"], now[2]["contactFrequency"]) == (str(someone.id), None)
    assert (now[3]["legalBasis"], now[3]["legalGround"]) == ("consent", None)
    assert outcomes(synchronised(world, agency, second)) == {"confirmed": 4}


def test_what_is_the_same_is_confirmed_on_record_when_it_puts_its_end_off(world: World) -> None:
    agency = world.an_agency()
    old, young = a_bsn(), a_bsn()
    before = [long_ago(world, agency, bsn, at) for bsn, at in ((old, ago(days=30)), (young, ago(days=2)))]
    known = synchronised(world, agency, [a_row(agency, old), a_row(agency, young)])
    assert outcomes(known) == {"confirmed": 2}
    assert told_about(world, before[0].id) == ["registration.made", "registration.renewed"]
    assert told_about(world, before[1].id) == ["registration.made"]


def test_of_several_professionals_each_keeps_their_own_and_a_successor_takes_over(world: World) -> None:
    agency, bsn = world.an_agency(), a_bsn()
    one, two, three = (str(world.a_professional(agency).id) for _ in range(3))
    both = [a_row(agency, bsn, professionalId=one), a_row(agency, bsn, professionalId=two)]
    assert outcomes(synchronised(world, agency, both)) == {"started": 2}
    known = synchronised(world, agency, [a_row(agency, bsn, professionalId=name) for name in (two, three)])
    assert outcomes(known) == {"changed": 1, "confirmed": 1}
    assert {each["professionalId"] for each in running(world, agency)} == {two, three}
    known = synchronised(world, agency, [a_row(agency, bsn)])
    assert outcomes(known) == {"confirmed": 1, "ended": 1}


def test_one_that_is_part_of_a_family_changes_there_and_ends_there(world: World) -> None:
    agency, family = world.an_agency(), world.a_family()
    bsn, _ = somebody_in(world, family)
    assert outcomes(synchronised(world, agency, [a_row(agency, bsn)])) == {"started": 1}
    work_through(world)
    [involvement] = involvements_of(world, family, agency)
    known = synchronised(world, agency, [a_row(agency, bsn, helpDomains=["finances"])])
    assert outcomes(known) == {"changed": 1}
    [involvement] = involvements_of(world, family, agency)
    assert involvement.help_domains == ["finances"]
    assert outcomes(synchronised(world, agency, [a_row(agency, bsn, helpDomains=["finances"])])) == {"confirmed": 1}
    known = synchronised(world, agency, some(agency, 1), endReason="handed_over", dryRun="true")
    assert outcomes(known) == {"started": 1, "ended": 1}
    assert involvements_of(world, family, agency)[0].ends_at is None
    system(world, agency).post(f"{PATH}/{known['id']}/_perform", {})
    work_on(world)
    [involvement] = involvements_of(world, family, agency)
    assert (involvement.ends_at is not None, involvement.end_reason) == (True, "handed_over")
    assert len(world.told(family, "involvement.changed")) == len(world.told(family, "involvement.ended")) == 1


def test_what_a_rule_refuses_is_refused_with_its_code_and_changes_nothing(world: World) -> None:
    agency = world.an_agency()
    elsewhere = world.a_professional(world.an_agency())
    rows = some(agency, 5)
    rows[0]["helpDomains"] = ["gardening"]
    rows[1].pop("legalGround")
    rows[2]["professionalId"] = str(elsewhere.id)
    rows[3] |= {"legalBasis": "consent", "legalGround": None}
    known = synchronised(world, agency, rows)
    assert outcomes(known) == {"started": 1, "refused": 4}
    told = {row["line"]: (row["code"], row["column"]) for row in rows_of(world, agency, known, outcome="refused")}
    assert told == {
        1: ("unknown_help_domain", "helpDomains"),
        2: ("legal_ground_missing", "legalGround"),
        3: ("invalid", "professionalId"),
        4: ("invalid", "legalBasisEndsOn"),
    }
    assert len(running(world, agency)) == 1


def test_who_is_named_in_a_refused_row_is_kept(world: World) -> None:
    agency = world.an_agency()
    rows = some(agency, 3)
    synchronised(world, agency, rows)
    known = synchronised(world, agency, [rows[0], rows[1] | {"helpDomains": ["gardening"]}, rows[2] | {"shoe": 1}])
    assert outcomes(known) == {"confirmed": 1, "refused": 2, "kept": 1}
    assert len(running(world, agency)) == 3


# Rows that can't be read


def test_lines_that_cant_be_read_are_refused_by_their_number_and_hold_up_no_other(world: World) -> None:
    agency, bsn, same = world.an_agency(), a_bsn(), a_bsn()
    good, twice = ndjson([a_row(agency, bsn)]), ndjson([a_row(agency, same)])
    lines = [
        good,
        b"\n",
        b"{not json\n",
        b'["a list"]\n',
        ndjson([a_row(agency, "123456789")]),
        ndjson([{"helpDomains": ["parenting"], "legalBasis": "consent"}]),
        ndjson([a_row(agency, a_bsn(), colour="red")]),
        ndjson([a_row(agency, a_bsn(), contactFrequency="sometimes")]),
        ndjson([a_row(agency, a_bsn())]).replace(b"parenting", b"parent\xefng"),
        b" " * 20_000 + b"\n",
        twice,
        twice.strip(),
    ]
    answer = send(world, agency, b"".join(lines))
    assert answer.status_code == 202, answer.text
    work_on(world)
    known = as_it_stands(world, agency, answer)
    told = {row["line"]: (row["code"], row["column"]) for row in rows_of(world, agency, known, outcome="refused")}
    assert told == {
        3: ("malformed", None),
        4: ("malformed", None),
        5: ("invalid_bsn", "bsn"),
        6: ("missing", "bsn"),
        7: ("unknown_field", None),
        8: ("invalid", "contactFrequency"),
        9: ("not_utf8", None),
        10: ("line_too_long", None),
        12: ("duplicate_row", "bsn"),
    }
    assert outcomes(known) == {"started": 2, "refused": 9}
    assert known["rows"] == known["done"] == 11


def test_csv_with_a_mark_and_semicolons_as_spreadsheets_write_it(world: World) -> None:
    agency, someone = world.an_agency(), a_bsn()
    other = a_bsn()
    lines = [
        "\ufeffbsn;helpDomains;legalBasis;legalBasisEndsOn;legalGround;shielded;surname",
        f'{someone};parenting finances;consent;{in_days(30)};;;"Wit; de"',
        f"{other};housing;statutory_task;;youth_help;true;Voorbeeld",
        f"{a_bsn()};housing",
        f"{a_bsn()};;statutory_task;;youth_help;true;Leeg",
        "",
    ]
    answer = send(world, agency, "\r\n".join(lines).encode(), headers=CSV)
    assert answer.status_code == 202, answer.text
    work_on(world)
    known = as_it_stands(world, agency, answer)
    assert outcomes(known) == {"started": 2, "refused": 2}
    assert codes(rows_of(world, agency, known)) == {"malformed": 1, "invalid": 1}
    found = {each["surname"]: each for each in running(world, agency)}
    assert (found["Wit; de"]["helpDomains"], found["Wit; de"]["shielded"]) == (["finances", "parenting"], False)
    assert found["Voorbeeld"]["shielded"] is True


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "no_rows"),
        (b"bsn,helpDomains,legalBasis\n", "no_rows"),
        (b"bsn,helpDomains\n1,2\n", "unknown_columns"),
        (b"bsn,helpDomains,legalBasis,colour\n", "unknown_columns"),
        (b"bsn,bsn,helpDomains,legalBasis\n", "unknown_columns"),
        (b"999990019,parenting,consent\n", "unknown_columns"),
        (b"bsn,helpDomains,legalBasis\r999990019,parenting,consent\r", "unknown_columns"),
        ("bsn,helpDomains,legalBasis\n".encode("utf-16"), "wrong_encoding"),
        (b"bsn,helpDomains,legalBasis,\xe9\n", "wrong_encoding"),
    ],
)
def test_a_file_that_cant_be_read_at_all_is_refused_and_not_kept(world: World, content: bytes, code: str) -> None:
    agency = world.an_agency()
    answer = send(world, agency, content, headers=CSV)
    refused(answer, 400, code)
    assert "999990019" not in answer.text
    with world.session() as session:
        assert session.exec(select(CaseloadRow).where(CaseloadRow.agency_id == agency.id)).all() == []
    assert system(world, agency).get(PATH).json()["items"] == []


def test_more_than_the_limit_and_other_media_types_are_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    agency = world.an_agency()
    refused(send(world, agency, b"{}", headers={"Content-Type": "application/json"}), 415, "unsupported_media_type")
    monkeypatch.setitem(wire.LIMITS, ("POST", f"/v1{PATH}"), 300 * 1024)
    refused(send(world, agency, b" " * 301 * 1024), 413, "too_large")
    refused(send(world, agency, _pieces(301)), 413, "too_large")
    assert send(world, agency, b" " * 290 * 1024 + b"\n" + ndjson(some(agency, 1))).status_code == 202
    work_on(world)


def _pieces(number: int) -> Iterator[bytes]:
    """A body whose length isn't declared."""
    return (b" " * 1024 for _ in range(number))


# Nothing by accident


def test_a_dry_run_says_what_would_happen_and_changes_nothing(world: World) -> None:
    agency = world.an_agency()
    rows = some(agency, 4)
    synchronised(world, agency, rows)
    before = running(world, agency)
    changed = [
        rows[0],
        rows[1] | {"helpDomains": ["finances"]},
        rows[2] | {"helpDomains": ["gardening"]},
        *some(agency, 2),
    ]
    dry = synchronised(world, agency, changed, dryRun="true")
    assert (dry["state"], dry["dryRun"], dry["wouldEnd"]) == ("compared", True, 1)
    expected = {"confirmed": 1, "changed": 1, "refused": 1, "started": 2, "ended": 1}
    assert outcomes(dry) == expected
    assert running(world, agency) == before
    assert {row["registrationId"] for row in rows_of(world, agency, dry, outcome="started")} == {None}
    answer = system(world, agency).post(f"{PATH}/{dry['id']}/_perform", {})
    assert (answer.status_code, answer.json()["state"]) == (202, "received")
    assert answer.headers["Retry-After"]
    work_on(world)
    real = system(world, agency).get(f"{PATH}/{dry['id']}").json()
    assert (real["state"], outcomes(real)) == ("completed", expected)
    refused(system(world, agency).post(f"{PATH}/{dry['id']}/_perform", {}), 409, "synchronisation_not_waiting")


def test_a_file_that_would_end_too_much_changes_nothing_until_that_is_confirmed(world: World) -> None:
    agency = world.an_agency()
    rows = some(agency, 8)
    synchronised(world, agency, rows)
    held = synchronised(world, agency, [*rows[:2], *some(agency, 1)])
    assert (held["state"], held["wouldEnd"], held["mayEnd"]) == ("confirmation_needed", 6, 5)
    assert len(running(world, agency)) == 8
    path = f"{PATH}/{held['id']}/_perform"
    system(world, agency).post(path, {"mayEnd": 5})
    work_on(world)
    assert system(world, agency).get(f"{PATH}/{held['id']}").json()["state"] == "confirmation_needed"
    system(world, agency).post(path, {"mayEnd": 6})
    work_on(world)
    done = system(world, agency).get(f"{PATH}/{held['id']}").json()
    assert (done["state"], outcomes(done)) == ("completed", {"confirmed": 2, "started": 1, "ended": 6})


def test_while_it_is_unclear_whom_a_row_is_about_nothing_is_ended_without_a_word(world: World) -> None:
    agency = world.an_agency()
    rows = some(agency, 3)
    synchronised(world, agency, rows)
    typo = [*rows[:2], rows[2] | {"bsn": "999999999"}]
    held = synchronised(world, agency, typo)
    assert (held["state"], held["wouldEnd"], held["mayEnd"]) == ("confirmation_needed", 1, 0)
    assert outcomes(synchronised(world, agency, typo, mayEnd=1)) == {"confirmed": 2, "ended": 1, "refused": 1}


def test_what_was_registered_since_the_file_was_sent_is_not_missing_from_it(world: World) -> None:
    agency = world.an_agency()
    answer = send(world, agency, ndjson(some(agency, 1)))
    registered(world, agency, a_bsn())
    work_on(world)
    assert outcomes(as_it_stands(world, agency, answer)) == {"started": 1}


def test_one_at_a_time_in_a_municipality(world: World) -> None:
    agency = world.an_agency()
    content = ndjson(some(agency, 1))
    assert send(world, agency, content).status_code == 202
    refused(send(world, agency, content), 409, "synchronisation_running")
    assert send(world, world.an_agency(), content).status_code == 202
    elsewhere = world.a_municipality().code
    assert send(world, agency, content, municipalityCode=elsewhere).status_code == 202
    work_on(world)
    assert send(world, agency, content).status_code == 202
    work_on(world)


def test_sent_twice_under_one_key_it_is_one(world: World) -> None:
    agency = world.an_agency()
    content, headers = ndjson(some(agency, 3)), {"Content-Type": "application/x-ndjson", "Idempotency-Key": uuid4().hex}
    first, second = (send(world, agency, content, headers=headers) for _ in range(2))
    assert (second.status_code, second.json()) == (202, first.json())
    assert second.headers["Location"] == first.headers["Location"]
    work_on(world)
    refused(send(world, agency, content + b"\n{}", headers=headers), 409, "key_reused")
    assert len(system(world, agency).get(PATH).json()["items"]) == 1
    with world.session() as session:
        assert len(session.exec(select(CaseloadRow).where(CaseloadRow.agency_id == agency.id)).all()) == 3


# Restarting


def test_two_workers_of_which_one_is_killed_again_and_again_double_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    agency = world.an_agency()
    rows = some(agency, 40)
    monkeypatch.setattr(worker, "AT_ONCE", 7)
    answer = send(world, agency, ndjson(rows))
    through, steps = worker.synchronising.note, []

    def killed(*given: Any) -> None:
        through(*given)
        steps.append(1)
        if len(steps) % 3 == 0:
            raise InterruptedError

    monkeypatch.setattr(worker.synchronising, "note", killed)
    for _ in range(20):
        try:
            work_on(world, workers=2)
        except InterruptedError:
            continue
        break
    known = as_it_stands(world, agency, answer)
    assert (known["state"], outcomes(known)) == ("completed", {"started": 40})
    assert len(steps) > 6
    assert len(running(world, agency)) == 40
    with world.session() as session:
        made = select(Event).where(Event.type == "registration.made", Event.agency_id == agency.id)
        assert len(session.exec(made).all()) == 40


def test_rows_that_cant_be_done_together_are_done_one_by_one(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    agency = world.an_agency()
    rows = some(agency, 6)
    together = caseload_rows.do_all

    def fails(work: Any, of: Any, these: Any) -> Any:
        if len(these) > 1:
            work.session.connection().exec_driver_sql("SELECT 1/0")
        return together(work, of, these)

    monkeypatch.setattr(caseload_rows, "do_all", fails)
    assert outcomes(synchronised(world, agency, rows)) == {"started": 6}


def test_an_agency_that_is_no_longer_active_is_not_synchronised(world: World) -> None:
    agency = world.an_agency()
    answer = send(world, agency, ndjson(some(agency, 2)))
    world.do(lambda work: agencies.change(work, agencies.get(work, agency.id), active=False))
    work_on(world)
    with world.session() as session:
        assert session.exec(select(Registration).where(Registration.agency_id == agency.id)).all() == []
    world.do(lambda work: agencies.change(work, agencies.get(work, agency.id), active=True))
    assert as_it_stands(world, agency, answer)["state"] == "stopped"


# Nobody else


def test_another_agency_hears_that_there_is_nothing(world: World) -> None:
    agency, other = world.an_agency(), world.an_agency()
    known = synchronised(world, agency, some(agency, 2), dryRun="true")
    for path in (f"{PATH}/{known['id']}", f"{PATH}/{known['id']}/rows"):
        refused(system(world, other).get(path), 404, "not_found")
    refused(system(world, other).post(f"{PATH}/{known['id']}/_perform", {}), 404, "not_found")
    assert system(world, other).get(PATH).json()["items"] == []
    refused(world.as_(world.registrar).get(f"{PATH}/{known['id']}"), 403, "role_lacking")


def test_another_agencys_registrations_of_the_same_persons_are_left_alone(world: World) -> None:
    agency, other, bsn = world.an_agency(), world.an_agency(), a_bsn()
    theirs = registered(world, other, bsn)
    alone = synchronised(world, agency, [a_row(agency, a_bsn())])
    together = synchronised(world, agency, [a_row(agency, bsn)])
    assert {**alone["outcomes"]} == {**together["outcomes"], "ended": 0}
    assert own(world, other, theirs)["endedAt"] is None


def test_two_weeks_after_its_end_it_is_forgotten_and_so_is_what_never_came_in_completely(world: World) -> None:
    agency = world.an_agency()
    old, young = (synchronised(world, agency, some(agency, 1), dryRun="true") for _ in range(2))
    with world.session() as session:
        text = "UPDATE caseload_synchronisation SET finished_at = %s WHERE id = %s"
        session.connection().exec_driver_sql(text, (ago(days=15), old["id"]))
        left = "UPDATE caseload_synchronisation SET received_at = NULL, begun_at = %s, finished_at = NULL WHERE id = %s"
        session.connection().exec_driver_sql(left, (ago(days=13), young["id"]))
        session.commit()
        asyncio.run(forget(world.app.state.settings.database_url))
        kept = session.exec(select(CaseloadRow.synchronisation_id).where(CaseloadRow.agency_id == agency.id)).all()
    assert [str(one) for one in kept] == [young["id"]]
    events = [f"caseload_synchronisation.{what}" for what in ("received", "compared")]
    assert told_about(world, old["id"]) == events, "They are about an agency, and of no family."


async def forget(url: str) -> None:
    database = Database(url, 1, DatabaseRole.WORKER)
    [term] = [term for term in retention.TERMS if term.what == "caseload synchronisations"]
    now = await database.run(retention.now_of)
    while await database.run(retention.forget_some, term, now):
        pass
    await database.close()


def test_nothing_of_a_row_is_left_when_it_was_carried_out(world: World) -> None:
    agency = world.an_agency()
    rows = [*some(agency, 2), a_row(agency, a_bsn(), shoe="red")]
    known = synchronised(world, agency, rows)
    assert known["state"] == "completed"
    with world.session() as session:
        kept = session.exec(select(CaseloadRow).where(CaseloadRow.agency_id == agency.id)).all()
    assert [(one.bsn_sealed, one.bsn_pseudonym, one.said_sealed, one.professional_id) for one in kept] == [
        (None,) * 4
    ] * 3
    shown = system(world, agency).get(f"{PATH}/{known['id']}/rows").text
    assert not any(row["bsn"] in shown for row in rows)
