"""The OpenAPI document: what FastAPI knows of the routes, and what holds for all of them.

`spil openapi` writes it to `openapi/openapi.json`; `make check` fails where the two differ.
"""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic.alias_generators import to_camel

from api.problems import MEDIA_TYPE, TITLES
from api.wire import API_VERSION

DESCRIPTION = """
Spil shows the systems of separate organisations **who is involved** with a family, **who leads**, and **whom to call
for what** - and nothing more than that. The words are the field's own; the glossary in the repository gives the Dutch.

Every call needs an access token. What you see follows from your running relations to a family: who has none gets the
same 404 as for a family that doesn't exist. Errors are problem documents (RFC 9457) with a stable `code`.
""".strip()

TAGS = {
    "Who is involved": "The team around a family, your caseload, and the timeline.",
    "Families": "Families, their members, and the persons a municipality knows.",
    "Involvements": "That an agency is involved with a family. Never why.",
    "Mandates": "Who leads, by whose authority, until when.",
    "Contact points": "Whom to call about which help domain.",
    "Agencies": "Agencies, their professionals, and who covers for whom.",
    "Municipalities": "Municipalities and help domains.",
    "Disclosures": "Who saw or changed what, for the privacy officer.",
    "Tokens": "Access tokens for agencies' systems.",
}

PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string", "examples": ["urn:spil:problem:family-not-found"]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong, and what to do."},
        "instance": {"type": "string", "description": "Names this occurrence: tell it when you ask for help."},
        "code": {"type": "string", "description": "Stable; for programs.", "examples": ["family_not_found"]},
        "errors": {
            "type": "array",
            "description": "Everything that is wrong with the input, at once.",
            "items": {
                "type": "object",
                "required": ["in", "field", "code", "detail"],
                "properties": {
                    "in": {"type": "string", "enum": ["body", "path", "query", "header"]},
                    "field": {"type": "string"},
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}

ANY_HEADER = {
    "API-Version": {"description": "The full version of this API.", "schema": {"type": "string"}},
}
ETAG = {"ETag": {"description": "Send it as If-Match when you change what you read.", "schema": {"type": "string"}}}
LOCATION = {"Location": {"description": "Where it can be read.", "schema": {"type": "string"}}}
LINK = {"Link": {"description": 'The next page, as rel="next".', "schema": {"type": "string"}}}

IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": True,
    "description": "The ETag of what you read. Without it: 428. When it has changed since: 412.",
    "schema": {"type": "string"},
}
IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Your own unique key. The same request sent again under it has one effect and one answer.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 128},
}


def install(app: FastAPI) -> None:
    """Have the application describe itself like this."""
    app.openapi = lambda: _described(app)  # type: ignore[method-assign]


def _described(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        document = get_openapi(
            title="Spil",
            version=API_VERSION,
            summary="Who is involved with a family, who leads, and whom to call for what.",
            description=DESCRIPTION,
            routes=list(routes_of(app)),
            servers=[{"url": "https://spil.example/v1", "description": "Your municipality's Spil"}],
            tags=[{"name": name, "description": text} for name, text in TAGS.items()],
            contact={"name": "Spil", "url": "https://spil.example", "email": "spil@spil.example"},
            license_info={"name": "EUPL-1.2", "identifier": "EUPL-1.2"},
        )
        _complete(document)
        app.openapi_schema = document
    return app.openapi_schema


def routes_of(app: FastAPI) -> Iterator[APIRoute]:
    """Every route of the application that is described. `app.routes` is a tree, so it is walked as one."""
    waiting = list(app.routes)
    while waiting:
        route = waiting.pop(0)
        if isinstance(route, APIRoute):
            yield route
        else:
            waiting[:0] = list(getattr(route, "routes", []) or getattr(getattr(route, "router", None), "routes", []))


def _complete(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Problem"] = PROBLEM
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    document["components"]["responses"] = {
        f"Problem{status}": {"description": title, "content": content} for status, title in TITLES.items()
    }
    paths = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            _complete_operation(path, method, operation)
        if path.startswith("/v1"):
            paths[path.removeprefix("/v1")] = operations
        else:
            paths[path] = operations | {"servers": [{"url": "https://spil.example/v1/.."}]}
    document["paths"] = paths


def _complete_operation(path: str, method: str, operation: dict[str, Any]) -> None:
    guarded = path.startswith("/v1")
    parameters = operation.setdefault("parameters", [])
    if method == "post" and guarded and not path.endswith("_search"):
        parameters.append(IDEMPOTENCY_KEY)
    if method in {"patch", "put"}:
        parameters.append(IF_MATCH | {"required": method == "patch"})
    if not parameters:
        del operation["parameters"]
    responses = {status: response for status, response in operation["responses"].items() if status.startswith("2")}
    for status, response in responses.items():
        response["headers"] = ANY_HEADER | _headers_of(path, method, status, response)
    operation["operationId"] = to_camel(operation["operationId"])
    for status in _problems_of(path, method, guarded=guarded):
        responses[str(status)] = {"$ref": f"#/components/responses/Problem{status}"}
    operation["responses"] = responses


def _headers_of(path: str, method: str, status: str, response: dict[str, Any]) -> dict[str, Any]:
    reference = str(response.get("content", ""))
    if "Page" in reference or path.endswith(("/caseload", "/timeline")):
        return LINK
    located = LOCATION if status == "201" else {}
    return located | (ETAG if path.startswith("/v1") and "content" in response else {})


def _problems_of(path: str, method: str, *, guarded: bool) -> list[int]:
    found = [400, 401, 406, 500, 503] if guarded else [400, 401]
    if guarded:
        found += [403] + [404] * ("{" in path)
    if method in {"post", "put", "patch"}:
        found += [413, 415]
    if method != "get" and guarded:
        found += [409]
    if method in {"patch", "put"}:
        found += [412, 428]
    return sorted(found)
