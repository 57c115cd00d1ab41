"""Who is involved, who leads, and whom to call for what: the question Spil exists for.

Rule: asked whom to call about a help domain there is always one answer. The contact point; in their absence who covers
for them; otherwise the lead coordinator; otherwise the deputy; otherwise the municipality's access team.
"""

from datetime import date, datetime, timedelta

from api.domain import calendar
from api.domain.documents import Document, load
from api.domain.errors import Invalid

WHO_IS_INVOLVED = load("around.sql", "who_is_involved.sql")
WHOM_TO_CALL = load("around.sql", "whom_to_call.sql")
WHOM_TO_CALL_FOR_WHAT = load("around.sql", "whom_to_call_for_what.sql")


def who_is_involved(on: date | None, language: str) -> Document:
    """The team around a family, now or at the end of a day in the past."""
    return Document(WHO_IS_INVOLVED, {"at": _end_of(on), "language": language, "help_domain": None})


def whom_to_call(help_domain: str, on: date | None, language: str) -> Document:
    """The one person to call about a help domain, now or at the end of a day in the past."""
    return Document(WHOM_TO_CALL, {"at": _end_of(on), "language": language, "help_domain": help_domain})


def whom_to_call_for_what(on: date | None, language: str) -> Document:
    """The same for every help domain that has a contact point or a gap."""
    return Document(WHOM_TO_CALL_FOR_WHAT, {"at": _end_of(on), "language": language, "help_domain": None})


def _end_of(day: date | None) -> datetime | None:
    if day is None:
        return None
    if not date(2000, 1, 1) <= day <= calendar.today():
        raise Invalid("Ask about a day from 2000 until today.", field="on")
    return calendar.end_of(day) - timedelta(microseconds=1)
