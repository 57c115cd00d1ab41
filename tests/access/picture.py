"""What there is to decide about, as plain facts: who reads, and who is what around a family, when.

Instants are any values that can be compared; an `end` of `None` means until further notice. Imports nothing of Spil.
"""

from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import date
from typing import Any


@dataclass(frozen=True)
class Reader:
    """Who asks: a role, and the organisation or person that the token names."""

    role: str
    municipality: Hashable = None
    agency: Hashable = None
    professional: Hashable = None
    person: Hashable = None


@dataclass
class Period:
    """From `start` up to but not including `end`."""

    start: Any
    end: Any = None

    def holds(self, at: Any) -> bool:
        return bool(self.start is not None and self.start <= at and (self.end is None or at < self.end))


@dataclass
class Agency:
    signal_only: bool = False
    active: bool = True


@dataclass
class Professional:
    agency: Hashable
    active: bool = True


@dataclass
class Person:
    born: date | None
    shielded: bool = False


@dataclass
class Membership:
    person: Hashable
    role: str
    authority: bool
    period: Period
    id: Hashable = None


@dataclass
class Involvement:
    """`open`: it is an invitation that nobody answered yet. Otherwise it ran for its period."""

    id: Hashable
    agency: Hashable
    professional: Hashable
    domains: frozenset[str]
    shielded: bool
    stage: str
    period: Period
    open: bool = False
    about: Hashable = None


@dataclass
class Mandate:
    id: Hashable
    professional: Hashable
    powers: frozenset[str]
    period: Period
    open: bool = False
    """Proposed, and not answered yet."""


@dataclass
class Role:
    """A deputy of a mandate, or the contact point of a help domain."""

    professional: Hashable
    period: Period
    domain: str | None = None
    mandate: Hashable = None


@dataclass
class Emergency:
    """A professional opened the family in an emergency, as their agency may in the municipality that entitled it."""

    professional: Hashable
    period: Period
    entitled_by: Hashable
    entitled: Period


@dataclass
class Family:
    municipality: Hashable
    closed: bool = False
    memberships: list[Membership] = field(default_factory=list)
    involvements: list[Involvement] = field(default_factory=list)
    mandates: list[Mandate] = field(default_factory=list)
    deputies: list[Role] = field(default_factory=list)
    contact_points: list[Role] = field(default_factory=list)
    emergencies: list[Emergency] = field(default_factory=list)
    consents: list[tuple[Hashable, Hashable, Period]] = field(default_factory=list)
    """Of a young person, to a person, while it holds."""


@dataclass
class Field:
    """Everybody there is."""

    agencies: dict[Hashable, Agency]
    professionals: dict[Hashable, Professional]
    persons: dict[Hashable, Person]
    absences: list[tuple[Hashable, Hashable, Period]] = field(default_factory=list)
    """Who is absent, who covers, when."""
