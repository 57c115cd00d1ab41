"""Carrying out one authorised request: one transaction, from the relation to the family up to the commit."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from fastapi import Request
from sqlmodel import Session

from api.auth import documents, preconditions, relations
from api.auth.idempotency import Answer, Claim
from api.auth.policy import Access, Permission, Relation, Standing
from api.auth.purposes import PURPOSE_OF, PURPOSE_OF_ROLE, recorded
from api.auth.representations import Lines, Rendered, content, etag
from api.auth.requests import NDJSON
from api.db import ENTER
from api.domain import continuity, members
from api.domain.actor import Actor
from api.domain.documents import Document
from api.domain.errors import Forbidden, NotFound
from api.domain.models import Family
from api.domain.work import Work
from api.paging import Page
from api.shapes import Out

NO_FAMILY = "There is no such family, or you have no running relation to it."


@dataclass(frozen=True)
class Call:
    """One authorised request, as an endpoint gets it."""

    work: Work
    access: Access
    request: Request


@dataclass(frozen=True)
class FamilyCall(Call):
    """One authorised request about a family. If it changes something, the family is locked, and settled up to now."""

    family: Family
    operation: "Operation"

    def own_agency(self) -> UUID:
        """The agency that the caller acts for."""
        if self.work.actor.agency_id is None:
            raise Forbidden("Only an agency does this, for itself.", code="role_lacking")
        return self.work.actor.agency_id

    def read(self, document: Document) -> Rendered:
        """A composed read inside this transaction."""
        self.work.session.flush()
        statement = documents.inside(document.select, self.work.actor.role)
        values = documents.parameters(
            document, self.work.actor, self.operation.permission, self.family.id, self.work.trace_id or ""
        )
        row = self.work.session.connection().exec_driver_sql(statement, values).first()
        if row is None:
            raise NotFound("This family has no such thing.")
        return Rendered(row.body.encode())

    def other_family(self, family_id: UUID) -> Family:
        """A second family to change in the same transaction, if this caller may do the same there."""
        work = self.work
        _look_up(work.session, work.actor, family_id, self.operation)
        other = work.session.get_one(Family, family_id)
        work.begin(other)
        return other


@dataclass(frozen=True)
class Operation:
    """What a route does: the permission it takes, the function that does it, and how it answers."""

    function: Callable[..., Any]
    permission: Permission
    of_family: bool
    changes: bool
    status: int
    location: str | None
    method: str
    path: str
    current: Callable[..., Out] | None = None
    """What it changes, where a GET at its path wouldn't do."""
    unless_there: Callable[..., Any] | None = None
    """Whether a PUT replaces something, where a GET at its path answers anyway."""
    offers: frozenset[str] = frozenset()
    """As what it can be had beside JSON."""
    takes: frozenset[str] = frozenset()
    """As what its body is taken in as it comes, in place of JSON."""


def refusal(access: Access, permission: Permission) -> NotFound | Forbidden:
    """Who is not related hears that there is nothing; who is hears what they lack."""
    if not access.standings:
        return NotFound(NO_FAMILY, code="family_not_found")
    power = access.lacks(permission)
    if power:
        return Forbidden(f"Your mandate lacks the power {power}.", code="power_lacking")
    return Forbidden("Your relation to this family does not allow this.", code="relation_lacking")


def carry_out(
    session: Session, operation: Operation, request: Request, actor: Actor, claim: Claim | None, inputs: dict[str, Any]
) -> Answer:
    """Run an endpoint inside a transaction, and commit it."""
    inputs = dict(inputs)
    family_id = inputs.pop("family_id") if operation.of_family else None
    try:
        call = admitted(session, operation, request, actor, family_id)
    except Forbidden:
        answer = _told_before(session, operation, request, actor, family_id, claim)
        if answer is None:
            raise
        return answer
    answer = claim.earlier_answer(call.work) if claim else None
    shows = answer is not None or not operation.changes
    if answer is None:
        if operation.changes:
            preconditions.must_hold(call, operation, inputs)
        answer = _render(operation, operation.function(call, **inputs), call, inputs)
        if claim:
            claim.keep(call.work, answer)
    if shows:
        _record_shown(call)
    session.commit()
    return answer


def _told_before(
    session: Session,
    operation: Operation,
    request: Request,
    actor: Actor,
    family_id: UUID | None,
    claim: Claim | None,
) -> Answer | None:
    """The answer of before, to who may still see what it shows. An invitation that was accepted is open no more."""
    read = preconditions.READS.get(preconditions.path_of(operation.method, operation.path) or "")
    if claim is None or read is None or family_id is None:
        return None
    call = admitted(session, read, request, actor, family_id)
    answer = claim.answer_of_before(call.work)
    if answer:
        _record_shown(call)
        session.commit()
    return answer


def _record_shown(call: Call) -> None:
    if isinstance(call, FamilyCall):
        subjects: list[UUID | None] = [*members.of(call.work, call.family)]
        for person_id in subjects or [None]:
            call.work.record(call.operation.permission, "shown", family_id=call.family.id, shown_person_id=person_id)


def admitted(session: Session, operation: Operation, request: Request, actor: Actor, family_id: UUID | None) -> Call:
    """A call of who may do this, at the beginning of its transaction; a `FamilyCall` if it is about a family."""
    access, at = _look_up(session, actor, family_id, operation)
    work = Work(session, actor, at, request.app.state.vault, trace_id=request.scope["trace_id"])
    work.ground = _ground(actor, access, operation)
    if family_id is None:
        return Call(work, access, request)
    return FamilyCall(work, access, request, _take(work, family_id, operation), operation)


def _look_up(session: Session, actor: Actor, family_id: UUID | None, operation: Operation) -> tuple[Access, Any]:
    """The caller's standings, and the instant. A family to be changed is locked first: what holds then, counts."""
    connection = session.connection()
    asked = {"family_id": family_id, "after": None, "limit": None}
    connection.exec_driver_sql(ENTER, relations.parameters(actor) | asked)
    if family_id is None:
        return Access(actor.role), connection.exec_driver_sql("SELECT clock_timestamp()").scalar_one()
    values = relations.parameters(actor) | {"family_id": family_id}
    if operation.changes and not connection.exec_driver_sql(relations.lock(actor.role), values).first():
        raise NotFound(NO_FAMILY, code="family_not_found")
    rows = connection.exec_driver_sql(relations.standings(actor.role), values).all()
    standings = [Standing(Relation(row.name), tuple(row.powers or ()), row.legal_basis) for row in rows if row.name]
    access = Access(actor.role, tuple(standings))
    if access.by(operation.permission) is None:
        raise refusal(access, operation.permission)
    return access, rows[0].at


def _take(work: Work, family_id: UUID, operation: Operation) -> Family:
    family = work.session.get_one(Family, family_id)
    work.municipality_code = family.municipality_code
    if operation.changes:
        work.begin(family)
        continuity.settle(work, family)
    return family


def _ground(actor: Actor, access: Access, operation: Operation) -> dict[str, str | None]:
    """By which relation, on which basis and for what purpose this is done."""
    about: dict[str, str | None] = {**recorded(operation.permission)}
    standing = access.by(operation.permission)
    if standing is None:
        return about | {"purpose": PURPOSE_OF_ROLE[actor.role]}
    purpose = PURPOSE_OF[standing.relation]
    return about | {"relation": standing.relation, "legal_basis": standing.legal_basis, "purpose": purpose}


def _render(operation: Operation, result: Out | Rendered | None, call: Call, inputs: dict[str, Any]) -> Answer:
    if result is None:
        return Answer(operation.status, b"", {})
    request, body, headers = call.request, content(result), {}
    if not isinstance(result, Page):
        changed = preconditions.tag_now(call, operation, inputs) if operation.changes else None
        headers["ETag"] = changed or etag(body)
    elif operation.method == "GET":
        headers["ETag"] = etag(body)
    if isinstance(result, Page) and result.next_cursor:
        following = request.url.include_query_params(cursor=result.next_cursor)
        headers["Link"] = f'<{following.path}?{following.query}>; rel="next"'
    if seconds := getattr(result, "retry_after", None):
        headers["Retry-After"] = str(seconds)
    if isinstance(result, Lines):
        headers["Content-Type"] = NDJSON
    if operation.location and isinstance(result, Out):
        names = request.path_params | result.model_dump(include={"id", "code"})
        headers["Location"] = "/v1" + operation.location.format(**names)
    return Answer(operation.status, body, headers)
