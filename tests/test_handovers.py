"""A professional leaves: what they carry goes to colleagues, by the rules of each single change, and never twice."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest
from httpx import Response
from sqlmodel import select

from api.domain import consents, handovers, involvements, mandates
from api.domain.codes import AgencyKind, ConsentDecision, LegalBasis, MandateDecline
from api.domain.models import Agency, ContactPoint, Family, Involvement, Mandate, Professional
from tests.registering import registered, somebody_in, told_about, work_through
from tests.world import Caller, World, ago, in_days, refused

DOMAINS = ("parenting", "child_development")


@dataclass
class Desk:
    """An agency, somebody who leaves it, and colleagues."""

    world: World
    agency: Agency
    leaver: Professional
    successor: Professional
    other: Professional

    @property
    def system(self) -> Caller:
        return self.world.as_(self.world.system(self.agency))

    @property
    def path(self) -> str:
        return f"/professionals/{self.leaver.id}/_handover"

    def hand_over(self, *, dry_run: bool = False, headers: dict[str, str] | None = None, **body: Any) -> Response:
        body = {"dryRun": dry_run, "successorId": str(self.successor.id)} | body
        return self.system.post(self.path, body, headers=headers or {})

    def items(self, **body: Any) -> list[tuple[str, str, str | None]]:
        """What becomes of what, in the order of the answer."""
        answer = self.hand_over(**body)
        assert answer.status_code == 200, answer.text
        return [(one["kind"], one["outcome"], one["reason"]) for one in answer.json()["items"]]

    def a_family(self, domains: tuple[str, ...] = DOMAINS, *, named: Professional | None = None) -> Family:
        family = self.world.a_family()
        self.world.a_member(family)
        self.world.an_involvement(family, self.agency, domains, professional=named or self.leaver)
        return family

    def running(self, family: Family) -> list[Involvement]:
        with self.world.session() as session:
            found = session.exec(select(Involvement).where(Involvement.family_id == family.id))
            return [one for one in found if one.ends_at is None]

    def points(self, family: Family) -> dict[str, UUID]:
        with self.world.session() as session:
            found = session.exec(select(ContactPoint).where(ContactPoint.family_id == family.id))
            return {one.help_domain: one.professional_id for one in found if one.ends_at is None}

    def proposals(self, family: Family) -> list[Mandate]:
        with self.world.session() as session:
            found = session.exec(select(Mandate).where(Mandate.family_id == family.id))
            return [one for one in found if one.answer is None]


@pytest.fixture
def desk(world: World) -> Desk:
    agency = world.an_agency()
    return Desk(world, agency, *(world.a_professional(agency) for _ in range(3)))


def test_all_that_somebody_carries_goes_to_their_successor(desk: Desk) -> None:
    family, world = desk.a_family(), desk.world
    mandate = world.a_mandate(family, desk.leaver)
    for domain in DOMAINS:
        world.a_contact_point(family, desk.leaver, domain)
    assert desk.items() == [
        ("involvement", "handed_over", None),
        ("contact_point", "handed_over", None),
        ("contact_point", "handed_over", None),
        ("mandate", "proposed", None),
    ]
    assert [one.professional_id for one in desk.running(family)] == [desk.successor.id]
    assert set(desk.points(family).values()) == {desk.successor.id}
    [proposal] = desk.proposals(family)
    assert (proposal.professional_id, proposal.succeeds_id) == (desk.successor.id, mandate.id)
    told = world.told(family)[-6:]
    assert [event.type for event in told] == [
        "involvement.changed",
        *("contact_point.ended", "contact_point.assigned") * 2,
        "mandate.proposed",
    ]
    assert {event.by_agency_id for event in told} == {desk.agency.id}


def test_a_registration_goes_over_with_the_involvement_that_came_of_it(desk: Desk) -> None:
    world, family = desk.world, desk.world.a_family()
    bsn, _ = somebody_in(world, family)
    path = registered(world, desk.agency, bsn, professionalId=str(desk.leaver.id))
    work_through(world)
    assert desk.items() == [("involvement", "handed_over", None)]
    assert [one.professional_id for one in desk.running(family)] == [desk.successor.id]
    assert world.as_(world.actor(desk.successor)).get(path).json()["familyId"] == str(family.id)
    refused(world.as_(world.actor(desk.leaver)).get(path), 404, "not_found")
    assert told_about(world, path.rpartition("/")[2])[-1] == "registration.changed"


def test_it_is_on_record_as_done_and_as_shown_by_the_agencys_system(desk: Desk) -> None:
    family = desk.a_family()
    desk.items()
    records = [one for one in desk.world.records(family) if one.role == "agency_system"][-2:]
    assert [(one.action, one.decision) for one in records] == [
        ("involvement.changed", "changed"),
        ("professional:hand_over", "shown"),
    ]
    assert records[0].relation == "involved_agency"
    assert records[0].legal_basis == "statutory_task"
    assert records[1].shown_person_id is not None


def test_a_dry_run_says_the_same_and_changes_nothing(desk: Desk) -> None:
    family = desk.a_family()
    desk.world.a_mandate(family, desk.leaver)
    desk.world.a_contact_point(family, desk.leaver)
    before = desk.world.told(family)
    tried = desk.items(dry_run=True)
    assert desk.world.told(family) == before
    assert desk.points(family) == {"parenting": desk.leaver.id}
    assert desk.world.records(family)[-1].action == "professional:hand_over", "What it shows is on record."
    assert desk.items() == tried


def test_what_is_accepted_ends_the_role_and_they_can_be_made_inactive(desk: Desk) -> None:
    family, world = desk.a_family(), desk.world
    world.a_mandate(family, desk.leaver)
    me = f"/professionals/{desk.leaver.id}"
    still = desk.system.change(me, {"active": False})
    refused(still, 409, "roles_running")
    assert "_handover" in still.json()["detail"]
    desk.items()
    refused(desk.system.change(me, {"active": False}), 409, "roles_running")
    [proposal] = desk.proposals(family)
    path = f"/families/{family.id}/mandates/{proposal.id}/_accept"
    assert world.as_(world.actor(desk.successor)).post(path).status_code == 200
    assert desk.system.change(me, {"active": False}).status_code == 200


def test_asked_again_it_does_what_is_left_and_nothing_twice(desk: Desk) -> None:
    family = desk.a_family()
    desk.world.a_mandate(family, desk.leaver)
    assert desk.items() == [("involvement", "handed_over", None), ("mandate", "proposed", None)]
    before = desk.world.told(family)
    assert desk.items() == [("mandate", "proposed", None)]
    assert desk.world.told(family) == before, "Who was asked already is not asked again."
    later = desk.a_family()
    assert ("involvement", "handed_over", None) in desk.items()
    assert [one.professional_id for one in desk.running(later)] == [desk.successor.id]


def test_the_same_key_gives_the_same_answer(desk: Desk) -> None:
    desk.a_family()
    key = {"Idempotency-Key": uuid4().hex}
    first, again = desk.hand_over(headers=key), desk.hand_over(headers=key)
    assert first.status_code == 200
    assert again.json() == first.json()
    refused(desk.hand_over(headers=key, dry_run=True), 409, "key_reused")


def test_who_takes_over_can_differ_by_family_and_by_help_domain(desk: Desk) -> None:
    one, other = desk.a_family(), desk.a_family()
    for family in (one, other):
        for domain in DOMAINS:
            desk.world.a_contact_point(family, desk.leaver, domain)
    third = desk.world.a_professional(desk.agency)
    desk.items(
        exceptions=[
            {"familyId": str(one.id), "successorId": str(desk.other.id)},
            {"helpDomain": "child_development", "successorId": str(third.id)},
            {"familyId": str(uuid4()), "successorId": str(third.id)},
        ]
    )
    assert desk.points(one) == {"parenting": desk.other.id, "child_development": desk.other.id}
    assert desk.points(other) == {"parenting": desk.successor.id, "child_development": third.id}
    assert [row.professional_id for row in desk.running(one)] == [desk.other.id]
    assert [row.professional_id for row in desk.running(other)] == [desk.successor.id], (
        "Of several, who has the family."
    )


def test_what_nobody_is_named_for_stays(desk: Desk) -> None:
    family = desk.a_family()
    desk.world.a_contact_point(family, desk.leaver)
    only = [{"helpDomain": "parenting", "successorId": str(desk.other.id)}]
    assert desk.items(successorId=None, exceptions=only) == [
        ("involvement", "stays", "no_successor"),
        ("contact_point", "handed_over", None),
    ]


# What can't go over stays, with its reason, and keeps nothing else from going


def test_an_involvement_of_a_successor_who_has_one_already_stays(desk: Desk) -> None:
    family = desk.a_family()
    desk.world.an_involvement(family, desk.agency, ["finances"], professional=desk.successor)
    desk.world.a_contact_point(family, desk.leaver)
    assert desk.items() == [
        ("involvement", "stays", "successor_involved_already"),
        ("contact_point", "handed_over", None),
    ]


def test_one_of_a_successor_who_had_one_in_that_period_stays_too(desk: Desk) -> None:
    family, world = desk.a_family(), desk.world
    world.an_involvement(family, desk.agency, ["finances"], professional=desk.successor, at=ago(minutes=2))

    def end(work: Any, mine: Family) -> None:
        [ended] = [one for one in involvements.of_family(work, mine) if one.professional_id == desk.successor.id]
        involvements.end(work, mine, ended, involvements.InvolvementEnd.COMPLETED)

    world.around(family, end, world.system(desk.agency))
    world.a_contact_point(family, desk.leaver, at=ago(seconds=0))
    assert desk.items() == [
        ("involvement", "stays", "successor_involved_already"),
        ("contact_point", "handed_over", None),
    ]
    assert desk.items(dry_run=True) == [("involvement", "stays", "successor_involved_already")]


def test_what_an_objection_has_ended_is_no_longer_there(desk: Desk) -> None:
    world, family = desk.world, desk.world.a_family()
    _, person = world.a_member(family)
    world.an_involvement(
        family, desk.agency, professional=desk.leaver, legal_basis=LegalBasis.CONSENT, legal_basis_ends_on=in_days(9)
    )
    world.around(
        family,
        lambda work, mine: consents.record(
            work, mine, person.id, ConsentDecision.OBJECTED, given_by_id=person.id, agency_id=desk.agency.id
        ),
    )
    assert desk.items() == []


def test_a_mandate_for_which_another_proposal_is_open_stays(desk: Desk) -> None:
    family, world = desk.a_family(), desk.world
    mandate = world.a_mandate(family, desk.leaver)
    world.around(
        family,
        lambda work, mine: mandates.transfer(
            work, mine, mandates.get(work, mine, mandate.id), desk.other.id, may_widen=True
        ),
    )
    assert desk.items() == [("involvement", "handed_over", None), ("mandate", "stays", "proposal_open")]
    [proposal] = desk.proposals(family)
    assert proposal.professional_id == desk.other.id


def test_a_proposal_that_they_have_not_answered_stays_theirs_to_answer(desk: Desk) -> None:
    family = desk.a_family(named=desk.other)
    desk.world.a_proposal(family, desk.leaver)
    assert desk.items() == [("mandate", "stays", "not_answered")]


def test_who_deputises_is_for_the_lead_to_name(desk: Desk) -> None:
    world = desk.world
    team = world.a_team()
    world.an_involvement(team.family, desk.agency, ["finances"], professional=desk.leaver)
    world.a_deputy(team, desk.leaver)
    assert desk.items() == [("involvement", "handed_over", None), ("deputy", "stays", "named_by_lead")]


def test_a_declined_successor_can_be_asked_once_more(desk: Desk) -> None:
    family, world = desk.a_family(), desk.world
    world.a_mandate(family, desk.leaver)
    desk.items()
    [proposal] = desk.proposals(family)
    world.around(
        family,
        lambda work, mine: mandates.decline(work, mandates.get(work, mine, proposal.id), MandateDecline.NO_CAPACITY),
        world.actor(desk.successor),
    )
    assert desk.items(successorId=str(desk.other.id)) == [("mandate", "proposed", None)]


def test_a_shielded_involvement_goes_over_and_stays_shielded(desk: Desk) -> None:
    family = desk.world.a_family()
    desk.world.an_involvement(family, desk.agency, professional=desk.leaver, shielded=True)
    assert desk.items() == [("involvement", "handed_over", None)]
    [row] = desk.running(family)
    assert (row.shielded, row.professional_id) == (True, desk.successor.id)


def test_a_contact_point_of_an_agency_that_is_not_named_goes_over_too(desk: Desk) -> None:
    """It rests on the agency's involvement, whoever that names."""
    family = desk.a_family(named=desk.other)
    desk.world.a_contact_point(family, desk.leaver)
    assert desk.items() == [("contact_point", "handed_over", None)]
    assert desk.points(family) == {"parenting": desk.successor.id}


def test_what_somebody_covers_for_is_not_theirs_to_hand_over(desk: Desk) -> None:
    desk.a_family(named=desk.other)
    desk.world.an_absence(desk.other, cover=desk.leaver)
    assert desk.items() == []


def test_nothing_of_another_agency_is_touched(desk: Desk) -> None:
    family, world = desk.a_family(), desk.world
    stranger = world.an_involved_professional(family)
    world.a_contact_point(family, stranger, "finances")
    desk.items()
    assert desk.points(family) == {"finances": stranger.id}
    assert {one.professional_id for one in desk.running(family)} == {desk.successor.id, stranger.id}


# Who may, and to whom


def test_only_the_own_agencys_system_hands_over(desk: Desk) -> None:
    world, body = desk.world, {"dryRun": False, "successorId": str(desk.successor.id)}
    elsewhere = world.system(world.an_agency())
    refused(world.as_(elsewhere).post(desk.path, body), 403, "other_agency")
    for actor in (world.actor(desk.leaver), world.registrar, world.administrator):
        refused(world.as_(actor).post(desk.path, body), 403, "role_lacking")
    refused(desk.system.post(f"/professionals/{uuid4()}/_handover", body), 404, "not_found")


def test_who_takes_over_is_a_working_colleague(desk: Desk) -> None:
    desk.a_family()
    stranger = desk.world.a_professional(desk.world.an_agency(AgencyKind.DEBT_HELP))
    gone = desk.world.a_professional(desk.agency)
    desk.system.change(f"/professionals/{gone.id}", {"active": False})
    for successor_id in (stranger.id, gone.id, desk.leaver.id, uuid4()):
        answer = desk.hand_over(successorId=str(successor_id))
        refused(answer, 400, "invalid")
        assert "successorId" in str(answer.json()["errors"])
        exceptions = [{"helpDomain": "parenting", "successorId": str(successor_id)}]
        refused(desk.hand_over(exceptions=exceptions), 400, "invalid")


@pytest.mark.parametrize(
    "body", [{"dryRun": None}, {"exceptions": [{"successorId": str(uuid4())}]}, {"exceptions": [{"familyId": "x"}]}]
)
def test_what_makes_no_sense_is_refused(desk: Desk, body: dict[str, Any]) -> None:
    refused(desk.hand_over(**body), 400, "invalid")


def test_more_families_than_one_request_can_do_are_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handovers, "MOST_FAMILIES", 1)
    desk.a_family()
    assert desk.hand_over(dry_run=True).status_code == 200
    desk.a_family()
    refused(desk.hand_over(dry_run=True), 409, "too_many_families")


def test_an_agency_that_is_no_longer_involved_hands_nothing_over(desk: Desk) -> None:
    family, world = desk.a_family(), desk.world
    [row] = desk.running(family)
    world.around(
        family,
        lambda work, mine: involvements.end(
            work, mine, involvements.get(work, mine, row.id), involvements.InvolvementEnd.COMPLETED
        ),
        world.system(desk.agency),
    )
    assert desk.items() == []


# At once


def test_at_once_with_others_nothing_is_doubled_and_nothing_lost(desk: Desk) -> None:
    """Several hand over at the same time, while the lead, the registrar and the agency change single things."""
    world = desk.world
    found = [desk.a_family() for _ in range(6)]
    for family in found:
        world.a_mandate(family, desk.leaver)
        for domain in DOMAINS:
            world.a_contact_point(family, desk.leaver, domain)
    with ThreadPoolExecutor(8) as pool:
        many = [pool.submit(desk.hand_over) for _ in range(3)]
        many += [pool.submit(_reassign, desk, family) for family in found]
        many += [pool.submit(_confirm, desk, family) for family in found]
        answers = [one.result() for one in many]
    assert {one.status_code for one in answers} <= {200, 404}, [one.text for one in answers]
    for family in found:
        _is_whole(desk, family)
    assert {kind for kind, outcome, _ in desk.items() if outcome != "proposed"} <= {"contact_point"}
    assert desk.items() == [("mandate", "proposed", None)] * len(found)


def _reassign(desk: Desk, family: Family) -> Response:
    lead = desk.world.as_(desk.world.registrar)
    path = f"/families/{family.id}/contact-points/parenting"
    return lead.call("PUT", path, json={"professionalId": str(desk.other.id)}, headers={"If-Match": "*"})


def _confirm(desk: Desk, family: Family) -> Response:
    [row] = desk.running(family)
    return desk.system.post(f"/families/{family.id}/involvements/{row.id}/_confirm")


def _is_whole(desk: Desk, family: Family) -> None:
    assert [one.professional_id for one in desk.running(family)] == [desk.successor.id]
    assert desk.points(family) in (
        {"parenting": one, "child_development": desk.successor.id} for one in (desk.other.id, desk.successor.id)
    )
    assert len(desk.proposals(family)) == 1
    told = Counter((event.type, event.help_domain) for event in desk.world.told(family))
    assert told["involvement.changed", None] == 1
    assert told["mandate.proposed", None] == 2
    assert told["contact_point.assigned", "child_development"] == 2
    assert told["contact_point.assigned", "parenting"] - told["contact_point.ended", "parenting"] == 1
