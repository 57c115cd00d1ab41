"""Involvements: an agency starts, changes, confirms and ends its own; it is invited, and accepts or declines."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from pydantic import MISSING, Field

from api.auth.calls import FamilyCall
from api.auth.guards import Routes
from api.auth.policy import Permission
from api.domain import involvements, members
from api.domain.codes import (
    ContactFrequency,
    DisclosureStage,
    InvitationDecline,
    InvolvementEnd,
    InvolvementState,
    LegalBasis,
)
from api.domain.errors import Forbidden, NotFound
from api.domain.models import Involvement
from api.paging import Page
from api.routers.parameters import InvolvementId
from api.shapes import Body, Day, HelpDomainCode, Id, LegalGroundCode, Moment, Out, YesNo

routes = Routes("Involvements")

HelpDomains = Annotated[list[HelpDomainCode], Field(min_length=1, max_length=30)]
BASIS_ENDS = "The last day on which the legal basis holds; consent always has one. The involvement ends with it."
GROUND = "The article that gives the legal basis, of `GET /v1/legal-grounds`. A statutory task always names one."
MEASURE = "The running measure it rests on, if the legal basis is a measure. The involvement ends with it."


class Terms(Body):
    """On what terms an agency is involved."""

    legal_basis: LegalBasis
    legal_basis_ends_on: Day | None = Field(default=None, description=BASIS_ENDS)
    legal_ground: LegalGroundCode | None = Field(default=None, description=GROUND)
    measure_id: Id | None = Field(default=None, description=MEASURE)
    member_id: Id | None = Field(default=None, description="Whom it is about. Without it: the family as a whole.")
    professional_id: Id | None = Field(default=None, description="Who does it; a professional of the agency.")
    contact_frequency: ContactFrequency | None = None
    shielded: YesNo = Field(
        default=False, description="Seen by the agency itself, the lead coordinator and the registrar only."
    )


class InvolvementStart(Terms):
    """An agency's own involvement. A family is always told that an agency is involved, never why."""

    help_domains: HelpDomains
    started_on: Day | None = Field(default=None, description="A day in the past. Without it: now.")


class InvitationAcceptance(Terms):
    """The answer to an invitation. `helpDomains`: only if they differ from those asked for."""

    help_domains: HelpDomains | None = None


class InvolvementChange(Body):
    """What changes of an involvement. A changed basis and its last day go together."""

    help_domains: HelpDomains | MISSING = MISSING
    professional_id: Id | None | MISSING = MISSING
    contact_frequency: ContactFrequency | None | MISSING = MISSING
    legal_basis: LegalBasis | MISSING = MISSING
    legal_basis_ends_on: Day | None | MISSING = Field(default=MISSING, description=BASIS_ENDS)
    legal_ground: LegalGroundCode | None | MISSING = Field(default=MISSING, description=GROUND)
    measure_id: Id | None | MISSING = Field(default=MISSING, description=MEASURE)
    member_id: Id | None | MISSING = Field(default=MISSING, description="Whom it is about. Null: the whole family.")
    shielded: YesNo | MISSING = MISSING


class InvolvementInvitation(Body):
    """Which agency is asked to become involved, and with what."""

    agency_id: Id
    help_domains: HelpDomains
    professional_id: Id | None = Field(default=None, description="Whom of the agency is asked.")


class InvitationDeclining(Body):
    """Why the agency declines."""

    reason: InvitationDecline


class InvolvementEnding(Body):
    """How the involvement came to its end."""

    reason: InvolvementEnd


class InvolvementDisclosing(Body):
    """The stage of disclosure: each holds what comes before it."""

    stage: DisclosureStage


class InvolvementOut(Out):
    """That an agency is involved with a family, or is asked to be. `endsAt`: when it ended, or will by itself.

    `legalGround`, `measureId` and `personId` (whom it is about) are null for who isn't of the agency, the lead
    coordinator or the registrar; a member sees whom it is about.
    """

    id: UUID
    family_id: UUID
    agency_id: UUID
    professional_id: UUID | None
    help_domains: list[str]
    state: InvolvementState
    shielded: bool
    contact_frequency: ContactFrequency | None
    legal_basis: LegalBasis | None
    legal_ground: LegalGroundCode | None
    measure_id: UUID | None
    person_id: UUID | None
    disclosure_stage: DisclosureStage
    invited_at: Moment | None
    answered_at: Moment | None
    decline_reason: InvitationDecline | None
    started_at: Moment | None
    confirmation_due_on: date | None
    ends_at: Moment | None
    end_reason: InvolvementEnd | None


def _out(call: FamilyCall, involvement: Involvement) -> InvolvementOut:
    known: dict[str, Any] = {"state": involvement.state_at(call.work.at)}
    if not (call.access.sees("shielded") or involvement.agency_id == call.work.actor.agency_id):
        about = involvement.person_id if call.work.actor.person_id else None
        known |= {"legal_ground": None, "measure_id": None, "person_id": about}
    return InvolvementOut.of(involvement, **known)


def _is_shown(call: FamilyCall, involvement: Involvement) -> bool:
    """Shielded involvements and open or failed invitations are for the agency itself, the lead and the registrar.

    An agency that is only invited sees its own invitation. A member sees what is about another one only if they may
    look at that. One involvement being shielded hides no other one: if it
    did, the absence of what is seen elsewhere would give it away.
    """
    if call.access.sees("shielded") or involvement.agency_id == call.work.actor.agency_id:
        return True
    of_the_team = call.access.by(Permission.FAMILY_READ) is not None
    open_to_all = of_the_team and involvement.started_at is not None and not involvement.shielded
    return open_to_all and members.may_look(call.work, call.family, involvement.person_id)


def _must_be_given_by_an_agency(reason: InvolvementEnd) -> None:
    if reason in {InvolvementEnd.LEGAL_BASIS_ENDED, InvolvementEnd.FAMILY_CLOSED, InvolvementEnd.MERGE_UNDONE}:
        raise Forbidden("Spil itself gives this reason. Choose another one.", code="reason_reserved")


@routes.get("/families/{familyId}/involvements", Permission.INVOLVEMENT_READ)
def list_involvements(
    call: FamilyCall, state: Annotated[InvolvementState | None, Query(description="Only those in this state.")] = None
) -> Page[InvolvementOut]:
    """List the involvements with a family that you may see, ended ones too, the oldest first."""
    shown = [_out(call, one) for one in involvements.of_family(call.work, call.family) if _is_shown(call, one)]
    return Page(items=[one for one in shown if state in (None, one.state)])


@routes.post(
    "/families/{familyId}/involvements",
    Permission.INVOLVEMENT_MAINTAIN,
    status=201,
    location="/families/{familyId}/involvements/{id}",
)
def start_involvement(call: FamilyCall, body: InvolvementStart) -> InvolvementOut:
    """Start another involvement of your agency. An agency that is not involved yet is invited first."""
    given = body.complete()
    domains, started_on = given.pop("help_domains"), given.pop("started_on")
    agency_id = call.own_agency()
    terms = involvements.Terms(**given)
    return _out(call, involvements.start(call.work, call.family, agency_id, domains, terms, started_on))


@routes.post(
    "/families/{familyId}/involvements/_invite",
    Permission.INVOLVEMENT_INVITE,
    status=201,
    location="/families/{familyId}/involvements/{id}",
)
def invite_agency(call: FamilyCall, body: InvolvementInvitation) -> InvolvementOut:
    """Invite an agency to become involved. A lead coordinator needs the power `invite_agencies`."""
    invited = involvements.invite(
        call.work,
        call.family,
        body.agency_id,
        body.help_domains,
        body.professional_id,
        knows_others=call.access.sees("shielded"),
    )
    return _out(call, invited)


@routes.get("/families/{familyId}/involvements/{involvementId}", Permission.INVOLVEMENT_READ)
def get_involvement(call: FamilyCall, involvement_id: InvolvementId) -> InvolvementOut:
    """Get an involvement that you may see."""
    involvement = involvements.get(call.work, call.family, involvement_id)
    if not _is_shown(call, involvement):
        raise NotFound("This family has no such involvement.")
    return _out(call, involvement)


@routes.patch("/families/{familyId}/involvements/{involvementId}", Permission.INVOLVEMENT_MAINTAIN)
def change_involvement(call: FamilyCall, involvement_id: InvolvementId, body: InvolvementChange) -> InvolvementOut:
    """Change an involvement of your agency: what the body leaves out stays as it is."""
    involvement = involvements.of_agency(call.work, call.family, involvement_id)
    return _out(call, involvements.change(call.work, call.family, involvement, **body.given()))


@routes.post("/families/{familyId}/involvements/{involvementId}/_accept", Permission.INVOLVEMENT_ANSWER)
def accept_invitation(call: FamilyCall, involvement_id: InvolvementId, body: InvitationAcceptance) -> InvolvementOut:
    """Accept an invitation of your agency. The involvement starts now."""
    involvement = involvements.of_agency(call.work, call.family, involvement_id)
    given = body.complete()
    domains = given.pop("help_domains")
    terms = involvements.Terms(**given)
    return _out(call, involvements.accept(call.work, call.family, involvement, terms, domains))


@routes.post("/families/{familyId}/involvements/{involvementId}/_decline", Permission.INVOLVEMENT_ANSWER)
def decline_invitation(call: FamilyCall, involvement_id: InvolvementId, body: InvitationDeclining) -> InvolvementOut:
    """Decline an invitation of your agency, with a reason."""
    involvement = involvements.of_agency(call.work, call.family, involvement_id)
    return _out(call, involvements.decline(call.work, involvement, body.reason))


@routes.post("/families/{familyId}/involvements/{involvementId}/_withdraw", Permission.INVOLVEMENT_INVITE)
def withdraw_invitation(call: FamilyCall, involvement_id: InvolvementId) -> InvolvementOut:
    """Withdraw an invitation that is not answered yet."""
    involvement = involvements.get(call.work, call.family, involvement_id)
    if involvement.answer is not None and not _is_shown(call, involvement):
        raise NotFound("This family has no such involvement.")
    return _out(call, involvements.withdraw_invitation(call.work, involvement))


@routes.post("/families/{familyId}/involvements/{involvementId}/_disclose", Permission.INVOLVEMENT_DISCLOSE)
def disclose_to_agency(call: FamilyCall, involvement_id: InvolvementId, body: InvolvementDisclosing) -> InvolvementOut:
    """Decide how much this agency is shown of the others: an agency that only signals starts at the first stage."""
    involvement = involvements.get(call.work, call.family, involvement_id)
    return _out(call, involvements.disclose(call.work, involvement, body.stage))


@routes.post("/families/{familyId}/involvements/{involvementId}/_confirm", Permission.INVOLVEMENT_MAINTAIN)
def confirm_involvement(call: FamilyCall, involvement_id: InvolvementId) -> InvolvementOut:
    """Confirm that your agency still is involved."""
    involvement = involvements.of_agency(call.work, call.family, involvement_id)
    return _out(call, involvements.confirm(call.work, involvement))


@routes.post("/families/{familyId}/involvements/{involvementId}/_end", Permission.INVOLVEMENT_MAINTAIN)
def end_involvement(call: FamilyCall, involvement_id: InvolvementId, body: InvolvementEnding) -> InvolvementOut:
    """End an involvement of your agency, now. Roles that rested on it end with it, and the gaps are told."""
    _must_be_given_by_an_agency(body.reason)
    involvement = involvements.of_agency(call.work, call.family, involvement_id)
    return _out(call, involvements.end(call.work, call.family, involvement, body.reason))
