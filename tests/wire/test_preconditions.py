"""A change is based on what was read: If-Match with the ETag of that, or it is refused."""

import re
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from api.auth.calls import Call
from api.auth.guards import Routes
from api.auth.policy import Permission
from api.domain.actor import Actor, Role
from api.domain.codes import AgencyKind
from tests.wire.answers import has_every_header, is_problem
from tests.wire.operations import OPERATIONS, Operation, a_body
from tests.wire.stage import Stage
from tests.world import ADMINISTRATOR, World, in_days

NEW: dict[str, dict[str, Any]] = {
    "/families/{familyId}": {"strategy": "refresh"},
    "/families/{familyId}/members/{memberId}": {"parentalAuthority": False},
    "/families/{familyId}/involvements/{involvementId}": {"contactFrequency": "weekly"},
    "/families/{familyId}/mandates/{mandateId}": {"endsOn": str(in_days(90))},
    "/persons/{personId}": {"givenName": "Robin"},
    "/agencies/{agencyId}": {"phone": "+31 30 222 22 22"},
    "/professionals/{professionalId}": {"function": "coach"},
    "/municipalities/{municipalityCode}": {"accessTeamName": "Buurtteam"},
}


@pytest.fixture
def fresh(world: World) -> Stage:
    return Stage(world)


def _known(stage: Stage) -> dict[str, str]:
    """What there is, with a municipality that nobody else looks at."""
    return stage.known | {"municipalityCode": stage.world.a_municipality().code}


def _changer(untouched: Stage, path: str) -> Actor:
    if "involvement" in path or path.startswith(("/agencies", "/professionals")):
        return untouched.world.system(untouched.agency)
    return ADMINISTRATOR if path.startswith("/municipalities") else untouched.world.registrar


@pytest.mark.parametrize("path", sorted(NEW))
def test_only_what_is_current_can_be_changed(path: str, fresh: Stage) -> None:
    caller, at = fresh.world.as_(_changer(fresh, path)), path.format(**_known(fresh))
    read = caller.get(at)
    etag = read.headers["ETag"]
    assert etag.startswith('"'), "An ETag is strong: it covers every byte."

    without = caller.call("PATCH", at, json=NEW[path])
    is_problem(without, 428)
    for wrong in ('"0"', f"W/{etag}", "junk", ""):
        is_problem(caller.call("PATCH", at, json=NEW[path], headers={"If-Match": wrong}), 412)
    assert caller.get(at).json() == read.json(), "A refused change changes nothing."

    merged = {"If-Match": f'"other", {etag}', "Content-Type": "application/merge-patch+json"}
    changed = caller.call("PATCH", at, json=NEW[path], headers=merged)
    assert changed.status_code == 200, changed.text
    for name, value in (read.json() | NEW[path]).items():
        assert name in {"bsn", "endsOn", "endsAt"} or changed.json()[name] == value
    is_problem(caller.call("PATCH", at, json=NEW[path], headers={"If-Match": etag}), 412)


@pytest.mark.parametrize("path", sorted(NEW))
def test_a_changes_answer_has_the_etag_of_what_is_read_next(path: str, fresh: Stage) -> None:
    caller, at = fresh.world.as_(_changer(fresh, path)), path.format(**_known(fresh))
    changed = caller.change(at, NEW[path])
    assert changed.status_code == 200, changed.text
    assert changed.headers["ETag"] == caller.get(at).headers["ETag"]


READABLE = [one for one in OPERATIONS if one.method == "GET" and "If-None-Match" in one.names_of("header")]
CHANGEABLE = [one for one in OPERATIONS if one.method in {"PATCH", "PUT", "DELETE"}]
VERBS = [one for one in OPERATIONS if one.method == "POST" and re.search(r"}/_\w+(-\w+)*$", one.path)]
each = partial(pytest.mark.parametrize, "operation", ids=lambda one: one.name)
UNSTABLE = {"list_disclosures", "list_access_log", "list_processing_log"}
"""Who looks into the record adds to it."""
READERS = set(Role) - {Role.CLOCK}


@each(READABLE)
def test_who_has_it_already_is_told_so(operation: Operation, untouched: Stage) -> None:
    path = untouched.path(operation)
    for role in READERS:
        token = untouched.token(role)
        read = untouched.send("GET", path, token)
        if read.status_code != 200:
            continue
        tag = read.headers["ETag"]
        if operation.name in UNSTABLE:
            break
        for known in (tag, f'"other", {tag}', f"W/{tag}" if tag.startswith('"') else tag.removeprefix("W/"), "*"):
            again = untouched.send("GET", path, token, headers={"If-None-Match": known})
            assert (again.status_code, again.content) == (304, b""), known
            assert again.headers["ETag"] == tag
            has_every_header(again)
        other = untouched.send("GET", path, token, headers={"If-None-Match": '"other"', "If-Modified-Since": "x"})
        assert other.status_code == 200
        assert other.headers["ETag"] == tag


@pytest.mark.parametrize("rest", ["", "/who-is-involved", "/involvements"])
def test_an_unchanged_answer_is_a_disclosure_too(rest: str, fresh: Stage) -> None:
    world, path = fresh.world, f"/families/{fresh.family.id}{rest}"
    reader = world.as_(world.system(fresh.agency))
    counts = [len(world.records(fresh.family))]
    tag = reader.get(path).headers["ETag"]
    counts.append(len(world.records(fresh.family)))
    assert reader.get(path, headers={"If-None-Match": tag}).status_code == 304
    counts.append(len(world.records(fresh.family)))
    assert counts[2] - counts[1] == counts[1] - counts[0] > 0


@each(CHANGEABLE)
def test_no_change_of_what_there_is_without_its_etag(operation: Operation, untouched: Stage) -> None:
    """Of every route there is, and so of those still to come."""
    path = untouched.path(operation)
    for role in READERS:
        body = a_body(operation) if operation.body else None
        answer = untouched.send(operation.method, path, untouched.token(role), json=body)
        stale = untouched.send(operation.method, path, untouched.token(role), json=body, headers={"If-Match": '"old"'})
        assert answer.status_code in {403, 404, 428}, answer.text
        assert stale.status_code in {403, 404, 412}, stale.text


@each(VERBS)
def test_a_verb_minds_an_etag_that_is_sent(operation: Operation, untouched: Stage) -> None:
    path = untouched.path(operation)
    for role in READERS:
        body = a_body(operation) if operation.body else None
        stale = untouched.send("POST", path, untouched.token(role), json=body, headers={"If-Match": '"old"'})
        assert stale.status_code in {403, 404, 412}, stale.text


def test_a_verb_with_the_etag_of_what_was_read_is_carried_out(fresh: Stage) -> None:
    registrar, path = fresh.world.as_(fresh.world.registrar), f"/families/{fresh.family.id}"
    tag = registrar.get(path).headers["ETag"]
    assert registrar.change(path, {"name": "Anders"}).status_code == 200
    closing = {"closing": "completed"}
    is_problem(registrar.post(f"{path}/_close", closing, headers={"If-Match": tag}), 412)
    tag = registrar.get(path).headers["ETag"]
    assert registrar.post(f"{path}/_close", closing, headers={"If-Match": tag}).status_code == 200


def test_of_two_changes_at_once_on_one_etag_one_is_made(fresh: Stage) -> None:
    for path in (
        "/families/{familyId}",
        "/agencies/{agencyId}",
        "/persons/{personId}",
        "/professionals/{professionalId}",
    ):
        caller, at = fresh.world.as_(_changer(fresh, path)), path.format(**fresh.known)
        how = {"json": NEW[path], "headers": {"If-Match": caller.get(at).headers["ETag"]}}
        with ThreadPoolExecutor(4) as callers:
            answers = list(callers.map(lambda _, it=(caller, at, how): it[0].call("PATCH", it[1], **it[2]), range(4)))
        assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412], path


def test_what_is_ended_twice_is_gone_the_second_time(fresh: Stage) -> None:
    world = fresh.world
    system = world.as_(world.system(fresh.agency))
    report = {"startsOn": str(in_days(3)), "endsOn": str(in_days(4))}
    at = system.post(f"/professionals/{fresh.lead.id}/absences", report).headers["Location"].removeprefix("/v1")
    tag = {"If-Match": system.get(at).headers["ETag"]}
    assert system.delete(at, headers=tag).status_code == 204
    is_problem(system.delete(at, headers=tag), 404)
    again = {"headers": tag | {"Idempotency-Key": "the first attempt's"}}
    at = system.post(f"/professionals/{fresh.lead.id}/absences", report).headers["Location"].removeprefix("/v1")
    again["headers"]["If-Match"] = system.get(at).headers["ETag"]
    assert [system.delete(at, **again).status_code for _ in range(2)] == [204, 204]


def test_what_a_reader_may_not_see_leaves_their_etag_as_it_was(fresh: Stage) -> None:
    world = fresh.world
    school = world.an_agency(AgencyKind.SCHOOL)
    world.an_involvement(fresh.family, school, ("child_development",))
    readers = [world.as_(one) for one in (world.system(school), world.relative(fresh.person))]
    paths = [f"/families/{fresh.family.id}{rest}" for rest in ("", "/who-is-involved", "/involvements", "/timeline")]
    paths += [f"/families/{fresh.family.id}/contact-points/parenting", "/caseload"]
    before = [reader.get(path).headers["ETag"] for reader in readers for path in paths]
    shelter = world.an_involvement(fresh.family, world.an_agency(AgencyKind.SAFE_AT_HOME), shielded=True)
    assert [reader.get(path).headers["ETag"] for reader in readers for path in paths] == before
    registrar = world.as_(world.registrar)
    assert registrar.get(f"/families/{fresh.family.id}/involvements/{shelter.id}").status_code == 200


def test_a_contact_point_that_must_be_the_first(fresh: Stage) -> None:
    registrar, path = fresh.world.as_(fresh.world.registrar), f"/families/{fresh.family.id}/contact-points"
    body, new = {"professionalId": str(fresh.lead.id)}, {"If-None-Match": "*"}
    is_problem(registrar.put(f"{path}/parenting", body, headers=new), 412)
    is_problem(registrar.put(f"{path}/parenting", body, headers={"If-None-Match": '"x"'}), 400)
    fresh.world.an_involvement(fresh.family, fresh.agency, ("finances",), professional=fresh.colleague)
    assert registrar.put(f"{path}/finances", body, headers=new).status_code == 200
    is_problem(registrar.put(f"{path}/finances", body, headers=new), 412)


def test_a_change_of_what_cannot_be_read_is_not_served() -> None:
    routes = Routes("Access")

    @routes.delete("/nowhere/{agencyId}", Permission.AGENCY_CHANGE)
    def end_nothing(call: Call) -> None:
        """End nothing."""

    with pytest.raises(TypeError, match="needs a GET"):
        routes.must_be_conditional()


def test_a_second_contact_point_needs_to_know_the_first(fresh: Stage) -> None:
    registrar, at = fresh.world.as_(fresh.world.registrar), f"/families/{fresh.family.id}/contact-points/parenting"
    body = {"professionalId": str(fresh.lead.id)}
    is_problem(registrar.put(at, body), 428)
    is_problem(registrar.put(at, body, headers={"If-Match": '"old"'}), 412)
    read = registrar.get(at, headers={"Accept-Language": "en"})
    assigned = registrar.put(at, body, headers={"If-Match": read.headers["ETag"]})
    assert assigned.status_code == 200, assigned.text
    assert assigned.json()["contactPoint"]["professional"]["id"] == str(fresh.lead.id)


def test_what_two_readers_see_differently_has_different_etags(untouched: Stage) -> None:
    world, at = untouched.world, f"/families/{untouched.family.id}/who-is-involved"
    registrar, parent = world.as_(world.registrar).get(at), world.as_(world.relative(untouched.person)).get(at)
    assert registrar.json()["members"] != parent.json() or registrar.headers["ETag"] != parent.headers["ETag"]
