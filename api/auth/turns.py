"""One request that changes many families: each in a transaction of its own, one after the other, the family first.

What one transaction has committed stays, whatever becomes of the next. So an operation of this kind is one that finds,
asked again, what is left to do and nothing else. Its Idempotency-Key is kept with the answer, in the last transaction.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from fastapi import Request, Response
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from api.auth import preconditions
from api.auth.calls import Call, FamilyCall, Operation, admitted
from api.auth.idempotency import Answer, Claim
from api.auth.policy import Permission
from api.auth.representations import content
from api.auth.requests import JSON, claim_of
from api.domain.actor import Actor
from api.problems import AGAIN

Result = TypeVar("Result")

ATTEMPTS = 2
"""A family that others change for longer than this is left alone."""


class Busy(Exception):
    """Others change the same family, and went on doing so."""


class Turns:
    """One authorised request, as an endpoint gets it that works in several transactions."""

    def __init__(self, operation: Operation, request: Request, actor: Actor) -> None:
        self._operation, self._request, self._actor = operation, request, actor

    async def once(self, verb: Callable[[Call], Result], *, keeps: bool = True) -> Result:
        """A transaction that is about no family. What it changes is undone unless it `keeps` that."""
        done: Result = await self._run(self._operation, None, verb, keeps=keeps)
        return done

    async def around(
        self,
        family_id: UUID,
        permission: Permission,
        verb: Callable[[FamilyCall], Result],
        *,
        keeps: bool = True,
        locks: bool = True,
    ) -> Result:
        """A transaction about one family, for who has this permission there; refused as its own operation would be."""
        operation = replace(self._operation, permission=permission, of_family=True, changes=locks)
        done: Result = await self._run(operation, family_id, verb, keeps=keeps)
        return done

    async def _run(self, operation: Operation, family_id: UUID | None, verb: Any, *, keeps: bool) -> Any:
        database = self._request.app.state.database
        for _ in range(ATTEMPTS):
            try:
                return await database.run(_turn, operation, self._request, self._actor, family_id, verb, keeps=keeps)
            except DBAPIError as error:
                if getattr(error.orig, "sqlstate", None) not in AGAIN:
                    raise
        raise Busy


def _turn(
    session: Session,
    operation: Operation,
    request: Request,
    actor: Actor,
    family_id: UUID | None,
    verb: Callable[[Call], Result],
    *,
    keeps: bool,
) -> Result:
    result = verb(admitted(session, operation, request, actor, family_id))
    session.flush()
    if keeps:
        session.commit()
    return result


async def take(operation: Operation, request: Request, actor: Actor, inputs: dict[str, Any]) -> Response:
    """Carry out an operation that takes turns; or give the answer of before to who sends the same again."""
    claim, turns = await claim_of(request, actor), Turns(operation, request, actor)
    answer = await turns.once(partial(_before, operation, claim, inputs), keeps=False)
    if answer is None:
        result = await operation.function(turns, **inputs)
        answer = Answer(operation.status, content(result), {})
        if claim:
            answer = await turns.once(partial(_keep, claim, answer))
    else:
        await turns.once(lambda call: call.work.record(operation.permission, "shown"))
    return Response(answer.body, answer.status, answer.headers, JSON)


def _before(operation: Operation, claim: Claim | None, inputs: dict[str, Any], call: Call) -> Answer | None:
    """The answer of before; where there is none, whether the state of things is what its sender thinks."""
    answer = claim.earlier_answer(call.work) if claim else None
    if answer is None:
        preconditions.must_hold(call, operation, inputs)
    return answer


def _keep(claim: Claim, answer: Answer, call: Call) -> Answer:
    """Keep the answer under its key. Who sent the same at the same time hears what was heard first."""
    earlier = claim.earlier_answer(call.work)
    if earlier is None:
        claim.keep(call.work, answer)
    return earlier or answer
