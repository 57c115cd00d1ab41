"""Consents: what the members of a family say of sharing. Agencies never see any of it."""

from uuid import UUID

from pydantic import Field

from api.auth.calls import FamilyCall
from api.auth.guards import Routes
from api.auth.policy import Permission
from api.domain import consents, members
from api.domain.codes import ConsentDecision, ConsentState
from api.domain.errors import Invalid, NotFound
from api.domain.models import Consent
from api.paging import Page
from api.routers.parameters import ConsentId
from api.shapes import Body, Day, HelpDomainCode, Id, Moment, Out

routes = Routes("Legal bases")


class ConsentRecording(Body):
    """What a member says of sharing: with one agency or all, for one help domain or all.

    For a child under twelve a parent with authority says it. From twelve to sixteen both the child and a parent have
    to consent, and either can object. From sixteen it is the young person's own.
    """

    member_id: Id = Field(description="Whose consent it is.")
    decision: ConsentDecision
    agency_id: Id | None = Field(default=None, description="Without it: all agencies.")
    help_domain: HelpDomainCode | None = Field(default=None, description="Without it: all help domains.")
    to_member_id: Id | None = Field(
        default=None,
        description="From sixteen: which member may look at what is about this one. Without agency and help domain.",
    )
    given_by_member_id: Id | None = Field(
        default=None,
        description="Who says it. Without it: you yourself if you are of the family, otherwise the member.",
    )
    ends_on: Day | None = Field(default=None, description="The last day. A consent always has one.")


class ConsentOut(Out):
    """A consent or an objection. `endsAt`: when it ended, or will by itself, if it isn't withdrawn before."""

    id: UUID
    family_id: UUID
    person_id: UUID
    decision: ConsentDecision
    state: ConsentState
    agency_id: UUID | None
    help_domain: HelpDomainCode | None
    to_person_id: UUID | None
    given_by_id: UUID
    started_at: Moment
    ends_at: Moment | None
    withdrawn_at: Moment | None


def _out(call: FamilyCall, consent: Consent) -> ConsentOut:
    return ConsentOut.of(consent, state=consent.state_at(call.work.at))


def _shown(call: FamilyCall) -> list[Consent]:
    """All for the lead coordinator and the registrar; for a member what is theirs, or of whom they decide for."""
    found = consents.of_family(call.work, call.family)
    if call.access.sees("consents"):
        return list(found)
    house, person_id = consents.household(call.work, call.family), call.work.actor.person_id
    return [one for one in found if consents.may_see(house, one, person_id, call.work.at)]


def _one(call: FamilyCall, consent_id: UUID) -> Consent:
    for consent in _shown(call):
        if consent.id == consent_id:
            return consent
    raise NotFound("This family has no such consent.")


def _person_of(call: FamilyCall, member_id: UUID, field: str) -> UUID:
    try:
        return members.get(call.work, call.family, member_id).person_id
    except NotFound:
        raise Invalid(consents.NOT_THEIRS, field=field, code="not_theirs_to_decide") from None


def _giver(call: FamilyCall, body: ConsentRecording) -> UUID:
    """Of the family, everybody speaks for themselves; the lead coordinator and the registrar say who said it."""
    me = call.work.actor.person_id
    named = _person_of(call, body.given_by_member_id or body.member_id, "givenByMemberId")
    if me is None:
        return named
    if body.given_by_member_id and named != me:
        raise Invalid("You record what you say yourself. Leave this out.", field="givenByMemberId")
    return me


@routes.get("/families/{familyId}/consents", Permission.CONSENT_READ)
def list_consents(call: FamilyCall) -> Page[ConsentOut]:
    """List the consents and objections that you may see, ended ones too, the oldest first."""
    return Page(items=[_out(call, one) for one in _shown(call)])


@routes.post(
    "/families/{familyId}/consents",
    Permission.CONSENT_RECORD,
    status=201,
    location="/families/{familyId}/consents/{id}",
)
def record_consent(call: FamilyCall, body: ConsentRecording) -> ConsentOut:
    """Record a consent or an objection. The more specific goes before the other, and of equals the objection.

    What rests on consent and no longer has it ends at once: an involvement, or the help domains of it concerned.
    """
    recorded = consents.record(
        call.work,
        call.family,
        _person_of(call, body.member_id, "memberId"),
        body.decision,
        given_by_id=_giver(call, body),
        agency_id=body.agency_id,
        help_domain=body.help_domain,
        to_person_id=_person_of(call, body.to_member_id, "toMemberId") if body.to_member_id else None,
        ends_on=body.ends_on,
    )
    return _out(call, recorded)


@routes.get("/families/{familyId}/consents/{consentId}", Permission.CONSENT_READ)
def get_consent(call: FamilyCall, consent_id: ConsentId) -> ConsentOut:
    """Get a consent or an objection that you may see."""
    return _out(call, _one(call, consent_id))


@routes.post("/families/{familyId}/consents/{consentId}/_withdraw", Permission.CONSENT_RECORD)
def withdraw_consent(call: FamilyCall, consent_id: ConsentId) -> ConsentOut:
    """Withdraw a consent or an objection, now. An objection is withdrawn by who made it."""
    consent = _one(call, consent_id)
    return _out(call, consents.withdraw(call.work, call.family, consent, call.work.actor.person_id))
