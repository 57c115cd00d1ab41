"""Tokens for agencies' systems: OAuth 2.0 client credentials with a signed assertion (RFC 6749, RFC 7523)."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from api import openapi
from api.auth import clients
from api.auth.issuers import SCOPES
from api.auth.issuing import TOKEN_LIFE
from api.auth.proofs import count_address
from api.auth.requests import StrictRoute
from api.shapes import Id
from api.trust import ALGORITHMS

router = APIRouter(prefix="/oauth", tags=["Tokens"], route_class=StrictRoute)
metadata = APIRouter(route_class=StrictRoute)


def _never_null(schema: dict[str, Any]) -> None:
    """A field of a form can be left out, but there is no null in a form."""
    [kind] = [kind for kind in schema.pop("anyOf") if kind != {"type": "null"}]
    del schema["default"]
    schema.update(kind)


class TokenRequest(BaseModel):
    """Asks for an access token. The names are those of RFC 6749 and RFC 7523; others are ignored, as they say."""

    grant_type: str = Field(max_length=40, json_schema_extra={"enum": ["client_credentials"]})
    client_assertion_type: str = Field(max_length=80, json_schema_extra={"enum": [clients.ASSERTION_TYPE]})
    client_assertion: str = Field(min_length=1, max_length=9300, description="A JWT signed with a key of the client.")
    scope: str | None = Field(
        default=None,
        max_length=4000,
        description="The permissions to narrow the token to, with a space between. Without it: all of the role.",
        json_schema_extra=_never_null,
    )
    on_behalf_of: Id | None = Field(
        default=None,
        description="The professional of the client's agency for whom it acts. It must be registered as doing so.",
        json_schema_extra=_never_null,
    )


class AccessToken(BaseModel):
    """An access token. The names are those of RFC 6749."""

    access_token: str
    token_type: str = Field(description="Always `Bearer`.")
    expires_in: int = Field(description="Seconds.")
    scope: str | None = Field(default=None, description="What it is narrowed to. Absent: nothing was asked.")


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
    **openapi.declared("get_token", problems=[400, 401, 406, 413, 415, 429, 500, 503]),
)
async def get_token(request: Request, asked: Annotated[TokenRequest, Form()]) -> Response:
    """Get an access token for an agency's system, valid for 15 minutes.

    The assertion is a JWT: `iss` and `sub` are the client id, `aud` this endpoint or Spil's issuer, `jti` used once,
    and between `iat` and `exp` at most five minutes; signed with RS256 or ES256 by a key registered for the client.
    With `on_behalf_of` the token is that professional's, and names the client in `act`; the record of what is done
    with it names both.
    """
    count_address(request)
    clients.check_grant(asked.grant_type, asked.client_assertion_type)
    state = request.app.state
    wish = clients.Wish(asked.client_assertion, asked.scope, asked.on_behalf_of)
    audiences = (state.settings.token_endpoint, state.settings.issuer)
    actor, asker = await state.database.run(clients.grant, wish, audiences)
    token = {"access_token": state.own_issuer.token(actor, asker=asker), "token_type": "Bearer"}
    narrowed = {} if asker.scopes is None else {"scope": " ".join(sorted(asker.scopes))}
    return JSONResponse(token | {"expires_in": TOKEN_LIFE} | narrowed)


@router.get("/jwks", response_model=JsonWebKeySet, **openapi.declared("get_jwks", problems=[400, 406, 500]))
async def get_jwks(request: Request) -> Response:
    """The public keys of Spil's own issuer."""
    return JSONResponse(request.app.state.own_issuer.jwks)


@metadata.get("/.well-known/oauth-authorization-server", include_in_schema=False)
@metadata.get("/.well-known/oauth-authorization-server/oauth", include_in_schema=False, name="get_metadata_by_issuer")
async def get_metadata(request: Request) -> Response:
    """What Spil's own issuer does (RFC 8414). The second address is where the standard wants it."""
    settings = request.app.state.settings
    return JSONResponse(
        {
            "issuer": settings.issuer,
            "token_endpoint": settings.token_endpoint,
            "jwks_uri": f"{settings.issuer}/jwks",
            "scopes_supported": sorted(SCOPES),
            "response_types_supported": [],
            "grant_types_supported": ["client_credentials"],
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        }
    )
