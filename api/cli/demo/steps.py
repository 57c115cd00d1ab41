"""What can happen around a family of the demo, in words that read as a story: `leads(190, "wilg.marieke")`.

Each step is so many days ago, and is carried out by the domain's own verbs, by whoever would do it. Whoever is named
is a professional (`agency.person`) or an agency.
"""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from api.cli.demo.field import ground_of
from api.domain import consents, contact_points, families, involvements, mandates, measures, members
from api.domain.actor import Actor
from api.domain.calendar import day_of
from api.domain.codes import (
    ConsentDecision,
    ContactFrequency,
    FamilyClosing,
    InvitationDecline,
    InvolvementEnd,
    LegalBasis,
    MandateBasis,
    MandateDecline,
    MandateEnd,
    MeasureCondition,
    MeasureKind,
    Power,
)
from api.domain.involvements import Terms
from api.domain.models import Family, Involvement, Mandate, Member
from api.domain.work import Work


class Stage(Protocol):
    """Who there is, and the day it is."""

    now: datetime
    registrar: Actor

    def agency_id(self, who: str) -> UUID: ...
    def professional_id(self, who: str) -> UUID | None: ...
    def system(self, who: str) -> Actor: ...
    def professional(self, who: str) -> Actor: ...


Happening = Callable[[Stage, Work, Family], object]
Step = tuple[float, Callable[[Stage], Actor], Happening]


def involved(
    ago: float,
    who: str,
    *domains: str,
    every: ContactFrequency = ContactFrequency.FORTNIGHTLY,
    basis: LegalBasis = LegalBasis.STATUTORY_TASK,
    until: int | None = None,
    shielded: bool = False,
) -> Step:
    """An agency registers that it is involved; `until` is when the legal basis ends, in days from now."""

    def start(stage: Stage, work: Work, family: Family) -> object:
        terms = _terms(stage, who, every, basis, until, shielded=shielded)
        return involvements.start(work, family, stage.agency_id(who), list(domains), terms)

    return ago, lambda stage: stage.system(who), start


def says(
    ago: float,
    whose: str,
    decision: ConsentDecision,
    *,
    agency: str | None = None,
    domain: str | None = None,
    until: int = 90,
) -> Step:
    """A member consents to sharing until so many days from now, or objects; of whom it is, is their given name."""

    def record(stage: Stage, work: Work, family: Family) -> object:
        person_id = _relative(work, family, whose).person_id
        return consents.record(
            work,
            family,
            person_id,
            decision,
            given_by_id=person_id,
            agency_id=stage.agency_id(agency) if agency else None,
            help_domain=domain,
            ends_on=_day(stage, until) if decision is ConsentDecision.GIVEN else None,
        )

    return ago, lambda stage: stage.registrar, record


def ordered(ago: float, whose: str, kind: MeasureKind, by: str, *, until: int, **conditions: bool) -> Step:
    """A court orders a measure about a child; `conditions`: whether each is negotiable."""

    def record(stage: Stage, work: Work, family: Family) -> object:
        return measures.record(
            work,
            family,
            _relative(work, family, whose),
            kind,
            stage.agency_id(by),
            ends_on=_day(stage, until),
            review_on=_day(stage, until - 30),
            conditions={MeasureCondition(code): negotiable for code, negotiable in conditions.items()},
        )

    return ago, lambda stage: stage.registrar, record


def invited(ago: float, who: str, *domains: str) -> Step:
    return (
        ago,
        lambda stage: stage.registrar,
        lambda stage, work, family: involvements.invite(work, family, stage.agency_id(who), list(domains)),
    )


def accepts(
    ago: float,
    who: str,
    *,
    every: ContactFrequency = ContactFrequency.WEEKLY,
    basis: LegalBasis = LegalBasis.STATUTORY_TASK,
    until: int | None = None,
) -> Step:
    """The agency accepts its open invitation."""

    def accept(stage: Stage, work: Work, family: Family) -> object:
        terms = _terms(stage, who, every, basis, until)
        return involvements.accept(work, family, _latest(stage, work, family, who), terms)

    return ago, lambda stage: stage.system(who), accept


def declines(ago: float, who: str, reason: InvitationDecline) -> Step:
    return (
        ago,
        lambda stage: stage.system(who),
        lambda stage, work, family: involvements.decline(work, _latest(stage, work, family, who), reason),
    )


def confirms(ago: float, who: str) -> Step:
    return (
        ago,
        lambda stage: stage.system(who),
        lambda stage, work, family: involvements.confirm(work, _latest(stage, work, family, who)),
    )


def stops(ago: float, who: str, reason: InvolvementEnd = InvolvementEnd.COMPLETED) -> Step:
    return (
        ago,
        lambda stage: stage.system(who),
        lambda stage, work, family: involvements.end(work, family, _latest(stage, work, family, who), reason),
    )


def proposed(
    ago: float,
    who: str,
    *powers: Power,
    until: int = 180,
    basis: MandateBasis = MandateBasis.CONSENT,
) -> Step:
    """The registrar proposes the lead, with all powers unless some are named."""

    def propose(stage: Stage, work: Work, family: Family) -> object:
        return mandates.propose(work, family, _known(stage, who), powers or tuple(Power), basis, _day(stage, until))

    return ago, lambda stage: stage.registrar, propose


def takes_the_lead(ago: float, who: str) -> Step:
    """The professional accepts the open proposal, whether or not they succeed somebody."""
    return (
        ago,
        lambda stage: stage.professional(who),
        lambda stage, work, family: mandates.accept(work, family, _mandate(work, family)),
    )


def refuses_the_lead(ago: float, who: str, reason: MandateDecline) -> Step:
    return (
        ago,
        lambda stage: stage.professional(who),
        lambda stage, work, family: mandates.decline(work, _mandate(work, family), reason),
    )


def leads(
    ago: float, who: str, *powers: Power, until: int = 180, basis: MandateBasis = MandateBasis.CONSENT
) -> list[Step]:
    """Proposed on one day, accepted the next."""
    return [proposed(ago, who, *powers, until=until, basis=basis), takes_the_lead(ago - 1, who)]


def hands_over(ago: float, by: str, to: str) -> Step:
    """The lead proposes a successor; nothing ends before they accept."""
    return (
        ago,
        lambda stage: stage.professional(by),
        lambda stage, work, family: mandates.transfer(
            work, family, _mandate(work, family), _known(stage, to), may_widen=False
        ),
    )


def lays_down(ago: float, by: str, reason: MandateEnd = MandateEnd.LAID_DOWN) -> Step:
    return (
        ago,
        lambda stage: stage.professional(by),
        lambda stage, work, family: mandates.end(work, family, _mandate(work, family), reason),
    )


def stands_in(ago: float, who: str, *, named_by: str, starts: int, ends: int) -> Step:
    """The lead names a deputy for a period, in days from now."""
    return (
        ago,
        lambda stage: stage.professional(named_by),
        lambda stage, work, family: mandates.name_deputy(
            work, family, _mandate(work, family), _known(stage, who), _day(stage, starts), _day(stage, ends)
        ),
    )


def call(ago: float, domain: str, who: str) -> Step:
    """From now on it is them to call about this help domain."""
    return (
        ago,
        lambda stage: stage.registrar,
        lambda stage, work, family: contact_points.assign(work, family, domain, _known(stage, who)),
    )


def closes(ago: float, how: FamilyClosing) -> Step:
    return ago, lambda stage: stage.registrar, lambda _, work, family: families.close(work, family, how)


def reopens(ago: float) -> Step:
    return ago, lambda stage: stage.registrar, lambda _, work, family: families.reopen(work, family)


def moves(ago: float, code: str) -> Step:
    """Another municipality becomes responsible."""
    return (
        ago,
        lambda stage: stage.registrar,
        lambda _, work, family: families.move_to_municipality(work, family, code),
    )


def _terms(stage: Stage, who: str, every: ContactFrequency, basis: LegalBasis, until: int | None, **more: Any) -> Terms:
    return Terms(
        legal_basis=basis,
        legal_ground=ground_of(who) if basis is LegalBasis.STATUTORY_TASK else None,
        legal_basis_ends_on=None if until is None else _day(stage, until),
        professional_id=stage.professional_id(who),
        contact_frequency=every,
        **more,
    )


def _latest(stage: Stage, work: Work, family: Family, who: str) -> Involvement:
    """The agency's latest involvement with the family, or invitation to it."""
    return [one for one in involvements.of_family(work, family) if one.agency_id == stage.agency_id(who)][-1]


def _relative(work: Work, family: Family, given_name: str) -> Member:
    return next(member for member, person in members.current(work, family) if person.given_name == given_name)


def _mandate(work: Work, family: Family) -> Mandate:
    """The latest of the family's mandates and proposals."""
    return mandates.of_family(work, family)[-1]


def _known(stage: Stage, who: str) -> UUID:
    found = stage.professional_id(who)
    if found is None:
        raise KeyError(who)
    return found


def _day(stage: Stage, days: int) -> date:
    return day_of(stage.now + timedelta(days=days))
