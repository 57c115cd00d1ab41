"""Contact points: whom to call about which help domain."""

from api.auth.calls import FamilyCall
from api.auth.guards import Routes
from api.auth.policy import Permission
from api.auth.representations import Rendered
from api.domain import contact_points, who_is_involved
from api.domain.documents import Document
from api.paging import Page
from api.routers.parameters import HelpDomainInPath, Language, On
from api.routers.who_is_involved import HelpDomainContact
from api.shapes import Body, Id

routes = Routes("Contact points")


class ContactPointAssignment(Body):
    """Who becomes the contact point: a professional of an agency that is openly involved with the help domain."""

    professional_id: Id


@routes.get("/families/{familyId}/contact-points", Permission.CONTACT_POINT_READ, shape=Page[HelpDomainContact])
def list_contact_points(language: Language, on: On = None) -> Document:
    """List whom to call for what: every help domain in which somebody is involved, or that has a gap."""
    return who_is_involved.whom_to_call_for_what(on, language)


@routes.get("/families/{familyId}/contact-points/{helpDomain}", Permission.CONTACT_POINT_READ, shape=HelpDomainContact)
def whom_to_call(help_domain: HelpDomainInPath, language: Language, on: On = None) -> Document:
    """Whom to call about a help domain, and why it is this one: always exactly one answer."""
    return who_is_involved.whom_to_call(help_domain, on, language)


def _is_assigned(call: FamilyCall, help_domain: str) -> bool:
    return contact_points.current(call.work, call.family, help_domain) is not None


@routes.put(
    "/families/{familyId}/contact-points/{helpDomain}",
    Permission.CONTACT_POINT_ASSIGN,
    shape=HelpDomainContact,
    unless_there=_is_assigned,
)
def assign_contact_point(
    call: FamilyCall, help_domain: HelpDomainInPath, language: Language, body: ContactPointAssignment
) -> Rendered:
    """Assign the contact point. Where there is one already, send `If-Match` with its ETag; it ends at that instant."""
    contact_points.assign(call.work, call.family, help_domain, body.professional_id)
    return call.read(who_is_involved.whom_to_call(help_domain, None, language))


@routes.delete("/families/{familyId}/contact-points/{helpDomain}", Permission.CONTACT_POINT_ASSIGN)
def release_contact_point(call: FamilyCall, help_domain: HelpDomainInPath) -> None:
    """End the contact point without a successor; or, where a gap was left, say that it needs no filling."""
    contact_points.release(call.work, call.family, help_domain, knows_shielded=call.access.sees("shielded"))
