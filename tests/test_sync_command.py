"""`spil sync`: a file is compared, shown, and carried out when somebody says so; what it shows is no personal data."""

import asyncio
import csv
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from api.cli import app as spil
from api.db import Database, DatabaseRole
from api.domain.models import Agency
from api.synchronising import synchronise_some
from tests.synchronising import a_row, running_of
from tests.world import World, a_bsn


@pytest.fixture
def working(world: World) -> Iterator[None]:
    """A worker beside the service."""
    stopped = threading.Event()

    async def work() -> None:
        database = Database(world.app.state.settings.database_url, 1, DatabaseRole.WORKER)
        while not stopped.is_set():
            while await synchronise_some(database, world.app.state.vault):
                pass
            await asyncio.sleep(0.05)
        await database.close()

    thread = threading.Thread(target=lambda: asyncio.run(work()))
    thread.start()
    yield
    stopped.set()
    thread.join()


def sync(world: World, agency: Agency, file: Path, *more: str, says: str | None = None) -> Result:
    token = world.as_(world.system(agency)).token
    given = ["--municipality", world.municipality.code, "--token", token, "--url", str(world.client.base_url)]
    result = CliRunner().invoke(spil, ["sync", str(file), *given, *more], input=says)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "caseload.csv"


def write(file: Path, agency: Agency, bsns: list[str], *more: str) -> None:
    row = a_row(agency, "")
    lines = [f"{bsn};parenting;{row['legalBasis']};{row['legalGround']}" for bsn in bsns]
    file.write_text("\n".join(["bsn;helpDomains;legalBasis;legalGround", *lines, *more]), encoding="utf-8-sig")


@pytest.mark.usefixtures("working")
def test_it_shows_what_would_happen_and_does_it_when_told_to(world: World, file: Path) -> None:
    agency, bsns = world.an_agency(), [a_bsn() for _ in range(3)]
    wrong = a_bsn()
    write(file, agency, bsns, f"{wrong};gardening;consent;", "12345;parenting;consent;")
    said_no = sync(world, agency, file, says="n\n")
    assert (said_no.exit_code, running_of(world, agency)) == (4, 0)
    assert "started" in said_no.output
    dry = sync(world, agency, file, "--dry-run")
    assert (dry.exit_code, running_of(world, agency)) == (3, 0)
    done = sync(world, agency, file, says="y\n")
    assert (done.exit_code, running_of(world, agency)) == (3, 3)
    with file.with_name("caseload.refused.csv").open(encoding="utf-8") as beside:
        lines = list(csv.reader(beside))
    assert lines == [
        ["line", "code", "column"],
        ["5", "unknown_help_domain", "helpDomains"],
        ["6", "invalid_bsn", "bsn"],
    ]
    everything = said_no.output + dry.output + done.output + str(lines)
    assert not any(bsn in everything for bsn in [*bsns, wrong])


@pytest.mark.usefixtures("working")
def test_it_ends_more_than_expected_only_when_somebody_says_so(world: World, file: Path) -> None:
    agency, bsns = world.an_agency(), [a_bsn() for _ in range(8)]
    write(file, agency, bsns)
    assert sync(world, agency, file, "--yes").exit_code == 0
    write(file, agency, bsns[:1])
    held = sync(world, agency, file, "--yes")
    assert (held.exit_code, running_of(world, agency)) == (4, 8)
    assert "7 would end, 5 may" in held.output
    asked = sync(world, agency, file, says="n\n")
    assert "7 of 8 that run would end: more than expected" in asked.output
    assert sync(world, agency, file, "--yes", "--may-end", "7").exit_code == 0
    assert running_of(world, agency) == 1


def test_what_goes_wrong_is_said_in_a_sentence(world: World, file: Path, tmp_path: Path) -> None:
    agency = world.an_agency()
    file.write_text("who,what\n")
    refused = sync(world, agency, file)
    assert (refused.exit_code, "400 unknown_columns" in refused.output) == (1, True)
    other = tmp_path / "caseload.xlsx"
    other.write_text("?")
    assert "ends in .csv" in sync(world, agency, other).output
    gone = CliRunner().invoke(
        spil, ["sync", str(file), "--municipality", "9901", "--token", "x", "--url", "http://127.0.0.1:9"]
    )
    assert (gone.exit_code, "Nothing answers" in gone.output) == (1, True)
    nobody = CliRunner().invoke(spil, ["sync", str(file), "--municipality", "9901"], env={"SPIL_TOKEN": ""})
    assert (nobody.exit_code, "Say who you are" in nobody.output) == (1, True)
