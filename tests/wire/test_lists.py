"""Lists come in pages: each row once, in order, by a cursor that nobody can make up."""

import base64
import json
import secrets
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from httpx import Response

from api.domain import agencies, professionals
from api.domain.codes import AgencyKind
from api.domain.models import Professional
from tests.wire.answers import has_every_header, is_problem
from tests.wire.stage import Stage
from tests.world import ADMINISTRATOR, Caller, World

LISTS = [
    "/agencies",
    "/professionals",
    "/disclosures",
    "/disclosures/processing-log",
    "/disclosures/access-log",
    "/my-disclosures",
    "/caseload",
    "/clients",
    "/families/{familyId}/timeline",
    "/registrations",
    "/registrations/_unconfirmed",
    "/matches",
]


def _pages(caller: Caller, path: str, **query: object) -> Iterator[Response]:
    """Every page, by following the Link header alone."""
    answer = caller.get(path, params=query)
    while True:
        assert answer.status_code == 200, answer.text
        has_every_header(answer)
        assert len(answer.json()["items"]) <= int(str(query["limit"]))
        yield answer
        following = answer.links.get("next")
        assert (following is None) is (answer.json()["nextCursor"] is None)
        if following is None:
            return
        target = urlsplit(following["url"])
        assert target.path == f"/v1{path}"
        answer = caller.get(f"{path}?{target.query}")


def _items(caller: Caller, path: str, **query: object) -> list[dict[str, object]]:
    return [item for answer in _pages(caller, path, **query) for item in answer.json()["items"]]


def test_agencies_of_one_name_are_each_found_once(world: World) -> None:
    name = f'Zorg "{secrets.token_hex(4)}" & één, é'
    made = {
        world.do(lambda work: agencies.register(work, name=name, kind=AgencyKind.SCHOOL, help_domains_=[])).id
        for _ in range(7)
    }
    found = _items(world.as_(ADMINISTRATOR), "/agencies", name=name, limit=2, kind="school")
    assert [one["id"] for one in found] == sorted(map(str, made))


def test_professionals_come_in_the_order_of_their_names(world: World) -> None:
    agency = world.an_agency()
    for name in ("Bo", "Al", "Ça", "Al", "Dé"):
        professional = Professional(agency_id=agency.id, name=name, function="coach")
        world.do(lambda work, new=professional: professionals.register(work, new))  # type: ignore[misc]
    whole = _items(world.as_(ADMINISTRATOR), "/professionals", agencyId=agency.id, limit=200)
    for limit in (1, 2, 4, 5):
        assert _items(world.as_(ADMINISTRATOR), "/professionals", agencyId=agency.id, limit=limit) == whole
    assert len(whole) == 5


def test_a_timeline_is_the_same_in_pages(untouched: Stage) -> None:
    path = f"/families/{untouched.family.id}/timeline"
    registrar = untouched.world.as_(untouched.world.registrar)
    whole = _items(registrar, path, limit=200)
    assert len(whole) > 5
    assert _items(registrar, path, limit=2) == whole


def test_a_caseload_is_the_same_in_pages(world: World) -> None:
    agency = world.an_agency()
    families = {str(world.an_involvement(world.a_family(), agency).family_id) for _ in range(5)}
    found = _items(world.as_(world.system(agency)), "/caseload", limit=2)
    assert [item["family"]["id"] for item in found] == sorted(families)  # type: ignore[index]


def test_disclosures_come_latest_first_each_once(world: World) -> None:
    family = world.a_family()
    for _ in range(5):
        world.as_(world.registrar).get(f"/families/{family.id}")
    officer = world.as_(world.officer())
    found = _items(officer, "/disclosures", familyId=family.id, limit=2)
    assert [one["decision"] for one in found[:5]] == ["shown"] * 5
    assert found == sorted(found, key=lambda one: str(one["at"]), reverse=True)
    assert {one["familyId"] for one in found} == {str(family.id)}


def _cursor(position: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode().rstrip("=")


JUNK = {
    "not base64": "A",
    "not JSON": "AAAA",
    "not UTF-8": base64.urlsafe_b64encode(b'["\xff\xfe"]').decode().rstrip("="),
    "NaN": base64.urlsafe_b64encode(b"[NaN, NaN]").decode().rstrip("="),
    "an infinity": base64.urlsafe_b64encode(b"[1e999]").decode().rstrip("="),
    "deep": base64.urlsafe_b64encode(b"[" * 200).decode().rstrip("="),
    "an object": _cursor({"a": 1}),
    "a number": _cursor(1),
    "nothing in it": _cursor([]),
    "null": _cursor([None]),
    "two nulls": _cursor([None, None]),
    "too many": _cursor(["a"] * 9),
    "a huge number": _cursor(["9" * 100]),
    "beyond the database": _cursor([str(2**63)]),
    "below the database": _cursor(["-1"]),
    "a NUL byte": _cursor(["\x00", "2b1f4c52-9c1e-4d51-8a35-5f2f3f9d7c10"]),
    "half a character": base64.urlsafe_b64encode(b'["\\ud800", "x"]').decode().rstrip("="),
    "a wrong time": _cursor(["yesterday", 1]),
    "a place too far": _cursor(["2026-01-01T00:00:00+00:00", 2**31]),
    "a broken number": _cursor(["2026-01-01T00:00:00+00:00", 1.5]),
    "true": _cursor([True]),
    "signs": "%22%00",
    "overlong": "A" * 301,
}


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("what", sorted(JUNK))
def test_a_made_up_cursor_is_400(path: str, what: str, untouched: Stage) -> None:
    world = untouched.world
    readers = {
        "/disclosures": world.officer(),
        "/disclosures/processing-log": world.officer(),
        "/disclosures/access-log": world.officer(),
        "/my-disclosures": world.relative(untouched.person),
        "/clients": ADMINISTRATOR,
        "/registrations": world.system(untouched.agency),
    }
    reader = readers.get(path, world.registrar)
    answer = world.as_(reader).get(f"{path.format(**untouched.known)}?cursor={JUNK[what]}")
    is_problem(answer, 400)
    assert answer.json()["code"] in {"invalid_cursor", "invalid"}


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("limit", ["0", "-1", "201", "1.0", "1e2", "%201", "1_0", "", "x", "9" * 40, "%F1", "٣"])
def test_a_limit_is_a_number_from_1_to_200(path: str, limit: str, untouched: Stage) -> None:
    answer = untouched.world.as_(ADMINISTRATOR).get(f"{path.format(**untouched.known)}?limit={limit}")
    is_problem(answer, 400)


def test_a_list_tells_no_totals(untouched: Stage) -> None:
    for path in LISTS[:2]:
        assert set(untouched.world.as_(ADMINISTRATOR).get(path).json()) == {"items", "nextCursor"}
