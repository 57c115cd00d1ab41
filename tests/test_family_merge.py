"""A family that was recorded twice is found by its members, goes on as one, and can be taken apart again."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlmodel import col, select

from api.domain import consents, families, measures, members, persons
from api.domain.codes import AgencyKind, ConsentDecision, FamilyClosing, LegalBasis, MeasureKind, MemberRole
from api.domain.models import Agency, Consent, Family, Involvement, Measure, Member, Merge, Person, Registration
from api.domain.work import Work
from tests.access.sweep import as_answered
from tests.world import Caller, World, a_bsn, ago, in_days, refused

BORN = date(1985, 4, 1)
A_CHILD = date(2019, 5, 6)


class Doubled:
    """One household in two families: a parent in both, a child in the one, a second child in the other."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.municipality = world.a_municipality()
        self.registrar = world.as_(world.a_registrar(self.municipality))
        self.source, self.target = (world.a_family(self.municipality, at=ago(days=9)) for _ in range(2))
        _, self.parent = world.a_member(self.source, bsn=a_bsn(), at=ago(days=8))
        self.child_of_source, self.child = world.a_member(self.source, MemberRole.CHILD, A_CHILD, at=ago(days=8))
        self.join(self.target, self.parent, MemberRole.OTHER_CARER)
        self.youth_care = world.an_agency()
        self.debt_help = world.an_agency(AgencyKind.DEBT_HELP)
        self.shelter = world.an_agency(AgencyKind.WOMENS_SHELTER)

    def join(self, family: Family, person: Person, role: MemberRole) -> Member:
        return self.world.around(
            family,
            lambda work, mine: members.join(work, mine, work.session.get_one(Person, person.id), role),
            at=ago(days=7),
        )

    def involve(self, family: Family, agency: Agency, *domains: str, **terms: Any) -> Involvement:
        return self.world.an_involvement(family, agency, domains or ("parenting",), at=ago(days=6), **terms)

    def say(self, family: Family, decision: ConsentDecision, agency: Agency, **more: Any) -> Consent:
        me = self.parent.id
        return self.world.around(
            family,
            lambda work, mine: consents.record(work, mine, me, decision, given_by_id=me, agency_id=agency.id, **more),
            at=ago(days=6, hours=12),
        )

    def order(self, family: Family) -> Measure:
        """A supervision order of the child."""
        institution = self.world.an_agency(AgencyKind.CERTIFIED_INSTITUTION)
        return self.world.around(
            family,
            lambda work, mine: measures.record(
                work, mine, self._child_in(work, mine), MeasureKind.SUPERVISION_ORDER, institution.id
            ),
            at=ago(days=6, hours=12),
        )

    def _child_in(self, work: Work, family: Family) -> Member:
        return next(member for member, person in members.current(work, family) if person.id == self.child.id)

    def rows(self, table: Any, family: Family) -> list[Any]:
        with self.world.session() as session:
            found = select(table).where(table.family_id == family.id).order_by(table.started_at, table.id)
            return list(session.exec(found))

    def running(self, table: Any, family: Family) -> list[Any]:
        return [row for row in self.rows(table, family) if row.ends_at is None or row.ends_at > ago()]

    def involved(self, family: Family) -> dict[UUID, Involvement]:
        return {one.agency_id: one for one in self.running(Involvement, family)}

    def who(self, family: Family) -> dict[UUID, tuple[str, bool]]:
        return {one.person_id: (one.role, one.parental_authority) for one in self.running(Member, family)}

    def merge(self) -> dict[str, Any]:
        answer = self.registrar.post(f"/families/{self.source.id}/_merge", {"intoFamilyId": str(self.target.id)})
        assert answer.status_code == 200, answer.text
        done: dict[str, Any] = answer.json()
        return done

    def undo(self, done: dict[str, Any]) -> Any:
        return self.registrar.post(f"/merges/{done['id']}/_undo")

    def undone(self, done: dict[str, Any]) -> None:
        answer = self.undo(done)
        assert answer.status_code == 200, answer.text
        assert answer.json()["undoneAt"]

    def family(self, family: Family) -> dict[str, Any]:
        answer: dict[str, Any] = self.registrar.get(f"/families/{family.id}").json()
        return answer


@pytest.fixture
def doubled(world: World) -> Doubled:
    return Doubled(world)


TERMS = ("agency_id", "professional_id", "help_domains", "shielded", "legal_basis", "legal_ground", "measure_id")
MORE_TERMS = ("basis_ends_at", "ends_at", "person_id", "disclosure_stage", "confirmation_due_on", "consented_domains")


def terms(involvement: Involvement) -> dict[str, Any]:
    return {name: getattr(involvement, name) for name in (*TERMS, *MORE_TERMS)}


# Which families may be one


def pairs(caller: Caller, at_least: int = 70) -> list[dict[str, Any]]:
    answer = caller.get("/possible-duplicate-families", params={"atLeast": at_least})
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def test_two_families_with_a_member_in_common_may_be_one(doubled: Doubled) -> None:
    [pair] = pairs(doubled.registrar)
    assert {one["id"] for one in pair["families"]} == {str(doubled.source.id), str(doubled.target.id)}
    assert pair["sharedPersonIds"] == [str(doubled.parent.id)]
    assert pair["likeness"] == 100


def test_and_two_with_members_who_may_be_one_person(world: World) -> None:
    municipality = world.a_municipality()
    registrar = world.as_(world.a_registrar(municipality))
    one, other, apart = (world.a_family(municipality) for _ in range(3))
    people = {str(world.a_member(family, birth_date=BORN)[1].id) for family in (one, other)}
    world.a_member(apart, birth_date=date(1951, 12, 3), bsn=a_bsn())
    [pair] = pairs(registrar, at_least=90)
    assert {family["id"] for family in pair["families"]} == {str(one.id), str(other.id)}
    assert (set(pair["alikePersonIds"]), pair["sharedPersonIds"], pair["likeness"]) == (people, [], 100)


def test_not_those_that_are_closed_or_were_left_or_are_elsewhere(doubled: Doubled) -> None:
    world = doubled.world
    assert pairs(world.as_(world.a_registrar(world.a_municipality()))) == []
    [member] = [one for one in doubled.running(Member, doubled.target) if one.person_id == doubled.parent.id]
    assert doubled.registrar.post(f"/families/{doubled.target.id}/members/{member.id}/_leave").is_success
    assert pairs(doubled.registrar) == []
    doubled.join(doubled.source, world.a_member(doubled.target)[1], MemberRole.OTHER)
    assert len(pairs(doubled.registrar)) == 1
    assert doubled.registrar.post(f"/families/{doubled.source.id}/_close", {"closing": "completed"}).is_success
    assert pairs(doubled.registrar) == []


def test_whom_the_registrar_is_shown_is_on_record(doubled: Doubled) -> None:
    pairs(doubled.registrar)
    shown = {one.shown_person_id for one in doubled.world.records(doubled.source) if one.decision == "shown"}
    assert shown == {doubled.parent.id, doubled.child.id}


# Merging


def test_the_source_closes_and_its_members_are_in_the_target_from_that_instant(doubled: Doubled) -> None:
    before = doubled.who(doubled.source)
    done = doubled.merge()
    assert (done["kind"], done["sourceId"], done["targetId"]) == (
        "family",
        str(doubled.source.id),
        str(doubled.target.id),
    )
    closed = doubled.family(doubled.source)
    assert (closed["closing"], bool(closed["closedAt"])) == ("merged", True)
    assert doubled.who(doubled.source) == {}
    assert doubled.who(doubled.target) == {
        doubled.parent.id: ("other_carer", False),
        doubled.child.id: before[doubled.child.id],
    }
    [left] = [one for one in doubled.rows(Member, doubled.source) if one.person_id == doubled.child.id]
    [joined] = [one for one in doubled.rows(Member, doubled.target) if one.person_id == doubled.child.id]
    assert left.ends_at == joined.started_at
    assert left.started_at == doubled.child_of_source.started_at
    [kept] = [one for one in doubled.rows(Member, doubled.target) if one.person_id == doubled.parent.id]
    assert kept.ends_at is None


def test_involvements_go_on_there_on_the_same_terms(doubled: Doubled) -> None:
    worker = doubled.world.a_professional(doubled.youth_care)
    doubled.involve(doubled.source, doubled.youth_care, "parenting", "housing", professional=worker)
    doubled.involve(
        doubled.source,
        doubled.debt_help,
        "finances",
        legal_basis=LegalBasis.CONSENT,
        legal_basis_ends_on=in_days(60),
        member_id=doubled.child_of_source.id,
    )
    doubled.involve(doubled.source, doubled.shelter, "child_safety", shielded=True)
    before = {agency: terms(one) for agency, one in doubled.involved(doubled.source).items()}
    doubled.merge()
    assert doubled.involved(doubled.source) == {}
    after = doubled.involved(doubled.target)
    assert {agency: terms(one) for agency, one in after.items()} == before
    assert after[doubled.debt_help.id].person_id == doubled.child.id
    ended = {one.agency_id: one for one in doubled.rows(Involvement, doubled.source)}
    assert {one.end_reason for one in ended.values()} == {"family_closed"}
    assert all(after[agency].started_at == one.ends_at for agency, one in ended.items())


def test_where_the_agency_has_one_there_its_help_domains_are_united(doubled: Doubled) -> None:
    there = doubled.involve(doubled.target, doubled.youth_care, "parenting")
    doubled.involve(doubled.source, doubled.youth_care, "parenting", "housing")
    doubled.merge()
    [one] = doubled.running(Involvement, doubled.target)
    assert (one.id, one.help_domains) == (there.id, ["housing", "parenting"])


def test_what_is_shielded_does_not_show_by_an_open_one(doubled: Doubled) -> None:
    doubled.involve(doubled.target, doubled.shelter, "housing")
    doubled.involve(doubled.source, doubled.shelter, "child_safety", shielded=True)
    onlooker = doubled.world.system(doubled.youth_care)
    doubled.involve(doubled.target, doubled.youth_care)
    doubled.merge()
    assert doubled.involved(doubled.target)[doubled.shelter.id].help_domains == ["housing"]
    assert "child_safety" not in doubled.world.as_(onlooker).get(f"/families/{doubled.target.id}/involvements").text


def test_mandate_and_contact_points_end_as_at_closing(doubled: Doubled) -> None:
    world = doubled.world
    lead = world.a_professional(doubled.youth_care)
    doubled.involve(doubled.source, doubled.youth_care)
    world.a_mandate(doubled.source, lead, at=ago(days=5))
    world.a_contact_point(doubled.source, lead, at=ago(days=5))
    doubled.merge()
    for told in ("mandate.ended", "contact_point.ended"):
        assert [event.reason for event in world.told(doubled.source, told)] == ["family_closed"]
    assert doubled.registrar.get(f"/families/{doubled.target.id}/mandates").json()["items"] == []


def test_an_objection_comes_along_and_stops_what_rests_on_consent(doubled: Doubled) -> None:
    consent = {"legal_basis": LegalBasis.CONSENT, "legal_basis_ends_on": in_days(60)}
    doubled.involve(doubled.target, doubled.debt_help, "finances", **consent)
    doubled.involve(doubled.source, doubled.youth_care, "parenting", **consent)
    objection = doubled.say(doubled.source, ConsentDecision.OBJECTED, doubled.debt_help)
    other = doubled.say(doubled.target, ConsentDecision.OBJECTED, doubled.youth_care)
    doubled.merge()
    assert {one.id for one in doubled.rows(Consent, doubled.target)} == {objection.id, other.id}
    assert doubled.involved(doubled.target) == {}
    [ended] = doubled.rows(Involvement, doubled.target)
    assert ended.end_reason == "legal_basis_ended"


def test_a_measure_comes_along_and_so_does_what_rests_on_it(doubled: Doubled) -> None:
    measure = doubled.order(doubled.source)
    doubled.involve(doubled.source, doubled.youth_care, legal_basis=LegalBasis.MEASURE, measure_id=measure.id)
    doubled.merge()
    [moved] = doubled.rows(Measure, doubled.target)
    assert (moved.id, moved.started_at) == (measure.id, measure.started_at)
    assert doubled.involved(doubled.target)[doubled.youth_care.id].measure_id == measure.id
    assert [one.measure_id for one in doubled.rows(Involvement, doubled.source)] == [None]
    assert doubled.family(doubled.target)["framework"] == "court_ordered"


def test_of_a_measure_that_both_have_the_targets_goes_on(doubled: Doubled) -> None:
    doubled.join(doubled.target, doubled.child, MemberRole.CHILD)
    there, here = doubled.order(doubled.target), doubled.order(doubled.source)
    doubled.involve(doubled.source, doubled.youth_care, legal_basis=LegalBasis.MEASURE, measure_id=here.id)
    done = doubled.merge()
    assert [one.id for one in doubled.rows(Measure, doubled.target)] == [there.id]
    assert doubled.involved(doubled.target)[doubled.youth_care.id].measure_id == there.id
    doubled.undone(done)
    assert doubled.involved(doubled.source)[doubled.youth_care.id].measure_id == here.id


def test_it_is_told_to_lead_and_registrar_only(doubled: Doubled) -> None:
    world = doubled.world
    doubled.involve(doubled.target, doubled.youth_care)
    lead = world.a_professional(doubled.youth_care)
    world.a_mandate(doubled.target, lead, at=ago(days=5))
    doubled.undone(doubled.merge())
    for family in (doubled.source, doubled.target):
        assert len(world.told(family, "family.merged")) == len(world.told(family, "family.merge_undone")) == 1
    path = f"/families/{doubled.target.id}/timeline"
    for caller in (doubled.registrar, world.as_(world.actor(lead))):
        assert {"family.merged", "family.merge_undone"} <= {one["type"] for one in caller.get(path).json()["items"]}
    for actor in (world.system(doubled.youth_care), world.relative(doubled.parent)):
        seen = world.as_(actor).get(path)
        assert seen.status_code == 200
        assert "family.merge" not in seen.text


# Undoing


def test_undo_begins_anew_with_the_same_members_and_terms(doubled: Doubled) -> None:
    measure = doubled.order(doubled.source)
    said = doubled.say(doubled.source, ConsentDecision.GIVEN, doubled.debt_help, ends_on=in_days(30))
    doubled.involve(doubled.source, doubled.youth_care, legal_basis=LegalBasis.MEASURE, measure_id=measure.id)
    doubled.involve(
        doubled.source, doubled.debt_help, "finances", legal_basis=LegalBasis.CONSENT, legal_basis_ends_on=in_days(60)
    )
    doubled.involve(doubled.source, doubled.shelter, "child_safety", shielded=True)
    doubled.involve(doubled.target, doubled.shelter, "housing", shielded=True)
    both = (doubled.source, doubled.target)

    def state() -> list[Any]:
        return [
            (
                {agency: terms(one) for agency, one in doubled.involved(family).items()},
                doubled.who(family),
                {one.id for one in doubled.rows(Consent, family)},
                {one.id for one in doubled.rows(Measure, family)},
                doubled.family(family)["framework"],
                doubled.family(family)["closing"],
            )
            for family in both
        ]

    before = state()
    for _ in range(2):
        done = doubled.merge()
        assert doubled.involved(doubled.target).keys() == {
            one.id for one in (doubled.youth_care, doubled.debt_help, doubled.shelter)
        }
        assert said.id in {one.id for one in doubled.rows(Consent, doubled.target)}
        doubled.undone(done)
        assert state() == before
        refused(doubled.undo(done), 409, "merge_undone")
    began = [one for one in doubled.rows(Involvement, doubled.target) if one.end_reason]
    assert {one.end_reason for one in began} == {"merge_undone"}
    again = doubled.running(Involvement, doubled.source)
    ended = [one for one in doubled.rows(Involvement, doubled.target) if one.agency_id == doubled.youth_care.id]
    assert max(one.ends_at for one in ended) == again[0].started_at


def test_what_lapsed_by_itself_since_does_not_stop_an_undo_and_does_not_run_again(doubled: Doubled) -> None:
    doubled.involve(
        doubled.source, doubled.debt_help, "finances", legal_basis=LegalBasis.CONSENT, legal_basis_ends_on=in_days(60)
    )
    done = doubled.merge()
    [began] = doubled.running(Involvement, doubled.target)

    def lapse(work: Work) -> None:
        """As if time had gone by: its end, and that of what was remembered of it, are over."""
        row, merge = work.session.get_one(Involvement, began.id), work.session.get_one(Merge, UUID(done["id"]))
        row.ends_at = work.at
        moved = [dict(one) for one in merge.moved]
        for one in moved:
            if one["table"] == "Involvement":
                ends_at = row.model_dump(mode="json")["ends_at"]
                key = "after" if one["done"] == "began" else "before"
                one[key] = one[key] | {"ends_at": ends_at}
        merge.moved = moved
        work._told[id(row)], work._told[id(merge)] = row, merge

    doubled.world.do(lapse)
    doubled.undone(done)
    [lapsed] = doubled.rows(Involvement, doubled.target)
    assert lapsed.end_reason == "legal_basis_ended"
    assert doubled.involved(doubled.source) == {}


CHANGES = {
    "a member left": lambda it: it.registrar.post(
        f"/families/{it.target.id}/members/"
        f"{next(one.id for one in it.running(Member, it.target) if one.person_id == it.child.id)}/_leave"
    ),
    "an involvement ended": lambda it: it.world.as_(it.world.system(it.youth_care)).post(
        f"/families/{it.target.id}/involvements/{it.involved(it.target)[it.youth_care.id].id}/_end",
        {"reason": "completed"},
    ),
    "help domains changed": lambda it: it.world.as_(it.world.system(it.debt_help)).change(
        f"/families/{it.target.id}/involvements/{it.involved(it.target)[it.debt_help.id].id}",
        {"helpDomains": ["finances"]},
    ),
    "an objection was withdrawn": lambda it: it.registrar.post(
        f"/families/{it.target.id}/consents/{it.rows(Consent, it.target)[0].id}/_withdraw"
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_has_changed_since_is_not_undone(doubled: Doubled, change: str) -> None:
    doubled.involve(doubled.source, doubled.youth_care)
    doubled.involve(doubled.source, doubled.debt_help, "finances", "housing")
    doubled.involve(doubled.target, doubled.debt_help, "finances")
    doubled.say(doubled.source, ConsentDecision.OBJECTED, doubled.shelter)
    done = doubled.merge()
    changed = CHANGES[change](doubled)
    assert changed.is_success, changed.text
    refused(doubled.undo(done), 409, "changed_since")
    assert doubled.family(doubled.source)["closing"] == "merged"


def test_not_while_the_target_is_closed(doubled: Doubled) -> None:
    done = doubled.merge()
    assert doubled.registrar.post(f"/families/{doubled.target.id}/_close", {"closing": "completed"}).is_success
    refused(doubled.undo(done), 409, "family_closed")


def test_not_while_another_agency_rests_on_the_measure(doubled: Doubled) -> None:
    measure = doubled.order(doubled.source)
    done = doubled.merge()
    doubled.world.an_involvement(
        doubled.target, doubled.youth_care, legal_basis=LegalBasis.MEASURE, measure_id=measure.id, at=ago()
    )
    refused(doubled.undo(done), 409, "changed_since")


# Refusals


def test_it_is_merged_or_closed_and_reopened_by_its_own_ways_only(doubled: Doubled) -> None:
    closing = {"closing": "merged"}
    assert doubled.registrar.post(f"/families/{doubled.source.id}/_close", closing).status_code == 400
    doubled.merge()
    refused(doubled.registrar.post(f"/families/{doubled.source.id}/_reopen"), 409, "merged_already")


def test_a_family_is_not_merged_into_itself_nor_with_one_that_is_closed(doubled: Doubled) -> None:
    path = f"/families/{doubled.source.id}/_merge"
    refused(doubled.registrar.post(path, {"intoFamilyId": str(doubled.source.id)}), 409, "same_family")
    doubled.world.around(doubled.target, lambda work, mine: families.close(work, mine, FamilyClosing.COMPLETED))
    refused(doubled.registrar.post(path, {"intoFamilyId": str(doubled.target.id)}), 409, "family_closed")
    back = f"/families/{doubled.target.id}/_merge"
    refused(doubled.registrar.post(back, {"intoFamilyId": str(doubled.source.id)}), 409, "family_closed")


def test_a_family_of_another_municipality_is_as_good_as_none(doubled: Doubled) -> None:
    world = doubled.world
    elsewhere = world.a_family(world.a_municipality())
    into = [
        doubled.registrar.post(f"/families/{doubled.source.id}/_merge", {"intoFamilyId": str(one)})
        for one in (elsewhere.id, uuid4())
    ]
    assert as_answered(into[0]) == as_answered(into[1])
    assert into[0].status_code == 404
    registrar = world.as_(world.a_registrar(world.a_municipality()))
    done = doubled.merge()
    undone = [registrar.post(f"/merges/{one}/_undo") for one in (done["id"], uuid4())]
    assert as_answered(undone[0]) == as_answered(undone[1])
    assert undone[0].status_code == 404


def test_nobody_but_the_registrar_merges(doubled: Doubled) -> None:
    world = doubled.world
    doubled.involve(doubled.source, doubled.youth_care)
    lead = world.a_professional(doubled.youth_care)
    world.a_mandate(doubled.source, lead, at=ago(days=5))
    body = {"intoFamilyId": str(doubled.target.id)}
    for actor in (world.actor(lead), world.relative(doubled.parent)):
        refused(world.as_(actor).post(f"/families/{doubled.source.id}/_merge", body), 403, "relation_lacking")


# What a merge of persons means for who was merged


def test_a_record_that_was_merged_is_found_changed_and_joined_no_more(world: World) -> None:
    municipality = world.a_municipality()
    registrar = world.as_(world.a_registrar(municipality))
    family = world.a_family(municipality)

    def twice(work: Work) -> list[Person]:
        known = {"given_name": "Sam", "surname": "Bakker", "birth_date": BORN}
        return [persons.register(work, municipality.code, **known) for _ in range(2)]  # type: ignore[arg-type]

    source, target = world.do(twice)
    registration = _confirmed(world, municipality.code, source)
    done = registrar.post(f"/persons/{source.id}/_merge", {"intoPersonId": str(target.id)}).json()
    search = {"surname": "bakker", "birthDate": str(BORN)}
    found = registrar.post("/persons/_search", search).json()["items"]
    assert [one["id"] for one in found] == [str(target.id)]
    refused(registrar.change(f"/persons/{source.id}", {"surname": "Kok"}), 409, "merged_already")
    joining = {"personId": str(source.id), "role": "parent"}
    refused(registrar.post(f"/families/{family.id}/members", joining), 409, "merged_already")
    assert _person_of(world, registration) == target.id
    assert registrar.post(f"/merges/{done['id']}/_undo").is_success
    assert _person_of(world, registration) == source.id
    assert len(registrar.post("/persons/_search", search).json()["items"]) == 2
    assert registrar.post(f"/families/{family.id}/members", joining).is_success


def _confirmed(world: World, code: str, person: Person) -> UUID:
    agency = world.an_agency()
    about = {"municipalityCode": code, "givenName": "Sam", "surname": "Bakker", "birthDate": str(BORN)}
    on = {"helpDomains": ["parenting"], "legalBasis": "vital_interest"}
    made = world.as_(world.system(agency)).post("/registrations", about | on)
    assert made.status_code == 201, made.text
    registration_id = UUID(made.json()["id"])

    def name(work: Work) -> None:
        row = work.session.get_one(Registration, registration_id)
        row.person_id = person.id
        work._told[id(row)] = row

    world.do(name)
    return registration_id


def _person_of(world: World, registration_id: UUID) -> UUID | None:
    with world.session() as session:
        named = select(col(Registration.person_id)).where(Registration.id == registration_id)
        return session.exec(named).one()


def test_two_merges_the_other_way_around_at_once_are_one_merge(doubled: Doubled) -> None:
    """Each locks its own family first: the database ends the deadlock, and who comes second finds one closed."""
    ways = [(doubled.source.id, doubled.target.id), (doubled.target.id, doubled.source.id)]
    with ThreadPoolExecutor(2) as at_once:
        asked = [
            at_once.submit(doubled.registrar.post, f"/families/{one}/_merge", {"intoFamilyId": str(other)})
            for one, other in ways
        ]
    assert sorted(one.result().status_code for one in asked) == [200, 409]
    assert sorted(bool(doubled.family(one)["closedAt"]) for one in (doubled.source, doubled.target)) == [False, True]
