"""What a caseload synchronisation takes: `python -m bench.synchronisation`. A service and a worker, each a process of
its own, on a database of their own; files of 2,000 and of 20,000 rows: all new, all the same, and a mix.

The mix: 80 % the same, 10 % changed, 5 % new, 5 % missing. Prints rows a second over the whole run, from the first byte
sent to the last row carried out, and the largest memory that the service and the worker ever had. What the worker does
with registrations afterwards (placing them) is not in it.
"""

import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import create_engine
from sqlmodel import Session

from api.auth.issuing import OwnIssuer
from api.cli.grounds import GROUND_OF
from api.db import Database, DatabaseRole, sqlalchemy_url
from api.domain import agencies, municipalities, professionals
from api.domain.actor import Actor, Role
from api.domain.codes import AgencyKind
from api.domain.models import Municipality, Professional
from api.domain.vault import Vault
from api.domain.work import Work
from api.embedded import postgres
from api.main import create_app
from api.migrating import migrate
from api.settings import Settings
from api.synchronising import synchronise_some
from bench.serving import serving, settings_for

SIZES = (2_000, 20_000)
PATH = "/v1/caseload-synchronisations"
KIND = AgencyKind.YOUTH_CARE
CODE = "9901"


def bsns(first: int, number: int) -> Iterator[str]:
    """Numbers that pass the eleven-test, of the range that is never given out."""
    while number:
        digits = [9, 9, *(int(digit) for digit in f"{first:06d}")]
        last = sum(digit * weight for digit, weight in zip(digits, range(9, 1, -1), strict=True)) % 11
        if last < 10:
            yield "".join(str(digit) for digit in [*digits, last])
            number -= 1
        first += 1


class Bench:
    """A municipality, an agency and its professionals, and what its system sends."""

    def __init__(self, settings: Settings, port: int) -> None:
        self._settings, self._client = settings, httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=600)
        self._vault = Vault(settings.vault_keys, settings.vault_pseudonym_keys)
        engine = create_engine(sqlalchemy_url(str(settings.database_url)))
        with Session(engine, expire_on_commit=False) as session:
            self._fill(Work(session, Actor(role=Role.PLATFORM_ADMINISTRATOR, subject="b"), _now(), self._vault))
            session.commit()
        engine.dispose()
        key = settings.signing_key.get_secret_value() if settings.signing_key else ""
        actor = Actor(role=Role.AGENCY_SYSTEM, subject="bench", agency_id=self.agency.id)
        issuer = OwnIssuer(key, settings.issuer, settings.audience)
        self._headers = {"Authorization": f"Bearer {issuer.token(actor, seconds=3600)}"}

    def _fill(self, work: Work) -> None:
        contact = {f"access_team_{name}": "bench" for name in ("name", "phone", "email")}
        if not municipalities.known(work):
            municipalities.register(work, Municipality(code=CODE, name="Bench", **contact))
        self.agency = agencies.register(work, name="Bench", kind=KIND, help_domains_=[])
        staff = [Professional(agency_id=self.agency.id, name=f"P {n}", function="hulpverlener") for n in range(40)]
        self.staff = [str(professionals.register(work, one).id) for one in staff]

    def file(self, numbers: Iterator[str], domain: str = "parenting") -> list[bytes]:
        ground = {"legalBasis": "statutory_task", "legalGround": GROUND_OF[KIND], "contactFrequency": "weekly"}
        staff = self.staff
        return [
            json.dumps(
                {"bsn": bsn, "helpDomains": [domain], "professionalId": staff[place % len(staff)], **ground}
            ).encode()
            for place, bsn in enumerate(numbers)
        ]

    def run(self, lines: list[bytes]) -> dict[str, Any]:
        """Send it, and have it carried out by a worker process; gives how it stands then, and how long it took."""
        began = time.perf_counter()
        headers = self._headers | {"Content-Type": "application/x-ndjson"}
        answer = self._client.post(PATH, params={"municipalityCode": CODE}, content=b"\n".join(lines), headers=headers)
        assert answer.status_code == 202, answer.text
        sent = time.perf_counter() - began
        worked = self._work()
        known: dict[str, Any] = self._client.get(answer.headers["Location"], headers=self._headers).json()
        assert known["state"] == "completed", known
        return known | {"sent": sent} | worked

    def _work(self) -> dict[str, float]:
        given = [sys.executable, "-m", "bench.synchronisation", "work"]
        secrets = {"data_keys": self._settings.data_keys, "pseudonym_key": self._settings.pseudonym_key}
        told = {name: value.get_secret_value() for name, value in secrets.items() if value}
        environment = os.environ | {"SPIL_BENCH": json.dumps(told | {"database_url": self._settings.database_url})}
        done = subprocess.run(given, env=environment, check=True, stdout=subprocess.PIPE, text=True)
        figures: dict[str, float] = json.loads(done.stdout)
        return figures


def work() -> None:
    """The worker's process: carry out what there is, and say how long that took."""
    settings = Settings(**json.loads(os.environ["SPIL_BENCH"]))
    vault = Vault(settings.vault_keys, settings.vault_pseudonym_keys)

    async def carry_out() -> float:
        database = Database(str(settings.database_url), 1, DatabaseRole.WORKER)
        began = time.perf_counter()
        while await synchronise_some(database, vault):
            pass
        took = time.perf_counter() - began
        await database.close()
        return took

    took = asyncio.run(carry_out())
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({"worked": took, "cpu": used.ru_utime + used.ru_stime, "memory": used.ru_maxrss / 1024}))


def _memory_of(port: int) -> float:
    """The most memory that the service on this port ever had, in MiB."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"--port\0{port}\0" in (process / "cmdline").read_text():
                [line] = [line for line in (process / "status").read_text().splitlines() if line.startswith("VmHWM")]
                return int(line.split()[1]) / 1024
        except OSError:
            continue
    return 0


def _now() -> datetime:
    return datetime.now(UTC)


def _say(size: int, what: str, found: dict[str, Any], service: float) -> None:
    took = found["sent"] + found["worked"]
    outcomes = {name: number for name, number in found["outcomes"].items() if number}
    print(
        f"{size:6d} {what:8s} {size / took:7.0f} rows/s  sent {found['sent']:5.1f} s, done {found['worked']:5.1f} s"
        f" (worker's CPU {found['cpu']:5.1f} s)  memory: service {service:4.0f} MiB, worker {found['memory']:4.0f} MiB"
        f"  {outcomes}",
        flush=True,
    )


def serve() -> Any:
    return create_app()


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="spil-synchronisation-") as name, postgres(Path(name) / "postgres") as url:
        migrate(url)
        settings = settings_for(url)
        for size in SIZES:
            with serving("bench.synchronisation:serve", settings) as port:
                bench = Bench(settings, port)
                known = list(bsns(0, size + size // 20))
                files = {
                    "new": bench.file(iter(known[:size])),
                    "same": bench.file(iter(known[:size])),
                }
                changed = bench.file(iter(known[:size]), "finances")[: size // 10]
                new = bench.file(iter(known))[size:]
                files["mix"] = changed + files["same"][size // 10 : size - size // 20] + new
                for what, lines in files.items():
                    found = bench.run(lines)
                    _say(size, what, found, _memory_of(port))


if __name__ == "__main__":
    work() if sys.argv[1:] == ["work"] else main()
