"""Who decides about sharing with a family's agencies, and what they say together. Pure: no database, no clock.

For a child under twelve the parents with authority decide; from twelve the child and a parent both have to consent,
and either can object; from sixteen the young person alone. Of several decisions the more specific wins (an agency for
a help domain, then an agency or a help domain, then everything), and of equally specific ones the objection.

Nobody decides for a family: each member decides about sharing what is theirs, and a single objection stands.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from api.domain import calendar
from api.domain.codes import ConsentDecision
from api.domain.models import Consent

LOOKS_FROM = 12
DECIDES_FROM = 16

Side = frozenset[UUID]
"""Those who decide in each other's place: both parents, or one person."""


@dataclass(frozen=True)
class Relative:
    """A member of the family, as far as it matters for who decides."""

    person_id: UUID
    birth_date: date | None
    is_child: bool
    has_authority: bool

    def is_aged(self, years: int, at: datetime) -> bool:
        """Whether they are this old. Of a child whose birth date is not known, that is not known either."""
        birthday = turns(self.birth_date, years)
        return birthday <= at if birthday else not self.is_child


def turns(birth_date: date | None, years: int) -> datetime | None:
    """When somebody turns this old: the first moment of that day."""
    if birth_date is None:
        return None
    year, leap_day = birth_date.year + years, (birth_date.month, birth_date.day) == (2, 29)
    return calendar.start_of(date(year, 3, 1) if leap_day and year % 4 else birth_date.replace(year=year))


@dataclass(frozen=True)
class Household:
    """Who is in a family now, and every decision on record about sharing with agencies."""

    relatives: Sequence[Relative]
    consents: Sequence[Consent]

    def sides(self, person_id: UUID, at: datetime) -> list[Side]:
        """Who decides about what is this member's: each side has to consent."""
        member = next((one for one in self.relatives if one.person_id == person_id), None)
        if member is None:
            return []
        parents = frozenset(one.person_id for one in self.relatives if one.has_authority) - {person_id}
        if member.is_aged(DECIDES_FROM, at):
            return [frozenset({person_id})]
        return [frozenset({person_id}), parents] if member.is_aged(LOOKS_FROM, at) else [parents]

    def decides(self, giver_id: UUID, person_id: UUID, at: datetime) -> bool:
        return any(giver_id in side for side in self.sides(person_id, at))

    def standing(self, agency_id: UUID, help_domain: str, at: datetime) -> ConsentDecision | None:
        """What the family's members say of sharing with this agency for this domain; None where nothing is said."""
        said = {self._of_member(one.person_id, agency_id, help_domain, at) for one in self.relatives}
        if ConsentDecision.OBJECTED in said:
            return ConsentDecision.OBJECTED
        return ConsentDecision.GIVEN if ConsentDecision.GIVEN in said else None

    def holds_until(self, agency_id: UUID, help_domain: str, at: datetime) -> datetime | None:
        """When what they say now ceases by itself to allow it, if that is known: a consent ends, a child grows up."""
        now = self.standing(agency_id, help_domain, at)
        for instant in self._turning_points(at):
            later = self.standing(agency_id, help_domain, instant)
            if later is ConsentDecision.OBJECTED or (now is ConsentDecision.GIVEN and later is not now):
                return instant
        return None

    def _of_member(self, person_id: UUID, agency_id: UUID, help_domain: str, at: datetime) -> ConsentDecision | None:
        about = [
            one
            for one in self.consents
            if one.person_id == person_id
            and one.to_person_id is None
            and one.agency_id in (None, agency_id)
            and one.help_domain in (None, help_domain)
            and one.runs_at(at)
        ]
        said = [_winning([one for one in about if one.given_by_id in side]) for side in self.sides(person_id, at)]
        if ConsentDecision.OBJECTED in said:
            return ConsentDecision.OBJECTED
        return ConsentDecision.GIVEN if said and None not in said else None

    def _turning_points(self, after: datetime) -> list[datetime]:
        birthdays = (turns(one.birth_date, age) for one in self.relatives for age in (LOOKS_FROM, DECIDES_FROM))
        instants = {*birthdays, *(one.ends_at for one in self.consents)}
        return sorted(one for one in instants if one is not None and one > after)


def _winning(consents: Sequence[Consent]) -> ConsentDecision | None:
    """The most specific decision; of equally specific ones, the objection."""
    closest = max(map(_specificity, consents), default=None)
    said = {one.decision for one in consents if _specificity(one) == closest}
    return ConsentDecision.OBJECTED if ConsentDecision.OBJECTED in said else next(iter(said), None)


def _specificity(consent: Consent) -> int:
    return (consent.agency_id is not None) + (consent.help_domain is not None)
