"""Clients: agencies' systems that may ask for tokens. Invariant: Spil knows only their public keys."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

from sqlmodel import col, select

from api.domain import agencies
from api.domain.codes import EventType
from api.domain.errors import Conflict
from api.domain.models import Client
from api.domain.work import Work


def get(work: Work, client_id: str) -> Client:
    return work.get(Client, client_id, "There is no such client. GET /v1/clients lists them.")


def known(work: Work, agency_id: UUID | None, after: str | None, limit: int) -> Sequence[Client]:
    """Clients, of one agency or of all, in order of id; one more than the limit if there are."""
    found = select(Client).where(col(Client.id) > (after or "")).order_by(col(Client.id)).limit(limit + 1)
    return work.session.exec(found.where(Client.agency_id == agency_id) if agency_id else found).all()


def register(work: Work, agency_id: UUID, name: str, jwks: dict[str, Any]) -> Client:
    """Register a system of an agency, with the public keys it signs with. The id is given out here."""
    client = Client(id=str(uuid4()), agency_id=agencies.active(work, agency_id).id, name=name, jwks=jwks)
    work.add(client)
    work.tell(EventType.CLIENT_REGISTERED, client)
    return client


def deactivate(work: Work, client: Client) -> Client:
    """From now it gets no tokens; those it has run out by themselves."""
    if not client.active:
        raise Conflict("This client is not active any more.")
    client.active = False
    work.tell(EventType.CLIENT_DEACTIVATED, client)
    return client
