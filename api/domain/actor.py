"""Who acts. The domain records it with everything that changes or is shown."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class Role(StrEnum):
    """What a token makes of its bearer. A role alone shows no family: that takes a relation to it."""

    AGENCY_SYSTEM = "agency_system"
    PROFESSIONAL = "professional"
    REGISTRAR = "registrar"
    ANALYST = "analyst"
    PRIVACY_OFFICER = "privacy_officer"
    FAMILY_MEMBER = "family_member"
    PLATFORM_ADMINISTRATOR = "platform_administrator"
    CLOCK = "clock"
    """Spil itself, when something ends because its time has come."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, for which organisation."""

    role: Role
    subject: str
    municipality_code: str | None = None
    agency_id: UUID | None = None
    professional_id: UUID | None = None
    person_id: UUID | None = None
    issuer: str | None = None
    """Whose token says so: a subject is only unique within its issuer."""
    via: str | None = None
    """The client that acts on this actor's behalf, where the actor is not there in person."""


CLOCK = Actor(role=Role.CLOCK, subject="spil")
