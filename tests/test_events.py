"""Events: everything that concerns the reader and that they may know of when they read, in one order, none skipped."""

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

import psycopg
import pytest
from sqlmodel import Session, create_engine, func, select

from api.db import sqlalchemy_url
from api.domain import disclosure_holds, emergencies, publishing
from api.domain.actor import Actor
from api.domain.codes import AgencyKind
from api.domain.models import OutboxRow
from api.settings import Settings
from tests.registering import a_body
from tests.world import Team, World, a_bsn, in_days, refused


@pytest.fixture
def publish(settings: Settings) -> Iterator[Any]:
    """Publish whatever is to be published."""
    engine = create_engine(sqlalchemy_url(str(settings.database_url)), connect_args={"options": "-c role=spil_worker"})

    def publish_all() -> None:
        with Session(engine) as session:
            while session.scalars(select(func.count()).select_from(OutboxRow)).one():
                publishing.publish_some(session, 1000)
                session.rollback()

    yield publish_all
    engine.dispose()


def read(world: World, actor: Actor, cursor: str | None = None, **asked: Any) -> tuple[list[Any], str]:
    """Everything from a cursor on, page by page, and where that ended."""
    items = []
    while True:
        answer = world.as_(actor).get("/events", params=asked | ({"cursor": cursor} if cursor else {}))
        assert answer.status_code == 200, answer.text
        items += answer.json()["items"]
        cursor = answer.json()["nextCursor"]
        if "next" not in answer.links:
            return items, cursor


def kinds(items: list[Any]) -> list[str]:
    return [item["data"]["event"] for item in items]


def of_family(team: Team) -> dict[str, str]:
    return {"familyId": str(team.family.id)}


def test_an_event_says_what_happened_and_where_to_look_and_no_more(world: World, publish: Any) -> None:
    team = world.a_team()
    point = world.a_contact_point(team.family, team.lead)
    publish()
    [event], _ = read(world, world.system(team.agency), **of_family(team), type="contact_point.*")
    assert event == {
        "specversion": "1.0",
        "id": event["id"],
        "source": "urn:nld:oin:00000000000000000000:systeem:spil",
        "type": "nl.spil.contact-points.assigned",
        "time": event["time"],
        "sequence": event["sequence"],
        "datacontenttype": "application/json",
        "data": {
            "event": "contact_point.assigned",
            "familyId": str(team.family.id),
            "link": f"/v1/families/{team.family.id}/contact-points",
        },
    }
    assert str(point.id) not in json.dumps(event)
    assert world.as_(world.system(team.agency)).get(event["data"]["link"].removeprefix("/v1")).status_code == 200


def test_who_comes_back_with_a_cursor_gets_what_came_since_and_nothing_twice(world: World, publish: Any) -> None:
    team = world.a_team()
    publish()
    before, cursor = read(world, world.system(team.agency), **of_family(team))
    assert kinds(before) == ["family.opened", "involvement.started", "mandate.proposed", "mandate.granted"]
    assert read(world, world.system(team.agency), cursor, **of_family(team)) == ([], cursor)
    world.a_contact_point(team.family, team.lead)
    publish()
    since, _ = read(world, world.system(team.agency), cursor, **of_family(team))
    assert kinds(since) == ["contact_point.assigned"]


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_pages_neither_skip_nor_repeat(world: World, publish: Any, limit: int) -> None:
    teams = [world.a_team() for _ in range(3)]
    publish()
    registrar = world.registrar
    whole, _ = read(world, registrar, limit=200)
    assert read(world, registrar, limit=limit)[0] == whole
    assert {event["data"]["familyId"] for event in whole} >= {str(team.family.id) for team in teams}
    assert [event["sequence"] for event in whole] == sorted({event["sequence"] for event in whole})


def test_without_a_relation_there_are_no_events_and_no_sign_of_any(world: World, publish: Any) -> None:
    team = world.a_team()
    stranger = world.system(world.an_agency())
    _, before = read(world, stranger)
    world.a_contact_point(team.family, team.lead)
    publish()
    assert read(world, stranger, before) == ([], before)
    assert read(world, stranger, before, **of_family(team)) == ([], before)


def test_nothing_is_told_after_the_relation_has_ended(world: World, publish: Any) -> None:
    team = world.a_team()
    other = world.an_agency()
    involvement = world.an_involvement(team.family, other)
    publish()
    assert kinds(read(world, world.system(other), **of_family(team))[0])
    world.as_(world.system(other)).post(f"{team.path}/involvements/{involvement.id}/_end", {"reason": "completed"})
    publish()
    assert read(world, world.system(other), **of_family(team))[0] == []
    assert "involvement.ended" in kinds(read(world, world.system(team.agency), **of_family(team))[0])


def test_an_invited_agency_hears_of_its_invitation_only(world: World, publish: Any) -> None:
    team = world.a_team()
    invited = world.an_agency()
    invitation = world.an_invitation(team.family, invited)
    publish()
    [event], _ = read(world, world.system(invited), **of_family(team))
    assert event["data"]["event"] == "involvement.invited"
    link = event["data"]["link"].removeprefix("/v1")
    assert link.endswith(str(invitation.id))
    assert world.as_(world.system(invited)).get(link).status_code == 200


def test_what_is_shielded_is_told_to_whom_the_timeline_shows_it(world: World, publish: Any) -> None:
    team = world.a_team()
    shelter = world.an_agency()
    world.an_involvement(team.family, shelter, shielded=True)
    publish()
    told = {
        name: kinds(read(world, actor, **of_family(team))[0]).count("involvement.started")
        for name, actor in (
            ("shelter", world.system(shelter)),
            ("registrar", world.registrar),
            ("lead", world.actor(team.lead)),
            ("agency", world.system(team.agency)),
        )
    }
    assert told == {"shelter": 2, "registrar": 2, "lead": 2, "agency": 1}


def test_events_and_timeline_tell_the_same(world: World, publish: Any) -> None:
    team = world.a_team()
    world.a_contact_point(team.family, team.lead)
    world.an_involvement(team.family, world.an_agency())
    publish()
    for actor in (world.registrar, world.actor(team.lead), world.system(team.agency)):
        shown = world.as_(actor).get(f"{team.path}/timeline").json()["items"]
        told, _ = read(world, actor, **of_family(team))
        assert {(event["id"], event["data"]["event"]) for event in told} == {
            (item["id"], item["type"]) for item in shown
        }


def test_a_registration_is_told_to_its_own_agency_only(world: World, publish: Any) -> None:
    agency, other = world.an_agency(), world.an_agency()
    body = a_body(agency, a_bsn(), world.municipality.code)
    made = world.as_(world.system(agency)).post("/registrations", body)
    assert made.status_code == 201, made.text
    publish()
    told, _ = read(world, world.system(agency), type="registration.*")
    assert [event["data"]["link"] for event in told] == [f"/v1/registrations/{made.json()['id']}"]
    assert read(world, world.system(other), type="registration.*")[0] == []
    assert made.json()["id"] not in json.dumps(read(world, world.registrar)[0])


def test_the_privacy_officer_hears_who_looked_in_an_emergency_and_what_is_held_back_and_nothing_else(
    world: World, publish: Any
) -> None:
    team, helpers = world.a_team(), world.an_agency(AgencyKind.SAFE_AT_HOME)
    world.a_member(team.family)
    world.an_involvement(team.family, helpers, shielded=True)
    code, worker = world.municipality.code, world.as_(world.actor(world.a_professional(helpers)))
    officer, cursor = world.officer(), read(world, world.officer())[1]
    world.do(lambda work: emergencies.entitle(work, code, helpers.id), world.registrar)
    asked = {"municipalityCode": code, "reason": "missing_child", "familyId": str(team.family.id)}
    assert worker.post("/emergency-accesses", asked).status_code == 201
    world.around(team.family, lambda work, mine: disclosure_holds.place(work, mine, in_days(9)), officer)
    publish()
    told, _ = read(world, officer, cursor)
    assert kinds(told) == ["entitlement.given", "emergency_access.opened", "disclosure_hold.placed"]
    assert kinds(read(world, officer, **of_family(team))[0]) == kinds(told)[1:]
    assert {world.as_(officer).get(one["data"]["link"].removeprefix("/v1")).status_code for one in told} == {200}
    records = [one for one in world.records(team.family) if one.action == "event:read"]
    assert {(one.relation, one.purpose) for one in records} == {("privacy_officer", "oversight")}
    assert read(world, world.officer(world.a_municipality()))[0] == []


def test_what_is_read_is_on_record_for_each_family_told_of(world: World, publish: Any) -> None:
    team = world.a_team()
    publish()
    read(world, world.system(team.agency), **of_family(team))
    shown = [one for one in world.records(team.family) if one.action == "event:read"]
    assert [(one.decision, one.relation) for one in shown] == [("shown", "involved_agency")]
    read(world, world.system(world.an_agency()), **of_family(team))
    assert len([one for one in world.records(team.family) if one.action == "event:read"]) == 1


def test_an_unknown_type_is_refused(world: World) -> None:
    refused(world.as_(world.registrar).get("/events", params={"type": "family.exploded"}), 400, "invalid")


def test_nobody_who_reads_on_misses_what_commits_late(world: World, settings: Settings, publish: Any) -> None:
    """A change that was begun first and committed last comes after what was read meanwhile."""
    slow, quick = world.a_team(), world.a_team()
    publish()
    _, cursor = read(world, world.registrar)
    with psycopg.connect(str(settings.database_url)) as begun:
        begun.execute(
            "WITH told AS (INSERT INTO event (id, type, at, place, family_id, about, by_role)"
            " VALUES (gen_random_uuid(), 'family.changed', now(), 0, %(family)s, %(family)s, 'clock') RETURNING id),"
            " recorded AS (INSERT INTO audit_record (at, action, decision, event_id, role, subject)"
            " SELECT now(), 'family.changed', 'changed', id, 'clock', 'clock' FROM told)"
            " INSERT INTO outbox (event_id) SELECT id FROM told",
            {"family": slow.family.id},
        )
        world.a_contact_point(quick.family, quick.lead)
        publish()
        first, cursor = read(world, world.registrar, cursor)
        assert kinds(first) == ["contact_point.assigned"]
    publish()
    later, _ = read(world, world.registrar, cursor)
    assert [(event["data"]["event"], event["data"]["familyId"]) for event in later] == [
        ("family.changed", str(slow.family.id))
    ]


def test_who_asks_for_the_head_of_a_stream_gets_it_at_once(world: World) -> None:
    answer = world.as_(world.registrar).call("HEAD", "/events/_stream")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Content-Type"].startswith("text/event-stream")


def test_the_stream_tells_what_comes_and_goes_on_after_a_break(world: World, publish: Any) -> None:
    team = world.a_team()
    publish()
    caller = world.as_(world.system(team.agency))
    path = "/events/_stream"
    with caller.stream(path, params=of_family(team)) as lines:
        assert next(lines) == ": here"
        world.a_contact_point(team.family, team.lead)
        publish()
        fields = dict(line.split(": ", 1) for line in take(lines, 3))
    assert fields["event"] == "nl.spil.contact-points.assigned"
    assert json.loads(fields["data"])["data"]["familyId"] == str(team.family.id)
    world.a_deputy(team, world.an_involved_professional(team.family))
    publish()
    with caller.stream(path, params=of_family(team), headers={"Last-Event-ID": fields["id"]}) as lines:
        later = [json.loads(line.removeprefix("data: ")) for line in take(lines, 6) if line.startswith("data: ")]
    assert kinds(later) == ["involvement.started", "deputy.named"]


def take(lines: Iterator[str], count: int) -> list[str]:
    """The next lines of a stream that say something."""
    return list(islice((line for line in lines if line and not line.startswith(":")), count))
