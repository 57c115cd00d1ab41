"""Placing: what becomes of a registration afterwards. It joins a family, matches others, or waits.

Invariant: in one municipality registrations are placed one at a time, so that of two that match one finds the other.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, func, or_, select, union

from api.domain import consents, continuity, help_domains, involvements, persons, professionals, signals
from api.domain.codes import EventType, MatchKind, MemberRole, RegistrationEnd
from api.domain.errors import Invalid
from api.domain.models import (
    Family,
    Involvement,
    Match,
    Member,
    Person,
    Registration,
    RegistrationRelative,
    UnplacedRegistration,
)
from api.domain.work import Work


def unplaced(session: Session, limit: int) -> Sequence[UUID]:
    return session.exec(select(UnplacedRegistration.registration_id).limit(limit)).all()


def place(work: Work, registration_id: UUID) -> None:
    """Look where a registration belongs, and whom it matches."""
    registration = work.session.get_one(Registration, registration_id)
    take_turns(work, registration.municipality_code)
    waiting = work.session.get(UnplacedRegistration, registration_id)
    if waiting is None:
        return
    work.session.refresh(registration, with_for_update=True)
    work.session.delete(waiting)
    bsn = _identity(work, registration)
    if bsn and signals.ending(work, registration) is None:
        if registration.involvement_id is None:
            _find_family(work, registration)
        for one in _to_look_at(work, registration):
            _find_matches(work, one)


def give_up(work: Work, registration_id: UUID) -> None:
    """Leave a registration as the signal it is: it can't be placed as things are."""
    waiting = work.session.get(UnplacedRegistration, registration_id)
    if waiting:
        work.session.delete(waiting)


def place_anew(work: Work, registration_id: UUID) -> None:
    signals.place_later(work, work.session.get_one(Registration, registration_id))


def take_turns(work: Work, municipality_code: str) -> None:
    """Whoever places registrations of this municipality waits for who does so already."""
    work.municipality_code = municipality_code
    work.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"placing:{municipality_code}", 0))))


def join(work: Work, registration: Registration, family: Family) -> Involvement:
    """Make a registration part of a family, which the caller has locked: its agency is involved from now on."""
    before = [one for one in continuity.running_involvements(work, family) if one.agency_id == registration.agency_id]
    involvement = known = _same(registration, before)
    if involvement is None:
        involvement = _start(work, registration, family)
        if not before:
            involvement.disclosure_stage = signals.stage_of(work, registration)
    elif involvement.shielded or not registration.shielded:
        _add_domains(work, family, involvement, registration.help_domains)
    work.session.flush()
    registration.involvement_id, registration.own_involvement = involvement.id, known is None
    work.tell(EventType.REGISTRATION_JOINED, registration)
    return involvement


def locked(work: Work, family_id: UUID) -> Family:
    asked = select(Family).where(Family.id == family_id).with_for_update(key_share=True)
    family = work.session.exec(asked.execution_options(populate_existing=True)).one()
    work.begin(family)
    continuity.settle(work, family)
    return family


def _identity(work: Work, registration: Registration) -> str | None:
    """The BSN of whom it is about; one that the registrar confirmed gets it now."""
    if registration.bsn_sealed or registration.person_id is None or registration.ended_at:
        return signals.bsn_of(work, registration)
    bsn = persons.bsn_of(work, work.session.get_one(Person, registration.person_id))
    if bsn is None:
        return None
    if any(signals.ending(work, twin) is None for twin in signals.running_twins(work, registration, bsn)):
        signals.close(work, registration, RegistrationEnd.DUPLICATE)
        return None
    signals.give_bsn(work, registration, bsn)
    work.tell(EventType.REGISTRATION_CHANGED, registration)
    return bsn


# Where it belongs


def _find_family(work: Work, registration: Registration) -> None:
    """Join the one open family that the person is in; where that isn't plain, it is for the registrar to decide.

    It stays theirs to decide when this is looked at again.
    """
    found = _families_of(work, registration.municipality_code, signals.pseudonyms_of(work, registration))
    if len(found) == 1 and not found[0][1] and not _is_noted(work, registration, Match.with_family_id == found[0][0]):
        family = locked(work, found[0][0])
        unwanted = consents.leaves_nothing(
            work, family, registration.legal_basis, registration.agency_id, registration.help_domains
        )
        if family.closed_at is None and not unwanted:
            join(work, registration, family)
            return
    for family_id, _ in found:
        _note(work, MatchKind.SAME_PERSON, registration, family_id=family_id)


def _families_of(work: Work, municipality_code: str, pseudonyms: Sequence[bytes]) -> Sequence[tuple[UUID, bool]]:
    """The open families that these persons are in now, and whether any of them is shielded there."""
    found = (
        select(Family.id, func.bool_or(Person.shielded))
        .join(Member, col(Member.family_id) == Family.id)
        .join(Person, col(Person.id) == Member.person_id)
        .where(
            Family.municipality_code == municipality_code,
            col(Family.closed_at).is_(None),
            Person.municipality_code == municipality_code,
            col(Person.bsn_pseudonym).in_(pseudonyms),
            *running(Member, work.at),
        )
        .group_by(col(Family.id))
    )
    return work.session.exec(found).all()


def _same(registration: Registration, running: Sequence[Involvement]) -> Involvement | None:
    """The agency's involvement that already covers this one, a shielded one for a shielded one if there is."""
    who = registration.professional_id
    found = [one for one in running if who is None or one.professional_id == who]
    return min(found, key=lambda one: one.shielded is not registration.shielded, default=None)


def _start(work: Work, registration: Registration, family: Family) -> Involvement:
    terms = involvements.Terms(
        legal_basis=registration.legal_basis,
        legal_basis_ends_on=registration.legal_basis_ends_on,
        legal_ground=registration.legal_ground,
        member_id=_member(work, registration, family),
        professional_id=_still_working(work, registration),
        contact_frequency=registration.contact_frequency,
        shielded=registration.shielded,
    )
    return involvements.start(work, family, registration.agency_id, registration.help_domains, terms)


def _still_working(work: Work, registration: Registration) -> UUID | None:
    if registration.professional_id is None:
        return None
    try:
        return professionals.working(work, registration.professional_id, registration.agency_id).id
    except Invalid:
        return None


def _member(work: Work, registration: Registration, family: Family) -> UUID | None:
    """The member of the family whom it is about, if they are one."""
    found = (
        select(Member.id)
        .join(Person, col(Person.id) == Member.person_id)
        .where(
            Member.family_id == family.id,
            col(Person.bsn_pseudonym).in_(signals.pseudonyms_of(work, registration)),
            *running(Member, work.at),
        )
    )
    return work.session.exec(found).first()


def _add_domains(work: Work, family: Family, involvement: Involvement, domains: Sequence[str]) -> None:
    together = help_domains.check(work, [*involvement.help_domains, *domains])
    if together != involvement.help_domains:
        involvements.change(work, family, involvement, help_domains=together)


# Whom it matches


def _to_look_at(work: Work, registration: Registration) -> Sequence[Registration]:
    """Itself, and those of the relatives that it names: what it says of their kin may match them with others."""
    of_relatives = select(RegistrationRelative.bsn_pseudonym).where(
        RegistrationRelative.registration_id == registration.id
    )
    concerned = or_(Registration.id == registration.id, col(Registration.bsn_pseudonym).in_(of_relatives))
    return work.session.exec(select(Registration).where(concerned, *_waiting(work, registration))).all()


def _find_matches(work: Work, registration: Registration) -> None:
    own, kin = signals.pseudonyms_of(work, registration), _kin(work, registration)
    for kind, pseudonyms in ((MatchKind.SAME_PERSON, own), (MatchKind.FAMILY, kin)):
        others = select(Registration).where(
            col(Registration.bsn_pseudonym).in_(pseudonyms),
            Registration.agency_id != registration.agency_id,
            *_waiting(work, registration),
        )
        for other in work.session.exec(others).all():
            _note(work, kind, registration, other=other)
    for family_id, _ in _families_of(work, registration.municipality_code, kin):
        involved = continuity.running_involvements(work, work.session.get_one(Family, family_id))
        if all(one.agency_id != registration.agency_id for one in involved):
            _note(work, MatchKind.FAMILY, registration, family_id=family_id)


def _kin(work: Work, registration: Registration) -> list[bytes]:
    """The pseudonyms of the person's parents and children, as registrations and the members of families tell."""
    code, person = registration.municipality_code, registration.bsn_pseudonym
    named = (
        select(RegistrationRelative.bsn_pseudonym, Registration.bsn_pseudonym.label("of"))  # type: ignore[union-attr]
        .join(Registration, col(Registration.id) == RegistrationRelative.registration_id)
        .where(
            RegistrationRelative.municipality_code == code,
            col(Registration.ended_at).is_(None),
            col(Registration.expires_at) > work.at,
        )
        .subquery()
    )
    one, other, me, them = aliased(Member), aliased(Member), aliased(Person), aliased(Person)
    in_one_family = (
        select(them.bsn_pseudonym)
        .join(other, col(other.person_id) == them.id)
        .join(one, col(one.family_id) == other.family_id)
        .join(me, col(me.id) == one.person_id)
        .where(
            me.municipality_code == code,
            me.bsn_pseudonym == person,
            or_(
                (one.role == MemberRole.PARENT) & (other.role == MemberRole.CHILD),
                (one.role == MemberRole.CHILD) & (other.role == MemberRole.PARENT),
            ),
        )
    )
    found = union(
        select(named.c.bsn_pseudonym).where(named.c.of == person),
        select(named.c.of).where(named.c.bsn_pseudonym == person),
        in_one_family,
    )
    return [row[0] for row in work.session.execute(found) if row[0] is not None]


def _note(
    work: Work,
    kind: MatchKind,
    registration: Registration,
    other: Registration | None = None,
    family_id: UUID | None = None,
) -> None:
    """Write down a match for the registrar, once."""
    first, second = sorted([registration, other], key=lambda one: one.id) if other else (registration, None)
    side = Match.other_registration_id == second.id if second else Match.with_family_id == family_id
    if _is_noted(work, first, side):
        return
    match = Match(
        municipality_code=registration.municipality_code,
        kind=kind,
        registration_id=first.id,
        other_registration_id=second.id if second else None,
        with_family_id=family_id,
        found_at=work.at,
    )
    work.add(match)
    work.tell(EventType.MATCH_FOUND, match)


def _is_noted(work: Work, registration: Registration, side: ColumnElement[bool] | bool) -> bool:
    """Whether the registrar has this before them, or decided on it."""
    return work.session.exec(select(Match.id).where(Match.registration_id == registration.id, side)).first() is not None


def running(table: type[Member] | type[Involvement], at: datetime) -> tuple[ColumnElement[bool], ...]:
    return col(table.started_at) <= at, or_(col(table.ends_at).is_(None), col(table.ends_at) > at)


def _waiting(work: Work, registration: Registration) -> tuple[ColumnElement[bool] | bool, ...]:
    return (
        Registration.municipality_code == registration.municipality_code,
        col(Registration.involvement_id).is_(None),
        col(Registration.ended_at).is_(None),
        col(Registration.expires_at) > work.at,
    )
