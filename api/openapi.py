"""The OpenAPI document: what FastAPI knows of the routes, what each declares beside that, and what holds for all.

A route declares with `declared()` which problems and headers its answers can have; what those look like is here.
`spil openapi` writes the document to `openapi/openapi.json`; `make check` fails where the two differ.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from email.utils import format_datetime
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts
from pydantic.alias_generators import to_camel

from api import webhooks, wire_names
from api.description.completing import complete
from api.problems import MEDIA_TYPE, TITLES
from api.wire import API_VERSION

HOST = "https://spil.example"

DESCRIPTION = """
Spil shows the systems of separate organisations **who is involved** with a family, **who leads**, and **whom to call
for what** - and nothing more than that. The words are the field's own; the glossary in the repository gives the Dutch.

Every call needs an access token. What you see follows from your running relations to a family: who has none gets the
same 404 as for a family that doesn't exist. Errors are problem documents (RFC 9457) with a stable `code`.

Care systems can read who is involved in FHIR R4 too, at `/fhir`; its CapabilityStatement is at `/fhir/metadata`.
""".strip()

TAGS = {
    "Who is involved": "The team around a family, your caseload, and the timeline.",
    "Families": "Families and their members.",
    "Persons": "The persons a municipality knows.",
    "Duplicates": "Persons and families that were recorded twice: found, merged, and taken apart again.",
    "Involvements": "That an agency is involved with a family. Never why.",
    "Legal bases": "Legal grounds, consents of family members, and child protection measures.",
    "Registrations": "Agencies' involvement with a person.",
    "Matches": "Where registrations of agencies meet, as the registrar sees it.",
    "Events": "What changed, for whom it concerns: to catch up with, or as it comes.",
    "Subscriptions": "Events that are delivered to a system of yours, signed, and what became of each delivery.",
    "Mandates": "Who leads, by whose authority, until when.",
    "Contact points": "Whom to call about which help domain.",
    "Agencies": "Agencies, and with what they help.",
    "Professionals": "Agencies' professionals, their absences, and who covers for whom.",
    "Clients": "Agencies' systems that may ask for tokens.",
    "Municipalities": "Municipalities and help domains.",
    "Disclosures": "Who saw or changed what, for the privacy officer.",
    "Emergencies": "A family opened for a few hours, by a professional whose agency the municipality entitled.",
    "Access": "Who can see a family and why; whether somebody may do something.",
    "Tokens": "Access tokens for agencies' systems.",
}

PROBLEM = {
    "type": "object",
    "description": "Why a request was refused (RFC 9457). Nothing in it repeats what was sent.",
    "required": ["type", "title", "status", "detail", "instance", "code"],
    "properties": {
        "type": {
            "type": "string",
            "format": "uri-reference",
            "description": "Leads to a page, at this service, that says why this happens and what to do.",
            "examples": ["/problems/family-not-found"],
        },
        "title": {"type": "string", "description": "The same for every problem with this status."},
        "status": {"type": "integer", "description": "The HTTP status."},
        "detail": {"type": "string", "description": "What is wrong, and what to do."},
        "instance": {"type": "string", "description": "Names this occurrence: tell it when you ask for help."},
        "code": {"type": "string", "description": "Stable; for programs.", "examples": ["family_not_found"]},
        "errors": {
            "type": "array",
            "description": "Everything that is wrong with the input, at once.",
            "items": {"$ref": "#/components/schemas/InputError"},
        },
    },
}
INPUT_ERROR = {
    "type": "object",
    "description": "One thing that is wrong with the input.",
    "required": ["place", "name", "code", "detail"],
    "properties": {
        "place": {"$ref": "#/components/schemas/InputPlace"},
        "name": {"type": "string", "description": "Of the field or parameter; within others, with dots between."},
        "code": {"type": "string", "description": "Stable; for programs."},
        "detail": {"type": "string", "description": "What is wrong with it."},
    },
}
INPUT_PLACE = {
    "type": "string",
    "enum": ["body", "path", "query", "header"],
    "description": "The part of the request that it is in.",
}


def _text_header(description: str, **more: Any) -> dict[str, Any]:
    return {"description": description, "schema": {"type": "string"} | more}


ANY_HEADER = {"API-Version": _text_header("The full version of this API.", examples=[API_VERSION])}
ETAG = {
    "ETag": _text_header("Of what you see. Send it as If-Match when you change it, as If-None-Match to read it again.")
}
LOCATION = {"Location": _text_header("Where it can be read.")}
LINK = {"Link": _text_header('The next page, as rel="next". Absent on the last page.')}
PROBLEM_HEADERS = {
    401: {"WWW-Authenticate": _text_header("How to prove who you are.", examples=['Bearer realm="spil"'])},
    429: {
        "Retry-After": _text_header("After how many seconds to go on.", examples=["12"]),
        "RateLimit": _text_header("What is left, and for how many seconds.", examples=['"client";r=0;t=12']),
        "RateLimit-Policy": _text_header(
            "How much may be asked in how many seconds.", examples=['"client";q=6000;w=60']
        ),
    },
    503: {"Retry-After": _text_header("After how many seconds to try again.", examples=["1"])},
}

IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": True,
    "description": "The ETag of what you read. Without it: 428. When it has changed since: 412.",
    "schema": {"type": "string"},
}
MAY_MATCH = IF_MATCH | {
    "required": False,
    "description": "The ETag of what this is about, as you read it. When that has changed since: 412.",
}
ONLY_NEW = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "`*`: only if there is nothing yet. When there is: 412.",
    "schema": {"type": "string", "pattern": r"^\*$", "examples": ["*"]},
}
IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "The ETag of what you have. When that is what there is: 304, without a body.",
    "schema": {"type": "string"},
}
IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Your own unique key. The same request sent again under it has one effect and one answer.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[!-~]([ -~]*[!-~])?$"},
}

LINES = {"type": "string", "description": "One JSON object a line; its `kind` says what it is."}
ANSWERS = {
    "200": "What was asked for, or what it has become.",
    "201": "It is there now.",
    "202": "It is received, and will be carried out.",
    "204": "It is done.",
    "304": "You have it already.",
}
MERGE_PATCH = "application/merge-patch+json"


@dataclass(frozen=True)
class Deprecation:
    """That a route is to go: since when that is known (RFC 9745), when it goes (RFC 8594), and where it is told."""

    since: date
    sunset: date
    told_at: str

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        sunset = format_datetime(_midnight(self.sunset), usegmt=True)
        links = (f'<{self.told_at}>; rel="{name}"' for name in ("deprecation", "sunset"))
        since = ("Deprecation", f"@{int(_midnight(self.since).timestamp())}")
        return (since, ("Sunset", sunset), *(("Link", link) for link in links))


DEPRECATED = {
    "Deprecation": _text_header("Since when this is known to go (RFC 9745).", examples=["@1767225600"]),
    "Sunset": _text_header("When it goes (RFC 8594).", examples=["Fri, 01 Jan 2027 00:00:00 GMT"]),
}


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def declared(
    name: str,
    *,
    status: int = 200,
    problems: Iterable[int],
    headers: Mapping[str, Any] | None = None,
    parameters: Iterable[Mapping[str, Any]] = (),
    offers: Iterable[str] = (),
    takes: Iterable[str] = (),
    who: Mapping[str, Any] | None = None,
    deprecation: Deprecation | None = None,
) -> dict[str, Any]:
    """What a route says of itself to FastAPI, for this document."""
    also = {"content": {media_type: {"schema": LINES} for media_type in sorted(offers)}} if offers else {}
    return {
        "name": name,
        "operation_id": to_camel(name),
        "deprecated": True if deprecation else None,
        "summary": name.replace("_", " ").capitalize(),
        "responses": {status: {"headers": dict(headers or {}) | (DEPRECATED if deprecation else {})} | also}
        | {number: {} for number in problems},
        "openapi_extra": ({"parameters": list(parameters)} if parameters else {}) | _taken_in(takes) | dict(who or {}),
    }


def _taken_in(takes: Iterable[str]) -> dict[str, Any]:
    content = {media_type: {"schema": {"type": "string"}} for media_type in sorted(takes)}
    return {"requestBody": {"required": True, "content": content}} if content else {}


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
            routes=app.routes,
            servers=[{"url": f"{HOST}/v1", "description": "Your municipality's Spil"}],
            tags=[{"name": name, "description": text} for name, text in TAGS.items()],
            contact={"name": "Spil", "url": HOST, "email": "spil@spil.example"},
            license_info={"name": "EUPL-1.2", "identifier": "EUPL-1.2"},
        )
        app.openapi_schema = _completed(document)
    return app.openapi_schema


def routes_of(app: FastAPI) -> Iterator[RouteContext]:
    """Every route of the application, with its whole path. `app.routes` is a tree, so it is walked as one."""
    return (route for route in iter_route_contexts(app.routes) if isinstance(route.original_route, APIRoute))


def _completed(document: dict[str, Any]) -> dict[str, Any]:
    wire_names.give(document)
    document = _plain(document)
    document["info"]["title"] = "Spil"
    components = document["components"]
    for name in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(name, None)
    components["schemas"] |= {"Problem": PROBLEM, "InputError": INPUT_ERROR, "InputPlace": INPUT_PLACE}
    components["responses"] = {f"Problem{status}": _problem(status) for status in TITLES}
    components["parameters"] = webhooks.PARAMETERS
    document["webhooks"] = webhooks.described()
    document["paths"] = dict(_completed_path(path, operations) for path, operations in document["paths"].items())
    return document


def _problem(status: int) -> dict[str, Any]:
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        "description": TITLES[status],
        "headers": ANY_HEADER | PROBLEM_HEADERS.get(status, {}),
        "content": content,
    }


def _completed_path(path: str, operations: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    for method, operation in operations.items():
        _complete(method, operation)
    if path.startswith("/v1"):
        return path.removeprefix("/v1"), operations
    return path, operations | {"servers": [{"url": HOST, "description": "Beside the versioned API"}]}


def _complete(method: str, operation: dict[str, Any]) -> None:
    operation["responses"].pop("422", None)
    for status, response in operation["responses"].items():
        if status >= "400":
            operation["responses"][status] = {"$ref": f"#/components/responses/Problem{status}"}
        else:
            response["description"] = ANSWERS[status]
            response["headers"] = ANY_HEADER | response.get("headers", {})
    for parameter in operation.get("parameters", []):
        parameter["schema"].pop("description", None)
        _make_absent_not_null(parameter["schema"])
    if method == "patch":
        content = operation["requestBody"]["content"]
        content[MERGE_PATCH] = content["application/json"]
    complete(operation, TITLES)


def _make_absent_not_null(schema: dict[str, Any]) -> None:
    """A parameter can be left out, but there is no null in a URI or a header."""
    if "anyOf" in schema:
        [kind] = [kind for kind in schema.pop("anyOf") if kind != {"type": "null"}]
        schema.update(kind)
    if isinstance(schema.get("type"), list):
        [schema["type"]] = [kind for kind in schema["type"] if kind != "null"]


def _plain(node: Any) -> Any:
    """The same without titles that only repeat a name, and with `null` as one of the types of a plain value."""
    if isinstance(node, list):
        return [_plain(one) for one in node]
    if not isinstance(node, dict):
        return node
    plain = {key: _plain(value) for key, value in node.items() if key != "title" or not isinstance(value, str)}
    kinds = plain.get("anyOf", [])
    if len(kinds) == 2 and kinds[1] == {"type": "null"} and kinds[0].get("type") in {"string", "array"}:
        del plain["anyOf"]
        plain = kinds[0] | plain | {"type": [kinds[0]["type"], "null"]}
    return plain
