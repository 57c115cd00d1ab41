"""The layer around the application, on an application of the test's own."""

import logging
from collections.abc import Iterator

import httpx
import pytest
from fastapi import FastAPI, Request
from sqlalchemy.exc import OperationalError

from api import problems
from api.wire import MAX_BODY, Wire
from tests.conftest import serving
from tests.wire.answers import CANARY_NAME, CANARY_NUMBER, has_every_header, is_problem


@pytest.fixture(scope="module")
def broken() -> Iterator[httpx.Client]:
    """A service that fails in several ways."""
    app = FastAPI(openapi_url=None)
    problems.install(app)
    app.add_middleware(Wire)

    @app.get("/raises")
    async def raises() -> None:
        raise RuntimeError(f"{CANARY_NAME} has BSN {CANARY_NUMBER}")

    @app.get("/database")
    async def database() -> None:
        raise OperationalError(f"SELECT '{CANARY_NAME}'", {"bsn": CANARY_NUMBER}, Exception(CANARY_NAME))

    @app.post("/reads")
    async def reads(request: Request) -> dict[str, int]:
        return {"read": len(await request.body())}

    with serving(app) as base_url, httpx.Client(base_url=base_url) as client:
        yield client


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("path", ["/raises", "/database"])
def test_what_went_wrong_is_named_and_not_told(
    broken: httpx.Client,
    method: str,
    path: str,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG, logger="uvicorn")
    answer = broken.request(method, path)
    written = "".join(capfd.readouterr()) + caplog.text
    assert answer.status_code == 500
    has_every_header(answer)
    if method == "GET":
        is_problem(answer, 500)
        assert answer.json()["code"] == "unexpected"
        assert answer.json()["instance"].removeprefix("urn:trace:") in written
    assert "test_wire.py" in written, "The log says where."
    assert CANARY_NAME not in written
    assert CANARY_NUMBER not in written


@pytest.mark.parametrize(("size", "status"), [(MAX_BODY, 200), (MAX_BODY + 1, 413)])
@pytest.mark.parametrize("declared", [True, False])
def test_a_body_has_a_limit_declared_or_not(broken: httpx.Client, size: int, status: int, declared: bool) -> None:
    content = b"x" * size
    parts = (content[at : at + 50_000] for at in range(0, size, 50_000))
    answer = broken.post("/reads", content=content if declared else parts)
    if status == 413:
        is_problem(answer, 413)
    else:
        assert answer.json() == {"read": size}


def test_a_trace_is_carried_on(broken: httpx.Client) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    answer = broken.get("/nothing", headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"})
    assert answer.json()["instance"] == f"urn:trace:{trace}"
    first, second = (broken.get("/nothing").json()["instance"] for _ in range(2))
    assert first != second
