"""Generates clients with the commands of `docs/clients.md`, and runs and compiles what comes of it."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "clients.md").read_text(encoding="utf-8")
DESCRIPTION = ROOT / "openapi" / "openapi.json"
COMMANDS = re.findall(r"^openapi-generator-cli generate .*$", GUIDE, re.MULTILINE)
ONLY_WHAT_IS_USED = (
    "--global-property=apis,models,supportingFiles,apiDocs=false,modelDocs=false,apiTests=false,modelTests=false"
)
QUICKLY = "-XX:TieredStopAtLevel=1"
"""What makes a Java program that runs for seconds take half of them."""


def example(language: str) -> str:
    """The one example of a language that the guide has."""
    [found] = re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)
    return str(found)


def generate(folder: Path) -> None:
    """All clients at once, by the commands of the guide, from the description as it is in the repository."""
    (folder / "openapi.json").write_bytes(DESCRIPTION.read_bytes())
    running = [_generating(shlex.split(command)[1:], folder) for command in COMMANDS]
    for one in running:
        said, _ = one.communicate()
        assert one.returncode == 0, said


def _generating(arguments: list[str], folder: Path) -> "subprocess.Popen[str]":
    generator = str(Path(sys.executable).with_name("openapi-generator-cli"))
    return subprocess.Popen(
        [generator, *arguments, ONLY_WHAT_IS_USED],
        cwd=folder,
        env=os.environ | {"JAVA_OPTS": QUICKLY},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run(command: Sequence[str | Path], folder: Path, environment: Mapping[str, str] | None = None) -> str:
    """What a command printed. What it had to say of a failure is in the failure."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env=os.environ | dict(environment or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout
