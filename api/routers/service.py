"""The service itself: its description and its health."""

import json

from fastapi import APIRouter, FastAPI, Request, Response

from api.auth.requests import StrictRoute
from api.problems import WireError

router = APIRouter(route_class=StrictRoute)

OPEN_TO_ALL = {"Access-Control-Allow-Origin": "*"}


@router.get("/v1/openapi.json", include_in_schema=False)
async def get_openapi(request: Request) -> Response:
    """The OpenAPI description, for anyone."""
    return Response(_described(request.app), 200, OPEN_TO_ALL, "application/json")


def _described(app: FastAPI) -> bytes:
    """The description as it is sent, made once."""
    if not hasattr(app.state, "described"):
        app.state.described = json.dumps(app.openapi()).encode()
    described: bytes = app.state.described
    return described


@router.get("/health/live", include_in_schema=False)
async def is_live() -> dict[str, str]:
    """Whether the process answers."""
    return {"status": "live"}


@router.get("/health/ready", include_in_schema=False)
async def is_ready(request: Request) -> dict[str, str]:
    """Whether the database answers too, and the service isn't about to stop."""
    if request.app.state.stopping:
        raise WireError(503, "unavailable", "The service stops here. Try again.", {"Retry-After": "5"})
    await request.app.state.database.document("SELECT 1", {})
    return {"status": "ready"}
