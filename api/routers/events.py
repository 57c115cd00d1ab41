"""Events: what changed, for whom it concerns, to catch up with at any time."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request
from pydantic import Field

from api.auth.guards import Routes
from api.auth.policy import Permission
from api.domain import events
from api.domain.codes import EventType
from api.domain.documents import Document, Following
from api.domain.errors import Invalid
from api.domain.event_catalogue import matching
from api.paging import Cursor, Limit, decode
from api.shapes import Id, Moment, Out

routes = Routes("Events")

Types = Annotated[
    str | None,
    Query(
        alias="type",
        max_length=1000,
        description="Only these: types as in the catalogue, such as `mandate.granted`, or `involvement.*`; "
        "more than one with commas between them.",
        examples=["contact_point.*,mandate.granted"],
    ),
]
FamilyId = Annotated[Id | None, Query(alias="familyId", description="Only what is about this family.")]


class EventData(Out):
    """What happened, and where to read what has become of it: with your own rights, which decide what you see."""

    event: EventType
    family_id: UUID | None = Field(description="Null where no family is concerned.")
    link: str = Field(description="A path of this API.", examples=["/v1/families/{familyId}/contact-points"])


class CloudEvent(Out):
    """An event in the form of CloudEvents 1.0, after the Dutch government's profile. No attribute is about a person.

    `id` with `source` names the event: who has seen it has seen it. `sequence` grows in the order of publication.
    """

    specversion: str = Field(pattern="^1[.]0$")
    id: UUID
    source: str = Field(examples=["urn:nld:oin:00000000000000000000:systeem:spil"])
    type: str = Field(examples=["nl.spil.contact-points.assigned"])
    time: Moment = Field(description="When it happened.")
    sequence: str = Field(pattern="^[0-9]{20}$")
    datacontenttype: str = Field(examples=["application/json"])
    data: EventData


class EventPage(Out):
    """Some events, in the order of publication."""

    items: list[CloudEvent]
    next_cursor: str = Field(description="Keep it: give it as `cursor` for what comes after these, now or later.")


def _types(given: str | None) -> list[EventType] | None:
    """The types that were named; `Invalid` if one names nothing."""
    if not given:
        return None
    found = [matching(pattern.strip()) for pattern in given.split(",")]
    if not all(found):
        raise Invalid("There is no such type of event. The catalogue lists them.", field="type")
    return [kind for kinds in found for kind in kinds]


def _place(cursor: str | None) -> int | None:
    after = decode(cursor, int)
    return after[0] if after else None


@routes.get("/events", Permission.EVENT_READ, shape=EventPage)
def list_events(
    request: Request, type_: Types = None, about_family: FamilyId = None, cursor: Cursor = None, limit: Limit = 50
) -> Document:
    """What happened that concerns you, in the order of publication, as far as you may know of it now.

    Without a cursor: from the first event there is. Keep `nextCursor` and come back with it as often as you like, after
    a second or after a week: nothing is skipped. A `Link` with rel="next" says that there is more now. Nothing is told
    of a family to which you have no relation any more.
    """
    source = request.app.state.settings.event_source
    return events.published(_place(cursor) or 0, limit, source=source, types=_types(type_), family_id=about_family)


@routes.get("/events/_stream", Permission.EVENT_READ)
def stream_events(
    request: Request, type_: Types = None, about_family: FamilyId = None, cursor: Cursor = None
) -> Following:
    """The same as they come, as server-sent events: `data` is the CloudEvent, `id` is the cursor to go on from.

    Without a cursor: from now on. After a break, go on with the last `id` as `Last-Event-ID` or `cursor`. A stream
    lasts a quarter of an hour, or until your token ends; come back for more.
    """
    source, types = request.app.state.settings.event_source, _types(type_)

    def after(place: int) -> Document:
        return events.published(place, 100, source=source, types=types, family_id=about_family)

    return Following(_place(request.headers.get("last-event-id") or cursor), after)
