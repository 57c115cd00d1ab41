"""Events: how fast they are published, and what it costs to catch up. `python -m bench.events --families 5000`.

Everything that was seeded is told: published in one go, then read from the first event on by the agency with the most
families, by the registrar and by the privacy officer, and asked for anew from the end, as who polls does.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import httpx
import psycopg
from sqlmodel import Session, create_engine

from api.cli.seed import seed
from api.db import DatabaseRole, sqlalchemy_url
from api.domain import publishing
from api.domain.actor import Actor, Role
from api.domain.vault import Vault
from api.embedded import postgres
from api.migrating import migrate
from bench.cases import Callers, system
from bench.serving import serving, settings_for

BUSIEST = """SELECT agency_id, count(DISTINCT family_id) FROM involvement
WHERE started_at <= now() AND (ends_at IS NULL OR ends_at > now()) GROUP BY agency_id ORDER BY 2 DESC LIMIT 1"""
POLLS = 50


def publish_all(url: str) -> tuple[int, float]:
    """Publish every event there is; gives how many there were and the seconds it took."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("INSERT INTO outbox (event_id) SELECT id FROM event ORDER BY at, place")
        connection.execute("VACUUM ANALYZE")
    engine = create_engine(sqlalchemy_url(url), connect_args={"options": f"-c role={DatabaseRole.WORKER}"})
    began, count = time.perf_counter(), 0
    with Session(engine) as session:
        while published := publishing.publish_some(session, 1000):
            count += published
    took = time.perf_counter() - began
    engine.dispose()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
    return count, took


def read_all(client: httpx.Client) -> tuple[str, list[float], int]:
    """Read everything from the first event on; gives the last cursor, the seconds of each page and the events."""
    cursor, pages, events = "", [], 0
    while True:
        began = time.perf_counter()
        answer = client.get("/v1/events", params={"limit": 200, "cursor": cursor}).raise_for_status()
        pages.append(time.perf_counter() - began)
        cursor, events = answer.json()["nextCursor"], events + len(answer.json()["items"])
        if "next" not in answer.links:
            return cursor, pages, events


def poll(client: httpx.Client, cursor: str) -> float:
    """The median of the seconds that it takes to hear that there is nothing new."""
    took = []
    for _ in range(POLLS):
        began = time.perf_counter()
        client.get("/v1/events", params={"cursor": cursor}).raise_for_status()
        took.append(time.perf_counter() - began)
    return statistics.median(took)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--families", type=int, default=5000)
    families = parser.parse_args().families
    with tempfile.TemporaryDirectory(prefix="spil-events-") as name, postgres(Path(name) / "postgres") as url:
        migrate(url)
        seed(url, families, Vault({1: b"k" * 32}, {1: b"k" * 32}))
        count, took = publish_all(url)
        print(f"{count} events published in {took:.1f} s: {count / took:.0f} a second")
        settings = settings_for(url)
        with psycopg.connect(url) as connection:
            [(agency_id, of_agency)] = connection.execute(BUSIEST).fetchall()
            [(code,)] = connection.execute("SELECT municipality_code FROM family LIMIT 1").fetchall()
        readers = {
            f"an agency with {of_agency} families": system(agency_id),
            "the registrar": Actor(Role.REGISTRAR, "registrar", municipality_code=code),
            "the privacy officer": Actor(Role.PRIVACY_OFFICER, "officer", municipality_code=code),
        }
        with serving("api.main:create_app", settings) as port:
            for what, actor in readers.items():
                headers = {"Authorization": f"Bearer {Callers(settings).token(actor)}"}
                with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60) as client:
                    cursor, pages, events = read_all(client)
                    median, waits = statistics.median(pages), poll(client, cursor)
                rate = events / sum(pages)
                print(f"{what}: {events} events, {rate:.0f} a second, {median * 1000:.0f} ms a page of 200")
                print(f"  nothing new: {waits * 1000:.0f} ms")


if __name__ == "__main__":
    main()
