"""A BSN is checked, sealed and found by a pseudonym; only the registrar's look at one person shows it."""

import secrets
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from psycopg import sql

from api.domain import bsn as numbers
from api.domain.errors import Invalid
from api.domain.models import Person
from api.domain.vault import Vault
from tests.world import World, a_bsn, ago, refused


@pytest.mark.parametrize("number", ["999990019", "111222333", "000000012", "012345672"])
def test_nine_digits_that_pass_the_eleven_test_are_a_bsn(number: str) -> None:
    assert numbers.check(number) == number


@pytest.mark.parametrize(
    "number",
    [
        "",
        "12",
        "000000000",
        "123456789",
        "999990018",
        "99999001",
        "9999900190",
        "99999 0019",
        "1112.2233",
        " 12345672",
        "-12345672",
        "12345672.",
        "٩٩٩٩٩٠٠١٩",
        "99999001９",
        "99999001x",
        "999990019\n",
    ],
)
def test_anything_else_is_not_and_is_not_repeated(world: World, number: str) -> None:
    with pytest.raises(Invalid) as refusal:
        numbers.check(number)
    assert refusal.value.code == "invalid_bsn"
    assert not number or number not in refusal.value.sentence
    person = {"givenName": "Sam", "surname": "Bos", "bsn": number}
    body = {"name": "Bos", "framework": "voluntary", "members": [{"person": person, "role": "parent"}]}
    answer = world.as_(world.registrar).post("/families", body)
    assert answer.status_code == 400
    assert len(number) < 3 or number not in answer.text


@pytest.mark.parametrize("number", [123456782, None, ["999990019"], {"a": 1}, True])
def test_a_bsn_is_text(world: World, number: Any) -> None:
    refused(world.as_(world.registrar).post("/persons/_search", {"bsn": number}), 400, "invalid")


def test_leading_zeros_count(world: World) -> None:
    municipality = world.a_municipality()
    _, person = world.a_member(world.a_family(municipality), bsn="000000012")
    registrar = world.as_(world.a_registrar(municipality))
    assert registrar.get(f"/persons/{person.id}").json()["bsn"] == "000000012"
    [found] = registrar.post("/persons/_search", {"bsn": "000000012"}).json()["items"]
    assert found["id"] == str(person.id)
    refused(registrar.post("/persons/_search", {"bsn": "12"}), 400, "invalid")


def test_only_the_registrars_look_at_one_person_shows_the_bsn(world: World) -> None:
    team, bsn = world.a_team(), a_bsn()
    _, person = world.a_member(team.family, bsn=bsn, at=ago(seconds=5))
    registrar = world.as_(world.registrar)
    assert bsn in registrar.get(f"/persons/{person.id}").text
    assert bsn not in registrar.post("/persons/_search", {"bsn": bsn}).text
    assert bsn not in registrar.change(f"/persons/{person.id}", {"bsn": bsn}).text
    refused(registrar.get("/persons", params={"bsn": bsn}), 404, "not_found")
    readers = (world.registrar, world.actor(team.lead), world.system(team.agency), world.relative(person))
    for actor in readers:
        for part in ("", "/members", "/who-is-involved", "/timeline", "/involvements", "/mandates"):
            answer = world.as_(actor).get(f"{team.path}{part}")
            assert answer.status_code == 200
            assert bsn not in answer.text + str(answer.headers)
    assert bsn not in world.as_(world.officer()).get("/disclosures", params={"limit": 200}).text


def test_no_table_holds_a_bsn_in_the_clear(world: World) -> None:
    bsn = a_bsn()
    person = {"givenName": "Sam", "surname": "Bos", "bsn": bsn}
    body = {"name": "Bos", "framework": "voluntary", "members": [{"person": person, "role": "parent"}]}
    registrar = world.as_(world.registrar)
    opened = registrar.post("/families", body, headers={"Idempotency-Key": secrets.token_hex(8)})
    assert opened.status_code == 201, opened.text
    found = registrar.post("/persons/_search", {"bsn": bsn}).json()["items"]
    assert registrar.change(f"/persons/{found[0]['id']}", {"bsn": bsn, "givenName": "Robin"}).is_success
    with world.session() as session:
        connection = session.connection().connection.driver_connection
        assert connection is not None
        tables = connection.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 2200"
        ).fetchall()
        assert len(tables) > 15
        for (table,) in tables:
            holds = sql.SQL("SELECT count(*) FROM {0} AS t WHERE t::text LIKE ANY(%s)").format(sql.Identifier(table))
            patterns = [f"%{bsn}%", f"%{bsn.encode().hex()}%"]
            assert connection.execute(holds, [patterns]).fetchone() == (0,), table


def test_another_municipality_cannot_tell_that_a_person_is_known_here(world: World) -> None:
    bsn, there = a_bsn(), world.a_municipality()
    family = world.a_family(there)
    stranger = world.as_(world.a_registrar(there))
    person = {"givenName": "Iemand", "surname": "Anders", "bsn": bsn}

    def joins() -> Any:
        answer = stranger.post(f"/families/{world.a_family(there).id}/members", {"person": person, "role": "parent"})
        return answer.status_code, {**answer.json(), "id": "", "familyId": "", "personId": "", "startedAt": ""}

    _, known_here = world.a_member(world.a_family(), bsn=bsn)
    assert stranger.post("/persons/_search", {"bsn": bsn}).json()["items"] == []
    first = joins()
    person["bsn"] = a_bsn()
    assert joins() == first
    person["bsn"] = bsn
    [theirs] = stranger.post("/persons/_search", {"bsn": bsn}).json()["items"]
    assert theirs["id"] != str(known_here.id)
    _, other = world.a_member(family)
    refused(stranger.change(f"/persons/{other.id}", {"bsn": bsn}), 409, "bsn_in_use")
    assert world.as_(world.registrar).get(f"/persons/{known_here.id}").json()["givenName"] == known_here.given_name


def test_a_bsn_can_be_corrected_to_one_that_is_known_elsewhere(world: World) -> None:
    bsn, there = a_bsn(), world.a_municipality()
    world.a_member(world.a_family(there), bsn=bsn)
    _, person = world.a_member(world.a_family())
    assert world.as_(world.registrar).change(f"/persons/{person.id}", {"bsn": bsn}).status_code == 200


# The vault


def a_vault(**keys: bytes) -> Vault:
    return Vault({1: secrets.token_bytes(32)}, secrets.token_bytes(32))


def test_a_sealed_value_opens_only_where_it_belongs() -> None:
    vault = a_vault()
    sealed = vault.seal(b"999990019", bound_to="person:1")
    assert vault.open(sealed, bound_to="person:1") == b"999990019"
    assert vault.seal(b"999990019", bound_to="person:1") != sealed
    for wrong in (
        lambda: vault.open(sealed, bound_to="person:2"),
        lambda: vault.open(sealed[:-1] + b"x", bound_to="person:1"),
    ):
        with pytest.raises(InvalidTag):
            wrong()


def test_old_values_stay_readable_after_a_new_key_came() -> None:
    old = a_vault()
    sealed = old.seal(b"x", bound_to="row")
    new = Vault(old.keys | {2: secrets.token_bytes(32)}, old.pseudonym_key)
    assert new.open(sealed, bound_to="row") == b"x"
    assert new.seal(b"x", bound_to="row")[0] == 2


def test_a_pseudonym_is_the_same_only_under_the_same_key() -> None:
    one, other = a_vault(), a_vault()
    assert one.pseudonym(b"x") == one.pseudonym(b"x")
    assert len({one.pseudonym(b"x"), one.pseudonym(b"y"), other.pseudonym(b"x")}) == 3


def test_the_bsn_in_one_row_cannot_be_moved_to_another(world: World) -> None:
    _, one = world.a_member(world.a_family(), bsn=a_bsn())
    _, other = world.a_member(world.a_family(), bsn=a_bsn())
    with world.session() as session:
        sealed = session.get_one(Person, one.id).bsn_sealed
    assert sealed
    with pytest.raises(InvalidTag):
        numbers.opened(world.app.state.vault, sealed, other.id)
