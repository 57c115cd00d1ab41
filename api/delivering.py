"""The worker's part in subscriptions: what is to be delivered, and delivering it.

Invariant: what leaves was allowed a moment ago. Before each attempt the event is read as the maker of the subscription
would read it (`events.only`), with the rights of the service and with a record of the disclosure that is committed
before the first byte leaves. What they may not know of any more isn't sent.
"""

import asyncio
import json
import time
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import structlog
from cryptography.exceptions import InvalidTag
from psycopg import Error as PostgresError
from psycopg_pool import PoolTimeout
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from api.auth import documents, relations
from api.auth.policy import Permission
from api.db import ENTER, Database, DatabaseRole
from api.domain import deliveries, events, signatures, spreading, subscriptions
from api.domain.codes import DeliveryKind, DeliveryReason
from api.domain.deliveries import Claim, Head, Outcome, Patience
from api.domain.errors import KeyMissing
from api.domain.event_catalogue import CATALOGUE, matching
from api.domain.spreading import Look
from api.domain.vault import Vault
from api.paging import decode
from api.receivers import Answer, Sender, challenge_of

AT_ONCE = 16
EACH = 8
"""So many lines of one subscription at once: one that is slow doesn't hold up the others."""
IN_A_ROW = 50
"""So many deliveries of one line before another one has its turn."""
PAGE = 500
CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"
NAMES = json.dumps({str(kind): told.name for kind, told in CATALOGUE.items()})

log = structlog.get_logger("spil.worker")


@dataclass
class Deliverer:
    """Delivers events. `reader` is the database as the service sees it, `writer` as the worker does.

    It has connections of its own: there is as much to wait for as there are deliveries at once.
    """

    reader: Database
    writer: Database
    sender: Sender
    source: str
    patience: Patience = field(default_factory=Patience)
    _running: dict["asyncio.Task[None]", UUID] = field(default_factory=dict)
    _finishing: bool = False

    async def deliver_some(self, _: Database, vault: Vault) -> int:
        """Deliver what is due, a number of lines at once; gives how many are under way or done."""
        await self._begin(vault)
        if not self._running:
            return 0
        done, __ = await asyncio.wait(self._running, timeout=0.5, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            del self._running[task]
            if error := task.exception():
                log.error("a delivery failed", kind=type(error).__name__)
        return len(done) + len(self._running)

    async def _begin(self, vault: Vault) -> None:
        free = AT_ONCE - len(self._running)
        under_way = list(self._running.values())
        busy = {one for one in under_way if under_way.count(one) >= EACH}
        if free <= 0:
            return
        for mine in await self.writer.run(deliveries.claim, free, EACH, busy, self.patience):
            self._running[asyncio.create_task(self._deliver(vault, mine))] = mine.subscription_id

    async def finish(self) -> None:
        """Finish the attempts that are under way, and give their lines back: they are anybody's at once.

        Who is cancelled while at it breaks them off; then the lines are anybody's when their claims are over.
        """
        self._finishing = True
        await asyncio.gather(*self._running, return_exceptions=True)
        self._running.clear()

    async def _deliver(self, vault: Vault, mine: Claim) -> None:
        """Deliver a line, one after the other, until nothing is left, something is wrong, or others have their turn."""
        try:
            following = await self.writer.run(deliveries.head, mine)
            for _ in range(IN_A_ROW):
                if following is None or self._finishing:
                    break
                outcome = await self._attempt(vault, following)
                following = await self._settle(vault, mine, following, outcome)
            await self.writer.run(deliveries.let_go, mine)
        except (SQLAlchemyError, PostgresError, PoolTimeout, OSError, KeyMissing, InvalidTag) as error:
            log.warning("a delivery is left for later", kind=type(error).__name__)

    async def _settle(self, vault: Vault, mine: Claim, sent: Head, outcome: Outcome) -> Head | None:
        if not outcome.received or not sent.is_plain:
            return await self.writer.run(deliveries.settle, vault, mine, sent, outcome, self.patience)
        values = vars(mine) | vars(outcome) | {"id": sent.id, "lease": self.patience.lease}
        return deliveries.head_of(await self.writer.document(deliveries.GO_ON, values))

    async def _attempt(self, vault: Vault, head: Head) -> Outcome:
        trace_id = uuid4().hex
        if not head.maker_active:
            return Outcome(trace_id, DeliveryReason.NOT_VISIBLE, maker_inactive=True)
        content = await self._content(head, trace_id)
        if content is None:
            return Outcome(trace_id, DeliveryReason.NOT_VISIBLE)
        keys = [vault.open(sealed, bound_to=subscriptions.sealed_at(key_id)) for key_id, sealed in head.keys]
        body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
        headers = signatures.headers_for(str(head.event_id), int(time.time()), body, keys)
        began = time.monotonic()
        challenges = head.kind is DeliveryKind.CHALLENGE
        answer = await self.sender.post(head.url, headers | {"content-type": CONTENT_TYPE}, body, reads=challenges)
        return _outcome(head, answer, trace_id, began)

    async def _content(self, head: Head, trace_id: str) -> dict[str, Any] | None:
        """The body of a delivery, as a CloudEvent; None if whom it goes to may not know of it."""
        if head.kind is not DeliveryKind.EVENT:
            return self._of_subscription(head)
        if not head.published:
            return None
        document = events.only(head.position, head.family_id, source=self.source)
        statement = documents.statement(
            document.select, head.actor.role, one_family=False, candidates=document.candidates
        )
        values = documents.parameters(document, head.actor, Permission.EVENT_READ, head.family_id, trace_id)
        if head.family_id is None:
            values |= {"after": None}  # it is about no family, so none is looked for
        body, _, _ = await self.reader.document(statement, values)
        items: list[dict[str, Any]] = json.loads(body)["items"]
        return items[0] if items else None

    def _of_subscription(self, head: Head) -> dict[str, Any]:
        said = {"challenge": head.challenge} if head.kind is DeliveryKind.CHALLENGE else {}
        return {
            "specversion": "1.0",
            "id": str(head.event_id),
            "source": self.source,
            "type": head.type,
            "time": head.made_at.isoformat(),
            "datacontenttype": "application/json",
            "data": {"subscriptionId": str(head.subscription_id)} | said,
        }

    async def spread_some(self, _: Database, __: Vault) -> int:
        """Look for each subscription what there is to deliver; gives for how many that was done."""
        found = await self.writer.run(spreading.behind)
        return sum([await self.writer.run(_spread, subscription_id) for subscription_id in found])


def _outcome(head: Head, answer: Answer, trace_id: str, began: float) -> Outcome:
    reason = answer.reason
    if reason is None and head.kind is DeliveryKind.CHALLENGE and challenge_of(answer) != head.challenge:
        reason = DeliveryReason.CHALLENGE_FAILED
    milliseconds = int((time.monotonic() - began) * 1000)
    return Outcome(trace_id, reason, answer.status, milliseconds, answer.retry_after)


def _spread(session: Session, subscription_id: UUID) -> bool:
    """Have a page of what a subscription's maker may know of delivered. Nobody is shown anything by that yet."""
    mine = spreading.look(session, subscription_id)
    if mine is None:
        session.rollback()
        return False
    positions, upto = _visible(session, mine)
    spreading.spread(session, subscription_id, positions, NAMES, again=mine.again)
    spreading.looked(session, mine, upto)
    session.commit()
    return True


def _visible(session: Session, mine: Look) -> tuple[list[int], int]:
    """The places of the next events that the maker may know of now, and up to where that was looked."""
    types = [kind for one in mine.types for kind in matching(one)] if mine.types else None
    document = events.published(mine.after, PAGE, source="", types=types, upto=mine.upto)
    values = documents.parameters(document, mine.actor, Permission.EVENT_READ, None, "")
    statement = documents.unrecorded(document.select, mine.actor.role, document.candidates or "")
    connection = session.connection()
    connection.exec_driver_sql(f"SET LOCAL ROLE {DatabaseRole.APP}")
    connection.exec_driver_sql(ENTER, relations.parameters(mine.actor) | values)
    row = connection.exec_driver_sql(statement, values).one()
    connection.exec_driver_sql(f"SET LOCAL ROLE {DatabaseRole.WORKER}")
    found = json.loads(row.body)
    wanted = [one for one in found["items"] if not mine.family_ids or one["data"]["familyId"] in mine.family_ids]
    reached = decode(found["nextCursor"], int) if row.next_cursor else None
    return [int(one["sequence"]) for one in wanted], reached[0] if reached else mine.upto
