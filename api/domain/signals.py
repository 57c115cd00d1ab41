"""Signals: what a registration is worth at an instant - where it stands, how it ended, who it is about.

Invariant: a registration that ended by itself has ended whether or not that was written down; `settle` writes it down.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from api.domain import bases, calendar, persons
from api.domain import bsn as numbers
from api.domain.codes import (
    DisclosureStage,
    EventType,
    InvolvementEnd,
    LegalBasis,
    RegistrationEnd,
    RegistrationState,
)
from api.domain.errors import Conflict
from api.domain.models import Agency, Involvement, Registration, UnplacedRegistration
from api.domain.work import Work

WAITS_FOR = timedelta(days=730)
"""A signal waits for two years, unless its agency renews it: long enough for a second agency to come by, and short
enough that nobody is kept as a signal through a childhood."""

STAGES: dict[LegalBasis, tuple[DisclosureStage, DisclosureStage]] = {
    LegalBasis.STATUTORY_TASK: (DisclosureStage.OTHERS_INVOLVED, DisclosureStage.LEAD_AND_CONTACT_POINTS),
    LegalBasis.CONSENT: (DisclosureStage.LEAD_AND_CONTACT_POINTS, DisclosureStage.LEAD_AND_CONTACT_POINTS),
    LegalBasis.MEASURE: (DisclosureStage.AGENCIES, DisclosureStage.AGENCIES),
    LegalBasis.VITAL_INTEREST: (DisclosureStage.AGENCIES, DisclosureStage.AGENCIES),
}
"""How much an agency that joins a family is shown of the others: before it recorded a consultation, and after.

A task in the law says that the agency works with the child, not that it may know who else does: it gets further by
consulting. Consent was given to work together, which takes the lead and the contact points. With a measure or a vital
interest the agencies must find each other at once. An agency that only signals stays at the first stage; more is for
the lead coordinator to decide.
"""

_END_OF: dict[str, RegistrationEnd] = {reason.value: reason for reason in RegistrationEnd}
"""An involvement ends for reasons that a registration knows too, or because its basis ended."""

GOES_ON = (InvolvementEnd.FAMILY_CLOSED, InvolvementEnd.MERGE_UNDONE)
"""How an involvement ends although its agency goes on: the approach does."""

STATE_OF_END = {
    RegistrationEnd.EXPIRED: RegistrationState.EXPIRED,
    RegistrationEnd.REJECTED: RegistrationState.REJECTED,
}


def stage_of(work: Work, registration: Registration) -> DisclosureStage:
    if work.session.get_one(Agency, registration.agency_id).signal_only:
        return DisclosureStage.OTHERS_INVOLVED
    return STAGES[registration.legal_basis][registration.consulted_at is not None]


def state(work: Work, registration: Registration) -> RegistrationState:
    """Where it stands now, whether or not that was written down."""
    over = ending(work, registration)
    if over:
        return STATE_OF_END.get(over[0], RegistrationState.ENDED)
    if running_involvement(work, registration):
        return RegistrationState.JOINED
    known = registration.bsn_pseudonym is not None or registration.person_id is not None
    return RegistrationState.WAITING if known else RegistrationState.UNCONFIRMED


def ending(work: Work, registration: Registration) -> tuple[RegistrationEnd, datetime] | None:
    """How and when it ended, whether or not that was written down.

    It ends with the involvement that it had become. Only when that ended because the approach was closed, or because
    families that were merged are two again, the agency still is involved with the person, and the registration waits.
    """
    if registration.end_reason and registration.ended_at:
        return registration.end_reason, registration.ended_at
    if running_involvement(work, registration):
        return None
    last = work.session.get(Involvement, registration.involvement_id) if registration.involvement_id else None
    if last and last.ends_at and last.end_reason not in GOES_ON:
        return _END_OF.get(last.end_reason or "", RegistrationEnd.LEGAL_BASIS_ENDED), last.ends_at
    if registration.expires_at > work.at:
        return None
    left_at = last.ends_at if last and last.ends_at else registration.expires_at
    return _why_over(registration), max(registration.expires_at, left_at)


def running_involvement(work: Work, registration: Registration) -> Involvement | None:
    if registration.ended_at or registration.involvement_id is None:
        return None
    involvement = work.session.get_one(Involvement, registration.involvement_id)
    return involvement if involvement.ends_at is None or involvement.ends_at > work.at else None


def must_run(work: Work, registration: Registration) -> None:
    if ending(work, registration):
        raise Conflict("This registration is no longer running.", code="registration_not_running")


def close(work: Work, registration: Registration, reason: RegistrationEnd, at: datetime | None = None) -> None:
    registration.ended_at, registration.end_reason = at or work.at, reason
    expired = reason is RegistrationEnd.EXPIRED
    told = EventType.REGISTRATION_EXPIRED if expired else EventType.REGISTRATION_ENDED
    work.tell(told, registration, reason=reason, at=at)


def settle(work: Work, registration: Registration) -> None:
    """Write down what has come of it by itself: it ended, or its family is gone and it waits again."""
    over = ending(work, registration)
    if over and registration.ended_at is None:
        close(work, registration, *over)
    elif registration.involvement_id and not over and running_involvement(work, registration) is None:
        registration.involvement_id, registration.own_involvement = None, False
        work.tell(EventType.REGISTRATION_LEFT, registration)
        place_later(work, registration)


def give_bsn(work: Work, registration: Registration, bsn: str) -> None:
    sealed = numbers.sealed(work.vault, numbers.check(bsn), registration.id, "registration")
    registration.bsn_sealed, registration.bsn_pseudonym = sealed


def bsn_of(work: Work, registration: Registration) -> str | None:
    if registration.bsn_sealed is None:
        return None
    return numbers.opened(work.vault, registration.bsn_sealed, registration.id, "registration")


def pseudonyms_of(work: Work, registration: Registration) -> list[bytes]:
    """Every pseudonym by which the same person may be known; while keys change there are two."""
    bsn = bsn_of(work, registration)
    return numbers.pseudonyms(work.vault, bsn) if bsn else []


def running_twins(work: Work, registration: Registration, bsn: str) -> Sequence[Registration]:
    """Others by the same agency and professional of the same person that are not written down to have ended.

    Until this transaction ends, nobody makes another one.
    """
    agency_id, code = registration.agency_id, registration.municipality_code
    persons.hold_bsn(work, bsn, f"{agency_id}:{code}")
    running = (
        Registration.agency_id == agency_id,
        Registration.municipality_code == code,
        col(Registration.ended_at).is_(None),
    )
    same = select(Registration).where(
        *running,
        Registration.id != registration.id,
        col(Registration.professional_id).is_not_distinct_from(registration.professional_id),
        col(Registration.bsn_pseudonym).in_(numbers.pseudonyms(work.vault, bsn)),
    )
    twins = work.session.exec(same).all()
    if not twins:
        persons.must_know_all_keys(work, col(Registration.bsn_pseudonym), *running)
    return twins


def place_later(work: Work, *registrations: Registration) -> None:
    """Leave it to the worker to look where these belong, if nobody did so already, or does so at this moment."""
    work.session.flush()
    rows = [{"registration_id": one.id, "agency_id": one.agency_id} for one in registrations]
    if rows:
        work.session.execute(insert(UnplacedRegistration).values(rows).on_conflict_do_nothing())


def expiry(work: Work, basis: LegalBasis, last_day: date | None) -> datetime:
    ends_at = bases.end_of_basis(work, basis, last_day)
    return min(work.at + WAITS_FOR, ends_at) if ends_at else work.at + WAITS_FOR


def _why_over(registration: Registration) -> RegistrationEnd:
    last_day = registration.legal_basis_ends_on
    over = last_day is not None and calendar.end_of(last_day) <= registration.expires_at
    return RegistrationEnd.LEGAL_BASIS_ENDED if over else RegistrationEnd.EXPIRED
