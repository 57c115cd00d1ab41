"""The names of shapes in the API's description, which are the class names of every client that is generated from it.

`MandateOut` is `Mandate`, `Page[MandateOut]` is `MandatePage`. A list of codes that a field has to itself gets a name
here, because generators would make one up from the place where it stands.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

SCHEMAS = "#/components/schemas"

CODES = {
    "CheckedRole": ("CheckedActor", "role"),
    "ClientAssertionType": ("TokenRequest", "client_assertion_type"),
    "GrantType": ("TokenRequest", "grant_type"),
    "KeyCurve": ("PublicKey", "crv"),
    "KeyType": ("PublicKey", "kty"),
    "KeyUse": ("PublicKey", "use"),
    "SigningAlgorithm": ("PublicKey", "alg"),
}
"""The lists of codes that are written out in one field, and what they are called."""


def give(document: dict[str, Any]) -> None:
    """Put every schema under its name, and refer to it by that."""
    schemas = document["components"]["schemas"]
    for name, (shape, field) in CODES.items():
        if shape in schemas:
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


def _taken_out(fields: dict[str, Any], field: str, name: str) -> dict[str, Any]:
    """The codes of a field, which from now on refers to them, and can still be null if it could."""
    kinds = fields[field].get("anyOf", [fields[field]])
    [codes] = [kind for kind in kinds if "enum" in kind or "const" in kind]
    others = [kind for kind in kinds if kind is not codes]
    reference = {"$ref": f"{SCHEMAS}/{name}"}
    said = {key: fields[field][key] for key in ("description",) if key in fields[field]}
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
