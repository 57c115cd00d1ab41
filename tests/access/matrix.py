"""Every reader against every operation, in a family as it stands on one legal basis: the cells of the matrix.

The operations come from the application's own routes. What a cell has to give comes from the model (`model.py`) and
the rows in the database (`facts.py`); what it gives comes over HTTP. Changes are rehearsed: they are carried out in
full, and refused at the commit, so that every cell finds the family as it was.
"""

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from httpx import Response
from sqlmodel import Session

from api.domain.errors import Conflict
from api.domain.work import Work
from tests.access import facts, picture
from tests.access.deeds import DEEDS
from tests.access.matrix_scene import MatrixScene
from tests.access.sweep import routes_under_a_family
from tests.wire.operations import OPERATIONS, a_body

HIDDEN, REFUSED, ABSENT, DONE = "hidden", "refused", "no such thing", "done"
"""There is no such family; not allowed; allowed, but there is no such part of it for this reader; carried out."""

REFUSALS = {"relation_lacking", "power_lacking", "role_lacking"}

MODELLED = {"familyId", "memberId", "involvementId", "mandateId", "deputyId", "helpDomain"}
"""The parts of a family of which the model says who sees each."""

OWN = {"change_involvement", "confirm_involvement", "end_involvement", "accept_invitation", "decline_invitation"}
"""What an agency does with an involvement or an invitation of its own, and with no other one."""


@dataclass(frozen=True)
class Cell:
    """One reader, one operation, and what it is pointed at."""

    reader: str
    operation: str
    target: str
    method: str
    path: str
    body: Any
    expected: str


@dataclass
class Tally:
    """What came of the cells."""

    cells: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    rehearsed: Counter[str] = field(default_factory=Counter)
    """By operation: how often it was carried out up to the commit."""
    wrong: list[str] = field(default_factory=list)


@contextmanager
def rehearsal() -> Iterator[None]:
    """Refuse at the commit whatever has something to tell, that is: every change, once it is complete."""
    seal = Work._seal

    def refuse(work: Work, session: Session) -> None:
        if work._events:
            session.flush()
            raise Conflict("It would have been done.", code="rehearsed")
        seal(work, session)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Work, "_seal", refuse)
        yield


class Matrix:
    """The cells of one scene, and what the model expects of each."""

    def __init__(self, app: FastAPI, scene: MatrixScene) -> None:
        self.scene, self.routes = scene, routes_under_a_family(app)
        self.readers = scene.readers
        self.callers = {name: scene.world.as_(actor) for name, actor in self.readers.items()}
        with scene.world.session() as session:
            connection = session.connection()
            self.now = facts.moment(connection)
            self.family = facts.families(connection, [scene.family.id])[scene.family.id]
        self._known: dict[str, set[str]] = {}
        """By reader: what no answer may hold."""
        self._shielded = self._of_shielded()

    def cells(self, share: int = 1, first: int = 0) -> Iterator[Cell]:
        """All of them; or one in so many, from the `first` on: they are in the same order in every scene."""
        return islice(self._cells(), first % share, None, share)

    def _cells(self) -> Iterator[Cell]:
        for reader in self.readers:
            for route in self.routes:
                for target, ids, there in self._targets(reader, route):
                    yield self._cell(reader, route, target, ids, there)

    def _cell(self, reader: str, route: APIRoute, target: str, ids: dict[str, str], there: bool) -> Cell:
        who = facts.reader(self.readers[reader])
        status = self.now.answer(who, self.family, DEEDS[route.name])
        expected = {404: HIDDEN, 403: REFUSED}.get(status, DONE if there else ABSENT)
        path = route.path.removeprefix("/v1").format(**self.scene.inside(self.scene.family.id) | _made_up(route) | ids)
        method = next(iter(route.methods or ()))
        return Cell(reader, route.name, target, method, path, self._body(method, route), expected)

    def _body(self, method: str, route: APIRoute) -> Any:
        """A body that can be carried out where the scene has one, and the least that the operation takes otherwise."""
        body = self.scene.body_for(method, route.path)
        operation = next(one for one in OPERATIONS if (one.method, one.path) == (method, route.path))
        return a_body(operation) if body is None and operation.body else body

    def _targets(self, reader: str, route: APIRoute) -> Iterator[tuple[str, dict[str, str], bool]]:
        """What an operation is pointed at, and whether that is there for this reader."""
        who = facts.reader(self.readers[reader])
        if "{involvementId}" in route.path:
            for one in self._involvements(who, route.name):
                sees = self.now.sees_involvement(who, self.family, one)
                there = one.agency == who.agency if route.name in OWN else sees or route.name == "withdraw_invitation"
                yield self._name(one), {"involvementId": str(one.id)}, there
        elif "{memberId}" in route.path:
            for member in self._members(route.name):
                sees = self.now.sees_person(who, self.family, member.person)
                yield f"member {member.person}", {"memberId": str(member.id)}, sees
        elif route.name in {"get_mandate", "list_deputies"}:
            for mandate in self.family.mandates:
                sees = self.now.sees_mandate(who, self.family, mandate)
                yield "proposal" if mandate.open else "mandate", {"mandateId": str(mandate.id)}, sees
        elif route.name == "get_deputy":
            led = [one for one in self.family.mandates if not one.open]
            yield "", {}, any(self.now.sees_mandate(who, self.family, one) for one in led)
        else:
            proposal = route.name in {"accept_mandate", "decline_mandate", "withdraw_proposal"}
            there = not _made_up(route) and (route.name != "end_deputy" or self.now.leading(self.family) is not None)
            yield "", {"mandateId": str(self.scene.proposal.id)} if proposal else {}, there

    def _involvements(self, who: picture.Reader, operation: str) -> Iterator[picture.Involvement]:
        """All of them for reading; for a change one's own, if there is one, and another one."""
        if operation == "get_involvement":
            yield from self.family.involvements
            return
        asked = operation in {"accept_invitation", "decline_invitation", "withdraw_invitation"}
        usable = [one for one in self.family.involvements if one.open is asked]
        own = [one for one in usable if one.agency == who.agency]
        others = [one for one in usable if one.agency != who.agency]
        yield from (*own[:1], *others[:1])

    def _members(self, operation: str) -> list[picture.Membership]:
        running = [one for one in self.family.memberships if one.period.holds(self.now.at)]
        return running if operation == "get_member" else running[:1]

    def _name(self, one: picture.Involvement) -> str:
        kind = "invitation" if one.open else "involvement"
        return f"{kind}{', shielded' * one.shielded}, {one.stage}{', about a member' * (one.about is not None)}"

    # Asking

    def ask(self, cell: Cell, tally: Tally) -> None:
        """Carry out one cell, and note what is wrong with the answer."""
        headers = {} if cell.method == "GET" else {"If-Match": "*"}
        answer = self.callers[cell.reader].call(cell.method, cell.path, json=cell.body, headers=headers)
        tally.cells += 1
        outcome = outcome_of(answer)
        tally.outcomes[outcome] += 1
        tally.rehearsed[cell.operation] += answer.status_code == 409 and answer.json()["code"] == "rehearsed"
        where = f"{self.scene.basis}, {self.scene.ground}: {cell.reader}, {cell.operation} {cell.target}"
        if outcome != cell.expected:
            tally.wrong.append(f"{where}: {cell.expected} expected, {answer.status_code} {answer.text[:200]}")
        tally.wrong.extend(f"{where}: {wrong}" for wrong in self._shown_wrongly(cell, answer))

    def _shown_wrongly(self, cell: Cell, answer: Response) -> Iterator[str]:
        who = facts.reader(self.readers[cell.reader])
        hidden = {name for name in self._hidden(cell, who) if name in answer.text}
        if hidden:
            yield f"shows {hidden}"
        if answer.status_code == 200 and cell.operation in SHOWN:
            shown, expected = SHOWN[cell.operation](answer.json()), EXPECTED[cell.operation](self, who)
            if shown != expected:
                yield f"shows {shown - expected} too much, {expected - shown} too little"

    def _hidden(self, cell: Cell, who: picture.Reader) -> set[str]:
        if cell.reader not in self._known:
            self._known[cell.reader] = self._hidden_from(who)
        if cell.operation == "explain_access":  # names who can see the family; only what is shielded stays so
            return self._known[cell.reader] & self._shielded
        return self._known[cell.reader]

    def _hidden_from(self, who: picture.Reader) -> set[str]:
        """The ids that no answer to this reader may hold: involvements, agencies, members and proposals."""
        unseen = [one for one in self.family.involvements if not self.now.sees_involvement(who, self.family, one)]
        known = {one.agency for one in self.family.involvements if one not in unseen} | self._agencies_called(who)
        names = {str(one.id) for one in unseen} | {str(one.agency) for one in unseen if one.agency not in known}
        for one in self.family.memberships:
            if not self.now.sees_person(who, self.family, one.person):
                names |= {str(one.id), str(one.person)} - {str(who.person)}
            born = self.now.field.persons[one.person].born
            if born and not self.now.sees_birth_date(who, self.family, one.person):
                names.add(str(born))
        return names | {
            str(one.id) for one in self.family.mandates if one.open and not self.now.sees_mandate(who, self.family, one)
        }

    def _of_shielded(self) -> set[str]:
        openly = {one.agency for one in self.family.involvements if not one.shielded}
        shielded = [one for one in self.family.involvements if one.shielded]
        people = {one.person for one in self.family.memberships if self.now.field.persons[one.person].shielded}
        agencies = {one.agency for one in shielded} - openly
        return {str(name) for name in (*(one.id for one in shielded), *agencies, *people)}

    def _agencies_called(self, who: picture.Reader) -> set[Any]:
        """The agencies that a reader hears of because their people lead or are to be called."""
        if not self.now.may(who, self.family, "ask whom to call"):
            return {who.agency}
        roles = [one.professional for one in self.family.mandates]
        roles += [one.professional for one in (*self.family.deputies, *self.family.contact_points)]
        return {self.now.field.professionals[one].agency for one in roles} | {who.agency}

    def running_involvements(self, who: picture.Reader) -> set[str]:
        running = self.now.running(self.family)
        return {str(one.id) for one in running if self.now.sees_involvement(who, self.family, one)}

    def all_involvements(self, who: picture.Reader) -> set[str]:
        known = self.family.involvements
        return {str(one.id) for one in known if self.now.sees_involvement(who, self.family, one)}

    def members(self, who: picture.Reader) -> set[str]:
        """Who is in the family, each with the birth date if the reader may know it."""
        return {
            f"{one.person} {self._born(who, one.person)}"
            for one in self.family.memberships
            if one.period.holds(self.now.at) and self.now.sees_person(who, self.family, one.person)
        }

    def _born(self, who: picture.Reader, person: Any) -> Any:
        born = self.now.field.persons[person].born
        return born if self.now.sees_birth_date(who, self.family, person) else None

    def mandates(self, who: picture.Reader) -> set[str]:
        known = self.family.mandates
        return {str(one.id) for one in known if self.now.sees_mandate(who, self.family, one)}

    def team(self, who: picture.Reader) -> set[str]:
        return self.running_involvements(who) | self.members(who)


def _made_up(route: APIRoute) -> dict[str, str]:
    """An id of nothing for each kind of part that the scene has none of: who may ask is told that there is none."""
    return {name: str(uuid4()) for name in re.findall(r"{(\w+)}", route.path) if name not in MODELLED}


def ask_all(app: FastAPI, scene: MatrixScene, tally: Tally, share: int = 1, first: int = 0) -> None:
    """Ask the cells of a scene, or one in so many of them."""
    matrix = Matrix(app, scene)
    with rehearsal():
        for cell in matrix.cells(share, first):
            matrix.ask(cell, tally)


def outcome_of(answer: Response) -> str:
    if answer.status_code == 404:
        return HIDDEN if answer.json()["code"] == "family_not_found" else ABSENT
    if answer.status_code == 403 and answer.json()["code"] in REFUSALS:
        return REFUSED
    return DONE if answer.status_code in {200, 201, 204, 400, 403, 409} else f"status {answer.status_code}"


def _ids(items: Any) -> set[str]:
    return {one["id"] for one in items}


def _people(items: Any) -> set[str]:
    return {f"{one['personId']} {one['birthDate']}" for one in items}


SHOWN: dict[str, Any] = {
    "list_members": lambda answer: _people(answer["items"]),
    "list_involvements": lambda answer: _ids(answer["items"]),
    "list_mandates": lambda answer: _ids(answer["items"]),
    "get_who_is_involved": lambda answer: _ids(answer["involvements"]) | _people(answer["members"]),
}
EXPECTED: dict[str, Any] = {
    "list_members": Matrix.members,
    "list_involvements": Matrix.all_involvements,
    "list_mandates": Matrix.mandates,
    "get_who_is_involved": Matrix.team,
}
"""What a read shows of the family, and what it should."""
