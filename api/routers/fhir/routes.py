"""How a type is declared here: with its permission, like every route, and with how it is read and searched.

A request goes the way of all others: token -> scope -> role -> one transaction, in which the function looks from the
reader's relations on -> record -> commit -> answer. One that has no permission of the policy's can't be declared.
"""

import json
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response, Security
from fastapi.params import Security as SecurityOf
from fastapi.routing import APIRoute

from api.auth.answering import carry_out_request
from api.auth.calls import Call, Operation
from api.auth.guards import GuardedRoute, bearer, must_be_in_scope, oauth
from api.auth.policy import RULES, Permission
from api.auth.proofs import admit
from api.auth.representations import Rendered, is_known
from api.auth.requests import refuse_token_in_query
from api.domain.errors import Forbidden, NotFound
from api.fhir.bundles import searchset
from api.routers.fhir.searches import Search, asked, base_of
from api.routers.fhir.wire import FHIR_JSON, must_want_fhir, refuse_bsn_in_query

Resource = dict[str, Any]
NOTHING = "There is no such resource, or you have no running relation to what it is about."


@dataclass(frozen=True)
class Found:
    """A page of what a search found, what comes with it, and after which ids the next page begins."""

    search: Search
    matches: list[Resource]
    included: list[Resource]
    following: list[str] | None = None


Read = Callable[[Call, Search, str], Resource]
Find = Callable[[Call, Search], Found]


class FhirRoute(GuardedRoute):
    """Knows who asks before anything else looks at the request, as elsewhere; what it takes and gives is FHIR."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = APIRoute.get_route_handler(self)
        scopes = {scope for one in self.dependencies if isinstance(one, SecurityOf) for scope in one.scopes or ()}

        async def guarded(request: Request) -> Response:
            refuse_token_in_query(request)
            refuse_bsn_in_query(request)
            proof = await admit(request)
            must_be_in_scope(proof.scopes, scopes)
            must_want_fhir(request)
            request.state.actor = proof.actor
            return await handle(request)

        return guarded


class FhirRoutes:
    """The routes of some types."""

    def __init__(self) -> None:
        self.router = APIRouter(route_class=FhirRoute, include_in_schema=False)

    def type(self, kind: str, permission: Permission, read: Read, find: Find) -> None:
        """Declare a type: to be read by its id, and to be searched by GET and by POST."""
        if permission not in RULES:
            raise TypeError(f"{kind} needs a permission that the policy has a rule for.")
        self._add("GET", f"/{kind}", permission, kind, _searching(find))
        self._add("POST", f"/{kind}/_search", permission, kind, _searching(find))
        self._add("GET", f"/{kind}/{{logicalId}}", permission, kind, _reading(read))

    def _add(
        self, method: str, path: str, permission: Permission, kind: str, function: Callable[..., Rendered]
    ) -> None:
        operation = Operation(function, permission, False, False, 200, None, method, path)
        self.router.add_api_route(
            path,
            _endpoint(operation, kind),
            methods=[method],
            name=f"{'read' if '{' in path else 'search'}_{kind}",
            response_model=None,
            dependencies=[Security(scheme, scopes=[permission]) for scheme in (oauth, bearer)],
        )


def _endpoint(operation: Operation, kind: str) -> Callable[..., Coroutine[Any, Any, Response]]:
    async def endpoint(request: Request) -> Response:
        actor = request.state.actor
        roles = RULES[operation.permission].roles
        if roles and actor.role not in roles:
            raise Forbidden("Your role does not allow this.", code="role_lacking")
        logical_id = request.path_params.get("logicalId")
        of_one = {"logical_id": logical_id} if logical_id else {}
        search = Search(kind, [], base_of(request)) if logical_id else await asked(kind, request)
        response = await carry_out_request(operation, request, actor, {"search": search} | of_one)
        return _as_fhir(request, response)

    return endpoint


def _as_fhir(request: Request, response: Response) -> Response:
    """With FHIR's media type and, for one resource, its version as the weak tag that FHIR wants."""
    response.headers["Content-Type"] = FHIR_JSON
    version = getattr(request.state, "version", None)
    if version is None:
        return response
    response.headers["ETag"] = f'W/"{version}"'
    if is_known(request.headers.get("if-none-match"), response.headers["ETag"]):
        return Response(None, 304, {"ETag": response.headers["ETag"]})
    return response


def _searching(find: Find) -> Callable[..., Rendered]:
    def search_type(call: Call, search: Search) -> Rendered:
        found = find(call, search)
        links = found.search.links(found.following)
        return _rendered(searchset(search.base, found.matches, found.included, links))

    return search_type


def _reading(read: Read) -> Callable[..., Rendered]:
    def read_one(call: Call, search: Search, logical_id: str) -> Rendered:
        one = read(call, search, logical_id)
        call.request.state.version = one["meta"]["versionId"]
        return _rendered(one)

    return read_one


def _rendered(content: Resource) -> Rendered:
    return Rendered(json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode())


def missing(family_id: Any = None) -> NotFound:
    """The refusal of what isn't there for whoever asks; it is on record with the family that the id names."""
    return NotFound(NOTHING, about={"family_id": family_id})
