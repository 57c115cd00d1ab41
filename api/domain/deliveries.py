"""Deliveries: what is to be sent by which subscription, in which order, and what came of it.

Invariants: nothing is lost (what isn't done is waiting, whoever was at it and stopped), and within a line nothing is
sent while something before it is waiting. Whoever delivers claims a line for a while; a claim that isn't kept up is
anybody's. Several may send the same thing then, under the same id, but nobody goes on after a claim that was lost.

Runs as the worker, for every organisation. Deliveries are bookkeeping; what happens to a subscription is told.
"""

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlmodel import Session

from api.domain import subscriptions
from api.domain.actor import CLOCK, Actor, Role
from api.domain.codes import DeliveryKind, DeliveryReason, DeliveryState, SubscriptionDisabling
from api.domain.models import Subscription
from api.domain.vault import Vault
from api.domain.work import Work

LEASE = timedelta(seconds=30)
"""How long a claim lasts. More than an attempt can take, so that nobody sends beside whoever is at it."""
TRIES_FOR = timedelta(days=3)
CHALLENGES_FOR = timedelta(days=1)
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 8 * 3600.0
LONGEST_SILENCE = 6 * 3600.0
"""Seconds that a receiver can ask to be left alone at most."""

CLAIM = """
WITH due AS (
  SELECT found.* FROM subscription s
  CROSS JOIN LATERAL (
    SELECT subscription_id, line FROM delivery_line l
    WHERE l.subscription_id = s.id AND l.due_at <= statement_timestamp()
      AND (s.state = 'active' OR l.line = 'challenge')
    ORDER BY l.due_at LIMIT %(each)s FOR UPDATE SKIP LOCKED
  ) AS found
  WHERE s.state IN ('active', 'unverified') AND coalesce(s.not_before, '-infinity') <= statement_timestamp()
    AND s.id <> ALL (%(busy)s::uuid[])
  ORDER BY random() LIMIT %(limit)s
)
UPDATE delivery_line l SET claim = gen_random_uuid(), due_at = statement_timestamp() + %(lease)s
FROM due WHERE l.subscription_id = due.subscription_id AND l.line = due.line
RETURNING l.subscription_id, l.line, l.claim
"""

COLUMNS = (
    *("id", "kind", "event_id", "type", "position", "attempts", "first_attempt_at", "made_at", "family_id"),
    *("published", "subscription_id", "url", "challenge", "failing", "maker_active", "key_ids", "keys"),
)
MAKER = ("role", "subject", "issuer", "via", "agency_id", "municipality_code")
HEAD = """
SELECT d.id, d.kind, d.event_id, d.type, d.position, d.attempts, d.first_attempt_at, d.made_at, p.family_id,
       p.position IS NOT NULL, s.id, s.url, s.challenge, s.failing_since IS NOT NULL,
       coalesce(a.active, true) AND coalesce(c.active, true),
       ARRAY(SELECT k.id FROM subscription_key k WHERE k.subscription_id = s.id ORDER BY k.added_at, k.id),
       ARRAY(SELECT k.private_key_sealed FROM subscription_key k WHERE k.subscription_id = s.id
             ORDER BY k.added_at, k.id),
       s.role, s.subject, s.issuer, s.via, s.agency_id, s.municipality_code
FROM delivery d JOIN subscription s ON s.id = d.subscription_id
LEFT JOIN published_event p ON p.position = d.position
LEFT JOIN agency a ON a.id = s.agency_id
LEFT JOIN client c ON c.id = s.subject AND c.agency_id = s.agency_id
WHERE d.subscription_id = %(subscription_id)s AND d.line = %(line)s AND d.state = 'waiting'
  AND (s.state = 'active' OR (s.state = 'unverified' AND d.kind = 'challenge')) {more}
ORDER BY d.position, d.id LIMIT 1
"""
FIRST = HEAD.format(more="")
"""The columns of a `Head`, and then those of its maker."""
GO_ON = f"""
WITH kept AS (
  UPDATE delivery_line SET due_at = statement_timestamp() + %(lease)s
  WHERE subscription_id = %(subscription_id)s AND line = %(line)s AND claim = %(claim)s RETURNING line
),
noted AS (
  INSERT INTO delivery_attempt (delivery_id, at, milliseconds, status, trace_id)
  SELECT id, statement_timestamp(), %(milliseconds)s, %(status)s, %(trace_id)s FROM delivery WHERE id = %(id)s
),
settled AS (
  UPDATE delivery SET state = 'delivered', attempts = attempts + 1, sent_at = statement_timestamp(),
    first_attempt_at = coalesce(first_attempt_at, statement_timestamp()), done_at = statement_timestamp()
  WHERE id = %(id)s AND EXISTS (SELECT FROM kept)
)
SELECT following.* FROM (VALUES (1)) AS always LEFT JOIN (
  {HEAD.format(more="AND d.id <> %(id)s AND EXISTS (SELECT FROM kept)")}
) AS following ON true
"""
"""What most often happens, in one round trip: it was received, and here is the next. That none is seen doesn't say that
there is none: who is done with a line looks again, when nobody can add to it (`let_go`)."""

KEPT = """SELECT clock_timestamp() FROM delivery_line
 WHERE subscription_id = %(subscription_id)s AND line = %(line)s AND claim = %(claim)s FOR UPDATE"""
RENEW = """UPDATE delivery_line SET due_at = statement_timestamp() + %(lease)s
 WHERE subscription_id = %(subscription_id)s AND line = %(line)s AND claim = %(claim)s"""
LET_GO = """UPDATE delivery_line SET claim = NULL, due_at = statement_timestamp() + %(pause)s
 WHERE subscription_id = %(subscription_id)s AND line = %(line)s AND claim = %(claim)s"""
EMPTY = """DELETE FROM delivery_line l
 WHERE subscription_id = %(subscription_id)s AND line = %(line)s AND claim = %(claim)s AND NOT EXISTS (
   SELECT FROM delivery d
   WHERE d.subscription_id = l.subscription_id AND d.line = l.line AND d.state = 'waiting')"""

NOTE = """INSERT INTO delivery_attempt (delivery_id, at, milliseconds, status, reason, trace_id)
 SELECT id, statement_timestamp(), %(milliseconds)s, %(status)s, %(reason)s, %(trace_id)s
 FROM delivery WHERE id = %(id)s"""
SETTLE = """UPDATE delivery SET state = %(state)s, attempts = attempts + 1,
  first_attempt_at = coalesce(first_attempt_at, statement_timestamp()),
  sent_at = CASE WHEN %(sent)s THEN statement_timestamp() ELSE sent_at END,
  done_at = CASE WHEN %(done)s THEN statement_timestamp() END
 WHERE id = %(id)s"""

REACHED = "UPDATE subscription SET failing_since = NULL WHERE id = %(id)s AND failing_since IS NOT NULL"
MISSED = """UPDATE subscription SET failing_since = coalesce(failing_since, statement_timestamp()),
  not_before = coalesce(%(not_before)s::timestamptz, not_before) WHERE id = %(id)s"""


@dataclass(frozen=True)
class Claim:
    """A line that is somebody's to deliver."""

    subscription_id: UUID
    line: str
    claim: UUID


@dataclass(frozen=True)
class Head:
    """What is first in a line, where it goes, and by whose eyes it is looked at."""

    id: int
    kind: DeliveryKind
    event_id: UUID
    type: str
    position: int
    attempts: int
    first_attempt_at: datetime | None
    made_at: datetime
    subscription_id: UUID
    family_id: UUID | None
    published: bool
    """Whether the event is still there."""
    url: str
    challenge: str
    failing: bool
    actor: Actor
    maker_active: bool
    keys: tuple[tuple[UUID, bytes], ...]

    @property
    def is_plain(self) -> bool:
        """Whether nothing follows from its being received but that the next one has its turn."""
        return self.kind is not DeliveryKind.CHALLENGE and not self.failing


@dataclass(frozen=True)
class Outcome:
    """What came of an attempt."""

    trace_id: str
    reason: DeliveryReason | None = None
    status: int | None = None
    milliseconds: int = 0
    retry_after: float | None = None
    maker_inactive: bool = False

    @property
    def received(self) -> bool:
        return self.reason is None

    @property
    def withheld(self) -> bool:
        return self.reason is DeliveryReason.NOT_VISIBLE and not self.maker_inactive


@dataclass(frozen=True)
class Patience:
    """How long is waited for what."""

    lease: timedelta = LEASE
    first_pause: float = FIRST_PAUSE


def claim(session: Session, limit: int, each: int, busy: Collection[UUID], patience: Patience) -> list[Claim]:
    """Claim lines that are due, of no subscription more than `each`, and none of those that are `busy`."""
    values = {"limit": limit, "each": each, "busy": list(busy), "lease": patience.lease}
    rows = session.connection().exec_driver_sql(CLAIM, values).all()
    session.commit()
    return [Claim(*row) for row in rows]


def head(session: Session, mine: Claim) -> Head | None:
    """What is first in the line; None if nothing is, or nothing may be delivered by the subscription now."""
    row = session.connection().exec_driver_sql(FIRST, vars(mine)).first()
    return head_of(row) if row is not None else None


def head_of(row: Sequence[Any]) -> Head | None:
    """What `FIRST` and `GO_ON` give."""
    known, maker = dict(zip(COLUMNS, row, strict=False)), dict(zip(MAKER, row[len(COLUMNS) :], strict=True))
    if known["id"] is None:
        return None
    keys = tuple(zip(known.pop("key_ids"), map(bytes, known.pop("keys")), strict=True))
    kind, role = DeliveryKind(known.pop("kind")), Role(maker.pop("role"))
    return Head(**known, kind=kind, actor=Actor(role=role, **maker), keys=keys)


def let_go(session: Session, mine: Claim, pause: float = 0) -> None:
    """Give a line back: it is gone if nothing is waiting in it."""
    _execute(session, KEPT, vars(mine))
    _execute(session, EMPTY, vars(mine))
    _execute(session, LET_GO, vars(mine) | {"pause": timedelta(seconds=pause)})
    session.commit()


def settle(
    session: Session, vault: Vault, mine: Claim, sent: Head, outcome: Outcome, patience: Patience
) -> Head | None:
    """Write down what came of an attempt; gives what is to be sent next, unless the line has to wait."""
    subscription = None
    if not outcome.received or not sent.is_plain:
        subscription = session.get(Subscription, sent.subscription_id, with_for_update={"key_share": True})
    _execute(session, NOTE, vars(outcome) | {"id": sent.id})
    now = session.connection().exec_driver_sql(KEPT, vars(mine)).scalar()
    if now is None:  # somebody else goes on with it
        session.commit()
        return None
    state = _state(sent, outcome, now)
    left = not outcome.withheld and not outcome.maker_inactive
    done = state is not DeliveryState.WAITING
    _execute(session, SETTLE, {"id": sent.id, "state": state, "sent": left, "done": done})
    if subscription is not None:
        _follow(Work(session, CLOCK, now, vault), subscription, sent, outcome)
        session.flush()
    return _next(session, mine, sent, state, outcome, patience)


def _next(
    session: Session, mine: Claim, sent: Head, state: DeliveryState, outcome: Outcome, patience: Patience
) -> Head | None:
    following = head(session, mine) if state is not DeliveryState.WAITING else None
    if following is None:
        waits = state is DeliveryState.WAITING and not outcome.maker_inactive
        let_go(session, mine, pause_after(sent.attempts + 1, patience) if waits else 0)
        return None
    _execute(session, RENEW, vars(mine) | {"lease": patience.lease})
    session.commit()
    return following


def pause_after(attempts: int, patience: Patience) -> float:
    """Seconds until the next attempt: longer each time, and never quite the same."""
    longest: float = min(LONGEST_PAUSE, patience.first_pause * 4.0 ** min(attempts - 1, 20))
    return longest * random.uniform(0.5, 1)  # noqa: S311 - so that not all come back at once


def _state(sent: Head, outcome: Outcome, now: datetime) -> DeliveryState:
    if outcome.received:
        return DeliveryState.DELIVERED
    if outcome.withheld:
        return DeliveryState.WITHHELD
    tries_for = CHALLENGES_FOR if sent.kind is DeliveryKind.CHALLENGE else TRIES_FOR
    over = sent.first_attempt_at is not None and now - sent.first_attempt_at >= tries_for
    return DeliveryState.GIVEN_UP if over else DeliveryState.WAITING


def _follow(work: Work, subscription: Subscription, sent: Head, outcome: Outcome) -> None:
    """What an attempt means for its subscription."""
    if outcome.withheld:
        return
    if outcome.received:
        if sent.kind is DeliveryKind.CHALLENGE and subscription.challenge == sent.challenge:
            subscriptions.verified(work, subscription)
        _execute(work.session, REACHED, {"id": subscription.id})
    elif outcome.maker_inactive:
        subscriptions.disable(work, subscription, SubscriptionDisabling.MAKER_INACTIVE)
    elif outcome.reason is DeliveryReason.GONE:
        subscriptions.disable(work, subscription, SubscriptionDisabling.GONE)
    elif work.at - (subscription.failing_since or work.at) >= TRIES_FOR:
        subscriptions.disable(work, subscription, SubscriptionDisabling.UNREACHABLE)
    else:
        _execute(work.session, MISSED, {"id": subscription.id, "not_before": _silence(work, outcome)})


def _silence(work: Work, outcome: Outcome) -> datetime | None:
    """Until when the receiver wants to be left alone, within reason."""
    if outcome.retry_after is None:
        return None
    return work.at + timedelta(seconds=min(max(outcome.retry_after, 1.0), LONGEST_SILENCE))


def _execute(session: Session, statement: str, values: dict[str, Any]) -> int:
    return session.connection().exec_driver_sql(statement, values).rowcount
