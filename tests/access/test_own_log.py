"""A family member sees who was shown their own data: not a relative's, no shielded agency, nothing that warns."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from api.domain import disclosure_holds, involvements
from api.domain.actor import Actor, Role
from api.domain.codes import AgencyKind, MemberRole
from api.domain.models import Agency, AuditRecord, Family, Person
from api.domain.own_log import DELAYS
from tests.access.scene import Scene
from tests.world import World, ago, in_days, refused, today


class Home:
    """A mother, a father and a child, with two agencies around them."""

    def __init__(self, world: World) -> None:
        self.world, self.family = world, world.a_family()
        _, self.mother = world.a_member(self.family)
        _, self.father = world.a_member(self.family)
        _, self.child = world.a_member(self.family, MemberRole.CHILD, birth_date=years_ago(8))
        self.debt_help = self.agency(AgencyKind.DEBT_HELP)

    def agency(self, kind: AgencyKind = AgencyKind.SCHOOL, **terms: Any) -> Agency:
        agency = self.world.an_agency(kind)
        self.world.an_involvement(self.family, agency, **terms)
        return agency

    def looks(self, agency: Agency) -> None:
        answer = self.world.as_(self.world.system(agency)).get(f"/families/{self.family.id}/who-is-involved")
        assert answer.status_code == 200, answer.text

    def looked(self, agency: Agency, at: datetime, person: Person, family: Family | None = None) -> None:
        """A look at an earlier moment."""
        actor = self.world.system(agency)
        about = {"family_id": (family or self.family).id, "shown_person_id": person.id, "fields": "team"}
        with self.world.session() as session:
            session.add(AuditRecord.of(actor, "team:read", "shown", at, **about))
            session.commit()

    def log(self, person: Person, **query: Any) -> list[dict[str, Any]]:
        answer = self.world.as_(self.world.relative(person)).get("/my-disclosures", params={"limit": 200} | query)
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    def agencies_in(self, person: Person) -> list[str]:
        return [entry["agency"]["id"] for entry in self.log(person) if entry["agency"]]


def years_ago(years: int) -> date:
    return today() - timedelta(days=round(years * 365.25 + 30))


@pytest.fixture
def home(world: World) -> Home:
    return Home(world)


def test_a_parent_sees_who_looked_at_her_own_data_and_not_at_her_partners(home: Home) -> None:
    registrar = home.world.as_(home.world.registrar)
    home.looks(home.debt_help)
    assert registrar.get(f"/persons/{home.mother.id}").status_code == 200
    for _ in range(2):
        assert registrar.get(f"/persons/{home.father.id}").status_code == 200
    [municipality, agency] = home.log(home.mother)
    assert (municipality["role"], municipality["agency"]) == ("registrar", None)
    assert municipality["municipality"] == home.world.municipality.name
    assert agency["agency"] == {"id": str(home.debt_help.id), "name": home.debt_help.name, "kind": "debt_help"}
    assert (agency["role"], agency["purpose"], agency["fields"], agency["decision"]) == (
        "agency_system",
        "coordination_of_help",
        "team",
        "shown",
    )
    assert (agency["legalBasis"], agency["byMyself"], agency["municipality"]) == ("statutory_task", False, None)
    assert len(home.log(home.father)) == 3


def test_a_professional_is_named_by_agency_and_function_only(world: World, home: Home) -> None:
    worker = world.an_involved_professional(home.family)
    world.as_(world.actor(worker)).get(f"/families/{home.family.id}/who-is-involved")
    answer = world.as_(world.relative(home.mother)).get("/my-disclosures")
    [entry] = answer.json()["items"]
    assert (entry["function"], entry["role"]) == ("hulpverlener", "professional")
    assert worker.name not in answer.text
    assert str(worker.id) not in answer.text


def test_relatives_do_not_see_each_other_look_and_see_themselves(home: Home) -> None:
    path = f"/families/{home.family.id}/who-is-involved"
    assert home.world.as_(home.world.relative(home.father)).get(path).status_code == 200
    assert home.log(home.mother) == []
    [own] = home.log(home.father)
    assert (own["byMyself"], own["role"], own["agency"], own["municipality"]) == (True, "family_member", None, None)


def test_a_look_into_the_own_log_is_recorded_and_does_not_fill_it(world: World, home: Home) -> None:
    for _ in range(3):
        assert home.log(home.mother) == []
    with world.session() as session:
        rows = session.connection().exec_driver_sql(
            "SELECT action, person_id FROM audit_record WHERE shown_person_id = %s", (home.mother.id,)
        )
        assert [tuple(row) for row in rows] == [("own_log:read", home.mother.id)] * 3


def test_a_shielded_agency_never_shows_also_not_once_it_is_shielded_no_longer(world: World, home: Home) -> None:
    shelter = world.an_agency(AgencyKind.WOMENS_SHELTER)
    involvement = world.an_involvement(home.family, shelter, ["child_safety"], shielded=True)
    home.looks(shelter)
    assert home.log(home.mother) == []

    def unshield(work: Any, mine: Family) -> None:
        involvements.change(work, mine, involvements.get(work, mine, involvement.id), shielded=False)

    world.around(home.family, unshield, world.system(shelter))
    home.looks(shelter)
    assert home.log(home.mother) == []


def test_an_agency_that_is_shielded_around_one_family_does_not_show_by_another(world: World, home: Home) -> None:
    other = world.a_family()
    agency = home.agency(AgencyKind.ADDICTION_CARE)
    join(world, other, home.mother)
    world.an_involvement(other, agency, shielded=True)
    home.looks(agency)
    assert home.agencies_in(home.mother) == []
    assert home.agencies_in(home.father) == [str(agency.id)]


def join(world: World, family: Family, person: Person) -> None:
    path = f"/families/{family.id}/members"
    answer = world.as_(world.registrar).post(path, {"personId": str(person.id), "role": "parent"})
    assert answer.status_code == 201, answer.text


def test_who_is_in_two_families_sees_the_looks_by_either(world: World, home: Home) -> None:
    other = Home(world)
    join(world, other.family, home.mother)
    home.looks(home.debt_help)
    other.looks(other.debt_help)
    assert set(home.agencies_in(home.mother)) == {str(home.debt_help.id), str(other.debt_help.id)}
    assert home.agencies_in(home.father) == [str(home.debt_help.id)]


def test_who_left_still_sees_who_looked_while_they_were_there(world: World, home: Home) -> None:
    home.looks(home.debt_help)
    registrar = world.as_(world.registrar)
    members = registrar.get(f"/families/{home.family.id}/members").json()["items"]
    [mine] = [one["id"] for one in members if one["personId"] == str(home.mother.id)]
    assert registrar.post(f"/families/{home.family.id}/members/{mine}/_leave").status_code == 200
    home.looks(home.debt_help)
    assert home.agencies_in(home.mother) == [str(home.debt_help.id)]


def test_an_agency_that_is_not_openly_involved_at_that_moment_does_not_show(world: World, home: Home) -> None:
    home.looked(home.debt_help, ago(minutes=3, seconds=30), home.mother)  # before it was involved
    invited = world.an_agency()
    world.an_invitation(home.family, invited)
    home.looked(invited, ago(seconds=5), home.mother)
    home.looked(world.an_agency(), ago(seconds=5), home.mother)
    assert home.log(home.mother) == []


def test_an_agency_that_is_there_for_a_relative_alone_does_not_show(world: World, home: Home) -> None:
    agency = world.an_agency(AgencyKind.ADDICTION_CARE)
    involvement = world.an_involvement(home.family, agency)
    with world.session() as session:
        session.connection().exec_driver_sql(
            "UPDATE involvement SET person_id = %s WHERE id = %s", (home.father.id, involvement.id)
        )
        session.commit()
    home.looks(agency)
    assert home.agencies_in(home.mother) == []
    assert home.agencies_in(home.father) == [str(agency.id)]


@pytest.mark.parametrize("kind", DELAYS)
def test_some_looks_are_shown_after_a_while(world: World, home: Home, kind: AgencyKind) -> None:
    agency = home.agency(kind)
    with world.session() as session:
        session.connection().exec_driver_sql(
            "UPDATE involvement SET started_at = started_at - interval '200 days' WHERE agency_id = %s", (agency.id,)
        )
        session.commit()
    home.looks(agency)
    home.looked(agency, ago(days=DELAYS[kind] - 1), home.mother)
    assert home.log(home.mother) == []
    home.looked(agency, ago(days=DELAYS[kind] + 1), home.mother)
    assert home.agencies_in(home.mother) == [str(agency.id)]


def test_pages_hold_every_entry_once_and_no_gap_shows(world: World, home: Home) -> None:
    shelter = world.an_agency(AgencyKind.WOMENS_SHELTER)
    world.an_involvement(home.family, shelter, ["child_safety"], shielded=True)
    at = ago(seconds=30)
    for number in range(9):
        home.looked(home.debt_help if number % 3 else shelter, at - timedelta(seconds=number // 4), home.mother)
    caller, cursor, pages = world.as_(world.relative(home.mother)), "", []
    while cursor is not None:
        answer = caller.get("/my-disclosures", params={"limit": 2, "cursor": cursor})
        pages.append(answer.json()["items"])
        cursor = answer.json()["nextCursor"]
    assert [len(page) for page in pages] == [2, 2, 2]
    assert [entry for page in pages for entry in page] == home.log(home.mother)


# Holds


def hold(home: Home, actor: Actor | None = None) -> dict[str, Any]:
    caller = home.world.as_(actor or home.world.registrar)
    answer = caller.post(f"/families/{home.family.id}/disclosure-holds", {"endsOn": str(in_days(30))})
    assert answer.status_code == 201, answer.text
    held: dict[str, Any] = answer.json()
    return held


def test_a_hold_holds_back_what_follows_and_leaves_what_was_seen(home: Home) -> None:
    home.looks(home.debt_help)
    before = home.log(home.mother)
    held = hold(home)
    home.looks(home.debt_help)
    home.world.as_(home.world.relative(home.mother)).get(f"/families/{home.family.id}/who-is-involved")
    own, *rest = home.log(home.mother)
    assert own["byMyself"]
    assert rest == before
    path = f"/families/{home.family.id}/disclosure-holds/{held['id']}/_lift"
    assert home.world.as_(home.world.registrar).post(path).json()["endedEarly"] is True
    assert home.agencies_in(home.mother) == [str(home.debt_help.id)] * 2
    refused(home.world.as_(home.world.registrar).post(path), 409, "hold_ended")


def test_a_hold_ends_by_itself(world: World, home: Home) -> None:
    long_ago = ago(days=3)
    family = world.a_family(at=ago(days=4))
    home.family = family
    home.debt_help = home.agency(AgencyKind.DEBT_HELP, at=ago(days=4))
    world.around(family, lambda work, mine: disclosure_holds.place(work, mine, in_days(-2)), at=long_ago)
    _, mother = world.a_member(family, at=ago(days=4))
    home.looked(home.debt_help, ago(days=2, hours=20), mother)
    assert home.agencies_in(mother) == [str(home.debt_help.id)]


@pytest.mark.parametrize("ends", [-1, 500])
def test_a_hold_has_an_end_within_a_year(home: Home, ends: int) -> None:
    body = {"endsOn": str(in_days(ends))}
    answer = home.world.as_(home.world.registrar).post(f"/families/{home.family.id}/disclosure-holds", body)
    refused(answer, 400, "invalid")


def test_lead_registrar_and_privacy_officer_hold_and_members_never_see_that_there_is_one(world: World) -> None:
    scene = Scene(world)
    path = f"{scene.path}/disclosure-holds"
    for who in ("registrar", "lead", "officer"):
        answer = world.as_(scene.related[who]).post(path, {"endsOn": str(in_days(9))})
        assert answer.status_code == 201, who
        assert len(world.as_(scene.related[who]).get(path).json()["items"]) >= 1
    for who in ("parent", "teenager", "involved_system", "named", "contact_point"):
        refused(world.as_(scene.related[who]).get(path), 403, "relation_lacking")
        timeline = world.as_(scene.related[who]).get(f"{scene.path}/timeline", params={"limit": 200})
        assert "disclosure_hold" not in timeline.text, who
    assert "disclosure_hold.placed" in world.as_(world.registrar).get(f"{scene.path}/timeline?limit=200").text
    assert len(world.told(scene.family, "disclosure_hold.placed")) == 3


# Who may look


def test_from_twelve_a_child_may_look_for_themselves(world: World, home: Home) -> None:
    _, teenager = world.a_member(home.family, MemberRole.CHILD, birth_date=years_ago(13))
    home.looks(home.debt_help)
    assert home.agencies_in(teenager) == [str(home.debt_help.id)]
    refused(world.as_(world.relative(home.child)).get("/my-disclosures"), 403, "too_young")


def test_only_a_family_member_has_an_own_log(world: World, home: Home) -> None:
    for actor in (world.registrar, world.officer(), world.system(home.debt_help)):
        refused(world.as_(actor).get("/my-disclosures"), 403, "role_lacking")
    stranger = Actor(role=Role.FAMILY_MEMBER, subject="x", person_id=home.family.id)
    assert world.as_(stranger).get("/my-disclosures").json() == {"items": [], "nextCursor": None}
