"""A handful of families that everybody works on at once: what clients do there, at random, and what they know of it."""

import asyncio
import random
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from httpx import AsyncClient, Response

from api.domain.actor import Actor
from api.domain.models import Family, Professional
from tests.world import World, in_days

DOMAINS = ("parenting", "finances", "housing", "child_safety")
POWERS = ["assign_contact_points", "invite_agencies"]


@dataclass
class Around:
    """A family, and the ids that clients have heard of lately; some are no longer of use, as in real life."""

    family: Family
    members: deque[str] = field(default_factory=lambda: deque(maxlen=4))
    involvements: deque[tuple[str, UUID]] = field(default_factory=lambda: deque(maxlen=6))
    mandates: deque[tuple[str, UUID]] = field(default_factory=lambda: deque(maxlen=4))
    deputies: deque[str] = field(default_factory=lambda: deque(maxlen=2))


class Arena:
    """Made by the domain's verbs; fought over through HTTP."""

    def __init__(self, world: World, families: int = 4, agencies: int = 4) -> None:
        self.world = world
        self.agencies = [world.an_agency() for _ in range(agencies)]
        self.staff: dict[UUID, list[Professional]] = {
            agency.id: [world.a_professional(agency) for _ in range(3)] for agency in self.agencies
        }
        self.professionals = [one for staff in self.staff.values() for one in staff]
        self.around = [Around(world.a_family()) for _ in range(families)]
        self.absences: deque[tuple[Professional, str]] = deque(maxlen=8)
        for one in self.around:
            for agency in self.agencies[:3]:
                known = world.an_involvement(one.family, agency, DOMAINS[:2])
                one.involvements.append((str(known.id), agency.id))
            member, _ = world.a_member(one.family)
            one.members.append(str(member.id))
            lead = self.staff[self.agencies[0].id][0]
            one.mandates.append((str(world.a_mandate(one.family, lead).id), lead.id))
        self._tokens: dict[Actor, str] = {}

    def token(self, actor: Actor) -> str:
        if actor not in self._tokens:
            self._tokens[actor] = self.world.app.state.own_issuer.token(actor, seconds=6 * 3600)
        return self._tokens[actor]

    def professional(self, professional_id: UUID) -> Professional:
        return next(one for one in self.professionals if one.id == professional_id)


class Fighter:
    """One client, with a connection of its own, that does one thing after another without waiting for the others."""

    def __init__(self, arena: Arena, http: AsyncClient, chance: random.Random) -> None:
        self.arena, self.http, self.chance = arena, http, chance
        self.answers: Counter[tuple[str, int]] = Counter()
        self.failures: list[str] = []

    async def act(self) -> None:
        """One operation, drawn by weight."""
        what = self.chance.choices(list(ACTS), list(ACTS.values()))[0]
        answer = await what(self, self.chance.choice(self.arena.around))
        if answer is None:
            return
        self.answers[what.__name__, answer.status_code] += 1
        if answer.status_code >= 500 and not self._is_asked_to_try_again(answer):
            self.failures.append(f"{what.__name__}: {answer.status_code} {answer.text}")

    def _is_asked_to_try_again(self, answer: Response) -> bool:
        return answer.status_code == 503 and answer.json()["code"] == "try_again"

    async def call(self, actor: Actor, method: str, path: str, body: Any = None, **headers: str) -> Response:
        known = {"Authorization": f"Bearer {self.arena.token(actor)}"} | headers
        return await self.http.request(method, f"/v1{path}", json=body, headers=known)

    def someone(self) -> Professional:
        return self.chance.choice(self.arena.professionals)

    @property
    def registrar(self) -> Actor:
        return self.arena.world.registrar

    def registrar_or_lead(self, around: Around) -> Actor:
        if around.mandates and self.chance.random() < 0.3:
            return self.arena.world.actor(self.arena.professional(around.mandates[-1][1]))
        return self.registrar

    # Contact points

    async def assign(self, around: Around) -> Response:
        path = f"/families/{around.family.id}/contact-points/{self.chance.choice(DOMAINS)}"
        body = {"professionalId": str(self.someone().id)}
        return await self.call(self.registrar_or_lead(around), "PUT", path, body, **{"If-Match": "*"})

    async def release(self, around: Around) -> Response:
        path = f"/families/{around.family.id}/contact-points/{self.chance.choice(DOMAINS)}"
        return await self.call(self.registrar, "DELETE", path, **{"If-Match": "*"})

    # Mandates

    async def propose(self, around: Around) -> Response:
        lead = self.someone()
        body = {"professionalId": str(lead.id), "powers": POWERS, "legalBasis": "consent", "endsOn": str(in_days(90))}
        answer = await self.call(self.registrar, "POST", f"/families/{around.family.id}/mandates", body)
        return self._heard_of_mandate(around, answer, lead)

    async def transfer(self, around: Around) -> Response:
        mandate_id, _ = self.chance.choice(around.mandates)
        successor = self.someone()
        path = f"/families/{around.family.id}/mandates/{mandate_id}/_transfer"
        answer = await self.call(
            self.registrar_or_lead(around), "POST", path, {"professionalId": str(successor.id)}, **self._key()
        )
        return self._heard_of_mandate(around, answer, successor)

    async def accept_mandate(self, around: Around) -> Response:
        mandate_id, professional_id = around.mandates[-1]
        candidate = self.arena.world.actor(self.arena.professional(professional_id))
        return await self.call(candidate, "POST", f"/families/{around.family.id}/mandates/{mandate_id}/_accept")

    async def decline_mandate(self, around: Around) -> Response:
        mandate_id, professional_id = around.mandates[-1]
        candidate = self.arena.world.actor(self.arena.professional(professional_id))
        path = f"/families/{around.family.id}/mandates/{mandate_id}/_decline"
        return await self.call(candidate, "POST", path, {"reason": "no_capacity"})

    async def withdraw_proposal(self, around: Around) -> Response:
        path = f"/families/{around.family.id}/mandates/{around.mandates[-1][0]}/_withdraw"
        return await self.call(self.registrar, "POST", path)

    async def end_mandate(self, around: Around) -> Response:
        path = f"/families/{around.family.id}/mandates/{self.chance.choice(around.mandates)[0]}/_end"
        return await self.call(self.registrar, "POST", path, {"reason": "withdrawn"})

    async def name_deputy(self, around: Around) -> Response:
        first = self.chance.randrange(4)
        body = {"professionalId": str(self.someone().id), "startsOn": str(in_days(first))}
        path = f"/families/{around.family.id}/mandates/{self.chance.choice(around.mandates)[0]}/deputies"
        answer = await self.call(self.registrar, "POST", path, body | {"endsOn": str(in_days(first + 1))})
        if answer.status_code == 201:
            around.deputies.append(answer.json()["id"])
        return answer

    async def end_deputy(self, around: Around) -> Response | None:
        if not around.deputies:
            return None
        mandate_id = self.chance.choice(around.mandates)[0]
        path = f"/families/{around.family.id}/mandates/{mandate_id}/deputies/{around.deputies[-1]}"
        return await self.call(self.registrar, "DELETE", path, **{"If-Match": "*"})

    def _heard_of_mandate(self, around: Around, answer: Response, lead: Professional) -> Response:
        if answer.status_code == 201:
            around.mandates.append((answer.json()["id"], lead.id))
        return answer

    def _key(self) -> dict[str, str]:
        return {"Idempotency-Key": uuid4().hex}

    # Involvements

    async def invite(self, around: Around) -> Response:
        agency = self.chance.choice(self.arena.agencies)
        body = {"agencyId": str(agency.id), "helpDomains": self._domains()}
        answer = await self.call(
            self.registrar_or_lead(around), "POST", f"/families/{around.family.id}/involvements/_invite", body
        )
        return self._heard_of_involvement(around, answer, agency.id)

    async def accept_invitation(self, around: Around) -> Response:
        body = {"legalBasis": "statutory_task", "legalGround": "youth_help"}
        return await self._of_own(around, "_accept", body, of=around.involvements[-1])

    async def start(self, around: Around) -> Response:
        agency_id = self.chance.choice(self.arena.agencies).id
        worker = str(self.chance.choice(self.arena.staff[agency_id]).id)
        body = {
            "helpDomains": self._domains(),
            "legalBasis": "statutory_task",
            "legalGround": "youth_help",
            "professionalId": worker,
        }
        body |= {"shielded": self.chance.random() < 0.2}
        system = self.arena.world.system(next(one for one in self.arena.agencies if one.id == agency_id))
        answer = await self.call(system, "POST", f"/families/{around.family.id}/involvements", body, **self._key())
        return self._heard_of_involvement(around, answer, agency_id)

    async def change_domains(self, around: Around) -> Response:
        return await self._of_own(around, "", {"helpDomains": self._domains()}, "PATCH")

    async def shield(self, around: Around) -> Response:
        return await self._of_own(around, "", {"shielded": self.chance.random() < 0.4}, "PATCH")

    async def confirm(self, around: Around) -> Response:
        return await self._of_own(around, "_confirm", None)

    async def end_involvement(self, around: Around) -> Response:
        return await self._of_own(around, "_end", {"reason": "completed"})

    def _domains(self) -> list[str]:
        return self.chance.sample(DOMAINS, self.chance.randrange(1, 4))

    async def _of_own(
        self, around: Around, verb: str, body: Any, method: str = "POST", of: tuple[str, UUID] | None = None
    ) -> Response:
        involvement_id, agency_id = of or self.chance.choice(around.involvements)
        system = self.arena.world.system(next(one for one in self.arena.agencies if one.id == agency_id))
        path = f"/families/{around.family.id}/involvements/{involvement_id}/{verb}".rstrip("/")
        return await self.call(system, method, path, body, **({"If-Match": "*"} if method == "PATCH" else {}))

    def _heard_of_involvement(self, around: Around, answer: Response, agency_id: UUID) -> Response:
        if answer.status_code == 201:
            around.involvements.append((answer.json()["id"], agency_id))
        return answer

    # Absences, families, members

    async def report_absence(self, _: Around) -> Response:
        absent, first = self.someone(), self.chance.randrange(10)
        cover = self.chance.choice([one for one in self.arena.staff[absent.agency_id] if one.id != absent.id])
        body = {"startsOn": str(in_days(first)), "endsOn": str(in_days(first + 2)), "coverId": str(cover.id)}
        actor = self.arena.world.actor(absent)
        answer = await self.call(actor, "POST", f"/professionals/{absent.id}/absences", body)
        if answer.status_code == 201:
            self.arena.absences.append((absent, answer.json()["id"]))
        return answer

    async def withdraw_absence(self, _: Around) -> Response | None:
        if not self.arena.absences:
            return None
        absent, absence_id = self.chance.choice(self.arena.absences)
        path = f"/professionals/{absent.id}/absences/{absence_id}"
        return await self.call(self.arena.world.actor(absent), "DELETE", path, **{"If-Match": "*"})

    async def close(self, around: Around) -> Response:
        path = f"/families/{around.family.id}/_close"
        return await self.call(self.registrar, "POST", path, {"closing": "completed"})

    async def reopen(self, around: Around) -> Response:
        return await self.call(self.registrar, "POST", f"/families/{around.family.id}/_reopen")

    async def move_member(self, around: Around) -> Response | None:
        other = self.chance.choice([one for one in self.arena.around if one is not around])
        if not around.members:
            return None
        path = f"/families/{around.family.id}/members/{self.chance.choice(around.members)}/_move"
        answer = await self.call(self.registrar, "POST", path, {"familyId": str(other.family.id)})
        if answer.status_code == 200:
            other.members.append(answer.json()["id"])
        return answer

    async def read(self, around: Around) -> Response:
        rest = self.chance.choice(["/who-is-involved", "/timeline", "/involvements", "/mandates", "/members", ""])
        return await self.call(self.registrar_or_lead(around), "GET", f"/families/{around.family.id}{rest}")

    async def read_caseload(self, _: Around) -> Response:
        return await self.call(self.arena.world.actor(self.someone()), "GET", "/caseload")


ACTS: dict[Callable[[Fighter, Around], Awaitable[Response | None]], float] = {
    Fighter.assign: 16,
    Fighter.release: 3,
    Fighter.propose: 8,
    Fighter.transfer: 8,
    Fighter.accept_mandate: 12,
    Fighter.decline_mandate: 1,
    Fighter.withdraw_proposal: 2,
    Fighter.end_mandate: 1,
    Fighter.name_deputy: 5,
    Fighter.end_deputy: 2,
    Fighter.invite: 8,
    Fighter.accept_invitation: 10,
    Fighter.start: 6,
    Fighter.change_domains: 4,
    Fighter.shield: 3,
    Fighter.confirm: 2,
    Fighter.end_involvement: 4,
    Fighter.report_absence: 3,
    Fighter.withdraw_absence: 2,
    Fighter.close: 0.2,
    Fighter.reopen: 2,
    Fighter.move_member: 2,
    Fighter.read: 8,
    Fighter.read_caseload: 2,
}
"""What a client does, and how often."""


@dataclass
class Outcome:
    """What became of all the operations."""

    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    @property
    def by_status(self) -> Counter[int]:
        counted: Counter[int] = Counter()
        for (_, status), number in self.answers.items():
            counted[status] += number
        return counted


async def fight(arena: Arena, urls: list[str], clients: int, operations: int, seed: int) -> Outcome:
    """Have so many clients do so many operations in all, spread over the servers at these addresses."""
    left = iter(range(operations))
    outcome = Outcome()

    async def one(number: int) -> None:
        async with AsyncClient(base_url=urls[number % len(urls)], timeout=60) as http:
            fighter = Fighter(arena, http, random.Random(f"{seed}:{number}"))
            for _ in left:
                await fighter.act()
            outcome.answers.update(fighter.answers)
            outcome.failures.extend(fighter.failures)

    async with asyncio.TaskGroup() as group:
        for number in range(clients):
            group.create_task(one(number))
    return outcome
