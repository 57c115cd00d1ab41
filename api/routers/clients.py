"""Clients: agencies' systems that may ask for tokens at `/oauth/token`. For the platform administrator."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Path, Query
from pydantic import Field, StringConstraints

from api.auth.calls import Call
from api.auth.clients import check_keys
from api.auth.guards import Routes
from api.auth.policy import Permission
from api.domain import clients
from api.domain.models import Client
from api.paging import Cursor, Limit, Page, decode, page
from api.shapes import Body, CleanText, Id, Out

routes = Routes("Clients")

ClientId = Annotated[Id, Path(alias="clientId")]
Number = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,1400}$"), Field(description="In base64url.")]


class PublicKey(Body):
    """A public key (RFC 7517). Anything private in it is refused: make a new key then, this one is no longer secret."""

    kty: Literal["RSA", "EC"]
    kid: CleanText = Field(description="Its name, which the header of an assertion gives.")
    use: Literal["sig"] | None = None
    alg: Literal["RS256", "ES256"] | None = None
    n: Number | None = None
    e: Number | None = None
    crv: Literal["P-256"] | None = None
    x: Number | None = None
    y: Number | None = None


class PublicKeys(Body):
    """A set of public keys, two while one succeeds the other."""

    keys: Annotated[list[PublicKey], Field(min_length=1, max_length=5)]


class ClientRegistration(Body):
    """An agency's system, and the public keys it signs its assertions with."""

    agency_id: Id
    name: CleanText
    jwks: PublicKeys


class ClientOut(Out):
    """An agency's system. `id` is its `client_id`, the `iss` and `sub` of its assertions."""

    id: UUID
    agency_id: UUID
    name: str
    key_ids: list[str]
    active: bool


def _out(client: Client) -> ClientOut:
    return ClientOut.of(client, id=UUID(client.id), key_ids=[key["kid"] for key in client.jwks["keys"]])


@routes.get("/clients", Permission.CLIENT_REGISTER)
def list_clients(
    call: Call,
    agency_id: Annotated[Id | None, Query(alias="agencyId")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[ClientOut]:
    """List the systems that may ask for tokens, inactive ones too."""
    after = decode(cursor, UUID)
    found = clients.known(call.work, agency_id, str(after[0]) if after else None, limit)
    return page([_out(client) for client in found], limit, ClientOut, lambda client: (client.id,))


@routes.post("/clients", Permission.CLIENT_REGISTER, status=201, location="/clients/{id}")
def register_client(call: Call, body: ClientRegistration) -> ClientOut:
    """Register a system of an agency, with its public keys. It gets an id, and then asks for tokens itself."""
    jwks = body.jwks.model_dump(exclude_none=True)
    check_keys(jwks)
    return _out(clients.register(call.work, body.agency_id, body.name, jwks))


@routes.get("/clients/{clientId}", Permission.CLIENT_REGISTER)
def get_client(call: Call, client_id: ClientId) -> ClientOut:
    """Get a client."""
    return _out(clients.get(call.work, str(client_id)))


@routes.post("/clients/{clientId}/_deactivate", Permission.CLIENT_REGISTER)
def deactivate_client(call: Call, client_id: ClientId) -> ClientOut:
    """Give this client no more tokens. Those it has are valid for 15 minutes at most."""
    return _out(clients.deactivate(call.work, clients.get(call.work, str(client_id))))
