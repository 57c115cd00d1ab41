"""Spil: who is involved with a family, who leads, and whom to call for what.

`create_app` puts the service together; each capability has its routes in `api/routers`.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig

from api import openapi, problems, telemetry
from api.auth.issuing import OwnIssuer
from api.auth.proofs import Authenticator
from api.auth.revocations import Revocations
from api.db import Database
from api.domain.vault import Vault
from api.leaving import noticed
from api.limits import Limits
from api.routers import (
    access,
    agencies,
    caseload,
    caseload_synchronisations,
    clients,
    consents,
    contact_points,
    disclosure_holds,
    disclosures,
    duplicates,
    emergencies,
    events,
    families,
    family_exports,
    fhir,
    handovers,
    help_domains,
    involvement_exports,
    involvements,
    legal_grounds,
    mandates,
    matches,
    measures,
    members,
    municipalities,
    oauth,
    own_log,
    pages,
    persons,
    professionals,
    registrations,
    service,
    subscriptions,
    timeline,
    who_is_involved,
)
from api.routers.fhir.wire import Outcomes
from api.settings import Settings, problems_of
from api.wire import API_VERSION, Wire

CAPABILITIES = (
    who_is_involved,
    caseload,
    timeline,
    events,
    subscriptions,
    families,
    family_exports,
    members,
    persons,
    involvements,
    involvement_exports,
    registrations,
    caseload_synchronisations,
    matches,
    consents,
    measures,
    mandates,
    contact_points,
    agencies,
    professionals,
    handovers,
    clients,
    municipalities,
    help_domains,
    legal_grounds,
    disclosures,
    own_log,
    disclosure_holds,
    emergencies,
    duplicates,
    access,
)


SILENT: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}
"""What FastAPI would export by itself has paths in it (`api/telemetry.py`)."""


class UnsafeSettings(RuntimeError):
    """The configuration can't be run on."""


def create_app(settings: Settings | None = None) -> FastAPI:
    """The service, for these settings or those of the environment; `UnsafeSettings` where they are unsafe."""
    settings = settings or Settings()
    if found := problems_of(settings):
        raise UnsafeSettings("\n".join(found))
    if settings.database_url is None or settings.signing_key is None:
        raise UnsafeSettings("SPIL_DATABASE_URL must name a PostgreSQL database. `spil demo` starts one for you.")
    database = Database(settings.database_url, settings.connections)

    @asynccontextmanager
    async def running(_: FastAPI) -> AsyncIterator[None]:
        await database.open()
        with noticed(app.state, settings.pause):
            yield
        await database.close()
        if tracing:
            tracing.shutdown()

    app = FastAPI(
        lifespan=running, openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False, telemetry=SILENT
    )
    app.state.settings = settings
    app.state.database = database
    tracing = telemetry.configured()
    app.state.tracer = tracing.get_tracer("spil", API_VERSION) if tracing else None
    app.state.limits = Limits(settings.rate_limit, settings.address_rate_limit)
    app.state.stopping = False
    app.state.vault = Vault(settings.vault_keys, settings.vault_pseudonym_keys)
    app.state.own_issuer = OwnIssuer(settings.signing_key.get_secret_value(), settings.issuer, settings.audience)
    app.state.authenticator = Authenticator(settings, app.state.own_issuer.as_trusted, Revocations(database))
    for capability in CAPABILITIES:
        capability.routes.must_be_conditional()
        app.include_router(capability.routes.router, prefix="/v1")
    app.include_router(oauth.router)
    app.include_router(oauth.metadata)
    app.include_router(service.router)
    app.include_router(fhir.router)
    app.include_router(pages.router)
    problems.install(app)
    app.add_middleware(Wire)
    app.add_middleware(Outcomes)
    openapi.install(app)
    return app
