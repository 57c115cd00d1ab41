"""The timeline of a family: what changed, when, by which agency."""

from datetime import datetime

from api.domain.documents import Document, load

TIMELINE = load("knowable_events.sql", "timeline.sql")


def timeline(before: tuple[datetime, int] | None, limit: int) -> Document:
    """A page of events, the latest first: from this instant on, of which the reader has seen so many."""
    at, seen = before or (None, 0)
    return Document(TIMELINE, {"before_at": at, "seen": seen, "limit": limit})
