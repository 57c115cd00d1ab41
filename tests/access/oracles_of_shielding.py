"""Whether there is a shielded involvement, asked by who is related to the family but may not know of it.

Some attempts compare two families that are alike but for it; others an id that is hidden with one of nothing.
"""

import base64
import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

from httpx import Response

from api.domain import families, involvements
from api.domain.codes import FamilyClosing
from tests.access.oracles import Attempt, oracle
from tests.access.scene import Scene
from tests.world import World, in_days

ORDINARY = ("deputy", "contact_point", "involved_system", "named", "cover", "parent", "teenager")


def twins(world: World) -> tuple[Scene, Scene]:
    """Two families alike; with the first, a shelter is involved too."""
    return Scene(world), Scene(world, shield=False)


def alike(scenes: tuple[Scene, Scene], who: str, rest: str, **how: Any) -> Attempt:
    """What this reader hears of both; the lead hears a difference, where `rest` shows involvements at all."""
    answers = (one.world.as_(one.related[who]).get(one.path + rest, **how) for one in scenes)
    return Attempt(*answers, exact=False)


@oracle("a shielded involvement, by gaps and help domains")
def gaps(world: World, scene: Scene) -> Iterator[Attempt]:
    both = twins(world)
    for who in ORDINARY:
        yield alike(both, who, "/contact-points")
        for domain in ("child_safety", "parenting", "justice"):
            yield alike(both, who, f"/contact-points/{domain}")


@oracle("a shielded involvement, by counts and pages of involvements")
def counts(world: World, scene: Scene) -> Iterator[Attempt]:
    both = twins(world)
    for who in ORDINARY:
        for state in ("", "?state=running", "?state=ended", "?state=invited"):
            yield alike(both, who, f"/involvements{state}")
        for on in (0, -1, -400):
            yield alike(both, who, "/who-is-involved", params={"on": str(in_days(on))})


@oracle("a shielded involvement, by what the caseload asks attention for")
def attention(world: World, scene: Scene) -> Iterator[Attempt]:
    both = twins(world)
    for who in ORDINARY:
        yield Attempt(*(world.as_(one.related[who]).get("/caseload", params={"limit": 1}) for one in both), exact=False)


def pages(scene: Scene, who: str, limit: int) -> Response:
    """The last page of the timeline, in whose body the cursors of all pages are listed, opened."""
    caller, cursor, cursors = scene.world.as_(scene.related[who]), "", []
    while cursor is not None:
        page = caller.get(f"{scene.path}/timeline", params={"limit": limit, "cursor": cursor})
        assert page.is_success, page.text
        cursor = page.json()["nextCursor"]
        cursors.append(cursor and json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))))
    return Response(200, json={"cursors": cursors, "last": page.json()}, request=page.request)


@oracle("a shielded involvement, by the pages and cursors of the timeline")
def timeline(world: World, scene: Scene) -> Iterator[Attempt]:
    """Also at the instant at which the family was closed and all involvements ended at once."""
    both = twins(world)
    for who in ORDINARY:
        for limit in (1, 2, 7):
            yield Attempt(*(pages(one, who, limit) for one in both), exact=False)
    for one in both:
        world.around(one.family, lambda work, mine: families.close(work, mine, FamilyClosing.COMPLETED))
    known = pages(both[0], "registrar", 1)
    for who in ("parent", "teenager"):
        yield Attempt(*(pages(one, who, 1) for one in both), known, exact=False)


@oracle("a professional of a shielded agency, named for a role")
def named_for_a_role(world: World, scene: Scene) -> Iterator[Attempt]:
    """As a contact point, for which there is no ground, or to lead, which is not theirs to propose."""
    someone = (scene.shielded_worker.id, scene.teacher.id)
    deputy = world.as_(scene.related["deputy"])
    known = world.as_(scene.related["lead"]).get(f"{scene.path}/involvements/{_shielded(scene)}")
    for domain in ("child_safety", "parenting", "justice"):
        yield Attempt(
            *(
                deputy.call(
                    "PUT",
                    f"{scene.path}/contact-points/{domain}",
                    json={"professionalId": str(one)},
                    headers={"If-Match": "*"},
                )
                for one in someone
            ),
            known,
        )
    for who in ("deputy", "lead", "registrar"):
        caller = world.as_(scene.related[who])
        for path, body in (
            ("/mandates", scene.bodies()["POST mandates"]),
            (f"/mandates/{scene.mandate.id}/_transfer", {}),
            (f"/mandates/{scene.mandate.id}/deputies", scene.bodies()["POST mandates deputies"]),
        ):
            bodies = [dict(body) | {"professionalId": str(one)} for one in someone]  # type: ignore[call-overload]
            yield Attempt(*(caller.post(scene.path + path, one) for one in bodies))


def _shielded(scene: Scene) -> str:
    assert scene.shielded_involvement
    return str(scene.shielded_involvement.id)


@oracle("the id of a shielded involvement, below the family")
def ids_of_involvements(world: World, scene: Scene) -> Iterator[Attempt]:
    """Whoever knows it from before it was shielded can't find out whether it still runs."""
    hidden, missing = (f"{scene.path}/involvements/{one}" for one in (_shielded(scene), uuid4()))
    terms = {"legalBasis": "statutory_task", "legalGround": "debt_help"}
    for who in (*ORDINARY, "invited_system", "candidate"):
        caller = world.as_(scene.related[who])
        yield Attempt(caller.get(hidden), caller.get(missing))
        for verb, body in (("_end", {"reason": "completed"}), ("_confirm", None), ("_withdraw", None)):
            yield Attempt(*(caller.post(f"{path}/{verb}", body) for path in (hidden, missing)))
        for verb, body in (("_accept", terms), ("_decline", {"reason": "no_capacity"})):
            yield Attempt(*(caller.post(f"{path}/{verb}", body) for path in (hidden, missing)))
        for headers in ({}, {"If-Match": "*"}, {"If-Match": '"0"'}):
            body = {"contactFrequency": "weekly"}
            yield Attempt(*(caller.call("PATCH", path, json=body, headers=headers) for path in (hidden, missing)))


@oracle("the id of a mandate one may not see")
def ids_of_mandates(world: World, scene: Scene) -> Iterator[Attempt]:
    """The present one for who is only asked to lead, and the proposal for everybody else."""
    for who in ("candidate", *ORDINARY):
        one = scene.mandate if who == "candidate" else scene.proposal
        hidden, missing = (f"{scene.path}/mandates/{each}" for each in (one.id, uuid4()))
        caller, known = world.as_(scene.related[who]), world.as_(scene.related["lead"]).get(hidden)
        yield Attempt(caller.get(hidden), caller.get(missing), known)
        yield Attempt(*(caller.get(f"{path}/deputies") for path in (hidden, missing)))
        for verb, body in (("_accept", None), ("_decline", {"reason": "no_capacity"}), ("_withdraw", None)):
            yield Attempt(*(caller.post(f"{path}/{verb}", body) for path in (hidden, missing)))


@oracle("an invitation of a shielded agency, or of one that is invited already")
def invitations(world: World, scene: Scene) -> Iterator[Attempt]:
    """A deputy may invite, and not know whom others invited."""
    both = twins(world)
    shelters = [
        world.as_(one.related["deputy"]).post(
            f"{one.path}/involvements/_invite", {"agencyId": str(one.shelter.id), "helpDomains": ["housing"]}
        )
        for one in both
    ]
    assert shelters[0].status_code == 201
    yield Attempt(*shelters, exact=False)
    mine = both[0]
    again, first = (
        world.as_(mine.related["deputy"]).post(
            f"{mine.path}/involvements/_invite", {"agencyId": str(one.id), "helpDomains": ["housing"]}
        )
        for one in (mine.invited, mine.school)
    )
    known = world.as_(world.registrar).post(
        f"{mine.path}/involvements/_invite", {"agencyId": str(mine.invited.id), "helpDomains": ["housing"]}
    )
    assert known.status_code == 409
    yield Attempt(again, first, known, exact=False)


@oracle("the gap that an involvement left, which was shielded since")
def a_gap_left(world: World, scene: Scene) -> Iterator[Attempt]:
    one = Scene(world, shield=False)
    worker = world.a_professional(one.shelter)
    involvement = world.an_involvement(one.family, one.shelter, ["child_safety"], professional=worker)
    world.a_contact_point(one.family, worker, "child_safety")
    world.around(
        one.family,
        lambda work, mine: involvements.change(work, mine, involvements.get(work, mine, involvement.id), shielded=True),
        world.system(one.shelter),
    )
    deputy, lead = world.as_(one.related["deputy"]), world.as_(one.related["lead"])
    paths = [f"{one.path}/contact-points/{domain}" for domain in ("child_safety", "justice")]
    attempts = [deputy.delete(path) for path in paths]
    yield Attempt(*attempts, lead.delete(paths[0]))
