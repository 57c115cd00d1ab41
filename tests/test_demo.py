"""`spil demo` for real, in a process of its own: from nothing, again on the same data, and stopped without a trace."""

import json
import shlex
import shutil
import signal
import stat
import subprocess
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.demo import SPIL, STARTS_WITHIN, Demo, a_demo, database_in, goes, wait_for

pytestmark = pytest.mark.xdist_group("demo")

ACTORS = {
    "registrar": 2,
    "agency_system": 3,
    "professional": 4,
    "analyst": 1,
    "privacy_officer": 1,
    "family_member": 1,
    "platform_administrator": 1,
}


def test_demo_json_has_its_format(demo: Demo) -> None:
    assert set(demo.written) == {"baseUrl", "actors", "families"}
    for actor in demo.written["actors"]:
        assert set(actor) == {"name", "role", "agencyId", "professionalId", "personId", "token"}
        assert all(value is None or (isinstance(value, str) and value) for value in actor.values())
    assert Counter(actor["role"] for actor in demo.written["actors"]) == ACTORS
    for family in demo.written["families"]:
        assert set(family) == {"id", "label", "state"}
    assert httpx.get(f"{demo.written['baseUrl']}/health/ready").json() == {"status": "ready"}


def test_the_municipality_is_as_large_as_promised(demo: Demo) -> None:
    agencies = demo.everything("/agencies", "Platform administrator")
    assert len(agencies) >= 12
    assert len({agency["kind"] for agency in agencies}) >= 12
    assert {agency["kind"] for agency in agencies if agency["signalOnly"]} == {"police", "school"}
    assert len(demo.everything("/professionals", "Platform administrator")) >= 40
    assert len(demo.written["families"]) >= 25
    assert len({family["id"] for family in demo.written["families"]}) == len(demo.written["families"])


def test_every_printed_line_of_curl_works_as_printed(demo: Demo) -> None:
    lines = [line for line in demo.second.output.splitlines() if line.startswith("curl ")]
    assert len(lines) == len(demo.written["actors"])
    for line, actor in zip(lines, demo.written["actors"], strict=True):
        assert actor["token"] in line
        assert actor["name"] in demo.second.output
        status, body = answer_to(line)
        assert status == 200, (actor["name"], body)
        assert json.loads(body)


def answer_to(line: str) -> tuple[int, str]:
    if shutil.which("curl"):
        told = subprocess.run(f"{line} -w '\\n%{{http_code}}'", shell=True, capture_output=True, text=True, check=True)
        body, _, status = told.stdout.rpartition("\n")
        return int(status), body
    *_, header, url = shlex.split(line)
    name, _, value = header.partition(": ")
    answer = httpx.get(url, headers={name: value})
    return answer.status_code, answer.text


def test_who_is_not_involved_sees_no_family(demo: Demo) -> None:
    assert demo.get("/caseload", "Veenmeer College").json()["items"] == []
    [complete] = demo.families("complete")
    [elsewhere] = demo.families("other_municipality")
    for family, name in (
        (complete, "Veenmeer College"),
        (complete, "Registrar of Lindehaven"),
        (complete, "Analyst"),
        (elsewhere, "Registrar of Veenmeer"),
    ):
        assert demo.get(f"/families/{family}/who-is-involved", name).status_code in {403, 404}


def test_two_agencies_that_know_nothing_of_each_other_are_a_match_for_the_registrar(demo: Demo) -> None:
    matches = demo.get("/matches", "Registrar of Veenmeer").json()["items"]
    assert Counter(match["kind"] for match in matches) == {"same_person": 1, "family": 2}
    assert {match["state"] for match in matches} == {"found"}
    [waits] = demo.get("/registrations/_unconfirmed", "Registrar of Veenmeer").json()["items"]
    assert waits["surname"] == "Rossem"
    mine = demo.get("/registrations", "System of Schuldhulp Veenmeer").json()["items"]
    assert [(one["surname"], one["state"], one["familyId"]) for one in mine] == [("Overdiep", "waiting", None)]


STATES: dict[str, Callable[[dict[str, Any]], object]] = {
    "complete": lambda team: team["leadCoordinator"] and not gaps(team),
    "no_lead": lambda team: team["leadCoordinator"] is None and len(team["involvements"]) == 3,
    "mandate_proposed": lambda team: team["leadCoordinator"] is None,
    "mandate_transferred": lambda team: team["leadCoordinator"],
    "mandate_expired": lambda team: team["leadCoordinator"] is None,
    "gap": lambda team: team["leadCoordinator"] and gaps(team),
    "two_agencies_one_domain": lambda team: max(carried(team).values()) == 2,
    "stale": lambda team: any(one["stale"] for one in team["involvements"]),
    "shielded": lambda team: any(one["shielded"] for one in team["involvements"]),
    "person_in_two_families": lambda team: any(member["givenName"] == "Finn" for member in team["members"]),
    "deputy_running": lambda team: team["leadCoordinator"]["deputy"],
    "contact_point_covered": lambda team: "contact_point_is_absent" in reasons(team),
    "contact_point_absent": lambda team: "contact_point_is_absent" in reasons(team),
    "consent_lapsed": lambda team: gaps(team) == ["mental_health"],
    "closed": lambda team: team["family"]["state"] == "closed" and not team["involvements"],
    "reopened": lambda team: team["family"]["state"] == "open" and team["leadCoordinator"],
    "moved_here": lambda team: team["municipality"]["code"] == "9901" and team["leadCoordinator"],
    "court_ordered": lambda team: sum(one["signalOnly"] for one in team["involvements"]) == 2,
    "many_agencies": lambda team: len(team["involvements"]) == 9,
    "objection": lambda team: [one["helpDomains"] for one in team["involvements"]] == [["parenting"], ["finances"]],
    "supervision_order": lambda team: team["family"]["framework"] == "court_ordered",
    "just_opened": lambda team: not team["involvements"],
}


def gaps(team: dict[str, Any]) -> list[str]:
    return [row["helpDomain"] for row in team["helpDomains"] if row["gap"]]


def reasons(team: dict[str, Any]) -> set[str]:
    return {row["call"]["because"] for row in team["helpDomains"]}


def carried(team: dict[str, Any]) -> Counter[str]:
    return Counter(domain for one in team["involvements"] for domain in one["helpDomains"])


@pytest.mark.parametrize("state", STATES)
def test_a_family_is_in_the_state_it_is_said_to_be_in(demo: Demo, state: str) -> None:
    found = demo.families(state)
    assert found
    for family in found:
        team = demo.get(f"/families/{family}/who-is-involved").json()
        assert STATES[state](team), team


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ("mandate_proposed", ["proposed"]),
        ("mandate_transferred", ["ended", "active"]),
        ("mandate_expired", ["ended"]),
        ("mandate_declined", ["declined"]),
    ],
)
def test_the_mandates_of_a_family_tell_its_story(demo: Demo, state: str, told: list[str]) -> None:
    [family] = demo.families(state)
    mandates = demo.get(f"/families/{family}/mandates").json()["items"]
    assert [mandate["state"] for mandate in mandates] == told
    for before, after in pairwise(mandates):
        assert before["endsAt"] == after["startedAt"]


def test_what_happened_is_on_the_timeline_in_the_past(demo: Demo) -> None:
    [family] = demo.families("mandate_expired")
    told = demo.get(f"/families/{family}/timeline").json()["items"]
    assert [item["type"] for item in told][:2] == ["mandate.gap_opened", "mandate.ended"]
    assert told[-1]["type"] == "family.opened"
    assert len({item["at"][:10] for item in told}) > 3


def test_the_same_families_are_there_after_a_restart(demo: Demo) -> None:
    assert demo.second.written["families"] == demo.first.written["families"]
    for before, after in zip(demo.first.written["actors"], demo.second.written["actors"], strict=True):
        assert before["token"] != after["token"], "Every start makes new tokens."
        assert {**before, "token": ""} == {**after, "token": ""}
    assert "is loaded" in demo.first.output
    assert "is loaded" not in demo.second.output


def test_stopping_leaves_nothing_behind(demo: Demo) -> None:
    assert demo.first.ended == 0
    assert "Traceback" not in demo.first.output
    assert "Stopped. Your data stay for the next time." in demo.first.output
    assert demo.first.database
    assert goes(demo.first.database)


def test_secrets_can_be_read_by_their_owner_only(demo: Demo) -> None:
    folder = demo.second.folder
    secrets = [folder / "keys.json", folder / "demo.json", *(folder / "clients").iterdir()]
    assert len(secrets) > 12
    assert {stat.S_IMODE(file.stat().st_mode) for file in secrets} == {0o600}


def test_an_agencys_system_gets_a_token_as_printed(demo: Demo) -> None:
    [line] = [line for line in demo.second.output.splitlines() if " token --client " in line]
    token = subprocess.run([SPIL, *shlex.split(line)[1:]], capture_output=True, text=True, check=True).stdout.strip()
    headers = {"Authorization": f"Bearer {token}"}
    assert httpx.get(f"{demo.written['baseUrl']}/v1/caseload", headers=headers).json()["items"]


def test_a_port_in_use_stops_it_before_anything_starts(demo: Demo, tmp_path: Path) -> None:
    port = int(demo.written["baseUrl"].rpartition(":")[2])
    with a_demo(tmp_path / "other", port) as run:
        assert run.process.wait(STARTS_WITHIN) == 1
        assert f"Port {port} on 127.0.0.1 is in use." in run.output
        assert not run.folder.exists()
        run.ended = 1


def test_two_demos_never_share_a_folder(demo: Demo) -> None:
    with a_demo(demo.second.folder, 0) as run:
        assert run.process.wait(STARTS_WITHIN) == 1
        assert "runs in" in run.output
        run.ended = 1
    assert demo.get("/caseload").status_code == 200


@pytest.mark.parametrize(("number", "then"), [(signal.SIGINT, []), (signal.SIGTERM, ["--reset"])])
def test_stopping_halfway_leaves_nothing_behind_but_what_can_be_gone_on_with(
    tmp_path: Path, number: signal.Signals, then: list[str]
) -> None:
    folder = tmp_path / "spil"
    with a_demo(folder, 0) as run:
        wait_for(lambda: database_in(folder) > 0, run)
        database = database_in(folder)
        run.stop(number)
        assert (run.ended, "Traceback" in run.output) == (0, False), run.output
        assert goes(database)
    with a_demo(folder, 0, *then) as run:
        run.wait_until_ready()
        assert ("Threw away what there was" in run.output) is bool(then)
        assert len(run.written["families"]) >= 25


def test_without_its_keys_a_database_is_not_served(tmp_path: Path) -> None:
    folder = tmp_path / "spil"
    folder.mkdir()
    (folder / "municipality.json").write_text("{}")
    with a_demo(folder, 0) as run:
        run.ended = run.process.wait(STARTS_WITHIN)
        assert (run.ended, "Start over with" in run.output, "Traceback" in run.output) == (1, True, False)
