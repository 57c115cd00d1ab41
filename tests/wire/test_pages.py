"""Pages for people: they are accessible, and a browser loads nothing for them that isn't the service's own."""

import hashlib
import re
import tomllib
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest

import api.pages
from api.routers.pages import ASSETS

FOLDER = Path(api.pages.__file__).parent
READ = ["/docs", "/docs/events", "/problems", "/problems/family-not-found"]
DRAWN = ["/docs/swagger-ui", "/docs/redoc"]
VOID = {"meta", "link", "br"}
HEADERS = ("API-Version", "Strict-Transport-Security", "X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy")


class Page(HTMLParser):
    """What a page consists of."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def of(self, *tags: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag in tags]


def policy_of(answer: httpx.Response) -> dict[str, list[str]]:
    [policy] = answer.headers.get_list("Content-Security-Policy")
    return {name: sources for name, *sources in (part.split() for part in policy.split(";"))}


@pytest.mark.parametrize("path", READ + DRAWN)
def test_a_page_is_of_this_service_alone(path: str, client: httpx.Client) -> None:
    answer = client.get(path)
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert all(name in answer.headers for name in HEADERS)
    policy, page = policy_of(answer), Page(answer.text)
    assert policy["default-src"] == ["'none'"]
    for name in ("base-uri", "form-action", "frame-ancestors"):
        assert policy[name] == ["'none'"]
    allowed = {source for sources in policy.values() for source in sources}
    assert allowed <= {"'none'", "'self'", "data:", "'unsafe-inline'"}
    assert ("'unsafe-inline'" in allowed) is (path == "/docs/redoc")
    assert "'unsafe-inline'" not in policy.get("script-src", ())
    assert ("script-src" in policy) is (path in DRAWN)
    for used in page.of("script", "link", "img"):
        address = used.get("src") or used.get("href") or ""
        assert address.startswith("/docs/assets/")
        assert client.get(address).status_code == 200
    for link in page.of("a"):
        assert (link["href"] or "").startswith("/")
        assert client.get(link["href"] or "").status_code == 200
    assert "<style" not in answer.text
    assert not re.search(r" (style|on\w+)=", answer.text)


@pytest.mark.parametrize("path", READ)
def test_a_page_can_be_read_by_anybody(path: str, client: httpx.Client) -> None:
    page = Page(client.get(path).text)
    assert page.of("html") == [{"lang": "nl"}]
    assert len(page.of("h1")) == len(page.of("main")) == len(page.of("title")) == 1
    assert {"lang": "en"} in [{"lang": one.get("lang")} for one in page.of("span", "p", "section", "td")]
    assert all(one.get("scope") in {"col", "row"} for one in page.of("th"))
    assert any(one.get("name") == "viewport" for one in page.of("meta"))


def _luminance(colour: str) -> float:
    digits = colour.lstrip("#")
    digits = "".join(digit * 2 for digit in digits) if len(digits) == 3 else digits
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_text_stands_out_in_light_and_dark() -> None:
    style = (FOLDER / "spil.css").read_text(encoding="utf-8")
    schemes = [dict(re.findall(r"--(\w+): (#\w+)", block)) for block in re.findall(r":root \{[^}]*\}", style)]
    assert len(schemes) == 2
    for colours in schemes:
        for front in ("ink", "link"):
            for back in ("paper", "soft"):
                bright, dark = sorted((_luminance(colours[front]), _luminance(colours[back])), reverse=True)
                assert (bright + 0.05) / (dark + 0.05) >= 7, (front, back)


def test_files_of_others_are_as_they_were_published() -> None:
    listed = (FOLDER / "vendor" / "README.md").read_text(encoding="utf-8")
    digests = dict(re.findall(r"^\| `([^`]+)` \|.*\| `([0-9a-f]{64})` \|$", listed, re.MULTILINE))
    served = {asset.path.removeprefix("vendor/") for asset in ASSETS.values() if asset.path.startswith("vendor/")}
    assert set(digests) == served
    for name, digest in digests.items():
        file = FOLDER / "vendor" / name
        assert hashlib.sha256(file.read_bytes()).hexdigest() == digest, name
        assert (file.parent / "LICENSE").exists()


def test_what_is_served_is_only_asked_for_anew_when_it_has_changed(client: httpx.Client) -> None:
    for name in ASSETS:
        first = client.get(f"/docs/assets/{name}")
        assert first.headers["Content-Type"].split(";")[0] in {"text/css", "text/javascript", "image/svg+xml"}
        assert first.headers["Cache-Control"] == "public, max-age=86400"
        again = client.get(f"/docs/assets/{name}", headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b"")


def test_the_pages_are_in_the_package() -> None:
    project = tomllib.loads((FOLDER.parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
    assert "api" in project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert "exclude" not in project["tool"]["hatch"]["build"]["targets"]["wheel"]


def test_what_is_tried_reaches_the_service_itself() -> None:
    ours = (FOLDER / "swagger-ui.js").read_text(encoding="utf-8")
    assert "location.origin" in ours
    assert "validatorUrl: null" in ours
    assert not re.search(r"https?://", ours + (FOLDER / "redoc.js").read_text(encoding="utf-8"))
