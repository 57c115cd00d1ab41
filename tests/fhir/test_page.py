"""What `docs/fhir.md` says is so: its table of scopes, its codes, and its command as printed."""

import json
import re
import subprocess
from pathlib import Path

from api.fhir.care_teams import ROLES
from api.fhir.codings import AS_CHILD, AS_PARENT, COORDINATOR, EPISODE_STATUSES, TEAM_STATUSES
from api.fhir.parameters import LARGEST_PAGE, PREFIXES, USUAL_PAGE
from tests.fhir.conftest import Live
from tests.fhir.test_guard import PERMISSIONS

PAGE = (Path(__file__).parents[2] / "docs" / "fhir.md").read_text(encoding="utf-8")


def test_the_page_names_each_type_with_its_scope() -> None:
    rows = re.findall(r"^\| (`[A-Z][^|]*) \|[^|]*\| `([a-z:_]+)` \|$", PAGE, re.MULTILINE)
    assert {(kind, scope) for kinds, scope in rows for kind in re.findall("[A-Z][A-Za-z]+", kinds)} == {
        (kind, str(permission)) for kind, permission in PERMISSIONS.items()
    }


def test_the_page_names_each_code() -> None:
    for code in (*ROLES, *EPISODE_STATUSES.values(), *TEAM_STATUSES.values(), *PREFIXES, COORDINATOR["code"]):
        assert code in PAGE, code
    assert f"({USUAL_PAGE}, at most {LARGEST_PAGE})" in PAGE
    assert set(AS_PARENT) == set(AS_CHILD)


def test_its_command_finds_the_team(live: Live) -> None:
    [command] = re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL)
    script = command.replace("999990019", live.scene.bsn)
    environment = {"SPIL": live.url.removesuffix("/fhir"), "TOKEN": live.authorization.removeprefix("Bearer ")}
    said = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True, env=environment | PATH)
    bundle = json.loads(said.stdout)
    kinds = {one["resource"]["resourceType"] for one in bundle["entry"]}
    assert kinds == {"CareTeam", "PractitionerRole", "Practitioner"}


PATH = {"PATH": "/usr/local/bin:/usr/bin:/bin"}
