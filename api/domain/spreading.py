"""Spreading: what of all that was published is to be delivered by which subscription.

Invariant: each subscription goes through the events in their one order, and remembers how far it was. One worker at a
time looks for it; what it found and how far that was commit together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import Session

from api.domain.actor import Actor, Role

BEHIND = """
SELECT s.id FROM subscription s WHERE s.state = 'active'
  AND (s.position < spil_published_until() OR s.replay_upto IS NOT NULL) ORDER BY random()
"""
LOOK = """
SELECT id, role, subject, issuer, via, agency_id, municipality_code, types, family_ids,
       position, replay_after, replay_upto, spil_published_until() AS upto
FROM subscription WHERE id = %(id)s AND state = 'active' FOR NO KEY UPDATE SKIP LOCKED
"""
LOOKED = "UPDATE subscription SET position = %(upto)s WHERE id = %(id)s"
LOOKED_AGAIN = """UPDATE subscription SET replay_after = CASE WHEN NOT %(over)s THEN %(upto)s END,
  replay_upto = CASE WHEN NOT %(over)s THEN replay_upto END WHERE id = %(id)s"""
SPREAD = """
WITH made AS (
  INSERT INTO delivery (subscription_id, kind, event_id, type, position, line, state, attempts, made_at)
  SELECT %(subscription_id)s, 'event', p.event_id, %(names)s::jsonb ->> p.type, p.position, p.line, 'waiting', 0,
         statement_timestamp()
  FROM published_event p WHERE p.position = ANY (%(positions)s::bigint[]) ORDER BY p.position
  ON CONFLICT (subscription_id, event_id) DO UPDATE
    SET state = 'waiting', attempts = 0, first_attempt_at = NULL, done_at = NULL WHERE %(again)s
  RETURNING line
)
INSERT INTO delivery_line (subscription_id, line, due_at)
SELECT DISTINCT %(subscription_id)s::uuid, line, statement_timestamp() FROM made ORDER BY line
ON CONFLICT (subscription_id, line) DO UPDATE SET line = excluded.line
"""
"""A line that is there already stays due when it was; it is touched, so that nobody who is just done with it misses
what is new."""


@dataclass(frozen=True)
class Look:
    """Where a subscription is to look on, and by whose eyes."""

    subscription_id: UUID
    actor: Actor
    after: int
    upto: int
    types: tuple[str, ...]
    family_ids: frozenset[str]
    again: bool


def behind(session: Session) -> Sequence[UUID]:
    """The subscriptions for which there may be something new, in no order."""
    return session.connection().exec_driver_sql(BEHIND).scalars().all()


def spread(
    session: Session, subscription_id: UUID, positions: Sequence[int], names: str, *, again: bool = False
) -> None:
    """Have the events at these places delivered; with `again` also those that were delivered before."""
    values = {"subscription_id": subscription_id, "positions": list(positions), "names": names, "again": again}
    session.connection().exec_driver_sql(SPREAD, values)


def look(session: Session, subscription_id: UUID) -> Look | None:
    """Take up a subscription, unless somebody else has: what is to be delivered once more comes first."""
    row = session.connection().exec_driver_sql(LOOK, {"id": subscription_id}).first()
    if row is None:
        return None
    names = ("subject", "issuer", "via", "agency_id", "municipality_code")
    actor = Actor(role=Role(row.role), **{name: getattr(row, name) for name in names})
    again = row.replay_upto is not None
    after, upto = (row.replay_after, row.replay_upto) if again else (row.position, row.upto)
    return Look(row.id, actor, after, upto, tuple(row.types), frozenset(row.family_ids), again)


def looked(session: Session, mine: Look, upto: int) -> None:
    """Remember how far it was looked."""
    over = mine.again and upto >= mine.upto
    values = {"id": mine.subscription_id, "upto": upto, "over": over}
    session.connection().exec_driver_sql(LOOKED_AGAIN if mine.again else LOOKED, values)
