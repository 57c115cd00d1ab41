"""What happens without anybody asking: whatever has ended by itself is written down and told.

Nothing waits for this to be true: reads look at the instants themselves. Any number of workers can run at once.
Each kind of work is a line in `jobs`: what it is called, how often somebody looks, and what is done then.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog
from psycopg import Error as PostgresError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnection
from sqlmodel import Session, func, select

from api import metrics
from api.db import Database
from api.delivering import Deliverer
from api.domain import continuity, publishing, retention, sealing
from api.domain.actor import CLOCK
from api.domain.checkpoints import Book, NotToBeTrusted
from api.domain.models import Event, Family, OutboxRow
from api.domain.vault import Vault
from api.domain.work import Work
from api.placing import follow_some, place_some
from api.synchronising import synchronise_some

AT_ONCE = 100
DAILY = 24 * 3600

log = structlog.get_logger("spil.worker")


@dataclass(frozen=True)
class Job:
    """One kind of work. `do` does some of it and gives how much; it is called anew until that is nothing."""

    name: str
    every: float
    """Seconds between two looks."""
    do: Callable[[Database, Vault], Awaitable[int]]
    finish: Callable[[], Awaitable[None]] | None = None
    """What is done at the end, if steps leave something under way."""


async def run(
    database: Database,
    vault: Vault,
    book: Book | None = None,
    deliverer: Deliverer | None = None,
    stopping: asyncio.Event | None = None,
) -> None:
    """Do every job, until it is `stopping`: then each finishes the step it is at.

    A job that fails is tried again later, and holds up no other.

    Without a `book` of checkpoints nothing is sealed, without a `deliverer` nothing is delivered.
    """
    async with asyncio.TaskGroup() as running:
        for job in jobs(book, deliverer):
            running.create_task(_again_and_again(job, database, vault, stopping or asyncio.Event()))


async def _again_and_again(job: Job, database: Database, vault: Vault, stopping: asyncio.Event) -> None:
    while not stopping.is_set():
        try:
            while await _step(job, database, vault) and not stopping.is_set():
                pass
        except (DBAPIError, PostgresError, NoConnection, OSError) as error:
            metrics.JOB_FAILURES.labels(job.name).inc()
            log.warning("a job failed; trying again later", job=job.name, kind=type(error).__name__)
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), job.every)
    if job.finish is not None:
        await job.finish()


async def _step(job: Job, database: Database, vault: Vault) -> int:
    with metrics.JOB_SECONDS.labels(job.name).time():
        return await job.do(database, vault)


async def settle_some(database: Database, vault: Vault) -> int:
    """Settle up to a hundred families; gives how many there were."""
    lapsed = await database.run(_lapsed)
    for family_id in lapsed:
        await database.run(_settle, family_id, vault)
    return len(lapsed)


def _lapsed(session: Session) -> Sequence[UUID]:
    return continuity.lapsed_families(session, _now(session), AT_ONCE)


def _settle(session: Session, family_id: UUID, vault: Vault) -> None:
    family = session.scalars(select(Family).where(Family.id == family_id).with_for_update(key_share=True)).one()
    work = Work(session, CLOCK, _now(session), vault)
    work.municipality_code = family.municipality_code
    work.begin(family)
    continuity.settle(work, family)
    session.commit()


def _now(session: Session) -> datetime:
    now: datetime = session.scalars(select(func.clock_timestamp())).one()
    return now


class Sealer:
    """Seals what is finished: it looks how far that will be, and comes back for it the next time."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._horizon: sealing.Horizon | None = None

    async def seal_some(self, database: Database, _: Vault) -> int:
        """Seal up to a batch of records; gives how many there were."""
        if self._horizon is not None:
            past = await database.run(sealing.is_past, self._horizon)
            if not past:
                return 0
            if sealed := await self._seal(database, self._horizon.upto):
                return sealed
        self._horizon = await database.run(sealing.horizon)
        return 0

    async def _seal(self, database: Database, upto: int) -> int:
        try:
            line = await database.run(sealing.seal_next, self._book, upto)
        except (sealing.Elsewhere, NotToBeTrusted) as error:
            log.error("the record isn't sealed", why=str(error))
            return 0
        if line is None:
            return 0
        log.info("records sealed", checkpoint=line.checkpoint.number, records=line.checkpoint.count, head=line.digest)
        return line.checkpoint.count

    async def forget_some(self, database: Database, _: Vault) -> int:
        """Forget up to a batch of records that are over; gives how many there were."""
        try:
            return await database.run(retention.forget_records, self._book)
        except (sealing.Elsewhere, NotToBeTrusted) as error:
            log.error("no records are forgotten", why=str(error))
            return 0


async def forget_some(database: Database, _: Vault) -> int:
    """Forget some of everything that is over; gives how much there was."""
    now = await database.run(retention.now_of)
    counts = [await database.run(retention.forget_some, term, now) for term in retention.TERMS]
    return sum(counts)


async def publish_some(database: Database, _: Vault) -> int:
    """Publish up to a thousand events; gives how many there were."""
    return await database.run(publishing.publish_some, 10 * AT_ONCE)


async def measure_what_waits(database: Database, _: Vault) -> int:
    """Say how much is still to be published, and how long it has waited."""
    number, seconds = await database.run(_waiting)
    metrics.WAITING.labels("events to publish").set(number)
    metrics.OLDEST.labels("events to publish").set(seconds)
    return 0


def _waiting(session: Session) -> tuple[int, float]:
    oldest = func.extract("epoch", func.clock_timestamp() - func.min(Event.at))
    waiting = select(func.count(), func.coalesce(oldest, 0)).select_from(OutboxRow).join(Event)
    number, seconds = session.exec(waiting).one()
    return int(number), max(0.0, float(seconds))


def jobs(book: Book | None, deliverer: Deliverer | None = None) -> tuple[Job, ...]:
    """Everything there is to do."""
    always: tuple[Job, ...] = (
        Job("settle what has lapsed", 15, settle_some),
        Job("publish events", 0.5, publish_some),
        Job("synchronise caseloads", 0.5, synchronise_some),
        Job("place registrations", 1, place_some),
        Job("follow registrations and matches", 10, follow_some),
        Job("forget what is over", DAILY, forget_some),
        Job("measure what waits", 15, measure_what_waits),
    )
    if deliverer is not None:
        always += (
            Job("look what is to be delivered", 0.5, deliverer.spread_some),
            Job("deliver", 0.25, deliverer.deliver_some, deliverer.finish),
        )
    if book is None or not book.signs:
        return always
    sealer = Sealer(book)
    sealing_jobs = (Job("seal the record", 5, sealer.seal_some), Job("forget old records", DAILY, sealer.forget_some))
    return always + sealing_jobs
