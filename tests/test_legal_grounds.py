"""Legal grounds: a list with validity, of which none is ever assumed."""

from datetime import date

import pytest

from api.auth.purposes import Purpose
from api.domain.codes import LegalBasis, MeasureKind
from tests.world import Team, World, in_days, refused

DAY_OF_THE_GDPR = "2018-05-25"


def codes(world: World, path: str, **params: str) -> list[str]:
    listed = world.as_(world.registrar).get(path, params=params).json()["items"]
    return [one["code"] for one in listed]


def test_the_grounds_that_may_be_named_depend_on_the_day(world: World) -> None:
    assert "consent_before_gdpr" in codes(world, "/legal-grounds", on="2018-05-24")
    assert "consent" not in codes(world, "/legal-grounds", on="2018-05-24")
    assert "consent" in codes(world, "/legal-grounds", on=DAY_OF_THE_GDPR)
    assert "consent_before_gdpr" not in codes(world, "/legal-grounds", on=DAY_OF_THE_GDPR)
    assert codes(world, "/legal-grounds") == codes(world, "/legal-grounds", on=str(in_days(0)))
    assert codes(world, "/legal-grounds", on="2014-12-31") == []


def test_every_basis_has_a_ground_and_every_measure_its_article(world: World) -> None:
    listed = world.as_(world.registrar).get("/legal-grounds").json()["items"]
    assert {one["legalBasis"] for one in listed} == set(LegalBasis)
    assert set(MeasureKind) <= {one["code"] for one in listed if one["legalBasis"] == "measure"}
    assert all(one["article"] and one["validFrom"] <= str(in_days(0)) for one in listed)


def test_labels_come_in_dutch_and_english(world: World) -> None:
    caller = world.as_(world.registrar)
    for language, label in {"nl": "Schuldhulpverlening", "en": "Debt help"}.items():
        listed = caller.get("/legal-grounds", headers={"Accept-Language": language}).json()["items"]
        assert [one["label"] for one in listed if one["code"] == "debt_help"] == [label]


def test_the_purposes_are_those_that_the_record_names(world: World) -> None:
    assert codes(world, "/purposes") == list(Purpose)
    assert codes(world, "/purposes", on=str(date(2014, 1, 1))) == []


def another(team: Team, **terms: object) -> tuple[str, dict[str, object]]:
    return f"{team.path}/involvements", {"helpDomains": ["parenting"], **terms}


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({"legalBasis": "statutory_task"}, "legal_ground_missing"),
        ({"legalBasis": "statutory_task", "legalGround": None}, "legal_ground_missing"),
        ({"legalBasis": "statutory_task", "legalGround": "no_such_ground"}, "unknown_legal_ground"),
        ({"legalBasis": "statutory_task", "legalGround": "consent"}, "unknown_legal_ground"),
        ({"legalBasis": "measure", "legalGround": "youth_help"}, "unknown_legal_ground"),
        (
            {"legalBasis": "consent", "legalBasisEndsOn": str(in_days(9)), "legalGround": "consent_before_gdpr"},
            "unknown_legal_ground",
        ),
    ],
)
def test_a_ground_that_is_missing_or_does_not_hold_is_refused(
    world: World, terms: dict[str, object], code: str
) -> None:
    team = world.a_team()
    path, body = another(team, **terms)
    answer = world.as_(world.system(team.agency)).post(path, body)
    assert answer.status_code == 400, answer.text
    assert [(one["name"], one["code"]) for one in answer.json()["errors"]] == [("legalGround", code)]
    assert len(world.told(team.family, "involvement.started")) == 1


@pytest.mark.parametrize("terms", [{"legalBasis": "vital_interest"}, {"legalBasis": "measure"}])
def test_only_a_statutory_task_has_to_name_its_article(world: World, terms: dict[str, object]) -> None:
    team = world.a_team()
    path, body = another(team, **terms)
    answer = world.as_(world.system(team.agency)).post(path, body)
    assert (answer.status_code, answer.json()["legalGround"]) == (201, None), answer.text


def test_another_basis_begins_without_the_ground_of_the_old_one(world: World) -> None:
    team = world.a_team()
    agency, path = world.as_(world.system(team.agency)), f"{team.path}/involvements/{team.involvement.id}"
    changed = agency.change(path, {"legalBasis": "vital_interest"}).json()
    assert (changed["legalBasis"], changed["legalGround"]) == ("vital_interest", None)
    answer = agency.change(path, {"legalBasis": "statutory_task"})
    assert [one["name"] for one in answer.json()["errors"]] == ["legalGround"]
    changed = agency.change(path, {"legalBasis": "statutory_task", "legalGround": "social_support"}).json()
    assert changed["legalGround"] == "social_support"
    assert agency.change(path, {"legalGround": "youth_help"}).json()["legalGround"] == "youth_help"
    refused(agency.change(path, {"legalGround": None}), 400, "legal_ground_missing")


def test_a_ground_is_for_the_agency_itself_the_lead_and_the_registrar(world: World) -> None:
    team = world.a_team()
    other = world.an_involved_professional(team.family)
    _, parent = world.a_member(team.family)
    path = f"{team.path}/involvements/{team.involvement.id}"
    for actor in (world.system(team.agency), world.actor(team.lead), world.registrar):
        assert world.as_(actor).get(path).json()["legalGround"] == "youth_help"
    for actor in (world.actor(other), world.relative(parent)):
        assert world.as_(actor).get(path).json()["legalGround"] is None
    for actor in (world.registrar, world.actor(other)):
        assert "youth_help" not in world.as_(actor).get(f"{team.path}/who-is-involved").text


def test_an_involvement_is_about_a_member_of_the_family_or_about_all(world: World) -> None:
    team = world.a_team()
    member, person = world.a_member(team.family)
    stranger, _ = world.a_member(world.a_family())
    agency, path = world.as_(world.system(team.agency)), f"{team.path}/involvements/{team.involvement.id}"
    assert agency.get(path).json()["personId"] is None
    assert agency.change(path, {"memberId": str(member.id)}).json()["personId"] == str(person.id)
    answer = agency.change(path, {"memberId": str(stranger.id)})
    assert [one["name"] for one in answer.json()["errors"]] == ["memberId"]
    assert agency.change(path, {"memberId": None}).json()["personId"] is None
