"""Configuration, from `SPIL_...` environment variables. `spil doctor` says what is wrong with it and how to mend it."""

import base64
import json
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from api.domain.addresses import Receivers
from api.domain.checkpoints import private_key, public_key
from api.trust import TrustedIssuer, problems_with

WRONG_DATA_KEYS = """SPIL_DATA_KEYS must be JSON such as {"1": "<key>"}, numbers from 1 to 255, each with a key of \
its own; make a key with: openssl rand -base64 32"""
WRONG_PSEUDONYM_KEYS = """SPIL_PSEUDONYM_KEY must be at least 32 bytes in base64; make one with: \
openssl rand -base64 32. More keys go into SPIL_PSEUDONYM_KEYS, as JSON such as {"2": "<key>"}, each another one."""


class Environment(StrEnum):
    """What the service is run for. Production refuses unsafe values."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class Settings(BaseSettings):
    """Everything that can be configured."""

    model_config = SettingsConfigDict(env_prefix="SPIL_", extra="ignore")

    environment: Environment = Environment.DEVELOPMENT
    database_url: str | None = Field(
        default=None, description="postgresql://user:password@host/database. Without it, an embedded PostgreSQL starts."
    )
    base_url: str = Field(default="http://127.0.0.1:8000", description="Where clients reach the service.")
    oin: str = Field(
        default="00000000000000000000",
        pattern="^[0-9]{20}$",
        description="The organisation identification number (OIN) in whose name events are told.",
    )
    audience: str = Field(default="spil", description="The `aud` that access tokens must have.")
    signing_key: SecretStr | None = Field(
        default=None, description="Private key (PEM, RSA of at least 2048 bits or EC P-256) of Spil's own issuer."
    )
    issuers: list[TrustedIssuer] = Field(
        default=[], description="JSON list of the identity providers of municipalities and agencies."
    )
    data_keys: SecretStr | None = Field(
        default=None, description='JSON: {"1": "<32 bytes in base64>"}: the keys that seal BSNs. The highest seals.'
    )
    pseudonym_key: SecretStr | None = Field(
        default=None, description="At least 32 bytes in base64: key 1 of the pseudonyms by which a BSN is found."
    )
    pseudonym_keys: SecretStr | None = Field(
        default=None, description="JSON, number to key, when there is more than key 1. The highest is in use."
    )
    checkpoints: Path | None = Field(
        default=None, description="The file, outside the database, in which the worker seals the record of disclosures."
    )
    checkpoint_key: SecretStr | None = Field(
        default=None, description="Private key (PEM, Ed25519) that signs the checkpoints in that file."
    )
    checkpoint_public_keys: list[str] = Field(
        default=[], description="JSON list of further public keys (PEM, Ed25519) whose checkpoints are trusted."
    )
    receivers: Receivers = Field(
        default=Receivers.PUBLIC,
        description="Where events may be delivered: `public` addresses over https; or `anywhere`, never in production.",
    )
    stream_seconds: float = Field(
        default=900, gt=0, description="How long a stream of events lasts; whoever listens comes back for more."
    )
    rate_limit: int = Field(
        default=6000, ge=0, description="Requests a minute that a client may make of one process; 0: any number."
    )
    address_rate_limit: int = Field(
        default=120,
        ge=0,
        description="Requests a minute for tokens, or with what is no valid token, from one address; 0: any number.",
    )
    pause: float = Field(
        default=0,
        ge=0,
        le=60,
        description="Seconds that requests are still taken after a SIGTERM, while readiness says no.",
    )
    metrics_port: int | None = Field(
        default=None,
        ge=1,
        le=65535,
        description="The port for Prometheus, beside that of the service. Without it: none.",
    )
    metrics_host: str = Field(default="127.0.0.1", description="The address to listen on for Prometheus.")
    proxies: list[str] = Field(
        default=[], description="JSON list of addresses of your own proxies, whose X-Forwarded-For is believed."
    )
    connections: int = Field(default=4, ge=1, le=64, description="Database connections per worker and kind of work.")

    @property
    def in_development(self) -> bool:
        return self.environment is Environment.DEVELOPMENT

    @property
    def issuer(self) -> str:
        """The name of Spil's own issuer, for agencies' systems."""
        return f"{self.base_url.rstrip('/')}/oauth"

    @property
    def event_source(self) -> str:
        """Who tells events (NL GOV profile for CloudEvents)."""
        return f"urn:nld:oin:{self.oin}:systeem:spil"

    @property
    def token_endpoint(self) -> str:
        return f"{self.issuer}/token"

    @cached_property
    def vault_keys(self) -> dict[int, bytes]:
        """The keys that seal, by number; `ValueError` where they can't be read."""
        return _numbered(self.data_keys.get_secret_value()) if self.data_keys else {}

    @cached_property
    def vault_pseudonym_keys(self) -> dict[int, bytes]:
        """The keys of pseudonyms, by number; `ValueError` where they can't be read."""
        first = {1: _decoded(self.pseudonym_key.get_secret_value())} if self.pseudonym_key else {}
        further = _numbered(self.pseudonym_keys.get_secret_value()) if self.pseudonym_keys else {}
        if first and further.get(1, first[1]) != first[1]:
            raise ValueError
        return first | further


def problems_of(settings: Settings) -> list[str]:
    """What is wrong with the settings, a sentence each that says how to mend it. Empty when they are safe to run on."""
    production = settings.environment is Environment.PRODUCTION
    unsafe = _unsafe_in_production(settings) if production else []
    wrong = _wrong_keys(settings) + _wrong_sealing(settings)
    return wrong + unsafe + problems_with(settings.issuers, settings.issuer, production=production)


def _numbered(text: str) -> dict[int, bytes]:
    """Keys by their numbers, 1 to 255, each once; `ValueError`, without a word of them, where it is anything else."""
    try:
        pairs: Any = json.loads(text, object_pairs_hook=list)
        keys = [(int(number), _decoded(key)) for number, key in pairs]
    except (ValueError, TypeError, RecursionError):
        raise ValueError from None
    numbers = {number for number, _ in keys}
    if len(numbers) < len(keys) or not text.strip().startswith("{") or not numbers <= set(range(1, 256)):
        raise ValueError
    return dict(keys)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (ValueError, AttributeError):
        raise ValueError from None


def _wrong_keys(settings: Settings) -> list[str]:
    found = _wrong_data_keys(settings) + _wrong_pseudonym_keys(settings)
    if not found and set(settings.vault_pseudonym_keys.values()) & set(settings.vault_keys.values()):
        found.append("SPIL_PSEUDONYM_KEY must differ from every key in SPIL_DATA_KEYS.")
    if settings.signing_key is None:
        found.append("SPIL_SIGNING_KEY must hold a private key; make one with: openssl genrsa 3072")
    return found


def _wrong_data_keys(settings: Settings) -> list[str]:
    try:
        keys = list(settings.vault_keys.values())
    except ValueError:
        keys = []
    if not keys or any(len(key) != 32 for key in keys) or len(set(keys)) < len(keys):
        return [WRONG_DATA_KEYS]
    return []


def _wrong_pseudonym_keys(settings: Settings) -> list[str]:
    try:
        keys = settings.vault_pseudonym_keys
    except ValueError:
        keys = {}
    if not keys or any(len(key) < 32 for key in keys.values()) or len(set(keys.values())) < len(keys):
        return [WRONG_PSEUDONYM_KEYS]
    if max(keys) - min(keys) >= len(keys):
        return ["SPIL_PSEUDONYM_KEYS must be numbered without a gap: put back the key between."]
    return []


def _wrong_sealing(settings: Settings) -> list[str]:
    if (settings.checkpoints is None) is not (settings.checkpoint_key is None):
        return ["SPIL_CHECKPOINTS and SPIL_CHECKPOINT_KEY go together: give both, or neither to seal nothing."]
    try:
        keys = [private_key(settings.checkpoint_key.get_secret_value())] if settings.checkpoint_key else []
        [*keys, *map(public_key, settings.checkpoint_public_keys)]
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return ["SPIL_CHECKPOINT_KEY must be an Ed25519 key in PEM; make one with: openssl genpkey -algorithm ed25519"]
    return []


def _unsafe_in_production(settings: Settings) -> list[str]:
    found = []
    if settings.database_url is None:
        found.append("SPIL_DATABASE_URL must name a PostgreSQL database: production never uses the embedded one.")
    if not settings.base_url.startswith("https://"):
        found.append("SPIL_BASE_URL must start with https:// in production.")
    if settings.receivers is not Receivers.PUBLIC:
        found.append("SPIL_RECEIVERS must be public in production: anybody could have your own network called.")
    if not settings.issuers:
        found.append("SPIL_ISSUERS must name at least one identity provider in production.")
    return found
