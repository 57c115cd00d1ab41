"""The names in a generated client are chosen: none is made up by a generator, numbered, spelled out or used twice."""

import ast
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clients.generating import DESCRIPTION

DOCUMENT = json.loads(DESCRIPTION.read_text(encoding="utf-8"))
METHODS = {"get", "put", "post", "delete", "patch"}
OPERATIONS = [
    (operation, operation["operationId"])
    for path in DOCUMENT["paths"].values()
    for method, operation in path.items()
    if method in METHODS
]
API_CLASSES = {operation["tags"][0].title().replace(" ", "") + "Api" for operation, _ in OPERATIONS}
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]
FORMS = {"TokenRequest"}
"""A form's fields are parameters of the method, and so need no class."""
WORDS = "[A-Z][a-z0-9]+"
MADE_UP = re.compile("Inline|Inner|AnyOf|OneOf|AllOf|^Model[A-Z]|[0-9]$|Enum$")
SAYS_NOTHING = {"Answer", "Data", "Entry", "Error", "Item", "List", "Object", "Request", "Response", "Result", "Type"}
SPELLED_OUT = re.compile(r"^(VAR|var)_|_(DOT|COLON|SLASH|MINUS|PLUS|SPACE|EMPTY)_|^EMPTY$|^NUMBER_")
BEHIND = ("_with_http_info", "_without_preload_content", "_serialize")


def snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def test_a_tag_makes_a_class_and_an_operation_a_method_that_no_other_has() -> None:
    assert not [name for name, count in Counter(name for _, name in OPERATIONS).items() if count > 1]
    for operation, name in OPERATIONS:
        assert len(operation["tags"]) == 1
        assert re.fullmatch("[A-Z][a-z]+( [a-z]+)*", operation["tags"][0])
        assert re.fullmatch("[a-z]+([A-Z][a-z]+)+", name), f"{name} says what is done to what"
        assert not re.search("(Get|Post|Put|Patch|Delete|V1|Api)$", name)


def written_out(node: Any, path: tuple[str, ...] = ()) -> Iterator[str]:
    """Where codes, choices or objects stand without a name."""
    if isinstance(node, list):
        for number, one in enumerate(node):
            yield from written_out(one, (*path, str(number)))
    elif isinstance(node, dict):
        if not (path[:2] == ("components", "schemas") and len(path) == 3) and lacks_a_name(node):
            yield "/".join(path)
        for key, one in node.items():
            if key not in {"example", "examples", "default", "const", "enum"}:
                yield from written_out(one, (*path, key))


def lacks_a_name(node: dict[str, Any]) -> bool:
    choices = [kind for kind in node.get("anyOf") or node.get("oneOf") or () if kind != {"type": "null"}]
    is_object = node.get("type") == "object" and isinstance(node.get("properties"), dict)
    codes = isinstance(node.get("enum"), list) or isinstance(node.get("const"), str)
    return is_object or codes or len(choices) > 1


def test_nothing_that_a_generator_would_have_to_name_is_without_a_name() -> None:
    """Codes are an enumeration of the code; what has fields, or is one of several shapes, is a shape with a name."""
    assert not list(written_out({key: DOCUMENT[key] for key in ("paths", "components")}))


def test_a_shape_has_a_name_of_words_that_says_what_it_is() -> None:
    for name in SCHEMAS:
        assert re.fullmatch(f"({WORDS})+", name)
        assert not MADE_UP.search(name), name
        assert name not in SAYS_NOTHING


def test_every_code_is_a_word_in_every_language() -> None:
    for name, schema in SCHEMAS.items():
        for code in schema.get("x-enum-varnames", schema.get("enum", ())):
            assert re.fullmatch("[A-Za-z][A-Za-z0-9_]*", code), name


@pytest.mark.xdist_group("clients")
def test_the_python_client_has_them(generated: Path) -> None:
    package = generated / "spil-python" / "spil_client"
    apis = {one.name: set(of(one, ast.FunctionDef)) for one in classes(package / "api")}
    assert set(apis) == API_CLASSES
    methods = {name for api in apis.values() for name in api if not name.startswith("_") and not name.endswith(BEHIND)}
    assert methods == {snake(name) for _, name in OPERATIONS}
    models = {one.name: set(of(one, ast.AnnAssign, ast.Assign)) for one in classes(package / "models")}
    assert set(models) == set(SCHEMAS) - FORMS
    assert not [(name, field) for name, fields in models.items() for field in fields if SPELLED_OUT.search(field)]


@pytest.mark.xdist_group("clients")
def test_the_typescript_client_has_them(generated: Path) -> None:
    assert exports(generated / "spil-typescript" / "models") == set(SCHEMAS) - FORMS
    exported = exports(generated / "spil-typescript" / "apis")
    of_operations = {name[0].upper() + name[1:] + "Request" for _, name in OPERATIONS}
    assert API_CLASSES <= exported <= API_CLASSES | of_operations


@pytest.mark.xdist_group("clients")
def test_the_java_client_has_them(generated: Path) -> None:
    sources = generated / "spil-java" / "src" / "main" / "java" / "nl" / "spil" / "client"
    models = {file.stem for file in (sources / "model").glob("*.java")} - {"AbstractOpenApiSchema"}
    assert models == set(SCHEMAS) - FORMS
    inner = [file for file in (sources / "model").glob("*.java") if re.search(r"\benum \w+Enum\b", file.read_text())]
    assert not inner
    assert {file.stem for file in (sources / "api").glob("*.java")} == API_CLASSES


def exports(folder: Path) -> set[str]:
    text = "".join(file.read_text(encoding="utf-8") for file in folder.glob("*.ts"))
    return set(re.findall(r"^export (?:interface|const|type|class) (\w+)", text, re.MULTILINE))


def classes(folder: Path) -> Iterator[ast.ClassDef]:
    for file in folder.glob("*.py"):
        for one in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(one, ast.ClassDef):
                yield one


def of(one: ast.ClassDef, *kinds: type[ast.stmt]) -> Iterator[str]:
    """The names that a class gives to things of these kinds."""
    for part in one.body:
        if isinstance(part, kinds):
            target = getattr(part, "target", None) or (getattr(part, "targets", None) or [part])[0]
            yield str(getattr(target, "id", None) or getattr(target, "name", ""))
