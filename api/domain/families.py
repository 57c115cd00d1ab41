"""Families: the households the approach is about, opened and closed by the responsible municipality's access team.

Invariant: a closed family has no lead, no contact points and no running involvements; its members stay its members.
"""

from typing import Any

from sqlmodel import col, func, select

from api.domain import consents, contact_points, continuity, involvements, measures, members, municipalities, persons
from api.domain.codes import (
    Answer,
    ContactPointEnd,
    EmergencyEnd,
    EventType,
    FamilyClosing,
    Framework,
    InvolvementEnd,
    MandateEnd,
    Strategy,
)
from api.domain.errors import Conflict, Invalid
from api.domain.models import Family, Involvement, Mandate
from api.domain.work import Work


def open_family(
    work: Work, municipality_code: str, *, name: str, framework: Framework, strategy: Strategy | None = None
) -> Family:
    family = Family(
        municipality_code=municipality_code,
        name=name,
        framework=framework,
        strategy=strategy,
        opened_at=work.at,
        changed_at=work.at,
    )
    work.add(family)
    work.session.flush()
    work.tell(EventType.FAMILY_OPENED, family)
    return family


def hold(work: Work, family: Family) -> None:
    """Keep a family as it is until this transaction ends, so that what is read of it is of one instant."""
    work.session.refresh(family, with_for_update={"read": True})
    work.at = max(work.at, family.changed_at)


def change(work: Work, family: Family, **new: Any) -> Family:
    leaves_court = new.get("framework", Framework.COURT_ORDERED) != Framework.COURT_ORDERED
    if leaves_court and measures.run(work, family):
        raise Conflict("A child protection measure runs: the framework is court-ordered.", code="measure_running")
    family.sqlmodel_update(new)
    work.tell(EventType.FAMILY_CHANGED, family)
    return family


def close(work: Work, family: Family, closing: FamilyClosing) -> Family:
    """Close the approach: every running involvement, role, gap and open question around the family ends now."""
    if family.closed_at:
        raise Conflict("The approach of this family is closed already.", code="family_closed")
    family.closed_at, family.closing = work.at, closing
    work.tell(EventType.FAMILY_CLOSED, family, reason=closing)
    _withdraw_open_questions(work, family)
    contact_points.close_gaps(work, family)
    continuity.end_emergencies(work, family, EmergencyEnd.FAMILY_CLOSED)
    for point in continuity.running_contact_points(work, family):
        continuity.end_contact_point(work, point, ContactPointEnd.FAMILY_CLOSED, work.at)
    mandate = continuity.active_mandate(work, family)
    if mandate:
        continuity.end_mandate(work, mandate, MandateEnd.FAMILY_CLOSED, work.at)
    for involvement in continuity.running_involvements(work, family):
        involvement.ends_at, involvement.end_reason = work.at, InvolvementEnd.FAMILY_CLOSED
        work.tell(EventType.INVOLVEMENT_ENDED, involvement, reason=involvement.end_reason)
    return family


def reopen(work: Work, family: Family) -> Family:
    """Reopen a closed approach. Who was involved is not restored: that is asked anew."""
    if not family.closed_at:
        raise Conflict("The approach of this family is open already.", code="family_open")
    if family.closing is FamilyClosing.MERGED:
        raise Conflict("This family was merged into another one. Undo that.", code="merged_already")
    family.closed_at, family.closing = None, None
    work.tell(EventType.FAMILY_REOPENED, family)
    return family


def move_to_municipality(work: Work, family: Family, municipality_code: str) -> Family:
    """Hand the family over to another municipality, which becomes responsible at once; its members go along."""
    if municipality_code == family.municipality_code:
        raise Conflict("This municipality is responsible already. Name another one.")
    if municipality_code not in {known.code for known in municipalities.known(work)}:
        raise Invalid("There is no such municipality. GET /v1/municipalities lists them.", field="municipalityCode")
    successors = {}
    work.session.execute(select(func.spil_also_oversee(municipality_code)))
    for member, person in members.current(work, family):
        successor = persons.carry_over(work, person, municipality_code)
        members.succeed(work, family, member, successor)
        successors[person.id] = successor.id
    consents.carry_over(work, family, successors)
    measures.carry_over(work, family, successors)
    involvements.carry_over(work, family, successors)
    continuity.end_emergencies(work, family, EmergencyEnd.FAMILY_MOVED)
    family.municipality_code = municipality_code
    work.tell(EventType.FAMILY_MOVED, family)
    return family


def _withdraw_open_questions(work: Work, family: Family) -> None:
    invitations = select(Involvement).where(Involvement.family_id == family.id, col(Involvement.answer).is_(None))
    for invitation in work.session.exec(invitations):
        invitation.answer, invitation.answered_at = Answer.WITHDRAWN, work.at
        work.tell(EventType.INVOLVEMENT_WITHDRAWN, invitation)
    proposals = select(Mandate).where(Mandate.family_id == family.id, col(Mandate.answer).is_(None))
    for proposal in work.session.exec(proposals):
        proposal.answer, proposal.answered_at = Answer.WITHDRAWN, work.at
        work.tell(EventType.MANDATE_WITHDRAWN, proposal)
