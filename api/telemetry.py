"""Traces (OpenTelemetry) of requests and of what the database did for them; off unless an exporter is configured.

A span says what is set here and nothing more: the route as it was declared, the method, the status, the kind of error.
FastAPI's own spans would have paths and queries, so they are off: those hold ids.
"""

import os
import re
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    Tracer,
    set_span_in_context,
)

from api.metrics import METHODS, route_of

ENDPOINT = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
PLAIN: dict[str, Any] = {"record_exception": False, "set_status_on_exception": False}
"""The text of an exception can hold what somebody sent."""
CURRENT: ContextVar[Tracer | None] = ContextVar("tracer", default=None)


def configured() -> TracerProvider | None:
    """What exports traces to where the environment says, if it does."""
    if not any(os.environ.get(name) for name in ENDPOINT):
        return None
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return exporting_to(OTLPSpanExporter())


def exporting_to(exporter: SpanExporter) -> TracerProvider:
    provider = TracerProvider(resource=Resource({"service.name": "spil"}), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


def parent_of(traceparent: re.Match[bytes] | None) -> Context | None:
    """The caller's span, as the context of ours. An id of digits alone isn't taken over: it could be a number."""
    trace_id, span_id, flags = (part.decode() for part in traceparent.groups()) if traceparent else ("", "0", "")
    if span_id.isdigit():
        return None
    given = SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=TraceFlags(int(flags, 16)))
    return set_span_in_context(NonRecordingSpan(given), Context())


@contextmanager
def request(tracer: Tracer, scope: MutableMapping[str, Any], parent: Context | None) -> Iterator[Span]:
    """The span of one request."""
    method = scope["method"] if scope["method"] in METHODS else "other"
    token = CURRENT.set(tracer)
    try:
        with tracer.start_as_current_span(method, parent or Context(), SpanKind.SERVER, **PLAIN) as span:
            span.set_attribute("http.request.method", method)
            yield span
    finally:
        CURRENT.reset(token)


def trace_id_of(span: Span) -> str:
    return f"{span.get_span_context().trace_id:032x}"


def answered(span: Span, scope: MutableMapping[str, Any], status: int, failure: str | None) -> None:
    """Say what became of it."""
    route = route_of(scope)
    span.update_name(f"{scope['method'] if scope['method'] in METHODS else 'other'} {route}")
    span.set_attribute("http.route", route)
    if status:
        span.set_attribute("http.response.status_code", status)
    if failure or status >= 500:
        span.set_attribute("error.type", failure or str(status))
        span.set_status(Status(StatusCode.ERROR))


@contextmanager
def step(name: str) -> Iterator[None]:
    """A span of something that is done for the request at hand, if that is traced."""
    tracer = CURRENT.get()
    if tracer is None:
        yield
        return
    with tracer.start_as_current_span(name, kind=SpanKind.CLIENT, **PLAIN):
        yield
