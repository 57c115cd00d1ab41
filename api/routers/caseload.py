"""The caseload: the families you are related to, and what needs your attention."""

from datetime import date
from enum import StrEnum
from uuid import UUID

from api.auth.guards import Routes
from api.auth.policy import Permission, Relation
from api.domain import caseload
from api.domain.codes import Framework
from api.domain.documents import Document
from api.paging import Cursor, Limit, decode
from api.routers.who_is_involved import FamilyState
from api.shapes import HelpDomainCode, Out

routes = Routes("Who is involved")


class AttentionKind(StrEnum):
    """What can need attention."""

    GAP = "gap"
    NO_LEAD_COORDINATOR = "no_lead_coordinator"
    MANDATE_EXPIRING = "mandate_expiring"
    MANDATE_PROPOSED = "mandate_proposed"
    BASIS_ENDED = "basis_ended"
    """In the last fourteen days: an agency's involvement ended with its legal basis, and it has no other one."""
    INVITATION_OPEN = "invitation_open"
    CONFIRMATION_DUE = "confirmation_due"
    EMERGENCY_ACCESS = "emergency_access"


class Attention(Out):
    """Something to do. `about`: the id of the mandate, involvement or emergency access it concerns."""

    kind: AttentionKind
    help_domain: HelpDomainCode | None
    due_on: date | None
    about: UUID | None


class CaseloadFamily(Out):
    """A family on your caseload. `name` and `framework` are null as long as you are not shown who else is involved."""

    id: UUID
    name: str | None
    framework: Framework | None
    state: FamilyState


class CaseloadItem(Out):
    """A family you are related to, how, and what needs your attention."""

    family: CaseloadFamily
    relations: list[Relation]
    attention: list[Attention]


class Caseload(Out):
    """A page of your caseload."""

    items: list[CaseloadItem]
    next_cursor: str | None


@routes.get("/caseload", Permission.CASELOAD_READ, shape=Caseload)
def get_caseload(cursor: Cursor = None, limit: Limit = 50) -> Document:
    """The families you are related to, and what about them needs your attention."""
    after = decode(cursor, UUID)
    return caseload.caseload(after[0] if after else None, limit)
