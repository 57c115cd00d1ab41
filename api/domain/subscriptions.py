"""Subscriptions: where an organisation is told of what happens, by whose eyes, and with which keys that is signed.

Invariants: a subscription belongs to the organisation that made it, and is there for nobody else. Nothing but a
challenge is sent to an address that hasn't given its challenge back. It tells what its maker may know, never more.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, and_, func
from sqlmodel import col, select

from api.domain import signatures
from api.domain.actor import Actor
from api.domain.codes import DeliveryKind, DeliveryState, EventType, SubscriptionDisabling, SubscriptionState
from api.domain.errors import Conflict, Invalid, NotFound
from api.domain.event_catalogue import PLURALS, PREFIX, matching
from api.domain.models import Delivery, DeliveryAttempt, Subscription, SubscriptionKey
from api.domain.vault import Place
from api.domain.work import Work

MISSING = "There is no such subscription, or it is another organisation's."
NO_KEY = "This subscription has no such signing key."
NO_DELIVERY = "This subscription has delivered no such event."
MOST, MOST_KEYS = 20, 2
CHALLENGES, TESTS = "challenge", "test"
"""The lines, beside those of families, in which these are delivered."""
MAKE_DUE = """
INSERT INTO delivery_line (subscription_id, line, due_at) VALUES (%(subscription_id)s, %(line)s, statement_timestamp())
ON CONFLICT (subscription_id, line) DO UPDATE
SET due_at = CASE WHEN delivery_line.claim IS NULL THEN excluded.due_at ELSE delivery_line.due_at END
"""
CHALLENGE, TEST = (f"{PREFIX}.{PLURALS['subscription']}.{what}" for what in ("challenge", "test"))


def owned_by(actor: Actor) -> ColumnElement[bool]:
    """Whether a subscription is of the organisation that this actor speaks for."""
    mine = (
        col(Subscription.agency_id) == actor.agency_id
        if actor.agency_id
        else col(Subscription.municipality_code) == actor.municipality_code
    )
    return and_(col(Subscription.role) == actor.role, mine)


def known(work: Work, after: UUID | None, limit: int) -> Sequence[Subscription]:
    """The subscriptions of the actor's organisation, in order of id; one more than the limit if there are."""
    found = select(Subscription).where(owned_by(work.actor), col(Subscription.id) > (after or UUID(int=0)))
    return work.session.exec(found.order_by(col(Subscription.id)).limit(limit + 1)).all()


def get(work: Work, subscription_id: UUID, *, to_change: bool = False) -> Subscription:
    found = select(Subscription).where(owned_by(work.actor), Subscription.id == subscription_id)
    subscription = work.session.exec(found.with_for_update(key_share=True) if to_change else found).first()
    if subscription is None:
        raise NotFound(MISSING)
    return subscription


def make(work: Work, url: str, types: Sequence[str], family_ids: Sequence[UUID]) -> Subscription:
    """Ask to be told, from now on, at an address: as soon as that has given its challenge back."""
    _check_types(types)
    if len(known(work, None, MOST)) >= MOST:
        raise Conflict(f"An organisation has {MOST} subscriptions at most.", code="too_many_subscriptions")
    subscription = Subscription(
        **_maker(work.actor),
        url=url,
        types=list(types),
        family_ids=[str(one) for one in family_ids],
        challenge=_new_challenge(),
        made_at=work.at,
        position=published_until(work),
    )
    work.add(subscription)
    work.tell(EventType.SUBSCRIPTION_MADE, subscription)
    work.session.flush()
    _new_key(work, subscription)
    _deliver(work, subscription, DeliveryKind.CHALLENGE, CHALLENGES, CHALLENGE)
    return subscription


def change(
    work: Work,
    subscription: Subscription,
    *,
    url: str | None = None,
    types: Sequence[str] | None = None,
    family_ids: Sequence[UUID] | None = None,
) -> Subscription:
    """Change where it delivers, or what: what isn't given stays. Another address is verified first."""
    if types is not None:
        _check_types(types)
        subscription.types = list(types)
    if family_ids is not None:
        subscription.family_ids = [str(one) for one in family_ids]
    work.tell(EventType.SUBSCRIPTION_CHANGED, subscription)
    if url is not None and url != subscription.url:
        subscription.url = url
        challenge(work, subscription)
    return subscription


def remove(work: Work, subscription: Subscription) -> None:
    """Deliver nothing any more, and keep nothing of it but that it was there."""
    work.tell(EventType.SUBSCRIPTION_REMOVED, subscription)
    work.session.delete(subscription)


def challenge(work: Work, subscription: Subscription) -> Subscription:
    """Verify the address (anew), in the name of who asks for it now. Until it is, nothing else is delivered."""
    for name, value in _maker(work.actor).items():
        setattr(subscription, name, value)
    subscription.state, subscription.disabled_reason = SubscriptionState.UNVERIFIED, None
    subscription.challenge = _new_challenge()
    subscription.verified_at = subscription.failing_since = subscription.not_before = None
    work.tell(EventType.SUBSCRIPTION_CHALLENGED, subscription)
    for earlier in _undelivered(work, subscription, DeliveryKind.CHALLENGE):
        earlier.state, earlier.done_at = DeliveryState.GIVEN_UP, work.at
    _deliver(work, subscription, DeliveryKind.CHALLENGE, CHALLENGES, CHALLENGE)
    return subscription


def test(work: Work, subscription: Subscription) -> Delivery:
    """Deliver an event that tells nothing, to see whether it arrives."""
    _must_be(subscription, SubscriptionState.ACTIVE)
    work.tell(EventType.SUBSCRIPTION_TESTED, subscription)
    return _deliver(work, subscription, DeliveryKind.TEST, TESTS, TEST)


def pause(work: Work, subscription: Subscription) -> Subscription:
    """Deliver nothing until it is resumed; then everything since."""
    _must_be(subscription, SubscriptionState.ACTIVE)
    subscription.state = SubscriptionState.PAUSED
    work.tell(EventType.SUBSCRIPTION_PAUSED, subscription)
    return subscription


def resume(work: Work, subscription: Subscription) -> Subscription:
    """Deliver again, from where it was paused."""
    _must_be(subscription, SubscriptionState.PAUSED)
    subscription.state = SubscriptionState.ACTIVE
    subscription.failing_since = subscription.not_before = None
    work.tell(EventType.SUBSCRIPTION_RESUMED, subscription)
    return subscription


def disable(work: Work, subscription: Subscription, reason: SubscriptionDisabling) -> None:
    """Deliver nothing any more, until the address is verified anew."""
    subscription.state, subscription.disabled_reason = SubscriptionState.DISABLED, reason
    subscription.failing_since = subscription.not_before = None
    work.tell(EventType.SUBSCRIPTION_DISABLED, subscription, reason=reason)


def verified(work: Work, subscription: Subscription) -> None:
    """The address gave its challenge back."""
    subscription.state, subscription.verified_at = SubscriptionState.ACTIVE, work.at
    work.tell(EventType.SUBSCRIPTION_VERIFIED, subscription)


# Once more


def replay_one(work: Work, subscription: Subscription, event_id: UUID) -> None:
    """Deliver one event once more, under the same id."""
    of_event = select(Delivery).where(Delivery.subscription_id == subscription.id, Delivery.event_id == event_id)
    delivery = work.session.exec(of_event.where(Delivery.kind == DeliveryKind.EVENT).with_for_update()).first()
    if delivery is None:
        raise NotFound(NO_DELIVERY)
    delivery.state, delivery.attempts = DeliveryState.WAITING, 0
    delivery.first_attempt_at = delivery.done_at = None
    _make_due(work, subscription, delivery.line)
    work.tell(EventType.SUBSCRIPTION_REPLAYED, subscription)


def replay_range(work: Work, subscription: Subscription, since: datetime, until: datetime | None) -> None:
    """Deliver once more what was published between two instants, as far as its owner may know of it by now."""
    if subscription.replay_upto is not None:
        raise Conflict("A replay is under way. Wait until it is done.", code="replay_under_way")
    if until is not None and until <= since:
        raise Invalid("A replay ends after it begins.", field="until")
    upto = min(published_until(work), place_of(until)) if until else published_until(work)
    subscription.replay_after, subscription.replay_upto = place_of(since), upto
    work.tell(EventType.SUBSCRIPTION_REPLAYED, subscription)


def place_of(instant: datetime) -> int:
    """The place that an event has which was published at this instant."""
    return int(instant.timestamp() * 1_000_000)


def published_until(work: Work) -> int:
    """The last place there is."""
    last: int = work.session.execute(select(func.spil_published_until())).scalar_one()
    return last


# Signing keys


def keys_of(work: Work, subscription: Subscription) -> Sequence[SubscriptionKey]:
    """The keys that sign, the oldest first."""
    found = select(SubscriptionKey).where(SubscriptionKey.subscription_id == subscription.id)
    return work.session.exec(found.order_by(col(SubscriptionKey.added_at), col(SubscriptionKey.id))).all()


def add_key(work: Work, subscription: Subscription) -> SubscriptionKey:
    """Let a second key sign beside the first, until the receiver knows it."""
    if len(keys_of(work, subscription)) >= MOST_KEYS:
        raise Conflict(f"A subscription has {MOST_KEYS} signing keys at most. Remove one first.", code="too_many_keys")
    work.tell(EventType.SUBSCRIPTION_KEY_ADDED, subscription)
    return _new_key(work, subscription)


def remove_key(work: Work, subscription: Subscription, key: SubscriptionKey) -> None:
    """Sign with this key no more."""
    if len(keys_of(work, subscription)) == 1:
        raise Conflict("Something has to sign. Add another key first.", code="last_key")
    work.tell(EventType.SUBSCRIPTION_KEY_REMOVED, subscription)
    work.session.delete(key)


def sealed_at(key_id: UUID) -> Place:
    return Place("subscription_key", "private_key_sealed", (str(key_id),))


def _new_key(work: Work, subscription: Subscription) -> SubscriptionKey:
    pair, key_id = signatures.new_pair(), uuid4()
    key = SubscriptionKey(
        id=key_id,
        subscription_id=subscription.id,
        public_key=pair.public,
        private_key_sealed=work.vault.seal(pair.private, bound_to=sealed_at(key_id)),
        added_at=work.at,
    )
    work.add(key)
    return key


# Deliveries


def deliveries(
    work: Work, subscription: Subscription, state: DeliveryState | None, before: int | None, limit: int
) -> Sequence[Delivery]:
    """What was or is to be delivered, the latest first; one more than the limit if there are."""
    found = select(Delivery).where(Delivery.subscription_id == subscription.id)
    if state:
        found = found.where(Delivery.state == state)
    if before:
        found = found.where(col(Delivery.id) < before)
    return work.session.exec(found.order_by(col(Delivery.id).desc()).limit(limit + 1)).all()


def attempts_of(work: Work, some: Sequence[Delivery]) -> dict[int, list[DeliveryAttempt]]:
    """The attempts at some deliveries, by delivery, the oldest first."""
    found = select(DeliveryAttempt).where(col(DeliveryAttempt.delivery_id).in_([one.id for one in some]))
    by_delivery: dict[int, list[DeliveryAttempt]] = {}
    for attempt in work.session.exec(found.order_by(col(DeliveryAttempt.id))):
        by_delivery.setdefault(attempt.delivery_id, []).append(attempt)
    return by_delivery


def _deliver(work: Work, subscription: Subscription, kind: DeliveryKind, line: str, name: str) -> Delivery:
    delivery = Delivery(subscription_id=subscription.id, kind=kind, type=name, line=line, made_at=work.at)
    work.add(delivery)
    _make_due(work, subscription, line)
    return delivery


def _make_due(work: Work, subscription: Subscription, line: str) -> None:
    """Have a line looked at now, unless somebody does so already: then they will find what is new."""
    work.session.flush()
    values = {"subscription_id": subscription.id, "line": line}
    work.session.connection().exec_driver_sql(MAKE_DUE, values)


def _undelivered(work: Work, subscription: Subscription, kind: DeliveryKind) -> Sequence[Delivery]:
    waiting = (Delivery.kind == kind, Delivery.state == DeliveryState.WAITING)
    return work.session.exec(select(Delivery).where(Delivery.subscription_id == subscription.id, *waiting)).all()


def _maker(actor: Actor) -> dict[str, Any]:
    names = ("role", "agency_id", "municipality_code", "subject", "issuer", "via")
    return {name: getattr(actor, name) for name in names} | {"role": str(actor.role)}


def _new_challenge() -> str:
    return secrets.token_urlsafe(32)


def _must_be(subscription: Subscription, state: SubscriptionState) -> None:
    if subscription.state != state:
        raise Conflict(f"This subscription is {subscription.state}, not {state}.", code=f"subscription_not_{state}")


def _check_types(types: Sequence[str]) -> None:
    """Refuse what no event is ever called: nobody would notice that nothing came."""
    if not all(matching(one) for one in types):
        raise Invalid("There is no such type of event. The catalogue lists them.", field="types")
