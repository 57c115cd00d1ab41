"""Clients: agencies' systems that may ask for tokens. Invariant: Spil knows only their public keys.

A key that was taken away, and a client that was deactivated, never come back: what they signed or got stays refused.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

from sqlmodel import col, select

from api.domain import agencies
from api.domain.codes import EventType
from api.domain.errors import Conflict, NotFound
from api.domain.models import Client, ClientRemovedKey
from api.domain.work import Work

MISSING = "There is no such client. GET /v1/clients lists them."
MOST_KEYS = 5


def get(work: Work, client_id: str) -> Client:
    return work.get(Client, client_id, MISSING)


def to_change(work: Work, client_id: str) -> Client:
    """The client, locked, and still active: two changes of its keys take turns."""
    client = work.session.get(Client, client_id, with_for_update=True)
    if client is None:
        raise NotFound(MISSING)
    if not client.active:
        raise Conflict("This client is not active any more.")
    return client


def known(work: Work, agency_id: UUID | None, after: str | None, limit: int) -> Sequence[Client]:
    """Clients, of one agency or of all, in order of id; one more than the limit if there are."""
    found = select(Client).where(col(Client.id) > (after or "")).order_by(col(Client.id)).limit(limit + 1)
    return work.session.exec(found.where(Client.agency_id == agency_id) if agency_id else found).all()


def register(
    work: Work, agency_id: UUID, name: str, jwks: dict[str, Any], *, acts_for_professionals: bool = False
) -> Client:
    """Register a system of an agency, with the public keys it signs with. The id is given out here."""
    client = Client(
        id=str(uuid4()),
        agency_id=agencies.active(work, agency_id).id,
        name=name,
        jwks=jwks,
        acts_for_professionals=acts_for_professionals,
    )
    work.add(client)
    work.tell(EventType.CLIENT_REGISTERED, client)
    return client


def add_key(work: Work, client: Client, key: dict[str, Any]) -> Client:
    """Let a client sign with one more key, beside those it has: so one can follow the other without a gap."""
    keys = client.jwks["keys"]
    removed = work.session.get(ClientRemovedKey, (client.id, key["kid"]))
    if removed or key["kid"] in key_ids(client):
        raise Conflict("This client has, or had, a key of this name. Give a new key a new kid.", code="key_in_use")
    if len(keys) >= MOST_KEYS:
        raise Conflict(f"A client has {MOST_KEYS} keys at most. Remove one first.", code="too_many_keys")
    client.jwks = {"keys": [*keys, key]}
    work.tell(EventType.CLIENT_KEY_ADDED, client)
    return client


def remove_key(work: Work, client: Client, kid: str) -> Client:
    """Trust a key no more, nor the tokens it was used to ask for. The last one may go too."""
    if kid not in key_ids(client):
        raise NotFound("This client has no such key.")
    client.jwks = {"keys": [key for key in client.jwks["keys"] if key["kid"] != kid]}
    work.add(ClientRemovedKey(client_id=client.id, kid=kid, removed_at=work.at))
    work.tell(EventType.CLIENT_KEY_REMOVED, client)
    return client


def deactivate(work: Work, client: Client) -> Client:
    """Trust this client no more, nor the tokens it has."""
    client.active = False
    work.tell(EventType.CLIENT_DEACTIVATED, client)
    return client


def key_ids(client: Client) -> list[str]:
    return [key["kid"] for key in client.jwks["keys"]]
