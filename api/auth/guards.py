"""Every route is declared here, with its permission; one without can't be declared. A request then goes one way:

token -> strict reading -> relation to the family -> permission -> lock -> verb -> record -> commit -> answer.

An endpoint is a plain function. It gets a `Call` (under `/families/{familyId}`: a `FamilyCall`) and runs inside one
transaction (`api/auth/calls.py`). The endpoint of a composed read gets none, and returns a `Document`
(`api/auth/documents.py`).
"""

import inspect
from collections.abc import Awaitable, Callable, Coroutine
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Path, Request, Response, Security
from fastapi.datastructures import Default
from fastapi.openapi.models import OAuthFlowClientCredentials, OAuthFlows
from fastapi.params import Security as SecurityOf
from fastapi.responses import JSONResponse
from fastapi.security import HTTPBearer, OAuth2

from api import openapi
from api.auth import chunks, preconditions, turns
from api.auth.answering import follow_documents, way_of
from api.auth.calls import Operation
from api.auth.described import conditions_of, problems_of
from api.auth.following import EventStream
from api.auth.policy import RULES, Permission
from api.auth.proofs import admit
from api.auth.requests import StrictRoute, refuse_token_in_query
from api.domain.actor import Actor
from api.domain.documents import Following
from api.domain.errors import Forbidden
from api.problems import WireError
from api.shapes import Id, Out

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])
Declaration = Callable[[Endpoint], Endpoint]

oauth = OAuth2(
    flows=OAuthFlows(
        clientCredentials=OAuthFlowClientCredentials(
            tokenUrl="/oauth/token", scopes={str(permission): rule.whose for permission, rule in RULES.items()}
        )
    ),
    auto_error=False,
    scheme_name="client",
    description="For agencies' systems. A token that was asked for some scopes is for those operations only.",
)
bearer = HTTPBearer(auto_error=False, scheme_name="token", bearerFormat="JWT", description="A signed access token.")
FAMILY_ID = inspect.Parameter(
    "family_id",
    inspect.Parameter.KEYWORD_ONLY,
    annotation=Annotated[
        Id, Path(alias="familyId", description="The family. Who has no running relation to it gets a 404.")
    ],
)


DEPRECATIONS: dict[Callable[..., Any], openapi.Deprecation] = {}
"""Of the endpoints that are to go."""


class GuardedRoute(StrictRoute):
    """Knows who asks before anything else looks at the request."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        scopes = {scope for one in self.dependencies if isinstance(one, SecurityOf) for scope in one.scopes or ()}

        deprecation = DEPRECATIONS.get(self.endpoint)

        async def guarded(request: Request) -> Response:
            request.scope["added_headers"] += deprecation.headers if deprecation else ()
            refuse_token_in_query(request)
            proof = await admit(request)
            must_be_in_scope(proof.scopes, scopes)
            request.state.actor = proof.actor
            return await handle(request)

        return guarded


class Routes:
    """The routes of one capability."""

    def __init__(self, tag: str) -> None:
        self.router = APIRouter(tags=[tag], route_class=GuardedRoute)
        self._changing: list[tuple[str, str]] = []

    def must_be_conditional(self) -> None:
        """Refuse to serve a change that nobody can base on what they read."""
        for method, path in self._changing:
            preconditions.must_be_readable(method, path)

    def get(self, path: str, permission: Permission, **how: Any) -> Declaration[Any]:
        return self._declare("GET", path, permission, changes=False, **how)

    def search(self, path: str, permission: Permission, **how: Any) -> Declaration[Any]:
        """A read by POST, because what is searched for may not be in a URI."""
        return self._declare("POST", path, permission, changes=False, **how)

    def post(self, path: str, permission: Permission, **how: Any) -> Declaration[Any]:
        return self._declare("POST", path, permission, **how)

    def put(self, path: str, permission: Permission, **how: Any) -> Declaration[Any]:
        return self._declare("PUT", path, permission, **how)

    def patch(self, path: str, permission: Permission, **how: Any) -> Declaration[Any]:
        return self._declare("PATCH", path, permission, **how)

    def delete(self, path: str, permission: Permission, **how: Any) -> Declaration[Any]:
        return self._declare("DELETE", path, permission, status=204, **how)

    def _declare(
        self,
        method: str,
        path: str,
        permission: Permission,
        *,
        changes: bool = True,
        status: int = 200,
        location: str | None = None,
        shape: type[Out] | None = None,
        current: Callable[..., Out] | None = None,
        unless_there: Callable[..., Any] | None = None,
        offers: frozenset[str] = frozenset(),
        takes: frozenset[str] = frozenset(),
        deprecation: openapi.Deprecation | None = None,
    ) -> Declaration[Any]:
        """Declare a route. `location`: the path of what it makes. `shape`: what a document of PostgreSQL's is like.

        `current` and `unless_there`: what its `If-Match` is about, where a GET at its path doesn't say that. `offers`:
        as what it can be had beside JSON; what is no `call` is then sent in chunks. `deprecation`: that it is to go.
        """
        of_family = path.startswith("/families/{familyId}")
        if permission not in RULES or bool(RULES[permission].of_relations) is not of_family:
            raise TypeError(f"{method} {path} needs a permission that the policy has a rule for, of the right kind.")

        def declare(function: Callable[..., Any]) -> Callable[..., Any]:
            operation = Operation(
                *(function, permission, of_family, changes, status, location, method, path),
                *(current, unless_there, offers, takes),
            )
            if method == "GET":
                preconditions.READS[path] = operation
            self._changing += [(method, path)] if current is None else []
            returned = inspect.signature(function).return_annotation
            goes_on = returned is Following
            answer = None if goes_on else shape or returned
            endpoint = _endpoint(operation)
            if deprecation:
                DEPRECATIONS[endpoint] = deprecation
            self.router.add_api_route(
                path,
                endpoint,
                methods=[method],
                status_code=status,
                response_model=answer,
                response_class=EventStream if goes_on else Default(JSONResponse),
                dependencies=[Security(scheme, scopes=[permission]) for scheme in (oauth, bearer)],
                **_described(operation, method, path, answer, deprecation),
            )
            return function

        return declare


def _described(
    operation: Operation,
    method: str,
    path: str,
    answer: type[Out] | None,
    deprecation: openapi.Deprecation | None,
) -> dict[str, Any]:
    paged = answer is not None and "next_cursor" in answer.model_fields
    way = way_of(operation, inspect.signature(operation.function))
    tagged = way not in {chunks.send, turns.take, follow_documents}
    return openapi.declared(
        operation.function.__name__,
        status=operation.status,
        problems=[*problems_of(operation, method, path), *([304] if method == "GET" and tagged else [])],
        headers=(openapi.ETAG if answer and tagged and (method == "GET" or not paged) else {})
        | (openapi.LINK if paged else {})
        | (openapi.LOCATION if operation.location else {}),
        parameters=[] if way in {chunks.send, follow_documents} else conditions_of(operation, method, path),
        offers=operation.offers,
        takes=operation.takes,
        deprecation=deprecation,
        who=RULES[operation.permission].described(operation.permission),
    )


def _endpoint(operation: Operation) -> Callable[..., Awaitable[Response]]:
    """The function's own parameters as FastAPI has to see them, with the request in the place of the call."""
    own = inspect.signature(operation.function)
    through = way_of(operation, own)

    async def endpoint(request: Request, **inputs: Any) -> Response:
        actor: Actor = request.state.actor
        if not operation.of_family and actor.role not in RULES[operation.permission].roles:
            raise Forbidden("Your role does not allow this.", code="role_lacking")
        if "request" in own.parameters:
            inputs["request"] = request
        return await through(operation, request, actor, inputs)

    parameters = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for name, parameter in own.parameters.items()
        if name not in {"call", "request", "turns", "upload"}
    ]
    if operation.of_family:
        parameters.insert(0, FAMILY_ID)
    request = inspect.Parameter("request", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Request)
    endpoint.__signature__ = inspect.Signature([request, *parameters])  # type: ignore[attr-defined]
    endpoint.__name__, endpoint.__doc__ = operation.function.__name__, operation.function.__doc__
    endpoint.offers, endpoint.takes = operation.offers, operation.takes  # type: ignore[attr-defined]
    return endpoint


def must_be_in_scope(narrowed: frozenset[str] | None, needed: set[str]) -> None:
    """Refuse what the token is not for: before anything is read or looked up, so that it tells nothing of a family."""
    if narrowed is not None and not needed <= narrowed:
        scope = " ".join(sorted(needed))
        challenge = f'Bearer realm="spil", error="insufficient_scope", scope="{scope}"'
        detail = f"The scope of your token does not allow this. It takes {scope}."
        raise WireError(403, "scope_lacking", detail, {"WWW-Authenticate": challenge})
