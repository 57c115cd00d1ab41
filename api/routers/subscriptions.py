"""Subscriptions: where an organisation's system is told of events, and what became of each delivery."""

import re
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Query
from pydantic import MISSING, AfterValidator, Field, StringConstraints

from api.auth.calls import Call
from api.auth.guards import Routes
from api.auth.policy import Permission
from api.domain import bsn, subscriptions
from api.domain.addresses import LONGEST_URL, check_url
from api.domain.codes import DeliveryKind, DeliveryReason, DeliveryState, SubscriptionDisabling, SubscriptionState
from api.domain.errors import Invalid, NotFound
from api.domain.models import Delivery, DeliveryAttempt, Subscription, SubscriptionKey
from api.paging import Cursor, Limit, Page, decode, encode, page
from api.shapes import Body, Id, Moment, Out

routes = Routes("Subscriptions")

SubscriptionId = Annotated[Id, Path(alias="subscriptionId")]
SigningKeyId = Annotated[Id, Path(alias="signingKeyId")]


def _without_bsn(url: str) -> str:
    if bsn.is_in(re.sub(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", "", url)):
        raise ValueError("Leave the BSN out: this is stored and shown in the clear.")
    return url


Url = Annotated[
    str,
    StringConstraints(max_length=LONGEST_URL, pattern=r"^https?://[!-~]+$"),
    AfterValidator(_without_bsn),
    Field(
        description="Where deliveries are posted: https, a name or address that everybody on the internet can reach, "
        "no user name and no fragment. Redirects aren't followed.",
        examples=["https://example.nl/spil"],
    ),
]
Type = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z_]{1,40}[.](\*|[a-z_]{1,40})$"),
    Field(examples=["contact_point.assigned"]),
]
Types = Annotated[
    list[Type],
    Field(
        max_length=100,
        description="Types as in the catalogue, such as `mandate.granted`, or `involvement.*`. None: all.",
    ),
]
FamilyIds = Annotated[
    list[Id],
    Field(
        max_length=1000,
        description="Only what is about these families. It only leaves out: what you may not know of isn't delivered, "
        "whatever is named here, and nobody looks whether there is such a family.",
    ),
]


class SubscriptionMaking(Body):
    """Where to deliver, and what."""

    url: Url
    types: Types = Field(default=[])
    family_ids: FamilyIds = Field(default=[])


class SubscriptionChange(Body):
    """What changes. Another address is verified before anything is sent there."""

    url: Url | MISSING = MISSING
    types: Types | MISSING = MISSING
    family_ids: FamilyIds | MISSING = MISSING


class Replay(Body):
    """Which deliveries are made once more: of one event, or of what was published between two instants."""

    event_id: Id | None = Field(default=None, description="An event that was delivered, or was to be.")
    since: Moment | None = Field(default=None, description="What was published from this instant on.")
    until: Moment | None = Field(
        default=None, description="What was published up to this instant; without it: until now."
    )


class SigningKeyOut(Out):
    """A key that signs what is delivered. Verify with `publicKey`: Ed25519, `whpk_` and 32 bytes in base64."""

    id: UUID
    public_key: str = Field(examples=["whpk_3ZbQ0Jq1v0cG0Jm3iW9yq0x8mCw1q5m2n4k7r9t0u1w="])
    added_at: Moment


class SubscriptionOut(Out):
    """Where an organisation is told of events. `disabledReason`: why Spil itself delivers nothing any more."""

    id: UUID
    url: str
    types: list[str]
    family_ids: list[UUID]
    state: SubscriptionState
    disabled_reason: SubscriptionDisabling | None
    made_at: Moment
    verified_at: Moment | None
    signing_keys: list[SigningKeyOut]


class AttemptOut(Out):
    """One attempt to deliver. `status`: of the answer, if there was one. `reason`: why it doesn't count as received."""

    at: Moment
    milliseconds: int
    status: int | None
    reason: DeliveryReason | None


class DeliveryOut(Out):
    """What was, or is to be, delivered. `eventId` is its `webhook-id`. `type` is null until it has left."""

    kind: DeliveryKind
    event_id: UUID
    type: str | None
    state: DeliveryState
    made_at: Moment
    done_at: Moment | None
    attempts: list[AttemptOut]


def _out(call: Call, subscription: Subscription) -> SubscriptionOut:
    keys = [SigningKeyOut.of(key) for key in subscriptions.keys_of(call.work, subscription)]
    return SubscriptionOut.of(subscription, signing_keys=keys)


def _of(delivery: Delivery, attempts: list[DeliveryAttempt]) -> DeliveryOut:
    """What never left tells nothing of what it is: whom it goes to may no longer know of it."""
    known = delivery.type if delivery.sent_at or delivery.kind is not DeliveryKind.EVENT else None
    return DeliveryOut.of(delivery, type=known, attempts=[AttemptOut.of(one) for one in attempts])


def _to_change(call: Call, subscription_id: UUID) -> Subscription:
    return subscriptions.get(call.work, subscription_id, to_change=True)


def _check(call: Call, url: str) -> None:
    check_url(url, call.request.app.state.settings.receivers)


@routes.get("/subscriptions", Permission.SUBSCRIPTION_READ)
def list_subscriptions(call: Call, cursor: Cursor = None, limit: Limit = 50) -> Page[SubscriptionOut]:
    """List the subscriptions of your organisation."""
    after = decode(cursor, UUID)
    found = subscriptions.known(call.work, after[0] if after else None, limit)
    items = [_out(call, one) for one in found]
    return page(items, limit, SubscriptionOut, lambda one: (one.id,))


@routes.post("/subscriptions", Permission.SUBSCRIPTION_MANAGE, status=201, location="/subscriptions/{id}")
def make_subscription(call: Call, body: SubscriptionMaking) -> SubscriptionOut:
    """Ask to be told of events, from now on, at an address of yours.

    First a challenge is posted there: a signed event of type `nl.spil.subscriptions.challenge`. Answer it with 2xx and
    JSON `{"challenge": "<data.challenge of that event>"}`; then the subscription is `active` and what happens is
    delivered. Each delivery is a CloudEvent in JSON, signed as Standard Webhooks say, with the keys in `signingKeys`.
    You get what your organisation may know of at that moment, and nothing else. `url_refused`: nothing can be delivered
    to such an address. 409 `too_many_subscriptions`: remove one first.
    """
    _check(call, body.url)
    return _out(call, subscriptions.make(call.work, body.url, body.types, body.family_ids))


@routes.get("/subscriptions/{subscriptionId}", Permission.SUBSCRIPTION_READ)
def get_subscription(call: Call, subscription_id: SubscriptionId) -> SubscriptionOut:
    """Get a subscription of your organisation, with the keys to verify its deliveries with."""
    return _out(call, subscriptions.get(call.work, subscription_id))


@routes.patch("/subscriptions/{subscriptionId}", Permission.SUBSCRIPTION_MANAGE)
def change_subscription(call: Call, subscription_id: SubscriptionId, body: SubscriptionChange) -> SubscriptionOut:
    """Change where a subscription delivers, or what: what the body leaves out stays as it is.

    Another address is `unverified` until it has answered its challenge; what happens meanwhile is delivered then.
    """
    subscription = _to_change(call, subscription_id)
    given: dict[str, Any] = body.given()
    if "url" in given:
        _check(call, given["url"])
    return _out(call, subscriptions.change(call.work, subscription, **given))


@routes.delete("/subscriptions/{subscriptionId}", Permission.SUBSCRIPTION_MANAGE)
def remove_subscription(call: Call, subscription_id: SubscriptionId) -> None:
    """Remove a subscription, with its keys and the log of its deliveries. Nothing is delivered any more."""
    subscriptions.remove(call.work, _to_change(call, subscription_id))


@routes.post("/subscriptions/{subscriptionId}/_verify", Permission.SUBSCRIPTION_MANAGE)
def verify_subscription(call: Call, subscription_id: SubscriptionId) -> SubscriptionOut:
    """Send a new challenge: to an address that didn't answer, or to enable a disabled subscription again.

    From then on it is you in whose name it delivers. What happened meanwhile is delivered once it is answered.
    """
    return _out(call, subscriptions.challenge(call.work, _to_change(call, subscription_id)))


@routes.post("/subscriptions/{subscriptionId}/_test", Permission.SUBSCRIPTION_MANAGE)
def test_subscription(call: Call, subscription_id: SubscriptionId) -> DeliveryOut:
    """Deliver a test event, of type `nl.spil.subscriptions.test`. It tells nothing; its delivery is in the log."""
    return _of(subscriptions.test(call.work, _to_change(call, subscription_id)), [])


@routes.post("/subscriptions/{subscriptionId}/_pause", Permission.SUBSCRIPTION_MANAGE)
def pause_subscription(call: Call, subscription_id: SubscriptionId) -> SubscriptionOut:
    """Deliver nothing until the subscription is resumed. 409 `subscription_not_active` otherwise."""
    return _out(call, subscriptions.pause(call.work, _to_change(call, subscription_id)))


@routes.post("/subscriptions/{subscriptionId}/_resume", Permission.SUBSCRIPTION_MANAGE)
def resume_subscription(call: Call, subscription_id: SubscriptionId) -> SubscriptionOut:
    """Deliver again, beginning with what happened since it was paused and you may still know of."""
    return _out(call, subscriptions.resume(call.work, _to_change(call, subscription_id)))


@routes.post("/subscriptions/{subscriptionId}/_replay", Permission.SUBSCRIPTION_MANAGE)
def replay_deliveries(call: Call, subscription_id: SubscriptionId, body: Replay) -> SubscriptionOut:
    """Deliver once more: one event by its id, or what was published since an instant, until another one or now.

    Ids stay the same, so a receiver knows what it has had. Of a range everything is delivered that you may know of now,
    in order, what was never delivered too. 409 `replay_under_way`: one range at a time.
    """
    subscription = _to_change(call, subscription_id)
    if (body.event_id is None) is (body.since is None) or (body.event_id and body.until):
        raise Invalid("Give eventId, or since and perhaps until.", field="eventId")
    if body.event_id is not None:
        subscriptions.replay_one(call.work, subscription, body.event_id)
    elif body.since is not None:
        subscriptions.replay_range(call.work, subscription, body.since, body.until)
    return _out(call, subscription)


@routes.get("/subscriptions/{subscriptionId}/deliveries", Permission.SUBSCRIPTION_READ)
def list_deliveries(
    call: Call,
    subscription_id: SubscriptionId,
    state: Annotated[DeliveryState | None, Query(description="Only those in this state.")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[DeliveryOut]:
    """List what was, or is to be, delivered, the latest first, with every attempt. It is kept for thirty days."""
    subscription = subscriptions.get(call.work, subscription_id)
    before = decode(cursor, int)
    found = subscriptions.deliveries(call.work, subscription, state, before[0] if before else None, limit)
    attempts = subscriptions.attempts_of(call.work, found[:limit])
    items = [_of(one, attempts.get(one.id or 0, [])) for one in found[:limit]]
    following = encode([found[limit - 1].id]) if len(found) > limit else None
    return Page[DeliveryOut](items=items, next_cursor=following)


@routes.get("/subscriptions/{subscriptionId}/signing-keys", Permission.SUBSCRIPTION_READ)
def list_signing_keys(call: Call, subscription_id: SubscriptionId) -> Page[SigningKeyOut]:
    """List the keys that sign what a subscription delivers: one, or two while one follows the other."""
    keys = subscriptions.keys_of(call.work, subscriptions.get(call.work, subscription_id))
    return Page(items=[SigningKeyOut.of(one) for one in keys])


@routes.post(
    "/subscriptions/{subscriptionId}/signing-keys",
    Permission.SUBSCRIPTION_MANAGE,
    status=201,
    location="/subscriptions/{subscriptionId}/signing-keys/{id}",
)
def add_signing_key(call: Call, subscription_id: SubscriptionId) -> SigningKeyOut:
    """Let a second key, made here, sign beside the first.

    From then on each delivery has two signatures. Give the new public key to your receiver, then remove the old one.
    409 `too_many_keys`: there are two already.
    """
    return SigningKeyOut.of(subscriptions.add_key(call.work, _to_change(call, subscription_id)))


def _key(call: Call, subscription: Subscription, key_id: UUID) -> SubscriptionKey:
    found = next((one for one in subscriptions.keys_of(call.work, subscription) if one.id == key_id), None)
    if found is None:
        raise NotFound(subscriptions.NO_KEY)
    return found


@routes.get("/subscriptions/{subscriptionId}/signing-keys/{signingKeyId}", Permission.SUBSCRIPTION_READ)
def get_signing_key(call: Call, subscription_id: SubscriptionId, signing_key_id: SigningKeyId) -> SigningKeyOut:
    """Get a key that signs what a subscription delivers."""
    return SigningKeyOut.of(_key(call, subscriptions.get(call.work, subscription_id), signing_key_id))


@routes.delete("/subscriptions/{subscriptionId}/signing-keys/{signingKeyId}", Permission.SUBSCRIPTION_MANAGE)
def remove_signing_key(call: Call, subscription_id: SubscriptionId, signing_key_id: SigningKeyId) -> None:
    """Sign with this key no more. 409 `last_key`: add another one first."""
    subscription = _to_change(call, subscription_id)
    subscriptions.remove_key(call.work, subscription, _key(call, subscription, signing_key_id))
