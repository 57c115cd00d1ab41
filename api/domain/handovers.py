"""Hand-overs: what a professional who leaves carries around families goes to colleagues of the same agency.

Invariant: nothing happens that the single verbs would refuse, and nothing is taken from another agency. An involvement
and a contact point go over; the lead of a family is proposed to the successor, who accepts or declines it as ever. What
can't go over stays, with the reason.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlmodel import col, func, select

from api.domain import contact_points, continuity, involvements, mandates, professionals
from api.domain.codes import EventType, HandoverKind, HandoverOutcome, HandoverReason
from api.domain.errors import Conflict, DomainError, Invalid
from api.domain.models import Deputy, Family, Involvement, Mandate, Professional, Registration
from api.domain.work import Work

MOST_FAMILIES = 500
"""So many families in one hand-over. A professional works with a few dozen at most."""


@dataclass(frozen=True)
class Successors:
    """Who takes over: for a help domain of a family, for a family, for a help domain, or otherwise."""

    otherwise: UUID | None = None
    instead: Mapping[tuple[UUID | None, str | None], UUID] = field(default_factory=dict)

    def of(self, family_id: UUID, help_domain: str | None = None) -> UUID | None:
        places = ((family_id, help_domain), (family_id, None), (None, help_domain))
        return next((self.instead[place] for place in places if place in self.instead), self.otherwise)

    def of_all(self, family_id: UUID, help_domains: Sequence[str]) -> UUID | None:
        """One for all of these help domains; who takes over the family where they would go to several."""
        found = {self.of(family_id, help_domain) for help_domain in help_domains}
        return found.pop() if len(found) == 1 else self.of(family_id)

    def everyone(self) -> set[UUID]:
        return {*self.instead.values(), *([self.otherwise] if self.otherwise else [])}


@dataclass(frozen=True)
class Item:
    """Something that a professional carries around a family, and what becomes of it."""

    kind: HandoverKind
    id: UUID
    family_id: UUID
    help_domain: str | None
    successor_id: UUID | None
    outcome: HandoverOutcome
    reason: HandoverReason | None = None


class CannotGo(Exception):
    """Something was refused: whoever hands a family over begins anew, and leaves this where it is."""

    def __init__(self, row_id: UUID, reason: HandoverReason) -> None:
        super().__init__(reason)
        self.row_id, self.reason = row_id, reason


def check(work: Work, leaver: Professional, successors: Successors) -> None:
    """Refuse successors who are no working colleagues of the professional who leaves."""
    for successor_id in sorted(successors.everyone()):
        if successor_id == leaver.id:
            raise Invalid("Nobody takes over from themselves. Name a colleague.", field="successorId")
        professionals.working(work, successor_id, leaver.agency_id, field="successorId")


def families_of(work: Work, leaver: Professional) -> Sequence[UUID]:
    """The families that a professional has to do with, in an order that stays."""
    asked = ("professional", None, leaver.agency_id, leaver.id, None, None, UUID(int=0), MOST_FAMILIES + 1)
    found = work.session.scalars(select(func.spil_families_of(*asked))).all()
    if len(found) > MOST_FAMILIES:
        sentence = f"This is for at most {MOST_FAMILIES} families. Change some of the involvements one by one first."
        raise Conflict(sentence, code="too_many_families")
    return found


def hand_over(
    work: Work, family: Family, leaver: Professional, successors: Successors, stays: Mapping[UUID, HandoverReason]
) -> list[Item]:
    """Hand over what somebody carries around a family, but for what `stays`; `CannotGo` if something else can't."""
    return [_gone(carried, family, stays) for carried in _carried(work, family, leaver, successors)]


def left_alone(
    work: Work, family: Family, leaver: Professional, successors: Successors, reason: HandoverReason
) -> list[Item]:
    """What there is to hand over around a family in which nothing can be changed now."""
    carried = list(_carried(work, family, leaver, successors))
    return [_gone(one, family, {one.id: reason}) for one in carried]


@dataclass(frozen=True)
class _Carried:
    """Something to hand over: by which verb, or why not."""

    kind: HandoverKind
    id: UUID
    successor_id: UUID | None
    verb: Callable[[UUID], Any] | None = None
    """None: nothing is left to do, or nothing can be done."""
    help_domain: str | None = None
    reason: HandoverReason | None = None


def _gone(carried: _Carried, family: Family, stays: Mapping[UUID, HandoverReason]) -> Item:
    item = Item(
        carried.kind, carried.id, family.id, carried.help_domain, carried.successor_id, HandoverOutcome.HANDED_OVER
    )
    if carried.kind is HandoverKind.MANDATE:
        item = replace(item, outcome=HandoverOutcome.PROPOSED)
    reason = carried.reason or stays.get(carried.id)
    if reason is None and carried.successor_id is None:
        reason = HandoverReason.NO_SUCCESSOR
    if reason:
        return replace(item, outcome=HandoverOutcome.STAYS, reason=reason)
    if carried.verb and carried.successor_id:
        _carry_out(carried.verb, carried.id, carried.successor_id)
    return item


def _carry_out(verb: Callable[[UUID], Any], row_id: UUID, successor_id: UUID) -> None:
    try:
        verb(successor_id)
    except IntegrityError as error:  # the successor was involved in part of the period that this would be theirs
        raise CannotGo(row_id, HandoverReason.SUCCESSOR_INVOLVED_ALREADY) from error
    except Invalid as error:
        not_working = error.field == "professionalId"
        reason = HandoverReason.SUCCESSOR_NOT_WORKING if not_working else HandoverReason.REFUSED
        raise CannotGo(row_id, reason) from error
    except DomainError as error:
        known = {str(one): one for one in HandoverReason}
        raise CannotGo(row_id, known.get(error.code, HandoverReason.REFUSED)) from error


def _carried(work: Work, family: Family, leaver: Professional, successors: Successors) -> Iterator[_Carried]:
    """Each looked for only when what comes before it has gone over: a contact point can end with an involvement."""
    yield from _involvements(work, family, leaver, successors)
    yield from _contact_points(work, family, leaver, successors)
    yield from _mandates(work, family, leaver, successors.of(family.id))
    yield from _deputies(work, family, leaver)


def _involvements(work: Work, family: Family, leaver: Professional, successors: Successors) -> Iterator[_Carried]:
    running = [one for one in continuity.running_involvements(work, family) if one.agency_id == leaver.agency_id]
    named = {one.professional_id for one in running}
    for one in sorted(running, key=lambda involvement: involvement.id):
        if one.professional_id == leaver.id:
            to = successors.of_all(family.id, one.help_domains)
            already = HandoverReason.SUCCESSOR_INVOLVED_ALREADY if to and to in named else None
            named.add(to)
            yield _Carried(HandoverKind.INVOLVEMENT, one.id, to, partial(_name, work, family, one), reason=already)


def _name(work: Work, family: Family, involvement: Involvement, successor_id: UUID) -> None:
    """With the registrations that are part of the family by it, so that the successor finds those too."""
    leaver_id = involvement.professional_id
    involvements.change(work, family, involvement, professional_id=successor_id)
    joined = select(Registration).where(
        Registration.involvement_id == involvement.id,
        Registration.professional_id == leaver_id,
        col(Registration.ended_at).is_(None),
    )
    for registration in work.session.exec(joined.with_for_update()):
        registration.professional_id = successor_id
        work.tell(EventType.REGISTRATION_CHANGED, registration)


def _contact_points(work: Work, family: Family, leaver: Professional, successors: Successors) -> Iterator[_Carried]:
    points = [one for one in continuity.running_contact_points(work, family) if one.professional_id == leaver.id]
    for point in sorted(points, key=lambda one: one.help_domain):
        domain = point.help_domain
        verb = partial(contact_points.assign, work, family, domain)
        yield _Carried(HandoverKind.CONTACT_POINT, point.id, successors.of(family.id, domain), verb, domain)


def _mandates(work: Work, family: Family, leaver: Professional, to: UUID | None) -> Iterator[_Carried]:
    active, proposal = continuity.active_mandate(work, family), _open_proposal(work, family)
    if active and active.professional_id == leaver.id:
        asked = proposal is not None and (proposal.succeeds_id, proposal.professional_id) == (active.id, to)
        verb = None if asked else partial(_propose, work, family, active)
        yield _Carried(HandoverKind.MANDATE, active.id, to, verb)
    if proposal and proposal.professional_id == leaver.id:
        yield _Carried(HandoverKind.MANDATE, proposal.id, None, reason=HandoverReason.NOT_ANSWERED)


def _propose(work: Work, family: Family, mandate: Mandate, successor_id: UUID) -> None:
    """On the same terms. Nothing ends before the successor accepts; the lead and the registrar can withdraw it."""
    mandates.transfer(work, family, mandate, successor_id, may_widen=False)


def _open_proposal(work: Work, family: Family) -> Mandate | None:
    proposals = select(Mandate).where(Mandate.family_id == family.id, col(Mandate.answer).is_(None))
    return work.session.exec(proposals).one_or_none()


def _deputies(work: Work, family: Family, leaver: Professional) -> Iterator[_Carried]:
    """Who stands in for the lead is for the lead coordinator and the registrar to name."""
    named = select(Deputy).where(
        Deputy.family_id == family.id, Deputy.professional_id == leaver.id, col(Deputy.ends_at) > work.at
    )
    for deputy in work.session.exec(named.order_by(col(Deputy.id))):
        yield _Carried(HandoverKind.DEPUTY, deputy.id, None, reason=HandoverReason.NAMED_BY_LEAD)
