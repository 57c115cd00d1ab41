"""Two agencies involved with one person or family: the registrar sees a match, and decides what becomes of it."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from api.domain import families, match_follow_up, persons
from api.domain.actor import Actor, Role
from api.domain.codes import AgencyKind, FamilyClosing, MatchState, MemberRole
from api.domain.models import Agency, Match, Municipality, Person, Registration
from api.domain.work import Work
from tests.access.sweep import as_answered
from tests.registering import (
    a_body,
    involvements_of,
    matches_of,
    own,
    registered,
    somebody_in,
    the_match,
    told_about,
    work_through,
)
from tests.world import Caller, World, a_bsn, refused


def two(world: World, bsn: str | None = None, **more: Any) -> tuple[list[Agency], list[str]]:
    """Two agencies that registered one person, and the paths of what they registered."""
    bsn = bsn or a_bsn()
    agencies = [world.an_agency(AgencyKind.SCHOOL), world.an_agency(AgencyKind.DEBT_HELP)]
    paths = [registered(world, agency, bsn, **more) for agency in agencies]
    work_through(world)
    return agencies, paths


@pytest.fixture
def registrar(world: World) -> Caller:
    return world.as_(world.registrar)


# What is a match


def test_two_agencies_that_register_one_child_are_a_match_that_only_the_registrar_sees(
    world: World, registrar: Caller
) -> None:
    agencies, paths = two(world, helpDomains=["child_development"])
    shown = registrar.get(the_match(world, *paths)).json()
    assert (shown["kind"], shown["state"], shown["familyId"]) == ("same_person", "found", None)
    assert {one["agency"]["id"] for one in shown["registrations"]} == {str(agency.id) for agency in agencies}
    for one in shown["registrations"]:
        assert set(one) == {"id", "agency", "helpDomains", "shielded", "registeredAt", "hasJoined", "person"}
        assert one["helpDomains"] == ["child_development"]
    for agency, path in zip(agencies, paths, strict=True):
        assert own(world, agency, path)["state"] == "waiting"
        assert own(world, agency, path)["matchSharedAt"] is None
        assert world.as_(world.system(agency)).get("/matches").status_code == 403


def test_to_its_agency_a_registration_looks_the_same_with_a_match_and_without(world: World) -> None:
    agencies, paths = two(world)
    alone = world.an_agency()
    path = registered(world, alone, a_bsn())
    work_through(world)
    names = ("id", "agencyId", "registeredAt", "expiresAt", "legalGround")
    shown = [own(world, agency, one) for agency, one in [(agencies[0], paths[0]), (alone, path)]]
    assert shown[0] | dict.fromkeys(names) == shown[1] | dict.fromkeys(names)


def test_one_agency_twice_is_no_match(world: World) -> None:
    agency, bsn = world.an_agency(), a_bsn()
    one = registered(world, agency, bsn)
    other = registered(world, agency, bsn, professionalId=str(world.a_professional(agency).id))
    work_through(world)
    assert matches_of(world, one, other) == []


@pytest.mark.parametrize("kinship", ["parent", "child"])
@pytest.mark.parametrize("named_by", ["first", "second"])
def test_a_parent_and_a_child_that_an_agency_names_are_a_match(world: World, kinship: str, named_by: str) -> None:
    one, other = a_bsn(), a_bsn()
    naming = {"relatives": [{"kinship": kinship, "bsn": other}]}
    if named_by == "first":
        paths = [registered(world, world.an_agency(), one, **naming), registered(world, world.an_agency(), other)]
    else:
        paths = [registered(world, world.an_agency(), other), registered(world, world.an_agency(), one, **naming)]
    work_through(world)
    [match] = matches_of(world, *paths)
    assert str(match.kind) == "family"
    the_match(world, *paths)


def test_what_a_third_agency_knows_of_their_kinship_matches_the_first_two(world: World) -> None:
    parent, child = a_bsn(), a_bsn()
    paths = [registered(world, world.an_agency(), bsn) for bsn in (parent, child)]
    work_through(world)
    assert matches_of(world, *paths) == []
    registered(world, world.an_agency(), child, relatives=[{"kinship": "parent", "bsn": parent}])
    work_through(world)
    the_match(world, *paths)


def test_parents_and_children_of_a_closed_family_are_a_match(world: World) -> None:
    family = world.a_family()
    parent, _ = somebody_in(world, family)
    child, _ = somebody_in(world, family, role=MemberRole.CHILD)
    carer, _ = somebody_in(world, family, role=MemberRole.OTHER_CARER)
    world.around(family, lambda work, mine: families.close(work, mine, FamilyClosing.COMPLETED))
    paths = [registered(world, world.an_agency(), bsn) for bsn in (parent, child, carer)]
    work_through(world)
    the_match(world, *paths[:2])
    assert matches_of(world, paths[2]) == []


def test_a_parent_of_somebody_in_a_family_is_a_match_with_that_family(world: World, registrar: Caller) -> None:
    family, agency = world.a_family(), world.an_agency()
    child, _ = somebody_in(world, family, role=MemberRole.CHILD)
    path = registered(world, agency, a_bsn(), relatives=[{"kinship": "child", "bsn": child}])
    work_through(world)
    assert own(world, agency, path)["state"] == "waiting"
    shown = registrar.get(the_match(world, path)).json()
    assert (shown["kind"], shown["familyId"]) == ("family", str(family.id))
    assert not [one for one in world.told(family) if one.type.startswith("match.")]


def test_two_municipalities_know_nothing_of_each_other(world: World) -> None:
    there, bsn = world.a_municipality(), a_bsn()
    here, elsewhere = world.an_agency(), world.an_agency()
    path = registered(world, here, bsn)
    body = a_body(elsewhere, bsn, there.code)
    assert world.as_(world.system(elsewhere)).post("/registrations", body).status_code == 201
    work_through(world)
    assert matches_of(world, path) == []


def test_a_match_is_found_once_however_many_look(world: World) -> None:
    bsn = a_bsn()
    paths = [registered(world, world.an_agency(), bsn) for _ in range(4)]
    work_through(world, workers=3)
    found = matches_of(world, *paths)
    assert len(found) == 6
    for match in found:
        assert told_about(world, match.id) == ["match.found"]
    work_through(world)
    assert len(matches_of(world, *paths)) == 6


def test_another_municipalitys_match_is_as_good_as_none(world: World) -> None:
    _, paths = two(world)
    path = the_match(world, *paths)
    there = world.as_(world.a_registrar(world.a_municipality()))
    assert there.get("/matches").json()["items"] == []
    for method, rest, body in (
        ("GET", "", None),
        ("POST", "/_share", None),
        ("POST", "/_dismiss", None),
        ("POST", "/_join", {"familyId": str(uuid4())}),
    ):
        hidden, missing = (there.call(method, one + rest, json=body) for one in (path, f"/matches/{uuid4()}"))
        assert as_answered(hidden) == as_answered(missing)
        assert hidden.status_code == 404


# What the registrar decides


def test_sharing_tells_that_another_agency_is_involved_and_nothing_more(world: World, registrar: Caller) -> None:
    agencies, paths = two(world)
    path = the_match(world, *paths)
    before = [own(world, agency, one) for agency, one in zip(agencies, paths, strict=True)]
    shared = registrar.post(f"{path}/_share").json()
    assert (shared["state"], bool(shared["sharedAt"])) == ("shared", True)
    for agency, one, was in zip(agencies, paths, before, strict=True):
        now = own(world, agency, one)
        assert now["matchSharedAt"]
        assert now | {"matchSharedAt": None} == was
        assert told_about(world, now["id"])[-1] == "registration.match_shared"
    other = agencies[1]
    assert str(other.id) not in world.as_(world.system(agencies[0])).get("/registrations").text
    refused(registrar.post(f"{path}/_share"), 409, "match_decided")


@pytest.mark.parametrize("which", ["registration", "person"])
def test_what_is_shielded_is_not_shared(world: World, registrar: Caller, which: str) -> None:
    if which == "registration":
        _, paths = two(world, shielded=True)
    else:
        family, bsn = world.a_family(), a_bsn()
        _, person = world.a_member(family, bsn=bsn)
        world.do(lambda work: _shield(work, person), world.registrar)
        paths = [registered(world, world.an_agency(), bsn)]
        work_through(world)
    path = the_match(world, *paths)
    refused(registrar.post(f"{path}/_share"), 409, "shielded")
    assert registrar.get(path).json()["state"] == "found"


def _shield(work: Work, person: Person) -> None:
    persons.change(work, work.session.get_one(Person, person.id), shielded=True)


def test_that_only_a_shielded_agency_helps_a_family_is_not_shared(world: World, registrar: Caller) -> None:
    family, shelter, agency = world.a_family(), world.an_agency(AgencyKind.WOMENS_SHELTER), world.an_agency()
    child, _ = somebody_in(world, family, role=MemberRole.CHILD)
    world.an_involvement(family, shelter, ["child_safety"], shielded=True)
    path = registered(world, agency, a_bsn(), relatives=[{"kinship": "child", "bsn": child}])
    work_through(world)
    refused(registrar.post(f"{the_match(world, path)}/_share"), 409, "nobody")
    world.an_involvement(family, world.an_agency())
    assert registrar.post(f"{the_match(world, path)}/_share").is_success


def test_a_dismissed_match_is_not_found_again(world: World, registrar: Caller) -> None:
    agencies, paths = two(world)
    path = the_match(world, *paths)
    assert registrar.post(f"{path}/_dismiss").json()["state"] == "dismissed"
    world.as_(world.system(agencies[0])).post(f"{paths[0]}/_renew")
    work_through(world)
    assert len(matches_of(world, *paths)) == 1
    refused(registrar.post(f"{path}/_share"), 409, "match_decided")
    assert own(world, agencies[0], paths[0])["matchSharedAt"] is None


def test_a_match_becomes_a_family_in_which_both_agencies_are_involved(world: World, registrar: Caller) -> None:
    child, parent = a_bsn(), a_bsn()
    school, debt_help = world.an_agency(AgencyKind.SCHOOL), world.an_agency(AgencyKind.DEBT_HELP)
    paths = [
        registered(world, school, child, givenName="Noor", surname="Voorbeeld", birthDate="2014-05-06"),
        registered(world, debt_help, parent, relatives=[{"kinship": "child", "bsn": child}], helpDomains=["finances"]),
    ]
    work_through(world)
    path = the_match(world, *paths)
    ids = [one.rpartition("/")[2] for one in paths]
    body: dict[str, Any] = {
        "name": "Voorbeeld",
        "framework": "voluntary",
        "members": [
            {"registrationId": ids[0], "role": "child"},
            {"registrationId": ids[1], "role": "parent", "parentalAuthority": True},
        ],
    }
    refused(registrar.post(f"{path}/_open", body), 400, "invalid")
    body["members"][1]["person"] = {"givenName": "Sam", "surname": "Voorbeeld"}
    opened = registrar.post(f"{path}/_open", body)
    assert opened.status_code == 201, opened.text
    family = opened.headers["Location"].removeprefix("/v1")
    members = registrar.get(f"{family}/members").json()["items"]
    assert [(one["givenName"], one["role"]) for one in members] == [("Sam", "parent"), ("Noor", "child")]
    assert registrar.get(f"/persons/{members[1]['personId']}").json()["bsn"] == child
    for agency, one in ((school, paths[0]), (debt_help, paths[1])):
        assert own(world, agency, one)["familyId"] == opened.json()["id"]
    assert registrar.get(path).json()["state"] == "joined"
    shown = registrar.get(f"{family}/who-is-involved").json()
    assert {one["agency"]["id"] for one in shown["involvements"]} == {str(school.id), str(debt_help.id)}


def test_a_family_that_is_opened_for_a_match_holds_others_of_it_too(world: World, registrar: Caller) -> None:
    agencies, paths = two(world)
    third, bsn = world.an_agency(), a_bsn()
    other = registered(world, third, bsn)
    members = [
        {"registrationId": paths[0].rpartition("/")[2], "role": "child", "person": {"givenName": "A", "surname": "B"}},
        {"person": {"givenName": "C", "surname": "B", "bsn": bsn}, "role": "parent"},
    ]
    body = {"name": "B", "framework": "voluntary", "members": members}
    opened = registrar.post(f"{the_match(world, *paths)}/_open", body)
    assert opened.status_code == 201, opened.text
    work_through(world)
    assert own(world, third, other)["familyId"] == opened.json()["id"]
    refused(registrar.post(f"{the_match(world, *paths)}/_open", body), 409, "match_decided")
    assert all(own(world, agency, path)["state"] == "joined" for agency, path in zip(agencies, paths, strict=True))


def test_a_family_is_opened_with_what_the_match_has_only(world: World, registrar: Caller) -> None:
    _, paths = two(world)
    foreign = registered(world, world.an_agency(), a_bsn())
    for member in (
        {"registrationId": foreign.rpartition("/")[2], "role": "child"},
        {"registrationId": str(uuid4()), "role": "child"},
        {"role": "child"},
        {"registrationId": str(uuid4()), "personId": str(uuid4()), "role": "child"},
        {"personId": str(uuid4()), "role": "child"},
    ):
        body = {"name": "B", "framework": "voluntary", "members": [member]}
        refused(registrar.post(f"{the_match(world, *paths)}/_open", body), 400, "invalid")


def test_a_shielded_registration_joins_a_family_shielded(world: World, registrar: Caller) -> None:
    bsn, family = a_bsn(), world.a_family()
    shelter, agency = world.an_agency(AgencyKind.WOMENS_SHELTER), world.an_agency()
    paths = [registered(world, shelter, bsn, shielded=True), registered(world, agency, bsn)]
    work_through(world)
    joined = registrar.post(f"{the_match(world, *paths)}/_join", {"familyId": str(family.id)})
    assert joined.json()["state"] == "joined"
    assert [one.shielded for one in involvements_of(world, family, shelter)] == [True]
    assert str(shelter.id) not in world.as_(world.system(agency)).get(f"/families/{family.id}/who-is-involved").text


def test_a_match_joins_no_family_that_isnt_there(world: World, registrar: Caller) -> None:
    _, paths = two(world)
    path = f"{the_match(world, *paths)}/_join"
    there = world.a_family(world.a_municipality())
    answers = [registrar.post(path, {"familyId": str(one)}) for one in (there.id, uuid4())]
    assert as_answered(answers[0]) == as_answered(answers[1])
    refused(answers[0], 400, "invalid")
    closed = world.a_family()
    world.around(closed, lambda work, mine: families.close(work, mine, FamilyClosing.COMPLETED))
    refused(registrar.post(path, {"familyId": str(closed.id)}), 409, "family_closed")


def test_when_an_agency_is_no_longer_involved_its_match_is_gone(world: World, registrar: Caller) -> None:
    agencies, paths = two(world)
    path = the_match(world, *paths)
    world.as_(world.system(agencies[0])).post(f"{paths[0]}/_end", {"reason": "completed"})
    assert registrar.get(path).status_code == 404, "At once, before anything is written down."
    work_through(world)
    assert [str(one.state) for one in matches_of(world, *paths)] == ["lapsed"]
    assert path.rpartition("/")[2] not in registrar.get("/matches", params={"limit": 200}).text


def test_matches_come_in_pages_each_once_and_by_state(world: World) -> None:
    here = world.a_municipality()
    registrar = world.as_(world.a_registrar(here))
    for _ in range(3):
        bsn = a_bsn()
        for agency in (world.an_agency(), world.an_agency()):
            body = a_body(agency, bsn, here.code)
            assert world.as_(world.system(agency)).post("/registrations", body).status_code == 201
    work_through(world)
    found, cursor = [], ""
    while cursor is not None:
        page = registrar.get("/matches", params={"limit": 2, "cursor": cursor}).json()
        found += [item["id"] for item in page["items"]]
        cursor = page["nextCursor"]
    assert len(set(found)) == len(found) == 3
    registrar.post(f"/matches/{found[0]}/_dismiss")
    states = {state: registrar.get("/matches", params={"state": state}).json()["items"] for state in MatchState}
    assert [len(items) for items in states.values()] == [2, 0, 0, 1, 0]


# Consultation, and what came of it


def test_agencies_that_were_told_record_that_they_consulted(world: World, registrar: Caller) -> None:
    agencies, paths = two(world)
    path, caller = the_match(world, *paths), world.as_(world.system(agencies[0]))
    assert caller.post(f"{paths[0]}/_consulted").status_code == 409, "Nobody told it that there is another."
    registrar.post(f"{path}/_share")
    assert caller.post(f"{paths[0]}/_consulted").json()["consultedAt"]
    work_through(world)
    shown = registrar.get(path).json()
    assert shown["consultedAt"] == caller.get(paths[0]).json()["consultedAt"]
    assert told_about(world, shown["id"])[-1] == "match.consulted"
    assert own(world, agencies[1], paths[1])["consultedAt"] is None


def test_who_consulted_before_joining_starts_at_the_next_stage(world: World, registrar: Caller) -> None:
    agencies, paths = two(world)
    path, family = the_match(world, *paths), world.a_family()
    registrar.post(f"{path}/_share")
    world.as_(world.system(agencies[0])).post(f"{paths[0]}/_consulted")
    assert registrar.post(f"{path}/_join", {"familyId": str(family.id)}).is_success
    stages = [involvements_of(world, family, agency)[0].disclosure_stage for agency in agencies]
    assert [str(stage) for stage in stages] == ["lead_and_contact_points", "others_involved"]


def follow_up(world: World, municipality: Municipality, role: Role) -> dict[str, Any]:
    actor = Actor(role=role, subject=f"{role}", municipality_code=municipality.code)
    answer = world.as_(actor).get("/match-follow-up")
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


def some_matches(world: World, municipality: Municipality, state: MatchState, many: int, consulted: int = 0) -> None:
    """So many matches in a state, of which some led to a consultation after four days."""
    agencies = [world.an_agency() for _ in range(2)]
    started = datetime.now(UTC) - timedelta(days=30)
    with world.session() as session:
        for number in range(many):
            sides = [_registration(agency, municipality, started) for agency in agencies]
            first, second = sorted(sides, key=lambda one: one.id)
            session.add_all(sides)
            session.flush()
            session.add(
                Match(
                    municipality_code=municipality.code,
                    kind="same_person",
                    registration_id=first.id,
                    other_registration_id=second.id,
                    state=state,
                    found_at=started,
                    decided_at=None if state is MatchState.FOUND else started,
                    shared_at=started if state is MatchState.SHARED else None,
                    consulted_at=started + timedelta(days=4) if number < consulted else None,
                )
            )
        session.commit()


def _registration(agency: Agency, municipality: Municipality, at: datetime) -> Registration:
    return Registration(
        agency_id=agency.id,
        municipality_code=municipality.code,
        given_name="A",
        surname="B",
        birth_date=at.date(),
        help_domains=["parenting"],
        legal_basis="statutory_task",
        registered_at=at,
        expires_at=at + timedelta(days=730),
    )


def test_the_registrar_sees_what_came_of_every_match(world: World) -> None:
    here = world.a_municipality()
    some_matches(world, here, MatchState.SHARED, 4, consulted=3)
    some_matches(world, here, MatchState.DISMISSED, 1)
    shown = follow_up(world, here, Role.REGISTRAR)
    states = {one["state"]: one["count"] for one in shown["states"]}
    assert states == {"found": 0, "shared": 4, "joined": 0, "dismissed": 1, "lapsed": 0}
    assert (shown["found"], shown["consulted"], shown["notConsulted"]) == (5, 3, 1)
    assert (shown["shareConsulted"], shown["medianDaysToConsultation"]) == (0.75, 4.0)
    assert shown["suppressed"] is False


def test_an_analyst_sees_no_figure_below_five_nor_a_sum_it_could_be_worked_out_from(world: World) -> None:
    here = world.a_municipality()
    some_matches(world, here, MatchState.SHARED, 9, consulted=6)
    some_matches(world, here, MatchState.DISMISSED, 4)
    shown = follow_up(world, here, Role.ANALYST)
    states = {one["state"]: one["count"] for one in shown["states"]}
    assert states == {"found": None, "shared": 9, "joined": None, "dismissed": None, "lapsed": None}
    sums = ("found", "consulted", "notConsulted", "shareConsulted", "medianDaysToConsultation")
    assert [shown[name] for name in sums] == [None] * 5
    assert shown["suppressed"] is True


def test_an_analyst_sees_figures_that_point_at_nobody(world: World) -> None:
    here = world.a_municipality()
    for state in MatchState:
        some_matches(world, here, state, 10, consulted=5 if state is MatchState.SHARED else 0)
    shown = follow_up(world, here, Role.ANALYST)
    assert (shown["found"], shown["suppressed"]) == (50, False)
    assert (shown["consulted"], shown["notConsulted"], shown["shareConsulted"]) == (5, 15, 0.25)


def test_a_municipality_without_matches_looks_like_one_with_a_few(world: World) -> None:
    none, few = world.a_municipality(), world.a_municipality()
    some_matches(world, few, MatchState.SHARED, 4, consulted=4)
    assert follow_up(world, none, Role.ANALYST) == follow_up(world, few, Role.ANALYST)


def test_the_fewest_is_five() -> None:
    assert match_follow_up.FEWEST == 5
    assert Counter(MatchState).total() == 5


@pytest.mark.parametrize("role", [Role.AGENCY_SYSTEM, Role.PROFESSIONAL, Role.PRIVACY_OFFICER, Role.FAMILY_MEMBER])
def test_nobody_else_sees_matches_or_their_figures(world: World, role: Role) -> None:
    agency = world.an_agency()
    actor = {
        Role.AGENCY_SYSTEM: lambda: world.system(agency),
        Role.PROFESSIONAL: lambda: world.actor(world.a_professional(agency)),
        Role.PRIVACY_OFFICER: world.officer,
        Role.FAMILY_MEMBER: lambda: Actor(role=Role.FAMILY_MEMBER, subject="m", person_id=UUID(int=1)),
    }[role]()
    for path in ("/matches", f"/matches/{uuid4()}", "/match-follow-up", "/registrations/_unconfirmed"):
        refused(world.as_(actor).get(path), 403, "role_lacking")
