"""The tests of access notice when the code is broken: some of the sabotages, each in a run of its own.

`python -m tests.campaigns.sabotage` tries all of them.
"""

import pytest

from tests.access.sabotages import SABOTAGES
from tests.access.sabotaging import caught, unsound

SOME = (
    "an agency sees every agency's families",
    "any relation may do anything",
    "everybody sees what is shielded",
    "an open invitation is told",
    "a token that has expired",
)


def test_there_are_at_least_20_of_each_kind_together() -> None:
    assert len(SABOTAGES) >= 20
    assert all(sum(one.behind is kind for one in SABOTAGES.values()) >= 10 for kind in (True, False))


def test_without_a_sabotage_the_tests_that_notice_pass(server: str) -> None:
    assert unsound(server, list(SOME)) == ""


@pytest.mark.parametrize("name", SOME)
def test_a_sabotage_is_noticed(server: str, name: str) -> None:
    noticed, said = caught(name, server)
    assert noticed, said
