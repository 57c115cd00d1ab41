"""Ways to learn whether a family or a person exists without having anything to do with it. Each of them has to fail.

An oracle makes attempts. Each is the same request twice: about what is there but hidden from who asks, and about what
isn't there at all. Where that can be had, somebody who may know asks too and hears something else: the attempt could
have told.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from httpx import Response

from tests.access.scene import Scene
from tests.world import Caller, World


@dataclass(frozen=True)
class Attempt:
    """What is heard of what is hidden, and of what is missing. `known`: what who may know hears of it."""

    hidden: Response
    missing: Response
    known: Response | None = None
    exact: bool = True
    """Byte by byte. If not: but for ids, invented names and moments."""


Oracle = Callable[[World, Scene], Iterator[Attempt]]
ORACLES: dict[str, Oracle] = {}


def oracle(name: str) -> Callable[[Oracle], Oracle]:
    def named(attempts: Oracle) -> Oracle:
        ORACLES[name] = attempts
        return attempts

    return named


def outsider(scene: Scene, who: str = "uninvolved agency's system") -> Caller:
    return scene.world.as_(scene.outsiders[who])


def on_both(scene: Scene, caller: Caller, method: str, rest: str, known: bool = True, **how: Any) -> Attempt:
    """The same request below the hidden family and below none."""
    hidden, missing = (caller.call(method, f"/families/{one}{rest}", **how) for one in (scene.family.id, uuid4()))
    insider = scene.world.as_(scene.world.registrar).call(method, f"{scene.path}{rest}", **how) if known else None
    return Attempt(hidden, missing, None if insider is None or insider.status_code == 404 else insider)


def elsewhere(world: World) -> Caller:
    return world.as_(world.a_registrar(world.a_municipality()))


@contextmanager
def locked(world: World, family_id: UUID) -> Iterator[None]:
    """Somebody else is changing the family, for as long as this lasts: who waits for it hears 503 in the end."""
    with world.session() as session:
        session.connection().exec_driver_sql("SELECT FROM family WHERE id = %(id)s FOR UPDATE", {"id": family_id})
        yield
