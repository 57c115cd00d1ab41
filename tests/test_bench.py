"""What the benchmark asks can be asked, over HTTP and of PostgreSQL itself: it measures answers, not refusals."""

import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from urllib.parse import urlsplit

import pytest

from api.cli.seed import seed
from api.domain.vault import Vault
from api.main import create_app
from bench.__main__ import pgbench
from bench.cases import MEASURED, Case, Cases
from bench.serving import settings_for
from tests.conftest import serving

TIMES = 3


@pytest.fixture(scope="module")
def measured(new_database: Callable[[], str]) -> Iterator[tuple[list[Case], str, str]]:
    """The cases on a small municipality, where it is served, and its database."""
    database = new_database()
    seed(database, 100, Vault({1: b"k" * 32}, {1: b"k" * 32}))
    settings = settings_for(database)
    with closing(Cases(database, settings)) as cases, serving(create_app(settings)) as url:
        yield [get_case(cases) for get_case in MEASURED], url, database


def test_each_request_is_answered(measured: tuple[list[Case], str, str]) -> None:
    cases, url, _ = measured
    for case in cases:
        for request in case.requests[:TIMES]:
            assert answer(url, request).startswith((b"HTTP/1.1 200", b"HTTP/1.1 201")), case.name


def answer(url: str, request: bytes) -> bytes:
    at = urlsplit(url)
    with socket.create_connection((at.hostname, at.port), timeout=30) as connection:
        connection.sendall(request.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_postgresql_carries_out_the_same(measured: tuple[list[Case], str, str]) -> None:
    cases, _, database = measured
    for case in cases:
        assert f"actually processed: {TIMES}/{TIMES}" in pgbench(case.script or "", database, "-t", str(TIMES)), (
            case.name
        )
