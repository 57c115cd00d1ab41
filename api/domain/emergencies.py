"""Emergencies: a professional of an agency that the municipality entitled opens a family for a few hours.

Invariant: who is not entitled is refused before anything is looked up, and no family is opened without the lead
coordinator, the registrar and the privacy officer being told in the same transaction. Nobody is found through a person
whose whereabouts are secret.

An entitlement is locked before any family, the families in the order of their ids.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, LargeBinary, Text, Uuid, literal
from sqlmodel import col, func, or_, select, tuple_

from api.domain import agencies, continuity
from api.domain import bsn as numbers
from api.domain.actor import Actor, Role
from api.domain.codes import AgencyKind, EmergencyEnd, EmergencyReason, EventType
from api.domain.errors import Conflict, Forbidden, Invalid, NotFound
from api.domain.models import Agency, EmergencyAccess, Entitlement, Family, Professional
from api.domain.work import KEEP, Work

LASTS = timedelta(hours=3)
"""How long a family stays open to who opened it in an emergency."""

KINDS = frozenset({AgencyKind.SAFE_AT_HOME, AgencyKind.CRISIS_SERVICE})
"""Which agencies a municipality can entitle."""

NO_ENTITLEMENT = "There is no such entitlement in your municipality, or it has ended."
NO_ACCESS = "There is no such emergency access."


def entitle(work: Work, municipality_code: str, agency_id: UUID) -> Entitlement:
    """Let an agency's professionals open this municipality's families in an emergency, until further notice."""
    agency = agencies.active(work, agency_id)
    if agency.kind not in KINDS:
        raise Invalid("Only Safe at Home and crisis services can be entitled.", field="agencyId")
    if _running(work, municipality_code, agency.id):
        raise Conflict("This agency is entitled already.", code="entitled_already")
    entitlement = Entitlement(municipality_code=municipality_code, agency_id=agency.id, started_at=work.at)
    work.add(entitlement)
    work.tell(EventType.ENTITLEMENT_GIVEN, entitlement)
    return entitlement


def end_entitlement(work: Work, entitlement_id: UUID) -> Entitlement:
    """Withdraw it, and end every emergency access that rests on it at this instant."""
    entitlement = work.session.get(Entitlement, entitlement_id, with_for_update=True)
    if entitlement is None or entitlement.municipality_code != work.actor.municipality_code:
        raise NotFound(NO_ENTITLEMENT)
    if entitlement.ends_at:
        raise NotFound(NO_ENTITLEMENT)
    of_it = select(EmergencyAccess).where(
        EmergencyAccess.entitlement_id == entitlement.id, col(EmergencyAccess.end_reason).is_(None)
    )
    for family in _locked(work, {one.family_id for one in work.session.exec(of_it)}):
        continuity.settle(work, family)
    entitlement.ends_at = work.at
    work.tell(EventType.ENTITLEMENT_ENDED, entitlement)
    for access in work.session.exec(of_it):
        continuity.end_emergency(work, access, EmergencyEnd.ENTITLEMENT_ENDED, work.at)
    return entitlement


def entitlements(work: Work) -> Sequence[Entitlement]:
    """Those that the actor has to do with, ended ones too: a municipality's own, or an agency's."""
    actor = work.actor
    mine = Entitlement.agency_id == actor.agency_id if actor.agency_id else _of_municipality(actor)
    return work.session.exec(select(Entitlement).where(mine).order_by(col(Entitlement.started_at).desc())).all()


def open_families(
    work: Work,
    municipality_code: str,
    reason: EmergencyReason,
    *,
    family_id: UUID | None = None,
    bsn: str | None = None,
) -> list[EmergencyAccess]:
    """Open one family, or all the open ones that the person with this BSN is a member of now."""
    about = {"municipality_code": municipality_code, "family_id": family_id}
    entitlement = _entitlement_of(work, municipality_code, about)
    families = _locked(work, _found(work, municipality_code, family_id, bsn), municipality_code)
    if not families:
        raise NotFound("There is no such family in this municipality.", code="family_not_found", about=about)
    for family in families:
        continuity.settle(work, family)
    me = work.session.get_one(Professional, work.actor.professional_id)
    return [_open(work, family, entitlement, me, reason) for family in families]


def end(work: Work, access_id: UUID) -> EmergencyAccess:
    """End one's own view of a family before its time."""
    access = work.session.get(EmergencyAccess, access_id)
    if access is None or access.professional_id != work.actor.professional_id:
        raise NotFound(NO_ACCESS)
    work.see(access.family_id)
    for family in _locked(work, {access.family_id}):
        continuity.settle(work, family)
    work.session.refresh(access)
    if access.end_reason or access.ends_at <= work.at:
        raise Conflict("This emergency access has ended already.", code="emergency_access_ended")
    continuity.end_emergency(work, access, EmergencyEnd.ENDED_EARLY, work.at)
    return access


def review(work: Work, access_id: UUID) -> EmergencyAccess:
    """Note that the privacy officer has looked into it."""
    access = work.session.get(EmergencyAccess, access_id)
    if access is None or not _is_here(work, access):
        raise NotFound(NO_ACCESS)
    _locked(work, {access.family_id})
    work.session.refresh(access)
    if access.reviewed_at:
        raise Conflict("This emergency access was reviewed already.", code="reviewed_already")
    access.reviewed_at = work.at
    work.tell(EventType.EMERGENCY_ACCESS_REVIEWED, access)
    return access


def known(
    work: Work, *, only_unreviewed: bool = False, before: tuple[datetime, UUID] | None = None, limit: int = 50
) -> Sequence[EmergencyAccess]:
    """The latest first, one more than the limit if there are: a professional's own, or a municipality's.

    The privacy officer of the municipality that was responsible at the time sees them; its registrar only as long as
    the family is theirs.
    """
    actor = work.actor
    found = (
        select(EmergencyAccess)
        .join(Entitlement, col(Entitlement.id) == EmergencyAccess.entitlement_id)
        .order_by(col(EmergencyAccess.started_at).desc(), col(EmergencyAccess.id).desc())
        .limit(limit + 1)
    )
    if actor.role is Role.PROFESSIONAL:
        found = found.where(EmergencyAccess.professional_id == actor.professional_id)
    else:
        found = found.where(_of_municipality(actor))
    if actor.role is Role.REGISTRAR:
        theirs = select(Family.id).where(Family.municipality_code == actor.municipality_code)
        found = found.where(col(EmergencyAccess.family_id).in_(theirs))
    if only_unreviewed:
        found = found.where(col(EmergencyAccess.reviewed_at).is_(None))
    if before:
        found = found.where(tuple_(col(EmergencyAccess.started_at), col(EmergencyAccess.id)) < before)
    return work.session.exec(found).all()


def _open(
    work: Work, family: Family, entitlement: Entitlement, professional: Professional, reason: EmergencyReason
) -> EmergencyAccess:
    access = EmergencyAccess(
        family_id=family.id,
        entitlement_id=entitlement.id,
        agency_id=entitlement.agency_id,
        professional_id=professional.id,
        reason=reason,
        started_at=work.at,
        ends_at=work.at + LASTS,
    )
    work.add(access)
    work.tell(EventType.EMERGENCY_ACCESS_OPENED, access, reason=reason)
    return access


def _entitlement_of(work: Work, municipality_code: str, about: dict[str, Any]) -> Entitlement:
    """The entitlement by which the actor acts; it holds until this commits. Looks at nothing but who they are."""
    works_for = _agency_of(work)
    entitlement = _running(work, municipality_code, works_for) if works_for else None
    if entitlement is None:
        raise Forbidden(
            "This municipality has not entitled your agency, or you are not there in person.",
            code="not_entitled",
            about=about,
        )
    return entitlement


def _agency_of(work: Work) -> UUID | None:
    """The active agency of the professional who acts in person: a system that acts on their behalf is not enough."""
    actor = work.actor
    works = select(Professional.agency_id).join(Agency, col(Agency.id) == Professional.agency_id)
    works = works.where(Professional.id == actor.professional_id, Agency.id == actor.agency_id)
    found = work.session.exec(works.where(Professional.active, Agency.active)).first()
    return None if actor.via else found


def _running(work: Work, municipality_code: str, agency_id: UUID) -> Entitlement | None:
    given = select(Entitlement).where(
        Entitlement.municipality_code == municipality_code,
        Entitlement.agency_id == agency_id,
        or_(col(Entitlement.ends_at).is_(None), col(Entitlement.ends_at) > work.at),
    )
    return work.session.exec(given.with_for_update(read=KEEP.read, key_share=KEEP.key_share)).first()


def _found(work: Work, municipality_code: str, family_id: UUID | None, bsn: str | None) -> set[UUID]:
    """The families asked for. The database looks further than the actor's own families for this one question only."""
    pseudonyms = numbers.pseudonyms(work.vault, bsn) if bsn else []
    asked = (
        literal(municipality_code, Text),
        literal(family_id, Uuid),
        literal(pseudonyms, ARRAY(LargeBinary)),
    )
    return set(work.session.scalars(select(func.spil_see_in_emergency(*asked))).one())


def _locked(work: Work, family_ids: set[UUID], of_municipality: str | None = None) -> Sequence[Family]:
    """Lock these families to change them, in the order of their ids; of a municipality named, only its open ones."""
    found = select(Family).where(col(Family.id).in_(family_ids)).order_by(col(Family.id))
    if of_municipality:
        found = found.where(Family.municipality_code == of_municipality, col(Family.closed_at).is_(None))
    families = work.session.exec(found.with_for_update(key_share=True)).all()
    for family in families:
        work.begin(family)
        work.municipality_code = family.municipality_code
    return families


def _is_here(work: Work, access: EmergencyAccess) -> bool:
    by = work.session.get_one(Entitlement, access.entitlement_id)
    return by.municipality_code == work.actor.municipality_code


def _of_municipality(actor: Actor) -> bool:
    return Entitlement.municipality_code == actor.municipality_code
