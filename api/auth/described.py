"""What an operation tells integrators: which headers it can be sent with, and which refusals it can meet."""

from typing import Any

from api import openapi
from api.auth import preconditions
from api.auth.calls import Operation
from api.auth.policy import RULES
from api.domain.actor import Role


def conditions_of(operation: Operation, method: str, path: str) -> list[dict[str, Any]]:
    """The headers that say on what state of things, and how often, this may be carried out."""
    if not operation.changes:
        return [openapi.IF_NONE_MATCH] if method == "GET" else []
    if method in {"PATCH", "DELETE"}:
        return [openapi.IF_MATCH, openapi.IDEMPOTENCY_KEY]
    if method == "PUT":
        return [openapi.IF_MATCH | {"required": False}, openapi.ONLY_NEW, openapi.IDEMPOTENCY_KEY]
    return ([openapi.MAY_MATCH] if preconditions.path_of(method, path) else []) + [openapi.IDEMPOTENCY_KEY]


def problems_of(operation: Operation, method: str, path: str) -> list[int]:
    """The statuses of the refusals that this operation can meet."""
    found = {400, 401, 406, 429, 500, 503}
    if operation.of_family or RULES[operation.permission].roles != frozenset(Role):
        found |= {403}
    if "{" in path:
        found |= {404}
    if operation.changes:
        found |= {409}
    if method in {"POST", "PUT", "PATCH"}:
        found |= {413, 415}
    if operation.changes and preconditions.path_of(method, path):
        found |= {412}
    if method in preconditions.CONDITIONAL:
        found |= {428}
    return sorted(found)
