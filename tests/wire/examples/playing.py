"""Plays a story over HTTP, on a service with a database of its own, and remembers what was asked and answered."""

import asyncio
import re
import secrets
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from httpx import Client, Response

from api import worker
from api.db import Database, DatabaseRole
from api.domain.actor import Actor, Role
from api.domain.addresses import Receivers
from api.domain.models import Municipality, Professional
from api.main import create_app
from tests.access.signing import ec_key
from tests.conftest import serving
from tests.receiving import a_receiver, a_worker, deliver
from tests.wire.examples.more_chapters import STORY
from tests.wire.examples.step import WORK, Chapter, Step
from tests.wire.operations import FORM, OPERATIONS, Operation, a_configuration
from tests.world import World, ago, in_days

BY_NAME = {operation.name: operation for operation in OPERATIONS}
OF_ROLE = {Role.REGISTRAR, Role.PRIVACY_OFFICER, Role.ANALYST, Role.PLATFORM_ADMINISTRATOR}


@dataclass(frozen=True)
class Played:
    """One call, as it went."""

    step: Step
    operation: Operation
    path: dict[str, str]
    query: dict[str, str]
    headers: dict[str, str]
    body: Any
    answer: Response
    kept: dict[str, str]
    """What it left for later steps."""


class Unpeopled(World):
    """A world with nobody in it at all: the story begins with the first municipality."""

    def a_municipality(self) -> Municipality:
        return Municipality(code="", name="", access_team_name="", access_team_phone="", access_team_email="")


def told(database_url: str) -> list[Played]:
    """The whole story, on a service of its own with this database, whose receivers may be on this machine."""
    settings = a_configuration(database_url).model_copy(update={"receivers": Receivers.ANYWHERE})
    app = create_app(settings)
    with serving(app) as base_url, Client(base_url=base_url, timeout=30) as client:
        world = Unpeopled(app, client)
        try:
            return list(Stage(world).play(STORY))
        finally:
            world.close()


class Stage:
    """Where a story is played."""

    def __init__(self, world: World) -> None:
        self.world, self.client = world, world.client
        self.key, self.second = ec_key(), ec_key()
        self.key.kid, self.second.kid = "linde-2026", "second-key"
        self.kept: dict[str, str] = {}

    def play(self, chapters: Iterable[Chapter]) -> Iterator[Played]:
        with a_receiver() as receiver, a_worker(self.world):
            self.kept["receiver"] = receiver.url
            for part in (part for chapter in chapters for part in chapter):
                if isinstance(part, Step):
                    yield self._carry_out(part)
                else:
                    assert part == WORK
                    work(self.world)
                    deliver(self.world)

    def _carry_out(self, step: Step) -> Played:
        operation = BY_NAME[step.operation]
        path = {name: self._at(step, name) for name in operation.names_of("path")}
        query = {name: self._filled(value) for name, value in step.query.items()}
        body, url = self._filled(step.body), operation.path.format(**path)
        authorization = {"Authorization": f"Bearer {self._token(step.by)}"} if step.by else {}
        headers = self._if_match(operation, url, authorization)
        how: dict[str, Any] = {"data": body} if operation.media_type == FORM else {"json": body}
        if isinstance(body, str):
            how, headers = {"content": body.encode()}, headers | {"Content-Type": "text/csv"}
        how |= {"params": query, "headers": authorization | headers | {"Accept": step.accept}}
        answer = _call(self.client, operation, url, how)
        assert answer.is_success, f"{step.operation} by {step.by}: {answer.status_code} {answer.text}"
        kept = {name: str(_found(answer.json(), place)) for name, place in step.keep.items()}
        self.kept |= kept
        return Played(step, operation, path, query, headers, body, answer, kept)

    def _at(self, step: Step, name: str) -> str:
        meant = step.at.get(name, name)
        return self.kept.get(meant, meant)

    def _if_match(self, operation: Operation, url: str, authorization: dict[str, str]) -> dict[str, str]:
        """The ETag of what is to be changed, where the description asks for it and there is something to be changed."""
        required = [one["name"] for one in operation.parameters if one["in"] == "header" and one["required"]]
        if "If-Match" not in required:
            return {}
        read = self.client.get(url, headers=authorization)
        return {"If-Match": read.headers.get("ETag", "*") if read.is_success else "*"}

    def _filled(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self._filled(one) for name, one in value.items()}
        if isinstance(value, list):
            return [self._filled(one) for one in value]
        named = re.fullmatch(r"\{(\+?\w+)\}", value) if isinstance(value, str) else None
        return self._named(named[1]) if named else value

    def _named(self, name: str) -> Any:
        if name.startswith("+"):
            return str(in_days(int(name)))
        if name == "earlier":
            return ago(hours=1).isoformat()
        if name in {"publicKey", "secondKey"}:
            return (self.key if name == "publicKey" else self.second).jwk
        return self._assertion() if name == "assertion" else self.kept[name]

    def _assertion(self) -> str:
        now, client = int(time.time()), self.kept["clientId"]
        audience = self.world.app.state.settings.token_endpoint
        claims = {"iss": client, "sub": client, "aud": audience, "iat": now, "exp": now + 60}
        return self.key.sign(claims | {"jti": secrets.token_hex(8)})

    def _token(self, by: str) -> str:
        kind, _, kept = by.partition(" ")
        return self.world.as_(self._actor(kind, self.kept.get(kept, ""))).token

    def _actor(self, kind: str, kept: str) -> Actor:
        if kind == "system":
            return Actor(role=Role.AGENCY_SYSTEM, subject=f"system-{kept}", agency_id=UUID(kept))
        if kind == "relative":
            return Actor(role=Role.FAMILY_MEMBER, subject=f"person-{kept}", person_id=UUID(kept))
        if kind == "professional":
            with self.world.session() as session:
                return self.world.actor(session.get_one(Professional, UUID(kept)))
        code = None if kind == Role.PLATFORM_ADMINISTRATOR else self.kept["municipalityCode"]
        return Actor(role=Role(kind), subject=kind, municipality_code=code)


def work(world: World) -> None:
    """Let the worker do whatever there is to do, but for forgetting."""

    async def run() -> None:
        database = Database(world.app.state.settings.database_url, 1, DatabaseRole.WORKER)
        try:
            for job in (job for job in worker.jobs(None) if job.every < worker.DAILY):
                while await job.do(database, world.app.state.vault):
                    pass
        finally:
            await database.close()

    asyncio.run(run())


def _call(client: Client, operation: Operation, url: str, how: dict[str, Any]) -> Response:
    """The answer; of one that goes on, the first thing that it says."""
    if not operation.path.endswith("_stream"):
        return client.request(operation.method, url, **how)
    with client.stream(operation.method, url, params=how["params"], headers=how["headers"]) as answer:
        said = []
        for line in answer.iter_lines():
            said.append(line)
            if not line and any(one.startswith("data:") for one in said):
                break
        return Response(answer.status_code, headers=answer.headers, text="\n".join(said))


def _found(body: Any, place: str) -> Any:
    for part in place.split("."):
        name, equals, value = part.partition("=")
        if equals:
            body = next(one for one in body if one[name] == value)
        else:
            body = body[int(part)] if isinstance(body, list) else body[part]
    return body
