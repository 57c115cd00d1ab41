"""`spil client ...`: the systems of agencies that may ask for tokens, registered and revoked without the API.

For whoever runs the service: it works on the configured database, otherwise the demo's, and every change is told and
recorded as over the API. Only public keys are read; a private one is refused, as it has then been where it shouldn't.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jose import jwk
from sqlalchemy import create_engine
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, func, select

from api.auth.clients import check_keys
from api.auth.issuing import jwk_thumbprint
from api.cli import configuration
from api.cli.connection import reach
from api.cli.folder import POSTGRES, folder_database
from api.cli.keys import kept_keys, settings_on, vault_of
from api.cli.screen import done, refuse, say
from api.db import CONNECT, sqlalchemy_url
from api.domain import clients
from api.domain.actor import Actor, Role
from api.domain.errors import DomainError
from api.domain.models import Client
from api.domain.vault import Vault
from api.domain.work import Work

BY = Actor(role=Role.PLATFORM_ADMINISTRATOR, subject="spil client")
PUBLIC = ("kty", "kid", "use", "alg", "n", "e", "crv", "x", "y")
PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}
Result = TypeVar("Result")


@dataclass(frozen=True)
class Registration:
    """A system to be registered, as it was typed."""

    agency: str
    name: str
    keys: list[Path]
    acts_for_professionals: bool


def register(folder: Path, wanted: Registration) -> None:
    """Register a system of an agency. The last line is its id, the `iss` and `sub` of its assertions."""
    agency_id = _id(wanted.agency, "An agency")
    jwks = {"keys": [key for file in wanted.keys for key in public_keys(file)]}
    _fit(jwks)
    client = _do(
        folder,
        lambda work: clients.register(
            work, agency_id, wanted.name, jwks, acts_for_professionals=wanted.acts_for_professionals
        ),
    )
    done(f"Registered {wanted.name}, with the keys {', '.join(clients.key_ids(client))}")
    say(client.id)


def show(folder: Path, agency: str | None) -> None:
    """List the systems, inactive ones too."""
    agency_id = _id(agency, "An agency") if agency else None
    found = _do(folder, lambda work: list(_all(work, agency_id)))
    for client in found:
        keys = ", ".join(clients.key_ids(client)) or "none"
        acts = ", may act for professionals" if client.acts_for_professionals else ""
        active = "active" if client.active else "revoked"
        say(f"{client.id}  {active}  {client.name} of agency {client.agency_id}, keys {keys}{acts}")
    if not found:
        say("No system is registered.")


def add_key(folder: Path, client_id: str, file: Path) -> None:
    """Let a system sign with one more key."""
    keys = public_keys(file)
    _fit({"keys": keys})
    if len(keys) != 1:
        refuse(f"{file} holds {len(keys)} keys. Add one at a time.")
    _do(folder, lambda work: clients.add_key(work, clients.to_change(work, _client(client_id)), keys[0]))
    done(f"The key {keys[0]['kid']} counts from now on")


def remove_key(folder: Path, client_id: str, kid: str) -> None:
    """Trust a key no more."""
    _do(folder, lambda work: clients.remove_key(work, clients.to_change(work, _client(client_id)), kid))
    done(f"The key {kid}, and what was asked for with it, is refused within five seconds")


def revoke(folder: Path, client_id: str) -> None:
    """Trust a system no more."""
    _do(folder, lambda work: clients.deactivate(work, clients.to_change(work, _client(client_id))))
    done("This client, and the tokens it has, are refused within five seconds")


def public_keys(file: Path) -> list[dict[str, Any]]:
    """The public keys in a file: PEM, a JWK or a JWK set. One without a name is named by its thumbprint."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeError):
        refuse(f"{file} can't be read. Name the file of a public key: PEM, a JWK or a JWK set.")
    if "PRIVATE KEY" in text:
        refuse(f"{file} is private: keep it where the system is. Its public half: openssl pkey -in {file} -pubout")
    try:
        found = [_of_pem(text)] if text.lstrip().startswith("-----") else _of_json(text)
        return [key if "kid" in key else key | {"kid": jwk_thumbprint(key)} for key in found]
    except (ValueError, TypeError, KeyError, AttributeError):
        refuse(f"{file} holds no public key that can be used: give PEM, a JWK or a JWK set.")


def _of_pem(text: str) -> dict[str, Any]:
    public = serialization.load_pem_public_key(text.encode())
    if not isinstance(public, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        raise TypeError
    algorithm = "RS256" if isinstance(public, rsa.RSAPublicKey) else "ES256"
    members = jwk.construct(text, algorithm).to_dict()
    own = {name: value.decode() if isinstance(value, bytes) else str(value) for name, value in members.items()}
    return own | {"use": "sig", "alg": algorithm}


def _of_json(text: str) -> list[dict[str, Any]]:
    read = json.loads(text)
    found = read.get("keys", [read])
    if any(PRIVATE & set(key) or key["kty"] not in ("RSA", "EC") for key in found):
        raise ValueError
    return [{name: key[name] for name in PUBLIC if name in key} for key in found]


def _fit(jwks: dict[str, list[dict[str, Any]]]) -> None:
    try:
        check_keys(jwks)
    except DomainError as error:
        refuse(error.sentence)


def _all(work: Work, agency_id: UUID | None) -> Iterator[Client]:
    after, page = None, 200
    while found := clients.known(work, agency_id, after, page):
        yield from found[:page]
        if len(found) <= page:
            return
        after = found[page - 1].id


def _id(text: str, what: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        refuse(f"{what} is named by its id, a UUID.")


def _client(text: str) -> str:
    return str(_id(text, "A client"))


def _do(folder: Path, verb: Callable[[Work], Result]) -> Result:
    """Carry out a verb in one unit of work, and commit it."""
    with _database(folder) as (url, vault):
        engine = create_engine(sqlalchemy_url(url), connect_args=CONNECT)
        try:
            with Session(engine, expire_on_commit=False) as session:
                at = session.scalars(select(func.clock_timestamp())).one()
                result = verb(Work(session, BY, at, vault))
                session.commit()
                return result
        except DomainError as error:
            refuse(error.sentence)
        except DBAPIError as error:
            refuse(f"The database refuses: {type(error.orig).__name__}. Does `spil doctor` find anything?")
        finally:
            engine.dispose()


@contextmanager
def _database(folder: Path) -> Iterator[tuple[str, Vault]]:
    """The configured database; otherwise that of the demo in this folder."""
    settings = configuration.known()
    if settings.database_url:
        vault = vault_of(configuration.safe())
        connection = reach(settings.database_url)
        if isinstance(connection, str):
            refuse(f"The database doesn't answer: {connection}")
        connection.close()
        yield settings.database_url, vault
        return
    folder = folder.absolute()
    if not (folder / POSTGRES).exists():
        refuse(configuration.NO_DATABASE, f"Or start `spil demo` first: there is none in {folder}.")
    with folder_database(folder) as url:
        yield url, vault_of(settings_on(kept_keys(folder), url, settings.base_url))
