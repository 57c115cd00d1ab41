"""Schemathesis finds nothing, in a short run; `python -m tests.wire.campaign` is the long one."""

import subprocess

import pytest

from api.domain.actor import Role
from tests.wire.campaign import run, run_as, run_beside
from tests.wire.stage import Stage
from tests.world import World


@pytest.fixture(scope="module")
def acted_on(world: World) -> Stage:
    """A stage of its own, since Schemathesis changes what it can."""
    return Stage(world)


@pytest.fixture(scope="module")
def base_url(world: World) -> str:
    return str(world.client.base_url).rstrip("/")


@pytest.mark.parametrize("role", [Role.REGISTRAR, Role.AGENCY_SYSTEM])
def test_schemathesis_finds_no_fault(role: Role, acted_on: Stage, base_url: str) -> None:
    said = run_as(acted_on, base_url, role, acted_on.known, 1, "--phases", "examples,fuzzing")
    assert not said, said


def test_schemathesis_finds_no_fault_beside_the_versioned_api(base_url: str) -> None:
    assert run_beside(base_url, 3) == ""


def test_schemathesis_is_really_asking(base_url: str) -> None:
    done: subprocess.CompletedProcess[str] = run(
        base_url, None, {}, "--url", f"{base_url}/v2", "--include-path", "/agencies", "--phases", "fuzzing", "-n", "1"
    )
    assert done.returncode == 1
    assert "Undocumented status code" in done.stdout
