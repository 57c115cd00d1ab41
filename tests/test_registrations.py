"""An agency registers that it is involved with a person: one answer whoever else is there, and what follows."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from httpx import Response
from sqlalchemy import event

from api.domain import families, members, persons, placing, professionals, registrations, signals
from api.domain.codes import AgencyKind, DisclosureStage, FamilyClosing, LegalBasis, MemberRole
from api.domain.models import AuditRecord, Family, Person, Registration
from api.domain.work import Work
from tests.access.sweep import as_answered
from tests.registering import (
    a_body,
    involvements_of,
    long_ago,
    matches_of,
    own,
    register,
    registered,
    somebody_in,
    told_about,
    work_through,
)
from tests.world import World, a_bsn, ago, in_days, refused

NAMED = {"givenName": "Noor", "surname": "Voorbeeld", "birthDate": "2015-03-04"}


def shape_of(answer: Response) -> Any:
    """The whole answer, but for what is this registration's own: its id, its instants and what is made of them."""
    status, headers, body, _ = as_answered(answer)
    own_values = {body.pop(name) for name in ("id", "agencyId", "registeredAt", "expiresAt")}
    assert len(own_values) == 4
    assert len(headers.pop("etag")) == 34
    assert len(headers.pop("location")) == len(f"/v1/registrations/{uuid4()}")
    headers.pop("traceparent", None)
    return status, headers, body


# One answer


def test_the_answer_is_the_same_whoever_else_is_there(world: World) -> None:
    agencies = [world.an_agency() for _ in range(6)]
    nobody, registered_by_another, of_a_family = a_bsn(), a_bsn(), a_bsn()
    shielded, of_two, child = a_bsn(), a_bsn(), a_bsn()
    register(world, world.an_agency(AgencyKind.DEBT_HELP), registered_by_another)
    world.a_member(world.a_family(), bsn=of_a_family)
    _, hidden = world.a_member(world.a_family(), bsn=shielded)
    shield(world, hidden)
    for _ in range(2):
        world.a_member(world.a_family(), bsn=of_two)
    register(world, world.an_agency(), a_bsn(), relatives=[{"kinship": "child", "bsn": child}])
    work_through(world)
    cases = (nobody, registered_by_another, of_a_family, shielded, of_two, child)
    answers = [shape_of(register(world, agency, bsn)) for agency, bsn in zip(agencies, cases, strict=True)]
    assert all(answer == answers[0] for answer in answers)
    assert answers[0][0] == 201
    assert (answers[0][2]["state"], answers[0][2]["familyId"]) == ("waiting", None)


def shield(world: World, person: Person) -> None:
    def change(work: Work) -> None:
        persons.change(work, work.session.get_one(Person, person.id), shielded=True)

    world.do(change, world.registrar)


def test_whoever_registers_sends_the_same_statements_to_the_same_tables(world: World) -> None:
    """Neither persons nor families nor the registrations of others are looked at: there is nothing to take time."""
    family = world.a_family()
    in_a_family, _ = somebody_in(world, family)
    sent = [statements_of(world, world.an_agency(), bsn) for bsn in (a_bsn(), in_a_family)]
    assert sent[0] == sent[1]
    assert any("INSERT INTO registration " in one for one in sent[0])
    read = {table for one in sent[0] for table in re.findall(r"(?:FROM|JOIN|INTO|UPDATE) (\w+)", one)}
    assert {"registration", "unplaced_registration", "agency"} <= read
    assert not read & {"person", "family", "member", "involvement", "match", "registration_relative"}


def statements_of(world: World, agency: Any, bsn: str) -> list[str]:
    sent: list[str] = []
    with world.session() as session:

        def note(_: Any, __: Any, statement: str, *___: Any) -> None:
            sent.append(statement)

        engine = session.get_bind()
        event.listen(engine, "before_cursor_execute", note)
        try:
            long_ago(world, agency, bsn, ago(seconds=1))
        finally:
            event.remove(engine, "before_cursor_execute", note)
    return sent


def test_another_agencys_registration_is_as_good_as_none(world: World) -> None:
    path = registered(world, world.an_agency(), a_bsn())
    other = world.as_(world.system(world.an_agency()))
    headers = {"If-Match": "*"}
    for method, rest, body in (
        ("GET", "", None),
        ("PATCH", "", {"helpDomains": ["finances"]}),
        ("POST", "/_renew", None),
        ("POST", "/_consulted", None),
        ("POST", "/_end", {"reason": "completed"}),
    ):
        hidden = other.call(method, path + rest, json=body, headers=headers)
        missing = other.call(method, f"/registrations/{uuid4()}{rest}", json=body, headers=headers)
        assert as_answered(hidden) == as_answered(missing)
        assert hidden.status_code == 404
    assert path.rpartition("/")[2] not in other.get("/registrations").text


def test_an_agency_registers_a_person_once(world: World) -> None:
    agency, bsn = world.an_agency(), a_bsn()
    path = registered(world, agency, bsn)
    refused(register(world, agency, bsn), 409, "registered")
    assert register(world, world.an_agency(), bsn).status_code == 201
    answer = world.as_(world.system(agency)).post(f"{path}/_end", {"reason": "completed"})
    assert (answer.json()["state"], answer.json()["endReason"]) == ("ended", "completed")
    assert register(world, agency, bsn).status_code == 201


def test_at_the_same_time_too(world: World) -> None:
    agency, bsn = world.an_agency(), a_bsn()
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: register(world, agency, bsn).status_code, range(4)))
    assert sorted(answers) == [201, 409, 409, 409]


def test_a_professional_sees_the_registrations_that_name_them(world: World) -> None:
    agency, bsn = world.an_agency(), a_bsn()
    one, other = world.a_professional(agency), world.a_professional(agency)
    caller = world.as_(world.actor(one))
    mine = caller.post("/registrations", a_body(agency, bsn, world.municipality.code))
    assert mine.json()["professionalId"] == str(one.id)
    path = f"/registrations/{mine.json()['id']}"
    assert [item["id"] for item in caller.get("/registrations").json()["items"]] == [mine.json()["id"]]
    colleague = world.as_(world.actor(other))
    assert colleague.get("/registrations").json()["items"] == []
    refused(colleague.get(path), 404, "not_found")
    again = colleague.post("/registrations", a_body(agency, bsn, world.municipality.code))
    assert again.status_code == 201, "That a colleague is involved is not theirs to know."
    named = a_body(agency, a_bsn(), world.municipality.code, professionalId=str(one.id))
    refused(colleague.post("/registrations", named), 400, "invalid")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"bsn": "123456789"}, "invalid_bsn"),
        ({"relatives": [{"kinship": "child", "bsn": "123456789"}]}, "invalid_bsn"),
        ({"bsn": None}, "invalid"),
        ({"bsn": None, "givenName": "Noor", "surname": "Voorbeeld"}, "invalid"),
        ({"legalBasis": "consent"}, "invalid"),
        ({"legalBasis": "consent", "legalBasisEndsOn": str(in_days(-1))}, "invalid"),
        ({"legalGround": None}, "legal_ground_missing"),
        ({"municipalityCode": "9999"}, "invalid"),
        ({"helpDomains": ["nothing_of_the_kind"]}, "unknown_help_domain"),
        ({"professionalId": str(uuid4())}, "invalid"),
    ],
)
def test_what_cant_be_registered_is_refused(world: World, change: dict[str, Any], code: str) -> None:
    agency = world.an_agency()
    if "legalBasis" in change:
        change = {"legalGround": "consent"} | change
    body = a_body(agency, a_bsn(), world.municipality.code) | change
    answer = world.as_(world.system(agency)).post("/registrations", {k: v for k, v in body.items() if v is not None})
    refused(answer, 400, code)
    assert world.as_(world.system(agency)).get("/registrations").json()["items"] == []


def test_nobody_is_their_own_parent(world: World) -> None:
    bsn = a_bsn()
    refused(register(world, world.an_agency(), bsn, relatives=[{"kinship": "parent", "bsn": bsn}]), 400, "invalid")


def test_a_request_sent_twice_has_one_effect(world: World) -> None:
    agency, bsn = world.an_agency(), a_bsn()
    caller, headers = world.as_(world.system(agency)), {"Idempotency-Key": uuid4().hex}
    body = a_body(agency, bsn, world.municipality.code)
    first, second = (caller.post("/registrations", body, headers=headers) for _ in range(2))
    assert (first.status_code, second.content) == (201, first.content)
    assert len(caller.get("/registrations").json()["items"]) == 1


def test_the_bsn_is_nowhere_but_sealed(world: World) -> None:
    agency, bsn, child = world.an_agency(), a_bsn(), a_bsn()
    path = registered(world, agency, bsn, relatives=[{"kinship": "child", "bsn": child}])
    shown = own(world, agency, path)
    assert shown["hasBsn"]
    assert not {bsn, child} & {str(value) for value in shown.values()}
    with world.session() as session:
        row = session.get_one(Registration, shown["id"])
        assert bsn.encode() not in (row.bsn_sealed or b"")
        assert world.do(lambda work: signals.bsn_of(work, row)) == bsn


# It joins a family


def test_it_joins_the_family_that_the_person_is_in(world: World) -> None:
    family, agency = world.a_family(), world.an_agency()
    bsn, person = somebody_in(world, family)
    path = registered(world, agency, bsn, helpDomains=["finances"], contactFrequency="weekly")
    assert own(world, agency, path)["state"] == "waiting"
    work_through(world)
    shown = own(world, agency, path)
    assert (shown["state"], shown["familyId"]) == ("joined", str(family.id))
    [involvement] = involvements_of(world, family, agency)
    assert str(involvement.id) == shown["involvementId"]
    assert (involvement.help_domains, involvement.person_id) == (["finances"], person.id)
    assert world.as_(world.system(agency)).get(f"/families/{family.id}/who-is-involved").status_code == 200
    assert told_about(world, shown["id"]) == ["registration.made", "registration.joined"]
    assert [one.about for one in world.told(family, "involvement.started")] == [str(involvement.id)]
    assert not [one for one in world.told(family) if one.type.startswith(("registration.", "match."))]


def test_that_an_agency_sees_the_family_of_its_registration_is_a_disclosure(world: World) -> None:
    family, agency = world.a_family(), world.an_agency()
    bsn, person = somebody_in(world, family)
    path = registered(world, agency, bsn)
    work_through(world)
    before = len(shown_to(world, family, agency.id))
    own(world, agency, path)
    after = shown_to(world, family, agency.id)
    assert len(after) == before + 1
    assert (after[-1].action, after[-1].shown_person_id) == ("registration:read", person.id)
    world.as_(world.system(agency)).get("/registrations")
    assert len(shown_to(world, family, agency.id)) == before + 2


def shown_to(world: World, family: Family, agency_id: Any) -> list[AuditRecord]:
    return [one for one in world.records(family) if one.decision == "shown" and one.agency_id == agency_id]


STAGES = [
    (LegalBasis.STATUTORY_TASK, False, "others_involved", "lead_and_contact_points"),
    (LegalBasis.CONSENT, False, "lead_and_contact_points", "lead_and_contact_points"),
    (LegalBasis.MEASURE, False, "agencies", "agencies"),
    (LegalBasis.VITAL_INTEREST, False, "agencies", "agencies"),
    (LegalBasis.STATUTORY_TASK, True, "others_involved", "others_involved"),
    (LegalBasis.VITAL_INTEREST, True, "others_involved", "others_involved"),
]


@pytest.mark.parametrize(("basis", "signals_only", "first", "after"), STAGES)
def test_how_much_it_is_shown_follows_from_its_basis_and_from_consulting(
    world: World, basis: LegalBasis, signals_only: bool, first: str, after: str
) -> None:
    family, agency = world.a_family(), world.an_agency(AgencyKind.SCHOOL, signal_only=signals_only)
    bsn, _ = somebody_in(world, family)
    more = {"legalBasisEndsOn": str(in_days(30))} if basis is LegalBasis.CONSENT else {}
    path = registered(world, agency, bsn, legalBasis=str(basis), **more)
    work_through(world)
    assert [one.disclosure_stage for one in involvements_of(world, family, agency)] == [first]
    answer = world.as_(world.system(agency)).post(f"{path}/_consulted")
    assert answer.json()["consultedAt"]
    assert [one.disclosure_stage for one in involvements_of(world, family, agency)] == [after]


def test_consulting_undoes_no_decision_of_the_lead(world: World) -> None:
    team, agency = world.a_team(), world.an_agency()
    bsn, _ = somebody_in(world, team.family)
    path = registered(world, agency, bsn)
    work_through(world)
    [involvement] = involvements_of(world, team.family, agency)
    decide = f"{team.path}/involvements/{involvement.id}/_disclose"
    lead, system = world.as_(world.actor(team.lead)), world.as_(world.system(agency))
    for stage in (DisclosureStage.AGENCIES, DisclosureStage.OTHERS_INVOLVED):
        assert lead.post(decide, {"stage": stage}).is_success
        assert system.post(f"{path}/_consulted").is_success
        assert [one.disclosure_stage for one in involvements_of(world, team.family, agency)] == [stage]


def test_an_agency_that_is_there_already_has_one_involvement(world: World) -> None:
    family, agency = world.a_family(), world.an_agency()
    bsn, _ = somebody_in(world, family)
    before = world.an_involvement(family, agency, ["parenting"])
    path = registered(world, agency, bsn, helpDomains=["finances"])
    work_through(world)
    [involvement] = involvements_of(world, family, agency)
    assert (involvement.id, involvement.help_domains) == (before.id, ["finances", "parenting"])
    world.as_(world.system(agency)).post(f"{path}/_end", {"reason": "completed"})
    assert involvements_of(world, family, agency)[0].ends_at is None, "It carries more than the registration."
    refused(world.as_(world.system(agency)).post(f"{path}/_renew"), 409, "registration_not_running")


def test_a_shielded_one_joins_as_a_shielded_involvement(world: World) -> None:
    team = world.a_team()
    shelter, other = world.an_agency(AgencyKind.WOMENS_SHELTER), world.an_agency()
    world.an_involvement(team.family, other, ["finances"])
    bsn, _ = somebody_in(world, team.family)
    registered(world, shelter, bsn, shielded=True, legalBasis="vital_interest")
    work_through(world)
    assert [one.shielded for one in involvements_of(world, team.family, shelter)] == [True]
    for path in ("/who-is-involved", "/timeline", "/involvements"):
        assert str(shelter.id) not in world.as_(world.system(other)).get(team.path + path).text
        assert path == "/timeline" or str(shelter.id) in world.as_(world.actor(team.lead)).get(team.path + path).text


def test_a_shielded_one_adds_nothing_to_an_open_involvement(world: World) -> None:
    family, agency = world.a_family(), world.an_agency()
    bsn, _ = somebody_in(world, family)
    world.an_involvement(family, agency, ["parenting"])
    registered(world, agency, bsn, helpDomains=["child_safety"], shielded=True)
    work_through(world)
    assert [(one.help_domains, one.shielded) for one in involvements_of(world, family, agency)] == [
        (["parenting"], False)
    ]


def test_a_shielded_person_is_joined_by_nobody_but_shown_to_the_registrar(world: World) -> None:
    family, agency = world.a_family(), world.an_agency()
    bsn, person = somebody_in(world, family)
    shield(world, person)
    path, alone = registered(world, agency, bsn), registered(world, agency, a_bsn())
    work_through(world)
    assert own(world, agency, path)["state"] == own(world, agency, alone)["state"] == "waiting"
    assert involvements_of(world, family, agency) == []
    [match] = matches_of(world, path)
    assert (match.with_family_id, str(match.kind)) == (family.id, "same_person")


def test_a_child_in_two_families_joins_neither_by_itself(world: World) -> None:
    bsn, agency = a_bsn(), world.an_agency()
    both = [world.a_family(), world.a_family()]
    for family in both:
        world.a_member(family, MemberRole.CHILD, bsn=bsn)
    path = registered(world, agency, bsn)
    work_through(world)
    assert own(world, agency, path)["familyId"] is None
    assert {one.with_family_id for one in matches_of(world, path)} == {family.id for family in both}
    joined = world.as_(world.registrar).post(
        f"/matches/{matches_of(world, path)[0].id}/_join", {"familyId": str(both[1].id)}
    )
    assert joined.json()["state"] == "joined"
    assert own(world, agency, path)["familyId"] == str(both[1].id)


def test_it_joins_a_family_that_is_opened_later(world: World) -> None:
    agency, bsn = world.an_agency(), a_bsn()
    path = registered(world, agency, bsn)
    work_through(world)
    assert own(world, agency, path)["state"] == "waiting"
    family = world.a_family()
    world.a_member(family, bsn=bsn, at=datetime.now().astimezone())
    work_through(world)
    assert own(world, agency, path)["familyId"] == str(family.id)


@pytest.mark.parametrize("how", ["closed", "left", "elsewhere"])
def test_it_joins_no_family_that_is_not_there(world: World, how: str) -> None:
    there = world.a_municipality() if how == "elsewhere" else None
    family, agency, bsn = world.a_family(there), world.an_agency(), a_bsn()
    member, _ = world.a_member(family, bsn=bsn)
    if how == "closed":
        world.around(family, lambda work, mine: families.close(work, mine, FamilyClosing.COMPLETED))
    if how == "left":
        world.around(family, lambda work, mine: members.leave(work, members.get(work, mine, member.id)))
    path = registered(world, agency, bsn)
    work_through(world)
    assert own(world, agency, path)["state"] == "waiting"
    assert matches_of(world, path) == []


def test_without_a_relation_the_family_is_gone_from_it_at_once(world: World) -> None:
    family, agency = world.a_family(), world.an_agency()
    bsn, _ = somebody_in(world, family)
    path = registered(world, agency, bsn)
    work_through(world)
    caller = world.as_(world.system(agency))
    ended = caller.post(f"{path}/_end", {"reason": "handed_over"})
    assert (ended.json()["state"], ended.json()["familyId"]) == ("ended", None)
    refused(caller.get(f"/families/{family.id}"), 404, "family_not_found")
    assert str(family.id) not in caller.get("/registrations").text
    assert [str(one.end_reason) for one in involvements_of(world, family, agency)] == ["handed_over"]
    assert told_about(world, ended.json()["id"])[-1] == "registration.ended"


@pytest.mark.parametrize("written_down", [False, True])
def test_an_involvement_that_ends_takes_its_registration_along(world: World, written_down: bool) -> None:
    family, agency = world.a_family(), world.an_agency()
    bsn, _ = somebody_in(world, family)
    path = registered(world, agency, bsn)
    work_through(world)
    caller, joined = world.as_(world.system(agency)), own(world, agency, path)
    end = f"/families/{family.id}/involvements/{joined['involvementId']}/_end"
    assert caller.post(end, {"reason": "no_longer_needed"}).is_success
    if written_down:
        work_through(world)
    shown = own(world, agency, path)
    assert (shown["state"], shown["endReason"], shown["familyId"]) == ("ended", "no_longer_needed", None)
    assert register(world, agency, bsn).status_code == 201


def test_when_the_approach_closes_it_waits_again(world: World) -> None:
    family, agency = world.a_family(), world.an_agency()
    bsn, _ = somebody_in(world, family)
    path = registered(world, agency, bsn)
    work_through(world)
    world.around(family, lambda work, mine: families.close(work, mine, FamilyClosing.COMPLETED))
    shown = own(world, agency, path)
    assert (shown["state"], shown["familyId"]) == ("waiting", None)
    work_through(world)
    assert own(world, agency, path) == shown | {"state": "waiting"}
    assert "registration.left" in told_about(world, shown["id"])


def test_a_change_of_one_that_joined_changes_the_involvement(world: World) -> None:
    family, agency = world.a_family(), world.an_agency()
    bsn, _ = somebody_in(world, family)
    path = registered(world, agency, bsn)
    work_through(world)
    caller = world.as_(world.system(agency))
    changed = caller.change(path, {"helpDomains": ["housing"], "contactFrequency": "daily"})
    assert changed.json()["helpDomains"] == ["housing"]
    [involvement] = involvements_of(world, family, agency)
    assert (involvement.help_domains, involvement.contact_frequency) == (["housing"], "daily")
    assert caller.call("PATCH", path, json={"helpDomains": ["finances"]}).status_code == 428


def test_a_waiting_one_changes_and_says_until_when_it_waits(world: World) -> None:
    agency = world.an_agency()
    path = registered(world, agency, a_bsn())
    caller = world.as_(world.system(agency))
    consent = {"legalBasis": "consent", "legalBasisEndsOn": str(in_days(10))}
    changed = caller.change(path, consent).json()
    assert (changed["legalBasis"], changed["legalGround"]) == ("consent", None)
    expires = datetime.fromisoformat(changed["expiresAt"])
    assert expires < ago(days=-11.1)
    assert datetime.fromisoformat(caller.post(f"{path}/_renew").json()["expiresAt"]) == expires
    refused(caller.change(path, {"legalBasis": "consent"}), 400, "invalid")


# It expires


def test_a_signal_expires_after_two_years_unless_it_is_renewed(world: World) -> None:
    agency, bsn, renewed = world.an_agency(), a_bsn(), a_bsn()
    over = long_ago(world, agency, bsn, ago(days=731))
    kept = long_ago(world, agency, renewed, ago(days=731))
    world.do(
        lambda work: registrations.renew(work, work.session.get_one(Registration, kept.id)),
        world.system(agency),
        ago(days=400),
    )
    path = f"/registrations/{over.id}"
    assert own(world, agency, path)["state"] == "expired", "Nobody has written it down yet."
    assert told_about(world, over.id) == ["registration.made"]
    work_through(world)
    shown = own(world, agency, path)
    assert (shown["state"], shown["endReason"]) == ("expired", "expired")
    assert datetime.fromisoformat(shown["endedAt"]) == over.registered_at + timedelta(days=730)
    assert told_about(world, over.id) == ["registration.made", "registration.expired"]
    assert own(world, agency, f"/registrations/{kept.id}")["state"] == "waiting"
    refused(world.as_(world.system(agency)).post(f"{path}/_renew"), 409, "registration_not_running")


def test_what_expired_is_no_hindrance_to_register_again(world: World) -> None:
    agency, bsn = world.an_agency(), a_bsn()
    over = long_ago(world, agency, bsn, ago(days=731))
    assert register(world, agency, bsn).status_code == 201
    assert told_about(world, over.id) == ["registration.made", "registration.expired"]


def test_a_signal_ends_with_its_basis(world: World) -> None:
    agency = world.an_agency()
    basis = {"legal_basis": LegalBasis.CONSENT, "legal_basis_ends_on": in_days(-2), "legal_ground": None}
    over = long_ago(world, agency, a_bsn(), ago(days=20), **basis)
    work_through(world)
    shown = own(world, agency, f"/registrations/{over.id}")
    assert (shown["state"], shown["endReason"]) == ("ended", "legal_basis_ended")


def test_one_that_expired_joins_nothing_and_matches_nobody(world: World) -> None:
    bsn = a_bsn()
    long_ago(world, world.an_agency(), bsn, ago(days=731))
    path = registered(world, world.an_agency(), bsn)
    world.a_member(world.a_family(), bsn=bsn)
    work_through(world)
    assert matches_of(world, path) == []


# Without a BSN


def unconfirmed(world: World) -> dict[str, Any]:
    """What waits to be confirmed, by id."""
    found, cursor = {}, ""
    while cursor is not None:
        page = world.as_(world.registrar).get("/registrations/_unconfirmed", params={"cursor": cursor}).json()
        found |= {item["id"]: item for item in page["items"]}
        cursor = page["nextCursor"]
    return found


def test_without_a_bsn_the_registrar_says_who_it_is(world: World) -> None:
    family, agency = world.a_family(), world.an_agency()
    _, person = somebody_in(world, family)
    path = registered(world, agency, **NAMED)
    name = path.rpartition("/")[2]
    work_through(world)
    assert own(world, agency, path)["state"] == "unconfirmed"
    shown = unconfirmed(world)[name]
    assert (shown["givenName"], shown["agencyId"]) == ("Noor", str(agency.id))
    assert not {"legalBasis", "shielded", "legalGround"} & set(shown)
    answer = world.as_(world.registrar).post(f"{path}/_confirm", {"personId": str(person.id)})
    assert (answer.status_code, answer.content) == (204, b"")
    assert name not in unconfirmed(world)
    work_through(world)
    assert own(world, agency, path)["familyId"] == str(family.id)


def test_a_person_that_is_new_is_confirmed_with_a_bsn(world: World) -> None:
    agency, other, bsn = world.an_agency(), world.an_agency(), a_bsn()
    registered(world, other, bsn)
    path = registered(world, agency, **NAMED)
    registrar, person = world.as_(world.registrar), dict(NAMED)
    refused(registrar.post(f"{path}/_confirm", {"person": person}), 409, "bsn_lacking")
    assert registrar.post(f"{path}/_confirm", {"person": person | {"bsn": bsn}}).status_code == 204
    work_through(world)
    assert own(world, agency, path)["hasBsn"]
    assert len(matches_of(world, path)) == 1


def test_what_is_confirmed_may_wait_to_be_placed_already(world: World) -> None:
    agency = world.an_agency()
    path = registered(world, agency, **NAMED)
    world.do(lambda work: placing.place_anew(work, UUID(path.rpartition("/")[2])))
    answer = world.as_(world.registrar).post(f"{path}/_confirm", {"person": NAMED | {"bsn": a_bsn()}})
    assert answer.status_code == 204, answer.text
    work_through(world)
    assert own(world, agency, path)["hasBsn"]


def test_the_registrar_learns_of_no_other_registration_by_confirming(world: World) -> None:
    agency, bsn = world.an_agency(), a_bsn()
    family = world.a_family()
    _, known = world.a_member(family, bsn=bsn, birth_date=None)
    world.around(family, lambda work, mine: families.close(work, mine, FamilyClosing.COMPLETED))
    first = registered(world, agency, bsn)
    paths = [registered(world, one, **NAMED) for one in (agency, world.an_agency())]
    answers = [world.as_(world.registrar).post(f"{path}/_confirm", {"personId": str(known.id)}) for path in paths]
    assert as_answered(answers[0]) == as_answered(answers[1])
    work_through(world)
    shown = own(world, agency, paths[0])
    assert (shown["state"], shown["endReason"]) == ("ended", "duplicate")
    assert own(world, agency, first)["state"] == "waiting"


def test_the_registrar_rejects_whom_nobody_can_find(world: World) -> None:
    agency = world.an_agency()
    path = registered(world, agency, **NAMED)
    registrar = world.as_(world.registrar)
    assert registrar.post(f"{path}/_reject").status_code == 204
    assert own(world, agency, path)["state"] == "rejected"
    refused(registrar.post(f"{path}/_reject"), 404, "not_found")


def test_nobody_confirms_what_has_a_bsn_or_is_elsewhere(world: World) -> None:
    elsewhere = world.as_(world.a_registrar(world.a_municipality()))
    unnamed, named = registered(world, world.an_agency(), **NAMED), registered(world, world.an_agency(), a_bsn())
    for caller, path in ((elsewhere, unnamed), (world.as_(world.registrar), named)):
        for verb, body in (("_confirm", {"personId": str(uuid4())}), ("_reject", None)):
            hidden, missing = (caller.post(f"{one}/{verb}", body) for one in (path, f"/registrations/{uuid4()}"))
            assert as_answered(hidden) == as_answered(missing)
            assert hidden.status_code == 404


# Who else may do what


@pytest.mark.parametrize("role", ["registrar", "officer", "administrator"])
def test_nobody_but_agencies_registers_or_reads_registrations(world: World, role: str) -> None:
    actor = {"registrar": world.registrar, "officer": world.officer(), "administrator": world.administrator}[role]
    caller, path = world.as_(actor), registered(world, world.an_agency(), a_bsn())
    body = a_body(world.an_agency(), a_bsn(), world.municipality.code)
    for answer in (caller.post("/registrations", body), caller.get("/registrations"), caller.get(path)):
        refused(answer, 403, "role_lacking")


def test_who_no_longer_works_there_sees_none(world: World) -> None:
    agency = world.an_agency()
    one = world.a_professional(agency)
    caller = world.as_(world.actor(one))
    made = caller.post("/registrations", a_body(agency, a_bsn(), world.municipality.code)).json()
    assert caller.get(f"/registrations/{made['id']}").status_code == 200

    def leave(work: Work) -> None:
        professionals.change(work, professionals.get(work, one.id), active=False)

    world.do(leave)
    assert caller.get(f"/registrations/{made['id']}").status_code in {401, 404}
    assert made["id"] not in caller.get("/registrations").text


def test_registrations_come_in_pages_each_once(world: World) -> None:
    agency = world.an_agency()
    made = [registered(world, agency, a_bsn()).rpartition("/")[2] for _ in range(5)]
    caller, found, cursor = world.as_(world.system(agency)), [], ""
    while cursor is not None:
        page = caller.get("/registrations", params={"limit": 2, "cursor": cursor}).json()
        found += [item["id"] for item in page["items"]]
        cursor = page["nextCursor"]
    assert found == made


def test_the_privacy_officer_sees_that_it_was_made(world: World) -> None:
    agency = world.an_agency()
    registered(world, agency, a_bsn())
    records = world.as_(world.officer()).get("/disclosures", params={"agencyId": str(agency.id)}).json()["items"]
    assert {"registration.made"} <= {one["action"] for one in records}
