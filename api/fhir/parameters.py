"""What each type is searched by, and how the values of FHIR's kinds of parameters are read.

A parameter that isn't here isn't known: what a misspelt one would leave unfiltered is more than was asked for.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from api.domain.errors import Invalid
from api.fhir.codings import BSN

OF_RESULT = frozenset({"_count", "_cursor", "_format", "_pretty", "_total"})
"""What every search takes; `_cursor` is for the links that Spil itself gives."""
MOST_VALUES = 50
LARGEST_PAGE, USUAL_PAGE = 200, 50

OF_MEMBER = {"patient": "reference", "patient.identifier": "token"}
SEARCHED_BY: dict[str, dict[str, str]] = {
    "CareTeam": {"_id": "token", **OF_MEMBER, "subject": "reference", "status": "token", "participant": "reference"}
    | {"_lastUpdated": "date"},
    "EpisodeOfCare": {"_id": "token", **OF_MEMBER, "status": "token", "organization": "reference"}
    | {"care-manager": "reference", "_lastUpdated": "date"},
    "Patient": {"_id": "token", "identifier": "token"},
    "RelatedPerson": {"_id": "token", **OF_MEMBER},
    "Organization": {"_id": "token", "name": "string", "active": "token"},
    "Practitioner": {"_id": "token", "name": "string", "active": "token"},
    "PractitionerRole": {"_id": "token", "practitioner": "reference", "organization": "reference", "active": "token"},
}
INCLUDED: dict[str, tuple[str, ...]] = {
    "CareTeam": ("CareTeam:patient", "CareTeam:subject", "CareTeam:participant"),
    "EpisodeOfCare": ("EpisodeOfCare:patient", "EpisodeOfCare:organization", "EpisodeOfCare:care-manager"),
    "Patient": (),
    "RelatedPerson": ("RelatedPerson:patient",),
    "Organization": (),
    "Practitioner": (),
    "PractitionerRole": ("PractitionerRole:practitioner", "PractitionerRole:organization"),
}
ITERATED = INCLUDED["PractitionerRole"]
"""What can be included of what is included."""
MODIFIERS = {"string": frozenset({"contains", "exact"})}
MAY_COME_AGAIN = frozenset({"_lastUpdated", "_include", "_include:iterate"})
WITH_A_BSN = frozenset({"identifier", "patient.identifier"})


@dataclass(frozen=True)
class Token:
    """A code or an identifier; `system` is None where any will do."""

    system: str | None
    value: str


def tokens(values: Iterable[str]) -> list[Token]:
    found = []
    for value in values:
        system, bar, code = value.rpartition("|")
        found.append(Token(system if bar else None, code))
    return found


def split(value: str, name: str) -> list[str]:
    """The alternatives in a value: any of them will do."""
    alternatives = [one for one in value.split(",") if one]
    if not alternatives or len(alternatives) > MOST_VALUES:
        raise Invalid(f"Give {name} 1 to {MOST_VALUES} values, separated by commas.", field=name)
    return alternatives


def referred(values: Iterable[str], kinds: Mapping[str, str] | Iterable[str], base: str) -> list[str]:
    """The ids in references to one of these types; what refers to something else matches nothing."""
    known = set(kinds)
    found = []
    for value in values:
        kind, slash, logical_id = value.removeprefix(f"{base}/").rpartition("/")
        if not slash or kind in known:
            found.append(logical_id)
    return found


def uuids(values: Iterable[str]) -> tuple[UUID, ...]:
    """Those of our own ids that are: whatever else somebody asks for isn't there."""
    return tuple(UUID(one) for one in values if re.fullmatch("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", one))


def is_bsn(token: Token) -> bool:
    return token.system == BSN or (token.system is None and re.fullmatch("[0-9]{9}", token.value) is not None)


MOMENT = re.compile(
    r"(?P<prefix>[a-z]{2})?(?P<year>\d{4})(-(?P<month>\d\d)(-(?P<day>\d\d)"
    r"(?P<time>T\d\d:\d\d(?P<seconds>:\d\d(?P<part>\.\d+)?)?(Z|[+-]\d\d:\d\d))?)?)?"
)
PREFIXES = {"eq", "gt", "ge", "lt", "le", "sa", "eb"}


@dataclass(frozen=True)
class Span:
    """From an instant, up to another one that is not in it; None: as long as there is."""

    first: datetime | None = None
    end: datetime | None = None

    def within(self, other: "Span") -> "Span":
        firsts = [one for one in (self.first, other.first) if one]
        ends = [one for one in (self.end, other.end) if one]
        return Span(max(firsts, default=None), min(ends, default=None))


def span(value: str, name: str) -> Span:
    """The instants that a date with a prefix allows; a date of less than a second stands for all of that time."""
    found = MOMENT.fullmatch(value)
    prefix = (found and found["prefix"]) or "eq"
    if found is None or prefix not in PREFIXES:
        raise Invalid(f"Give {name} as a date, such as ge2026-01-31 or lt2026-01-31T12:00:00Z.", field=name)
    first, end = _meant(found, name)
    return {
        "eq": Span(first, end),
        "ge": Span(first, None),
        "gt": Span(end, None),
        "sa": Span(end, None),
        "lt": Span(None, first),
        "eb": Span(None, first),
        "le": Span(None, end),
    }[prefix]


def _meant(found: "re.Match[str]", name: str) -> tuple[datetime, datetime]:
    year, month, day, time = (found[part] for part in ("year", "month", "day", "time"))
    try:
        if time:
            start = datetime.fromisoformat(f"{year}-{month}-{day}{time}").astimezone(UTC)
            least = timedelta(microseconds=1) if found["part"] else timedelta(seconds=1 if found["seconds"] else 60)
            return start, start + least
        start = datetime(int(year), int(month or 1), int(day or 1), tzinfo=UTC)
        return start, start + timedelta(days=1) if day else _following(start, whole_year=month is None)
    except (ValueError, OverflowError):
        raise Invalid(f"There is no such date. Mend {name}.", field=name) from None


def _following(start: datetime, *, whole_year: bool) -> datetime:
    if whole_year or start.month == 12:
        return start.replace(year=start.year + 1, month=1)
    return start.replace(month=start.month + 1)
