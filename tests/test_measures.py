"""Child protection measures: what they make of the family's framework, what rests on them, and who sees them."""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any

import pytest

from api.domain import calendar
from api.domain.actor import Actor
from api.domain.codes import AgencyKind, Framework, MeasureKind, MemberRole
from api.domain.models import Agency, Family, Involvement, Measure, Member, Person
from tests.test_lapses import settle
from tests.world import Caller, World, ago, in_days, refused, today

CONDITIONS = [
    {"code": "school_attendance", "negotiable": False},
    {"code": "contact_arrangement", "negotiable": True},
]


@dataclass
class Home:
    """A family with a mother who has authority, a stepfather, a teenager, a lead, a GI and a debt agency."""

    world: World

    def __post_init__(self) -> None:
        world = self.world
        self.team = world.a_team(at=ago(days=30))
        self.family: Family = self.team.family
        self.path = self.team.path
        self.mother, self.her = self._member(MemberRole.PARENT, date(1985, 4, 1))
        self.father, self.him = self._member(MemberRole.STEP_PARENT, date(1983, 4, 1))
        self.child, self.teenager = self._member(MemberRole.CHILD, today() - timedelta(days=13 * 366))
        self.guardians: Agency = world.an_agency(AgencyKind.CERTIFIED_INSTITUTION)
        self.debt_help: Agency = world.an_agency(AgencyKind.DEBT_HELP)
        world.an_involvement(self.family, self.guardians, ["child_safety"], at=ago(days=28))
        world.an_involvement(self.family, self.debt_help, ["finances"], at=ago(days=28))

    def _member(self, role: MemberRole, birth_date: date) -> tuple[Member, Person]:
        return self.world.a_member(self.family, role, birth_date, at=ago(days=29))

    def body(self, **other: Any) -> dict[str, Any]:
        known = {"memberId": str(self.child.id), "kind": "supervision_order", "agencyId": str(self.guardians.id)}
        return known | {"endsOn": str(in_days(90))} | other

    def a_measure(self, by: Caller | None = None, **other: Any) -> dict[str, Any]:
        answer = (by or self.registrar).post(f"{self.path}/measures", self.body(**other))
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def resting(self, measure: dict[str, Any], until: date | None = None) -> Involvement:
        terms = {"legal_basis": "measure", "legal_basis_ends_on": until, "measure_id": measure["id"]}
        agency = self.world.an_agency()
        return self.world.an_involvement(self.family, agency, ["child_development"], at=ago(seconds=-1), **terms)

    def now(self, involvement: Involvement) -> Involvement:
        with self.world.session() as session:
            return session.get_one(Involvement, involvement.id)

    @property
    def framework(self) -> str:
        return str(self.registrar.get(self.path).json()["framework"])

    @cached_property
    def registrar(self) -> Caller:
        return self.world.as_(self.world.registrar)

    @cached_property
    def institution(self) -> Caller:
        return self.world.as_(self.world.system(self.guardians))


@pytest.fixture
def home(world: World) -> Home:
    return Home(world)


def told(home: Home, last: int) -> list[tuple[str, str]]:
    return [(event.type, event.by_role) for event in home.world.told(home.family)[-last:]]


# The framework


def test_while_a_measure_runs_the_framework_is_court_ordered(home: Home) -> None:
    assert home.framework == "voluntary"
    order = home.a_measure()
    assert told(home, 2) == [("measure.recorded", "registrar"), ("family.changed", "registrar")]
    placement = home.a_measure(kind="out_of_home_placement")
    assert (home.framework, told(home, 1)) == ("court_ordered", [("measure.recorded", "registrar")])
    refused(home.registrar.change(home.path, {"framework": "voluntary"}), 409, "measure_running")
    home.registrar.post(f"{home.path}/measures/{order['id']}/_end", {"reason": "lifted"})
    assert home.framework == "court_ordered"
    answer = home.registrar.post(f"{home.path}/measures/{placement['id']}/_end", {"reason": "lifted"})
    assert (answer.json()["state"], answer.json()["endReason"]) == ("ended", "lifted")
    assert (home.framework, told(home, 2)) == (
        "voluntary",
        [("measure.ended", "registrar"), ("family.changed", "clock")],
    )
    assert home.registrar.change(home.path, {"framework": "pressure"}).status_code == 200


@pytest.mark.parametrize("by", ["change", "worker"])
def test_a_measure_that_has_run_out_is_written_down_with_its_instant(home: Home, by: str) -> None:
    ends_at = calendar.end_of(in_days(-2))
    with home.world.session() as session:
        session.add(_lapsed(home, ends_at))
        family = session.get_one(Family, home.family.id)
        family.framework, family.framework_ends_at = Framework.COURT_ORDERED, ends_at
        session.commit()
    assert home.framework == "voluntary"  # before anybody writes it down
    shown = home.registrar.get(f"{home.path}/who-is-involved").json()
    assert shown["family"]["framework"] == "voluntary"
    if by == "worker":
        settle(home.world)
    else:
        assert home.registrar.change(home.path, {"name": "Familie De Wit"}).status_code == 200
    lapse = [event for event in home.world.told(home.family) if event.at == ends_at]
    assert [(event.type, event.by_role, event.reason) for event in lapse] == [
        ("measure.ended", "clock", "expired"),
        ("family.changed", "clock", None),
    ]
    with home.world.session() as session:
        assert session.get_one(Family, home.family.id).framework == "voluntary"


def _lapsed(home: Home, ends_at: Any) -> Measure:
    return Measure(
        family_id=home.family.id,
        person_id=home.teenager.id,
        kind=MeasureKind.SUPERVISION_ORDER,
        agency_id=home.guardians.id,
        started_at=ago(days=20),
        ends_at=ends_at,
    )


# What rests on it


def test_what_rests_on_a_measure_ends_with_it(home: Home) -> None:
    measure = home.a_measure()
    involvement = home.resting(measure)
    assert home.now(involvement).ends_at == calendar.end_of(in_days(90))
    home.registrar.post(f"{home.path}/measures/{measure['id']}/_end", {"reason": "lifted"})
    ended = home.now(involvement)
    assert (str(ended.end_reason), ended.measure_id is not None) == ("legal_basis_ended", True)
    assert told(home, 3) == [
        ("measure.ended", "registrar"),
        ("involvement.ended", "clock"),
        ("family.changed", "clock"),
    ]
    agency = home.world.as_(Actor(role=home.world.system(home.debt_help).role, subject="x", agency_id=ended.agency_id))
    refused(agency.get(home.path), 404, "family_not_found")


def test_what_rests_on_a_measure_is_extended_with_it_as_far_as_its_agency_said(home: Home) -> None:
    measure = home.a_measure()
    involvement, shorter = home.resting(measure), home.resting(measure, until=in_days(100))
    short = home.resting(measure, until=in_days(30))
    answer = home.registrar.post(f"{home.path}/measures/{measure['id']}/_extend", {"endsOn": str(in_days(200))})
    assert (answer.status_code, answer.json()["endsAt"][:10]) == (200, str(in_days(200))), answer.text
    ends = [home.now(one).ends_at for one in (involvement, shorter, short)]
    assert ends == [calendar.end_of(in_days(days)) for days in (200, 100, 30)]
    assert [kind for kind, _ in told(home, 3)] == ["measure.extended", "involvement.changed", "involvement.changed"]


def test_a_measure_of_another_family_or_for_another_basis_is_refused(home: Home) -> None:
    elsewhere, ended = Home(home.world).a_measure(), home.a_measure()
    home.registrar.post(f"{home.path}/measures/{ended['id']}/_end", {"reason": "replaced"})
    running = home.a_measure()
    caller = home.world.as_(home.world.system(home.debt_help))
    professional = str(home.world.a_professional(home.debt_help).id)
    body = {"helpDomains": ["finances"], "legalBasis": "measure", "professionalId": professional}
    for wrong in (elsewhere, ended):
        answer = caller.post(f"{home.path}/involvements", body | {"measureId": wrong["id"]})
        refused(answer, 400, "unknown_measure")
    other = body | {"legalBasis": "vital_interest", "measureId": running["id"]}
    assert caller.post(f"{home.path}/involvements", other).json()["errors"][0]["name"] == "measureId"
    answer = caller.post(f"{home.path}/involvements", body | {"measureId": running["id"]})
    assert (answer.status_code, answer.json()["measureId"]) == (201, running["id"])
    path = f"{home.path}/involvements/{answer.json()['id']}"
    for actor, seen in {home.world.registrar: running["id"], home.world.system(home.team.agency): None}.items():
        assert home.world.as_(actor).get(path).json()["measureId"] == seen


# Recording


def test_a_measure_has_a_period_a_review_and_conditions(home: Home) -> None:
    measure = home.a_measure(startedOn=str(in_days(-3)), reviewOn=str(in_days(30)), conditions=CONDITIONS)
    assert (measure["state"], measure["reviewOn"], measure["personId"]) == (
        "running",
        str(in_days(30)),
        str(home.teenager.id),
    )
    assert measure["conditions"] == CONDITIONS
    path = f"{home.path}/measures/{measure['id']}"
    refused(home.registrar.call("PATCH", path, json={"reviewOn": None}), 428, "precondition_required")
    changed = home.registrar.change(path, {"conditions": CONDITIONS[1:]}).json()
    assert (changed["conditions"], changed["reviewOn"]) == (CONDITIONS[1:], str(in_days(30)))
    assert home.registrar.change(path, {"reviewOn": None}).json()["reviewOn"] is None
    assert told(home, 1) == [("measure.changed", "registrar")]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"agencyId": "debt_help"}, "agencyId"),
        ({"agencyId": "2b1f4c52-9c1e-4d51-8a35-5f2f3f9d7c10"}, "agencyId"),
        ({"memberId": "mother"}, "memberId"),
        ({"memberId": "2b1f4c52-9c1e-4d51-8a35-5f2f3f9d7c10"}, "memberId"),
        ({"startedOn": str(in_days(1))}, "startedOn"),
        ({"endsOn": str(in_days(-1))}, "endsOn"),
        ({"conditions": [CONDITIONS[0], CONDITIONS[0]]}, ""),
        ({"kind": "no_such_kind"}, "kind"),
    ],
)
def test_what_does_not_hold_is_refused(home: Home, wrong: dict[str, Any], field: str) -> None:
    names = {"debt_help": str(home.debt_help.id), "mother": str(home.mother.id)}
    wrong = {name: names.get(value, value) if isinstance(value, str) else value for name, value in wrong.items()}
    answer = home.registrar.post(f"{home.path}/measures", home.body(**wrong))
    assert (answer.status_code, answer.json()["errors"][0]["name"]) == (400, field), answer.text
    assert home.framework == "voluntary"


def test_a_child_has_one_running_measure_of_a_kind(home: Home) -> None:
    first = home.a_measure()
    refused(home.registrar.post(f"{home.path}/measures", home.body()), 409, "measure_running")
    home.registrar.post(f"{home.path}/measures/{first['id']}/_end", {"reason": "replaced"})
    again = home.registrar.post(f"{home.path}/measures/{first['id']}/_end", {"reason": "lifted"})
    refused(again, 409, "measure_ended")
    overlapping = home.body(startedOn=str(in_days(-3)))  # held by the database
    refused(home.registrar.post(f"{home.path}/measures", overlapping), 409, "measure_running")
    home.a_measure()


def test_an_ended_measure_is_not_changed_and_an_extension_is_one(home: Home) -> None:
    measure, path = home.a_measure(), f"{home.path}/measures"
    answer = home.registrar.post(f"{path}/{measure['id']}/_extend", {"endsOn": str(in_days(90))})
    assert answer.json()["errors"][0]["name"] == "endsOn"
    refused(home.registrar.post(f"{path}/{measure['id']}/_end", {"reason": "expired"}), 403, "reason_reserved")
    home.registrar.post(f"{path}/{measure['id']}/_end", {"reason": "lifted"})
    refused(home.registrar.change(f"{path}/{measure['id']}", {"reviewOn": None}), 409, "measure_ended")
    later = {"endsOn": str(in_days(900))}
    refused(home.registrar.post(f"{path}/{measure['id']}/_extend", later), 409, "measure_ended")


def test_the_institution_keeps_the_measures_that_it_carries_out_and_no_others(home: Home) -> None:
    other: Agency = home.world.an_agency(AgencyKind.CERTIFIED_INSTITUTION)
    home.world.an_involvement(home.family, other, ["parenting"])
    own, path = home.a_measure(by=home.institution), f"{home.path}/measures"
    stranger = home.world.as_(home.world.system(other))
    refused(stranger.post(path, home.body(kind="guardianship")), 403, "other_agency")
    for act, body in {"_extend": {"endsOn": str(in_days(99))}, "_end": {"reason": "lifted"}}.items():
        refused(stranger.post(f"{path}/{own['id']}/{act}", body), 404, "not_found")
    assert home.institution.change(f"{path}/{own['id']}", {"reviewOn": str(in_days(9))}).status_code == 200
    lead = home.world.as_(home.world.actor(home.team.lead))
    refused(lead.post(path, home.body(kind="guardianship")), 403, "other_agency")


# Who sees it


def test_who_sees_a_measure(home: Home) -> None:
    measure = home.a_measure()
    world = home.world
    seeing = {
        "registrar": world.registrar,
        "lead": world.actor(home.team.lead),
        "institution": world.system(home.guardians),
        "mother": world.relative(home.her),
        "teenager": world.relative(home.teenager),
    }
    blind = {"debt help": world.system(home.debt_help), "stepfather": world.relative(home.him)}
    for who, actor in (seeing | blind).items():
        caller = world.as_(actor)
        listed = [one["id"] for one in caller.get(f"{home.path}/measures").json()["items"]]
        assert listed == ([measure["id"]] if who in seeing else []), who
        assert caller.get(f"{home.path}/measures/{measure['id']}").status_code == (200 if who in seeing else 404)
        items = caller.get(f"{home.path}/timeline").json()["items"]
        assert ("measure.recorded" in {item["type"] for item in items}) is (who in seeing), who
    refused(world.as_(world.officer()).get(f"{home.path}/measures"), 403, "relation_lacking")


def test_a_measure_stays_when_its_child_leaves_and_goes_along_when_the_family_moves(home: Home) -> None:
    measure = home.a_measure()
    code = home.world.a_municipality().code
    assert home.registrar.post(f"{home.path}/_move", {"municipalityCode": code}).status_code == 200
    registrar = home.world.as_(Actor(role=home.world.registrar.role, subject="r", municipality_code=code))
    moved = registrar.get(f"{home.path}/measures/{measure['id']}").json()
    persons = {one["personId"] for one in registrar.get(f"{home.path}/members").json()["items"]}
    assert moved["personId"] in persons - {measure["personId"]}
    child = next(one["id"] for one in registrar.get(f"{home.path}/members").json()["items"] if one["role"] == "child")
    assert registrar.post(f"{home.path}/members/{child}/_leave").status_code == 200
    assert registrar.get(f"{home.path}/measures/{measure['id']}").json()["state"] == "running"
