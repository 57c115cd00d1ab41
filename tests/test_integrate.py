"""The afternoon of an integrator: every block of the page, run as it is printed, and the same in both languages."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.demo import SPIL, Run, a_demo, a_free_port

DOCS = Path(__file__).parent.parent / "docs"


def blocks(page: str) -> list[str]:
    return re.findall(r"```bash\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL)


def carried_out(run: Run, folder: Path) -> str:
    """What the page's blocks print, one after the other, beside this demo."""
    script = "\n".join(f"{block}\necho" for block in blocks("integrate.md"))
    script = script.replace("$PWD/.venv/bin", str(SPIL.parent)).replace("http://127.0.0.1:8000", run.written["baseUrl"])
    done = subprocess.run(["bash", "-ec", script], cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_both_languages_have_the_same_blocks() -> None:
    assert len(blocks("integrate.md")) > 10
    assert blocks("integrate.nl.md") == blocks("integrate.md")


@pytest.mark.xdist_group("demo")
def test_the_afternoon_goes_as_printed(tmp_path: Path) -> None:
    with a_demo(tmp_path / ".spil", a_free_port()) as run:
        run.wait_until_ready()
        said = carried_out(run, tmp_path)
    assert '"relations" : ["involved_agency"]' in said
    assert '"leadCoordinator"' in said
    assert len(set(re.findall(r'\{"id":"([0-9a-f-]{36})","municipalityCode":"9901"', said))) == 1
    assert "The challenge was given back" in said
    assert len(re.findall(r"^[\d:]{8}  contact_point\.assigned ", said, re.MULTILINE)) == 1, "It is heard,"
    assert said.count('"event" : "contact_point.assigned"') == 1, "and read once more by the cursor of before."
    assert "4,invalid_bsn,bsn" in said
    assert "This has happened" in said
    assert '"CareTeam"' in said
