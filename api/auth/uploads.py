"""A request whose body is taken in as it comes: its endpoint keeps it piece by piece, each in a transaction of its own.

What came in is nothing until it is complete. Then the request is carried out like any other, in one transaction, with
its Idempotency-Key: what stands for the body there is its digest. If it isn't carried out, what came in is thrown away.
"""

import hashlib
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import TypeVar

from fastapi import Request
from sqlmodel import Session
from starlette.requests import ClientDisconnect

from api.auth.calls import Call, Operation, admitted
from api.auth.requests import claim_of, media_type_of
from api.domain.actor import Actor
from api.problems import WireError

Result = TypeVar("Result")


class Upload:
    """A body as it comes, and the transactions to keep it in."""

    def __init__(self, operation: Operation, request: Request, actor: Actor) -> None:
        self._operation, self._request, self._actor = operation, request, actor
        self._discard: Callable[[Call], None] | None = None

    @property
    def media_type(self) -> str:
        return media_type_of(self._request)

    @property
    def is_new(self) -> bool:
        """Without a key it can't be one that was sent before."""
        return "idempotency-key" not in self._request.headers

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body, once. One that breaks off is refused."""
        digest = hashlib.sha256()
        try:
            async for piece in self._request.stream():
                digest.update(piece)
                yield piece
        except ClientDisconnect:
            raise WireError(
                400, "incomplete_body", "The body broke off. Nothing of it is kept. Send it again."
            ) from None
        self._request._body = digest.digest()

    async def once(self, verb: Callable[[Call], Result]) -> Result:
        """A transaction of who sends it."""
        run = self._request.app.state.database.run
        result: Result = await run(_once, self._operation, self._request, self._actor, verb)
        return result

    def otherwise(self, discard: Callable[[Call], None]) -> None:
        """How to throw away what was kept, which has to leave alone what was carried out."""
        self._discard = discard

    async def must_be_possible(self) -> None:
        """Refuse before everything is sent what would be refused afterwards."""
        await claim_of(self._request, self._actor, b"")

    async def leave(self) -> None:
        if self._discard:
            await self.once(partial(self._discard))


def _once(
    session: Session, operation: Operation, request: Request, actor: Actor, verb: Callable[[Call], Result]
) -> Result:
    result = verb(admitted(session, operation, request, actor, None))
    session.commit()
    return result
