"""The README's first calls do what it says, as they are printed."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.demo import SPIL, Demo

pytestmark = pytest.mark.xdist_group("demo")

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```bash\n(.*?)```", README, re.DOTALL)


def test_the_first_calls_work_as_printed(demo: Demo) -> None:
    script = "\n".join(f"{block}\necho" for block in BLOCKS)
    assert script.count("curl ") == 5
    here = script.replace("http://127.0.0.1:8000", demo.written["baseUrl"])
    here = here.replace(".venv/bin/spil token", f"{SPIL} token --folder '{demo.second.folder}'")
    said = subprocess.run(["bash", "-ec", here], capture_output=True, text=True, check=True).stdout
    assert '"relations" : ["registrar"]' in said
    assert '"leadCoordinator"' in said
    assert '"capacity"' in said
    assert '"code": "family_not_found"' in said
