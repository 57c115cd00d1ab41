"""Runs the test that has to notice a sabotage, in a process of its own, and says what became of it."""

import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.access.sabotages import SABOTAGES

ROOT = Path(__file__).parents[2]
OPTIONS = ("-n0", "-q", "--tb=line", "-p", "no:cacheprovider", "-p", "no:randomly", "-p", "tests.access.sabotaged")


@dataclass(frozen=True)
class Outcome:
    """`passed`, `failed` (by its own assertion) or `broken`; and the line that says why."""

    what: str
    why: str


def outcome(tests: list[str], url: str, *options: str) -> Outcome:
    """What becomes of these tests on this server."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pytest", *OPTIONS, "--postgres", url, "--basetemp", f"{folder}/tests"]
        # What the outer run was asked for is not for this one, which has fewer plugins
        environment = {name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"}
        done = subprocess.run(
            [*command, *options, *tests], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
    said = done.stdout + done.stderr
    if done.returncode == 0:
        return Outcome("passed", said.strip().splitlines()[-1])
    reasons = re.findall(r"^/.*: (?:AssertionError|assert|Failed).*|^E .*", said, re.MULTILINE)
    if done.returncode == 1 and re.search(r"^FAILED ", said, re.MULTILINE) and "ERROR " not in said and reasons:
        return Outcome("failed", reasons[-1])
    return Outcome("broken", "\n".join(said.strip().splitlines()[-12:]))


def unsound(url: str, names: list[str]) -> str:
    """What the tests of these sabotages say where nothing is sabotaged: nothing, if all is well."""
    found = outcome(sorted({SABOTAGES[name].test for name in names}), url)
    return "" if found.what == "passed" else found.why


def caught(name: str, url: str) -> tuple[bool, str]:
    """Whether the sabotage is noticed by its test, and how; or does no harm behind row-level security, and by it."""
    sabotage = SABOTAGES[name]
    alone = outcome([sabotage.test], url, "--sabotage", name)
    if not sabotage.behind:
        return alone.what == "failed", f"{alone.what}: {alone.why}"
    bare = outcome([sabotage.test], url, "--sabotage", name, "--without-row-level-security")
    said = f"{alone.what} behind row-level security, {bare.what} without: {bare.why}"
    return (alone.what, bare.what) == ("passed", "failed"), said
