"""A person who was recorded twice is found by how the name sounds, merged, and taken apart again exactly."""

from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlmodel import select

from api.domain import members, names, persons
from api.domain.codes import MemberRole
from api.domain.models import Family, Involvement, Member, Person
from api.domain.work import Work
from tests.access.sweep import as_answered
from tests.world import Caller, World, a_bsn, ago, refused

BORN = date(1985, 4, 1)


@pytest.fixture
def registrar(world: World) -> tuple[Caller, str]:
    """The registrar of a municipality in which nobody else counts."""
    municipality = world.a_municipality()
    return world.as_(world.a_registrar(municipality)), municipality.code


def a_person(world: World, code: str, given: str, surname: str, born: date | None = BORN, **more: Any) -> Person:
    return world.do(
        lambda work: persons.register(work, code, given_name=given, surname=surname, birth_date=born, **more)
    )


def found(registrar: tuple[Caller, str], at_least: int = 70) -> list[set[str]]:
    answer = registrar[0].get("/possible-duplicates", params={"atLeast": at_least})
    assert answer.status_code == 200, answer.text
    return [{one["id"] for one in item["persons"]} for item in answer.json()["items"]]


ALIKE = [
    (("Sophie", "van den Berg", BORN), ("Sofie", "Berg", BORN)),
    (("Jan", "Vermeij", BORN), ("Jan", "Vermey", BORN)),
    (("Zoë", "Müller", BORN), ("Zoe", "Muller", BORN)),
    (("Mark", "de Wit", date(1985, 4, 1)), ("Mark", "de Wit", date(1985, 1, 4))),
    (("Tom", "Schouten", BORN), ("Thom", "Schaute", BORN)),
    (("Lisa", "Jansen", BORN), ("Lisa", "Jansen-Visser", BORN)),
    (("Fatima", "El Idrissi", BORN), ("Fatima", "Idrissi", BORN)),
    (("Daan", "Kok", date(1985, 4, 1)), ("Daan", "Kock", date(1985, 9, 9))),
    (("Eva", "Smit", None), ("Eva", "Smidt", BORN)),
]


@pytest.mark.parametrize(("one", "other"), ALIKE)
def test_two_records_that_differ_in_one_thing_are_found(
    world: World, registrar: tuple[Caller, str], one: Any, other: Any
) -> None:
    pair = {str(a_person(world, registrar[1], *who).id) for who in (one, other)}
    assert found(registrar) == [pair]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("Sam", "Bakker", BORN), ("Noor", "Visser", BORN)),
        (("Sam", "Bakker", BORN), ("Sam", "Bakker", date(2012, 11, 30))),
        (("Sam", "Bakker", BORN), ("Noor", "Bakker", date(1986, 4, 1))),
    ],
)
def test_others_are_not(world: World, registrar: tuple[Caller, str], one: Any, other: Any) -> None:
    for who in (one, other):
        a_person(world, registrar[1], *who)
    assert found(registrar, at_least=75) == []


def test_two_who_both_have_a_bsn_are_two(world: World, registrar: tuple[Caller, str]) -> None:
    for _ in range(2):
        a_person(world, registrar[1], "Sam", "Bakker", bsn=a_bsn())
    assert found(registrar) == []


def test_who_is_known_elsewhere_is_not_found(world: World, registrar: tuple[Caller, str]) -> None:
    a_person(world, registrar[1], "Sam", "Bakker")
    a_person(world, world.a_municipality().code, "Sam", "Bakker")
    assert found(registrar) == []


def test_a_changed_name_is_found_by_the_new_one(world: World, registrar: tuple[Caller, str]) -> None:
    one, other = a_person(world, registrar[1], "Sam", "Bakker"), a_person(world, registrar[1], "Noor", "Visser")
    path = f"/persons/{other.id}"
    assert registrar[0].change(path, {"givenName": "Sam", "surname": "Backer"}).is_success
    assert found(registrar) == [{str(one.id), str(other.id)}]


def test_what_is_stored_of_a_name_is_keyed(world: World, registrar: tuple[Caller, str]) -> None:
    person = a_person(world, registrar[1], "Sam", "Bakker")
    assert len(person.name_keys) == 4
    assert all(len(key) == 33 for key in person.name_keys)
    assert person.name_keys == names.keys(world.app.state.vault, "Sam", "Bakker", BORN)


@pytest.mark.parametrize(
    ("one", "other"),
    [("van der Heijden", "Heyden"), ("Smidt", "Smit"), ("Cornelis", "Kornelis"), ("Thijs", "Tijs")],
)
def test_spelling_does_not_matter_to_the_sound(one: str, other: str) -> None:
    assert names.sound(one) == names.sound(other) != names.sound("Bakker")


# Merging


class Twice:
    """One person who was recorded twice, in three families."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.registrar = world.as_(world.registrar)
        self.only_source, self.both, self.apart = (world.a_family(at=ago(days=9)) for _ in range(3))
        _, self.source = world.a_member(self.only_source, at=ago(days=8))
        _, self.target = world.a_member(self.only_other(), at=ago(days=8), bsn=a_bsn())
        self.member(self.both, self.source, ago(days=7))
        self.member(self.both, self.target, ago(days=5))
        self.leave(self.member(self.apart, self.source, ago(days=7)), ago(days=6))
        self.member(self.apart, self.target, ago(days=5))
        agency = world.an_agency()
        self.involvement = world.an_involvement(self.only_source, agency, at=ago(days=7))
        self.name_in(self.involvement)

    def only_other(self) -> Family:
        self.other = self.world.a_family(at=ago(days=9))
        return self.other

    def member(self, family: Family, person: Person, at: Any) -> Member:
        def join(work: Work, mine: Family) -> Member:
            return members.join(work, mine, work.session.get_one(Person, person.id), MemberRole.CHILD)

        return self.world.around(family, join, at=at)

    def leave(self, member: Member, at: Any) -> None:
        def go(work: Work, mine: Family) -> None:
            members.leave(work, members.get(work, mine, member.id))

        self.world.around(self.apart, go, at=at)

    def name_in(self, involvement: Involvement) -> None:
        def name(work: Work, _: Family) -> None:
            row = work.session.get_one(Involvement, involvement.id)
            row.person_id = self.source.id
            work._told[id(row)] = row

        self.world.around(self.only_source, name)

    @property
    def families(self) -> list[Family]:
        return [self.only_source, self.both, self.apart, self.other]

    def rows(self) -> dict[str, Any]:
        """Every membership and involvement around the families, as it stands."""
        ids = [family.id for family in self.families]
        with self.world.session() as session:
            found: list[Any] = [
                *session.exec(select(Member).where(Member.family_id.in_(ids))),  # type: ignore[attr-defined]
                *session.exec(select(Involvement).where(Involvement.family_id.in_(ids))),  # type: ignore[attr-defined]
            ]
            return {str(row.id): row.model_dump() for row in found}

    def of(self, person: Person, family: Family) -> list[tuple[Any, Any]]:
        mine = [row for row in self.rows().values() if row.get("person_id") == person.id and "role" in row]
        periods = [(row["started_at"], row["ends_at"]) for row in mine if row["family_id"] == family.id]
        return sorted(periods, key=lambda period: period[0])

    def merge(self) -> dict[str, Any]:
        answer = self.registrar.post(f"/persons/{self.source.id}/_merge", {"intoPersonId": str(self.target.id)})
        assert answer.status_code == 200, answer.text
        done: dict[str, Any] = answer.json()
        return done


@pytest.fixture
def twice(world: World) -> Twice:
    return Twice(world)


def test_memberships_keep_their_periods_and_overlapping_ones_become_one(twice: Twice) -> None:
    before = {family.id: (twice.of(twice.source, family), twice.of(twice.target, family)) for family in twice.families}
    twice.merge()
    for family in twice.families:
        assert twice.of(twice.source, family) == []
    assert twice.of(twice.target, twice.only_source) == before[twice.only_source.id][0]
    assert twice.of(twice.target, twice.other) == before[twice.other.id][1]
    assert twice.of(twice.target, twice.apart) == [period for periods in before[twice.apart.id] for period in periods]
    [(first, _)], [_] = before[twice.both.id]
    assert twice.of(twice.target, twice.both) == [(first, None)]
    assert twice.rows()[str(twice.involvement.id)]["person_id"] == twice.target.id


def test_undo_restores_every_row_exactly(twice: Twice) -> None:
    before = twice.rows()
    done = twice.merge()
    assert twice.rows() != before
    undone = twice.registrar.post(f"/merges/{done['id']}/_undo")
    assert undone.status_code == 200, undone.text
    assert undone.json()["undoneAt"]
    assert twice.rows() == before
    refused(twice.registrar.post(f"/merges/{done['id']}/_undo"), 409, "merge_undone")
    again = twice.merge()
    assert twice.registrar.post(f"/merges/{again['id']}/_undo").is_success
    assert twice.rows() == before


def test_what_has_changed_since_is_not_undone(twice: Twice) -> None:
    done = twice.merge()
    [member] = [
        one
        for one in twice.registrar.get(f"/families/{twice.both.id}/members").json()["items"]
        if one["personId"] == str(twice.target.id)
    ]
    assert twice.registrar.post(f"/families/{twice.both.id}/members/{member['id']}/_leave").is_success
    before = twice.rows()
    refused(twice.registrar.post(f"/merges/{done['id']}/_undo"), 409, "changed_since")
    assert twice.rows() == before


def test_a_merge_is_told_in_each_family_to_lead_and_registrar_only(twice: Twice) -> None:
    world = twice.world
    parent = world.as_(world.relative(twice.target))
    done = twice.merge()
    for family in (twice.only_source, twice.both, twice.apart):
        assert world.told(family, "person.merged"), family
        assert "person.merged" in twice.registrar.get(f"/families/{family.id}/timeline").text
        assert "person.merged" not in parent.get(f"/families/{family.id}/timeline").text
    assert world.told(twice.other, "person.merged") == []
    twice.registrar.post(f"/merges/{done['id']}/_undo")
    assert world.told(twice.both, "person.merge_undone")


def test_who_was_merged_is_possible_no_more(world: World, registrar: tuple[Caller, str]) -> None:
    source, target = (a_person(world, registrar[1], "Sam", "Bakker") for _ in range(2))
    assert len(found(registrar)) == 1
    done = registrar[0].post(f"/persons/{source.id}/_merge", {"intoPersonId": str(target.id)}).json()
    assert found(registrar) == []
    listed = registrar[0].get("/merges").json()["items"]
    assert [(one["id"], one["undoneAt"]) for one in listed] == [(done["id"], None)]
    registrar[0].post(f"/merges/{done['id']}/_undo")
    assert len(found(registrar)) == 1


def test_refusals(world: World, registrar: tuple[Caller, str]) -> None:
    caller, code = registrar
    plain, other, third = (a_person(world, code, "Sam", "Bakker") for _ in range(3))
    with_bsn, with_other = (a_person(world, code, "Sam", "Bakker", bsn=a_bsn()) for _ in range(2))
    hidden = a_person(world, code, "Sam", "Bakker", shielded=True)
    for source, target, problem in (
        (plain, plain, "same_person"),
        (with_bsn, with_other, "two_persons"),
        (with_bsn, plain, "bsn_would_be_lost"),
        (hidden, plain, "shielded_differs"),
        (plain, hidden, "shielded_differs"),
    ):
        refused(caller.post(f"/persons/{source.id}/_merge", {"intoPersonId": str(target.id)}), 409, problem)
    assert caller.post(f"/persons/{plain.id}/_merge", {"intoPersonId": str(other.id)}).is_success
    for source, target in ((plain, third), (third, plain)):
        answer = caller.post(f"/persons/{source.id}/_merge", {"intoPersonId": str(target.id)})
        refused(answer, 409, "merged_already")


def test_a_person_of_another_municipality_is_as_good_as_none(twice: Twice) -> None:
    elsewhere = a_person(twice.world, twice.world.a_municipality().code, "Sam", "Voorbeeld")
    ids = (elsewhere.id, uuid4())
    into = [twice.registrar.post(f"/persons/{twice.source.id}/_merge", {"intoPersonId": str(one)}) for one in ids]
    assert as_answered(into[0]) == as_answered(into[1])
    assert into[0].status_code == 400
    named = [twice.registrar.post(f"/persons/{one}/_merge", {"intoPersonId": str(twice.target.id)}) for one in ids]
    assert as_answered(named[0]) == as_answered(named[1])
    assert named[0].status_code == 404
    done = twice.merge()
    other = twice.world.as_(twice.world.a_registrar(twice.world.a_municipality()))
    undone = [other.post(f"/merges/{one}/_undo") for one in (UUID(done["id"]), uuid4())]
    assert as_answered(undone[0]) == as_answered(undone[1])
    assert other.get("/merges").json()["items"] == []
