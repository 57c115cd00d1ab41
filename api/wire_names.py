"""The names of shapes in the API's description, which are the class names of every client that is generated from it.

`MandateOut` is `Mandate`, `Page[MandateOut]` is `MandatePage`. Codes, and a choice between shapes, that are written out
in one field get a name too, as generators would make one up otherwise.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

SCHEMAS = "#/components/schemas"

CODES = {
    ("CheckedActor", "role"): "CheckedRole",
    ("PublicKey", "alg"): "SigningAlgorithm",
    ("PublicKey", "crv"): "KeyCurve",
    ("PublicKey", "kty"): "KeyType",
    ("PublicKey", "use"): "KeyUse",
    ("TokenRequest", "client_assertion_type"): "ClientAssertionType",
    ("TokenRequest", "grant_type"): "GrantType",
}
"""What the codes that are written out in a field are called. Elsewhere they have the names of shape and field."""


def give(document: dict[str, Any]) -> None:
    """Put every schema under its name, and refer to it by that."""
    schemas = document["components"]["schemas"]
    for shape, field, inline in list(_written_out(schemas)):
        name = CODES.get((shape, field)) or _on_the_wire(shape) + field[0].upper() + field[1:]
        if name in schemas:
            raise ValueError(f"What {shape}.{field} can be needs a name of its own in CODES.")
        schemas[name] = _taken_out(inline, name)
    for schema in schemas.values():
        _name_each_code(schema)
    names = {name: _on_the_wire(name) for name in schemas}
    if len(set(names.values())) < len(names):
        raise ValueError("Two shapes have the same name on the wire.")
    document["components"]["schemas"] = {names[old]: one for old, one in schemas.items()}
    _refer(document, names)


def _on_the_wire(name: str) -> str:
    page = re.fullmatch(r"Page_(\w+)_", name)
    return f"{_on_the_wire(page[1])}Page" if page else name.removesuffix("Out")


def _written_out(schemas: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """The codes and choices that are written out in a field, or that each item of a field is one of."""
    for shape, schema in schemas.items():
        for field, one in schema.get("properties", {}).items():
            for inline in filter(_lacks_a_name, (one, *one.get("anyOf", ()))):
                yield shape, field, inline
            if _lacks_a_name(one.get("items", {})):
                yield shape, field.removesuffix("s"), one["items"]


def _lacks_a_name(schema: Mapping[str, Any]) -> bool:
    choices = [kind for kind in schema.get("oneOf") or schema.get("anyOf") or () if kind != {"type": "null"}]
    return "enum" in schema or isinstance(schema.get("const"), str) or len(choices) > 1


def _taken_out(inline: dict[str, Any], name: str) -> dict[str, Any]:
    """What stood in a field, which from now on refers to it."""
    taken = {key: inline.pop(key) for key in tuple(inline) if key not in {"default", "description"}}
    inline["$ref"] = f"{SCHEMAS}/{name}"
    if "const" in taken:
        taken["enum"] = [taken.pop("const")]
    return taken


def _name_each_code(schema: dict[str, Any]) -> None:
    """`family.opened` is `FAMILY_OPENED`, where a generator would spell the dot; of a URN its last word counts."""
    codes = schema.get("enum", [])
    if any(re.search(r"\W", code) for code in codes):
        last_words = [code.rpartition(":")[2] if code.startswith("urn:") else code for code in codes]
        schema["x-enum-varnames"] = [re.sub(r"\W", "_", word).upper() for word in last_words]


def _refer(node: Any, names: Mapping[str, str]) -> None:
    for one in _within(node):
        _refer(one, names)
    if isinstance(node, dict) and isinstance(node.get("$ref"), str):
        place, _, name = node["$ref"].rpartition("/")
        node["$ref"] = f"{place}/{names.get(name, name)}"


def _within(node: Any) -> Iterator[Any]:
    if isinstance(node, dict):
        yield from node.values()
    elif isinstance(node, list):
        yield from node
