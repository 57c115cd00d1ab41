"""The worker's part in caseload synchronisations: step by step, each as the agency that sent the caseload.

A step is one transaction that holds the synchronisation, so that of any number of workers one goes on with it. In that
transaction the worker is who serves requests, on behalf of that agency: the database shows it that agency's rows only.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, col, func, select

from api.auth import relations
from api.auth.policy import Permission
from api.auth.purposes import PURPOSE_OF_ROLE, recorded
from api.db import ENTER, Database, DatabaseRole
from api.domain import synchronising
from api.domain.actor import Actor, Role
from api.domain.caseload_synchronisations import IS_GOING_ON
from api.domain.errors import KeyMissing
from api.domain.models import CaseloadSynchronisation
from api.domain.vault import Vault
from api.domain.work import Work
from api.problems import AGAIN

AT_ONCE = 250
"""Rows in one transaction: enough to share its cost, and few enough that nobody waits for it."""

log = structlog.get_logger("spil.worker")


async def synchronise_some(database: Database, vault: Vault) -> int:
    """Do a step of every synchronisation that is going on; gives how many steps. One that can't holds up no other."""
    done = 0
    for synchronisation_id in await database.run(_going_on):
        try:
            done += await _step(database, synchronisation_id, vault)
        except (DBAPIError, KeyMissing) as error:
            log.warning("a synchronisation goes on later", kind=type(error).__name__)
    return done


async def _step(database: Database, synchronisation_id: UUID, vault: Vault) -> bool:
    """Rows that can't be done together are done one by one, so that one alone is refused."""
    try:
        return await database.run(_go_on, synchronisation_id, vault, AT_ONCE)
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) in AGAIN or error.connection_invalidated:
            raise
        log.warning("rows are done one by one", kind=type(error.orig).__name__)
    for _ in range(AT_ONCE):
        await database.run(_go_on, synchronisation_id, vault, 1)
    return True


def _going_on(session: Session) -> Sequence[UUID]:
    known = select(CaseloadSynchronisation.id).where(
        col(CaseloadSynchronisation.received_at).is_not(None), col(CaseloadSynchronisation.state).in_(IS_GOING_ON)
    )
    return session.scalars(known.order_by(col(CaseloadSynchronisation.received_at))).all()


def _go_on(session: Session, synchronisation_id: UUID, vault: Vault, at_once: int) -> bool:
    """Do one step, and commit it; False if there is none, or another worker does it."""
    taken = _take(session, synchronisation_id, vault)
    if taken is None:
        return False
    work, synchronisation = taken
    verdicts = synchronising.carry_on(work, synchronisation, at_once)
    session.flush()
    if synchronisation.dry_run and verdicts:
        session.rollback()
        taken = _take(session, synchronisation_id, vault)
        if taken is None:
            return False
        work, synchronisation = taken
    synchronising.note(work, synchronisation, verdicts)
    session.commit()
    return True


def _take(session: Session, synchronisation_id: UUID, vault: Vault) -> tuple[Work, CaseloadSynchronisation] | None:
    """Hold a synchronisation, if nobody else does, and act as the agency that sent it."""
    free = select(CaseloadSynchronisation).where(
        CaseloadSynchronisation.id == synchronisation_id, col(CaseloadSynchronisation.state).in_(IS_GOING_ON)
    )
    held = session.scalars(free.with_for_update(key_share=True, skip_locked=True)).one_or_none()
    if held is None:
        session.rollback()
        return None
    actor = Actor(
        role=Role.AGENCY_SYSTEM, subject=held.subject, agency_id=held.agency_id, issuer=held.issuer, via=held.via
    )
    connection = session.connection()
    connection.exec_driver_sql(f"SET LOCAL ROLE {DatabaseRole.APP}")
    asked = {"family_id": None, "after": None, "limit": None}
    connection.exec_driver_sql(ENTER, relations.parameters(actor) | asked)
    at: datetime = session.scalars(select(func.clock_timestamp())).one()
    work = Work(session, actor, at, vault, trace_id=held.trace_id)
    work.ground = {
        **recorded(Permission.REGISTRATION_MAINTAIN),
        "purpose": PURPOSE_OF_ROLE[actor.role],
    }
    return work, held
