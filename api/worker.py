"""What happens without anybody asking: whatever has ended by itself is written down and told.

Nothing waits for this to be true: reads look at the instants themselves. Any number of workers can run at once.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import structlog
from psycopg import Error as PostgresError
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, func, select

from api.db import Database
from api.domain import continuity
from api.domain.actor import CLOCK
from api.domain.models import Family
from api.domain.vault import Vault
from api.domain.work import Work

EVERY = 15
"""Seconds between two looks."""
AT_ONCE = 100

log = structlog.get_logger("spil.worker")


async def run(database: Database, vault: Vault) -> None:
    """Settle what has lapsed, for as long as this runs."""
    while True:
        try:
            while await settle_some(database, vault):
                pass
        except (DBAPIError, PostgresError, OSError) as error:
            log.warning("settling failed; trying again later", kind=type(error).__name__)
        await asyncio.sleep(EVERY)


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
