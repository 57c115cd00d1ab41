"""Involvements: that an agency is involved with a family, for which help domains and on which legal basis. Never why.

Invariant: what changes an involvement ends, in the same transaction, every role around the family that rested on it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlmodel import col, func, select

from api.domain import agencies, bases, calendar, consents, continuity, help_domains, professionals
from api.domain.codes import (
    Answer,
    ContactFrequency,
    DisclosureStage,
    EventType,
    InvitationDecline,
    InvolvementEnd,
    InvolvementState,
    LegalBasis,
)
from api.domain.errors import Conflict, Invalid, NotFound
from api.domain.models import Family, Involvement, Member
from api.domain.work import Work

CONFIRMED_FOR = timedelta(days=182)
"""An involvement is confirmed for half a year; after that the agency is asked whether it still is involved."""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """On what terms an agency is involved."""

    legal_basis: LegalBasis
    legal_basis_ends_on: date | None = None
    """The last day; consent always has one."""
    legal_ground: str | None = None
    """The article; for a statutory task there always is one."""
    measure_id: UUID | None = None
    member_id: UUID | None = None
    """Whom it is about; without one, the family as a whole."""
    professional_id: UUID | None = None
    contact_frequency: ContactFrequency | None = None
    shielded: bool = False


def get(work: Work, family: Family, involvement_id: UUID) -> Involvement:
    involvement = work.session.get(Involvement, involvement_id)
    if involvement is None or involvement.family_id != family.id:
        raise NotFound("This family has no such involvement.")
    return involvement


def of_family(work: Work, family: Family) -> Sequence[Involvement]:
    """All there ever were, invitations too, the oldest first."""
    known = select(Involvement).where(Involvement.family_id == family.id)
    since = func.coalesce(Involvement.started_at, Involvement.invited_at)
    return work.session.exec(known.order_by(since, col(Involvement.id))).all()


def of_agency(work: Work, family: Family, involvement_id: UUID) -> Involvement:
    """An involvement of the agency that acts; another agency's is as good as none."""
    involvement = work.session.get(Involvement, involvement_id)
    own = involvement and (involvement.family_id, involvement.agency_id) == (family.id, work.actor.agency_id)
    if involvement is None or not own:
        raise NotFound("Your agency has no such involvement with this family.")
    return involvement


def invite(
    work: Work,
    family: Family,
    agency_id: UUID,
    domains: list[str],
    professional_id: UUID | None = None,
    *,
    knows_others: bool = True,
) -> Involvement:
    """Ask an agency to become involved. It is, once it accepts.

    Who may not know of others' invitations is not told of one either: theirs takes its place.
    """
    _must_be_open(family)
    agency = agencies.active(work, agency_id)
    if professional_id:
        professionals.working(work, professional_id, agency.id)
    for known in _with_agency(work, family, agency.id):
        if known.answer is None and knows_others:
            raise Conflict("This agency has an open invitation already. Withdraw it, or wait for the answer.")
        if known.answer is None:
            withdraw_invitation(work, known)
    involvement = Involvement(
        family_id=family.id,
        agency_id=agency.id,
        professional_id=professional_id,
        help_domains=help_domains.check(work, domains, family.municipality_code),
        invited_at=work.at,
    )
    work.add(involvement)
    work.tell(EventType.INVOLVEMENT_INVITED, involvement)
    return involvement


def accept(
    work: Work, family: Family, involvement: Involvement, terms: Terms, domains: list[str] | None = None
) -> Involvement:
    """Accept an invitation, for all the help domains asked for or for other ones."""
    _must_be_invited(involvement)
    if domains:
        involvement.help_domains = help_domains.check(work, domains, family.municipality_code)
    involvement.answered_at = work.at
    return _start(work, family, involvement, terms)


def decline(work: Work, involvement: Involvement, reason: InvitationDecline) -> Involvement:
    _must_be_invited(involvement)
    involvement.answer, involvement.answered_at, involvement.decline_reason = Answer.DECLINED, work.at, reason
    work.tell(EventType.INVOLVEMENT_DECLINED, involvement, reason=reason)
    return involvement


def withdraw_invitation(work: Work, involvement: Involvement) -> Involvement:
    _must_be_invited(involvement)
    involvement.answer, involvement.answered_at = Answer.WITHDRAWN, work.at
    work.tell(EventType.INVOLVEMENT_WITHDRAWN, involvement)
    return involvement


def start(
    work: Work, family: Family, agency_id: UUID, domains: list[str], terms: Terms, started_on: date | None = None
) -> Involvement:
    """Start an agency's own involvement, from now or from a day in the past."""
    _must_be_open(family)
    involvement = Involvement(
        family_id=family.id,
        agency_id=agency_id,
        help_domains=help_domains.check(work, domains, family.municipality_code),
        disclosure_stage=_stage_of(work, family, agency_id),
    )
    return _start(work, family, involvement, terms, started_on)


def change(work: Work, family: Family, involvement: Involvement, **new: Any) -> Involvement:
    """Change what an agency says of its own running involvement, by column names; `legal_basis_ends_on` is a day."""
    _must_run(work, involvement)
    if new.get("professional_id"):
        professionals.working(work, new["professional_id"], involvement.agency_id)
    if "help_domains" in new:
        new["help_domains"] = help_domains.check(work, new["help_domains"], family.municipality_code)
    if "member_id" in new:
        new["person_id"] = _person_of(work, family, new.pop("member_id"))
    if bases.SAYS & new.keys():
        new |= bases.renamed(work, family, involvement, new)
        new.pop("legal_basis_ends_on", None)
    if new.get("shielded"):
        _must_not_lead(work, family, involvement)
    involvement.sqlmodel_update(new)
    _rest_on_consent(work, family, involvement)
    work.tell(EventType.INVOLVEMENT_CHANGED, involvement)
    continuity.uphold(work, family)
    return involvement


def disclose(work: Work, involvement: Involvement, stage: DisclosureStage) -> Involvement:
    """Decide how much this agency is shown of the others."""
    _must_run(work, involvement)
    involvement.disclosure_stage = stage
    work.tell(EventType.INVOLVEMENT_DISCLOSED, involvement, reason=stage)
    return involvement


def confirm(work: Work, involvement: Involvement) -> Involvement:
    """Say that the agency still is involved."""
    _must_run(work, involvement)
    involvement.confirmation_due_on = calendar.day_of(work.at + CONFIRMED_FOR)
    work.tell(EventType.INVOLVEMENT_CONFIRMED, involvement)
    return involvement


def end(work: Work, family: Family, involvement: Involvement, reason: InvolvementEnd) -> Involvement:
    _must_run(work, involvement)
    involvement.ends_at, involvement.end_reason = work.at, reason
    work.tell(EventType.INVOLVEMENT_ENDED, involvement, reason=reason)
    continuity.uphold(work, family)
    return involvement


def carry_over(work: Work, family: Family, successors: Mapping[UUID, UUID]) -> None:
    """Whom an involvement is about becomes a person of another municipality."""
    with work.by_itself():
        for involvement in continuity.running_involvements(work, family):
            if involvement.person_id and involvement.person_id in successors:
                involvement.person_id = successors[involvement.person_id]
                work.tell(EventType.INVOLVEMENT_CHANGED, involvement)


TERMS = frozenset({"agency_id", "professional_id", "help_domains", "shielded", "contact_frequency", "person_id"}) | {
    *("legal_basis", "legal_ground", "basis_ends_at", "consented_domains", "ends_at"),
    *("disclosure_stage", "confirmation_due_on"),
}
"""What an involvement keeps when it goes on in another family."""


def go_on(work: Work, family: Family, known: Involvement, measure_id: UUID | None) -> Involvement | None:
    """Start an involvement on the terms of one in another record of the family; None if they don't hold now."""
    if known.ends_at and known.ends_at <= work.at:
        return None
    begun = Involvement(
        **known.model_dump(include=set(TERMS)),
        family_id=family.id,
        measure_id=measure_id,
        answer=Answer.ACCEPTED,
        started_at=work.at,
    )
    if begun.legal_basis == LegalBasis.CONSENT:
        terms = consents.terms_on_consent(consents.household(work, family), begun, work.at)
        if terms is None:
            return None
        begun.sqlmodel_update(terms)
    work.add(begun)
    work.tell(EventType.INVOLVEMENT_STARTED, begun)
    return begun


def _start(
    work: Work, family: Family, involvement: Involvement, terms: Terms, started_on: date | None = None
) -> Involvement:
    if agencies.active(work, involvement.agency_id).signal_only:
        involvement.disclosure_stage = DisclosureStage.OTHERS_INVOLVED
    professional_id = terms.professional_id or involvement.professional_id
    if professional_id:
        professionals.working(work, professional_id, involvement.agency_id)
    if started_on and started_on > calendar.day_of(work.at):
        raise Invalid("An involvement starts today or earlier. Register it when it begins.", field="startedOn")
    person_id = _person_of(work, family, terms.member_id)
    basis = bases.named(
        work,
        family,
        terms.legal_basis,
        ends_on=terms.legal_basis_ends_on,
        ground=terms.legal_ground,
        measure_id=terms.measure_id,
    )
    involvement.answer = Answer.ACCEPTED
    involvement.professional_id = professional_id
    involvement.person_id = person_id
    involvement.sqlmodel_update(basis)
    involvement.contact_frequency = terms.contact_frequency
    involvement.shielded = terms.shielded
    involvement.started_at = calendar.start_of(started_on) if started_on else work.at
    involvement.confirmation_due_on = calendar.day_of(work.at + CONFIRMED_FOR)
    _rest_on_consent(work, family, involvement)
    if any(_is_same(work, involvement, known) for known in _with_agency(work, family, involvement.agency_id)):
        raise Conflict("This agency and professional are involved with this family already. Change that involvement.")
    work.add(involvement)
    work.tell(EventType.INVOLVEMENT_STARTED, involvement)
    return involvement


def _stage_of(work: Work, family: Family, agency_id: UUID) -> DisclosureStage:
    """No agency gets further by itself: another involvement of its own is shown what those it has are."""
    stages = [
        known.disclosure_stage
        for known in _with_agency(work, family, agency_id)
        if known.state_at(work.at) is InvolvementState.RUNNING
    ]
    return max(stages, key=list(DisclosureStage).index, default=DisclosureStage.AGENCIES)


def _person_of(work: Work, family: Family, member_id: UUID | None) -> UUID | None:
    """Whom an involvement is about: somebody who is in the family now."""
    if member_id is None:
        return None
    with work.session.no_autoflush:
        member = work.session.get(Member, member_id)
    if member is None or member.family_id != family.id or (member.ends_at and member.ends_at <= work.at):
        raise Invalid("This family has no such member now.", field="memberId")
    return member.person_id


def _rest_on_consent(work: Work, family: Family, involvement: Involvement) -> None:
    """Leave out the help domains that somebody objects to; refuse if none is left."""
    if involvement.legal_basis != LegalBasis.CONSENT:
        return
    with work.session.no_autoflush:
        terms = consents.terms_on_consent(consents.household(work, family), involvement, work.at)
    if terms is None:
        raise Conflict(consents.UNWANTED, code="no_legal_basis")
    involvement.sqlmodel_update(terms)


def _is_same(work: Work, one: Involvement, other: Involvement) -> bool:
    runs = other.state_at(work.at) is InvolvementState.RUNNING
    return runs and one.id != other.id and one.professional_id == other.professional_id


def _with_agency(work: Work, family: Family, agency_id: UUID) -> Sequence[Involvement]:
    of_family = select(Involvement).where(Involvement.family_id == family.id, Involvement.agency_id == agency_id)
    with work.session.no_autoflush:
        return work.session.exec(of_family.order_by(col(Involvement.id))).all()


def _must_be_open(family: Family) -> None:
    if family.closed_at:
        raise Conflict("The approach of this family is closed. Reopen it first.", code="family_closed")


def _must_be_invited(involvement: Involvement) -> None:
    if involvement.answer is not None:
        raise Conflict("This invitation is no longer open.", code="invitation_not_open")


def _must_not_lead(work: Work, family: Family, involvement: Involvement) -> None:
    mandate = continuity.active_mandate(work, family)
    if mandate and professionals.get(work, mandate.professional_id).agency_id == involvement.agency_id:
        raise Conflict("Everyone sees who leads. Hand the mandate over before you shield this.", code="leads")


def _must_run(work: Work, involvement: Involvement) -> None:
    if involvement.state_at(work.at) is not InvolvementState.RUNNING:
        raise Conflict("This involvement is not running.", code="involvement_not_running")
