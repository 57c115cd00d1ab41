"""Who decides, and which decision wins: held against the rule written down a second time, in another way."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from api.domain import calendar
from api.domain.codes import ConsentDecision
from api.domain.models import Consent
from api.domain.voices import Household, Relative, turns

GIVEN, OBJECTED = ConsentDecision.GIVEN, ConsentDecision.OBJECTED
FAMILY, MOTHER, FATHER, CHILD, UNCLE = (uuid4() for _ in range(5))
AGENCIES = (uuid4(), uuid4())
DOMAINS = ("finances", "housing")
TODAY = date(2026, 3, 2)


def instant(days: int) -> datetime:
    """The start of a day, so many days from the first one."""
    return calendar.start_of(TODAY + timedelta(days=days))


consents = st.builds(
    lambda whose, by, decision, agency, domain, to, start, length, withdrawn: Consent(
        family_id=FAMILY,
        person_id=whose,
        given_by_id=by,
        decision=decision,
        agency_id=None if to else agency,
        help_domain=None if to else domain,
        to_person_id=to,
        started_at=instant(start),
        ends_at=instant(start + length) if length else None,
        withdrawn_at=None if withdrawn is None else instant(start + withdrawn),
    ),
    st.sampled_from((MOTHER, FATHER, CHILD, CHILD, UNCLE)),
    st.sampled_from((MOTHER, FATHER, CHILD, UNCLE)),
    st.sampled_from((GIVEN, GIVEN, OBJECTED)),
    st.sampled_from((None, *AGENCIES)),
    st.sampled_from((None, *DOMAINS)),
    st.sampled_from((None, None, None, None, MOTHER)),
    st.integers(-20, 0),
    st.integers(0, 60),
    st.none() | st.integers(0, 30),
)
households = st.builds(
    lambda age_in_days, mother, father, said: Household(
        [
            Relative(MOTHER, date(1985, 4, 1), False, mother),
            Relative(FATHER, None, False, father),
            Relative(CHILD, None if age_in_days is None else TODAY - timedelta(days=age_in_days), True, False),
        ],
        said,
    ),
    # Around the twelfth and the sixteenth birthday, or anything
    st.none() | st.integers(4383 - 30, 4383 + 10) | st.integers(5844 - 30, 5844 + 10) | st.integers(0, 6500),
    st.booleans(),
    st.booleans(),
    st.lists(consents, max_size=7),
)


def age(born: date, day: date) -> int:
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def groups(house: Household, who: Relative, at: datetime) -> list[set[UUID]]:
    """Those who decide for a member: one of each group has to consent."""
    day = at.astimezone(calendar.AMSTERDAM).date()
    parents = {one.person_id for one in house.relatives if one.has_authority and one is not who}
    if who.birth_date is None:
        return [parents] if who.is_child else [{who.person_id}]
    years = age(who.birth_date, day)
    return [parents] if years < 12 else [{who.person_id}, parents] if years < 16 else [{who.person_id}]


def naive(house: Household, agency: UUID, domain: str, at: datetime) -> ConsentDecision | None:
    """The rule, level by level."""
    family = []
    for who in house.relatives:
        answers = []
        for group in groups(house, who, at):
            levels = ([(agency, domain)], [(agency, None), (None, domain)], [(None, None)])
            answers.append(next((said for level in levels if (said := say(house, who, group, level, at))), None))
        family.append("no" if "no" in answers else "yes" if answers and all(answers) else None)
    return OBJECTED if "no" in family else GIVEN if "yes" in family else None


def say(
    house: Household, who: Relative, group: set[UUID], level: Sequence[tuple[UUID | None, str | None]], at: datetime
) -> str | None:
    """What this group says at one level of precision."""
    found = [
        one.decision
        for one in house.consents
        if one.person_id == who.person_id
        and one.given_by_id in group
        and one.to_person_id is None
        and (one.agency_id, one.help_domain) in level
        and one.started_at <= at
        and (one.ends_at is None or at < one.ends_at)
        and (one.withdrawn_at is None or at < one.withdrawn_at)
    ]
    return "no" if OBJECTED in found else "yes" if found else None


@given(households, st.sampled_from(AGENCIES), st.sampled_from(DOMAINS), st.integers(0, 30))
@settings(max_examples=500, deadline=None)
def test_the_more_specific_wins_and_of_equals_the_objection(
    house: Household, agency: UUID, domain: str, day: int
) -> None:
    at = instant(day)
    assert house.standing(agency, domain, at) is naive(house, agency, domain, at)


@given(households, st.sampled_from(AGENCIES), st.sampled_from(DOMAINS))
@settings(max_examples=120, deadline=None)
def test_it_is_known_beforehand_when_what_is_said_ceases_to_allow_it(
    house: Household, agency: UUID, domain: str
) -> None:
    """Nothing is withdrawn in the future, so every change comes at the end of something or on a birthday."""
    known = Household(house.relatives, [one for one in house.consents if not _is_withdrawn_later(one)])
    now = naive(known, agency, domain, instant(0))
    assume(now is not OBJECTED)
    later = (
        instant(day)
        for day in range(1, 65)
        if (then := naive(known, agency, domain, instant(day))) is OBJECTED or (now is GIVEN and then is not GIVEN)
    )
    until = known.holds_until(agency, domain, instant(0))
    found = next(later, None)
    assert until == found or (found is None and until is not None and until >= instant(65))


def _is_withdrawn_later(consent: Consent) -> bool:
    return consent.withdrawn_at is not None and consent.withdrawn_at > instant(0)


@pytest.mark.parametrize(
    ("born", "years", "day"),
    [
        (date(2014, 3, 2), 12, date(2026, 3, 2)),
        (date(2008, 2, 29), 12, date(2020, 2, 29)),
        (date(2008, 2, 29), 18, date(2026, 3, 1)),
    ],
)
def test_somebody_is_a_year_older_from_the_first_moment_of_the_day(born: date, years: int, day: date) -> None:
    birthday = turns(born, years)
    assert birthday == calendar.start_of(day)
    child = Relative(CHILD, born, True, False)
    assert [child.is_aged(years, birthday + timedelta(seconds=late)) for late in (-1, 0)] == [False, True]


def test_of_a_child_whose_birth_date_is_not_known_no_age_is() -> None:
    assert not Relative(CHILD, None, True, False).is_aged(12, instant(0))
    assert Relative(UNCLE, None, False, False).is_aged(16, instant(0))
