"""The names of shapes in the API's description, which are the class names of every client that is generated from it.

`MandateOut` is `Mandate`, `Page[MandateOut]` is `MandatePage`. A list of codes that is written out in one field gets a
name too, as generators would make one up otherwise.
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
    for shape, field in _with_codes(schemas):
        name = CODES.get((shape, field)) or _on_the_wire(shape) + field[0].upper() + field[1:]
        if name in schemas:
            raise ValueError(f"The codes of {shape}.{field} need a name of their own in CODES.")
        schemas[name] = _taken_out(schemas[shape]["properties"], field, name)
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


def _with_codes(schemas: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The fields in which codes are written out."""
    fields = [(shape, field) for shape, schema in schemas.items() for field in schema.get("properties", ())]
    return [(shape, field) for shape, field in fields if any(map(_is_codes, _kinds(schemas[shape], field)))]


def _kinds(schema: Mapping[str, Any], field: str) -> list[dict[str, Any]]:
    kinds: list[dict[str, Any]] = schema["properties"][field].get("anyOf", [schema["properties"][field]])
    return kinds


def _is_codes(kind: Mapping[str, Any]) -> bool:
    return "enum" in kind or isinstance(kind.get("const"), str)


def _taken_out(fields: dict[str, Any], field: str, name: str) -> dict[str, Any]:
    """The codes of a field, which from now on refers to them, and can still be null if it could."""
    [codes] = filter(_is_codes, _kinds({"properties": fields}, field))
    others = [kind for kind in _kinds({"properties": fields}, field) if kind is not codes]
    reference = {"$ref": f"{SCHEMAS}/{name}"}
    said = {key: fields[field][key] for key in ("default", "description") if key in fields[field]}
    fields[field] = said | ({"anyOf": [reference, *others]} if others else reference)
    return {"type": "string", "enum": codes.get("enum") or [codes["const"]]}


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
