"""Mandates: the lead coordinator's authority over one family, and the deputy who stands in.

Invariant: at most one active mandate per family at any instant. A mandate is proposed and runs once it is accepted; a
successor's begins at the instant the predecessor's ends. It rests on an open involvement of the lead's agency.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from api.domain import calendar, continuity, professionals
from api.domain.codes import Answer, EventType, MandateBasis, MandateDecline, MandateEnd, MandateState, Power
from api.domain.errors import Conflict, Forbidden, Invalid, NotFound
from api.domain.models import Deputy, Family, Mandate
from api.domain.work import Work

NO_GROUND = (
    "This professional's agency is not openly involved with this family, or only signals. "
    "Invite it first, or name someone of an involved agency."
)


def get(work: Work, family: Family, mandate_id: UUID) -> Mandate:
    mandate = work.session.get(Mandate, mandate_id)
    if mandate is None or mandate.family_id != family.id:
        raise NotFound("This family has no such mandate.")
    return mandate


def of_family(work: Work, family: Family) -> Sequence[Mandate]:
    """All there ever were, proposals too, the oldest first."""
    known = select(Mandate).where(Mandate.family_id == family.id)
    return work.session.exec(known.order_by(col(Mandate.proposed_at), col(Mandate.id))).all()


def propose(
    work: Work, family: Family, professional_id: UUID, powers: Iterable[Power], basis: MandateBasis, ends_on: date
) -> Mandate:
    """Propose the lead of a family to a professional. It is theirs once they accept."""
    if continuity.active_mandate(work, family):
        raise Conflict("This family has a lead coordinator. Transfer that mandate instead.", code="mandate_active")
    return _propose(work, family, professional_id, powers, basis, ends_on)


def transfer(
    work: Work,
    family: Family,
    mandate: Mandate,
    professional_id: UUID,
    powers: Iterable[Power] | None = None,
    basis: MandateBasis | None = None,
    ends_on: date | None = None,
    *,
    may_widen: bool,
) -> Mandate:
    """Propose a successor, on the same terms unless others are given. Nothing ends before the successor accepts.

    Who `may_widen` may give the successor other powers, another basis or a longer period than there are now.
    """
    _must_be_active(work, mandate)
    wider = set(powers or ()) - set(mandate.powers) or (basis and basis != mandate.legal_basis)
    if not may_widen and (wider or (ends_on and calendar.end_of(ends_on) > mandate.ends_at)):
        raise Forbidden("You hand over what you have: more is for the registrar to grant.", code="power_lacking")
    if professional_id == mandate.professional_id:
        raise Invalid("This professional has the mandate already. Name another one.", field="professionalId")
    return _propose(
        work,
        family,
        professional_id,
        powers or [Power(power) for power in mandate.powers],
        basis or mandate.legal_basis,
        ends_on or calendar.last_day_before(mandate.ends_at),
        predecessor=mandate,
    )


def accept(work: Work, family: Family, mandate: Mandate) -> Mandate:
    """Accept a proposed mandate; a predecessor's ends at the instant this one starts."""
    _must_be_for_actor(work, mandate)
    professionals.working(work, mandate.professional_id)
    _must_have_ground(work, family, mandate.professional_id)
    active = continuity.active_mandate(work, family)
    if active and active.id != mandate.succeeds_id:
        raise Conflict("This family has another lead coordinator now.", code="mandate_active")
    if active:
        continuity.end_mandate(work, active, MandateEnd.TRANSFERRED, work.at)
        work.session.flush()
    mandate.answer, mandate.answered_at, mandate.started_at = Answer.ACCEPTED, work.at, work.at
    work.tell(EventType.MANDATE_GRANTED, mandate)
    return mandate


def decline(work: Work, mandate: Mandate, reason: MandateDecline) -> Mandate:
    _must_be_for_actor(work, mandate)
    mandate.answer, mandate.answered_at, mandate.decline_reason = Answer.DECLINED, work.at, reason
    work.tell(EventType.MANDATE_DECLINED, mandate, reason=reason)
    return mandate


def withdraw_proposal(work: Work, mandate: Mandate) -> Mandate:
    _must_be_proposed(mandate)
    mandate.answer, mandate.answered_at = Answer.WITHDRAWN, work.at
    work.tell(EventType.MANDATE_WITHDRAWN, mandate)
    return mandate


def change(work: Work, mandate: Mandate, **new: Any) -> Mandate:
    """Change the powers, the legal basis or the last day (`ends_on`) of an active mandate."""
    _must_be_active(work, mandate)
    if "ends_on" in new:
        new["ends_at"] = _end_of(work, new.pop("ends_on"))
    if "powers" in new:
        new["powers"] = _in_order(new["powers"])
    mandate.sqlmodel_update(new)
    work.tell(EventType.MANDATE_CHANGED, mandate)
    return mandate


def end(work: Work, family: Family, mandate: Mandate, reason: MandateEnd) -> Mandate:
    """End an active mandate: lay it down, withdraw it, or complete it. Who must fill the gap is told."""
    _must_be_active(work, mandate)
    continuity.end_mandate(work, mandate, reason, work.at)
    work.tell(EventType.MANDATE_GAP_OPENED, family)
    return mandate


def name_deputy(
    work: Work, family: Family, mandate: Mandate, professional_id: UUID, starts_on: date, ends_on: date
) -> Deputy:
    """Name who stands in for the lead coordinator during a period of whole days."""
    _must_be_active(work, mandate)
    professionals.working(work, professional_id)
    if professional_id == mandate.professional_id:
        raise Invalid("Nobody deputises for themselves. Name another professional.", field="professionalId")
    _must_have_ground(work, family, professional_id)
    if ends_on < starts_on or ends_on < calendar.day_of(work.at):
        raise Invalid("The last day lies before the first, or in the past.", field="endsOn")
    deputy = Deputy(
        family_id=family.id,
        mandate_id=mandate.id,
        professional_id=professional_id,
        started_at=max(calendar.start_of(starts_on), work.at),
        ends_at=min(calendar.end_of(ends_on), mandate.ends_at),
    )
    if deputy.started_at >= deputy.ends_at:
        raise Invalid("The mandate ends before the deputy would start.", field="startsOn")
    work.add(deputy)
    work.tell(EventType.DEPUTY_NAMED, deputy)
    return deputy


def deputies_of(work: Work, mandate: Mandate) -> Sequence[Deputy]:
    """Who deputises now or later."""
    named = select(Deputy).where(Deputy.mandate_id == mandate.id, col(Deputy.ends_at) > work.at)
    return work.session.exec(named.order_by(col(Deputy.started_at))).all()


def get_deputy(work: Work, mandate: Mandate, deputy_id: UUID) -> Deputy:
    """Who deputises now or later."""
    deputy = work.session.get(Deputy, deputy_id)
    if deputy is None or deputy.mandate_id != mandate.id or deputy.ends_at <= work.at:
        raise NotFound("This mandate has no such deputy now or later.")
    return deputy


def end_deputy(work: Work, mandate: Mandate, deputy_id: UUID) -> None:
    continuity.end_deputy(work, get_deputy(work, mandate, deputy_id), work.at)


def _propose(
    work: Work,
    family: Family,
    professional_id: UUID,
    powers: Iterable[Power],
    basis: MandateBasis,
    ends_on: date,
    predecessor: Mandate | None = None,
) -> Mandate:
    if family.closed_at:
        raise Conflict("The approach of this family is closed. Reopen it first.", code="family_closed")
    professionals.working(work, professional_id)
    _must_have_ground(work, family, professional_id)
    open_proposal = select(Mandate.id).where(Mandate.family_id == family.id, col(Mandate.answer).is_(None))
    if work.session.exec(open_proposal).first():
        raise Conflict("Another proposal is open. Withdraw it, or wait for the answer.", code="proposal_open")
    mandate = Mandate(
        family_id=family.id,
        professional_id=professional_id,
        powers=_in_order(powers),
        legal_basis=basis,
        granted_by=family.municipality_code,
        succeeds_id=predecessor.id if predecessor else None,
        proposed_at=work.at,
        ends_at=_end_of(work, ends_on),
    )
    work.add(mandate)
    work.tell(EventType.MANDATE_PROPOSED, mandate)
    return mandate


def _in_order(powers: Iterable[Power]) -> list[str]:
    """Each once, in the order of the list."""
    asked = set(powers)
    return [power for power in Power if power in asked]


def _end_of(work: Work, ends_on: date) -> Any:
    if ends_on < calendar.day_of(work.at):
        raise Invalid("The last day of the mandate lies in the past.", field="endsOn")
    return calendar.end_of(ends_on)


def _must_have_ground(work: Work, family: Family, professional_id: UUID) -> None:
    if not continuity.Ground(work, family).carries(professional_id):
        raise Conflict(NO_GROUND, code="no_running_involvement")


def _must_be_for_actor(work: Work, mandate: Mandate) -> None:
    if mandate.professional_id != work.actor.professional_id:
        raise Forbidden("Only the professional to whom the mandate is proposed can answer.")
    _must_be_proposed(mandate)


def _must_be_proposed(mandate: Mandate) -> None:
    if mandate.answer is not None:
        raise Conflict("This proposal is no longer open.", code="proposal_not_open")


def _must_be_active(work: Work, mandate: Mandate) -> None:
    if mandate.state_at(work.at) is not MandateState.ACTIVE:
        raise Conflict("This mandate is not active.", code="mandate_not_active")
