"""Whether a family exists, asked of what Spil tells other systems by itself."""

import re
from collections.abc import Iterator
from uuid import UUID, uuid4

from httpx import Response

from tests.access.oracles import Attempt, oracle, outsider
from tests.access.scene import Scene
from tests.world import Caller, World

WHO = ("uninvolved agency's system", "registrar elsewhere")
URL = "https://example.nl/spil"


def a_subscription(caller: Caller, *families: UUID) -> str:
    made = caller.post("/subscriptions", {"url": URL, "familyIds": [str(one) for one in families]})
    return f"/subscriptions/{made.json()['id']}"


def but_for_its_key(answer: Response) -> Response:
    """Every subscription has a key of its own, at random."""
    content = re.sub(rb"whpk_[A-Za-z0-9+/=]{44}", b"whpk_", answer.content)
    return Response(answer.status_code, headers=answer.headers, content=content, request=answer.request)


@oracle("a subscription that names a hidden family")
def named_family(world: World, scene: Scene) -> Iterator[Attempt]:
    for who in WHO:
        caller = outsider(scene, who)
        one, other = (
            caller.post("/subscriptions", {"url": URL, "familyIds": [str(family)]})
            for family in (scene.family.id, uuid4())
        )
        yield Attempt(but_for_its_key(one), but_for_its_key(other), exact=False)
        paths = [f"/subscriptions/{made.json()['id']}" for made in (one, other)]
        yield Attempt(*(but_for_its_key(caller.get(path)) for path in paths), exact=False)
        yield Attempt(*(but_for_its_key(caller.post(f"{path}/_verify")) for path in paths), exact=False)
        yield Attempt(*(caller.get(f"{path}/deliveries") for path in paths), exact=False)
        for path in paths:
            caller.delete(path, headers={"If-Match": "*"})


@oracle("a replay of an event of a hidden family")
def replayed_event(world: World, scene: Scene) -> Iterator[Attempt]:
    hidden = world.told(scene.family)[0].id
    for who in WHO:
        caller = outsider(scene, who)
        path = a_subscription(caller)
        answers = [caller.post(f"{path}/_replay", {"eventId": str(one)}) for one in (hidden, uuid4())]
        known = caller.post(f"{path}/_replay", {"since": "2026-01-01T00:00:00Z"})
        yield Attempt(answers[0], answers[1], known)
        caller.delete(path, headers={"If-Match": "*"})


@oracle("a subscription of another organisation, by id")
def anothers_subscription(world: World, scene: Scene) -> Iterator[Attempt]:
    insider = world.as_(world.system(scene.debt_help))
    path = a_subscription(insider, scene.family.id)
    for who in WHO:
        for rest in ("", "/deliveries", "/signing-keys"):
            answers = [outsider(scene, who).get(one + rest) for one in (path, f"/subscriptions/{uuid4()}")]
            yield Attempt(answers[0], answers[1], insider.get(path + rest))
    insider.delete(path, headers={"If-Match": "*"})
