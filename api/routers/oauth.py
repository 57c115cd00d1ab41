"""Tokens for agencies' systems: OAuth 2.0 client credentials with a signed assertion (RFC 6749, RFC 7523)."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import JSONResponse
from pydantic import ConfigDict

from api.auth import clients
from api.auth.issuing import TOKEN_LIFE
from api.shapes import Out

router = APIRouter(prefix="/oauth", tags=["Tokens"])


class AccessToken(Out):
    """An access token. The names are those of RFC 6749."""

    access_token: str
    token_type: str
    expires_in: int

    model_config = ConfigDict(alias_generator=None)


@router.post("/token", response_model=AccessToken, name="get_token")
async def get_token(
    request: Request,
    grant_type: Annotated[str, Form(max_length=40, examples=["client_credentials"])],
    client_assertion_type: Annotated[str, Form(max_length=80, examples=[clients.ASSERTION_TYPE])],
    client_assertion: Annotated[str, Form(max_length=4000, description="A JWT signed with the client's key.")],
) -> Response:
    """Get an access token for an agency's system, valid for 15 minutes.

    The assertion is a JWT: `iss` and `sub` are the client id, `aud` this endpoint, `jti` used once, and between `iat`
    and `exp` at most five minutes; signed with RS256 or ES256 by a key registered for the client.
    """
    clients.check_grant(grant_type, client_assertion_type)
    state = request.app.state
    actor = await state.database.run(clients.authenticate, client_assertion, state.settings.token_endpoint)
    return JSONResponse(
        {"access_token": state.own_issuer.token(actor), "token_type": "Bearer", "expires_in": TOKEN_LIFE}
    )


@router.get("/jwks", name="get_jwks")
async def get_jwks(request: Request) -> dict[str, object]:
    """The public keys of Spil's own issuer."""
    keys: dict[str, object] = request.app.state.own_issuer.jwks
    return keys
