"""What is shown in FHIR's words is valid FHIR R4 of the shape of nl-core, and says what Spil says, never why."""

from datetime import date
from typing import Any
from uuid import UUID

import pytest
from httpx import Client

from api.domain import families, involvements
from api.domain.codes import AgencyKind, FamilyClosing, InvolvementEnd, MemberRole
from api.fhir.codings import ORGANIZATION_TYPES
from api.fhir.datatypes import human_name
from api.fhir.ids import joined, parted
from tests.access.scene import Scene
from tests.fhir.reading import OF_DIRECTORY, OF_FAMILIES, found, reader, roles
from tests.fhir.validating import must_be_valid
from tests.world import World, ago

READERS = ("registrar", "lead", "deputy", "contact_point", "involved_system", "named", "cover", "parent", "teenager")
SHOWN = {"versionId", "lastUpdated", "profile", "security", "tag"}


@pytest.mark.parametrize("who", [*READERS, "invited_system", "officer", "candidate"])
def test_all_that_is_shown_is_valid(scene: Scene, who: str) -> None:
    asks = reader(scene.world, scene.related[who])
    for kind in (*OF_FAMILIES, *OF_DIRECTORY):
        answer = asks.get(kind, params={"_count": 7})
        if (who, answer.status_code) in {("parent", 403), ("teenager", 403)}:
            continue
        assert answer.status_code == 200, answer.text
        must_be_valid(answer.json())
        for one in found(answer.json())[:2]:
            assert set(one["meta"]) <= SHOWN
            alone = asks.get(f"{kind}/{one['id']}")
            assert alone.json() == one, kind
            assert alone.headers["ETag"] == f'W/"{one["meta"]["versionId"]}"'
    shows = {kind: "entry" in asks.get(kind).json() for kind in OF_FAMILIES}
    if who in READERS:
        assert all(shows.values())
    else:
        assert shows == dict.fromkeys(OF_FAMILIES, False) | {"EpisodeOfCare": who == "invited_system"}


def test_the_capability_statement_is_valid_and_for_anyone(client: Client) -> None:
    answer = client.get("/fhir/metadata", headers={"Accept": "application/fhir+json"})
    statement = answer.json()
    must_be_valid(statement)
    assert answer.headers["Content-Type"] == "application/fhir+json"
    assert statement["fhirVersion"] == "4.0.1"
    assert {one["type"] for one in statement["rest"][0]["resource"]} == {*OF_FAMILIES, *OF_DIRECTORY}


# Care teams


@pytest.fixture(scope="module")
def team(scene: Scene) -> dict[str, Any]:
    asks = reader(scene.world, scene.related["lead"])
    return asks.read("CareTeam", joined(scene.family.id, scene.parent_person.id))


def test_there_is_a_care_team_for_each_member(scene: Scene) -> None:
    teams = reader(scene.world, scene.related["lead"]).all("CareTeam")
    subjects = {parted(one["subject"]["reference"].partition("/")[2]) for one in teams}
    assert subjects == {(scene.family.id, person) for person in scene.persons}
    assert {one["status"] for one in teams} == {"active"}
    assert len({str(one["participant"]) for one in teams}) == 1


def test_the_lead_is_the_care_team_coordinator_for_the_mandates_period(scene: Scene, team: dict[str, Any]) -> None:
    [lead] = [one for one in team["participant"] if "lead_coordinator" in str(one["role"])]
    assert {"system": "http://snomed.info/sct", "code": "768821004", "display": "Care team coordinator"} in lead[
        "role"
    ][0]["coding"]
    assert lead["member"]["reference"] == f"PractitionerRole/{scene.lead.id}"
    assert lead["onBehalfOf"]["reference"] == f"Organization/{scene.youth_care.id}"
    assert set(lead["period"]) == {"start", "end"}


def test_contact_points_deputy_and_involved_take_part_in_their_roles(scene: Scene, team: dict[str, Any]) -> None:
    known = roles(team)
    assert ({"deputy"}, f"PractitionerRole/{scene.deputy.id}") in known
    assert ({"contact_point", "parenting"}, f"PractitionerRole/{scene.contact.id}") in known
    assert ({"involved", "finances"}, f"PractitionerRole/{scene.named.id}") in known
    [responsible] = team["managingOrganization"]
    assert responsible["reference"] == f"Organization/municipality-{scene.family.municipality_code}"
    assert not [who for codes, who in known if "invited" in codes or who == f"Organization/{scene.invited.id}"]


def test_an_agency_without_a_named_professional_takes_part_itself(world: World) -> None:
    family, agency = world.a_family(), world.an_agency()
    world.a_member(family)
    world.an_involvement(family, agency)
    [team] = reader(world, world.system(agency)).all("CareTeam")
    assert roles(team) == [({"involved", "parenting"}, f"Organization/{agency.id}")]


def test_who_covers_for_an_absent_contact_point_takes_part(world: World) -> None:
    made = world.a_team()
    world.a_member(made.family)
    absent, cover = (world.a_professional(made.agency) for _ in range(2))
    world.a_contact_point(made.family, absent)
    world.an_absence(absent, cover=cover)
    [team] = reader(world, world.actor(made.lead)).all("CareTeam")
    assert ({"cover", "parenting"}, f"PractitionerRole/{cover.id}") in roles(team)


def test_the_team_of_a_closed_family_is_inactive_and_ended(world: World) -> None:
    made = world.a_team(at=ago(days=3))
    _, person = world.a_member(made.family, at=ago(days=2))
    world.around(made.family, lambda work, mine: families.close(work, mine, FamilyClosing.COMPLETED))
    asks = reader(world, world.relative(person))
    [team] = asks.all("CareTeam", status="inactive")
    assert team["status"] == "inactive"
    assert "end" in team["period"]
    assert asks.all("CareTeam", status="active") == []


# Members and their kin


def test_parents_and_children_are_each_others_related_persons(scene: Scene) -> None:
    asks = reader(scene.world, scene.related["lead"])
    kin = {
        parted(one["id"])[1:]: {coding["code"] for role in one["relationship"] for coding in role["coding"]}
        for one in asks.all("RelatedPerson")
    }
    parent, teenager, child = (one.person_id for one in (scene.parent, scene.teenager, scene.small_child))
    assert kin == {
        (teenager, parent): {"PRN", "24"},
        (child, parent): {"PRN", "24"},
        (parent, teenager): {"CHILD"},
        (parent, child): {"CHILD"},
    }
    patient = asks.read("Patient", joined(scene.family.id, parent))
    links = {(one["type"], parted(one["other"]["reference"].partition("/")[2])[1:]) for one in patient["link"]}
    assert links == {("seealso", (teenager, parent)), ("seealso", (child, parent))}


def test_step_and_foster_parents_are_named_so_and_others_are_no_kin(world: World) -> None:
    family = world.a_family()
    people = {
        role: world.a_member(family, role, birth_date=date(1980, 1, 1))[1].id
        for role in MemberRole
        if role not in {MemberRole.CHILD, MemberRole.PARENT}
    }
    _, child = world.a_member(family, MemberRole.CHILD, date(2015, 1, 1))
    patients = ",".join(joined(family.id, one) for one in (child.id, *people.values()))
    kin = reader(world, world.registrar).all("RelatedPerson", patient=patients)
    codes = {parted(one["id"])[1:]: one["relationship"][0]["coding"][0]["code"] for one in kin}
    step, foster = people[MemberRole.STEP_PARENT], people[MemberRole.FOSTER_PARENT]
    assert codes == {
        (child.id, step): "STPPRN",
        (child.id, foster): "PRNFOST",
        (step, child.id): "STPCHLD",
        (foster, child.id): "CHLDFOST",
    }


@pytest.mark.parametrize(
    ("surname", "prefix", "own"),
    [("Bos", None, "Bos"), ("van der Berg", "van der", "Berg"), ("'t Hart", "'t", "Hart"), ("de", None, "de")],
)
def test_a_family_name_is_split_as_nl_core_wants_it(surname: str, prefix: str | None, own: str) -> None:
    name = human_name("Zoë", surname)
    parts = {one["url"].rpartition("/")[2]: one["valueString"] for one in name["_family"]["extension"]}
    assert (parts.get("humanname-own-prefix"), parts["humanname-own-name"]) == (prefix, own)
    assert (name["family"], name["given"], name["text"]) == (surname, ["Zoë"], f"Zoë {surname}")


def test_who_is_in_two_families_is_a_patient_in_each_with_one_identifier(world: World) -> None:
    agency, families_ = world.an_agency(), [world.a_family() for _ in range(2)]
    _, person = world.a_member(families_[0])
    path = f"/families/{families_[1].id}/members"
    world.as_(world.registrar).post(path, {"personId": str(person.id), "role": "parent"})
    for one in families_:
        world.an_involvement(one, agency)
    patients = reader(world, world.system(agency)).all("Patient", identifier=f"urn:spil:person|{person.id}")
    assert {parted(one["id"]) for one in patients} == {(one.id, person.id) for one in families_}
    assert {one["identifier"][0]["value"] for one in patients} == {str(person.id)}


# Episodes


def test_an_involvement_is_an_episode_in_each_of_its_states(world: World) -> None:
    made = world.a_team(at=ago(days=3))
    _, person = world.a_member(made.family, at=ago(days=2))
    asked = world.an_agency(AgencyKind.SCHOOL)
    world.an_invitation(made.family, asked)
    ended = world.an_involvement(made.family, world.an_agency(), ["housing"], at=ago(days=1))

    def end(work: Any, mine: Any) -> None:
        own = involvements.get(work, mine, ended.id)
        involvements.end(work, mine, own, InvolvementEnd.COMPLETED)

    world.around(made.family, end, world.registrar)
    asks = reader(world, world.actor(made.lead))
    known = {one["status"]: one for one in asks.all("EpisodeOfCare")}
    assert set(known) == {"planned", "active", "finished"}
    assert known["finished"]["type"][0]["coding"][0]["code"] == "housing"
    assert set(known["finished"]["period"]) == {"start", "end"}
    assert "period" not in known["planned"]
    active = known["active"]
    assert active["careManager"]["reference"] == f"PractitionerRole/{made.lead.id}"
    assert active["managingOrganization"]["reference"] == f"Organization/{made.agency.id}"
    assert active["team"] == [{"reference": f"CareTeam/{joined(made.family.id, person.id)}", "type": "CareTeam"}]
    for one in known.values():
        assert parted(one["patient"]["reference"].partition("/")[2]) == (made.family.id, person.id)
    assert [one["status"] for one in asks.all("EpisodeOfCare", status="finished,planned")].count("active") == 0


def test_an_episode_with_one_member_is_that_members_for_whom_may_know_it(world: World) -> None:
    made = world.a_team()
    member, child = world.a_member(made.family, MemberRole.CHILD, date(2012, 1, 1))
    world.a_member(made.family)
    about = world.an_involved_professional(made.family, member_id=member.id)
    other = world.an_involved_professional(made.family, ["housing"])

    def of(actor: Any) -> set[Any]:
        found_ = reader(world, actor).all("EpisodeOfCare", organization=f"Organization/{about.agency_id}")
        return {parted(one["patient"]["reference"].partition("/")[2])[1] for one in found_}

    assert of(world.actor(made.lead)) == of(world.actor(about)) == {child.id}
    assert len(of(world.actor(other))) == 2, "To others it is with the family."


# The directory


def test_each_kind_of_agency_has_a_type(world: World) -> None:
    assert set(ORGANIZATION_TYPES) == set(AgencyKind)
    agency = world.an_agency(AgencyKind.SCHOOL)
    one = reader(world, world.system(agency)).read("Organization", str(agency.id))
    assert [kind["coding"][0]["code"] for kind in one["type"]] == ["school", "edu"]


def test_a_municipality_is_an_organization_with_its_access_team(world: World) -> None:
    one = reader(world, world.registrar).read("Organization", f"municipality-{world.municipality.code}")
    must_be_valid(one)
    assert one["name"] == world.municipality.name
    assert {known["value"] for known in one["telecom"]} == {"+31 30 000 00 00", "wijkteam@example.nl"}


def test_a_version_changes_with_what_is_seen_only(world: World) -> None:
    made = world.a_team()
    _, person = world.a_member(made.family)
    ordinary = world.an_involved_professional(made.family)
    asks = reader(world, world.actor(ordinary))
    path = f"CareTeam/{joined(made.family.id, person.id)}"
    first = asks.get(path)
    world.an_involvement(made.family, world.an_agency(AgencyKind.WOMENS_SHELTER), ["housing"], shielded=True)
    again = asks.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert asks.get(path).json() == first.json(), "Not even lastUpdated moved."
    world.a_contact_point(made.family, made.lead)
    assert asks.get(path).headers["ETag"] != first.headers["ETag"]
    assert asks.get(path).json()["meta"]["lastUpdated"] > first.json()["meta"]["lastUpdated"]


def test_ids_are_read_only_as_they_are_written() -> None:
    ids = [UUID(int=number) for number in (1, 2**127, 2**128 - 1)]
    for length in (1, 2, 3):
        assert parted(joined(*ids[:length])) == tuple(ids[:length])
    joint = joined(*ids[:2])
    for bad in ("", "x", "é", joint + "=", joint[:-1] + "B", joint + "AA", joint[:-4], "A" * 65, "_" * 43):
        assert parted(bad) == (), bad


def test_a_team_on_a_page_is_the_team_by_itself(world: World) -> None:
    """Each family is looked at by itself, whoever comes before it on the page."""
    for at in range(8):
        team = world.a_team(("parenting",) if at % 2 else ("housing", "finances"))
        world.a_member(team.family)
        if at % 3:
            world.a_deputy(team, world.an_involved_professional(team.family))
    asks = reader(world, world.registrar)
    teams = asks.all("CareTeam", _count=50)
    assert len(teams) >= 8
    for one in teams:
        assert asks.get(f"CareTeam/{one['id']}").json() == one
