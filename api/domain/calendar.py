"""Days of the Dutch calendar as instants: a period in days runs from midnight to midnight, Amsterdam time."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

AMSTERDAM = ZoneInfo("Europe/Amsterdam")


def start_of(day: date) -> datetime:
    """The instant at which the day begins."""
    return datetime.combine(day, time.min, AMSTERDAM)


def end_of(day: date) -> datetime:
    """The instant at which the day is over: the first that no longer belongs to it."""
    return start_of(day + timedelta(days=1))


def day_of(instant: datetime) -> date:
    """The day in which an instant falls."""
    return instant.astimezone(AMSTERDAM).date()


def last_day_before(instant: datetime) -> date:
    """The last day of a period that ends at this instant."""
    return day_of(instant - timedelta(microseconds=1))


def today() -> date:
    return datetime.now(AMSTERDAM).date()
