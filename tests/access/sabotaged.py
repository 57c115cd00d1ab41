"""A plugin of pytest that breaks the code of access as it is loaded, in the process of one test run only:

    python -m pytest -n0 -p tests.access.sabotaged --sabotage "a registrar sees every municipality" <test>

Nothing in the service knows of it.
"""

import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.access.sabotages import SABOTAGES, WITHOUT_ROWS, Change


class Unfit(Exception):
    """The code isn't as the sabotage expects; it has to be written anew."""


def altered(text: str, changes: Sequence[Change], name: str) -> str:
    for module, old, new in changes:
        if module == name:
            if old not in text:
                raise Unfit(f"{name} has no: {old}")
            text = text.replace(old, new)
    return text


class SabotagedLoader(Loader):
    """Loads a module from its source, changed."""

    def __init__(self, path: str, changes: Sequence[Change]) -> None:
        self.path, self.changes = path, changes

    def exec_module(self, module: ModuleType) -> None:
        source = altered(Path(self.path).read_text(encoding="utf-8"), self.changes, module.__name__)
        exec(compile(source, self.path, "exec", dont_inherit=True), module.__dict__)


class SabotagedFinder(MetaPathFinder):
    """Finds the modules that are changed, before Python does."""

    def __init__(self, changes: Sequence[Change]) -> None:
        self.changes = changes

    def find_spec(self, name: str, path: Any, target: ModuleType | None = None) -> ModuleSpec | None:
        if name not in {module for module, _, _ in self.changes}:
            return None
        found = PathFinder.find_spec(name, path)
        assert found
        assert found.origin
        return importlib.util.spec_from_file_location(
            name, found.origin, loader=SabotagedLoader(found.origin, self.changes)
        )


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--sabotage", choices=list(SABOTAGES), help="break the code of access in this way")
    parser.addoption("--without-row-level-security", action="store_true", help="act as the owner of the tables")
    parser.addoption("--postgres", help="use this server, which goes on afterwards, instead of one of our own")


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Before anything of the service is loaded."""
    asked = early_config.known_args_namespace
    changes = [*SABOTAGES[asked.sabotage].changes] if asked.sabotage else []
    if asked.without_row_level_security:
        changes.append(WITHOUT_ROWS)
    assert not [name for name in sys.modules if name.startswith("api.")], "It is too late for a sabotage."
    sys.meta_path.insert(0, SabotagedFinder(changes))
    in_sql = [change for change in changes if change[0].endswith(".sql")]
    if in_sql:
        _change_sql(in_sql)
    if asked.postgres:
        _use_server(asked.postgres)


def _change_sql(changes: Sequence[Change]) -> None:
    read = Path.read_text

    def read_text(path: Path, *how: Any, **more: Any) -> str:
        text = read(path, *how, **more)
        return altered(text, changes, path.name) if path.suffix == ".sql" else text

    Path.read_text = read_text  # type: ignore[method-assign,assignment]


def _use_server(url: str) -> None:
    from contextlib import nullcontext

    import api.embedded

    api.embedded.postgres = lambda *_: nullcontext(url)  # type: ignore[assignment]
