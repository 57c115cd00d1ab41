"""A BSN is checked, sealed and found by a pseudonym; only the registrar's look at one person shows it."""

import secrets
from typing import Any
from uuid import uuid4

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from psycopg import sql

from api.domain import bsn as numbers
from api.domain.errors import Invalid, KeyMissing
from api.domain.models import Person
from api.domain.vault import Place, Vault
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


HERE = Place("person", "bsn_sealed", ("1",))


def a_vault(*versions: int) -> Vault:
    """With keys of these numbers; with key 1 if none is given."""
    keys = ({version: secrets.token_bytes(32) for version in versions or (1,)} for _ in range(2))
    return Vault(*keys)


def with_new_keys(vault: Vault) -> Vault:
    new = a_vault(max(vault.keys) + 1)
    return Vault(vault.keys | new.keys, vault.pseudonym_keys | new.pseudonym_keys)


@pytest.mark.parametrize(
    "elsewhere",
    [
        Place("person", "bsn_sealed", ("2",)),
        Place("person", "answer", ("1",)),
        Place("registration", "bsn_sealed", ("1",)),
        Place("person", "bsn_sealed", ("1", "")),
        Place("person", "bsn_sealed", ()),
    ],
)
def test_a_sealed_value_opens_in_its_own_table_column_and_row_only(elsewhere: Place) -> None:
    vault = a_vault()
    sealed = vault.seal(b"999990019", bound_to=HERE)
    assert vault.open(sealed, bound_to=HERE) == b"999990019"
    assert vault.seal(b"999990019", bound_to=HERE) != sealed
    with pytest.raises(InvalidTag):
        vault.open(sealed, bound_to=elsewhere)


def test_no_two_places_read_the_same() -> None:
    """A caller's name and a key have colons in them: joined with colons, two rows could be bound alike."""
    vault = a_vault()
    sealed = vault.seal(b"x", bound_to=Place("idempotent_request", "answer", ("a:b", "c")))
    with pytest.raises(InvalidTag):
        vault.open(sealed, bound_to=Place("idempotent_request", "answer", ("a", "b:c")))


def test_a_sealed_value_is_bound_to_the_number_of_its_key() -> None:
    """Even where one key has two numbers, a value that says another number than it was sealed with doesn't open."""
    key = secrets.token_bytes(32)
    sealed = Vault({1: key}, {1: key}).seal(b"x", bound_to=HERE)
    with pytest.raises(InvalidTag):
        Vault({1: key, 2: key}, {1: key}).open(bytes([0, 2]) + sealed[2:], bound_to=HERE)


@pytest.mark.parametrize("place", range(2, 12 + 2 + 9 + 16))
def test_a_sealed_value_that_was_changed_does_not_open(place: int) -> None:
    vault = a_vault()
    sealed = vault.seal(b"999990019", bound_to=HERE)
    changed = sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :]
    with pytest.raises(InvalidTag):
        vault.open(changed, bound_to=HERE)


@pytest.mark.parametrize("broken", [b"", b"\x00", b"\x00\x01", b"\x01", b"\x00\x01" + b"x" * 27])
def test_what_is_no_sealed_value_does_not_open(broken: bytes) -> None:
    with pytest.raises(InvalidTag):
        a_vault().open(broken, bound_to=HERE)


def test_old_values_stay_readable_after_a_new_key_came() -> None:
    old = a_vault()
    sealed = old.seal(b"x", bound_to=HERE)
    new = with_new_keys(old)
    assert new.open(sealed, bound_to=HERE) == b"x"
    assert new.seal(b"x", bound_to=HERE)[1] == 2


def test_a_value_whose_key_is_not_there_says_so() -> None:
    old = a_vault()
    sealed = with_new_keys(old).seal(b"999990019", bound_to=HERE)
    with pytest.raises(KeyMissing, match="put a key back"):
        old.open(sealed, bound_to=HERE)


def test_a_value_that_was_sealed_before_it_was_bound_to_its_column_still_opens() -> None:
    vault, person, nonce = a_vault(), uuid4(), secrets.token_bytes(12)
    cipher = AESGCM(vault.keys[1])
    bsn = bytes([1]) + nonce + cipher.encrypt(nonce, b"999990019", f"person:{person}".encode())
    assert numbers.opened(vault, bsn, person) == "999990019"
    answer = bytes([1]) + nonce + cipher.encrypt(nonce, b"{}", b"answer:system:key")
    assert vault.open(answer, bound_to=Place("idempotent_request", "answer", ("system", "key"))) == b"{}"
    with pytest.raises(InvalidTag):
        numbers.opened(vault, bsn, uuid4())


def test_a_pseudonym_is_the_same_only_under_the_same_key() -> None:
    one, other = a_vault(), a_vault()
    assert one.pseudonym(b"x") == one.pseudonym(b"x")
    assert len({one.pseudonym(b"x"), one.pseudonym(b"y"), other.pseudonym(b"x")}) == 3


def test_a_value_is_found_by_the_pseudonyms_of_every_key_there_is() -> None:
    old = a_vault()
    new = with_new_keys(old)
    assert new.pseudonyms(b"x") == [new.pseudonym(b"x"), old.pseudonym(b"x")]
    assert new.pseudonym(b"x")[0] == 2
    assert new.is_pseudonym_of(old.pseudonym(b"x"), b"x")
    assert not new.is_pseudonym_of(old.pseudonym(b"x"), b"y")
    with pytest.raises(KeyMissing):
        old.is_pseudonym_of(new.pseudonym(b"x"), b"x")


def test_the_bsn_in_one_row_cannot_be_moved_to_another(world: World) -> None:
    _, one = world.a_member(world.a_family(), bsn=a_bsn())
    _, other = world.a_member(world.a_family(), bsn=a_bsn())
    with world.session() as session:
        sealed = session.get_one(Person, one.id).bsn_sealed
    assert sealed
    with pytest.raises(InvalidTag):
        numbers.opened(world.app.state.vault, sealed, other.id)


@pytest.mark.parametrize("text", ["999990019", "Sam 999990019", "bsn:999990019.", "bsn_999990019", "(000000012)"])
def test_a_bsn_in_a_text_is_seen(text: str) -> None:
    assert numbers.is_in(text)


@pytest.mark.parametrize(
    "text", ["", "Sam", "999990018", "1999990019", "000000000", "4f999990019a", "2b1f4c52-9c1e-4d51-8a35-5f2f3f9d7c10"]
)
def test_what_is_no_bsn_is_not_seen_as_one(text: str) -> None:
    assert not numbers.is_in(text)
