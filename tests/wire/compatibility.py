"""Whether everything that worked with an earlier description of the API still does with a later one.

What a client may send must still be taken, and what it is told must still be what it knows. Adding is allowed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

BREAKS = {
    "path_removed": "There is nothing at this path any more.",
    "operation_removed": "This path has this method no more.",
    "operation_renamed": "Generated clients call this operation by another name.",
    "scope_changed": "Tokens for this operation take another scope.",
    "parameter_removed": "A parameter is no longer known, and unknown ones are refused.",
    "parameter_required": "What could be left out, or wasn't there, has to be sent.",
    "body_required": "A body has to be sent where none had to be.",
    "media_type_removed": "A form in which this could be sent or told is gone.",
    "answer_removed": "The status of success is another.",
    "header_removed": "A header of the answer is gone.",
    "field_not_taken": "A field is no longer known, and unknown ones are refused.",
    "field_required": "A field could be left out, and has to be sent.",
    "field_not_told": "A field of the answer is gone.",
    "field_may_be_absent": "A field of the answer was always there, and may be left out.",
    "kind_not_taken": "A kind of value could be sent, and can't be any more.",
    "kind_new": "A kind of value is told that was none before, null for instance.",
    "value_not_taken": "A code could be sent, and can't be any more.",
    "narrowed": "What could be sent may be too long, too much or of another form now.",
}
WARNINGS = {
    "value_new": "A code is told that clients don't know yet: those who can't take an unknown one fail.",
    "shape_renamed": "A shape that generated clients know by its name has another one.",
}
MOST = ("maxLength", "maximum", "maxItems")
LEAST = ("minLength", "minimum", "minItems")
FORMS = ("pattern", "format", "const")
NO_LIMIT = float("inf")
Schema = Mapping[str, Any]


@dataclass(frozen=True, order=True)
class Found:
    """A difference that a client can run into."""

    rule: str
    where: str

    @property
    def breaks(self) -> bool:
        return self.rule in BREAKS

    def __str__(self) -> str:
        return f"{self.where}: {self.rule}. {(BREAKS | WARNINGS)[self.rule]}"


def differences(old: Schema, new: Schema) -> list[Found]:
    """What a client of the old description can run into with the new one."""
    return sorted(set(_Comparison(old, new).all()))


@dataclass
class _Comparison:
    old: Schema
    new: Schema
    seen: set[tuple[str, str, bool]] = field(default_factory=set)

    def all(self) -> Iterator[Found]:
        for path, operations in self.old["paths"].items():
            if path not in self.new["paths"]:
                yield Found("path_removed", path)
                continue
            for method, operation in _operations(operations):
                where, now = f"{method.upper()} {path}", self.new["paths"][path].get(method)
                yield from (
                    [Found("operation_removed", where)] if now is None else self._operation(where, operation, now)
                )
        for name in self.old["components"]["schemas"]:
            if name not in self.new["components"]["schemas"]:
                yield Found("shape_renamed", name)

    def _operation(self, where: str, old: Schema, new: Schema) -> Iterator[Found]:
        if old.get("operationId") != new.get("operationId"):
            yield Found("operation_renamed", where)
        if old.get("x-permission") != new.get("x-permission"):
            yield Found("scope_changed", where)
        yield from self._parameters(where, old.get("parameters", ()), new.get("parameters", ()))
        yield from self._body(f"{where} body", old.get("requestBody", {}), new.get("requestBody", {}))
        for status, answer in old["responses"].items():
            if status < "300":
                now = new["responses"].get(status)
                told = f"{where} {status}"
                yield from [Found("answer_removed", told)] if now is None else self._answer(told, answer, now)

    def _parameters(self, where: str, old: Any, new: Any) -> Iterator[Found]:
        known = {(one["in"], one["name"]): one for one in old}
        now = {(one["in"], one["name"]): one for one in new}
        for key, one in now.items():
            if one.get("required") and not known.get(key, {}).get("required"):
                yield Found("parameter_required", f"{where} {key[1]}")
        for key, one in known.items():
            if key not in now:
                yield Found("parameter_removed", f"{where} {key[1]}")
            else:
                yield from self._schema(f"{where} {key[1]}", one["schema"], now[key]["schema"], told=False)

    def _body(self, where: str, old: Schema, new: Schema) -> Iterator[Found]:
        if new.get("required") and not old.get("required"):
            yield Found("body_required", where)
        yield from self._contents(where, old.get("content", {}), new.get("content", {}), told=False)

    def _answer(self, where: str, old: Schema, new: Schema) -> Iterator[Found]:
        for name in set(old.get("headers", {})) - set(new.get("headers", {})):
            yield Found("header_removed", f"{where} {name}")
        yield from self._contents(where, old.get("content", {}), new.get("content", {}), told=True)

    def _contents(self, where: str, old: Schema, new: Schema, *, told: bool) -> Iterator[Found]:
        for media_type, content in old.items():
            if media_type not in new:
                yield Found("media_type_removed", f"{where} {media_type}")
            else:
                yield from self._schema(where, content.get("schema", {}), new[media_type].get("schema", {}), told=told)

    def _schema(self, where: str, old: Schema, new: Schema, *, told: bool) -> Iterator[Found]:
        """`told`: of an answer. What is met again inside of itself has been compared."""
        names = (str(old.get("$ref", where)), str(new.get("$ref", where)), told)
        if names in self.seen:
            return
        self.seen.add(names)
        known, now = _kinds(self.old, old), _kinds(self.new, new)
        for kind in set(now) - set(known) if told and "any" not in known else ():
            yield Found("kind_new", f"{where} {kind}")
        for kind in set(known) - set(now) if not told and "any" not in now else ():
            yield Found("kind_not_taken", f"{where} {kind}")
        for kind in set(known) & set(now):
            for compare in (_fields, _codes, _limits):
                yield from compare(where, known[kind], now[kind], told)
            for name, one in known[kind].get("properties", {}).items():
                if name in now[kind].get("properties", {}):
                    yield from self._schema(f"{where}.{name}", one, now[kind]["properties"][name], told=told)
            if "items" in known[kind] and "items" in now[kind]:
                yield from self._schema(f"{where}[]", known[kind]["items"], now[kind]["items"], told=told)


def _operations(operations: Schema) -> Iterator[tuple[str, Schema]]:
    return ((method, one) for method, one in operations.items() if method != "servers")


def _kinds(document: Schema, schema: Schema) -> dict[str, Schema]:
    """The kinds of value that a schema is about, each with what it says of that kind."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return _kinds(document, document["components"]["schemas"][name])
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return {kind: one for part in schema[several] for kind, one in _kinds(document, part).items()}
    kinds = schema.get("type", "any")
    return dict.fromkeys(kinds if isinstance(kinds, list) else [kinds], schema)


def _fields(where: str, old: Schema, new: Schema, told: bool) -> Iterator[Found]:
    known, now = set(old.get("properties", {})), set(new.get("properties", {}))
    must, must_now = set(old.get("required", ())), set(new.get("required", ()))
    for name in known - now:
        yield Found("field_not_told" if told else "field_not_taken", f"{where}.{name}")
    for name in (must - must_now) & now if told else must_now - must:
        yield Found("field_may_be_absent" if told else "field_required", f"{where}.{name}")


def _codes(where: str, old: Schema, new: Schema, told: bool) -> Iterator[Found]:
    known, now = set(old.get("enum", ())), set(new.get("enum", ()))
    if told and known:
        yield from (Found("value_new", f"{where} {value}") for value in now - known)
    if not told and now:
        yield from (Found("value_not_taken", f"{where} {value}") for value in known - now)
        yield from [] if known else [Found("narrowed", f"{where} enum")]


def _limits(where: str, old: Schema, new: Schema, told: bool) -> Iterator[Found]:
    narrower = [name for name in MOST if new.get(name, NO_LIMIT) < old.get(name, NO_LIMIT)]
    narrower += [name for name in LEAST if new.get(name, -NO_LIMIT) > old.get(name, -NO_LIMIT)]
    narrower += [name for name in FORMS if name in new and new[name] != old.get(name)]
    return (Found("narrowed", f"{where} {name}") for name in narrower if not told)
