"""The timeline of a family: what changed, when, by which agency."""

from datetime import datetime

from api.domain.documents import Document, load

TIMELINE = load("timeline.sql")


def timeline(before: tuple[datetime, int] | None, limit: int) -> Document:
    """A page of events, the latest first, from before this one."""
    at, place = before or (None, None)
    return Document(TIMELINE, {"before_at": at, "before_place": place, "limit": limit})
