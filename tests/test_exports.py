"""Exports: what each part's own operation shows, on record before it leaves; whole, or known to be cut."""

import json
from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI
from httpx import RemoteProtocolError, Response

from api.auth import chunks
from api.domain import families, involvement_exports, involvements
from api.domain.models import Family
from api.problems import WireError
from api.routers import family_exports
from api.routers import involvement_exports as route
from api.routers.family_exports import FamilyExport
from api.routers.involvement_exports import InvolvementExport
from tests.access.scene import Scene
from tests.registering import registered, work_through
from tests.test_handovers import Desk
from tests.wire.test_documents import strict
from tests.world import Caller, World, a_bsn, refused

NDJSON = {"Accept": "application/x-ndjson"}
EXPORT = "/involvement-export"


@pytest.fixture
def desk(world: World) -> Desk:
    agency = world.an_agency()
    return Desk(world, agency, *(world.a_professional(agency) for _ in range(3)))


@pytest.fixture(scope="module")
def scene(world: World) -> Scene:
    """For reading only."""
    return Scene(world)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two families, or two registrations, a chunk."""
    monkeypatch.setattr(involvement_exports, "FAMILIES_AT_ONCE", 2)
    monkeypatch.setattr(route, "AT_ONCE", 2)


def lines_of(answer: Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    assert answer.text.endswith("\n")
    return [json.loads(line) for line in answer.text.splitlines()]


def rows(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [line for line in lines if line["kind"] not in {"checkpoint", "end"}]


# One's own involvements and registrations


def test_an_agencys_system_gets_what_it_would_read_one_by_one(desk: Desk, small: None) -> None:
    found = [desk.a_family(named=desk.other) for _ in range(5)]
    desk.world.an_involved_professional(found[0])
    desk.world.an_invitation(invited := desk.world.a_family(), desk.agency)
    own = str(desk.agency.id)
    each = [desk.system.get(f"/families/{one.id}/involvements").json()["items"] for one in (*found, invited)]
    expected = sorted((row for some in each for row in some if row["agencyId"] == own), key=lambda row: row["id"])
    got = rows(lines_of(desk.system.get(EXPORT, headers=NDJSON)))
    assert [row["familyId"] for row in got] == sorted(row["familyId"] for row in got), "In the order of the families."
    assert [_as_read(row) for row in sorted(got, key=lambda row: row["id"])] == [_as_read(row) for row in expected]
    assert {row["state"] for row in got} == {"running", "invited"}


def _as_read(row: dict[str, Any]) -> InvolvementExport:
    return InvolvementExport.model_validate({"items": [{"kind": "involvement"} | row]})


def test_a_professional_gets_those_that_name_them(desk: Desk) -> None:
    mine = [desk.a_family() for _ in range(2)]
    desk.a_family(named=desk.other)
    led = desk.a_family(named=desk.other)
    desk.world.a_mandate(led, desk.leaver)
    got = desk.world.as_(desk.world.actor(desk.leaver)).get(EXPORT).json()["items"]
    assert {row["familyId"] for row in got} == {str(one.id) for one in mine}
    assert {row["professionalId"] for row in got} == {str(desk.leaver.id)}


def test_registrations_come_after_it_with_the_family_they_joined(desk: Desk, small: None) -> None:
    world, bsn = desk.world, a_bsn()
    family = world.a_family()
    world.a_member(family, bsn=bsn)
    paths = [registered(world, desk.agency, one) for one in (bsn, *(a_bsn() for _ in range(4)))]
    work_through(world)
    got = rows(lines_of(desk.system.get(EXPORT, headers=NDJSON)))
    assert [row["kind"] for row in got] == ["involvement", *["registration"] * 5]
    assert [f"/registrations/{row['id']}" for row in got[1:]] == paths
    assert [row["familyId"] for row in got[1:]] == [str(family.id), *[None] * 4]
    assert bsn not in json.dumps(got)
    for path, row in zip(paths, got[1:], strict=True):
        assert desk.system.get(path).json() == {key: value for key, value in row.items() if key != "kind"}


def test_as_json_it_is_one_object_of_the_shape_that_is_described(desk: Desk, small: None) -> None:
    assert desk.system.get(EXPORT).json() == {"items": []}
    for _ in range(3):
        desk.a_family()
    registered(desk.world, desk.agency, a_bsn())
    answer = desk.system.get(EXPORT)
    assert answer.headers["Content-Type"] == "application/json"
    assert len(answer.json()["items"]) == 4
    InvolvementExport.model_validate(answer.json())
    for item, shape in zip(answer.json()["items"], [route.ExportedInvolvement] * 3, strict=False):
        strict(shape).model_validate(item)
    assert rows(lines_of(desk.system.get(EXPORT, headers=NDJSON))) == answer.json()["items"]


def test_after_a_cut_it_goes_on_from_the_last_checkpoint(desk: Desk, small: None) -> None:
    for _ in range(5):
        desk.a_family()
    for _ in range(3):
        registered(desk.world, desk.agency, a_bsn())
    whole = lines_of(desk.system.get(EXPORT, headers=NDJSON))
    assert whole[-1] == {"kind": "end"}
    assert [line["kind"] for line in whole].count("checkpoint") == 4
    for place, line in enumerate(whole):
        if line["kind"] == "checkpoint":
            rest = lines_of(desk.system.get(EXPORT, headers=NDJSON, params={"cursor": line["cursor"]}))
            assert rest == whole[place + 1 :]


@pytest.mark.parametrize("cursor", ["WyJhIl0", "W10", "x", "bnVsbA"])
def test_a_cursor_that_is_none_is_refused(desk: Desk, cursor: str) -> None:
    refused(desk.system.get(EXPORT, params={"cursor": cursor}, headers=NDJSON), 400, "invalid_cursor")


def test_each_family_is_on_record_before_its_bytes_leave(
    desk: Desk, small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As each chunk is about to be written, the records of all its families are there, and none of the next one's."""
    found = sorted((desk.a_family() for _ in range(5)), key=lambda one: one.id)
    seen: list[list[bool]] = []
    all_of = chunks._all

    async def watched(first: Any, following: Any) -> Any:
        async for chunk in all_of(first, following):
            seen.append([_is_on_record(desk.world, one) for one in found])
            yield chunk

    monkeypatch.setattr(chunks, "_all", watched)
    lines_of(desk.system.get(EXPORT, headers=NDJSON))
    assert [sum(row) for row in seen] == [2, 4, 5, 5]
    records = [one for one in desk.world.records(found[0]) if one.action == "involvement:export"]
    assert [(one.decision, one.relation, one.legal_basis) for one in records] == [
        ("shown", "involved_agency", "statutory_task")
    ]
    assert records[0].shown_person_id is not None


def _is_on_record(world: World, family: Family) -> bool:
    return any(one.action == "involvement:export" for one in world.records(family))


def test_a_relation_that_ends_in_the_middle_ends_what_follows(
    desk: Desk, small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = sorted((desk.a_family() for _ in range(5)), key=lambda one: one.id)
    all_of, ended = chunks._all, []

    async def cut(first: Any, following: Any) -> Any:
        async for chunk in all_of(first, following):
            if not ended:
                ended.append(_end(desk, found[3]))
            yield chunk

    monkeypatch.setattr(chunks, "_all", cut)
    got = rows(lines_of(desk.system.get(EXPORT, headers=NDJSON)))
    assert [row["familyId"] for row in got] == [str(one.id) for one in found if one is not found[3]]


def _end(desk: Desk, family: Family) -> None:
    def end(work: Any, mine: Family) -> None:
        for one in involvements.of_family(work, mine):
            involvements.end(work, mine, one, involvements.InvolvementEnd.COMPLETED)

    desk.world.around(family, end, desk.world.system(desk.agency))


def test_a_token_that_is_no_good_any_more_cuts_it_off(
    desk: Desk, small: None, monkeypatch: pytest.MonkeyPatch, app: FastAPI
) -> None:
    """Whoever gets it knows: there is no end to it. What they have got so far, they can go on from."""
    for _ in range(5):
        desk.a_family()
    proof, asked = app.state.authenticator.proof, []
    got: list[str] = []

    async def revoked(authorization: str | None) -> Any:
        asked.append(authorization)
        if len(asked) > 2:
            raise WireError(401, "unauthenticated", "It was revoked.")
        return await proof(authorization)

    monkeypatch.setattr(app.state.authenticator, "proof", revoked)
    with pytest.raises(RemoteProtocolError):
        _read_as_it_comes(desk.system, got)
    assert got == [*["involvement", "involvement", "checkpoint"] * 2]


def _read_as_it_comes(caller: Caller, kinds: list[str]) -> None:
    headers = NDJSON | {"Authorization": f"Bearer {caller.token}"}
    with caller.client.stream("GET", f"/v1{EXPORT}", headers=headers) as answer:
        for line in answer.iter_lines():
            kinds.append(json.loads(line)["kind"])


def test_what_others_of_the_agency_see_in_an_emergency_is_not_in_it(world: World) -> None:
    """Whoever has nothing of their own around a family leaves no record of it either."""
    scene = Scene(world)
    for who in ("candidate", "deputy", "contact_point"):
        assert world.as_(scene.related[who]).get(EXPORT).json() == {"items": []}, who
    shown = [one for one in world.records(scene.family) if one.action == "involvement:export"]
    assert shown == []


# All that there is about a family


PARTS = {
    "members": "members",
    "involvements": "involvements",
    "mandates": "mandates",
    "contactPoints": "contact-points",
    "consents": "consents",
    "measures": "measures",
    "timeline": "timeline?limit=200",
}


@pytest.mark.parametrize("who", ["registrar", "parent", "teenager"])
def test_each_part_is_what_its_own_operation_shows_this_reader(scene: Scene, who: str) -> None:
    caller = scene.world.as_(scene.related[who])
    export = caller.get(f"{scene.path}/export").json()
    assert export["family"] == caller.get(scene.path).json()
    each = {part: caller.get(f"{scene.path}/{path}").json()["items"] for part, path in PARTS.items()}
    assert FamilyExport.model_validate(export) == FamilyExport.model_validate(export | each)
    assert all(each[part] for part in ("members", "involvements", "mandates", "contactPoints", "timeline"))
    deputies = caller.get(f"{scene.path}/mandates/{scene.mandate.id}/deputies").json()["items"]
    assert export["deputies"] == deputies
    assert len(deputies) == 1


def test_as_lines_each_object_says_what_it_is(scene: Scene) -> None:
    caller = scene.world.as_(scene.world.registrar)
    export, lines = caller.get(f"{scene.path}/export").json(), lines_of(_lines(caller, scene))
    assert lines[0]["kind"] == "export"
    by_kind: dict[str, list[Any]] = {}
    for line in lines[1:]:
        by_kind.setdefault(line.pop("kind"), []).append(line)
    assert by_kind["family"] == [export["family"]]
    assert by_kind["member"] == export["members"]
    assert by_kind["event"] == export["timeline"]
    assert sum(map(len, by_kind.values())) == 1 + sum(len(part) for part in export.values() if isinstance(part, list))


def _lines(caller: Caller, scene: Scene) -> Response:
    return caller.get(f"{scene.path}/export", headers=NDJSON)


def test_it_is_for_the_family_and_its_municipality_only(scene: Scene) -> None:
    for who, actor in scene.related.items():
        answer = scene.world.as_(actor).get(f"{scene.path}/export")
        allowed = who in {"registrar", "parent", "teenager"}
        assert answer.status_code == (200 if allowed else 403), (who, answer.text)


@pytest.mark.parametrize("who", ["registrar", "parent", "teenager"])
def test_no_bsn_is_in_it_and_no_birth_date_that_the_reader_doesnt_see(scene: Scene, who: str) -> None:
    for headers in ({}, NDJSON):
        text = scene.world.as_(scene.related[who]).get(f"{scene.path}/export", headers=headers).text
        assert scene.bsn not in text
        births = {"parent": 1, "teenager": 1, "registrar": 3}[who]
        assert sum(day in text for day in ("1985-04-01", "2010-02-03", "2018-05-06")) == births
        assert (str(scene.shelter.id) in text) is (who == "registrar")


def test_it_is_on_record_as_shown_about_each_member(scene: Scene) -> None:
    before = len(scene.world.records(scene.family))
    scene.world.as_(scene.related["parent"]).get(f"{scene.path}/export")
    records = scene.world.records(scene.family)[before:]
    assert {one.shown_person_id for one in records} == scene.persons
    assert {(one.action, one.decision, one.relation) for one in records} == {("family:export", "shown", "member")}


def test_the_municipality_that_took_over_exports_it_and_the_one_before_doesnt(world: World) -> None:
    scene = Scene(world, shield=False)
    world.around(scene.family, lambda work, mine: families.move_to_municipality(work, mine, scene.elsewhere.code))
    there, here = world.as_(world.a_registrar(scene.elsewhere)), world.as_(world.registrar)
    assert len(there.get(f"{scene.path}/export").json()["members"]) == 3
    refused(here.get(f"{scene.path}/export"), 404, "family_not_found")


def test_the_whole_timeline_is_in_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many pages it has."""
    monkeypatch.setattr(family_exports, "AT_ONCE", 3)
    team = world.a_team()
    for _ in range(5):
        world.around(team.family, lambda work, mine: families.change(work, mine, name=f"Familie {uuid4().hex[:6]}"))
    export = world.as_(world.registrar).get(f"{team.path}/export").json()
    told = world.told(team.family)
    assert len(export["timeline"]) == len(told) > 2 * 3
    assert {one["id"] for one in export["timeline"]} == {str(one.id) for one in told}
