"""Disclosures: who saw or changed what, when, by which relation and on which legal basis. For the privacy officer."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query
from pydantic import Field

from api.auth.calls import Call
from api.auth.guards import Routes
from api.auth.policy import Permission
from api.domain import disclosures, record_forms
from api.domain.actor import Role
from api.domain.codes import DisclosureDecision
from api.domain.disclosures import Asked
from api.domain.models import AuditRecord
from api.paging import Cursor, Limit, Page, decode, encode, page
from api.routers.persons import Bsn
from api.shapes import Body, Day, Id, Moment, Out

routes = Routes("Disclosures")

PURPOSE = Field(max_length=60, pattern="^[a-z_]+$", examples=["coordination_of_help"])


class Disclosure(Out):
    """One record. `decision`: `shown`, `changed` or `refused`. `action`: the permission used, or the event told.

    `shownPersonId`: whom it is about. `via`: the client that acted for them. `fields`: the class of what was shown.
    """

    at: Moment
    action: str
    decision: str
    family_id: UUID | None
    shown_person_id: UUID | None
    role: str
    subject: str
    issuer: str | None
    via: str | None
    agency_id: UUID | None
    professional_id: UUID | None
    person_id: UUID | None
    relation: str | None
    legal_basis: str | None
    purpose: str | None
    activity: str | None
    fields: str | None
    trace_id: str | None


class DisclosureSearch(Body):
    """Whose data the disclosures are of, and what else must hold. The days include the last."""

    bsn: Bsn
    decision: DisclosureDecision | None = None
    role: Role | None = None
    purpose: Annotated[str, PURPOSE] | None = None
    from_day: Day | None = Field(default=None, alias="since")
    until_day: Day | None = Field(default=None, alias="until")


class LoggedAttribute(Out):
    """An attribute of a log entry, by the name that the standard gives it."""

    key: str
    value: str


class LoggedResource(Out):
    """What wrote the entry."""

    attributes: list[LoggedAttribute]


class ProcessingLogEntry(Out):
    """An entry of Logboek Dataverwerkingen: about one data subject at most, under a pseudonym, and of no user."""

    trace_id: str
    span_id: str
    status_code: str
    name: str
    start_time: Moment
    end_time: Moment
    resource: LoggedResource
    attributes: list[LoggedAttribute]


class AccessLogUser(Out):
    """Who asked (`userIsRequestor`), the organisation they did it for, or the system that acted for them."""

    user_id: str
    alternate_user_id: str | None
    user_is_requestor: bool
    role_id_code: str
    purpose_of_use: str | None


class AccessLogParticipant(Out):
    """Whom it is about, under the same pseudonym as in the processing log."""

    participant_object_type_code: str
    participant_object_type_code_role: str
    participant_object_id_type_code: str
    participant_object_id: str
    participant_object_detail: str | None


class AccessLogEntry(Out):
    """An entry with the fields of NEN 7513; `eventAt` is its event date and time.

    `eventOutcomeIndicator`: `0` done, `8` refused.
    """

    event_id: str
    event_type_code: str
    event_action_code: str
    event_at: Moment
    event_outcome_indicator: str
    trace_id: str
    users: list[AccessLogUser]
    participants: list[AccessLogParticipant]
    authorisation_protocol: str | None
    consent_profile: str | None
    audit_source_id: str
    audit_enterprise_site_id: str | None


async def _asked(
    family_id: Annotated[Id | None, Query(alias="familyId")] = None,
    shown_person_id: Annotated[Id | None, Query(alias="personId", description="Whose data was shown.")] = None,
    professional_id: Annotated[Id | None, Query(alias="professionalId")] = None,
    agency_id: Annotated[Id | None, Query(alias="agencyId")] = None,
    decision: Annotated[DisclosureDecision | None, Query()] = None,
    role: Annotated[Role | None, Query()] = None,
    purpose: Annotated[str | None, Query(max_length=60, pattern="^[a-z_]+$")] = None,
    from_day: Annotated[Day | None, Query(alias="since", description="The first day.")] = None,
    until_day: Annotated[Day | None, Query(alias="until", description="The last day.")] = None,
) -> Asked:
    return Asked(family_id, shown_person_id, professional_id, agency_id, decision, role, purpose, from_day, until_day)


Wanted = Annotated[Asked, Depends(_asked)]


@routes.get("/disclosures", Permission.DISCLOSURE_READ)
def list_disclosures(call: Call, asked: Wanted, cursor: Cursor = None, limit: Limit = 50) -> Page[Disclosure]:
    """List who was shown or changed what of the families of your municipality, the latest first.

    Looking is recorded as well.
    """
    return page(_found(call, asked, cursor, limit), limit, Disclosure, _position)


@routes.search("/disclosures/_search", Permission.DISCLOSURE_READ)
def search_disclosures(
    call: Call, body: DisclosureSearch, cursor: Cursor = None, limit: Limit = 50
) -> Page[Disclosure]:
    """List who was shown the data of the person with this BSN. Send the same body again for the next page."""
    given = body.complete()
    person_id = disclosures.person_by_bsn(call.work, given.pop("bsn"))
    if person_id is None:
        call.work.record(Permission.DISCLOSURE_READ, "shown")
        return Page(items=[])
    return page(_found(call, Asked(shown_person_id=person_id, **given), cursor, limit), limit, Disclosure, _position)


@routes.get("/disclosures/processing-log", Permission.DISCLOSURE_READ)
def list_processing_log(
    call: Call, asked: Wanted, cursor: Cursor = None, limit: Limit = 50
) -> Page[ProcessingLogEntry]:
    """List the same disclosures in the form of Logboek Dataverwerkingen, for who has to account for the processing."""
    found = _found(call, asked, cursor, limit)
    lines = [record_forms.processing_log(record, call.work.vault) for record in found[:limit]]
    return Page(items=[ProcessingLogEntry.model_validate(line) for line in lines], next_cursor=_next(found, limit))


@routes.get("/disclosures/access-log", Permission.DISCLOSURE_READ)
def list_access_log(call: Call, asked: Wanted, cursor: Cursor = None, limit: Limit = 50) -> Page[AccessLogEntry]:
    """List the same disclosures with the fields of NEN 7513, for who oversees access."""
    found = _found(call, asked, cursor, limit)
    lines = [record_forms.access_log(record, call.work.vault) for record in found[:limit]]
    return Page(items=[AccessLogEntry.model_validate(line) for line in lines], next_cursor=_next(found, limit))


def _found(call: Call, asked: Asked, cursor: str | None, limit: int) -> list[AuditRecord]:
    before = decode(cursor, int)
    found = list(disclosures.search(call.work, asked, before[0] if before else None, limit))
    disclosures.record_look(call.work, Permission.DISCLOSURE_READ, asked, found[:limit])
    return found


def _position(record: Any) -> tuple[int]:
    return (record.id,)


def _next(found: list[AuditRecord], limit: int) -> str | None:
    return encode([str(found[limit - 1].id)]) if len(found) > limit else None
