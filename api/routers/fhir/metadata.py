"""The CapabilityStatement, for anyone: it says what can be asked, not what there is."""

import json

from fastapi import APIRouter, Request, Response

from api.fhir.capabilities import statement
from api.routers.fhir.searches import base_of
from api.routers.fhir.wire import FHIR_JSON, must_want_fhir
from api.wire import API_VERSION

router = APIRouter(include_in_schema=False)


@router.get("/metadata")
async def get_capability_statement(request: Request) -> Response:
    """What this service can do in FHIR."""
    must_want_fhir(request)
    whole = statement(base_of(request), request.app.state.settings.token_endpoint, API_VERSION)
    return Response(json.dumps(whole), 200, {"Access-Control-Allow-Origin": "*"}, FHIR_JSON)
