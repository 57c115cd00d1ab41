"""What a date in a search stands for."""

from datetime import UTC, datetime

import pytest

from api.domain.errors import Invalid
from api.fhir.parameters import Span, span


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ("2026", Span(moment("2026-01-01"), moment("2027-01-01"))),
        ("2026-02", Span(moment("2026-02-01"), moment("2026-03-01"))),
        ("eq2026-12", Span(moment("2026-12-01"), moment("2027-01-01"))),
        ("ge2026-01-31", Span(moment("2026-01-31"), None)),
        ("gt2026-01-31", Span(moment("2026-02-01"), None)),
        ("le2026-01-31", Span(None, moment("2026-02-01"))),
        ("lt2026-01-31T12:00:00Z", Span(None, moment("2026-01-31T12:00:00"))),
        ("eb2026-01-31T13:00:00+01:00", Span(None, moment("2026-01-31T12:00:00"))),
        ("sa2026-01-31T12:00:00Z", Span(moment("2026-01-31T12:00:01"), None)),
        ("2026-01-31T12:00Z", Span(moment("2026-01-31T12:00:00"), moment("2026-01-31T12:01:00"))),
    ],
)
def test_a_date_stands_for_all_of_its_time(value: str, meant: Span) -> None:
    assert span(value, "_lastUpdated") == meant


@pytest.mark.parametrize("value", ["", "now", "ne2026", "ap2026", "2026-13", "2026-02-30", "26", "2026-01-01T12:00:00"])
def test_what_is_no_date_is_refused(value: str) -> None:
    with pytest.raises(Invalid):
        span(value, "_lastUpdated")
