"""Emergencies: entitled agencies, and their professionals who open a family for three hours, with a reason."""

from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import model_validator

from api.auth.calls import Call
from api.auth.guards import Routes
from api.auth.policy import Permission, Relation
from api.auth.purposes import PURPOSE_OF
from api.domain import emergencies
from api.domain.actor import Role
from api.domain.codes import EmergencyEnd, EmergencyReason, LegalBasis
from api.domain.models import EmergencyAccess
from api.paging import Cursor, Limit, Page, decode, page
from api.routers.parameters import EmergencyAccessId, EntitlementId, OnlyUnreviewed
from api.routers.persons import Bsn
from api.shapes import Body, Id, Moment, MunicipalityCode, Out

routes = Routes("Emergencies")

RELATION_OF = {
    Role.PROFESSIONAL: Relation.EMERGENCY,
    Role.REGISTRAR: Relation.REGISTRAR,
    Role.PRIVACY_OFFICER: Relation.PRIVACY_OFFICER,
}


class EntitlementGrant(Body):
    """The agency whose professionals may open your municipality's families in an emergency."""

    agency_id: Id


class EntitlementOut(Out):
    """That a municipality lets an agency's professionals open its families in an emergency. `endsAt`: when it ended."""

    id: UUID
    municipality_code: MunicipalityCode
    agency_id: UUID
    started_at: Moment
    ends_at: Moment | None


class EmergencyOpening(Body):
    """Which family to open: by its id, or by the BSN of somebody in it."""

    municipality_code: MunicipalityCode
    family_id: Id | None = None
    bsn: Bsn | None = None
    reason: EmergencyReason

    @model_validator(mode="after")
    def is_one_family(self) -> Self:
        if (self.family_id is None) == (self.bsn is None):
            raise ValueError("Give either a familyId or a bsn.")
        return self


class EmergencyAccessOut(Out):
    """One professional's view of one family in an emergency.

    `endsAt`: three hours after it started, or when it ended before that. `endReason`: null while it runs.
    `reviewedAt`: when the privacy officer looked into it.
    """

    id: UUID
    family_id: UUID
    agency_id: UUID
    professional_id: UUID
    reason: EmergencyReason
    started_at: Moment
    ends_at: Moment
    end_reason: EmergencyEnd | None
    reviewed_at: Moment | None


class OpenedEmergencyAccesses(Out):
    """The families that are open to you now."""

    items: list[EmergencyAccessOut]


def _out(call: Call, access: EmergencyAccess) -> EmergencyAccessOut:
    """One that has run out may not have been written down as such yet."""
    over = access.end_reason or (EmergencyEnd.EXPIRED if access.ends_at <= call.work.at else None)
    return EmergencyAccessOut.of(access, end_reason=over)


@routes.get("/entitlements", Permission.ENTITLEMENT_READ)
def list_entitlements(call: Call) -> Page[EntitlementOut]:
    """List the entitlements your municipality gave, or your agency was given; ended ones too, the latest first."""
    return Page(items=[EntitlementOut.of(one) for one in emergencies.entitlements(call.work)])


@routes.post("/entitlements", Permission.ENTITLEMENT_GIVE, status=201)
def entitle_agency(call: Call, body: EntitlementGrant) -> EntitlementOut:
    """Entitle an agency to open your municipality's families in an emergency: Safe at Home or a crisis service."""
    code = call.work.actor.municipality_code or ""
    return EntitlementOut.of(emergencies.entitle(call.work, code, body.agency_id))


@routes.post("/entitlements/{entitlementId}/_end", Permission.ENTITLEMENT_GIVE)
def end_entitlement(call: Call, entitlement_id: EntitlementId) -> EntitlementOut:
    """End an entitlement. Every emergency access that rests on it ends at the same instant."""
    return EntitlementOut.of(emergencies.end_entitlement(call.work, entitlement_id))


@routes.get("/emergency-accesses", Permission.EMERGENCY_READ)
def list_emergency_accesses(
    call: Call,
    only_unreviewed: OnlyUnreviewed = False,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[EmergencyAccessOut]:
    """List your own emergency accesses, or those to families of your municipality; the latest first."""
    before = decode(cursor, datetime.fromisoformat, UUID)
    found = emergencies.known(
        call.work, only_unreviewed=only_unreviewed, before=(before[0], before[1]) if before else None, limit=limit
    )
    relation = RELATION_OF[call.work.actor.role]
    for access in found[:limit]:
        call.work.record(Permission.EMERGENCY_READ, "shown", family_id=access.family_id, relation=relation)
    shown = [_out(call, access) for access in found]
    return page(shown, limit, EmergencyAccessOut, lambda access: (access.started_at.isoformat(), access.id))


@routes.post("/emergency-accesses", Permission.EMERGENCY_OPEN, status=201)
def open_in_emergency(call: Call, body: EmergencyOpening) -> OpenedEmergencyAccesses:
    """Open a family in an emergency, for three hours. The municipality must have entitled your agency.

    You then read who is in the family, who is involved and whom to call; you change nothing, and see nothing that is
    shielded. The lead coordinator, the registrar and the privacy officer are told at once. By BSN, every family that
    the person is in now is opened. A refusal is recorded too.
    """
    call.work.ground |= {
        "relation": Relation.EMERGENCY,
        "legal_basis": LegalBasis.VITAL_INTEREST,
        "purpose": PURPOSE_OF[Relation.EMERGENCY],
    }
    bsn = body.bsn.get_secret_value() if body.bsn else None
    opened = emergencies.open_families(
        call.work, body.municipality_code, body.reason, family_id=body.family_id, bsn=bsn
    )
    return OpenedEmergencyAccesses(items=[_out(call, access) for access in opened])


@routes.post("/emergency-accesses/{emergencyAccessId}/_end", Permission.EMERGENCY_OPEN)
def end_emergency_access(call: Call, emergency_access_id: EmergencyAccessId) -> EmergencyAccessOut:
    """End your own emergency access before its time."""
    return _out(call, emergencies.end(call.work, emergency_access_id))


@routes.post("/emergency-accesses/{emergencyAccessId}/_review", Permission.EMERGENCY_REVIEW)
def review_emergency_access(call: Call, emergency_access_id: EmergencyAccessId) -> EmergencyAccessOut:
    """Note that you have looked into an emergency access to a family of your municipality."""
    return _out(call, emergencies.review(call.work, emergency_access_id))
