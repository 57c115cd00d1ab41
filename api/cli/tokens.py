"""Access tokens from the command line: signed with the service's own key, or fetched as an agency's system does.

A token is all that goes to standard output, so that it can be put into a variable.
"""

import json
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jose import jwt

from api.auth.clients import ASSERTION_TYPE
from api.auth.issuing import OwnIssuer
from api.cli import configuration
from api.cli.folder import KEYS
from api.cli.keys import kept_keys, settings_on
from api.cli.screen import refuse
from api.domain.actor import Actor, Role
from api.settings import Environment, Settings
from api.trust import CLAIMS_OF

ASSERTION_LIFE = 60
OPTIONS = {
    "municipality_code": "--municipality",
    "agency_id": "--agency",
    "professional_id": "--professional",
    "person_id": "--person",
}


@dataclass(frozen=True)
class Wanted:
    """For whom a token is asked, as it was typed."""

    role: Role | None
    municipality_code: str | None
    agency_id: str | None
    professional_id: str | None
    person_id: str | None
    subject: str
    seconds: int


@dataclass(frozen=True)
class Credentials:
    """How a command proves who calls: a token, a client's key, or somebody in the demo."""

    token: str | None
    client: str | None
    key: Path | None
    demo: str | None
    url: str | None
    folder: Path

    def fetch(self) -> str:
        """A token; another one each time, where it is a client's."""
        if self.token:
            return self.token
        if self.client:
            return client_token(self.client, self.key, self.url, self.folder)
        if not self.demo:
            refuse("Say who you are: --client and its --key, --token or SPIL_TOKEN, or --demo.")
        return demo_token(self.demo, self.folder)


def print_role_token(wanted: Wanted, folder: Path) -> None:
    """Sign a token for somebody in a role. In production people's tokens come from their identity provider."""
    settings = _settings(folder)
    actor = _actor(wanted)
    if settings.environment is Environment.PRODUCTION and actor.role is not Role.AGENCY_SYSTEM:
        refuse("In production people get their tokens from their organisation's identity provider.")
    if settings.signing_key is None or configuration.WEAK_KEY in configuration.wrong_with(settings):
        refuse(configuration.WEAK_KEY, "Or start `spil demo` first, and name its --folder.")
    issuer = OwnIssuer(settings.signing_key.get_secret_value(), settings.issuer, settings.audience)
    print(issuer.token(actor, seconds=wanted.seconds))  # noqa: T201 - the token and nothing else


def print_demo_token(name: str, folder: Path) -> None:
    print(demo_token(name, folder))  # noqa: T201 - the token and nothing else


def demo_token(name: str, folder: Path) -> str:
    """The token that the running demo made for somebody, by part of their name."""
    file = folder / "demo.json"
    if not file.exists():
        refuse(f"No demo runs in {folder}. Start one with: spil demo")
    actors = json.loads(file.read_text(encoding="utf-8"))["actors"]
    found = [actor for actor in actors if name.lower() in actor["name"].lower()]
    if not found:
        refuse(f"Nobody in the demo is called that. There are: {', '.join(actor['name'] for actor in actors)}")
    return str(found[0]["token"])


def print_client_token(client: str, key: Path | None, url: str | None, folder: Path) -> None:
    print(client_token(client, key, url, folder))  # noqa: T201 - the token and nothing else


def client_token(client: str, key: Path | None, url: str | None, folder: Path) -> str:
    """Fetch a token as an agency's system does, with an assertion signed by its private key."""
    base_url = where(url, folder)
    pem = _private_key(key or folder / "clients" / f"{client}.pem")
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": assertion(client, pem, f"{base_url}/oauth/token"),
    }
    try:
        answer = httpx.post(f"{base_url}/oauth/token", data=form, timeout=10)
    except httpx.HTTPError:
        refuse(f"Nothing answers at {base_url}. Start the service, or name where it is with --url.")
    if answer.status_code != httpx.codes.OK:
        refuse(f"No token, but {answer.status_code}: {_detail(answer)}")
    return str(answer.json()["access_token"])


def where(url: str | None, folder: Path) -> str:
    """Where the service is: as said, otherwise as configured, otherwise the demo."""
    return (url or _settings(folder).base_url).rstrip("/")


def assertion(client: str, pem: str, audience: str) -> str:
    """The signed statement by which an agency's system says who it is, once."""
    private = serialization.load_pem_private_key(pem.encode(), password=None)
    algorithm = "RS256" if isinstance(private, rsa.RSAPrivateKey) else "ES256"
    now = int(time.time())
    claims = {
        "iss": client,
        "sub": client,
        "aud": audience,
        "iat": now,
        "exp": now + ASSERTION_LIFE,
        "jti": secrets.token_hex(16),
    }
    kid = OwnIssuer(pem, client, audience).kid
    signed: str = jwt.encode(claims, pem, algorithm, headers={"kid": kid})
    return signed


def _actor(wanted: Wanted) -> Actor:
    if wanted.role not in CLAIMS_OF:
        refuse(f"Name a role: --role {' | '.join(CLAIMS_OF)}. Or a client: --client <id>.")
    needed = CLAIMS_OF[wanted.role]
    if lacking := [OPTIONS[name] for name in needed if getattr(wanted, name) is None]:
        refuse(f"A token for {wanted.role} needs {' and '.join(lacking)}.")
    try:
        ids: dict[str, Any] = {name: UUID(getattr(wanted, name)) for name in needed if name.endswith("_id")}
    except ValueError:
        refuse("An agency, a professional and a person are named by their id, a UUID.")
    code = wanted.municipality_code if "municipality_code" in needed else None
    if code is not None and not (len(code) == 4 and code.isascii() and code.isdigit()):
        refuse("A municipality is named by its CBS code of four digits, such as 9901.")
    return Actor(role=wanted.role, subject=wanted.subject, municipality_code=code, **ids)


def _settings(folder: Path) -> Settings:
    """Those of the environment; the demo's where the environment has no signing key."""
    settings = configuration.known()
    if settings.signing_key or not (folder / KEYS).exists():
        return settings
    demo = folder / "demo.json"
    base_url = json.loads(demo.read_text())["baseUrl"] if demo.exists() else settings.base_url
    return settings_on(kept_keys(folder), "", base_url)


def _private_key(file: Path) -> str:
    try:
        pem = file.read_text()
        serialization.load_pem_private_key(pem.encode(), password=None)
    except OSError:
        refuse(f"There is no private key {file}. Name it with --key.")
    except (ValueError, TypeError):
        refuse(f"{file} holds no private key that can be used: give PEM, without a password.")
    return pem


def _detail(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return answer.reason_phrase
