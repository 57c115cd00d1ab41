"""Breaking the glass: an entitled professional opens a family for a while, and whoever must know is told at once."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest
from httpx import Response
from sqlmodel import select

from api.domain import agencies, continuity, emergencies, families, persons
from api.domain.actor import Actor, Role
from api.domain.codes import AgencyKind, EmergencyReason, FamilyClosing
from api.domain.models import AuditRecord, EmergencyAccess, Entitlement, Family, Person, Professional
from api.domain.work import Work
from tests.access.sweep import as_answered
from tests.test_caseload import attention
from tests.world import Caller, Team, World, a_bsn, ago, refused

READS = ("", "/who-is-involved", "/members", "/contact-points", "/contact-points/parenting")
NO_READS = ("/timeline", "/involvements", "/mandates")


@dataclass
class Night:
    """A family with a team, and a crisis worker of an agency that the municipality entitled."""

    world: World
    entitled: bool = True

    def __post_init__(self) -> None:
        world = self.world
        self.team: Team = world.a_team()
        self.family: Family = self.team.family
        self.bsn = a_bsn()
        _, self.person = world.a_member(self.family, bsn=self.bsn)
        self.agency = world.an_agency(AgencyKind.SAFE_AT_HOME)
        self.worker: Professional = world.a_professional(self.agency)
        self.entitlement: Entitlement | None = self._entitle() if self.entitled else None
        self.caller: Caller = world.as_(world.actor(self.worker))

    def _entitle(self) -> Entitlement:
        code = self.world.municipality.code
        return self.world.do(
            lambda work: emergencies.entitle(work, code, self.agency.id), self.world.registrar, ago(minutes=1)
        )

    def open(self, caller: Caller | None = None, **body: Any) -> Response:
        asked = {"municipalityCode": self.world.municipality.code, "reason": "missing_child"} | body
        return (caller or self.caller).post("/emergency-accesses", asked)

    def opened(self) -> dict[str, Any]:
        answer = self.open(familyId=str(self.family.id))
        assert answer.status_code == 201, answer.text
        [access] = answer.json()["items"]
        return access

    def row(self, access: dict[str, Any]) -> EmergencyAccess:
        with self.world.session() as session:
            return session.get_one(EmergencyAccess, UUID(access["id"]))

    def let_run_out(self, access: dict[str, Any]) -> None:
        """Three hours later."""

        def shift(work: Work, _: Family) -> None:
            row = work.session.get_one(EmergencyAccess, UUID(access["id"]))
            over = row.ends_at - ago(seconds=1)
            row.started_at, row.ends_at = row.started_at - over, row.ends_at - over
            work._told[id(row)] = row

        self.world.around(self.family, shift)


@pytest.fixture
def night(world: World) -> Night:
    return Night(world)


def test_an_entitled_professional_reads_the_family_for_three_hours(night: Night) -> None:
    assert night.caller.get(night.team.path).status_code == 404
    access = night.opened()
    row = night.row(access)
    assert row.ends_at - row.started_at == emergencies.LASTS
    assert (access["reason"], access["endReason"], access["reviewedAt"]) == ("missing_child", None, None)
    for path in READS:
        assert night.caller.get(night.team.path + path).status_code == 200, path
    team = night.caller.get(f"{night.team.path}/who-is-involved").json()
    assert team["leadCoordinator"]["professional"]["id"] == str(night.team.lead.id)
    assert [member["personId"] for member in team["members"]] == [str(night.person.id)]
    [mine] = night.caller.get("/caseload").json()["items"]
    assert (mine["relations"], mine["attention"]) == (["emergency_access"], [])
    night.let_run_out(access)
    for path in (*READS, *NO_READS):
        refused(night.caller.get(night.team.path + path), 404, "family_not_found")
    assert night.caller.get("/caseload").json()["items"] == []


def test_who_looks_in_an_emergency_changes_nothing_and_reads_no_timeline(night: Night) -> None:
    night.opened()
    for path in NO_READS:
        refused(night.caller.get(night.team.path + path), 403, "relation_lacking")
    for method, path, body in (
        ("POST", "/_close", {"closing": "completed"}),
        ("POST", "/members", {"personId": str(uuid4()), "role": "child"}),
        (
            "POST",
            "/involvements",
            {"helpDomains": ["finances"], "legalBasis": "statutory_task", "legalGround": "debt_help"},
        ),
        ("POST", "/involvements/_invite", {"agencyId": str(night.agency.id), "helpDomains": ["finances"]}),
        ("PUT", "/contact-points/parenting", {"professionalId": str(night.worker.id)}),
    ):
        refused(night.caller.call(method, night.team.path + path, json=body), 403, "relation_lacking")


def test_what_is_shielded_is_not_shown_in_an_emergency(night: Night) -> None:
    world, shelter = night.world, night.world.an_agency(AgencyKind.WOMENS_SHELTER)
    worker = world.a_professional(shelter)
    world.an_involvement(night.family, shelter, ["child_safety"], professional=worker, shielded=True)
    _, hidden = world.a_member(night.family, birth_date=None)
    shield(world, hidden)
    night.opened()
    for path in READS:
        text = night.caller.get(night.team.path + path).text
        for trace in (shelter.id, worker.id, hidden.id, "child_safety"):
            assert str(trace) not in text, (path, trace)


def shield(world: World, person: Person) -> None:
    world.do(lambda work: persons.change(work, work.session.get_one(Person, person.id), shielded=True))


def test_by_bsn_every_open_family_of_the_person_is_opened(night: Night) -> None:
    world = night.world
    second, closed, left = (world.a_family() for _ in range(3))
    for family in (second, closed, left):
        world.a_member(family, bsn=night.bsn)
    world.around(closed, lambda work, mine: families.close(work, mine, FamilyClosing.COMPLETED))
    caller = world.as_(world.registrar)
    [member] = caller.get(f"/families/{left.id}/members").json()["items"]
    assert caller.post(f"/families/{left.id}/members/{member['id']}/_leave").is_success
    answer = night.open(bsn=night.bsn)
    assert answer.status_code == 201
    opened = {one["familyId"] for one in answer.json()["items"]}
    assert opened == {str(night.family.id), str(second.id)}
    assert night.bsn not in answer.text


def test_nobody_is_found_through_a_person_whose_whereabouts_are_secret(night: Night) -> None:
    shield(night.world, night.person)
    hidden, unknown = night.open(bsn=night.bsn), night.open(bsn=a_bsn())
    refused(hidden, 404, "family_not_found")
    assert as_answered(hidden) == as_answered(unknown)


def ways_to_miss(night: Night) -> dict[str, dict[str, str]]:
    world = night.world
    elsewhere = world.a_municipality()
    theirs, closed = world.a_family(elsewhere), world.a_family()
    theirs_bsn = a_bsn()
    world.a_member(theirs, bsn=theirs_bsn)
    world.around(closed, lambda work, mine: families.close(work, mine, FamilyClosing.COMPLETED))
    return {
        "no such family": {"familyId": str(uuid4())},
        "a family of another municipality": {"familyId": str(theirs.id)},
        "a closed family": {"familyId": str(closed.id)},
        "an unknown person": {"bsn": a_bsn()},
        "a person of another municipality": {"bsn": theirs_bsn},
    }


def test_who_is_entitled_and_finds_no_family_always_gets_the_same_answer(night: Night) -> None:
    answers = [as_answered(night.open(**body)) for body in ways_to_miss(night).values()]
    assert answers[0][0] == 404
    assert all(answer == answers[0] for answer in answers)


@pytest.mark.parametrize("why", ["not entitled", "ended", "other municipality", "agency inactive", "on behalf"])
def test_who_is_not_entitled_is_refused_alike_for_any_family(world: World, why: str) -> None:
    night = Night(world, entitled=why not in {"not entitled"})
    code, caller = world.municipality.code, night.caller
    if why == "ended":
        assert world.as_(world.registrar).post(f"/entitlements/{_id(night)}/_end").is_success
    if why == "other municipality":
        code = world.a_municipality().code
    if why == "agency inactive":
        world.do(lambda work: agencies.change(work, agencies.get(work, night.agency.id), active=False))
    if why == "on behalf":
        actor = world.actor(night.worker)
        caller = world.as_(Actor(actor.role, actor.subject, None, actor.agency_id, actor.professional_id, via="client"))
    bodies = [{"familyId": str(night.family.id)}, {"bsn": night.bsn}, *ways_to_miss(night).values()]
    answers = [as_answered(night.open(caller, municipalityCode=code, **body)) for body in bodies]
    assert (answers[0][0], answers[0][2]["code"]) == (403, "not_entitled")
    assert all(answer == answers[0] for answer in answers)
    assert world.told(night.family, "emergency_access.opened") == []


def _id(night: Night) -> UUID:
    assert night.entitlement
    return night.entitlement.id


def test_a_borrowed_professional_id_opens_nothing(night: Night) -> None:
    other = night.world.a_professional(night.world.an_agency())
    borrowed = Actor(Role.PROFESSIONAL, "x", agency_id=night.agency.id, professional_id=other.id)
    refused(night.open(night.world.as_(borrowed), familyId=str(night.family.id)), 403, "not_entitled")
    access = night.opened()
    stolen = Actor(Role.PROFESSIONAL, "x", agency_id=other.agency_id, professional_id=night.worker.id)
    assert night.world.as_(stolen).get(night.team.path).status_code == 404
    colleague = night.world.as_(night.world.actor(night.world.a_professional(night.agency)))
    assert colleague.get(night.team.path).status_code == 404
    refused(colleague.post(f"/emergency-accesses/{access['id']}/_end"), 404, "not_found")


def test_an_agencys_system_opens_nothing(night: Night) -> None:
    system = night.world.as_(night.world.system(night.agency))
    refused(night.open(system, familyId=str(night.family.id)), 403, "role_lacking")


@pytest.mark.parametrize("body", [{}, {"familyId": str(uuid4()), "bsn": a_bsn()}])
def test_one_of_family_and_bsn_is_given(night: Night, body: dict[str, str]) -> None:
    refused(night.open(**body), 400, "invalid")


# Who is told


def test_lead_and_registrar_are_told_at_once_and_nobody_else(night: Night) -> None:
    world, family = night.world, night.family
    deputy = world.a_professional(night.team.agency)
    world.a_deputy(night.team, deputy)
    access = night.opened()
    told = world.told(family, "emergency_access.opened")
    assert [(one.about, one.reason, one.professional_id) for one in told] == [
        (access["id"], "missing_child", night.worker.id)
    ]
    for actor in (world.actor(night.team.lead), world.registrar):
        assert attention(world, actor, family.id)["emergency_access"]["about"] == access["id"]
        [item] = [
            one
            for one in world.as_(actor).get(f"{night.team.path}/timeline").json()["items"]
            if one["type"] == "emergency_access.opened"
        ]
        assert (item["reason"], item["agency"]["id"]) == ("missing_child", str(night.agency.id))
    for actor in (world.relative(night.person), world.actor(deputy), world.system(night.team.agency)):
        assert "emergency_access" not in attention(world, actor, family.id)
        text = world.as_(actor).get(f"{night.team.path}/timeline").text
        assert "emergency" not in text
        assert str(night.agency.id) not in text


def test_the_privacy_officer_reviews_and_then_it_needs_no_more_attention(night: Night) -> None:
    world, officer = night.world, night.world.as_(night.world.officer())
    access = night.opened()
    unreviewed = officer.get("/emergency-accesses", params={"onlyUnreviewed": "true", "limit": 200}).json()["items"]
    assert access["id"] in {one["id"] for one in unreviewed}
    path = f"/emergency-accesses/{access['id']}/_review"
    refused(world.as_(world.registrar).post(path), 403, "role_lacking")
    refused(world.as_(world.officer(world.a_municipality())).post(path), 404, "not_found")
    assert officer.post(path).json()["reviewedAt"]
    refused(officer.post(path), 409, "reviewed_already")
    assert "emergency_access" not in attention(world, world.registrar, night.family.id)
    unreviewed = officer.get("/emergency-accesses", params={"onlyUnreviewed": "true", "limit": 200}).json()["items"]
    assert access["id"] not in {one["id"] for one in unreviewed}
    assert [one.type for one in world.told(night.family)][-1] == "emergency_access.reviewed"


def _listed(caller: Caller) -> set[str]:
    return {one["id"] for one in caller.get("/emergency-accesses", params={"limit": 200}).json()["items"]}


def test_each_sees_those_that_are_theirs_to_see(night: Night) -> None:
    world, elsewhere = night.world, night.world.a_municipality()
    access = night.opened()
    for actor in (world.actor(night.worker), world.registrar, world.officer()):
        assert access["id"] in _listed(world.as_(actor))
    others = (world.a_professional(night.agency), night.team.lead)
    for actor in (*map(world.actor, others), world.a_registrar(elsewhere), world.officer(elsewhere)):
        assert access["id"] not in _listed(world.as_(actor))
    moved = world.as_(world.registrar).post(f"{night.team.path}/_move", {"municipalityCode": elsewhere.code})
    assert moved.is_success, moved.text
    assert access["id"] not in _listed(world.as_(world.registrar))
    assert access["id"] in _listed(world.as_(world.officer()))


def test_the_list_has_pages(night: Night) -> None:
    made = [night.opened()["id"] for _ in range(3)]
    first = night.caller.get("/emergency-accesses", params={"limit": 2}).json()
    rest = night.caller.get("/emergency-accesses", params={"limit": 2, "cursor": first["nextCursor"]}).json()
    assert [one["id"] for one in [*first["items"], *rest["items"]]] == made[::-1]
    assert rest["nextCursor"] is None


# What is on record


def _records(world: World, actor: Actor, action: str) -> list[AuditRecord]:
    with world.session() as session:
        of_actor = select(AuditRecord).where(AuditRecord.subject == actor.subject, AuditRecord.action == action)
        return list(session.exec(of_actor.order_by(AuditRecord.id)))


def test_what_is_shown_is_on_record_as_a_vital_interest(night: Night) -> None:
    night.opened()
    night.caller.get(f"{night.team.path}/who-is-involved")
    actor = night.world.actor(night.worker)
    [opened] = _records(night.world, actor, "emergency_access.opened")
    assert (opened.decision, opened.legal_basis, opened.purpose) == ("changed", "vital_interest", "emergency")
    shown = _records(night.world, actor, "team:read")
    assert shown
    assert {(one.decision, one.relation, one.legal_basis, one.purpose) for one in shown} == {
        ("shown", "emergency_access", "vital_interest", "emergency")
    }


def test_refusals_are_on_record_for_the_privacy_officer_without_a_bsn(night: Night) -> None:
    missing, bsn = uuid4(), a_bsn()
    night.open(familyId=str(missing))
    night.open(bsn=bsn)
    actor = night.world.actor(night.worker)
    records = _records(night.world, actor, "emergency:open")
    code = night.world.municipality.code
    assert [(one.decision, one.family_id, one.municipality_code) for one in records] == [
        ("refused", missing, code),
        ("refused", None, code),
    ]
    assert bsn not in str([one.model_dump() for one in records])
    officer = night.world.as_(night.world.officer())
    seen = officer.get("/disclosures", params={"professionalId": str(night.worker.id)}).json()["items"]
    assert [one["decision"] for one in seen] == ["refused", "refused"]


def test_who_is_not_entitled_is_on_record_too(world: World) -> None:
    night = Night(world, entitled=False)
    night.open(familyId=str(night.family.id))
    [record] = _records(world, world.actor(night.worker), "emergency:open")
    assert (record.decision, record.family_id) == ("refused", night.family.id)


# How it ends


def test_the_professional_can_end_it_early(night: Night) -> None:
    access = night.opened()
    path = f"/emergency-accesses/{access['id']}/_end"
    assert night.caller.post(path).json()["endReason"] == "ended_early"
    assert night.caller.get(night.team.path).status_code == 404
    refused(night.caller.post(path), 409, "emergency_access_ended")
    [ended] = night.world.told(night.family, "emergency_access.ended")
    assert (ended.reason, ended.by_role) == ("ended_early", "professional")


def test_when_the_entitlement_ends_every_access_by_it_ends(night: Night) -> None:
    first, second = night.opened(), night.opened()
    registrar = night.world.as_(night.world.registrar)
    assert registrar.post(f"/entitlements/{_id(night)}/_end").json()["endsAt"]
    assert night.caller.get(night.team.path).status_code == 404
    assert {night.row(one).end_reason for one in (first, second)} == {"entitlement_ended"}
    assert len(night.world.told(night.family, "emergency_access.ended")) == 2
    refused(registrar.post(f"/entitlements/{_id(night)}/_end"), 404, "not_found")


def test_the_relation_rests_on_the_entitlement_itself(night: Night) -> None:
    """Even if the access were still written down as running."""
    access = night.opened()

    def take_away(work: Work) -> None:
        row = work.session.get_one(Entitlement, _id(night))
        row.ends_at = work.at
        work._told[id(row)] = row

    night.world.do(take_away)
    assert night.row(access).end_reason is None
    assert night.caller.get(night.team.path).status_code == 404


@pytest.mark.parametrize("ending", ["family_closed", "family_moved"])
def test_it_ends_with_the_approach(night: Night, ending: str) -> None:
    access = night.opened()
    body = {"family_closed": {"closing": "completed"}, "family_moved": {"municipalityCode": a_code(night)}}[ending]
    verb = {"family_closed": "_close", "family_moved": "_move"}[ending]
    assert night.world.as_(night.world.registrar).post(f"{night.team.path}/{verb}", body).is_success
    assert night.row(access).end_reason == ending
    assert night.caller.get(night.team.path).status_code == 404


def a_code(night: Night) -> str:
    return night.world.a_municipality().code


def test_one_that_ran_out_is_written_down_at_the_instant_it_did(night: Night) -> None:
    access = night.opened()
    night.let_run_out(access)
    [listed] = night.caller.get("/emergency-accesses").json()["items"]
    assert listed["endReason"] == "expired"
    with night.world.session() as session:
        assert night.family.id in continuity.lapsed_families(session, ago(seconds=0), 10_000)
    night.world.around(night.family, lambda work, mine: None)
    row = night.row(access)
    [ended] = night.world.told(night.family, "emergency_access.ended")
    assert (row.end_reason, ended.at, ended.by_role) == ("expired", row.ends_at, "clock")


# Entitlements


def test_a_registrar_entitles_agencies_of_two_kinds_only(world: World) -> None:
    registrar = world.as_(world.registrar)
    for kind in AgencyKind:
        agency = world.an_agency(kind)
        answer = registrar.post("/entitlements", {"agencyId": str(agency.id)})
        if kind in {AgencyKind.SAFE_AT_HOME, AgencyKind.CRISIS_SERVICE}:
            assert answer.status_code == 201, answer.text
            assert (answer.json()["municipalityCode"], answer.json()["endsAt"]) == (world.municipality.code, None)
            refused(registrar.post("/entitlements", {"agencyId": str(agency.id)}), 409, "entitled_already")
        else:
            refused(answer, 400, "invalid")


def test_an_entitlement_can_be_given_again_after_it_ended(night: Night) -> None:
    registrar = night.world.as_(night.world.registrar)
    assert registrar.post(f"/entitlements/{_id(night)}/_end").is_success
    assert registrar.post("/entitlements", {"agencyId": str(night.agency.id)}).status_code == 201
    assert night.opened()["endReason"] is None


def test_entitlements_are_for_the_municipality_and_the_agency_concerned(night: Night) -> None:
    world, mine = night.world, str(_id(night))
    elsewhere = world.a_municipality()
    for actor, sees in (
        (world.registrar, True),
        (world.officer(), True),
        (world.system(night.agency), True),
        (world.actor(night.worker), True),
        (world.a_registrar(elsewhere), False),
        (world.officer(elsewhere), False),
        (world.system(night.team.agency), False),
    ):
        listed = {one["id"] for one in world.as_(actor).get("/entitlements").json()["items"]}
        assert (mine in listed) is sees, actor
    refused(world.as_(world.a_registrar(elsewhere)).post(f"/entitlements/{mine}/_end"), 404, "not_found")


@pytest.mark.parametrize("reason", EmergencyReason)
def test_every_reason_is_taken(night: Night, reason: EmergencyReason) -> None:
    assert night.open(familyId=str(night.family.id), reason=reason.value).status_code == 201
