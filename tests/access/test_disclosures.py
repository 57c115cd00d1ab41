"""Whoever is shown a family, or is refused it, leaves a record that is there before the answer is."""

import secrets
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from fastapi import FastAPI
from httpx import Client
from sqlmodel import select

from api.domain.actor import Actor, Role
from api.domain.models import AuditRecord, Family
from api.main import create_app
from api.settings import Settings
from tests.access.scene import Scene
from tests.access.sweep import UNDER, routes_under_a_family
from tests.conftest import serving
from tests.world import Caller, World

RELATION_OF = {
    "registrar": ("registrar", "statutory_task"),
    "lead": ("lead_coordinator", "consent"),
    "deputy": ("deputy", "consent"),
    "contact_point": ("contact_point", None),
    "involved_system": ("involved_agency", "statutory_task"),
    "named": ("involved_agency", "statutory_task"),
    "cover": ("involved_agency", "statutory_task"),
    "parent": ("member", "own_data"),
}
ACTION_OF = {
    "/who-is-involved": "team:read",
    "/timeline": "timeline:read",
    "/contact-points": "contact_point:read",
    "/contact-points/{helpDomain}": "contact_point:read",
    "/involvements": "involvement:read",
    "/involvements/{involvementId}": "involvement:read",
    "/measures": "measure:read",
    "/mandates": "mandate:read",
    "/mandates/{mandateId}": "mandate:read",
}
NOT_FOR_ALL = ("/access", "/consents", "/consents/{consentId}", "/measures/{measureId}", "/disclosure-holds", "/export")
"""What not everybody around a family may read."""


def a_trace() -> tuple[str, dict[str, str]]:
    trace = secrets.token_hex(16)
    return trace, {"traceparent": f"00-{trace}-{secrets.token_hex(8)}-01"}


def traced(world: World, trace: str) -> list[AuditRecord]:
    with world.session() as session:
        return list(session.exec(select(AuditRecord).where(AuditRecord.trace_id == trace).order_by(AuditRecord.id)))


def read_paths(app: FastAPI, scene: Scene) -> dict[str, str]:
    paths = {
        route.path.removeprefix(UNDER): route.path.removeprefix("/v1").format(**scene.inside(scene.family.id))
        for route in routes_under_a_family(app)
        if "GET" in route.methods and not route.path.endswith(NOT_FOR_ALL)
    }
    assert len(paths) >= 11
    return paths


@pytest.mark.parametrize("who", RELATION_OF)
def test_every_read_of_a_family_leaves_one_record_for_each_person_it_is_about(
    app: FastAPI, scene: Scene, who: str
) -> None:
    actor = scene.related[who]
    for name, path in read_paths(app, scene).items():
        trace, headers = a_trace()
        answer = scene.world.as_(actor).get(path, headers=headers)
        assert answer.status_code == 200, answer.text
        records = traced(scene.world, trace)
        assert {record.shown_person_id for record in records} == scene.persons
        assert len(records) == len(scene.persons)
        record = records[0]
        assert (record.decision, record.action) == ("shown", ACTION_OF.get(name, "family:read")), name
        assert (record.activity, record.purpose) == ("family_coordination", _purpose(who))
        assert record.fields == record.action.partition(":")[0]
        assert (record.family_id, record.municipality_code) == (scene.family.id, scene.world.municipality.code)
        assert (record.role, record.subject) == (actor.role, actor.subject)
        assert (record.agency_id, record.professional_id) == (actor.agency_id, actor.professional_id)
        assert record.person_id == actor.person_id
        _is_by(record, actor, who)


def _purpose(who: str) -> str:
    return "own_data" if who == "parent" else "coordination_of_help"


def _is_by(record: AuditRecord, actor: Actor, who: str) -> None:
    """One of the relations that allowed it: who leads is of an involved agency too."""
    by = {RELATION_OF[who]}
    if actor.role is Role.PROFESSIONAL:
        by |= {("involved_agency", "statutory_task")}
    assert (record.relation, record.legal_basis) in by


def test_a_head_request_is_a_read(scene: Scene) -> None:
    trace, headers = a_trace()
    scene.world.as_(scene.world.registrar).call("HEAD", f"{scene.path}/who-is-involved", headers=headers)
    assert [record.decision for record in traced(scene.world, trace)] == ["shown"] * len(scene.persons)


def test_a_refusal_leaves_a_record_on_every_route(app: FastAPI, scene: Scene) -> None:
    actor = scene.outsiders["uninvolved agency's system"]
    for route in routes_under_a_family(app):
        trace, headers = a_trace()
        method = next(iter(route.methods))
        path = route.path.removeprefix("/v1").format(**scene.inside(scene.family.id))
        body = scene.body_for(method, route.path)
        answer = scene.world.as_(actor).call(method, path, json=body, headers=headers | {"If-Match": "*"})
        assert answer.status_code == 404
        [record] = traced(scene.world, trace)
        assert (record.decision, record.family_id, record.agency_id) == ("refused", scene.family.id, actor.agency_id)
        assert record.relation is None


def test_what_a_relation_does_not_allow_leaves_a_record_too(scene: Scene) -> None:
    trace, headers = a_trace()
    caller = scene.world.as_(scene.related["parent"])
    assert caller.post(f"{scene.path}/_close", {"closing": "completed"}, headers=headers).status_code == 403
    assert [(one.decision, one.action) for one in traced(scene.world, trace)] == [("refused", "family:change")]


def test_a_part_that_is_not_shown_leaves_a_record_of_a_refusal(scene: Scene) -> None:
    trace, headers = a_trace()
    caller = scene.world.as_(scene.related["involved_system"])
    assert caller.get(f"{scene.path}/involvements/{uuid4()}", headers=headers).status_code == 404
    assert [one.decision for one in traced(scene.world, trace)] == ["refused"]


def test_the_caseload_leaves_one_record_per_family_shown(world: World) -> None:
    agency, families = world.an_agency(), [world.a_family() for _ in range(5)]
    for family in families:
        world.an_involvement(family, agency)
    caller = world.as_(world.system(agency))
    trace, headers = a_trace()
    first = caller.get("/caseload", params={"limit": 3}, headers=headers).json()
    records = traced(world, trace)
    assert len(first["items"]) == len(records) == 3
    assert {str(one.family_id) for one in records} == {item["family"]["id"] for item in first["items"]}
    assert {one.relation for one in records} == {"involved_agency"}
    trace, headers = a_trace()
    caller.get("/caseload", params={"limit": 3, "cursor": first["nextCursor"]}, headers=headers)
    assert len(traced(world, trace)) == 2


def test_an_empty_caseload_leaves_none(world: World) -> None:
    trace, headers = a_trace()
    assert world.as_(world.system(world.an_agency())).get("/caseload", headers=headers).json()["items"] == []
    assert traced(world, trace) == []


def test_a_change_leaves_a_record_with_its_event(world: World) -> None:
    team = world.a_team()
    trace, headers = a_trace()
    caller = world.as_(world.actor(team.lead))
    answer = caller.put(f"{team.path}/contact-points/parenting", {"professionalId": str(team.lead.id)}, headers=headers)
    assert answer.status_code == 200, answer.text
    [record] = traced(world, trace)
    assert (record.decision, record.action, record.family_id) == ("changed", "contact_point.assigned", team.family.id)
    assert record.event_id in {event.id for event in world.told(team.family, "contact_point.assigned")}


def test_an_answer_given_again_is_a_disclosure(world: World) -> None:
    family, agency = world.a_family(), world.an_agency()
    registrar, key = world.as_(world.registrar), uuid4().hex
    body = {"agencyId": str(agency.id), "helpDomains": ["finances"]}
    decisions = []
    for _ in range(2):
        trace, headers = a_trace()
        path = f"/families/{family.id}/involvements/_invite"
        assert registrar.post(path, body, headers=headers | {"Idempotency-Key": key}).status_code == 201
        decisions += [record.decision for record in traced(world, trace)]
    assert decisions == ["changed", "shown"]


# For the privacy officer


def _seen(caller: Caller, family: Family, **more: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    cursor = None
    while True:
        page = {"familyId": str(family.id), "limit": 3, "cursor": cursor} | more
        answer = caller.get("/disclosures", params={name: value for name, value in page.items() if value is not None})
        assert answer.status_code == 200, answer.text
        items, cursor = items + answer.json()["items"], answer.json()["nextCursor"]
        if cursor is None:
            return items


def test_the_privacy_officer_sees_who_looked_and_another_municipalitys_does_not(world: World) -> None:
    team = world.a_team()
    trace, headers = a_trace()
    world.as_(world.system(team.agency)).get(f"{team.path}/who-is-involved", headers=headers)
    seen = _seen(world.as_(world.officer()), team.family)
    assert [one["traceId"] for one in seen if one["decision"] == "shown"] == [trace]
    shown = next(one for one in seen if one["decision"] == "shown")
    assert (shown["agencyId"], shown["relation"], shown["legalBasis"], shown["role"]) == (
        str(team.agency.id),
        "involved_agency",
        "statutory_task",
        "agency_system",
    )
    assert _seen(world.as_(world.officer(world.a_municipality())), team.family) == []


def test_the_privacy_officer_sees_who_was_refused(world: World) -> None:
    team, stranger = world.a_team(), world.an_agency()
    assert world.as_(world.system(stranger)).get(team.path).status_code == 404
    [refused] = [one for one in _seen(world.as_(world.officer()), team.family) if one["decision"] == "refused"]
    assert (refused["agencyId"], refused["action"]) == (str(stranger.id), "family:read")
    elsewhere = world.as_(world.officer(world.a_municipality()))
    assert _seen(elsewhere, team.family) == []
    listed = world.as_(world.officer()).get("/disclosures", params={"agencyId": str(stranger.id)}).json()["items"]
    assert refused in listed


def test_a_record_stays_with_the_municipality_that_was_responsible(world: World) -> None:
    scene = Scene(world, shield=False)
    world.as_(world.registrar).get(scene.path)
    moved = world.as_(world.registrar).post(f"{scene.path}/_move", {"municipalityCode": scene.elsewhere.code})
    assert moved.status_code == 200, moved.text
    world.as_(world.a_registrar(scene.elsewhere)).get(scene.path)
    officers = (world.as_(world.officer()), world.as_(world.officer(scene.elsewhere)))
    shown = [[one for one in _seen(officer, scene.family) if one["decision"] == "shown"] for officer in officers]
    assert [len(records) for records in shown] == [len(scene.persons)] * 2


def test_nobody_else_reads_the_record(scene: Scene) -> None:
    for who, actor in (scene.related | scene.outsiders).items():
        if actor.role is not Role.PRIVACY_OFFICER:
            assert scene.world.as_(actor).get("/disclosures").status_code == 403, who


# What can't be done without, or undone


@pytest.mark.parametrize("table", ["audit_record", "event"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET at = now()", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_the_record_is_append_only_in_the_database(world: World, table: str, statement: str) -> None:
    world.a_family()
    with psycopg.connect(world.app.state.settings.database_url) as connection:
        before = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
        with pytest.raises(psycopg.Error, match="can be added"), connection.transaction():
            connection.execute(statement.format(table))
        assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() >= before


REFUSE = """
CREATE FUNCTION refuse_record() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no record'; END $$;
CREATE TRIGGER refuse_record BEFORE INSERT ON audit_record FOR EACH ROW EXECUTE FUNCTION refuse_record();
"""


@pytest.fixture
def own(settings: Settings, new_database: Any) -> Iterator[World]:
    """A world in a database of its own."""
    app = create_app(settings.model_copy(update={"database_url": new_database()}))
    with serving(app) as url, Client(base_url=url, timeout=30) as client:
        world = World(app, client)
        yield world
        world.close()


def test_without_a_record_nothing_leaves_and_nothing_changes(own: World) -> None:
    scene = Scene(own)
    stranger = own.as_(scene.outsiders["registrar elsewhere"])
    with psycopg.connect(own.app.state.settings.database_url) as connection:
        connection.execute(REFUSE)
    readers = [own.as_(scene.related[who]) for who in ("registrar", "lead", "involved_system", "parent")]
    for caller in readers:
        for path in [*read_paths(own.app, scene).values(), "/caseload"]:
            answer = caller.get(path)
            assert (answer.status_code, answer.json()["code"]) == (500, "unexpected"), path
            assert str(scene.parent.id) not in answer.text
            assert set(answer.json()) == {"type", "title", "status", "detail", "instance", "code"}
    assert stranger.get(scene.path).status_code == 500, "A refusal that can't be recorded isn't given either."
    assert readers[0].post(f"{scene.path}/_close", {"closing": "completed"}).status_code == 500
    with own.session() as session:
        assert session.get_one(Family, scene.family.id).closed_at is None
