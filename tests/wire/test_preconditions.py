"""A change is based on what was read: If-Match with the ETag of that, or it is refused."""

from typing import Any

import pytest

from api.domain.actor import Actor
from tests.wire.answers import is_problem
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
def test_an_answer_is_always_the_whole_answer(path: str, untouched: Stage) -> None:
    caller, at = untouched.world.as_(_changer(untouched, path)), path.format(**untouched.known)
    read = caller.get(at)
    again = caller.get(at, headers={"If-None-Match": read.headers["ETag"], "If-Modified-Since": read.headers["date"]})
    assert again.status_code == 200, "Every disclosure is a disclosure; none is answered by 304."
    assert again.content == read.content
    assert again.headers["ETag"] == read.headers["ETag"]


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
