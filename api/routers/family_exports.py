"""Exports of all that Spil holds about a family, for its members and for the municipality that is responsible."""

import json
from typing import Any

from pydantic import Field

from api.auth.calls import FamilyCall
from api.auth.guards import Routes
from api.auth.policy import Permission
from api.auth.representations import Lines
from api.auth.requests import NDJSON, prefers
from api.domain import families
from api.paging import Page
from api.routers import consents, contact_points, involvements, mandates, measures, members, timeline
from api.routers.consents import ConsentOut
from api.routers.families import FamilyOut, get_family
from api.routers.involvements import InvolvementOut
from api.routers.mandates import DeputyOut, MandateOut
from api.routers.measures import MeasureOut
from api.routers.members import MemberOut
from api.routers.parameters import Language
from api.routers.timeline import Timeline, TimelineItem
from api.routers.who_is_involved import HelpDomainContact
from api.shapes import Moment, Out

routes = Routes("Families")

AT_ONCE = 200


class FamilyExport(Out):
    """All that Spil holds about a family, as far as you may see it; each part as its own operation shows it."""

    as_of: Moment
    family: FamilyOut
    members: list[MemberOut]
    involvements: list[InvolvementOut]
    mandates: list[MandateOut]
    deputies: list[DeputyOut] = Field(description="Who stands in for the lead coordinator, now and later.")
    contact_points: list[HelpDomainContact]
    consents: list[ConsentOut]
    measures: list[MeasureOut]
    timeline: list[TimelineItem] = Field(description="The latest first.")


KINDS = {
    "family": "family",
    "members": "member",
    "involvements": "involvement",
    "mandates": "mandate",
    "deputies": "deputy",
    "contactPoints": "contact_point",
    "consents": "consent",
    "measures": "measure",
    "timeline": "event",
}
"""What each part of a family is called on a line of its own."""


@routes.get("/families/{familyId}/export", Permission.FAMILY_EXPORT, shape=FamilyExport, offers=frozenset({NDJSON}))
def export_family(call: FamilyCall, language: Language) -> FamilyExport | Lines:
    """Export all that Spil holds about a family and you may see: for its members, and for the responsible municipality.

    Each part is what its own operation shows you: a member doesn't get a birth date, consent, measure or involvement
    that they can't read there either, nor what is shielded. A municipality that took a family over exports it like
    any of its own. As lines (`Accept: application/x-ndjson`) each object has its `kind`. There is no BSN in it: the
    registrar reads that of a person at `GET /v1/persons/{personId}`. All of it is of one instant, `asOf`.
    """
    families.hold(call.work, call.family)
    export = _export(call, language)
    return _as_lines(export) if prefers(call.request, NDJSON) else export


def _export(call: FamilyCall, language: str) -> FamilyExport:
    led = mandates.list_mandates(call).items
    points = call.read(contact_points.list_contact_points(language))
    return FamilyExport(
        as_of=call.work.at,
        family=get_family(call),
        members=list(members.list_members(call).items),
        involvements=list(involvements.list_involvements(call).items),
        mandates=list(led),
        deputies=[deputy for mandate in led for deputy in mandates.list_deputies(call, mandate.id).items],
        contact_points=list(Page[HelpDomainContact].model_validate_json(points).items),
        consents=list(consents.list_consents(call).items),
        measures=list(measures.list_measures(call).items),
        timeline=_timeline(call),
    )


def _timeline(call: FamilyCall) -> list[TimelineItem]:
    """All of its pages."""
    items: list[TimelineItem] = []
    cursor: str | None = None
    while True:
        page = Timeline.model_validate_json(call.read(timeline.get_timeline(cursor, AT_ONCE)))
        items += page.items
        if page.next_cursor is None:
            return items
        cursor = page.next_cursor


def _as_lines(export: FamilyExport) -> Lines:
    found: dict[str, Any] = export.model_dump(mode="json", by_alias=True)
    lines = [{"kind": "export", "asOf": found["asOf"]}]
    for part, kind in KINDS.items():
        rows = found[part] if isinstance(found[part], list) else [found[part]]
        lines += [{"kind": kind, **row} for row in rows]
    return Lines("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode())
