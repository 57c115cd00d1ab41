"""Every error code that the service can answer has a page that says why and what to do, and no other has one."""

import re

import httpx
import pytest

from api.pages.problems import ProblemPage, pages
from api.problems import TITLES
from tests.wire.refusals import all_codes
from tests.world import World

PAGES = pages()
each_page = pytest.mark.parametrize("page", PAGES.values(), ids=lambda page: page.code)


def test_every_code_has_a_page_and_every_page_a_code() -> None:
    known = {page.code: set(page.statuses) for page in PAGES.values()}
    raised = all_codes()
    assert sorted(set(raised) - set(known)) == [], "Say in api/pages/problems.toml what it means and what to do."
    assert sorted(set(known) - set(raised)) == [], "Nothing answers this any more: take it out."
    assert known == raised


def test_the_source_is_read_far_enough() -> None:
    raised = all_codes()
    assert len(raised) > 80
    assert raised["unauthenticated"] == {401}
    assert raised["try_again"] == {409, 503}
    assert raised["mandate_active"] == {409}
    assert {"invalid", "not_found", "conflict", "forbidden", "key_missing"} <= set(raised)


@each_page
def test_a_page_says_it_in_two_languages(page: ProblemPage) -> None:
    assert set(page.statuses) <= set(TITLES)
    for told in (page.dutch, page.english):
        assert not told.title.endswith(".")
        assert told.why.endswith(".")
        assert told.do.endswith(".")
    assert page.dutch != page.english


@each_page
def test_a_page_is_where_the_problem_says(page: ProblemPage, client: httpx.Client) -> None:
    for accept in ("text/html,application/xhtml+xml,*/*;q=0.8", "*/*"):
        answer = client.get(page.path, headers={"Accept": accept})
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert f"<code>{page.code}</code>" in answer.text
        assert re.findall("<h1>", answer.text) == ["<h1>"]
    as_json = client.get(page.path, headers={"Accept": "application/json"})
    assert as_json.headers["Content-Type"] == "application/json"
    assert as_json.json() == page.as_json()


def test_the_list_has_them_all(client: httpx.Client) -> None:
    html = client.get("/problems").text
    assert all(f'href="{page.path}"' in html for page in PAGES.values())
    listed = client.get("/problems", headers={"Accept": "application/json"}).json()["items"]
    assert [one["code"] for one in listed] == sorted(page.code for page in PAGES.values())


def test_a_refusal_leads_to_its_page(client: httpx.Client, world: World) -> None:
    hidden = "/v1/families/00000000-0000-4000-8000-000000000000"
    answers = [client.get("/v1/agencies"), client.get("/v1/nothing"), client.post("/v1/agencies", content=b"{")]
    answers += [client.get(hidden, headers={"Authorization": f"Bearer {world.as_(world.registrar).token}"})]
    for answer in answers:
        problem = answer.json()
        page = client.get(problem["type"], headers={"Accept": "application/json"}).json()
        assert page["code"] == problem["code"]
        assert answer.status_code in page["statuses"]


@pytest.mark.parametrize("path", ["/problems/none", "/problems/family_not_found", "/docs/assets/none", "/docs/none"])
def test_what_has_no_page_is_not_found(path: str, client: httpx.Client) -> None:
    answer = client.get(path, headers={"Accept": "text/html"})
    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"


@pytest.mark.parametrize("path", ["/problems", "/problems/not-found", "/docs", "/docs/assets/spil.css"])
def test_pages_are_only_read(path: str, client: httpx.Client) -> None:
    assert client.head(path).status_code == 200
    refused = client.post(path)
    assert refused.status_code == 405
    assert refused.headers["Allow"] == "GET, HEAD"
