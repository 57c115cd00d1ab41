"""Can a hidden family be told from a missing one by how long the answer takes? Over HTTP, on one kept connection.

    python -m tests.campaigns.timing --pairs 20000

starts a PostgreSQL and a server of its own. For each role that has nothing to do with the family, and each of some
reads and changes, it asks for a hidden and a missing family in random order, again and again. The statistic is the AUC:
the chance that of two answers the one about the hidden family took longer; 0.5 is a guess. Exit code 0: all lie within
0.45 and 0.55, and the control does not: the same for who may know of the family, which shows that the clock is fine
enough.
"""

import gc
import http.client
import json
import random
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any
from uuid import uuid4

import httpx

from api.domain.actor import Actor
from api.main import create_app
from tests.access.scene import Scene
from tests.campaigns.ground import a_database, a_seed, a_server, options
from tests.world import World

WITHIN = (0.45, 0.55)
ROLES = (
    "uninvolved agency's system",
    "colleague who isn't named",
    "registrar elsewhere",
    "privacy officer elsewhere",
    "member of another family",
)
ASKED: dict[str, tuple[str, str, Any]] = {
    "who is involved": ("GET", "/who-is-involved", None),
    "the family": ("GET", "", None),
    "the timeline": ("GET", "/timeline", None),
    "the members": ("GET", "/members", None),
    "a change": ("POST", "/_close", {"closing": "completed"}),
}
CONTROL = "control: who may know"


@dataclass
class Timed:
    """One role and one request, and how long the answers took, in nanoseconds."""

    role: str
    what: str
    hidden: list[int] = field(default_factory=list)
    missing: list[int] = field(default_factory=list)

    @property
    def auc(self) -> float:
        return auc(self.hidden, self.missing)


def auc(ones: Sequence[int], others: Sequence[int]) -> float:
    """The chance that one of the ones is larger than one of the others; a tie counts half. By the sum of ranks."""
    ranked = sorted([(value, True) for value in ones] + [(value, False) for value in others])
    rank, total = 1, 0.0
    for _, ties in groupby(ranked, key=lambda one: one[0]):
        equal = list(ties)
        total += (rank + (len(equal) - 1) / 2) * sum(is_one for _, is_one in equal)
        rank += len(equal)
    return (total - len(ones) * (len(ones) + 1) / 2) / (len(ones) * len(others))


class Clock:
    """Asks on one connection that is kept, and takes the time."""

    def __init__(self, url: str, world: World, scenes: list[Scene], chance: random.Random) -> None:
        self.connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=60)
        self.world, self.scenes, self.chance = world, scenes, chance
        self.hidden = [str(scene.family.id) for scene in scenes]
        self.missing = [str(uuid4()) for _ in scenes]
        self.tokens: dict[str, str] = {}

    def actor(self, role: str) -> Actor:
        return self.world.registrar if role == CONTROL else self.scenes[0].outsiders[role]

    def pair(self, timed: Timed) -> None:
        """The same asked about a hidden and a missing family, in random order."""
        both = [(timed.hidden, self.hidden), (timed.missing, self.missing)]
        self.chance.shuffle(both)
        for found, families in both:
            found.append(self.ask(timed, self.chance.choice(families)))

    def ask(self, timed: Timed, family_id: str) -> int:
        method, rest, body = ASKED[timed.what]
        if timed.role not in self.tokens:
            issuer = self.world.app.state.own_issuer
            self.tokens[timed.role] = issuer.token(self.actor(timed.role), seconds=6 * 3600)
        headers = {"Authorization": f"Bearer {self.tokens[timed.role]}", "Content-Type": "application/json"}
        content = json.dumps(body) if body else None
        since = time.perf_counter_ns()
        self.connection.request(method, f"/v1/families/{family_id}{rest}", content, headers)
        answer = self.connection.getresponse()
        answer.read()
        took = time.perf_counter_ns() - since
        if (answer.status == 404) is (timed.role == CONTROL and family_id in self.hidden):
            raise RuntimeError(f"{timed.role}, {timed.what}: {answer.status}")
        return took


def main() -> int:
    """Measure what the command line asks for."""
    wanted = options(__doc__, pairs=20_000, families=5, seed=a_seed())
    with a_database() as (stack, _, settings):
        url = stack.enter_context(a_server(settings))
        world = World(create_app(settings), stack.enter_context(httpx.Client(base_url=url, timeout=60)))
        stack.callback(world.close)
        scenes = [Scene(world) for _ in range(wanted.families)]
        return _report(_measured(Clock(url, world, scenes, random.Random(wanted.seed)), wanted.pairs))


def _measured(clock: Clock, pairs: int) -> list[Timed]:
    cells = [Timed(role, what) for role in ROLES for what in ASKED]
    control = Timed(CONTROL, "the family")
    for timed in _turns([*cells, control], pairs // 20, clock.chance):
        clock.pair(timed)  # until caches are warm: these don't count
    for timed in [*cells, control]:
        timed.hidden.clear()
        timed.missing.clear()
    gc.disable()
    for done, timed in enumerate(_turns(cells, pairs, clock.chance), 1):
        clock.pair(timed)
        if done % 20 == 0:
            clock.pair(control)
        if done % 2000 == 0:
            gc.collect()
            print(f"{done} pairs", flush=True)
    return [*cells, control]


def _turns(cells: list[Timed], pairs: int, chance: random.Random) -> Iterator[Timed]:
    """The cells in turn, each round in another order: what slows the machine down slows all of them."""
    for place in range(pairs):
        if place % len(cells) == 0:
            chance.shuffle(order := list(cells))
        yield order[place % len(cells)]


def _report(cells: list[Timed]) -> int:
    *measured, control = cells
    for timed in [*sorted(measured, key=lambda one: (one.role, one.what)), control]:
        medians = [statistics.median(one) / 1000 for one in (timed.hidden, timed.missing)]
        print(
            f"  {timed.role:28} {timed.what:16} {len(timed.hidden):6} pairs  AUC {timed.auc:.3f}"
            f"  median {medians[0]:7.0f} and {medians[1]:7.0f} us"
        )
    weights = [len(timed.hidden) for timed in measured]
    overall = sum(timed.auc * weight for timed, weight in zip(measured, weights, strict=True)) / sum(weights)
    told = [timed for timed in measured if not WITHIN[0] <= timed.auc <= WITHIN[1]]
    print(f"{sum(weights)} pairs, AUC {overall:.3f} overall, {len(told)} of {len(measured)} outside {WITHIN}")
    blind = WITHIN[0] <= control.auc <= WITHIN[1]
    return int(bool(told) or blind or not WITHIN[0] <= overall <= WITHIN[1])


if __name__ == "__main__":
    sys.exit(main())
