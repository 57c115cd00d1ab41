"""In FHIR's words too, everybody is shown what the policy shows them, and nothing tells of the rest."""

import re
from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from api.domain import involvements
from api.domain.actor import Actor, Role
from api.domain.codes import DisclosureStage, MemberRole
from api.fhir.ids import joined, parted
from tests.access.scene import Scene
from tests.access.sweep import as_answered, without_names
from tests.fhir.reading import OF_FAMILIES, Reader, about, found, link, outcome, reader, roles, text_of
from tests.fhir.validating import must_be_valid
from tests.world import Team, World, a_bsn, in_days

BIRTH_DATES = ("1985-04-01", "2010-02-03", "2018-05-06")
SEES_BIRTH_DATES = {"registrar", "lead", "deputy"}
ORDINARY = ("deputy", "contact_point", "involved_system", "named", "cover", "parent", "teenager")


def everything(asks: Reader) -> str:
    return text_of(asks.all(kind) for kind in OF_FAMILIES)


# Who sees nothing


@pytest.fixture(scope="module")
def ids(scene: Scene) -> dict[str, str]:
    """A resource of each type about the scene's family."""
    family, parent, child = scene.family.id, scene.parent_person.id, scene.small_child_person.id
    return {
        "CareTeam": joined(family, parent),
        "Patient": joined(family, parent),
        "RelatedPerson": joined(family, child, parent),
        "EpisodeOfCare": joined(family, scene.debt_involvement.id, parent),
    }


def test_who_may_sees_each_of_them(scene: Scene, ids: dict[str, str]) -> None:
    """So that the tests of who sees nothing can't pass by asking for nothing."""
    asks = reader(scene.world, scene.related["named"])
    for kind, logical_id in ids.items():
        must_be_valid(asks.read(kind, logical_id))


def test_an_invited_agency_sees_its_own_invitation_and_of_nobody_whom_it_is_about(scene: Scene) -> None:
    asks = reader(scene.world, scene.related["invited_system"])
    [episode] = asks.all("EpisodeOfCare")
    assert episode["status"] == "planned"
    assert episode["patient"] == {"extension": [MASKED]}
    assert asks.read("EpisodeOfCare", joined(scene.family.id, scene.invitation.id)) == episode
    assert [asks.all(kind) for kind in ("CareTeam", "Patient", "RelatedPerson")] == [[], [], []]


MASKED = {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "masked"}


@pytest.mark.parametrize("who", ["officer", "candidate", "invited_system"])
def test_a_relation_without_the_permission_reads_no_team(scene: Scene, ids: dict[str, str], who: str) -> None:
    asks = reader(scene.world, scene.related[who])
    answers = [as_answered(asks.get(f"CareTeam/{one}")) for one in (ids["CareTeam"], joined(uuid4(), uuid4()))]
    assert answers[0] == answers[1]
    assert answers[0][0] == 404


@pytest.mark.parametrize(("years", "sees"), [(11, False), (13, True)])
def test_a_child_reads_from_twelve(world: World, years: int, sees: bool) -> None:
    family = world.a_family()
    birthday = in_days(-10).replace(year=in_days(-10).year - years)
    _, child = world.a_member(family, MemberRole.CHILD, birthday)
    asks = reader(world, world.relative(child))
    assert [len(asks.all(kind)) for kind in ("CareTeam", "Patient")] == [sees, sees]


# Stages of disclosure


def at_stage(world: World, stage: DisclosureStage) -> tuple[Team, Any, Any, Reader]:
    """A team with a contact point and another agency; and an agency that is involved with a child at this stage."""
    team = world.a_team()
    bsn = a_bsn()
    member, child = world.a_member(team.family, MemberRole.CHILD, date(2014, 1, 1), bsn=bsn)
    world.a_member(team.family)
    world.an_involved_professional(team.family, ["housing"])
    world.a_contact_point(team.family, team.lead)
    agency = world.an_agency()
    own = world.an_involvement(team.family, agency, ["child_development"], member_id=member.id)
    _disclose(world, team, own.id, stage)
    return team, own, (child, bsn), reader(world, world.system(agency))


def _disclose(world: World, team: Team, involvement_id: Any, stage: DisclosureStage) -> None:
    def decide(work: Any, mine: Any) -> None:
        involvements.disclose(work, involvements.get(work, mine, involvement_id), stage)

    world.around(team.family, decide, world.actor(team.lead))


def test_a_signalling_agency_is_shown_that_others_are_involved(world: World) -> None:
    team, own, (child, bsn), asks = at_stage(world, DisclosureStage.OTHERS_INVOLVED)
    [shown] = asks.all("CareTeam")
    must_be_valid(shown)
    assert shown["id"] == joined(team.family.id, own.id)
    assert shown["subject"] == {"reference": f"Patient/{joined(team.family.id, child.id)}", "type": "Patient"}
    assert [codes for codes, _ in roles(shown)] == [{"involved", "child_development"}, {"others_involved"}]
    assert shown["participant"][1]["member"] == {"extension": [MASKED]}
    assert [one["code"] for one in shown["meta"]["tag"]] == ["others_involved"]
    assert "name" not in shown
    assert found(asks.by_bsn("CareTeam", bsn).json()) == [shown]
    _sees_only_its_own(asks, team, shown)


def test_a_consulting_agency_is_shown_the_lead_and_whom_to_call(world: World) -> None:
    team, _, (_, bsn), asks = at_stage(world, DisclosureStage.LEAD_AND_CONTACT_POINTS)
    [shown] = asks.all("CareTeam")
    must_be_valid(shown)
    lead = f"PractitionerRole/{team.lead.id}"
    assert [(codes, who == lead) for codes, who in roles(shown)] == [
        ({"lead_coordinator", "768821004"}, True),
        ({"contact_point", "parenting"}, True),
        ({"involved", "child_development"}, False),
        ({"others_involved"}, False),
    ]
    assert found(asks.by_bsn("CareTeam", bsn).json()) == [shown]
    _sees_only_its_own(asks, team, shown)


def _sees_only_its_own(asks: Reader, team: Team, shown: dict[str, Any]) -> None:
    assert [asks.all(kind) for kind in ("Patient", "RelatedPerson")] == [[], []]
    [episode] = asks.all("EpisodeOfCare")
    assert episode["team"][0]["reference"] == f"CareTeam/{shown['id']}"
    assert episode["patient"]["reference"] == shown["subject"]["reference"]
    outcome(asks.get(shown["subject"]["reference"]), 404, "not_found")
    assert asks.read("CareTeam", shown["id"]) == shown
    outcome(asks.get(f"CareTeam/{joined(team.family.id, uuid4())}"), 404, "not_found")
    assert "Voorbeeld" not in text_of([shown, episode])


def test_an_agency_that_is_shown_more_sees_the_members_teams(world: World) -> None:
    team, own, (child, _), asks = at_stage(world, DisclosureStage.OTHERS_INVOLVED)
    _disclose(world, team, own.id, DisclosureStage.AGENCIES)
    assert joined(team.family.id, child.id) in {one["id"] for one in asks.all("CareTeam")}
    assert len(asks.all("Patient")) == 2


def test_when_something_was_changed_that_an_agency_may_not_know_its_team_does_not_show_it(world: World) -> None:
    team, _, _, asks = at_stage(world, DisclosureStage.OTHERS_INVOLVED)
    before = asks.all("CareTeam")
    world.an_involved_professional(team.family, ["finances"])
    world.a_contact_point(team.family, world.a_professional(team.agency))
    assert asks.all("CareTeam") == before


# Fields


@pytest.mark.parametrize("who", [*ORDINARY, "lead", "registrar"])
def test_birth_dates_are_for_whom_the_policy_names_and_a_bsn_for_nobody(scene: Scene, who: str) -> None:
    text = text_of(about(reader(scene.world, scene.related[who]), scene.family.id, scene.persons))
    own = {"parent": {BIRTH_DATES[0]}, "teenager": {BIRTH_DATES[1]}}.get(who, set())
    assert {one for one in BIRTH_DATES if one in text} == (set(BIRTH_DATES) if who in SEES_BIRTH_DATES else own)
    assert scene.bsn not in text


@pytest.mark.parametrize("who", ORDINARY)
def test_a_shielded_involvement_shows_nowhere(scene: Scene, who: str) -> None:
    assert scene.shielded_involvement
    text = text_of(about(reader(scene.world, scene.related[who]), scene.family.id, scene.persons))
    hidden = (scene.shelter.id, scene.shielded_worker.id, scene.shielded_involvement.id, scene.shelter.name)
    assert not [one for one in (*map(str, hidden), "child_safety", "very restricted") if one in text]
    path = f"EpisodeOfCare/{joined(scene.family.id, scene.shielded_involvement.id, scene.parent_person.id)}"
    outcome(reader(scene.world, scene.related[who]).get(path), 404, "not_found")


def test_a_shielded_involvement_shows_to_its_own_the_lead_and_the_registrar_as_very_restricted(scene: Scene) -> None:
    for actor in (scene.related["lead"], scene.world.registrar, scene.world.system(scene.shelter)):
        asks = reader(scene.world, actor)
        team = asks.read("CareTeam", joined(scene.family.id, scene.parent_person.id))
        assert f"PractitionerRole/{scene.shielded_worker.id}" in {who for _, who in roles(team)}
        assert team["meta"]["security"][0]["code"] == "V"
        patient = joined(scene.family.id, scene.parent_person.id)
        of_shelter = asks.all("EpisodeOfCare", organization=str(scene.shelter.id), patient=patient)
        assert {one["meta"]["security"][0]["code"] for one in of_shelter} == {"V"}


JOINT = re.compile(r'(?<=["/])[A-Za-z0-9.-]{43,64}(?=")')


@pytest.fixture(scope="module")
def unshielded(world: World) -> Scene:
    return Scene(world, shield=False)


@pytest.mark.parametrize("who", ["named", "involved_system", "parent"])
def test_without_a_shielded_involvement_an_ordinary_reader_would_see_the_same(
    scene: Scene, unshielded: Scene, who: str
) -> None:
    def seen(one: Scene) -> list[str]:
        asks = reader(one.world, one.related[who])
        texts = (text_of([resource]) for kind in OF_FAMILIES for resource in asks.all(kind))
        return sorted(without_names(JOINT.sub("#", text)) for text in texts)

    assert seen(scene) == seen(unshielded)


def test_a_shielded_person_is_shown_as_a_member_to_the_lead_and_the_registrar_only(world: World) -> None:
    team, bsn = world.a_team(), a_bsn()
    _, person = world.a_member(team.family, bsn=bsn, shielded=True)
    world.a_member(team.family, MemberRole.CHILD, date(2015, 1, 1))
    ordinary = world.an_involved_professional(team.family)
    asks, lead = (reader(world, world.actor(one)) for one in (ordinary, team.lead))
    assert str(person.id) in everything(lead)
    assert str(person.id) not in everything(asks)
    assert joined(team.family.id, person.id) not in everything(asks)
    hidden, nobody = (as_answered(asks.by_bsn("Patient", one)) for one in (bsn, a_bsn()))
    assert hidden == nobody
    assert len(found(lead.by_bsn("Patient", bsn).json())) == 1


# Searching by BSN


def test_a_bsn_known_elsewhere_and_one_known_nowhere_give_the_same_answer(scene: Scene) -> None:
    for outsider in ("uninvolved agency's system", "registrar elsewhere"):
        asks = reader(scene.world, scene.outsiders[outsider])
        for kind in OF_FAMILIES:
            known, unknown = (as_answered(asks.by_bsn(kind, one)) for one in (scene.bsn, a_bsn()))
            assert known == unknown, (outsider, kind)
            assert known[0] == 200
            assert "entry" not in known[2]


@pytest.mark.parametrize("kind", OF_FAMILIES)
def test_a_member_is_found_by_bsn_and_no_link_says_it(scene: Scene, kind: str) -> None:
    asks = reader(scene.world, scene.related["involved_system"])
    answer = asks.by_bsn(kind, scene.bsn, _count="1")
    [one] = found(answer.json())
    about = one["id"] if kind == "Patient" else one.get("subject", one.get("patient"))["reference"].partition("/")[2]
    assert parted(about) == (scene.family.id, scene.parent_person.id)
    assert scene.bsn not in answer.text
    assert f"urn%3Aspil%3Aperson%7C{scene.parent_person.id}" in str(link(answer.json(), "self"))


def test_pages_of_a_search_by_bsn_go_on_without_it(scene: Scene) -> None:
    asks = reader(scene.world, scene.related["lead"])
    first = asks.by_bsn("EpisodeOfCare", scene.bsn, _count="2").json()
    following = str(link(first, "next")).partition("/fhir/EpisodeOfCare?")[2]
    second = asks.get(f"EpisodeOfCare?{following}").json()
    assert len(found(first)) == len(found(second)) == 2
    assert not {one["id"] for one in found(first)} & {one["id"] for one in found(second)}


@pytest.mark.parametrize("name", ["patient.identifier", "identifier", "_id", "nothing", "_cursor"])
def test_a_bsn_in_a_uri_is_refused_and_the_refusal_doesnt_repeat_it(scene: Scene, name: str) -> None:
    asks = reader(scene.world, scene.related["lead"])
    for value in (
        scene.bsn,
        f"http://fhir.nl/fhir/NamingSystem/bsn|{scene.bsn}",
        "http://fhir.nl/fhir/NamingSystem/bsn|1",
    ):
        for ask in (asks.get, asks.post):
            path = "CareTeam" if ask == asks.get else "CareTeam/_search"
            answer = ask(path, params={name: value})
            outcome(answer, 400, "bsn_in_query")
            assert "_search" in answer.text
            assert scene.bsn not in answer.text


def test_what_can_be_no_bsn_is_refused(scene: Scene) -> None:
    answer = reader(scene.world, scene.related["lead"]).by_bsn("CareTeam", "123456789")
    assert "123456789" not in outcome(answer, 400, "invalid_bsn")["issue"][0]["diagnostics"]


# The record


def test_a_disclosure_is_on_record_for_each_member_and_a_search_in_vain_too(world: World) -> None:
    scene = Scene(world, shield=False)
    asks = reader(world, scene.related["named"])
    for permission, path in (
        ("team:read", f"CareTeam/{joined(scene.family.id, scene.parent_person.id)}"),
        ("family:read", "Patient"),
        ("involvement:read", "EpisodeOfCare?status=active"),
    ):
        before = len(world.records(scene.family))
        assert asks.get(path).status_code == 200
        new = world.records(scene.family)[before:]
        assert {(one.action, one.decision, one.relation) for one in new} == {(permission, "shown", "involved_agency")}
        assert {one.shown_person_id for one in new} == scene.persons


def test_what_does_not_match_is_not_shown_and_so_not_on_record(world: World) -> None:
    scene = Scene(world, shield=False)
    asks = reader(world, scene.related["named"])
    before = len(world.records(scene.family))
    for path in ("CareTeam?status=inactive", "EpisodeOfCare?status=waitlist", f"CareTeam?participant={uuid4()}"):
        assert found(asks.get(path).json()) == []
    assert len(world.records(scene.family)) == before


def test_what_an_outsider_asks_in_vain_is_on_record(world: World) -> None:
    scene = Scene(world, shield=False)
    asks = reader(world, scene.outsiders["uninvolved agency's system"])
    before = len(world.records(scene.family))
    outcome(asks.get(f"CareTeam/{joined(scene.family.id, scene.parent_person.id)}"), 404, "not_found")
    [one] = world.records(scene.family)[before:]
    assert (one.action, one.decision, one.agency_id) == ("team:read", "refused", scene.school.id)


def test_a_search_by_bsn_that_finds_nobody_is_on_record_without_it(world: World) -> None:
    agency = world.an_agency()
    reader(world, world.system(agency)).by_bsn("CareTeam", a_bsn())
    with world.session() as session:
        statement = "SELECT action, decision FROM audit_record WHERE agency_id = %(id)s"
        rows = session.connection().exec_driver_sql(statement, {"id": agency.id}).all()
    assert [tuple(one) for one in rows] == [("team:read", "refused")]


# Roles


def test_the_analyst_and_the_administrator_see_no_family(world: World, scene: Scene) -> None:
    code = world.municipality.code
    for actor in (Actor(role=Role.ANALYST, subject="y", municipality_code=code), world.administrator):
        assert everything(reader(world, actor)) == text_of([[]] * len(OF_FAMILIES))
