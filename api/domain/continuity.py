"""Nobody is silently orphaned: a role around a family ends with the involvement it rests on, and the gap is told.

A lead coordinator, a deputy and a contact point each rest on a running involvement of their agency that everyone may
see. What ends by itself (a consent runs out, a mandate expires) has ended whether or not anybody noticed: reads look
at the instants. `settle` writes down what has ended since the last change, before anything else changes.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, or_, select
from sqlmodel.sql.expression import SelectOfScalar

from api.domain.codes import (
    Answer,
    ContactPointEnd,
    EmergencyEnd,
    EventType,
    Framework,
    InvolvementEnd,
    MandateEnd,
    MeasureEnd,
)
from api.domain.models import (
    Agency,
    ContactPoint,
    Deputy,
    EmergencyAccess,
    Family,
    Involvement,
    Mandate,
    Measure,
    Professional,
)
from api.domain.work import Work


def _running(family: Family, at: datetime) -> tuple[ColumnElement[bool] | bool, ...]:
    return (
        Involvement.family_id == family.id,
        col(Involvement.started_at) <= at,
        or_(col(Involvement.ends_at).is_(None), col(Involvement.ends_at) > at),
    )


def running_involvements(work: Work, family: Family) -> Sequence[Involvement]:
    return work.session.exec(select(Involvement).where(*_running(family, work.at))).all()


def active_mandate(work: Work, family: Family) -> Mandate | None:
    return work.session.exec(
        select(Mandate).where(
            Mandate.family_id == family.id, col(Mandate.started_at) <= work.at, col(Mandate.ends_at) > work.at
        )
    ).one_or_none()


def running_contact_points(work: Work, family: Family) -> Sequence[ContactPoint]:
    return work.session.exec(
        select(ContactPoint).where(ContactPoint.family_id == family.id, col(ContactPoint.ends_at).is_(None))
    ).all()


def shielded_agencies(work: Work, family: Family) -> set[UUID]:
    """The agencies that most readers of this family may not know of: they never were involved openly."""
    of_family = select(Involvement.agency_id).where(Involvement.family_id == family.id)
    shielded = work.session.exec(of_family.where(Involvement.shielded))
    openly = work.session.exec(of_family.where(~col(Involvement.shielded), col(Involvement.started_at).is_not(None)))
    return set(shielded) - set(openly)


def works_shielded(work: Work, family: Family, professional_id: UUID) -> bool:
    return work.session.get_one(Professional, professional_id).agency_id in shielded_agencies(work, family)


class Ground:
    """Which agencies carry which help domains openly for a family at an instant: the ground every role rests on."""

    def __init__(self, work: Work, family: Family, at: datetime | None = None) -> None:
        self._work = work
        open_and_helping = (
            select(Involvement.agency_id, Involvement.help_domains)
            .join(Agency, col(Agency.id) == Involvement.agency_id)
            .where(*_running(family, at or work.at))
            .where(~col(Involvement.shielded), ~col(Agency.signal_only), Agency.active)
        )
        self.carried: dict[UUID, set[str]] = {}
        for agency_id, help_domains in work.session.exec(open_and_helping):
            self.carried.setdefault(agency_id, set()).update(help_domains)

    def carries(self, professional_id: UUID, help_domain: str | None = None) -> bool:
        """Whether this professional's agency is openly involved, and with this help domain if one is given."""
        professional = self._work.session.get_one(Professional, professional_id)
        domains = self.carried.get(professional.agency_id)
        return domains is not None and (help_domain is None or help_domain in domains)


def uphold(work: Work, family: Family, at: datetime | None = None) -> None:
    """End every role that has lost its ground, and tell the gaps that open. Called after any change of involvements.

    A proposal to lead is withdrawn likewise: nobody is asked who could not accept.
    """
    at = at or work.at
    work.session.flush()
    ground = Ground(work, family, at)
    for mandate in _open_mandates(work, family, at):
        if not ground.carries(mandate.professional_id):
            end_mandate(work, mandate, MandateEnd.INVOLVEMENT_ENDED, at)
            work.tell(EventType.MANDATE_GAP_OPENED, family, at=at)
    for proposal in _open_proposals(work, family):
        if not ground.carries(proposal.professional_id):
            _withdraw(work, proposal, MandateEnd.INVOLVEMENT_ENDED, at)
    for deputy in _open_deputies(work, family, at):
        if not ground.carries(deputy.professional_id):
            end_deputy(work, deputy, at)
    for point in running_contact_points(work, family):
        if not ground.carries(point.professional_id, point.help_domain):
            end_contact_point(work, point, ContactPointEnd.INVOLVEMENT_ENDED, at)
            work.tell(EventType.CONTACT_POINT_GAP_OPENED, point, at=at)


def settle(work: Work, family: Family) -> None:
    """Write down, in order, what has ended by itself since the family last changed."""
    of_involvements = select(Involvement).where(
        Involvement.family_id == family.id,
        col(Involvement.ends_at) <= work.at,
        col(Involvement.end_reason).is_(None),
    )
    of_mandates = select(Mandate).where(
        Mandate.family_id == family.id,
        col(Mandate.ends_at) <= work.at,
        col(Mandate.end_reason).is_(None),
        or_(col(Mandate.answer).is_(None), Mandate.answer == Answer.ACCEPTED),
    )
    of_emergencies = _open_emergencies(family).where(col(EmergencyAccess.ends_at) <= work.at)
    of_measures = _open_measures(family).where(col(Measure.ends_at) <= work.at)
    kinds = (of_involvements, of_mandates, of_emergencies, of_measures)
    if not work.session.exec(select(or_(*(kind.exists() for kind in kinds)))).one():
        return
    lapsed, expired = work.session.exec(of_involvements).all(), work.session.exec(of_mandates).all()
    emergencies, measures = work.session.exec(of_emergencies).all(), work.session.exec(of_measures).all()
    ends = {one.ends_at for some in (lapsed, measures, expired, emergencies) for one in some}
    for instant in sorted(end for end in ends if end):
        for involvement in lapsed:
            if involvement.ends_at == instant:
                involvement.end_reason = InvolvementEnd.LEGAL_BASIS_ENDED
                work.tell(EventType.INVOLVEMENT_ENDED, involvement, at=instant, reason=involvement.end_reason)
        for mandate in expired:
            if mandate.ends_at == instant:
                _expire(work, family, mandate, instant)
        for emergency in emergencies:
            if emergency.ends_at == instant:
                end_emergency(work, emergency, EmergencyEnd.EXPIRED, instant)
        _expire_measures(work, family, measures, instant)
        uphold(work, family, instant)


def _expire(work: Work, family: Family, mandate: Mandate, instant: datetime) -> None:
    if mandate.answer is None:
        _withdraw(work, mandate, MandateEnd.EXPIRED, instant)
    elif mandate.answer is Answer.ACCEPTED and mandate.end_reason is None:
        end_mandate(work, mandate, MandateEnd.EXPIRED, instant)
        work.tell(EventType.MANDATE_GAP_OPENED, family, at=instant)


def _withdraw(work: Work, proposal: Mandate, reason: MandateEnd, at: datetime) -> None:
    proposal.answer, proposal.answered_at = Answer.WITHDRAWN, at
    work.tell(EventType.MANDATE_WITHDRAWN, proposal, at=at, reason=reason)


def end_mandate(work: Work, mandate: Mandate, reason: MandateEnd, at: datetime) -> None:
    """End a mandate and the deputies it named."""
    mandate.ends_at, mandate.end_reason = at, reason
    work.tell(EventType.MANDATE_ENDED, mandate, reason=reason, at=at)
    deputies = select(Deputy).where(Deputy.mandate_id == mandate.id, col(Deputy.ends_at) > at)
    for deputy in work.session.exec(deputies):
        end_deputy(work, deputy, at)


def end_deputy(work: Work, deputy: Deputy, at: datetime) -> None:
    if deputy.started_at < at:
        deputy.ends_at = at
    else:
        work.session.delete(deputy)
    work.tell(EventType.DEPUTY_ENDED, deputy, at=at)


def end_contact_point(work: Work, point: ContactPoint, reason: ContactPointEnd, at: datetime) -> None:
    point.ends_at, point.end_reason = at, reason
    work.tell(EventType.CONTACT_POINT_ENDED, point, reason=reason, at=at)


def end_emergency(work: Work, emergency: EmergencyAccess, reason: EmergencyEnd, at: datetime) -> None:
    emergency.ends_at, emergency.end_reason = at, reason
    work.tell(EventType.EMERGENCY_ACCESS_ENDED, emergency, reason=reason, at=at)


def end_emergencies(work: Work, family: Family, reason: EmergencyEnd) -> None:
    """End every view of the family that somebody has in an emergency."""
    for emergency in work.session.exec(_open_emergencies(family)):
        end_emergency(work, emergency, reason, work.at)


def _expire_measures(work: Work, family: Family, measures: Sequence[Measure], instant: datetime) -> None:
    for measure in measures:
        if measure.ends_at == instant:
            measure.end_reason = MeasureEnd.EXPIRED
            work.tell(EventType.MEASURE_ENDED, measure, at=instant, reason=measure.end_reason)
            follow_measures(work, family, instant)


def follow_measures(work: Work, family: Family, at: datetime) -> None:
    """The framework is court-ordered while a measure runs, and voluntary once the last one has ended."""
    work.session.flush()
    running = _open_measures(family).where(or_(col(Measure.ends_at).is_(None), col(Measure.ends_at) > at))
    ends = [measure.ends_at for measure in work.session.exec(running)]
    framework = Framework.COURT_ORDERED if ends else Framework.VOLUNTARY
    until = None if None in ends else max((end for end in ends if end), default=None)
    becomes_another, family.framework_ends_at = family.framework != framework, until
    if becomes_another:
        family.framework = framework
        work.tell(EventType.FAMILY_CHANGED, family, at=at)


def _open_measures(family: Family) -> SelectOfScalar[Measure]:
    of_family = select(Measure).where(Measure.family_id == family.id)
    return of_family.where(col(Measure.end_reason).is_(None))


def _open_emergencies(family: Family) -> SelectOfScalar[EmergencyAccess]:
    of_family = select(EmergencyAccess).where(EmergencyAccess.family_id == family.id)
    return of_family.where(col(EmergencyAccess.end_reason).is_(None))


def _open_mandates(work: Work, family: Family, at: datetime) -> Sequence[Mandate]:
    return work.session.exec(
        select(Mandate).where(
            Mandate.family_id == family.id, col(Mandate.started_at).is_not(None), col(Mandate.ends_at) > at
        )
    ).all()


def _open_proposals(work: Work, family: Family) -> Sequence[Mandate]:
    proposals = select(Mandate).where(Mandate.family_id == family.id, col(Mandate.answer).is_(None))
    return work.session.exec(proposals).all()


def _open_deputies(work: Work, family: Family, at: datetime) -> Sequence[Deputy]:
    return work.session.exec(select(Deputy).where(Deputy.family_id == family.id, col(Deputy.ends_at) > at)).all()


def lapsed_families(session: Session, at: datetime, limit: int) -> Sequence[UUID]:
    """Families around which something has ended by itself that is not written down yet."""
    lapsed: list[UUID] = []
    for table in (Involvement, Mandate):
        ended = select(table.family_id).where(
            col(table.ends_at) <= at,
            col(table.end_reason).is_(None),
            or_(col(table.answer).is_(None), col(table.answer) == Answer.ACCEPTED),
        )
        lapsed += session.exec(ended.distinct().limit(limit)).all()
    for ending in (EmergencyAccess, Measure):
        over = select(ending.family_id).where(col(ending.ends_at) <= at, col(ending.end_reason).is_(None))
        lapsed += session.exec(over.distinct().limit(limit)).all()
    return list(dict.fromkeys(lapsed))[:limit]
