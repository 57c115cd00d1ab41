"""Confirmations: the registrar says who a registration without a BSN is about, or that it is nobody who can be found.

Invariant: the registrar sees such a registration for as long as it isn't answered, and learns of no other by answering.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import col, select, tuple_

from api.domain import signals
from api.domain.codes import EventType, RegistrationEnd
from api.domain.errors import Conflict, NotFound
from api.domain.models import Agency, Person, Registration
from api.domain.work import Work


def unconfirmed(work: Work, after: tuple[datetime, UUID] | None, limit: int) -> Sequence[tuple[Registration, Agency]]:
    """Registrations of the registrar's municipality that don't say who they are about, the oldest first."""
    found = (
        select(Registration, Agency)
        .join(Agency, col(Agency.id) == Registration.agency_id)
        .where(*_to_confirm(work))
        .order_by(col(Registration.registered_at), col(Registration.id))
        .limit(limit + 1)
    )
    if after:
        found = found.where(tuple_(col(Registration.registered_at), col(Registration.id)) > after)
    return work.session.exec(found).all()


def get(work: Work, registration_id: UUID) -> Registration:
    asked = select(Registration).where(Registration.id == registration_id, *_to_confirm(work))
    registration = work.session.exec(asked.with_for_update()).one_or_none()
    if registration is None:
        raise NotFound("Your municipality has no such registration to confirm.")
    return registration


def confirm(work: Work, registration: Registration, person: Person) -> Registration:
    """Say who it is about. What follows from that is found afterwards, as for any other registration.

    That its agency has registered this person already is found afterwards too: the registrar may not know of that one.
    """
    if person.bsn_sealed is None:
        raise Conflict("Nobody is confirmed without a BSN. Give this person theirs first.", code="bsn_lacking")
    registration.person_id = person.id
    work.tell(EventType.REGISTRATION_CONFIRMED, registration)
    signals.place_later(work, registration)
    return registration


def reject(work: Work, registration: Registration) -> Registration:
    """Say that this is nobody whom the municipality can find."""
    registration.ended_at, registration.end_reason = work.at, RegistrationEnd.REJECTED
    work.tell(EventType.REGISTRATION_REJECTED, registration, reason=RegistrationEnd.REJECTED)
    return registration


def _to_confirm(work: Work) -> tuple[Any, ...]:
    return (
        Registration.municipality_code == work.actor.municipality_code,
        col(Registration.bsn_pseudonym).is_(None),
        col(Registration.person_id).is_(None),
        col(Registration.ended_at).is_(None),
        col(Registration.expires_at) > work.at,
    )
