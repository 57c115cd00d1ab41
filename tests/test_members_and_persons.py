"""Members and persons: for a period, in one family or two, known to one municipality only."""

from datetime import date
from typing import Any

import pytest

from api.domain.codes import MemberRole
from tests.world import World, a_bsn, ago, in_days, refused

NOBODY = "00000000-0000-4000-8000-000000000000"


def path_of(member: Any) -> str:
    return f"/families/{member.family_id}/members/{member.id}"


def test_a_member_joins_changes_and_leaves(world: World) -> None:
    family = world.a_family()
    registrar = world.as_(world.registrar)
    body = {"person": {"givenName": "Saar", "surname": "Bos"}, "role": "foster_parent"}
    joined = registrar.post(f"/families/{family.id}/members", body)
    assert joined.status_code == 201
    path = joined.headers["Location"].removeprefix("/v1")
    assert registrar.get(path).json() == joined.json()
    changed = registrar.change(path, {"role": "parent", "parentalAuthority": True}).json()
    assert (changed["role"], changed["parentalAuthority"]) == ("parent", True)
    refused(registrar.call("PATCH", path, json={"role": "child"}), 428, "precondition_required")
    left = registrar.post(f"{path}/_leave")
    assert left.json()["endsAt"] is not None
    for again in (registrar.get(path), registrar.post(f"{path}/_leave")):
        refused(again, 404, "not_found")
    told = [event.type for event in world.told(family)]
    assert told == ["family.opened", "member.joined", "member.changed", "member.left"]
    assert registrar.post(f"/families/{family.id}/members", {"personId": joined.json()["personId"], "role": "parent"})


def test_a_person_is_a_member_of_a_family_once_and_of_two_families(world: World) -> None:
    family, other = world.a_family(), world.a_family()
    member, person = world.a_member(family)
    registrar, body = world.as_(world.registrar), {"personId": str(person.id), "role": "parent"}
    refused(registrar.post(f"/families/{family.id}/members", body), 409, "conflict")
    assert registrar.post(f"/families/{other.id}/members", body).status_code == 201
    assert set(registrar.get(f"/persons/{person.id}").json()["familyIds"]) == {str(family.id), str(other.id)}
    refused(registrar.get(f"/families/{other.id}/members/{member.id}"), 404, "not_found")


def test_a_member_who_moves_is_in_one_of_the_two_at_every_instant(world: World) -> None:
    family, other = world.a_family(), world.a_family()
    member, person = world.a_member(family, MemberRole.CHILD, date(2012, 1, 1))
    registrar = world.as_(world.registrar)
    answer = registrar.post(f"{path_of(member)}/_move", {"familyId": str(other.id)})
    assert (answer.json()["familyId"], answer.json()["role"]) == (str(other.id), "child")
    [left], [joined] = world.told(family, "member.left"), world.told(other, "member.joined")
    assert left.at == joined.at
    assert registrar.get(f"/families/{family.id}/members").json()["items"] == []
    [now] = registrar.get(f"/families/{other.id}/members").json()["items"]
    assert now["personId"] == str(person.id)


def test_a_member_does_not_move_to_where_they_are(world: World) -> None:
    family, other = world.a_family(), world.a_family()
    member, person = world.a_member(family)
    registrar = world.as_(world.registrar)
    refused(registrar.post(f"{path_of(member)}/_move", {"familyId": str(family.id)}), 409, "conflict")
    registrar.post(f"/families/{other.id}/members", {"personId": str(person.id), "role": "parent"})
    refused(registrar.post(f"{path_of(member)}/_move", {"familyId": str(other.id)}), 409, "conflict")
    assert world.told(family, "member.left") == []


def test_a_family_that_is_not_yours_to_move_to_is_as_good_as_none(world: World) -> None:
    family, theirs = world.a_family(), world.a_family(world.a_municipality())
    member, _ = world.a_member(family)
    registrar = world.as_(world.registrar)
    hidden = registrar.post(f"{path_of(member)}/_move", {"familyId": str(theirs.id)})
    missing = registrar.post(f"{path_of(member)}/_move", {"familyId": NOBODY})
    refused(hidden, 404, "family_not_found")
    assert {**hidden.json(), "instance": ""} == {**missing.json(), "instance": ""}
    assert world.told(family, "member.left") == []
    assert world.told(theirs, "member.joined") == []


def test_a_moved_members_family_can_still_be_changed(world: World) -> None:
    family, other = world.a_family(), world.a_family()
    member, _ = world.a_member(family)
    registrar = world.as_(world.registrar)
    registrar.post(f"{path_of(member)}/_move", {"familyId": str(other.id)})
    for path in (f"/families/{family.id}", f"/families/{other.id}"):
        assert registrar.change(path, {"framework": "pressure"}).is_success


@pytest.mark.parametrize(
    ("birth_date", "role", "seen"),
    [
        (date(2000, 1, 1), MemberRole.PARENT, True),
        (None, MemberRole.PARENT, True),
        (in_days(-365 * 13), MemberRole.CHILD, True),
        (in_days(-365 * 11), MemberRole.CHILD, False),
        (None, MemberRole.CHILD, False),
    ],
)
def test_a_member_may_look_from_twelve_years_on(
    world: World, birth_date: date | None, role: MemberRole, seen: bool
) -> None:
    family = world.a_family()
    member, person = world.a_member(family, role, birth_date)
    caller = world.as_(world.relative(person))
    assert caller.get(f"/families/{family.id}").status_code == (200 if seen else 404)
    world.as_(world.registrar).post(f"{path_of(member)}/_leave")
    refused(caller.get(f"/families/{family.id}"), 404, "family_not_found")


def test_a_member_sees_their_own_birth_date_only(world: World) -> None:
    family = world.a_family()
    _, person = world.a_member(family)
    world.a_member(family, MemberRole.CHILD, date(2015, 1, 1), at=ago(seconds=5))
    shown = world.as_(world.relative(person)).get(f"/families/{family.id}/members").json()["items"]
    assert [one["birthDate"] for one in shown] == ["1985-04-01", None]


# Persons


def test_a_person_is_found_by_bsn_or_by_name_and_birth_date(world: World) -> None:
    family, bsn = world.a_family(), a_bsn()
    _, person = world.a_member(family, bsn=bsn)
    registrar = world.as_(world.registrar)
    [by_bsn] = registrar.post("/persons/_search", {"bsn": bsn}).json()["items"]
    assert (by_bsn["id"], by_bsn["hasBsn"], by_bsn["familyIds"]) == (str(person.id), True, [str(family.id)])
    by_name = registrar.post("/persons/_search", {"surname": "voorbeeld", "birthDate": "1985-04-01"}).json()["items"]
    assert str(person.id) in {one["id"] for one in by_name}
    assert registrar.post("/persons/_search", {"bsn": a_bsn()}).json()["items"] == []
    for too_little in ({}, {"surname": "Voorbeeld"}, {"birthDate": "1985-04-01"}):
        refused(registrar.post("/persons/_search", too_little), 400, "invalid")
    refused(registrar.post("/persons/_search", {"bsn": "999999999"}), 400, "invalid_bsn")


def test_looking_up_a_person_is_recorded(world: World) -> None:
    _, person = world.a_member(world.a_family(), bsn=a_bsn())
    world.as_(world.registrar).get(f"/persons/{person.id}")
    looked = world.as_(world.officer()).get("/disclosures").json()["items"]
    assert (looked[0]["action"], looked[0]["shownPersonId"]) == ("person:find", str(person.id))


def test_a_person_is_changed_on_the_basis_of_what_was_read(world: World) -> None:
    _, person = world.a_member(world.a_family())
    registrar, bsn = world.as_(world.registrar), a_bsn()
    path = f"/persons/{person.id}"
    assert registrar.change(path, {"givenName": "Robin", "bsn": bsn}).json()["hasBsn"] is True
    shown = registrar.get(path).json()
    assert (shown["givenName"], shown["surname"], shown["bsn"]) == ("Robin", "Voorbeeld", bsn)
    assert registrar.change(path, {"birthDate": None}).json()["birthDate"] is None
    refused(registrar.call("PATCH", path, json={"surname": "X"}), 428, "precondition_required")
    refused(registrar.change(path, {"birthDate": str(in_days(1))}), 400, "invalid")
    refused(registrar.change(path, {"bsn": "111111111"}), 400, "invalid_bsn")


def test_a_bsn_belongs_to_one_person_of_a_municipality(world: World) -> None:
    bsn = a_bsn()
    _, one = world.a_member(world.a_family(), bsn=bsn)
    _, other = world.a_member(world.a_family())
    registrar = world.as_(world.registrar)
    refused(registrar.change(f"/persons/{other.id}", {"bsn": bsn}), 409, "bsn_in_use")
    assert registrar.change(f"/persons/{one.id}", {"bsn": bsn}).is_success


def test_only_registrars_and_only_their_own_municipality_find_persons(world: World) -> None:
    _, person = world.a_member(world.a_family(), bsn=a_bsn())
    stranger = world.as_(world.a_registrar(world.a_municipality()))
    refused(stranger.get(f"/persons/{person.id}"), 404, "not_found")
    refused(stranger.call("PATCH", f"/persons/{person.id}", json={}), 404, "not_found")
    for actor in (world.system(world.an_agency()), world.relative(person), world.officer()):
        refused(world.as_(actor).get(f"/persons/{person.id}"), 403, "role_lacking")


def test_a_known_bsn_joins_as_the_person_who_is_known(world: World) -> None:
    bsn = a_bsn()
    _, person = world.a_member(world.a_family(), bsn=bsn)
    body = {"person": {"givenName": "Iemand", "surname": "Anders", "bsn": bsn}, "role": "parent"}
    joined = world.as_(world.registrar).post(f"/families/{world.a_family().id}/members", body).json()
    assert (joined["personId"], joined["givenName"]) == (str(person.id), person.given_name)
