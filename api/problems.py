"""What goes wrong, on the wire: `application/problem+json` (RFC 9457) with a stable `code`, never an echo of the input.

This is the only place that knows which refusal of the domain is which HTTP status, and which sentence belongs to which
constraint of the database.
"""

import json
from collections.abc import Iterable, Mapping, MutableMapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from psycopg.errors import Error as PostgresError
from psycopg.errors import OperationalError
from psycopg_pool import PoolTimeout
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnection
from starlette.exceptions import HTTPException
from starlette.routing import Match

from api.domain.errors import Conflict, DomainError, Forbidden, Invalid, KeyMissing, NotFound

MEDIA_TYPE = "application/problem+json"
STATUS: dict[type[DomainError], int] = {Invalid: 400, Forbidden: 403, NotFound: 404, Conflict: 409, KeyMissing: 503}

TITLES = {
    400: "The request is not valid",
    401: "Who are you?",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    406: "Not acceptable",
    409: "Conflict",
    412: "It has changed since",
    413: "Too large",
    415: "Unsupported media type",
    428: "Precondition required",
    429: "Too many requests",
    500: "Something went wrong on our side",
    503: "Try again in a moment",
}

BY_CONSTRAINT = {
    "mandate_one_at_a_time": Conflict("This family has a lead coordinator at that time.", code="mandate_active"),
    "mandate_one_open_proposal_key": Conflict("Another proposal is open for this family.", code="proposal_open"),
    "contact_point_one_at_a_time": Conflict("This help domain has a contact point at that time."),
    "involvement_one_at_a_time": Conflict("This agency and professional are involved in that period already."),
    "member_one_at_a_time": Conflict("This person is a member of the family in that period already."),
    "absence_one_at_a_time": Conflict("This professional is absent in part of that period already."),
    "entitlement_one_at_a_time": Conflict("This agency is entitled already.", code="entitled_already"),
    "measure_one_at_a_time": Conflict("This child has such a measure in that period already.", code="measure_running"),
    "deputy_one_at_a_time": Conflict("Somebody else deputises in part of that period."),
    "municipality_pkey": Conflict("This municipality is registered already."),
    "help_domain_pkey": Conflict("There already is a help domain with this code. Choose another code."),
    "registration_one_running_key": Conflict(
        "Your agency has registered this person already. Change that one.", code="registered"
    ),
    "caseload_synchronisation_one_running_key": Conflict(
        "Another synchronisation of your caseload in this municipality is going on. Wait for its end.",
        code="synchronisation_running",
    ),
    "person_bsn_key": Conflict("Another person in your municipality has this BSN.", code="bsn_in_use"),
}

AGAIN = {"40001", "40P01", "55P03"}
"""SQLSTATEs of a serialization failure, a deadlock and a lock that took too long: the same request may succeed now."""


OF_FRAMEWORK = {
    404: "There is nothing here. GET /v1/openapi.json lists what there is.",
    405: "This resource has other methods: see the Allow header.",
}


class WireError(Exception):
    """A refusal that belongs to HTTP itself."""

    def __init__(self, status: int, code: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.headers = status, code, detail, dict(headers or {})


UNREACHABLE = WireError(503, "unavailable", "The database can't be reached. Try again.", {"Retry-After": "5"})


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    errors: Iterable[Mapping[str, str]] = (),
    headers: Mapping[str, str] | None = None,
    instance: str,
) -> Response:
    body: dict[str, Any] = {
        "type": f"/problems/{code.replace('_', '-')}",
        "title": TITLES.get(status, HTTPStatus(status).phrase),
        "status": status,
        "detail": detail,
        "instance": instance,
        "code": code,
    }
    if listed := list(errors):
        body["errors"] = listed
    return Response(json.dumps(body, ensure_ascii=False), status, dict(headers or {}), MEDIA_TYPE)


def of_domain(error: DomainError, request: Request) -> Response:
    status = next(status for kind, status in STATUS.items() if isinstance(error, kind))
    errors = []
    if isinstance(error, Invalid):
        place = "query" if request.method == "GET" else "body"
        errors = [{"place": place, "name": error.field, "code": error.code, "detail": error.sentence}]
    headers = {"Retry-After": "5"} if status == 503 else {}
    return problem(status, error.code, error.sentence, errors=errors, headers=headers, instance=instance_of(request))


def of_database(error: DBAPIError) -> DomainError | WireError | None:
    """What a database error means in the field, if it is one that callers can bring about."""
    cause = error.orig
    if not isinstance(cause, PostgresError):
        return None
    if cause.sqlstate in AGAIN:
        return WireError(503, "try_again", "Others change the same things now. Try again.", {"Retry-After": "1"})
    if isinstance(cause, OperationalError):
        return UNREACHABLE
    return BY_CONSTRAINT.get(cause.diag.constraint_name or "")


def instance_of(request: Request) -> str:
    """Names this occurrence, for whoever has to look it up; no path, as that may hold an identifier."""
    return f"urn:trace:{request.scope.get('trace_id', 'none')}"


def _of_input(error: Mapping[str, Any]) -> dict[str, str]:
    """One thing that is wrong with the input, without a word of it: the name of an unknown field is input too."""
    place, *path = [str(part) for part in error["loc"]] or ["body"]
    kind = str(error["type"])
    if kind == "extra_forbidden":
        return {
            "place": place,
            "name": ".".join(path[:-1]),
            "code": kind,
            "detail": "Leave out what is not known here.",
        }
    detail = str(error["ctx"]["error"]) if kind == "value_error" else str(error["msg"])
    return {"place": place, "name": ".".join(path), "code": kind, "detail": detail}


def is_at(match: tuple[Match, MutableMapping[str, Any]]) -> bool:
    """Whether a route is at a path: `_search` and the like are verbs, and never the id of something."""
    values = match[1].get("path_params", {}).values()
    return match[0] is not Match.NONE and not any(str(value).startswith("_") for value in values)


def _methods_of(request: Request) -> str:
    """The methods of what is at this path, for `Allow`; HEAD wherever GET."""
    routes = [route for route in iter_route_contexts(request.app.routes) if is_at(route.matches(request.scope))]
    found = {method for route in routes for method in route.methods or ()}
    return ", ".join(sorted(found | ({"HEAD"} if "GET" in found else set())))


def install(app: FastAPI) -> None:
    """Answer every error with a problem document."""

    @app.exception_handler(DomainError)
    async def refused(request: Request, error: DomainError) -> Response:
        return of_domain(error, request)

    @app.exception_handler(WireError)
    async def refused_by_http(request: Request, error: WireError) -> Response:
        return problem(error.status, error.code, error.detail, headers=error.headers, instance=instance_of(request))

    @app.exception_handler(RequestValidationError)
    async def not_valid(request: Request, error: RequestValidationError) -> Response:
        errors = [_of_input(one) for one in error.errors()]
        detail = "Mend what `errors` lists and send the request again."
        return problem(400, "invalid", detail, errors=errors, instance=instance_of(request))

    @app.exception_handler(DBAPIError)
    async def refused_by_database(request: Request, error: DBAPIError) -> Response:
        meant = of_database(error)
        if isinstance(meant, DomainError):
            return of_domain(meant, request)
        if isinstance(meant, WireError):
            return await refused_by_http(request, meant)
        raise error

    @app.exception_handler(OperationalError)
    @app.exception_handler(PoolTimeout)
    @app.exception_handler(NoConnection)
    async def unreachable(request: Request, _: Exception) -> Response:
        return await refused_by_http(request, UNREACHABLE)

    @app.exception_handler(HTTPException)
    async def refused_by_framework(request: Request, error: HTTPException) -> Response:
        status = 400 if error.status_code == 422 else error.status_code
        code = HTTPStatus(status).name.lower()
        detail = OF_FRAMEWORK.get(status, "The request can't be read. Send valid JSON in UTF-8.")
        headers = {"Allow": _methods_of(request)} if status == 405 else error.headers
        return problem(status, code, detail, headers=headers, instance=instance_of(request))
