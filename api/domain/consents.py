"""Consents and objections: what the members of a family say of sharing with agencies, recorded and withdrawn.

Invariant: what rests on consent ends, in the same transaction, when that consent is withdrawn or an objection goes
before it; and it has from the start the end of the consent it rests on. What rests on another basis is not touched.
Nobody who is not the lead coordinator or the registrar learns who objected: what follows happens by itself.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlmodel import col, or_, select

from api.domain import agencies, calendar, continuity, help_domains
from api.domain.codes import ConsentDecision, ConsentState, EventType, InvolvementEnd, LegalBasis, MemberRole
from api.domain.errors import Conflict, Forbidden, Invalid, NotFound
from api.domain.models import Consent, Family, Involvement, Member, Person
from api.domain.voices import DECIDES_FROM, Household, Relative
from api.domain.work import Work

UNWANTED = "There is no legal basis for this: the family does not consent. Stop, or name another basis if there is one."
NOT_THEIRS = "Name a member of this family, and somebody who decides about what is theirs."


def of_family(work: Work, family: Family) -> Sequence[Consent]:
    """All there ever were, the oldest first."""
    known = select(Consent).where(Consent.family_id == family.id)
    return work.session.exec(known.order_by(col(Consent.started_at), col(Consent.id))).all()


def get(work: Work, family: Family, consent_id: UUID) -> Consent:
    consent = work.session.get(Consent, consent_id)
    if consent is None or consent.family_id != family.id:
        raise NotFound("This family has no such consent.")
    return consent


def household(work: Work, family: Family, at: datetime | None = None) -> Household:
    """Who decides in this family, and what they said."""
    at = at or work.at
    members = work.session.exec(
        select(Member, Person)
        .join(Person, col(Person.id) == Member.person_id)
        .where(
            Member.family_id == family.id,
            col(Member.started_at) <= at,
            or_(col(Member.ends_at).is_(None), col(Member.ends_at) > at),
        )
    )
    relatives = [
        Relative(person.id, person.birth_date, member.role == MemberRole.CHILD, member.parental_authority)
        for member, person in members
    ]
    return Household(relatives, of_family(work, family))


def standing(
    work: Work, family: Family, agency_id: UUID, help_domain: str, at: datetime | None = None
) -> ConsentDecision | None:
    """What the family's members say of sharing on consent with this agency for this domain."""
    return household(work, family, at).standing(agency_id, help_domain, at or work.at)


def may_see(house: Household, consent: Consent, person_id: UUID | None, at: datetime) -> bool:
    """Whether a member may see this: it is their own, they gave it, or they decide about it."""
    if person_id is None:
        return False
    return person_id in {consent.person_id, consent.given_by_id} or house.decides(person_id, consent.person_id, at)


def record(
    work: Work,
    family: Family,
    person_id: UUID,
    decision: ConsentDecision,
    *,
    given_by_id: UUID,
    agency_id: UUID | None = None,
    help_domain: str | None = None,
    to_person_id: UUID | None = None,
    ends_on: date | None = None,
) -> Consent:
    """Record what a member, or who decides for them, says of sharing. It goes beside what was said before."""
    house = household(work, family)
    if not house.decides(given_by_id, person_id, work.at):
        raise Invalid(NOT_THEIRS, field="memberId", code="not_theirs_to_decide")
    if to_person_id:
        _must_be_about_looking(house, person_id, to_person_id, decision, agency_id or help_domain, work.at)
    consent = Consent(
        family_id=family.id,
        person_id=person_id,
        decision=decision,
        agency_id=agencies.active(work, agency_id).id if agency_id else None,
        help_domain=_known_domain(work, family, help_domain),
        to_person_id=to_person_id,
        given_by_id=given_by_id,
        started_at=work.at,
        ends_at=_end(work, decision, ends_on),
    )
    work.add(consent)
    _tell(work, EventType.CONSENT_GIVEN if decision == ConsentDecision.GIVEN else EventType.CONSENT_OBJECTED, consent)
    uphold(work, family)
    return consent


def withdraw(work: Work, family: Family, consent: Consent, by_id: UUID | None = None) -> Consent:
    """Withdraw a consent or an objection, now. `by_id`: the member who does so themselves."""
    if consent.state_at(work.at) is not ConsentState.RUNNING:
        raise Conflict("This was withdrawn, or has ended already.", code="consent_not_running")
    if by_id and not _may_withdraw(household(work, family), consent, by_id, work.at):
        raise Forbidden("An objection is withdrawn by who made it.", code="not_theirs_to_decide")
    consent.withdrawn_at = work.at
    _tell(work, EventType.CONSENT_WITHDRAWN, consent)
    uphold(work, family)
    return consent


def _may_withdraw(house: Household, consent: Consent, by_id: UUID, at: datetime) -> bool:
    """A consent ends with any of those who decide; an objection with who made it, or who decides alone."""
    sides = house.sides(consent.person_id, at)
    alone = sides == [frozenset({by_id})]
    return (
        by_id == consent.given_by_id
        or alone
        or (consent.decision == ConsentDecision.GIVEN and house.decides(by_id, consent.person_id, at))
    )


def _must_be_about_looking(
    house: Household, person_id: UUID, to_id: UUID, decision: ConsentDecision, scope: object, at: datetime
) -> None:
    """Of what is about a young person from sixteen on, others see only what that person lets them."""
    subject = next(one for one in house.relatives if one.person_id == person_id)
    if decision != ConsentDecision.GIVEN or scope:
        raise Invalid("Letting a member look is a consent, to everything that is about oneself.", field="toMemberId")
    if not subject.is_aged(DECIDES_FROM, at):
        raise Invalid("Until sixteen, a parent with authority may look anyway.", field="toMemberId")
    if to_id == person_id:
        raise Invalid("Name another member.", field="toMemberId")


def _known_domain(work: Work, family: Family, help_domain: str | None) -> str | None:
    if help_domain is None:
        return None
    return help_domains.check(work, [help_domain], family.municipality_code, "helpDomain")[0]


def _end(work: Work, decision: ConsentDecision, ends_on: date | None) -> datetime | None:
    if ends_on is None:
        if decision == ConsentDecision.GIVEN:
            raise Invalid("Consent has an end: give its last day.", field="endsOn")
        return None
    if ends_on < calendar.day_of(work.at):
        raise Invalid("The last day lies in the past.", field="endsOn")
    return calendar.end_of(ends_on)


def _tell(work: Work, what: EventType, consent: Consent) -> None:
    """Whom and what it is about stays in the row, out of the event."""
    work.tell(what, consent, agency_id=None, help_domain=None)


def uphold(work: Work, family: Family) -> None:
    """End whatever no longer has the consent it rests on. Called after any change of consents, and of who decides."""
    running = continuity.running_involvements(work, family)
    resting = [one for one in running if one.legal_basis == LegalBasis.CONSENT]
    if not resting:
        return
    house = household(work, family)
    with work.by_itself():
        for involvement in resting:
            terms = terms_on_consent(house, involvement, work.at)
            if terms is None:
                involvement.ends_at, involvement.end_reason = work.at, InvolvementEnd.LEGAL_BASIS_ENDED
                work.tell(EventType.INVOLVEMENT_ENDED, involvement, reason=involvement.end_reason)
            elif any(getattr(involvement, name) != value for name, value in terms.items()):
                involvement.sqlmodel_update(terms)
                work.tell(EventType.INVOLVEMENT_CHANGED, involvement)
        continuity.uphold(work, family)


def terms_on_consent(house: Household, involvement: Involvement, at: datetime) -> dict[str, Any] | None:
    """What an involvement is left with: its help domains, those that rest on record, and its end. None: nothing.

    A domain for which nothing is on record rests on the agency's word. One that once had a consent on record doesn't
    fall back on that. The involvement ends with the first of its domains to lose its consent: none is shared longer.
    """
    agency_id = involvement.agency_id
    said = {domain: house.standing(agency_id, domain, at) for domain in involvement.help_domains}
    consented = [domain for domain, decision in said.items() if decision is ConsentDecision.GIVEN]
    lost = {*involvement.consented_domains} - {*consented}
    kept = [domain for domain, decision in said.items() if domain in consented or not (decision or domain in lost)]
    if not kept:
        return None
    ends = {involvement.basis_ends_at, *(house.holds_until(agency_id, domain, at) for domain in kept)}
    return {
        "help_domains": kept,
        "consented_domains": consented,
        "ends_at": min((end for end in ends if end), default=None),
    }


def leaves_nothing(work: Work, family: Family, basis: LegalBasis, agency_id: UUID, domains: Sequence[str]) -> bool:
    """Whether an agency can't be involved on this basis, as somebody objects to all of it."""
    if basis != LegalBasis.CONSENT:
        return False
    house = household(work, family)
    return all(house.standing(agency_id, domain, work.at) is ConsentDecision.OBJECTED for domain in domains)


def follow(work: Work, consent: Consent, family: Family) -> None:
    """What a member said goes along to another record of the family."""
    consent.family_id = family.id
    _tell(work, EventType.CONSENT_CARRIED_OVER, consent)


def carry_over(work: Work, family: Family, successors: Mapping[UUID, UUID]) -> None:
    """What the members said goes along when they become persons of another municipality."""
    for consent in of_family(work, family):
        persons = {name: getattr(consent, name) for name in ("person_id", "given_by_id", "to_person_id")}
        new = {name: successors[known] for name, known in persons.items() if known in successors}
        if new and consent.state_at(work.at) is ConsentState.RUNNING:
            consent.sqlmodel_update(new)
            _tell(work, EventType.CONSENT_CARRIED_OVER, consent)
