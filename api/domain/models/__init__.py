"""Every table, and the constraints that hold whatever the code does. A module for each part of the field.

Two things recur:

- A period is `started_at` up to but not including `ends_at`; no `ends_at` means until further notice. A period that
  is known to end (a consent runs out) has its `ends_at` from the start, so that nothing has to happen for it to end.
- `At most one at any instant` is an exclusion constraint. PostgreSQL without extensions has no equality of uuids in a
  GiST index, so a uuid stands there as a range of one: `uuidrange(id, id, '[]')`.
"""

from api.domain.models.bases import Consent, LegalGround, Measure, Purpose
from api.domain.models.directory import (
    Absence,
    Agency,
    Client,
    ClientAssertion,
    ClientRemovedKey,
    HelpDomain,
    Municipality,
    Professional,
)
from api.domain.models.emergency import EmergencyAccess, Entitlement
from api.domain.models.families import ContactPoint, Deputy, Family, Involvement, Mandate, Member, Person
from api.domain.models.merges import Merge
from api.domain.models.record import (
    AuditRecord,
    DisclosureHold,
    Event,
    IdempotentRequest,
    OnceShielded,
    OutboxRow,
    PublishedEvent,
    RecordCheckpoint,
)
from api.domain.models.registrations import Match, Registration, RegistrationRelative, UnplacedRegistration
from api.domain.models.subscriptions import Delivery, DeliveryAttempt, DeliveryLine, Subscription, SubscriptionKey
from api.domain.models.synchronisations import CaseloadRow, CaseloadSynchronisation

__all__ = [
    "Absence",
    "Agency",
    "AuditRecord",
    "CaseloadRow",
    "CaseloadSynchronisation",
    "Client",
    "ClientAssertion",
    "ClientRemovedKey",
    "Consent",
    "ContactPoint",
    "Delivery",
    "DeliveryAttempt",
    "DeliveryLine",
    "Deputy",
    "DisclosureHold",
    "EmergencyAccess",
    "Entitlement",
    "Event",
    "Family",
    "HelpDomain",
    "IdempotentRequest",
    "Involvement",
    "LegalGround",
    "Mandate",
    "Match",
    "Measure",
    "Member",
    "Merge",
    "Municipality",
    "OnceShielded",
    "OutboxRow",
    "Person",
    "Professional",
    "PublishedEvent",
    "Purpose",
    "RecordCheckpoint",
    "Registration",
    "RegistrationRelative",
    "Subscription",
    "SubscriptionKey",
    "UnplacedRegistration",
]
