"""One family on which one relation begins and ends, again and again; and two workers to ask.

A trial: the relation runs and a read discloses the family on one worker; it ends on another worker; from when that is
acknowledged, the same read on the first worker gives nothing.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from httpx import Client, Response

from api.domain import involvements
from api.domain.actor import Actor
from api.domain.models import Family
from api.domain.work import Work
from tests.access.scene import Scene
from tests.access.sweep import path_of, routes_under_a_family
from tests.world import World


@dataclass(frozen=True)
class Way:
    """Whose relation it is, how it begins, and how it ends: over HTTP, or by itself (then there is no answer)."""

    who: Callable[[Scene], Actor]
    begin: Callable[["Stand"], Any]
    end: Callable[["Stand", Any], Response | None]


@dataclass
class Stand:
    """Whoever leads, is not named in an involvement besides: one relation each."""

    world: World
    way: Way
    ending: Client
    reading: Client
    scene: Scene = field(init=False)
    tokens: dict[Actor, str] = field(default_factory=dict)
    kept: dict[str, Any] = field(default_factory=dict)
    """What a way keeps from one trial to the next."""

    def __post_init__(self) -> None:
        self.scene = Scene(self.world, shield=False)
        self.world.around(self.scene.family, self._name_another, self.world.system(self.scene.youth_care))

    def _name_another(self, work: Work, mine: Family) -> None:
        of_lead = involvements.get(work, mine, self.scene.open_involvement.id)
        involvements.change(work, mine, of_lead, professional_id=self.scene.bystander.id)

    def ask(self, client: Client, actor: Actor, method: str, path: str, body: Any = None, **headers: str) -> Response:
        if actor not in self.tokens:
            self.tokens[actor] = self.world.app.state.own_issuer.token(actor, seconds=6 * 3600)
        known = {"Authorization": f"Bearer {self.tokens[actor]}"} | headers
        return client.request(method, f"/v1{path}", json=body, headers=known)

    def change(self, actor: Actor, method: str, rest: str, body: Any = None) -> Response:
        """A change of the family on the worker that ends relations."""
        return self.ask(self.ending, actor, method, f"{self.scene.path}{rest}", body, **{"If-Match": "*"})

    def around(self, verb: Callable[[Work, Family], Any], actor: Actor | None = None) -> Any:
        return self.world.around(self.scene.family, verb, actor)

    @cached_property
    def who(self) -> Actor:
        return self.way.who(self.scene)

    @cached_property
    def reads(self) -> list[str]:
        """Every read that discloses something to whom the relation is given, whenever it has begun anew."""
        self._end(self.way.begin(self))
        begun = self.way.begin(self)
        names = self.scene.inside(self.scene.family.id)
        paths = [path_of(route, names) for route in routes_under_a_family(self.world.app) if "GET" in route.methods]
        found = [path for path in [*paths, "/caseload?limit=200"] if self._discloses(path)]
        self._end(begun)
        assert found, "Who has this relation reads nothing."
        return found

    def _end(self, begun: Any) -> None:
        answer = self.way.end(self, begun)
        assert answer is None or answer.is_success, answer.text

    def _discloses(self, path: str) -> bool:
        """Below the family anything but the 404 of a family that isn't there tells of it."""
        answer = self.ask(self.reading, self.who, "GET", path)
        if path.startswith("/caseload"):
            return str(self.scene.family.id) in answer.text
        return answer.status_code == 200

    def trial(self, path: str) -> bool:
        """Whether anything was given away after the end was acknowledged."""
        begun = self.way.begin(self)
        assert self._discloses(path), f"It has to be seen before: {path}"
        self._end(begun)
        return any(self._tells(client, path) for client in (self.reading, self.ending))

    def _tells(self, client: Client, path: str) -> bool:
        answer = self.ask(client, self.who, "GET", path)
        if path.startswith("/caseload"):
            return answer.status_code != 200 or str(self.scene.family.id) in answer.text
        return (answer.status_code, answer.json().get("code")) != (404, "family_not_found")


def trials(
    ways: Mapping[str, Way], world: World, ending: Client, reading: Client, number: int
) -> Iterator[tuple[str, str, bool]]:
    """So many trials, over all ways and reads in turn: the way, the read, and whether it gave anything away."""
    stands = {name: Stand(world, way, ending, reading) for name, way in ways.items()}
    for place in range(number):
        name = list(stands)[place % len(stands)]
        stand = stands[name]
        path = stand.reads[place // len(stands) % len(stand.reads)]
        yield name, path.replace(str(stand.scene.family.id), "{familyId}"), stand.trial(path)
