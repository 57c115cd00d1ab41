"""Contact points: the one person to call about one help domain of one family.

Invariant: at most one per family and help domain at any instant, and only someone of an agency that is openly involved
with that domain. When that involvement ends, so does the contact point, and the gap shows until it is filled or closed.
"""

from uuid import UUID

from sqlmodel import col, select

from api.domain import continuity, help_domains, professionals
from api.domain.codes import ContactPointEnd, EventType
from api.domain.errors import Conflict, NotFound
from api.domain.models import ContactPoint, Family
from api.domain.work import Work


def current(work: Work, family: Family, help_domain: str) -> ContactPoint | None:
    points = continuity.running_contact_points(work, family)
    return next((point for point in points if point.help_domain == help_domain), None)


def assign(work: Work, family: Family, help_domain: str, professional_id: UUID) -> ContactPoint:
    """Assign the contact point for a help domain; who was it before no longer is, from the same instant."""
    help_domains.get(work, help_domain)
    professional = professionals.working(work, professional_id)
    if not continuity.Ground(work, family).carries(professional.id, help_domain):
        raise Conflict(
            "This professional's agency is not openly involved with this help domain, or only signals. "
            "Name someone of an agency that is.",
            code="no_running_involvement",
        )
    previous = current(work, family, help_domain)
    if previous and previous.professional_id == professional_id:
        raise Conflict("This professional is the contact point already.", code="already_contact_point")
    if previous:
        continuity.end_contact_point(work, previous, ContactPointEnd.REASSIGNED, work.at)
        work.session.flush()
    point = ContactPoint(
        family_id=family.id, help_domain=help_domain, professional_id=professional_id, started_at=work.at
    )
    work.add(point)
    work.tell(EventType.CONTACT_POINT_ASSIGNED, point)
    return point


def release(work: Work, family: Family, help_domain: str, *, knows_shielded: bool = True) -> None:
    """End the contact point of a help domain; or, where it is gone already, say that the gap needs no filling.

    A gap that a shielded involvement left is none to who may not know of it.
    """
    point = current(work, family, help_domain)
    if point:
        continuity.end_contact_point(work, point, ContactPointEnd.RELEASED, work.at)
        return
    orphan = _orphaned(work, family, help_domain)
    if orphan is None or not (knows_shielded or not continuity.works_shielded(work, family, orphan.professional_id)):
        raise NotFound("This help domain has no contact point.")
    _close_gap(work, orphan)


def close_gaps(work: Work, family: Family) -> None:
    """Say of every gap around a family that it needs no filling."""
    left = select(ContactPoint.help_domain).where(
        ContactPoint.family_id == family.id, ContactPoint.end_reason == ContactPointEnd.INVOLVEMENT_ENDED
    )
    for help_domain in work.session.exec(left.distinct().order_by(ContactPoint.help_domain)).all():
        orphan = _orphaned(work, family, help_domain)
        if orphan:
            _close_gap(work, orphan)


def _close_gap(work: Work, orphan: ContactPoint) -> None:
    orphan.gap_closed_at = work.at
    work.tell(EventType.CONTACT_POINT_GAP_CLOSED, orphan)


def _orphaned(work: Work, family: Family, help_domain: str) -> ContactPoint | None:
    latest = work.session.exec(
        select(ContactPoint)
        .where(ContactPoint.family_id == family.id, ContactPoint.help_domain == help_domain)
        .order_by(col(ContactPoint.started_at).desc())
        .limit(1)
    ).first()
    left_a_gap = latest and latest.end_reason is ContactPointEnd.INVOLVEMENT_ENDED and latest.gap_closed_at is None
    return latest if left_a_gap else None
