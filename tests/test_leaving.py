"""Who stops the service leaves nobody in the middle: what has begun is finished, then it is gone."""

import asyncio
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import httpx
import psycopg
import pytest
from fastapi import FastAPI

from api import worker
from api.main import create_app
from api.settings import Settings
from tests.conftest import serving
from tests.demo import SPIL, STARTS_WITHIN, STOPS_WITHIN, a_free_port
from tests.wire.answers import is_problem
from tests.world import World

BLOCKED = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"


def _wait(until: Callable[[], object]) -> None:
    """Wait for something that is sure to come; the bound is no expectation."""
    give_up = time.monotonic() + STARTS_WITHIN
    while not until():
        assert time.monotonic() < give_up
        time.sleep(0.05)


@pytest.fixture
def own(settings: Settings, new_database: Callable[[], str]) -> Settings:
    return settings.model_copy(update={"database_url": new_database()})


@contextmanager
def a_service(own: Settings, *options: str) -> Iterator[tuple[subprocess.Popen[bytes], str, str]]:
    """`spil serve` as a process of its own: where it answers requests, and where it tells its figures."""
    port, figures = a_free_port(), a_free_port()
    given = {name: getattr(own, name) for name in ("signing_key", "data_keys", "pseudonym_key")}
    environment = {f"SPIL_{name.upper()}": value.get_secret_value() for name, value in given.items()}
    environment |= {"SPIL_DATABASE_URL": str(own.database_url), "SPIL_METRICS_PORT": str(figures)}
    environment |= {"SPIL_BASE_URL": own.base_url}
    process = subprocess.Popen([SPIL, "serve", "--port", str(port), *options], env=os.environ | environment)
    try:
        _wait(lambda: _status(f"http://127.0.0.1:{port}/health/ready") == 200)
        yield process, f"http://127.0.0.1:{port}", f"http://127.0.0.1:{figures}/metrics"
    finally:
        process.terminate()
        try:
            process.wait(STOPS_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answered(figures: str, route: str) -> int:
    """How many requests to a route were answered, as the figures say."""
    counts = re.findall(
        rf'^spil_requests_total{{.*route="{route}".*}} ([0-9.]+)$', httpx.get(figures).text, re.MULTILINE
    )
    return int(sum(map(float, counts)))


def _status(url: str) -> int:
    try:
        return httpx.get(url, timeout=5).status_code
    except httpx.TransportError:
        return 0


def test_what_has_begun_is_finished_and_who_listens_hears_the_end(own: Settings) -> None:
    with a_service(own) as (process, url, figures), httpx.Client(base_url=url, timeout=60) as client:
        assert _answered(figures, "/health/ready")
        world = World(create_app(own), client)
        family, registrar, answers = world.a_family(), world.as_(world.registrar), []
        change = {"json": {"name": "Anders"}, "headers": {"If-Match": "*"}}
        slow = threading.Thread(
            target=lambda: answers.append(registrar.call("PATCH", f"/families/{family.id}", **change))
        )
        with psycopg.connect(str(own.database_url)) as holder:
            holder.execute("SELECT FROM family WHERE id = %s FOR UPDATE", [family.id])
            slow.start()
            with psycopg.connect(str(own.database_url), autocommit=True) as looker:
                _wait(lambda: looker.execute(BLOCKED).fetchone()[0])  # type: ignore[index]
            bearer = {"Authorization": f"Bearer {registrar.token}"}
            with client.stream("GET", "/v1/events/_stream", headers=bearer) as stream:
                lines = stream.iter_lines()
                next(lines)
                process.send_signal(signal.SIGTERM)
                assert "data:" not in "".join(lines), "Who listens hears it end, as a whole answer does."
            _wait(lambda: _status(f"{url}/health/ready") != 200)
            assert process.poll() is None, "It stays for what it has begun."
        slow.join()
        assert [answer.status_code for answer in answers] == [200]
        assert process.wait(STOPS_WITHIN) == 0
        assert len(world.told(family, "family.changed")) == 1
        world.close()


def test_the_figures_of_all_processes_are_added_up(own: Settings) -> None:
    with a_service(own, "--workers", "2") as (process, url, figures):
        for _ in range(40):
            assert _status(f"{url}/v1/openapi.json") == 200
        _wait(lambda: _answered(figures, "/v1/openapi.json") >= 40)
        assert _answered(figures, "/v1/openapi.json") == 40
        process.terminate()
        assert process.wait(STOPS_WITHIN) == 0


def test_readiness_ends_before_the_service_does(settings: Settings) -> None:
    app: FastAPI = create_app(settings)
    with serving(app) as url, httpx.Client(base_url=url, timeout=30) as client:
        assert client.get("/health/ready").status_code == 200
        app.state.stopping = True
        is_problem(client.get("/health/ready"), 503)
        assert client.get("/health/live").status_code == 200
        assert client.get("/v1/openapi.json").status_code == 200, "What still comes is still answered."


def test_a_job_finishes_its_step_and_takes_no_next_one() -> None:
    done: list[str] = []

    async def scene() -> None:
        begun, stopping, may_end = asyncio.Event(), asyncio.Event(), asyncio.Event()

        async def step(*_: object) -> int:
            done.append("begun")
            begun.set()
            await may_end.wait()
            done.append("finished")
            return 1

        job: Callable[..., Awaitable[int]] = step
        running = asyncio.create_task(
            worker._again_and_again(worker.Job("test", 3600, job), None, None, stopping)  # type: ignore[arg-type]
        )
        await begun.wait()
        stopping.set()
        assert not running.done()
        may_end.set()
        await running

    asyncio.run(scene())
    assert done == ["begun", "finished"]


def test_a_worker_that_waits_for_its_next_look_stops_at_once() -> None:
    async def scene() -> None:
        looked, stopping = asyncio.Event(), asyncio.Event()

        async def nothing(*_: object) -> int:
            looked.set()
            return 0

        job = worker.Job("test", 3600, nothing)
        running = asyncio.create_task(worker._again_and_again(job, None, None, stopping))  # type: ignore[arg-type]
        await looked.wait()
        stopping.set()
        await running

    asyncio.run(scene())
