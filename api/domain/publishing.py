"""Publishing: every event gets its place in one order, in which whoever it concerns can catch up.

Invariant: places become visible in their order, so that who has read up to one never misses an earlier one. The outbox
numbers what is told; who changes a family holds its lock until the commit, so within a family numbers follow what
happened. One publisher at a time moves them on, and its turn ends with its commit.
"""

from sqlmodel import Session

from api.domain.documents import load

PUBLISH = load("publish.sql")
TURN = "SELECT pg_try_advisory_xact_lock(7375503)"


def publish_some(session: Session, limit: int) -> int:
    """Publish up to so many events; gives how many there were. None if another publisher has its turn."""
    connection = session.connection()
    if not connection.exec_driver_sql(TURN).scalar_one():
        return 0
    published = connection.exec_driver_sql(PUBLISH, {"limit": limit}).rowcount
    session.commit()
    return published
