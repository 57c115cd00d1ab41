"""Consent and objection: who says it, what it ends, and who never hears of it."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

import pytest

from api.domain import calendar, consents, families, members
from api.domain.actor import Actor
from api.domain.codes import AgencyKind, ConsentDecision, MemberRole
from api.domain.models import Agency, Consent, Family, Involvement, Member, Person
from tests.world import Caller, World, ago, in_days, refused, today

GIVEN, OBJECTED = ConsentDecision.GIVEN, ConsentDecision.OBJECTED
STATED = in_days(60)


def born(years: int) -> date:
    """A birth date of somebody who has been this old for some weeks."""
    day = today() - timedelta(days=40)
    return date(day.year - years, day.month, min(day.day, 28))


@dataclass
class Home:
    """A family: a mother and a father of whom she has authority, a child of each sort of age, and a debt agency."""

    world: World

    def __post_init__(self) -> None:
        world = self.world
        self.team = world.a_team(at=ago(days=30))
        self.family: Family = self.team.family
        self.path = self.team.path
        self.mother, self.her = self._member(MemberRole.PARENT, date(1985, 4, 1))
        self.father, self.him = self._member(MemberRole.STEP_PARENT, date(1983, 4, 1))
        self.debt_help: Agency = world.an_agency(AgencyKind.DEBT_HELP)

    def _member(self, role: MemberRole, birth_date: date | None) -> tuple[Member, Person]:
        return self.world.a_member(self.family, role, birth_date, at=ago(days=29))

    def child(self, years: int) -> tuple[Member, Person]:
        return self._member(MemberRole.CHILD, born(years))

    def on_consent(self, *domains: str, agency: Agency | None = None, **terms: Any) -> Involvement:
        terms = {"legal_basis": "consent", "legal_basis_ends_on": STATED, "at": ago(days=20)} | terms
        return self.world.an_involvement(self.family, agency or self.debt_help, domains or ("finances",), **terms)

    def say(
        self,
        whose: Person,
        decision: ConsentDecision,
        by: Person | None = None,
        at: datetime | None = None,
        until: date | None = None,
        **scope: Any,
    ) -> Consent:
        """Somebody says something, as the registrar records it."""
        ends_on = until or (in_days(30) if decision is GIVEN else None)
        return self.world.around(
            self.family,
            lambda work, mine: consents.record(
                work, mine, whose.id, decision, given_by_id=(by or whose).id, ends_on=ends_on, **scope
            ),
            at=at,
        )

    def now(self, involvement: Involvement) -> Involvement:
        with self.world.session() as session:
            return session.get_one(Involvement, involvement.id)

    def standing(self, help_domain: str = "finances") -> ConsentDecision | None:
        return self.world.around(
            self.family, lambda work, mine: consents.standing(work, mine, self.debt_help.id, help_domain)
        )

    @cached_property
    def registrar(self) -> Caller:
        return self.world.as_(self.world.registrar)

    @cached_property
    def agency(self) -> Caller:
        return self.world.as_(self.world.system(self.debt_help))

    def post(self, caller: Caller, **body: Any) -> Any:
        return caller.post(f"{self.path}/consents", body)


@pytest.fixture
def home(world: World) -> Home:
    return Home(world)


# What rests on it


def test_an_objection_ends_what_rests_on_consent_at_that_instant_and_nobody_has_done_it(home: Home) -> None:
    involvement = home.on_consent("finances")
    professional = home.world.a_professional(home.debt_help)
    home.world.a_contact_point(home.family, professional, "finances")
    assert home.agency.get(home.path).status_code == 200
    answer = home.post(home.registrar, memberId=str(home.mother.id), decision="objected")
    assert answer.status_code == 201, answer.text
    ended = home.now(involvement)
    assert (str(ended.end_reason), ended.ends_at) == ("legal_basis_ended", ended.ends_at)
    told = home.world.told(home.family)[-4:]
    assert [event.type for event in told] == [
        "consent.objected",
        "involvement.ended",
        "contact_point.ended",
        "contact_point.gap_opened",
    ]
    assert {event.at for event in told} == {ended.ends_at}
    assert [event.by_role for event in told] == ["registrar", "clock", "clock", "clock"]
    refused(home.agency.get(home.path), 404, "family_not_found")


@pytest.mark.parametrize("basis", ["statutory_task", "measure", "vital_interest"])
def test_an_objection_touches_nothing_but_sharing_on_consent(home: Home, basis: str) -> None:
    involvement = home.on_consent(legal_basis=basis, legal_basis_ends_on=None)
    home.say(home.her, OBJECTED, agency_id=home.debt_help.id)
    assert home.now(involvement).ends_at is None
    assert home.agency.get(home.path).status_code == 200


def test_an_objection_to_one_help_domain_leaves_the_others(home: Home) -> None:
    involvement = home.on_consent("finances", "housing")
    home.say(home.her, OBJECTED, help_domain="finances")
    assert home.now(involvement).help_domains == ["housing"]
    assert home.world.told(home.family)[-1].type == "involvement.changed"
    home.say(home.her, OBJECTED, agency_id=home.debt_help.id, help_domain="housing")
    assert home.now(involvement).end_reason == "legal_basis_ended"


def test_a_more_specific_consent_goes_before_a_general_objection(home: Home) -> None:
    home.say(home.her, GIVEN, agency_id=home.debt_help.id)
    involvement = home.on_consent("finances", at=ago(seconds=1))
    home.say(home.her, OBJECTED)
    assert home.now(involvement).end_reason is None
    assert home.standing() is GIVEN
    home.say(home.her, OBJECTED, help_domain="finances")  # as specific as the consent
    assert home.standing() is OBJECTED
    assert home.now(involvement).end_reason == "legal_basis_ended"


def test_what_rests_on_a_recorded_consent_ends_with_it_and_never_after_what_the_agency_said(home: Home) -> None:
    involvement = home.on_consent("finances")
    stated = calendar.end_of(STATED)
    assert home.now(involvement).ends_at == stated
    home.say(home.her, GIVEN, until=in_days(10))
    assert home.now(involvement).ends_at == calendar.end_of(in_days(10))
    home.say(home.her, GIVEN, until=in_days(20))
    assert home.now(involvement).ends_at == calendar.end_of(in_days(20))
    home.say(home.her, GIVEN, until=in_days(300))
    assert home.now(involvement).ends_at == stated


def test_an_involvement_ends_with_the_first_of_its_domains_to_lose_its_consent(home: Home) -> None:
    involvement = home.on_consent("finances", "housing")
    home.say(home.her, GIVEN, until=in_days(30), help_domain="housing")
    home.say(home.her, GIVEN, until=in_days(10), help_domain="finances")
    assert home.now(involvement).ends_at == calendar.end_of(in_days(10))


def test_a_consent_beneath_a_more_specific_one_that_ends_earlier_does_not_end_anything(home: Home) -> None:
    involvement = home.on_consent("finances")
    home.say(home.her, GIVEN, until=in_days(40))
    home.say(home.her, GIVEN, until=in_days(5), agency_id=home.debt_help.id)
    assert home.now(involvement).ends_at == calendar.end_of(in_days(40))


def test_an_objection_that_comes_to_the_surface_when_a_consent_ends_has_its_instant_from_the_start(home: Home) -> None:
    home.say(home.her, GIVEN, until=in_days(5), agency_id=home.debt_help.id)
    home.say(home.her, OBJECTED)
    involvement = home.on_consent("finances", at=ago(seconds=1))
    assert home.now(involvement).ends_at == calendar.end_of(in_days(5))


def test_a_consent_that_lapses_overnight_ends_the_agencys_view_by_itself(home: Home) -> None:
    involvement = home.on_consent("finances")
    home.say(home.her, GIVEN, at=ago(days=9), until=in_days(-1))
    refused(home.agency.get(home.path), 404, "family_not_found")
    refused(home.agency.get(f"{home.path}/who-is-involved"), 404, "family_not_found")
    shown = home.registrar.get(f"{home.path}/who-is-involved").json()
    assert str(home.debt_help.id) not in str(shown["involvements"])
    assert home.now(involvement).end_reason is None  # nobody has written it down yet
    assert (str(involvement.id), "basis_ended") in attention(home)


def attention(home: Home) -> set[tuple[str | None, str]]:
    pages = home.world.caseload(home.world.registrar)
    [item] = [item for page in pages for item in page if item["family"]["id"] == str(home.family.id)]
    return {(one["about"], one["kind"]) for one in item["attention"]}


def test_a_withdrawn_consent_ends_what_rests_on_it_and_does_not_fall_back_on_the_agencys_word(home: Home) -> None:
    involvement, other = home.on_consent("finances", "housing"), home.on_consent(agency=home.world.an_agency())
    consent = home.say(home.her, GIVEN, agency_id=home.debt_help.id, help_domain="finances")
    answer = home.registrar.post(f"{home.path}/consents/{consent.id}/_withdraw")
    assert (answer.status_code, answer.json()["state"]) == (200, "withdrawn"), answer.text
    assert home.now(involvement).help_domains == ["housing"]
    assert home.now(other).end_reason is None
    assert (home.world.told(home.family)[-2].type, home.standing()) == ("consent.withdrawn", None)
    refused(home.registrar.post(f"{home.path}/consents/{consent.id}/_withdraw"), 409, "consent_not_running")


def test_whoever_is_unwanted_starts_nothing_on_consent_and_is_not_told_by_whom(home: Home) -> None:
    _, teenager = home.child(16)
    home.on_consent("housing", legal_basis="statutory_task", legal_basis_ends_on=None)
    details = []
    body = {"helpDomains": ["finances"], "legalBasis": "consent", "legalBasisEndsOn": str(STATED)}
    for who in (home.her, teenager):
        objection = home.say(who, OBJECTED, agency_id=home.debt_help.id)
        answer = home.agency.post(f"{home.path}/involvements", body | {"professionalId": worker(home)})
        refused(answer, 409, "no_legal_basis")
        details.append(answer.json()["detail"])
        assert not {str(who.id), str(objection.id), who.given_name} & set(answer.text.split('"'))
        home.registrar.post(f"{home.path}/consents/{objection.id}/_withdraw")
    assert details[0] == details[1]
    assert home.agency.post(f"{home.path}/involvements", body | {"professionalId": worker(home)}).status_code == 201


def worker(home: Home) -> str:
    return str(home.world.a_professional(home.debt_help).id)


def test_an_invitation_is_accepted_for_what_nobody_objects_to(home: Home) -> None:
    invitation = home.world.an_invitation(home.family, home.debt_help, ["finances", "housing"])
    home.say(home.her, OBJECTED, help_domain="finances")
    body = {"legalBasis": "consent", "legalBasisEndsOn": str(STATED)}
    answer = home.agency.post(f"{home.path}/involvements/{invitation.id}/_accept", body)
    assert (answer.status_code, answer.json()["helpDomains"]) == (200, ["housing"]), answer.text
    path = f"{home.path}/involvements/{invitation.id}"
    assert home.agency.change(path, {"helpDomains": ["finances", "housing"]}).json()["helpDomains"] == ["housing"]
    refused(home.agency.change(path, {"helpDomains": ["finances"]}), 409, "no_legal_basis")


def test_changing_to_consent_where_somebody_objects_is_refused(home: Home) -> None:
    involvement = home.on_consent(legal_basis="statutory_task", legal_basis_ends_on=None)
    home.say(home.her, OBJECTED)
    change = {"legalBasis": "consent", "legalBasisEndsOn": str(STATED)}
    refused(home.agency.change(f"{home.path}/involvements/{involvement.id}", change), 409, "no_legal_basis")
    assert home.now(involvement).legal_basis == "statutory_task"


# Who decides


@pytest.mark.parametrize(
    ("years", "who"),
    [(8, {"mother"}), (11, {"mother"}), (12, {"mother", "child"}), (15, {"mother", "child"}), (16, {"child"})],
)
def test_who_decides_depends_on_age_and_authority(home: Home, years: int, who: set[str]) -> None:
    member, person = home.child(years)
    givers = {"mother": home.mother, "father": home.father, "child": member}
    for name, giver in givers.items():
        answer = home.post(home.registrar, memberId=str(member.id), decision="objected", givenByMemberId=str(giver.id))
        assert (answer.status_code == 201) is (name in who), (name, answer.text)
        if name not in who:
            refused(answer, 400, "not_theirs_to_decide")
    given = [home.world.relative(giver) for giver in (home.her, home.him)]
    allowed = [home.post(home.world.as_(one), memberId=str(member.id), decision="objected") for one in given]
    assert [answer.status_code == 201 for answer in allowed] == ["mother" in who, False]
    if years >= 12:
        own = home.post(home.world.as_(home.world.relative(person)), memberId=str(member.id), decision="objected")
        assert own.status_code == 201, own.text


def test_from_twelve_to_sixteen_it_takes_both_and_either_can_object(home: Home) -> None:
    _, person = home.child(13)
    involvement = home.on_consent("finances")
    home.say(person, GIVEN, by=person)
    assert (home.standing(), home.now(involvement).ends_at) == (None, calendar.end_of(STATED))
    home.say(person, GIVEN, by=home.her, until=in_days(8))
    assert (home.standing(), home.now(involvement).ends_at) == (GIVEN, calendar.end_of(in_days(8)))
    home.say(person, OBJECTED, by=person)
    assert home.now(involvement).end_reason == "legal_basis_ended"


def test_from_the_sixteenth_birthday_the_young_persons_own_word_is_enough(home: Home) -> None:
    soon = today() + timedelta(days=6)
    birth_date = date(soon.year - 16, soon.month, min(soon.day, 28))
    _, person = home.world.a_member(home.family, MemberRole.CHILD, birth_date, at=ago(days=29))
    involvement = home.on_consent("finances")
    home.say(person, GIVEN, by=person)
    home.say(person, GIVEN, by=home.her, until=in_days(20))
    assert home.now(involvement).ends_at == calendar.end_of(in_days(30))
    home.world.around(home.family, lambda work, mine: members.leave(work, work.session.get_one(Member, home.mother.id)))
    assert home.now(involvement).end_reason == "legal_basis_ended"  # today her word still was needed


def test_the_word_of_who_loses_authority_or_leaves_no_longer_counts(home: Home) -> None:
    _, child = home.child(8)
    home.say(child, OBJECTED, by=home.her)
    assert home.standing() is OBJECTED
    path = f"{home.path}/members/{home.mother.id}"
    assert home.registrar.change(path, {"parentalAuthority": False}).status_code == 200
    assert home.standing() is None


def test_a_family_that_moves_takes_along_what_its_members_said(home: Home) -> None:
    home.on_consent("finances")
    home.say(home.her, OBJECTED, agency_id=home.debt_help.id)
    code = home.world.a_municipality().code
    home.world.around(home.family, lambda work, mine: families.move_to_municipality(work, mine, code))
    assert home.standing() is OBJECTED
    assert home.world.told(home.family, "consent.carried_over")


# Letting somebody look


def test_from_sixteen_a_parent_looks_with_the_young_persons_consent_only(home: Home) -> None:
    member, person = home.child(16)
    involvement = home.on_consent(legal_basis="vital_interest", legal_basis_ends_on=None, member_id=member.id)
    path = f"{home.path}/involvements/{involvement.id}"
    mother, own = home.world.as_(home.world.relative(home.her)), home.world.as_(home.world.relative(person))
    assert own.get(path).json()["personId"] == str(person.id)
    refused(mother.get(path), 404, "not_found")
    assert str(involvement.id) not in mother.get(f"{home.path}/who-is-involved").text
    body = {"memberId": str(member.id), "decision": "given", "toMemberId": str(home.mother.id)}
    consent = home.post(own, **body, endsOn=str(in_days(9))).json()
    assert (mother.get(path).status_code, consent["toPersonId"]) == (200, str(home.her.id))
    assert str(involvement.id) in mother.get(f"{home.path}/who-is-involved").text
    own.post(f"{home.path}/consents/{consent['id']}/_withdraw")
    refused(mother.get(path), 404, "not_found")


@pytest.mark.parametrize(
    "wrong",
    [
        {"decision": "objected"},
        {"helpDomain": "finances"},
        {"toMemberId": "self"},
        {"memberId": "younger"},
    ],
)
def test_letting_look_is_a_young_persons_consent_to_another_member(home: Home, wrong: dict[str, str]) -> None:
    member, _ = home.child(16)
    younger, _ = home.child(14)
    names = {"self": str(member.id), "younger": str(younger.id)}
    body = {"memberId": str(member.id), "decision": "given", "toMemberId": str(home.mother.id)} | wrong
    body = {name: names.get(value, value) for name, value in body.items()}
    answer = home.post(home.registrar, **body, endsOn=str(in_days(9)))
    assert (answer.status_code, answer.json()["errors"][0]["name"]) == (400, "toMemberId"), answer.text


# Who hears of it


def test_agencies_never_see_what_the_family_said(home: Home) -> None:
    home.on_consent(legal_basis="statutory_task", legal_basis_ends_on=None)
    consent = home.say(home.her, OBJECTED, agency_id=home.debt_help.id)
    for path in ("consents", f"consents/{consent.id}"):
        refused(home.agency.get(f"{home.path}/{path}"), 403, "relation_lacking")
    refused(home.post(home.agency, memberId=str(home.mother.id), decision="objected"), 403, "relation_lacking")
    refused(home.agency.post(f"{home.path}/consents/{consent.id}/_withdraw"), 403, "relation_lacking")
    for actor in (home.world.system(home.debt_help), home.world.system(home.team.agency)):
        for path in ("timeline", "who-is-involved", "involvements", "members", "contact-points"):
            text = home.world.as_(actor).get(f"{home.path}/{path}").text
            assert not [word for word in ("consent.", "objected", str(consent.id)) if word in text], path
    refused(home.world.as_(home.world.officer()).get(f"{home.path}/consents"), 403, "relation_lacking")


def timeline(home: Home, actor: Actor) -> list[str]:
    items = home.world.as_(actor).get(f"{home.path}/timeline", params={"limit": 200}).json()["items"]
    return [item["about"] for item in items if item["type"].startswith("consent.")]


def test_a_member_sees_what_is_theirs_and_what_they_decide(home: Home) -> None:
    _, small = home.child(8)
    _, teenager = home.child(16)
    own, his = home.say(home.her, OBJECTED), home.say(home.him, OBJECTED)
    of_small, of_teenager = home.say(small, OBJECTED, by=home.her), home.say(teenager, OBJECTED)
    everything = [own, his, of_small, of_teenager]
    shown = {
        home.world.registrar: everything,
        home.world.actor(home.team.lead): everything,
        home.world.relative(home.her): [own, of_small],
        home.world.relative(home.him): [his],
        home.world.relative(teenager): [of_teenager],
    }
    for actor, seen in shown.items():
        caller = home.world.as_(actor)
        ids = [one["id"] for one in caller.get(f"{home.path}/consents").json()["items"]]
        assert ids == [str(one.id) for one in seen], actor
        assert sorted(timeline(home, actor)) == sorted(ids)
        for one in everything:
            status = 200 if one in seen else 404
            assert caller.get(f"{home.path}/consents/{one.id}").status_code == status


def test_an_objection_of_a_child_is_not_the_parents_to_withdraw(home: Home) -> None:
    _, person = home.child(13)
    objection, consent = home.say(person, OBJECTED, by=person), home.say(person, GIVEN, by=home.her)
    mother, child = (home.world.as_(home.world.relative(one)) for one in (home.her, person))
    refused(mother.post(f"{home.path}/consents/{objection.id}/_withdraw"), 403, "not_theirs_to_decide")
    assert child.post(f"{home.path}/consents/{consent.id}/_withdraw").status_code == 200
    assert child.post(f"{home.path}/consents/{objection.id}/_withdraw").status_code == 200


def test_whom_and_what_an_objection_is_about_stays_out_of_the_event(home: Home) -> None:
    home.say(home.her, OBJECTED, agency_id=home.debt_help.id, help_domain="finances")
    [event] = home.world.told(home.family, "consent.objected")
    assert (event.agency_id, event.help_domain, event.professional_id) == (None, None, None)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"endsOn": None}, "endsOn"),
        ({"endsOn": str(in_days(-1))}, "endsOn"),
        ({"helpDomain": "nothing_of_the_kind"}, "helpDomain"),
        ({"agencyId": "2b1f4c52-9c1e-4d51-8a35-5f2f3f9d7c10"}, "agencyId"),
        ({"memberId": "2b1f4c52-9c1e-4d51-8a35-5f2f3f9d7c10"}, "memberId"),
        ({"givenByMemberId": "2b1f4c52-9c1e-4d51-8a35-5f2f3f9d7c10"}, "givenByMemberId"),
    ],
)
def test_what_does_not_hold_is_refused(home: Home, wrong: dict[str, Any], field: str) -> None:
    body = {"memberId": str(home.mother.id), "decision": "given", "endsOn": str(in_days(9))} | wrong
    answer = home.post(home.registrar, **body)
    assert (answer.status_code, answer.json()["errors"][0]["name"]) == (400, field), answer.text
    assert not home.world.told(home.family, "consent.given")


def test_a_member_speaks_for_themselves_only(home: Home) -> None:
    mother = home.world.as_(home.world.relative(home.her))
    body = {"memberId": str(home.father.id), "decision": "objected"}
    refused(home.post(mother, **body), 400, "not_theirs_to_decide")
    answer = home.post(mother, **body, givenByMemberId=str(home.father.id))
    assert answer.json()["errors"][0]["name"] == "givenByMemberId"
