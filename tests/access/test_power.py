"""The tests of access notice when the code is broken: some of the sabotages, each in a run of its own.

`python -m tests.campaigns.sabotage` tries all of them.
"""

from pathlib import Path

import pytest

from tests.access.sabotaged import altered
from tests.access.sabotages import SABOTAGES
from tests.access.sabotaging import ROOT, caught, unsound

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


def test_every_sabotage_fits_the_code_as_it_is() -> None:
    """What it replaces still stands there, and so does the test; what has moved on needs its sabotage written anew."""
    for sabotage in SABOTAGES.values():
        file, _, test = sabotage.test.partition("::")
        assert f"def {test.partition('[')[0]}(" in (ROOT / file).read_text(encoding="utf-8")
        for name, _, _ in sabotage.changes:
            path = (
                Path("api/domain", name) if name.endswith(".sql") else Path(name.replace(".", "/")).with_suffix(".py")
            )
            text = (ROOT / path).read_text(encoding="utf-8")
            assert altered(text, sabotage.changes, name) != text


def test_without_a_sabotage_the_tests_that_notice_pass(server: str) -> None:
    assert unsound(server, list(SOME)) == ""


@pytest.mark.parametrize("name", SOME)
def test_a_sabotage_is_noticed(server: str, name: str) -> None:
    noticed, said = caught(name, server)
    assert noticed, said
