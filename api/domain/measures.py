"""Child protection measures: about which child, carried out by which certified institution, until when.

Invariant: a family in which a measure runs is in the court-ordered framework; when the last one ends, it is helped
voluntarily again. What rests on a measure ends with it.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlmodel import col, or_, select

from api.domain import agencies, calendar, continuity
from api.domain.codes import AgencyKind, EventType, InvolvementEnd, MeasureCondition, MeasureEnd, MeasureKind
from api.domain.errors import Conflict, Invalid, NotFound
from api.domain.models import Family, Involvement, Measure, Member
from api.domain.work import Work


def of_family(work: Work, family: Family) -> Sequence[Measure]:
    """All there ever were, the oldest first."""
    known = select(Measure).where(Measure.family_id == family.id)
    return work.session.exec(known.order_by(col(Measure.started_at), col(Measure.id))).all()


def get(work: Work, family: Family, measure_id: UUID) -> Measure:
    measure = work.session.get(Measure, measure_id)
    if measure is None or measure.family_id != family.id:
        raise NotFound("This family has no such measure.")
    return measure


def record(
    work: Work,
    family: Family,
    child: Member,
    kind: MeasureKind,
    agency_id: UUID,
    *,
    started_on: date | None = None,
    ends_on: date | None = None,
    review_on: date | None = None,
    conditions: Mapping[MeasureCondition, bool] | None = None,
) -> Measure:
    """Record a measure that runs now. `conditions`: each with whether it is negotiable."""
    if family.closed_at:
        raise Conflict("The approach of this family is closed. Reopen it first.", code="family_closed")
    agency = agencies.active(work, agency_id)
    if agency.kind != AgencyKind.CERTIFIED_INSTITUTION:
        raise Invalid("A certified institution carries out a measure. Name one.", field="agencyId")
    if started_on and started_on > calendar.day_of(work.at):
        raise Invalid("Record a measure when it has begun.", field="startedOn")
    if any(one.person_id == child.person_id and one.kind == kind for one in _running(work, family, work.at)):
        raise Conflict(
            "There is such a measure for this child. Change, extend or end that one.", code="measure_running"
        )
    measure = Measure(
        family_id=family.id,
        person_id=child.person_id,
        kind=kind,
        agency_id=agency.id,
        started_at=calendar.start_of(started_on) if started_on else work.at,
        ends_at=_end(work, ends_on),
        review_on=review_on,
    )
    measure.sqlmodel_update(_split(conditions or {}))
    work.add(measure)
    work.tell(EventType.MEASURE_RECORDED, measure)
    continuity.follow_measures(work, family, work.at)
    return measure


def change(work: Work, measure: Measure, **new: Any) -> Measure:
    """Change the review date or the conditions."""
    _must_run(work, measure)
    if "conditions" in new:
        new |= _split(new.pop("conditions"))
    measure.sqlmodel_update(new)
    work.tell(EventType.MEASURE_CHANGED, measure)
    return measure


def extend(work: Work, family: Family, measure: Measure, ends_on: date, review_on: date | None = None) -> Measure:
    """Extend a running measure to a later day; what rests on it goes along, as far as its agency said."""
    _must_run(work, measure)
    ends_at = calendar.end_of(ends_on)
    if measure.ends_at is None or ends_at <= measure.ends_at:
        raise Invalid("An extension ends later than the measure does now.", field="endsOn")
    measure.ends_at, measure.review_on = ends_at, review_on or measure.review_on
    work.tell(EventType.MEASURE_EXTENDED, measure)
    continuity.follow_measures(work, family, work.at)
    with work.by_itself():
        for involvement in _resting(work, family, measure):
            until = min(ends_at, involvement.basis_ends_at or ends_at)
            if until != involvement.ends_at:
                involvement.ends_at = until
                work.tell(EventType.INVOLVEMENT_CHANGED, involvement)
    return measure


def end(work: Work, family: Family, measure: Measure, reason: MeasureEnd) -> Measure:
    """End a running measure now, and what rests on it."""
    _must_run(work, measure)
    resting = _resting(work, family, measure)
    measure.ends_at, measure.end_reason = work.at, reason
    work.tell(EventType.MEASURE_ENDED, measure, reason=reason)
    with work.by_itself():
        for involvement in resting:
            involvement.ends_at, involvement.end_reason = work.at, InvolvementEnd.LEGAL_BASIS_ENDED
            work.tell(EventType.INVOLVEMENT_ENDED, involvement, reason=involvement.end_reason)
        continuity.uphold(work, family)
        continuity.follow_measures(work, family, work.at)
    return measure


def run(work: Work, family: Family) -> bool:
    return bool(_running(work, family, work.at))


def follow(work: Work, measure: Measure, family: Family, since: datetime) -> None:
    """A measure goes along to another record of the family."""
    measure.family_id, measure.started_at = family.id, since
    work.tell(EventType.MEASURE_CHANGED, measure)


def carry_over(work: Work, family: Family, successors: Mapping[UUID, UUID]) -> None:
    """Measures go along with children who become persons of another municipality."""
    for measure in _running(work, family, work.at):
        if measure.person_id in successors:
            measure.person_id = successors[measure.person_id]
            work.tell(EventType.MEASURE_CHANGED, measure)


def _running(work: Work, family: Family, at: datetime) -> Sequence[Measure]:
    return work.session.exec(
        select(Measure).where(
            Measure.family_id == family.id,
            col(Measure.started_at) <= at,
            or_(col(Measure.ends_at).is_(None), col(Measure.ends_at) > at),
        )
    ).all()


def _resting(work: Work, family: Family, measure: Measure) -> list[Involvement]:
    return [one for one in continuity.running_involvements(work, family) if one.measure_id == measure.id]


def _split(conditions: Mapping[MeasureCondition, bool]) -> dict[str, list[str]]:
    return {
        "conditions": [code for code, negotiable in conditions.items() if not negotiable],
        "negotiable": [code for code, negotiable in conditions.items() if negotiable],
    }


def _end(work: Work, ends_on: date | None) -> datetime | None:
    if ends_on is None:
        return None
    if ends_on < calendar.day_of(work.at):
        raise Invalid("The last day lies in the past.", field="endsOn")
    return calendar.end_of(ends_on)


def _must_run(work: Work, measure: Measure) -> None:
    if not measure.runs_at(work.at):
        raise Conflict("This measure has ended.", code="measure_ended")
