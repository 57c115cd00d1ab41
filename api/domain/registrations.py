"""Registrations: an agency says that it is involved with a person, and hears nothing of who else is.

Invariant: whoever registers reads and writes their own agency's rows only. What there is besides is looked at
afterwards, by the worker (`api/domain/placing.py`), so that neither the answer nor its time depends on it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlmodel import col, select, tuple_

from api.domain import (
    agencies,
    bases,
    continuity,
    help_domains,
    involvements,
    legal_grounds,
    municipalities,
    professionals,
    signals,
)
from api.domain import bsn as numbers
from api.domain.actor import Role
from api.domain.codes import (
    EventType,
    InvolvementEnd,
    Kinship,
    LegalBasis,
    RegistrationEnd,
)
from api.domain.errors import Conflict, Forbidden, Invalid, NotFound
from api.domain.models import (
    Family,
    Involvement,
    Professional,
    Registration,
    RegistrationRelative,
)
from api.domain.work import Work

NOT_YOURS = "Your agency has no such registration."


@dataclass(frozen=True, kw_only=True)
class Subject:
    """Whom a registration is about: a BSN, or a name and birth date; with a BSN the names are welcome."""

    bsn: str | None = None
    given_name: str | None = None
    surname: str | None = None
    birth_date: date | None = None


# What an agency does


def make(
    work: Work,
    municipality_code: str,
    subject: Subject,
    domains: list[str],
    terms: involvements.Terms,
    relatives: Iterable[tuple[Kinship, str]] = (),
) -> Registration:
    """Register that the actor's agency is involved with a person."""
    registration = draft(work, municipality_code, subject, domains, terms)
    if subject.bsn:
        _must_be_new(work, registration, subject.bsn)
    add(work, registration, subject.bsn)
    work.session.flush()
    for kinship, bsn in dict.fromkeys(relatives):
        _name_relative(work, registration, kinship, bsn, subject.bsn)
    if subject.bsn:
        signals.place_later(work, registration)
    return registration


def draft(
    work: Work, municipality_code: str, subject: Subject, domains: list[str], terms: involvements.Terms
) -> Registration:
    """What an agency registers, once the rules allow it. Whether it has done so already is not looked at here."""
    work.municipality_code = municipality_code
    must_exist(work, municipality_code)
    agency = agencies.active(work, _agency(work))
    return Registration(
        id=uuid4(),  # by itself the factory's signature is looked at each time
        agency_id=agency.id,
        municipality_code=municipality_code,
        professional_id=_whose(work, terms.professional_id),
        given_name=subject.given_name,
        surname=subject.surname,
        birth_date=subject.birth_date,
        help_domains=help_domains.check(work, domains, municipality_code),
        legal_basis=terms.legal_basis,
        legal_basis_ends_on=terms.legal_basis_ends_on,
        legal_ground=legal_grounds.check(work, terms.legal_ground, terms.legal_basis),
        contact_frequency=terms.contact_frequency,
        shielded=terms.shielded,
        registered_at=work.at,
        expires_at=signals.expiry(work, terms.legal_basis, terms.legal_basis_ends_on),
    )


def add(work: Work, registration: Registration, bsn: str | None) -> None:
    if bsn:
        signals.give_bsn(work, registration, bsn)
    work.add(registration)
    work.tell(EventType.REGISTRATION_MADE, registration)


def change(work: Work, registration: Registration, **new: Any) -> Registration:
    """Change what an agency says of its own registration; where it joined a family, of that involvement too."""
    joined = _joined(work, registration)
    signals.must_run(work, registration)
    if "professional_id" in new:
        new["professional_id"] = _whose(work, new["professional_id"])
    if "help_domains" in new:
        new["help_domains"] = help_domains.check(work, new["help_domains"], registration.municipality_code)
    if joined:
        if not _carries_only(work, registration):
            raise Conflict("Your agency's involvement carries more than this. Change the involvement itself.")
        involvements.change(work, *joined, **new)
    if bases.SAYS & new.keys():
        new |= _rebased(work, registration, new)
    registration.sqlmodel_update(new)
    work.tell(EventType.REGISTRATION_CHANGED, registration)
    return registration


def renew(work: Work, registration: Registration) -> Registration:
    """Say that the agency still is involved: a signal waits anew."""
    signals.must_run(work, registration)
    registration.expires_at = signals.expiry(work, registration.legal_basis, registration.legal_basis_ends_on)
    work.tell(EventType.REGISTRATION_RENEWED, registration)
    return registration


def confirm(work: Work, registration: Registration) -> Registration:
    """Say that the agency still is involved; where it joined a family, of that involvement too."""
    joined = _joined(work, registration)
    renew(work, registration)
    if joined:
        involvements.confirm(work, joined[1])
    return registration


def record_consultation(work: Work, registration: Registration) -> Registration:
    """Record that the agency has consulted the others. The first time may show it more of them."""
    joined = _joined(work, registration)
    signals.must_run(work, registration)
    if joined is None and registration.match_shared_at is None:
        raise Conflict("There is nobody to consult: this registration matches none that you were told of.")
    before, first = signals.stage_of(work, registration), registration.consulted_at is None
    registration.consulted_at = work.at
    work.tell(EventType.REGISTRATION_CONSULTED, registration)
    after = signals.stage_of(work, registration)
    if joined and first and joined[1].disclosure_stage is before and after is not before:
        with work.by_itself():
            involvements.disclose(work, joined[1], after)
    return registration


def end(work: Work, registration: Registration, reason: RegistrationEnd) -> Registration:
    """End a registration, and the involvement that began with it if that carries nothing else."""
    joined = _joined(work, registration)
    signals.must_run(work, registration)
    if joined and _carries_only(work, registration):
        involvements.end(work, *joined, InvolvementEnd(reason))
    signals.close(work, registration, reason)
    return registration


# What an agency reads


def get(work: Work, registration_id: UUID) -> Registration:
    """A registration of the actor's own; another's is as good as none."""
    asked = _own(work).where(Registration.id == registration_id)
    registration: Registration | None = work.session.exec(asked).one_or_none()
    if registration is None:
        raise NotFound(NOT_YOURS)
    work.municipality_code = registration.municipality_code
    return registration


def get_to_change(work: Work, registration_id: UUID) -> Registration:
    """The same, locked; the family that it joined is locked first, as everybody does."""
    registration = get(work, registration_id)
    if _joined(work, registration) is None:
        work.session.refresh(registration, with_for_update=True)
    return registration


def own(work: Work, after: tuple[datetime, UUID] | None, limit: int) -> Sequence[Registration]:
    """The actor's own, the oldest first; one more than the limit if there are."""
    found = _own(work).order_by(col(Registration.registered_at), col(Registration.id)).limit(limit + 1)
    if after:
        found = found.where(tuple_(col(Registration.registered_at), col(Registration.id)) > after)
    registered: Sequence[Registration] = work.session.exec(found).all()
    return registered


def involvement_of(work: Work, registration: Registration) -> Involvement | None:
    """The running involvement by which it is part of a family, for whom it names."""
    involvement = signals.running_involvement(work, registration)
    if involvement is None or work.actor.role is not Role.PROFESSIONAL:
        return involvement
    return involvement if involvement.professional_id == work.actor.professional_id else None


def _agency(work: Work) -> UUID:
    if work.actor.agency_id is None:
        raise Forbidden("Only an agency does this, for itself.", code="role_lacking")
    return work.actor.agency_id


def _own(work: Work) -> Any:
    """An agency's system has all of the agency's; a professional those that name them, while they work for it."""
    mine = select(Registration).where(Registration.agency_id == _agency(work))
    if work.actor.role is not Role.PROFESSIONAL:
        return mine
    named = col(Professional.id) == Registration.professional_id
    return mine.join(Professional, named).where(Professional.id == work.actor.professional_id, Professional.active)


def _whose(work: Work, professional_id: UUID | None) -> UUID | None:
    """Who does it: a professional names themselves."""
    me = work.actor.professional_id if work.actor.role is Role.PROFESSIONAL else None
    if me and professional_id not in (None, me):
        raise Invalid("You register for yourself. Leave this out.", field="professionalId")
    named = professional_id or me
    if named:
        professionals.working(work, named, _agency(work))
    return named


def _rebased(work: Work, registration: Registration, new: dict[str, Any]) -> dict[str, Any]:
    """The columns of one whose basis changes. Another basis begins with nothing of the old one."""
    basis = LegalBasis(new.get("legal_basis", registration.legal_basis))
    keeps = basis is registration.legal_basis
    ground = new.get("legal_ground", registration.legal_ground if keeps else None)
    last_day = new.get("legal_basis_ends_on", None if "legal_basis" in new else registration.legal_basis_ends_on)
    return {
        "legal_basis": basis,
        "legal_basis_ends_on": last_day,
        "legal_ground": legal_grounds.check(work, ground, basis),
        "expires_at": signals.expiry(work, basis, last_day),
    }


def must_exist(work: Work, municipality_code: str) -> None:
    known = work.once("municipalities", lambda: {one.code for one in municipalities.known(work)})
    if municipality_code not in known:
        raise Invalid("There is no such municipality. GET /v1/municipalities lists them.", field="municipalityCode")


def _must_be_new(work: Work, registration: Registration, bsn: str) -> None:
    """Refuse a second one of the same by the same; one that is over without being written down is written down."""
    for known in signals.running_twins(work, registration, numbers.check(bsn)):
        if signals.ending(work, known) is None:
            raise Conflict("Your agency has registered this person already. Change that one.", code="registered")
        signals.settle(work, known)
        work.session.flush()


def _name_relative(work: Work, registration: Registration, kinship: Kinship, bsn: str, own: str | None) -> None:
    if numbers.check(bsn, "relatives") == own:
        raise Invalid("Nobody is their own parent or child.", field="relatives")
    relative = RegistrationRelative(
        registration_id=registration.id,
        agency_id=registration.agency_id,
        municipality_code=registration.municipality_code,
        kinship=kinship,
        bsn_sealed=b"",
        bsn_pseudonym=b"",
    )
    sealed = numbers.sealed(work.vault, bsn, relative.id, "registration_relative")
    relative.bsn_sealed, relative.bsn_pseudonym = sealed
    work.add(relative)
    work.tell(EventType.REGISTRATION_RELATIVE_NAMED, relative)


def _joined(work: Work, registration: Registration) -> tuple[Family, Involvement] | None:
    """The family it is part of and the involvement by which it is, all locked: the family first."""
    involvement = signals.running_involvement(work, registration)
    if involvement is None:
        return None
    work.see(involvement.family_id)
    asked = select(Family).where(Family.id == involvement.family_id).with_for_update(key_share=True)
    family = work.session.exec(asked.execution_options(populate_existing=True)).one()
    work.session.refresh(involvement)
    work.begin(family)
    continuity.settle(work, family)
    work.session.refresh(registration, with_for_update=True)
    return (family, involvement) if signals.running_involvement(work, registration) else None


def _carries_only(work: Work, registration: Registration) -> bool:
    others = select(Registration.id).where(
        Registration.involvement_id == registration.involvement_id,
        Registration.id != registration.id,
        col(Registration.ended_at).is_(None),
    )
    return registration.own_involvement and work.session.exec(others).first() is None
