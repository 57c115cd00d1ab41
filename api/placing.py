"""The worker's part in registrations: where new ones belong, and what has come of earlier ones."""

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, func, select

from api.db import Database
from api.domain import matches, placing, waiting
from api.domain.actor import CLOCK
from api.domain.errors import DomainError, KeyMissing
from api.domain.vault import Vault
from api.domain.work import Work

AT_ONCE = 100

log = structlog.get_logger("spil.worker")


async def place_some(database: Database, vault: Vault) -> int:
    """Place up to a hundred registrations; gives how many were placed. One that can't be holds up no other."""
    placed = 0
    for registration_id in await database.run(placing.unplaced, AT_ONCE):
        try:
            await database.run(_carry_out, placing.place, registration_id, vault)
            placed += 1
        except (DBAPIError, KeyMissing) as error:
            log.warning("a registration is placed later", kind=type(error).__name__)
        except DomainError as refusal:
            log.info("a registration stays a signal", code=refusal.code)
            await database.run(_carry_out, placing.give_up, registration_id, vault)
    return placed


async def follow_some(database: Database, vault: Vault) -> int:
    """Write down what ended or expired, and what came of matches; have those placed anew who have a family by now."""
    over = await database.run(_at, waiting.settled_by_time)
    for registration_id in over:
        await database.run(_carry_out, waiting.settle, registration_id, vault)
    followed = await database.run(matches.to_follow, AT_ONCE)
    for match_id in followed:
        await database.run(_carry_out, matches.follow, match_id, vault)
    for registration_id in await database.run(_at, waiting.to_place_anew):
        await database.run(_carry_out, placing.place_anew, registration_id, vault)
    return len(over) + len(followed)


def _at(session: Session, find: Callable[[Session, datetime, int], Sequence[UUID]]) -> Sequence[UUID]:
    return find(session, _now(session), AT_ONCE)


def _carry_out(session: Session, verb: Callable[[Work, UUID], None], row_id: UUID, vault: Vault) -> None:
    verb(Work(session, CLOCK, _now(session), vault), row_id)
    session.commit()


def _now(session: Session) -> datetime:
    now: datetime = session.scalars(select(func.clock_timestamp())).one()
    return now
