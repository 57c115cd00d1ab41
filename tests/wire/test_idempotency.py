"""A POST sent twice under one Idempotency-Key has one effect and one answer."""

import secrets
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from fastapi import Request
from sqlmodel import select

from api.auth.requests import _target
from api.domain.codes import EventType
from api.domain.models import Event, IdempotentRequest
from tests.wire.answers import has_every_header, is_problem
from tests.world import Caller, World, a_bsn


def _key() -> dict[str, str]:
    return {"Idempotency-Key": secrets.token_hex(12)}


def _family(name: str = "Voorbeeld", **more: Any) -> dict[str, Any]:
    return {"name": name, "framework": "voluntary"} | more


@pytest.fixture
def registrar(world: World) -> Caller:
    return world.as_(world.registrar)


def _opened(world: World, *ids: str) -> int:
    with world.session() as session:
        told = session.exec(select(Event.family_id).where(Event.type == EventType.FAMILY_OPENED)).all()
    return sum(str(one) in ids for one in told)


def test_the_same_request_again_has_the_same_answer_and_no_second_effect(world: World, registrar: Caller) -> None:
    key = _key()
    first, second = (registrar.post("/families", _family(), headers=key) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert second.content == first.content
    for name in ("Location", "ETag"):
        assert second.headers[name] == first.headers[name]
    has_every_header(second)
    assert _opened(world, first.json()["id"]) == 1


def test_another_request_under_the_same_key_is_refused(registrar: Caller) -> None:
    key = _key()
    first = registrar.post("/families", _family(), headers=key)
    for path, body in (
        ("/families", _family("Ander")),
        (f"/families/{first.json()['id']}/_close", {"closing": "completed"}),
    ):
        answer = registrar.post(path, body, headers=key)
        is_problem(answer, 409)
        assert answer.json()["code"] == "key_reused"
    assert registrar.get(f"/families/{first.json()['id']}").json()["closedAt"] is None


def test_a_key_belongs_to_one_client(world: World, registrar: Caller) -> None:
    key = _key()
    elsewhere = world.as_(world.a_registrar(world.a_municipality()))
    first, other = (caller.post("/families", _family(), headers=key) for caller in (registrar, elsewhere))
    assert (first.status_code, other.status_code) == (201, 201)
    assert first.json()["id"] != other.json()["id"]
    assert first.json()["municipalityCode"] != other.json()["municipalityCode"]


def test_at_the_same_time_there_is_one_effect_too(world: World, registrar: Caller) -> None:
    key = _key()
    with ThreadPoolExecutor(12) as callers:
        answers = list(callers.map(lambda _: registrar.post("/families", _family(), headers=key), range(24)))
    assert Counter(answer.status_code for answer in answers) == {201: 24}
    [one] = {answer.json()["id"] for answer in answers}
    assert _opened(world, one) == 1


def test_a_refused_request_leaves_its_key_free(registrar: Caller) -> None:
    key = _key()
    for _ in range(2):
        is_problem(registrar.post("/families", _family(framework="unknown"), headers=key), 400)
    wrong = _family(
        members=[{"role": "child", "person": {"givenName": "A", "surname": "B", "birthDate": "2199-01-01"}}]
    )
    is_problem(registrar.post("/families", wrong, headers=key), 400)
    assert registrar.post("/families", _family(), headers=key).status_code == 201


def test_who_has_no_part_any_more_gets_no_answer_of_before(world: World, registrar: Caller) -> None:
    family, key = world.a_family(), _key()
    moved = {"municipalityCode": world.a_municipality().code}
    assert registrar.post(f"/families/{family.id}/_move", moved, headers=key).status_code == 200
    is_problem(registrar.post(f"/families/{family.id}/_move", moved, headers=key), 404)


@pytest.mark.parametrize("key", ["", "x" * 129, "\xe9"])
def test_a_key_is_short_and_printable(registrar: Caller, key: str) -> None:
    answer = registrar.post("/families", _family(), headers={"Idempotency-Key": key.encode("latin-1")})
    is_problem(answer, 400)
    assert answer.json()["code"] == "invalid_idempotency_key"


def test_what_is_kept_gives_no_bsn_away(world: World, registrar: Caller) -> None:
    bsn, key = a_bsn(), _key()
    member = {"role": "parent", "person": {"givenName": "Kim", "surname": "Voorbeeld", "bsn": bsn}}
    opened = registrar.post("/families", _family("Kanarievogel", members=[member]), headers=key)
    assert opened.status_code == 201, opened.text
    with world.session() as session:
        kept = session.exec(select(IdempotentRequest).where(IdempotentRequest.key == key["Idempotency-Key"])).one()
    for column in (kept.fingerprint, kept.answer, kept.caller.encode(), kept.key.encode()):
        assert column is not None
        assert bsn.encode() not in column
        assert b"Kanarievogel" not in column


def test_an_answer_is_repeated_to_who_may_see_it_though_not_do_it_again(world: World, registrar: Caller) -> None:
    family, agency = world.a_family(), world.an_agency()
    invitation = world.an_invitation(family, agency)
    system, key = world.as_(world.system(agency)), _key()
    path = f"/families/{family.id}/involvements/{invitation.id}/_accept"
    body = {"legalBasis": "statutory_task", "legalGround": "youth_help"}
    first, again = (system.post(path, body, headers=key) for _ in range(2))
    assert (first.status_code, again.status_code) == (200, 200), again.text
    assert again.content == first.content
    is_problem(system.post(path, body, headers=_key()), 403)
    is_problem(system.post(path, body | {"legalGround": "debt_help"}, headers=key), 409)
    assert len(world.told(family, "involvement.started")) == 1


def test_a_change_by_another_method_is_made_once_too(world: World, registrar: Caller) -> None:
    path, key = f"/families/{world.a_family().id}", _key()
    how = {"json": {"name": "Anders"}, "headers": key | {"If-Match": registrar.get(path).headers["ETag"]}}
    first, again = (registrar.call("PATCH", path, **how) for _ in range(2))
    assert (first.status_code, again.status_code) == (200, 200), again.text
    assert (again.content, again.headers["ETag"]) == (first.content, first.headers["ETag"])


def test_what_is_asked_in_the_query_is_part_of_the_request() -> None:
    asked = [
        Request({"type": "http", "path": "/a", "query_string": query, "headers": [], "server": ("spil", 80)})
        for query in (b"", b"dryRun=true")
    ]
    assert len({_target(one) for one in asked}) == 2


def test_without_a_key_every_request_counts(registrar: Caller) -> None:
    answers: list[httpx.Response] = [registrar.post("/families", _family()) for _ in range(2)]
    assert len({answer.json()["id"] for answer in answers}) == 2
