"""The policy, the database's row-level security and the independent model agree, in worlds put together at random.

`python -m tests.campaigns.decisions` does the same for as many decisions as you like.
"""

import secrets
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, create_engine
from sqlmodel import Session

from api.auth.policy import Relation
from api.db import CONNECT, sqlalchemy_url
from tests.access.random_world import RandomWorld
from tests.access.three_way import DEED_OF, OF_FAMILY, Outcome, compare

SEEDS = (1, 2, 3, 4, 5 + secrets.randbelow(4_900))
"""Four worlds that are always the same, in which everything occurs, and one that is new each time."""


@pytest.fixture(scope="module")
def engine(new_database) -> Iterator[Engine]:  # type: ignore[no-untyped-def]
    """A database of its own: what is put together at random is in nobody's way."""
    engine = create_engine(sqlalchemy_url(new_database()), connect_args=CONNECT)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def outcome(engine: Engine) -> Outcome:
    outcome = Outcome()
    for seed in SEEDS:
        world = RandomWorld(seed, size=8)
        with Session(engine, expire_on_commit=False) as session:
            world.write(session)
        with engine.begin() as connection:
            compare(connection, world, outcome)
    return outcome


def test_the_three_agree_on_every_decision(outcome: Outcome) -> None:
    assert not outcome.disagreements, f"seeds {SEEDS}\n" + "\n".join(outcome.disagreements)


def test_the_worlds_had_something_to_decide(outcome: Outcome) -> None:
    assert outcome.decisions > 10_000
    assert outcome.related > 100
    assert outcome.allowed > 500
    assert outcome.documents > 100
    assert outcome.relations == set(Relation)


def test_the_model_has_a_word_for_every_permission_for_a_family() -> None:
    assert set(OF_FAMILY) == set(DEED_OF)
