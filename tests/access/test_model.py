"""What holds of the model of the rules by itself, in worlds put together at random: the model could be wrong too."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from api.domain import calendar
from api.domain.models import (
    Absence,
    Agency,
    ContactPoint,
    Deputy,
    Family,
    Involvement,
    Mandate,
    Member,
    Person,
    Professional,
)
from tests.access import facts, model
from tests.access.model import ALLOWED, AROUND, EMERGENCY, LEAD, MEMBER, REGISTRAR, Moment
from tests.access.picture import Family as Pictured
from tests.access.picture import Period, Reader
from tests.access.random_world import RandomWorld

SEEDS = range(5)
TABLES = {"member": Member, "involvement": Involvement, "mandate": Mandate, "deputy": Deputy}
TABLES |= {"contact_point": ContactPoint}


class Around:
    """A random world, as the model sees it, without a database."""

    def __init__(self, seed: int) -> None:
        self.world = RandomWorld(seed, size=6)
        rows = self.world.rows
        field = facts.field(rows[Agency], rows[Professional], rows[Person], rows[Absence])
        self.now = Moment(field, self.world.now, calendar.today())
        self.families = [self._pictured(one) for one in rows[Family]]
        self.readers = [facts.reader(actor) for actor in self.world.actors()]

    def _pictured(self, family: Family) -> Pictured:
        rows = {
            name: [one for one in self.world.rows[table] if one.family_id == family.id]
            for name, table in TABLES.items()
        }
        return facts.pictured(family, rows)

    def pairs(self) -> Iterator[tuple[Reader, Pictured]]:
        return ((reader, family) for family in self.families for reader in self.readers)


@pytest.fixture(scope="module", params=SEEDS)
def around(request: pytest.FixtureRequest) -> Around:
    return Around(request.param)


def test_without_a_relation_there_is_nothing_to_see_or_do(around: Around) -> None:
    strangers = [pair for pair in around.pairs() if not around.now.relations(*pair)]
    assert len(strangers) > 100
    for reader, family in strangers:
        assert {around.now.answer(reader, family, deed) for deed in ALLOWED} == {404}
        assert not any(around.now.sees_involvement(reader, family, one) for one in family.involvements)
        assert not any(around.now.sees_mandate(reader, family, one) for one in family.mandates)
        assert not any(around.now.sees_person(reader, family, one.person) for one in family.memberships)


def test_when_everything_has_ended_only_the_municipality_is_left(around: Around) -> None:
    now = around.now.at
    left: set[str] = set()
    for family in around.families:
        over = replace(
            family,
            memberships=[replace(one, period=Period(one.period.start, now)) for one in family.memberships],
            involvements=[
                replace(one, period=Period(one.period.start, now), open=False) for one in family.involvements
            ],
            mandates=[replace(one, period=Period(one.period.start, now)) for one in family.mandates],
        )
        left |= {name for reader in around.readers for name in around.now.relations(reader, over)}
    assert left == {REGISTRAR, model.PRIVACY_OFFICER}


def test_shielding_only_ever_hides(around: Around) -> None:
    """Who still sees an involvement once it is shielded saw it before: its agency, the lead, the registrar."""
    compared = 0
    for family in around.families:
        for place, one in enumerate(family.involvements):
            shielded = replace(one, shielded=True)
            after = replace(
                family, involvements=[*family.involvements[:place], shielded, *family.involvements[place + 1 :]]
            )
            for reader in around.readers:
                if around.now.sees_involvement(reader, after, shielded):
                    compared += 1
                    assert around.now.sees_involvement(reader, family, one)
                    relations = around.now.relations(reader, after)
                    assert reader.agency == one.agency or relations & {REGISTRAR, LEAD}
    assert compared > 10


def test_a_later_stage_shows_what_an_earlier_one_does_and_more(around: Around) -> None:
    for family in around.families:
        at_stage = [
            replace(family, involvements=[replace(one, stage=stage) for one in family.involvements])
            for stage in ("others_involved", "lead_and_contact_points", "agencies")
        ]
        for reader in around.readers:
            allowed = [{deed for deed in ALLOWED if around.now.may(reader, one, deed)} for one in at_stage]
            assert allowed[0] <= allowed[1] <= allowed[2]


def test_nobody_under_twelve_looks_and_who_only_signals_never_leads(around: Around) -> None:
    for reader, family in around.pairs():
        relations = around.now.relations(reader, family)
        if relations & {MEMBER}:
            age = around.now.age(reader.person)
            assert age is None or age >= model.LOOKS_FROM
        if relations & {LEAD, model.DEPUTY}:
            agency = around.now.field.agencies[reader.agency]
            assert agency.active
            assert not agency.signal_only
        if reader.role in {"analyst", "platform_administrator"}:
            assert not relations


def test_who_sees_a_birth_date_sees_the_member_and_who_sees_a_shielded_one_leads_or_is_it(around: Around) -> None:
    for reader, family in around.pairs():
        for one in family.memberships:
            if around.now.sees_birth_date(reader, family, one.person):
                assert around.now.sees_person(reader, family, one.person)
            if around.now.sees_person(reader, family, one.person) and around.now.field.persons[one.person].shielded:
                own = one.person == reader.person
                assert own or around.now.relations(reader, family) & {REGISTRAR, LEAD}


def test_a_minute_in_which_nothing_ends_changes_nothing(around: Around) -> None:
    """Rights follow from periods alone: the model has no clock of its own."""
    later = replace(around.now, at=around.now.at + timedelta(minutes=1))
    for pair in around.pairs():
        assert around.now.relations(*pair) == later.relations(*pair)


def test_every_relation_allows_something() -> None:
    allowed = frozenset().union(*ALLOWED.values())
    assert {*AROUND, EMERGENCY, MEMBER, *model.BY_STAGE.values()} <= allowed
