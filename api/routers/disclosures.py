"""Disclosures: who saw or changed what, when, by which relation and on which legal basis. For the privacy officer."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from api.auth.calls import Call
from api.auth.guards import Routes
from api.auth.policy import Permission
from api.domain import disclosures
from api.paging import Cursor, Limit, Page, decode, page
from api.shapes import Id, Moment, Out

routes = Routes("Disclosures")


class Disclosure(Out):
    """One record. `decision`: `shown`, `changed` or `refused`. `action`: the permission used, or the event told."""

    at: Moment
    action: str
    decision: str
    family_id: UUID | None
    shown_person_id: UUID | None
    role: str
    subject: str
    agency_id: UUID | None
    professional_id: UUID | None
    person_id: UUID | None
    relation: str | None
    legal_basis: str | None
    trace_id: str | None


@routes.get("/disclosures", Permission.DISCLOSURE_READ)
def list_disclosures(
    call: Call,
    family_id: Annotated[Id | None, Query(alias="familyId")] = None,
    professional_id: Annotated[Id | None, Query(alias="professionalId")] = None,
    agency_id: Annotated[Id | None, Query(alias="agencyId")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[Disclosure]:
    """List who was shown or changed what of the families of your municipality, the latest first."""
    before = decode(cursor, int)
    found = disclosures.search(
        call.work,
        family_id=family_id,
        professional_id=professional_id,
        agency_id=agency_id,
        before=before[0] if before else None,
        limit=limit,
    )
    return page(found, limit, Disclosure, lambda record: (record.id,))
