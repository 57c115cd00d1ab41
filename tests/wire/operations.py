"""Every operation that the application has, read from its own routes, with input that its own description allows."""

import base64
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from fastapi import FastAPI

from api.main import create_app
from api.openapi import routes_of
from api.settings import Settings

FORM = "application/x-www-form-urlencoded"
FILES = {"text/csv", "application/x-ndjson"}
"""A body that is no shape, but lines of one."""


@dataclass(frozen=True)
class Operation:
    """One method of one path."""

    name: str
    method: str
    path: str
    body: dict[str, Any] | None
    """The schema of the body it takes."""
    media_type: str
    parameters: tuple[dict[str, Any], ...]

    @property
    def guarded(self) -> bool:
        return self.path.startswith("/v1") and self.path != "/v1/openapi.json"

    @property
    def of_family(self) -> bool:
        return "{familyId}" in self.path

    def names_of(self, place: str) -> list[str]:
        return [parameter["name"] for parameter in self.parameters if parameter["in"] == place]


def a_configuration(database_url: str) -> Settings:
    key = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    data_key, pseudonym_key = (base64.b64encode(secrets.token_bytes(32)).decode() for _ in range(2))
    return Settings(
        database_url=database_url,
        signing_key=key.decode(),
        data_keys=f'{{"1": "{data_key}"}}',
        pseudonym_key=pseudonym_key,
    )


def _operations(app: FastAPI) -> Iterator[Operation]:
    described = app.openapi()["paths"]
    for route in routes_of(app):
        assert route.path is not None
        if route.path.startswith("/fhir/"):  # described by its CapabilityStatement, and tried in tests/fhir
            continue
        for method in sorted(route.methods or ()):
            description = described.get(route.path.removeprefix("/v1"), {}).get(method.lower(), {})
            content: dict[str, Any] = description.get("requestBody", {}).get("content", {})
            media_type = next(iter(content), "application/json")
            body = content[media_type]["schema"] if content and media_type not in FILES else None
            parameters = tuple(description.get("parameters", ()))
            yield Operation(str(route.name), method, route.path, body, media_type, parameters)


APP = create_app(a_configuration("postgresql://localhost/nowhere"))
"""Put together for its description; nothing is opened."""
SCHEMAS: dict[str, Any] = APP.openapi()["components"]["schemas"]
OPERATIONS = list(_operations(APP))
METHODS_OF: dict[str, set[str]] = {}
for _operation in OPERATIONS:
    METHODS_OF.setdefault(_operation.path, set()).add(_operation.method)


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema itself where it is a reference, and the first kind where there are several."""
    while "$ref" in schema or "anyOf" in schema:
        schema = SCHEMAS[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema["anyOf"][0]
    return schema


def fields_of(operation: Operation) -> list[str]:
    return list(resolved(operation.body)["properties"]) if operation.body else []


def a_body(operation: Operation) -> Any:
    """The least that this operation takes."""
    assert operation.body
    return ONE_OF_TWO.get(operation.name) or an_example(operation.body)


def an_example(schema: dict[str, Any]) -> Any:
    """The least this schema allows."""
    schema = resolved(schema)
    kind = schema["type"][0] if isinstance(schema["type"], list) else schema["type"]
    if kind == "object":
        return {name: an_example(schema["properties"][name]) for name in schema.get("required", ())}
    if kind == "array":
        return [an_example(schema["items"])]
    if kind == "string":
        return _text(schema)
    return {"boolean": True, "integer": 1}[kind]


def _text(schema: dict[str, Any]) -> str:
    by_format = {"uuid": str(uuid4()), "date": "2031-05-06"}
    known = [*schema.get("examples", []), *schema.get("enum", []), schema.get("const"), "Naam"]
    return str(by_format.get(schema.get("format", "")) or next(one for one in known if one))


ONE_OF_TWO = {
    "search_persons": {"surname": "Voorbeeld", "birthDate": "2001-02-03"},
    "make_registration": {
        "municipalityCode": "9901",
        "bsn": "999990019",
        "helpDomains": ["finances"],
        "legalBasis": "vital_interest",
    },
    "confirm_registered_person": {"personId": str(uuid4())},
    "open_matched_family": {
        "name": "Voorbeeld",
        "framework": "voluntary",
        "members": [{"personId": str(uuid4()), "role": "child"}],
    },
    "replay_deliveries": {"since": "2026-01-01T00:00:00Z"},
    "add_member": {"role": "other", "personId": str(uuid4())},
    "open_in_emergency": {"municipalityCode": "9901", "familyId": str(uuid4()), "reason": "missing_child"},
}
"""What a schema can't say: one of two has to be there."""
