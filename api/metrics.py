"""What the service measures of itself, for Prometheus. Labels are routes and codes: never an id, a name or a path.

It is served on a port of its own, that only who watches the service can reach. Where several processes answer requests,
each writes its figures into a folder that they share (`PROMETHEUS_MULTIPROC_DIR`), and one of them adds those up.
"""

import os
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from time import perf_counter
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server
from prometheus_client.multiprocess import MultiProcessCollector

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}
PREFIXES = {"v1", "fhir"}
SHARED = "PROMETHEUS_MULTIPROC_DIR"
QUICK = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)

REQUESTS = Counter("spil_requests", "Requests that were answered.", ["method", "route", "status"])
SECONDS = Histogram("spil_request_seconds", "How long answering took.", ["method", "route"], buckets=QUICK)
RUNNING = Gauge("spil_requests_running", "Requests that are being answered.", multiprocess_mode="livesum")
HELD = Gauge("spil_connections_held", "Database connections in use.", ["kind"], multiprocess_mode="livesum")
ROOM = Gauge("spil_connections", "Database connections there can be.", ["kind"], multiprocess_mode="livesum")
JOB_SECONDS = Histogram("spil_job_seconds", "How long one step of a job of the worker took.", ["job"])
JOB_FAILURES = Counter("spil_job_failures", "Steps of a job that failed, and are tried again.", ["job"])
WAITING = Gauge("spil_waiting", "What waits for the worker.", ["what"], multiprocess_mode="mostrecent")
OLDEST = Gauge("spil_waiting_seconds", "How long the oldest waits.", ["what"], multiprocess_mode="mostrecent")


def serve(host: str, port: int) -> None:
    """Answer Prometheus at this address, in a thread of its own."""
    if folder := os.environ.get(SHARED):
        registry = CollectorRegistry()
        MultiProcessCollector(registry, folder)  # type: ignore[no-untyped-call]
        start_http_server(port, host, registry)
    else:
        start_http_server(port, host)


def route_of(scope: MutableMapping[str, Any]) -> str:
    """The route that answers, as it was declared: with the names of its ids."""
    route = getattr(scope.get("route"), "path", None)
    if not isinstance(route, str):
        return "none"
    first = str(scope["path"]).split("/", 2)[1]
    return f"/{first}{route}" if first in PREFIXES and not route.startswith(f"/{first}/") else route


class Request:
    """One request, while it is answered."""

    def __init__(self, scope: MutableMapping[str, Any], *, head: bool) -> None:
        self._scope, self._since = scope, perf_counter()
        self._method = "HEAD" if head else scope["method"] if scope["method"] in METHODS else "other"
        RUNNING.inc()

    def answered(self, status: int) -> None:
        """It was answered; 0: nobody was there any more to hear it."""
        RUNNING.dec()
        route, spent = route_of(self._scope), perf_counter() - self._since
        REQUESTS.labels(self._method, route, f"{status // 100}xx" if status else "gone").inc()
        SECONDS.labels(self._method, route).observe(spent)


@asynccontextmanager
async def held(kind: str) -> AsyncIterator[None]:
    """A database connection is in use."""
    gauge = HELD.labels(kind)
    gauge.inc()
    try:
        yield
    finally:
        gauge.dec()
