"""Mandates: who leads, by whose authority, until when; the hand-over to a successor; the deputy."""

from typing import Annotated
from uuid import UUID

from pydantic import MISSING, Field

from api.auth.calls import FamilyCall
from api.auth.guards import Routes
from api.auth.policy import Permission, Relation
from api.domain import continuity, mandates
from api.domain.codes import MandateBasis, MandateDecline, MandateEnd, MandateState, Power
from api.domain.errors import Forbidden, NotFound
from api.domain.models import Mandate
from api.paging import Page
from api.routers.parameters import DeputyId, MandateId
from api.shapes import Body, Day, Id, Moment, MunicipalityCode, Out

routes = Routes("Mandates")

Powers = Annotated[list[Power], Field(min_length=1, max_length=len(Power))]


class MandateProposal(Body):
    """The mandate as it is proposed to a professional."""

    professional_id: Id
    powers: Powers
    legal_basis: MandateBasis
    ends_on: Day = Field(description="The last day. A mandate on the family's consent ends with the consent.")


class MandateTransfer(Body):
    """Who succeeds. What is left out stays as in the present mandate."""

    professional_id: Id
    powers: Powers | None = None
    legal_basis: MandateBasis | None = None
    ends_on: Day | None = None


class MandateChange(Body):
    """What changes of an active mandate."""

    powers: Powers | MISSING = MISSING
    legal_basis: MandateBasis | MISSING = MISSING
    ends_on: Day | MISSING = MISSING


class MandateDeclining(Body):
    """Why the professional declines."""

    reason: MandateDecline


class MandateEnding(Body):
    """How the mandate ends: laid down or completed by the lead, withdrawn or completed by the registrar."""

    reason: MandateEnd


class DeputyNaming(Body):
    """Who stands in for the lead coordinator, in whole days, both included."""

    professional_id: Id
    starts_on: Day
    ends_on: Day


class MandateOut(Out):
    """A mandate. `grantedBy`: the municipality. `endsAt`: when it ended, or will by itself."""

    id: UUID
    family_id: UUID
    professional_id: UUID
    state: MandateState
    powers: list[Power]
    legal_basis: MandateBasis
    granted_by: MunicipalityCode
    succeeds_id: UUID | None
    proposed_at: Moment
    answered_at: Moment | None
    decline_reason: MandateDecline | None
    started_at: Moment | None
    ends_at: Moment
    end_reason: MandateEnd | None


class DeputyOut(Out):
    """Who stands in for the lead coordinator for a period."""

    id: UUID
    mandate_id: UUID
    professional_id: UUID
    started_at: Moment
    ends_at: Moment


ENDED_BY = {
    Relation.REGISTRAR: {MandateEnd.WITHDRAWN, MandateEnd.COMPLETED},
    Relation.LEAD_COORDINATOR: {MandateEnd.LAID_DOWN, MandateEnd.COMPLETED},
}


def _out(call: FamilyCall, mandate: Mandate) -> MandateOut:
    return MandateOut.of(mandate, state=mandate.state_at(call.work.at))


def _is_shown(call: FamilyCall, mandate: Mandate) -> bool:
    """A proposal is between the registrar, the lead and whom it is for until it is accepted.

    Who is no more than asked to lead sees that question only.
    """
    if call.access.sees("shielded") or mandate.professional_id == call.work.actor.professional_id:
        return True
    hidden = continuity.works_shielded(call.work, call.family, mandate.professional_id)
    of_the_team = call.access.by(Permission.FAMILY_READ) is not None
    return of_the_team and mandate.started_at is not None and not hidden


def _shown(call: FamilyCall, mandate_id: UUID) -> Mandate:
    mandate = mandates.get(call.work, call.family, mandate_id)
    if not _is_shown(call, mandate):
        raise NotFound("This family has no such mandate.")
    return mandate


@routes.get("/families/{familyId}/mandates", Permission.MANDATE_READ)
def list_mandates(call: FamilyCall) -> Page[MandateOut]:
    """List the mandates of a family, ended ones too, the oldest first."""
    known = mandates.of_family(call.work, call.family)
    return Page(items=[_out(call, mandate) for mandate in known if _is_shown(call, mandate)])


@routes.post(
    "/families/{familyId}/mandates",
    Permission.MANDATE_PROPOSE,
    status=201,
    location="/families/{familyId}/mandates/{id}",
)
def propose_mandate(call: FamilyCall, body: MandateProposal) -> MandateOut:
    """Propose the lead to a professional of an agency that is involved. It starts when they accept."""
    proposed = mandates.propose(
        call.work, call.family, body.professional_id, body.powers, body.legal_basis, body.ends_on
    )
    return _out(call, proposed)


@routes.get("/families/{familyId}/mandates/{mandateId}", Permission.MANDATE_READ)
def get_mandate(call: FamilyCall, mandate_id: MandateId) -> MandateOut:
    """Get a mandate."""
    return _out(call, _shown(call, mandate_id))


@routes.patch("/families/{familyId}/mandates/{mandateId}", Permission.MANDATE_CHANGE)
def change_mandate(call: FamilyCall, mandate_id: MandateId, body: MandateChange) -> MandateOut:
    """Change an active mandate: what the body leaves out stays as it is."""
    mandate = mandates.get(call.work, call.family, mandate_id)
    return _out(call, mandates.change(call.work, mandate, **body.given()))


@routes.post("/families/{familyId}/mandates/{mandateId}/_accept", Permission.MANDATE_ANSWER)
def accept_mandate(call: FamilyCall, mandate_id: MandateId) -> MandateOut:
    """Accept the mandate that is proposed to you. A predecessor's ends at the instant yours starts."""
    mandate = _shown(call, mandate_id)
    return _out(call, mandates.accept(call.work, call.family, mandate))


@routes.post("/families/{familyId}/mandates/{mandateId}/_decline", Permission.MANDATE_ANSWER)
def decline_mandate(call: FamilyCall, mandate_id: MandateId, body: MandateDeclining) -> MandateOut:
    """Decline the mandate that is proposed to you, with a reason."""
    mandate = _shown(call, mandate_id)
    return _out(call, mandates.decline(call.work, mandate, body.reason))


@routes.post("/families/{familyId}/mandates/{mandateId}/_withdraw", Permission.MANDATE_TRANSFER)
def withdraw_proposal(call: FamilyCall, mandate_id: MandateId) -> MandateOut:
    """Withdraw a proposal that is not answered yet."""
    mandate = mandates.get(call.work, call.family, mandate_id)
    return _out(call, mandates.withdraw_proposal(call.work, mandate))


@routes.post(
    "/families/{familyId}/mandates/{mandateId}/_transfer",
    Permission.MANDATE_TRANSFER,
    status=201,
    location="/families/{familyId}/mandates/{id}",
)
def transfer_mandate(call: FamilyCall, mandate_id: MandateId, body: MandateTransfer) -> MandateOut:
    """Propose a successor. The present mandate runs on until the successor accepts."""
    mandate = mandates.get(call.work, call.family, mandate_id)
    may_widen = call.access.has(Relation.REGISTRAR)
    proposed = mandates.transfer(
        call.work,
        call.family,
        mandate,
        body.professional_id,
        body.powers,
        body.legal_basis,
        body.ends_on,
        may_widen=may_widen,
    )
    return _out(call, proposed)


@routes.post("/families/{familyId}/mandates/{mandateId}/_end", Permission.MANDATE_END)
def end_mandate(call: FamilyCall, mandate_id: MandateId, body: MandateEnding) -> MandateOut:
    """End the active mandate, now. The registrar is told that the family has no lead coordinator."""
    mandate = mandates.get(call.work, call.family, mandate_id)
    if not any(body.reason in reasons for relation, reasons in ENDED_BY.items() if call.access.has(relation)):
        raise Forbidden(
            "A lead coordinator lays down or completes; a registrar withdraws or completes.", code="reason_reserved"
        )
    return _out(call, mandates.end(call.work, call.family, mandate, body.reason))


@routes.get("/families/{familyId}/mandates/{mandateId}/deputies", Permission.FAMILY_READ)
def list_deputies(call: FamilyCall, mandate_id: MandateId) -> Page[DeputyOut]:
    """List who stands in for the lead coordinator, now and later."""
    mandate = _shown(call, mandate_id)
    return Page(items=[DeputyOut.of(deputy) for deputy in mandates.deputies_of(call.work, mandate)])


@routes.post(
    "/families/{familyId}/mandates/{mandateId}/deputies",
    Permission.DEPUTY_NAME,
    status=201,
    location="/families/{familyId}/mandates/{mandateId}/deputies/{id}",
)
def name_deputy(call: FamilyCall, mandate_id: MandateId, body: DeputyNaming) -> DeputyOut:
    """Name who stands in for the lead coordinator for a period; the deputy has the powers of the mandate."""
    mandate = mandates.get(call.work, call.family, mandate_id)
    return DeputyOut.of(mandates.name_deputy(call.work, call.family, mandate, **body.complete()))


@routes.get("/families/{familyId}/mandates/{mandateId}/deputies/{deputyId}", Permission.FAMILY_READ)
def get_deputy(call: FamilyCall, mandate_id: MandateId, deputy_id: DeputyId) -> DeputyOut:
    """Get who stands in for the lead coordinator in a period, now or later."""
    return DeputyOut.of(mandates.get_deputy(call.work, _shown(call, mandate_id), deputy_id))


@routes.delete("/families/{familyId}/mandates/{mandateId}/deputies/{deputyId}", Permission.DEPUTY_NAME)
def end_deputy(call: FamilyCall, mandate_id: MandateId, deputy_id: DeputyId) -> None:
    """End a deputy's period, or take it back if it has not begun."""
    mandates.end_deputy(call.work, mandates.get(call.work, call.family, mandate_id), deputy_id)
