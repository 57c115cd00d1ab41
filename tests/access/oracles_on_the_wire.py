"""Whether a family exists, asked by what HTTP has to say: conditions, keys, headers, methods, malformed requests."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

from api.domain import involvements
from api.domain.codes import InvolvementEnd
from api.domain.models import Family
from api.domain.work import Work
from tests.access.oracles import Attempt, elsewhere, on_both, oracle, outsider
from tests.access.scene import Scene
from tests.access.sweep import path_of, routes_under_a_family, sent
from tests.world import Caller, World

WHO = ("uninvolved agency's system", "registrar elsewhere", "colleague who isn't named", "member of another family")


def each_outsider(scene: Scene) -> Iterator[Caller]:
    return (outsider(scene, who) for who in WHO)


@oracle("If-None-Match with the family's true ETag")
def if_none_match(world: World, scene: Scene) -> Iterator[Attempt]:
    for rest in ("", f"/members/{scene.parent.id}", "/contact-points"):
        tag = world.as_(world.registrar).get(scene.path + rest).headers["ETag"]
        for caller in each_outsider(scene):
            for value in (tag, "*", f"W/{tag}"):
                yield on_both(scene, caller, "GET", rest, headers={"If-None-Match": value})


@oracle("If-Match with the family's true ETag, a wrong one, any and none: 404 before 412 and 428")
def if_match(world: World, scene: Scene) -> Iterator[Attempt]:
    family = world.a_family()
    registrar = world.as_(world.registrar)
    tag = registrar.get(f"/families/{family.id}").headers["ETag"]
    body = {"name": "De Wit"}
    for caller in each_outsider(scene):
        for headers in ({"If-Match": tag}, {"If-Match": '"0"'}, {"If-Match": "*"}, {}):
            answers = [
                caller.call("PATCH", f"/families/{one}", json=body, headers=headers) for one in (family.id, uuid4())
            ]
            yield Attempt(answers[0], answers[1])
    known = [
        registrar.call("PATCH", f"/families/{family.id}", json=body, headers=headers)
        for headers in ({"If-Match": '"0"'}, {}, {"If-Match": tag})
    ]
    assert [one.status_code for one in known] == [412, 428, 200], "Who may know does hear of them."


@oracle("idempotency replay, with the key of another caller")
def anothers_key(world: World, scene: Scene) -> Iterator[Attempt]:
    family, key = world.a_family(), {"Idempotency-Key": uuid4().hex}
    body = {"person": {"givenName": "Jo", "surname": "Wit"}, "role": "child"}
    known = world.as_(world.registrar).post(f"/families/{family.id}/members", body, headers=key)
    again = world.as_(world.registrar).post(f"/families/{family.id}/members", body, headers=key)
    assert (known.status_code, again.text) == (201, known.text), "It is a replay for whose key it is."
    for caller in each_outsider(scene):
        yield Attempt(
            *(caller.post(f"/families/{one}/members", body, headers=key) for one in (family.id, uuid4())), known
        )


@oracle("idempotency replay, with one's own key, after the relation ended")
def own_key_afterwards(world: World, scene: Scene) -> Iterator[Attempt]:
    agency, family, key = world.an_agency(), world.a_family(), {"Idempotency-Key": uuid4().hex}
    world.an_involvement(family, agency)
    caller = world.as_(world.system(agency))
    body = {
        "helpDomains": ["finances"],
        "legalBasis": "statutory_task",
        "legalGround": "debt_help",
        "professionalId": str(world.a_professional(agency).id),
    }
    known = caller.post(f"/families/{family.id}/involvements", body, headers=key)
    assert known.status_code == 201, known.text
    world.around(family, end_all, world.system(agency))
    yield Attempt(
        *(caller.post(f"/families/{one}/involvements", body, headers=key) for one in (family.id, uuid4())), known
    )


def end_all(work: Work, family: Family) -> None:
    for one in involvements.of_family(work, family):
        involvements.end(work, family, one, InvolvementEnd.COMPLETED)


@oracle("an idempotency key used up by the attempt")
def a_key_used_up(world: World, scene: Scene) -> Iterator[Attempt]:
    """Neither attempt leaves anything behind that shows when the key is used again."""
    there = world.a_municipality()
    registrar, body = world.as_(world.a_registrar(there)), {"closing": "completed"}
    second = []
    for one in (scene.family.id, uuid4()):
        own, key = world.a_family(there), {"Idempotency-Key": uuid4().hex}
        assert registrar.post(f"/families/{one}/_close", body, headers=key).status_code == 404
        second.append(registrar.post(f"/families/{own.id}/_close", body, headers=key))
    assert second[0].status_code == 200
    yield Attempt(*second, exact=False)


MALFORMED: tuple[dict[str, Any], ...] = (
    {"json": {"closing": "bored"}},
    {"json": {}},
    {"json": []},
    {"json": {"closing": "completed", "more": 1}},
    {"content": b"{", "headers": {"Content-Type": "application/json"}},
    {"content": b"\xff", "headers": {"Content-Type": "application/json"}},
    {"content": b"closing=completed", "headers": {"Content-Type": "application/x-www-form-urlencoded"}},
    {"content": b" " * 300_000, "headers": {"Content-Type": "application/json"}},
    {"json": {"closing": "completed"}, "headers": {"Accept": "text/html"}},
    {"json": {"closing": "completed"}, "headers": {"Idempotency-Key": "k" * 129}},
    {"json": {"closing": "completed"}, "params": {"sort": "name"}},
)


@oracle("validation order: what is malformed, sent about what is hidden")
def validation_order(world: World, scene: Scene) -> Iterator[Attempt]:
    for caller in each_outsider(scene):
        for how in MALFORMED:
            yield on_both(scene, caller, "POST", "/_close", known=False, **how)
    for headers in ({}, {"If-Match": "*"}):
        for route in routes_under_a_family(world.app):
            names = [scene.inside(one) for one in (scene.family.id, uuid4())]
            yield Attempt(*(sent(scene, outsider(scene), route, one, headers, "empty") for one in names))


@oracle("the text of a refusal, and what it offers")
def refusal_texts(world: World, scene: Scene) -> Iterator[Attempt]:
    """Neither Location, Link nor ETag, and in no language another sentence."""
    for caller in each_outsider(scene):
        for language in ("nl", "en", "de", "*"):
            attempt = on_both(scene, caller, "GET", "/who-is-involved", headers={"Accept-Language": language})
            assert not {"location", "link", "etag", "content-language"} & set(attempt.hidden.headers)
            assert str(scene.family.id) not in attempt.hidden.text
            yield attempt


@oracle("the Location of what is made, and its id")
def location(world: World, scene: Scene) -> Iterator[Attempt]:
    """What is made below a hidden family is not there afterwards either."""
    for rest, body in (
        ("/involvements", "POST involvements"),
        ("/mandates", "POST mandates"),
        ("/members", "POST members"),
    ):
        for caller in each_outsider(scene):
            attempt = on_both(scene, caller, "POST", rest, known=False, json=scene.bodies()[body])
            assert "location" not in attempt.hidden.headers
            yield attempt


@oracle("the Allow header, and methods that are not there")
def allow(world: World, scene: Scene) -> Iterator[Attempt]:
    routes = {route.path: route for route in routes_under_a_family(world.app)}
    for route in routes.values():
        rest = path_of(route, scene.inside(scene.family.id)).removeprefix(scene.path)
        for method in ("OPTIONS", "TRACE", "PROPFIND", "DELETE", "PUT", "PATCH"):
            yield on_both(scene, outsider(scene), method, rest, known=False)


@oracle("HEAD, and the length of what it would have brought")
def head(world: World, scene: Scene) -> Iterator[Attempt]:
    for route in routes_under_a_family(world.app):
        if "GET" in route.methods:
            rest = path_of(route, scene.inside(scene.family.id)).removeprefix(scene.path)
            for caller in each_outsider(scene):
                yield on_both(scene, caller, "HEAD", rest)


@oracle("content negotiation, ranges, compression and methods written in a header")
def negotiation(world: World, scene: Scene) -> Iterator[Attempt]:
    for caller in each_outsider(scene):
        for headers in (
            {"Accept": "text/html"},
            {"Accept": "application/xml, */*;q=0.1"},
            {"Accept-Encoding": "gzip, br"},
            {"Range": "bytes=0-0"},
            {"X-HTTP-Method-Override": "GET"},
            {"Origin": "https://elsewhere.example"},
            {"Expect": "200-ok"},
            {"Connection": "close"},
        ):
            yield on_both(scene, caller, "GET", "/who-is-involved", known=False, headers=headers)


@oracle("other spellings of the same id")
def spellings(world: World, scene: Scene) -> Iterator[Attempt]:
    def written(one: UUID) -> list[str]:
        return [
            str(one).upper(),
            one.hex,
            f"{{{one}}}",
            f"urn:uuid:{one}",
            f"{one}%20",
            f"{one}/",
            f"%7B{one}%7D",
            f"{one}%00",
        ]

    for caller in each_outsider(scene):
        for hidden, missing in zip(written(scene.family.id), written(uuid4()), strict=True):
            yield Attempt(*(caller.get(f"/families/{one}/who-is-involved") for one in (hidden, missing)))


@oracle("days past and to come")
def days(world: World, scene: Scene) -> Iterator[Attempt]:
    for caller in each_outsider(scene):
        for on in ("1900-01-01", "2020-02-30", "2999-01-01", "now", ""):
            for rest in ("/who-is-involved", "/contact-points", "/contact-points/parenting"):
                yield on_both(scene, caller, "GET", rest, known=False, params={"on": on})


@oracle("help domains: one that the family has, one that it lacks, one that there isn't")
def help_domains(world: World, scene: Scene) -> Iterator[Attempt]:
    for caller in each_outsider(scene):
        for domain in ("parenting", "justice", "nothing_of_the_kind"):
            yield on_both(scene, caller, "GET", f"/contact-points/{domain}", known=domain == "parenting")
            yield on_both(scene, caller, "DELETE", f"/contact-points/{domain}", known=False)


@oracle("asking often: the hundredth answer is as the first")
def asked_often(world: World, scene: Scene) -> Iterator[Attempt]:
    """Nothing is counted, cached or slowed down by what has been asked before."""
    caller, missing = outsider(scene), uuid4()
    for _ in range(100):
        yield Attempt(*(caller.get(f"/families/{one}") for one in (scene.family.id, missing)))
    yield Attempt(elsewhere(world).get(scene.path), caller.get(f"/families/{missing}"))
