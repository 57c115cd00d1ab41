"""Tokens for agencies' systems: OAuth 2.0 client credentials with a signed assertion (RFC 6749, RFC 7523)."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from api import openapi
from api.auth import clients
from api.auth.issuing import TOKEN_LIFE
from api.auth.requests import StrictRoute

router = APIRouter(prefix="/oauth", tags=["Tokens"], route_class=StrictRoute)


class TokenRequest(BaseModel):
    """Asks for an access token. The names are those of RFC 6749 and RFC 7523; others are ignored, as they say."""

    grant_type: str = Field(max_length=40, json_schema_extra={"enum": ["client_credentials"]})
    client_assertion_type: str = Field(max_length=80, json_schema_extra={"enum": [clients.ASSERTION_TYPE]})
    client_assertion: str = Field(min_length=1, max_length=9300, description="A JWT signed with a key of the client.")


class AccessToken(BaseModel):
    """An access token. The names are those of RFC 6749."""

    access_token: str
    token_type: str = Field(description="Always `Bearer`.")
    expires_in: int = Field(description="Seconds.")


class JsonWebKey(BaseModel):
    """A public key (RFC 7517)."""

    kid: str
    kty: str
    alg: str
    use: str


class JsonWebKeySet(BaseModel):
    """A set of public keys (RFC 7517)."""

    keys: list[JsonWebKey]


@router.post(
    "/token",
    response_model=AccessToken,
    **openapi.declared("get_token", problems=[400, 401, 406, 413, 415, 500, 503]),
)
async def get_token(request: Request, asked: Annotated[TokenRequest, Form()]) -> Response:
    """Get an access token for an agency's system, valid for 15 minutes.

    The assertion is a JWT: `iss` and `sub` are the client id, `aud` this endpoint, `jti` used once, and between `iat`
    and `exp` at most five minutes; signed with RS256 or ES256 by a key registered for the client.
    """
    clients.check_grant(asked.grant_type, asked.client_assertion_type)
    state = request.app.state
    actor = await state.database.run(clients.authenticate, asked.client_assertion, state.settings.token_endpoint)
    return JSONResponse(
        {"access_token": state.own_issuer.token(actor), "token_type": "Bearer", "expires_in": TOKEN_LIFE}
    )


@router.get("/jwks", response_model=JsonWebKeySet, **openapi.declared("get_jwks", problems=[400, 406, 500]))
async def get_jwks(request: Request) -> Response:
    """The public keys of Spil's own issuer."""
    return JSONResponse(request.app.state.own_issuer.jwks)
