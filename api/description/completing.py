"""Completes what the description says of one operation: who may, which errors with which codes, and an example."""

from collections.abc import Mapping
from typing import Any

from api.description import codes, examples

MERGE_PATCH = "application/merge-patch+json"
JSON = "application/json"


def complete(operation: dict[str, Any], titles: Mapping[int, str]) -> None:
    """Complete it; `titles`: what each status is called."""
    name = operation["operationId"]
    _say_who(operation)
    _say_codes(operation, codes().get(name, {}), titles)
    if example := examples().get(name):
        _show(operation, example)


def _say_who(operation: dict[str, Any]) -> None:
    if "x-permission" not in operation:
        return
    roles, relations = operation.get("x-roles"), operation.get("x-relations", [])
    who = f"Roles: {_listed(roles)}." if roles else f"For a family, by relation: {_listed(relations)}."
    if power := operation.get("x-power"):
        who += f" The lead coordinator and the deputy may if the mandate holds the power `{power}`."
    operation["description"] = f"{operation['description']}\n\nScope: `{operation['x-permission']}`. {who}"


def _listed(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _say_codes(operation: dict[str, Any], found: Mapping[str, list[str]], titles: Mapping[int, str]) -> None:
    """Each refusal with the codes it can have."""
    answers = operation["responses"]
    for status, names in found.items():
        reference = {"$ref": f"#/components/responses/Problem{status}"}
        answers[status] = reference | {"description": f"{titles[int(status)]}: {_listed(names)}."}
    operation["responses"] = dict(sorted(answers.items()))


def _show(operation: dict[str, Any], example: Mapping[str, Any]) -> None:
    sent = {place: example.get(place, {}) for place in ("path", "query", "headers")}
    places = {"path": "path", "query": "query", "header": "headers"}
    for parameter in operation.get("parameters", ()):
        shown = sent[places[parameter["in"]]].get(parameter["name"])
        if shown is not None:
            parameter["example"] = _as(parameter["schema"], shown)
    sent_as = sent["headers"].get("Content-Type")
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        if "body" in example and sent_as in {None, media_type}:
            content["example"] = example["body"]
    answer = operation["responses"].get(str(example["status"]), {})
    for media_type, content in answer.get("content", {}).items():
        if (media_type == JSON) is not isinstance(example["answer"], str):
            content["example"] = example["answer"]


def _as(schema: Mapping[str, Any], text: str) -> Any:
    """A value of a parameter, which is text on the way, as what its schema says it is."""
    kind = schema.get("type")
    return int(text) if kind == "integer" else text == "true" if kind == "boolean" else text
