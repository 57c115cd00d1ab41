"""The record of disclosures in the forms that others read: Logboek Dataverwerkingen, and NEN 7513.

Invariant of the first: a line is about at most one person, under a pseudonym that only this installation can make, and
names no user. The second is for who oversees access: it names who looked, for whom, and on what authority.
"""

import hashlib
from datetime import timedelta
from typing import Any
from uuid import UUID

from api.domain.models import AuditRecord
from api.domain.vault import Vault

MILLISECOND = timedelta(milliseconds=1)
SUBJECT_TYPE = "urn:spil:data-subject-pseudonym"
SUCCESS, SERIOUS_FAILURE = "0", "8"
PERSON, DATA_SUBJECT = "1", "1"
ACTIONS = {"shown": "R", "changed": "U", "refused": "E"}
"""Read, update, and an attempt that was not let through, as the audit messages of health care code them."""


def processing_activity(record: AuditRecord) -> str:
    """The activity as a URI, which the municipality gives an entry of its register."""
    return f"urn:spil:processing-activity:{record.activity or 'unknown'}"


def pseudonym(vault: Vault, person_id: UUID) -> str:
    return vault.pseudonym(b"data subject:" + person_id.bytes).hex()


def span_id(record: AuditRecord) -> str:
    """Eight bytes that name this one line."""
    return hashlib.sha256(f"span:{record.id}".encode()).hexdigest()[:16]


def trace_id(record: AuditRecord) -> str:
    """The trace of the request; what had none has one of its own."""
    return record.trace_id or hashlib.sha256(f"trace:{record.id}".encode()).hexdigest()[:32]


def to_the_millisecond(record: AuditRecord) -> Any:
    return record.at.replace(microsecond=record.at.microsecond // 1000 * 1000)


def processing_log(record: AuditRecord, vault: Vault) -> dict[str, Any]:
    """A line of Logboek Dataverwerkingen. What is refused is no failure of the processing: its status is unset too."""
    at = to_the_millisecond(record)
    attributes = [("dpl.core.processing_activity_id", processing_activity(record))]
    if record.shown_person_id:
        attributes += [
            ("dpl.core.data_subject_id", pseudonym(vault, record.shown_person_id)),
            ("dpl.core.data_subject_id_type", SUBJECT_TYPE),
        ]
    return {
        "trace_id": trace_id(record),
        "span_id": span_id(record),
        "status_code": "STATUS_CODE_UNSET",
        "name": record.action,
        "start_time": at,
        "end_time": at,
        "resource": {"attributes": [{"key": "service.name", "value": "spil"}]},
        "attributes": [{"key": key, "value": value} for key, value in attributes],
    }


def access_log(record: AuditRecord, vault: Vault) -> dict[str, Any]:
    """A line after NEN 7513: what happened, who did it for whom, about whom, on what authority, and what came of it."""
    return {
        "event_id": processing_activity(record),
        "event_type_code": record.action,
        "event_action_code": ACTIONS.get(record.decision, "E"),
        "event_at": record.at,
        "event_outcome_indicator": SERIOUS_FAILURE if record.decision == "refused" else SUCCESS,
        "trace_id": trace_id(record),
        "users": _users(record),
        "participants": _participants(record, vault),
        "authorisation_protocol": record.relation,
        "consent_profile": record.legal_basis,
        "audit_source_id": "spil",
        "audit_enterprise_site_id": record.municipality_code,
    }


def _users(record: AuditRecord) -> list[dict[str, Any]]:
    """Who asked, and on whose behalf: the organisation, and the system where the person was not there."""
    organisation = record.agency_id or record.municipality_code
    on_behalf = [(str(organisation), "responsible_organisation")] if organisation else []
    through = [(record.via, "acting_system")] if record.via else []
    asked = {
        "user_id": record.subject,
        "alternate_user_id": record.issuer,
        "user_is_requestor": True,
        "role_id_code": str(record.role),
        "purpose_of_use": record.purpose,
    }
    others = [
        {
            "user_id": name,
            "alternate_user_id": None,
            "user_is_requestor": False,
            "role_id_code": role,
            "purpose_of_use": record.purpose,
        }
        for name, role in on_behalf + through
    ]
    return [asked, *others]


def _participants(record: AuditRecord, vault: Vault) -> list[dict[str, Any]]:
    if record.shown_person_id is None:
        return []
    return [
        {
            "participant_object_type_code": PERSON,
            "participant_object_type_code_role": DATA_SUBJECT,
            "participant_object_id_type_code": SUBJECT_TYPE,
            "participant_object_id": pseudonym(vault, record.shown_person_id),
            "participant_object_detail": record.fields,
        }
    ]
