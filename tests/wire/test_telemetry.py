"""What is measured and traced names routes, never what is at them."""

import json
import re
from collections.abc import Iterator

import httpx
import pytest
from fastapi import FastAPI
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import REGISTRY, generate_latest

from api import telemetry
from api.main import create_app
from api.settings import Settings
from tests.conftest import serving
from tests.world import World, a_bsn

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
ATTRIBUTES = {"http.request.method", "http.route", "http.response.status_code", "error.type"}
UUID = re.compile("[0-9a-f]{8}-[0-9a-f]{4}")


@pytest.fixture(scope="module")
def spans() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture(scope="module")
def app(settings: Settings, spans: InMemorySpanExporter) -> FastAPI:
    app, provider = create_app(settings), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    app.state.tracer = provider.get_tracer("test")

    @app.get("/v1/fails/{name}")
    async def fail(name: str) -> None:
        raise RuntimeError(f"Kanarievogel {name}")

    return app


@pytest.fixture(scope="module")
def world(app: FastAPI) -> Iterator[World]:
    with serving(app) as base_url, httpx.Client(base_url=base_url, timeout=30) as client:
        world = World(app, client)
        yield world
        world.close()


def _ask_for_everything(world: World) -> list[str]:
    """Reads, changes, refusals and a failure; gives all that may not be told."""
    registrar, bsn = world.as_(world.registrar), a_bsn()
    person = {"givenName": "Kanarievogel", "surname": "Voorbeeld", "bsn": bsn}
    members = [{"role": "parent", "person": person}]
    opened = registrar.post(
        "/families", {"name": "Kanarievogel", "framework": "voluntary", "members": members}, headers={"User-Agent": bsn}
    )
    assert opened.status_code == 201, opened.text
    family_id = opened.json()["id"]
    assert registrar.get(f"/families/{family_id}/who-is-involved").status_code == 200
    assert registrar.post("/persons/_search", {"bsn": bsn}).status_code == 200
    assert registrar.get(f"/families/{family_id}?name=Kanarievogel").status_code == 400
    assert registrar.get(f"/nowhere/{bsn}").status_code == 404
    assert registrar.get(f"/fails/{bsn}").status_code == 500
    assert world.client.request("PROPFIND", f"/v1/{bsn}").status_code == 404
    return [bsn, "anarievogel", "KANARIEVOGEL", family_id, str(world.municipality.code) + '"', "registrar"]


def test_no_span_says_whom_it_is_about(world: World, spans: InMemorySpanExporter) -> None:
    spans.clear()
    secrets = _ask_for_everything(world)
    finished = spans.get_finished_spans()
    told = " ".join(span.to_json() for span in finished)
    assert not [one for one in secrets if one in told]
    assert not UUID.search(json.dumps([dict(span.attributes or {}) for span in finished], default=str))
    for span in finished:
        assert set(span.attributes or {}) <= ATTRIBUTES
        assert not span.events
        assert not span.status.description
    names = {span.name for span in finished}
    assert {"POST /v1/families", "GET /v1/families/{familyId}/who-is-involved", "document", "transaction"} <= names
    assert {"GET none", "other none"} <= names
    [failed] = [span for span in finished if "error.type" in (span.attributes or {})]
    assert dict(failed.attributes or {})["error.type"] == "RuntimeError"


def test_a_trace_goes_on_where_the_caller_left_it(world: World, spans: InMemorySpanExporter) -> None:
    spans.clear()
    answer = world.as_(world.registrar).get("/families/x", headers={"traceparent": PARENT})
    assert answer.json()["instance"] == "urn:trace:4bf92f3577b34da6a3ce929d0e0e4736"
    [span] = [one for one in spans.get_finished_spans() if one.kind.name == "SERVER"]
    assert f"{span.context.trace_id:032x}" == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert span.parent is not None
    assert f"{span.parent.span_id:016x}" == "00f067aa0ba902b7"


@pytest.mark.parametrize(
    "given",
    [
        "00-00000000000000000000000999990019-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000999990019-01",
        "999990019",
    ],
)
def test_a_number_is_no_trace(given: str, world: World, spans: InMemorySpanExporter) -> None:
    spans.clear()
    instance = world.as_(world.registrar).get("/families/x", headers={"traceparent": given}).json()["instance"]
    told = " ".join(one.to_json() for one in spans.get_finished_spans())
    assert "999990019" not in instance + told
    assert instance.removeprefix("urn:trace:") in told


def test_no_figure_says_whom_it_is_about(world: World) -> None:
    secrets = _ask_for_everything(world)
    figures = generate_latest(REGISTRY).decode()
    ours = "\n".join(line for line in figures.splitlines() if line.startswith("spil_"))
    assert not [one for one in secrets if one in ours]
    assert not UUID.search(ours)
    route = "/v1/families/{familyId}/who-is-involved"
    assert f'spil_requests_total{{method="GET",route="{route}",status="2xx"}}' in ours
    assert f'spil_request_seconds_count{{method="GET",route="{route}"}}' in ours
    assert 'spil_requests_total{method="other",route="none",status="4xx"}' in ours
    assert 'spil_connections{kind="documents"}' in ours
    assert 'spil_connections_held{kind="changes"}' in ours


def test_nothing_is_measured_in_public(world: World) -> None:
    assert world.client.get("/metrics").status_code == 404
    assert world.client.get("/v1/metrics").status_code == 404


def test_traces_are_off_unless_there_is_somewhere_to_send_them(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in telemetry.ENDPOINT:
        monkeypatch.delenv(name, raising=False)
    assert telemetry.configured() is None
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    provider = telemetry.configured()
    assert provider is not None
    provider.shutdown()
