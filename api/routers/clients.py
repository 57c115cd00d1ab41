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
    acts_for_professionals: bool = Field(
        default=False, description="Whether it may ask for tokens on behalf of its agency's professionals."
    )


class KeyAddition(Body):
    """One more public key."""

    key: PublicKey


class KeyRemoval(Body):
    """Which key is trusted no more."""

    kid: CleanText


class ClientOut(Out):
    """An agency's system. `id` is its `client_id`, the `iss` and `sub` of its assertions."""

    id: UUID
    agency_id: UUID
    name: str
    key_ids: list[str]
    active: bool
    acts_for_professionals: bool


def _out(client: Client) -> ClientOut:
    return ClientOut.of(client, id=UUID(client.id), key_ids=clients.key_ids(client))


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
    client = clients.register(
        call.work, body.agency_id, body.name, jwks, acts_for_professionals=body.acts_for_professionals
    )
    return _out(client)


@routes.get("/clients/{clientId}", Permission.CLIENT_REGISTER)
def get_client(call: Call, client_id: ClientId) -> ClientOut:
    """Get a client."""
    return _out(clients.get(call.work, str(client_id)))


@routes.post("/clients/{clientId}/keys/_add", Permission.CLIENT_REGISTER)
def add_client_key(call: Call, client_id: ClientId, body: KeyAddition) -> ClientOut:
    """Let a client sign with one more public key, beside those it has.

    That is how keys change without a gap: add the new one, let the system sign with it, then remove the old one. A
    client has five keys at most; a `kid` that it has or had is refused with 409 `key_in_use`.
    """
    key = body.key.model_dump(exclude_none=True)
    check_keys({"keys": [key]}, "key")
    return _out(clients.add_key(call.work, clients.to_change(call.work, str(client_id)), key))


@routes.post("/clients/{clientId}/keys/_remove", Permission.CLIENT_REGISTER)
def remove_client_key(call: Call, client_id: ClientId, body: KeyRemoval) -> ClientOut:
    """Trust a client's key no more.

    Within five seconds that holds everywhere, for the tokens too that were asked for with this key. The last key may go
    as well: then the client gets no tokens until a key is added.
    """
    return _out(clients.remove_key(call.work, clients.to_change(call.work, str(client_id)), body.kid))


@routes.post("/clients/{clientId}/_deactivate", Permission.CLIENT_REGISTER)
def deactivate_client(call: Call, client_id: ClientId) -> ClientOut:
    """Trust this client no more: within five seconds it gets no tokens anywhere, and those it has are refused."""
    return _out(clients.deactivate(call.work, clients.to_change(call.work, str(client_id))))
