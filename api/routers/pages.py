"""Pages for people: what each problem means, and the API's documentation, open to anyone.

They show nothing but the description of the API. Each has a Content-Security-Policy of its own, by which a browser
loads nothing from elsewhere.
"""

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response

from api import webhooks
from api.domain.event_catalogue import CATALOGUE
from api.pages import html
from api.pages.problems import pages
from api.problems import WireError

FOLDER = Path(html.__file__).parent
FROM_HERE = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; style-src 'self'"
OF_READING = f"{FROM_HERE}; img-src 'self'"
OF_SWAGGER_UI = f"{FROM_HERE}; script-src 'self'; connect-src 'self'; img-src 'self' data:"
OF_REDOC = f"{OF_SWAGGER_UI}".replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")
"""Redoc writes its style into the page while it draws it, so inline style has to be allowed there; script never is."""


@dataclass(frozen=True)
class Asset:
    """A file that the pages load."""

    path: str
    media_type: str

    @property
    def content(self) -> bytes:
        return _read(self.path)


@cache
def _read(path: str) -> bytes:
    return (FOLDER / path).read_bytes()


ASSETS = {
    "spil.css": Asset("spil.css", "text/css"),
    "icon.svg": Asset("icon.svg", "image/svg+xml"),
    "swagger-ui.js": Asset("swagger-ui.js", "text/javascript"),
    "redoc.js": Asset("redoc.js", "text/javascript"),
    "swagger-ui-bundle.js": Asset("vendor/swagger-ui/swagger-ui-bundle.js", "text/javascript"),
    "swagger-ui.css": Asset("vendor/swagger-ui/swagger-ui.css", "text/css"),
    "redoc.standalone.js": Asset("vendor/redoc/redoc.standalone.js", "text/javascript"),
}
router = APIRouter()


def _page(content: str, policy: str = OF_READING) -> Response:
    return Response(content, 200, {"Content-Security-Policy": policy, "Vary": "Accept"}, "text/html; charset=utf-8")


def _wants_json(request: Request) -> bool:
    """Programs say so; who says nothing is taken for a person."""
    accept = request.headers.get("accept", "")
    return "json" in accept and "text/html" not in accept


def _json(body: Any) -> Response:
    return Response(json.dumps(body, ensure_ascii=False), 200, {"Vary": "Accept"}, "application/json")


async def list_problems(request: Request) -> Response:
    """Every problem that an answer can be."""
    if _wants_json(request):
        return _json({"items": [page.as_json() for page in pages().values()]})
    return _page(html.of_problems(pages().values()))


async def get_problem(request: Request) -> Response:
    """What one problem means, why it happens and what to do."""
    page = pages().get(request.path_params["slug"])
    if page is None:
        raise WireError(404, "not_found", "There is no such problem. GET /problems lists them.")
    return _json(page.as_json()) if _wants_json(request) else _page(html.of_problem(page))


async def get_documentation(_: Request) -> Response:
    """Where to begin."""
    return _page(html.landing())


async def list_event_types(_: Request) -> Response:
    """The catalogue of events: when each is told, to whom, and an example."""
    told = CATALOGUE.values()
    examples = (json.dumps(webhooks.example_of(one), indent=2) for one in told)
    rows = ((one.type, one.name, one.when, one.to_whom, example) for one, example in zip(told, examples, strict=True))
    return _page(html.of_events(rows))


async def get_swagger_ui(_: Request) -> Response:
    """The API's description, to try out with a token of one's own."""
    scripts = ("/docs/assets/swagger-ui-bundle.js", "/docs/assets/swagger-ui.js")
    shown = html.document(
        "Swagger UI", html.NAVIGATION, html.ROOM, scripts=scripts, styles=(html.STYLE, "/docs/assets/swagger-ui.css")
    )
    return _page(shown, OF_SWAGGER_UI)


async def get_redoc(_: Request) -> Response:
    """The API's description, to read."""
    scripts = ("/docs/assets/redoc.standalone.js", "/docs/assets/redoc.js")
    return _page(html.document("Redoc", html.ROOM, scripts=scripts, styles=()), OF_REDOC)


async def get_asset(request: Request) -> Response:
    """A file that the pages load; kept for a day, and asked for anew only if it has changed."""
    asset = ASSETS.get(request.path_params["name"])
    if asset is None:
        raise WireError(404, "not_found", "There is no such file.")
    tag = f'"{hashlib.sha256(asset.content).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "public, max-age=86400"}
    if request.headers.get("if-none-match") == tag:
        return Response(None, 304, headers)
    return Response(asset.content, 200, headers, f"{asset.media_type}; charset=utf-8")


for _path, _endpoint in (
    ("/problems", list_problems),
    ("/problems/{slug}", get_problem),
    ("/docs", get_documentation),
    ("/docs/events", list_event_types),
    ("/docs/swagger-ui", get_swagger_ui),
    ("/docs/redoc", get_redoc),
    ("/docs/assets/{name}", get_asset),
):
    router.add_route(_path, _endpoint, methods=["GET"], include_in_schema=False)
