"""Which error codes each operation can meet, read from the source: from its function on, through all that it refers to.

What holds for requests of its kind, whatever they ask, is in `OF_ANY`; the rest follows from the code itself.
"""

import ast
import importlib
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from pydantic.alias_generators import to_camel
from sqlmodel import Session, SQLModel

import api
from api.auth.policy import RULES, Permission, Rule
from api.domain import models
from api.domain.actor import Role
from api.domain.documents import Document
from api.problems import BY_CONSTRAINT, STATUS
from tests.wire.operations import APP, FORM, OPERATIONS, Operation

ROOT = Path(api.__file__).parent
DESCRIBED = APP.openapi()["paths"]
OF_OTHERS = {name for kind in (dict, list, str, set, Session) for name in dir(kind)}
"""Names that others' methods have too."""
KINDS = {kind.__name__: (status, kind.code) for kind, status in STATUS.items()}
FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef
Codes = set[tuple[int, str]]
Place = tuple[str, str]
"""A module, and the name of something in it: `Class.method` for a method."""


@dataclass
class Source:
    """One module: what its names refer to, and the nodes of everything it defines."""

    names: dict[str, Place] = field(default_factory=dict)
    defined: dict[str, ast.AST] = field(default_factory=dict)


@cache
def sources() -> dict[str, Source]:
    files = {path: ".".join(path.relative_to(ROOT.parent).with_suffix("").parts) for path in ROOT.rglob("*.py")}
    served = {path: name for path, name in files.items() if "cli" not in path.parts}
    return {name.removesuffix(".__init__"): _read(path) for path, name in served.items()}


def _read(path: Path) -> Source:
    source = Source()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and node.module:
            source.names |= {one.asname or one.name: (node.module, one.name) for one in node.names}
        elif isinstance(node, ast.ClassDef):
            source.defined |= {f"{node.name}.{one.name}": one for one in node.body if isinstance(one, FUNCTION)}
        elif isinstance(node, FUNCTION):
            source.defined[node.name] = node
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            source.defined |= {one.id: node for one in targets if isinstance(one, ast.Name)}
    return source


def raised_in(node: ast.AST) -> Codes:
    """The codes of the errors that are made here."""
    return {code for call in ast.walk(node) if isinstance(call, ast.Call) for code in _codes_of(call)}


PUT_TOGETHER = {"f'subscription_not_{state}'": ("subscription_not_active", "subscription_not_paused")}
"""What the codes are that the source doesn't write out."""


def _codes_of(call: ast.Call) -> Codes:
    name = getattr(call.func, "id", getattr(call.func, "attr", ""))
    if name == "WireError" or (name == "problem" and len(call.args) == 3):
        status, code = (one.value if isinstance(one, ast.Constant) else None for one in call.args[:2])
        return {(status, code)} if isinstance(status, int) and isinstance(code, str) else set()
    if name not in KINDS:
        return set()
    status, usual = KINDS[name]
    given = next((one.value for one in call.keywords if one.arg == "code"), ast.Constant(usual))
    codes = [given.value] if isinstance(given, ast.Constant) else PUT_TOGETHER[ast.unparse(given)]
    return {(status, str(code)) for code in codes}


@cache
def _methods() -> dict[str, list[Place]]:
    """The methods that an endpoint and the domain call, by name: what they are called on isn't known."""
    found: dict[str, list[Place]] = {}
    for module, source in sources().items():
        for name in source.defined if module == "api.auth.calls" or module.startswith("api.domain") else ():
            method = name.rpartition(".")[2]
            if "." in name and method not in OF_OTHERS:
                found.setdefault(method, []).append((module, name))
    return found


def _referred(module: str, node: ast.AST) -> Iterator[Place]:
    """What a piece of source refers to, other than to say what kind of thing something is."""
    names = sources()[module].names
    for one in _walked(node):
        if isinstance(one, ast.Name):
            yield names.get(one.id, (module, one.id))
        elif isinstance(one, ast.Attribute) and isinstance(one.value, ast.Name) and one.value.id in names:
            yield ".".join(names[one.value.id]), one.attr
        elif isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute):
            yield from _methods().get(one.func.attr, ())
            if getattr(one.func.value, "id", getattr(one.func.value, "attr", "")) == "work":
                yield "api.domain.work", f"Work.{one.func.attr}"


def _walked(node: ast.AST) -> Iterator[ast.AST]:
    """A piece of source without its annotations and decorators."""
    yield node
    for name, value in ast.iter_fields(node):
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, ast.AST) and name not in {"annotation", "returns", "decorator_list"}:
                yield from _walked(one)


@cache
def _constraints_of(table: str) -> frozenset[tuple[int, str]]:
    """What the database itself can refuse in a table."""
    tables = sorted(SQLModel.metadata.tables, key=len, reverse=True)
    owners = {name: next((one for one in tables if name.startswith(f"{one}_")), "") for name in BY_CONSTRAINT}
    return frozenset((409, error.code) for name, error in BY_CONSTRAINT.items() if owners[name] == table)


def reached(start: Place) -> Codes:
    """The codes of all that can be reached from a function."""
    seen: set[Place] = set()
    waiting, codes = [start], set[tuple[int, str]]()
    while waiting:
        module, name = place = waiting.pop()
        source = sources().get(module)
        node = source.defined.get(name) if source else None
        if node is not None and place not in seen:
            seen.add(place)
            codes |= raised_in(node) | _written_in(node)
            waiting += _referred(module, node)
    return codes


def _written_in(node: ast.AST) -> Codes:
    """What the database can refuse of the rows that are made here, or changed."""
    calls = [one.func for one in ast.walk(node) if isinstance(one, ast.Call)]
    names = {one.id for one in calls if isinstance(one, ast.Name)}
    if any(isinstance(one, ast.Attribute) and one.attr == "sqlmodel_update" for one in calls):
        kinds = (one.annotation for one in ast.walk(node) if isinstance(one, ast.arg))
        names |= {kind.id for kind in kinds if isinstance(kind, ast.Name)}
    tables = (getattr(getattr(models, name, None), "__tablename__", "") for name in names)
    return {code for table in tables for code in _constraints_of(table)}


def _takes_body(operation: Operation) -> bool:
    return operation.method in {"POST", "PUT", "PATCH"}


def _is_composed(operation: Operation) -> bool:
    return inspect.signature(APP_FUNCTIONS[operation.name]).return_annotation is Document


Holds = Callable[[Operation], bool]
OF_ANY: tuple[tuple[Holds, Codes], ...] = (
    (
        lambda one: True,
        {
            (400, "invalid"),
            (400, "invalid_query"),
            (400, "token_in_query"),
            (400, "unknown_parameter"),
            (406, "not_acceptable"),
            (500, "unexpected"),
            (503, "try_again"),
            (503, "unavailable"),
        },
    ),
    (lambda one: "429" in _described(one)["responses"], {(429, "too_many_requests")}),
    (_takes_body, {(400, "invalid_json"), (413, "too_large"), (415, "unsupported_media_type")}),
    (lambda one: _takes_body(one) and one.body is None, {(400, "body_not_taken")}),
    (lambda one: one.media_type == FORM, {(400, "bad_request")}),
    (lambda one: one.guarded, {(401, "unauthenticated"), (403, "scope_lacking")}),
    (lambda one: one.guarded and _rule(one).roles not in {frozenset(), frozenset(Role)}, {(403, "role_lacking")}),
    (lambda one: one.of_family, {(404, "family_not_found"), (403, "relation_lacking")}),
    (lambda one: one.of_family and _is_composed(one), {(404, "not_found")}),
    (
        lambda one: "Idempotency-Key" in one.names_of("header"),
        {(400, "invalid_idempotency_key"), (409, "key_reused"), (503, "key_missing")},
    ),
    (lambda one: "If-Match" in one.names_of("header"), {(412, "precondition_failed")}),
    (lambda one: one.method in {"PATCH", "PUT", "DELETE"}, {(428, "precondition_required")}),
    (lambda one: one.guarded or one.name == "get_token", {(429, "too_many_requests")}),
    (
        lambda one: one.method == "PUT" and "If-None-Match" in one.names_of("header"),
        {(400, "invalid_precondition"), (412, "precondition_failed")},
    ),
)
"""What requests of a kind can meet, whatever they ask."""


def codes_of(operation: Operation) -> dict[str, list[str]]:
    """The codes an operation can meet, by status."""
    codes = own_codes(operation).union(*(codes for holds, codes in OF_ANY if holds(operation)))
    codes |= {(403, "power_lacking")} if operation.of_family and _rule(operation).power else set()
    codes -= {(status, code) for name, status, code in ANSWERED_OTHERWISE if name == operation.name}
    statuses = sorted({status for status, _ in codes})
    return {str(status): sorted(code for number, code in codes if number == status) for status in statuses}


ANSWERED_OTHERWISE = {
    ("open_family", 404, "not_found"),
    ("open_matched_family", 404, "person_not_found"),
    ("check_access", 404, "family_not_found"),
}
"""What is made on the way and never answered: it becomes an error of input, or the answer itself."""


def codes_of_all() -> dict[str, dict[str, list[str]]]:
    """The codes of every operation that is described, by its id."""
    return {to_camel(one.name): codes_of(one) for one in OPERATIONS if one.path.removeprefix("/v1") in DESCRIBED}


def _described(operation: Operation) -> dict[str, Any]:
    found: dict[str, Any] = DESCRIBED[operation.path.removeprefix("/v1")][operation.method.lower()]
    return found


def _rule(operation: Operation) -> Rule:
    """Who may do this."""
    return RULES[Permission(_described(operation)["x-permission"])]


def own_codes(operation: Operation) -> Codes:
    """The codes of what the operation itself does."""
    function = APP_FUNCTIONS[operation.name]
    return reached((function.__module__, function.__name__))


def _functions() -> dict[str, Callable[..., object]]:
    """The function of each operation, as its router has it."""
    names = {operation.name for operation in OPERATIONS}
    modules = [importlib.import_module(name) for name in sources() if name.startswith("api.routers.")]
    return {
        name: function
        for module in modules
        for name, function in vars(module).items()
        if name in names and getattr(function, "__module__", "") == module.__name__
    }


APP_FUNCTIONS = _functions()


def all_codes() -> dict[str, set[int]]:
    """Every code that the service can answer, with the statuses it can have."""
    found: dict[str, set[int]] = {}
    made = set().union(*(raised_in(node) for source in sources().values() for node in source.defined.values()))
    by_framework = {(400, "bad_request"), (404, "not_found"), (405, "method_not_allowed")}
    by_wire = {(413, "too_large"), (500, "unexpected")}
    by_constraint = {(409, error.code) for error in BY_CONSTRAINT.values()}
    for status, code in made | by_framework | by_wire | by_constraint:
        found.setdefault(code, set()).add(status)
    return found
