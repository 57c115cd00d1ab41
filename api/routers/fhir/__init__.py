"""FHIR R4 at `/fhir`: reading and searching, for care systems that speak it. Nothing is changed here.

It shows what the routes under `/v1` show, by the same permissions, relations and stages, with the same records; the
CapabilityStatement at `/fhir/metadata` describes it, the OpenAPI document does not.
"""

from fastapi import APIRouter

from api.routers.fhir import directory, families, metadata

router = APIRouter(prefix="/fhir", include_in_schema=False)
router.include_router(metadata.router)
router.include_router(families.routes.router)
router.include_router(directory.routes.router)
