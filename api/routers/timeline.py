"""The timeline of a family: what changed, when, and by which agency."""

from datetime import datetime
from uuid import UUID

from pydantic import Field

from api.auth.guards import Routes
from api.auth.policy import Permission
from api.domain import timeline
from api.domain.codes import AgencyKind, EventType
from api.domain.documents import Document
from api.paging import Cursor, Limit, decode
from api.shapes import HelpDomainCode, Moment, Out

routes = Routes("Who is involved")


class TimelineActor(Out):
    """Who brought it about: the role, and the agency or municipality. Role `clock`: it came to pass by itself."""

    role: str
    agency_id: UUID | None
    name: str | None


class TimelineAgency(Out):
    """The agency that an event is about."""

    id: UUID
    name: str
    kind: AgencyKind


class TimelineProfessional(Out):
    """The professional that an event is about."""

    id: UUID
    name: str


class TimelineItem(Out):
    """Something that happened. `about`: the id of what it happened to. `reason`: a code."""

    id: UUID
    type: EventType
    at: Moment
    by: TimelineActor
    about: str
    agency: TimelineAgency | None
    professional: TimelineProfessional | None
    help_domain: HelpDomainCode | None
    reason: str | None


class Timeline(Out):
    """A page of a family's timeline, the latest first."""

    items: list[TimelineItem]
    next_cursor: str | None = Field(description="Give it as `cursor` for what came before.")


def _number(number: int) -> int:
    """How many events of one instant were seen."""
    if not 0 <= int(number) < 2**31:
        raise ValueError
    return int(number)


@routes.get("/families/{familyId}/timeline", Permission.TIMELINE_READ, shape=Timeline)
def get_timeline(cursor: Cursor = None, limit: Limit = 50) -> Document:
    """What changed around a family, when, and by which agency; the latest first."""
    before = decode(cursor, datetime.fromisoformat, _number)
    return timeline.timeline((before[0], before[1]) if before else None, limit)
