"""Configuration, from `SPIL_...` environment variables. `spil doctor` says what is wrong with it and how to mend it."""

import base64
import json
from enum import StrEnum
from functools import cached_property

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from api.trust import TrustedIssuer, problems_with


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
        default=None, description="At least 32 bytes in base64: the key of the pseudonyms by which a BSN is found."
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
    def token_endpoint(self) -> str:
        return f"{self.issuer}/token"

    @cached_property
    def vault_keys(self) -> dict[int, bytes]:
        raw = json.loads(self.data_keys.get_secret_value()) if self.data_keys else {}
        return {int(version): base64.b64decode(key) for version, key in raw.items()}

    @cached_property
    def vault_pseudonym_key(self) -> bytes:
        return base64.b64decode(self.pseudonym_key.get_secret_value()) if self.pseudonym_key else b""


def problems_of(settings: Settings) -> list[str]:
    """What is wrong with the settings, a sentence each that says how to mend it. Empty when they are safe to run on."""
    production = settings.environment is Environment.PRODUCTION
    unsafe = _unsafe_in_production(settings) if production else []
    return _wrong_keys(settings) + unsafe + problems_with(settings.issuers, settings.issuer, production=production)


def _wrong_keys(settings: Settings) -> list[str]:
    found = []
    if not settings.vault_keys or any(len(key) != 32 for key in settings.vault_keys.values()):
        found.append('SPIL_DATA_KEYS must be JSON such as {"1": "<key>"}; make a key with: openssl rand -base64 32')
    if len(settings.vault_pseudonym_key) < 32:
        found.append("SPIL_PSEUDONYM_KEY must be at least 32 bytes in base64; make one with: openssl rand -base64 32")
    if settings.vault_pseudonym_key in settings.vault_keys.values():
        found.append("SPIL_PSEUDONYM_KEY must differ from every key in SPIL_DATA_KEYS.")
    if settings.signing_key is None:
        found.append("SPIL_SIGNING_KEY must hold a private key; make one with: openssl genrsa 3072")
    return found


def _unsafe_in_production(settings: Settings) -> list[str]:
    found = []
    if settings.database_url is None:
        found.append("SPIL_DATABASE_URL must name a PostgreSQL database: production never uses the embedded one.")
    if not settings.base_url.startswith("https://"):
        found.append("SPIL_BASE_URL must start with https:// in production.")
    if not settings.issuers:
        found.append("SPIL_ISSUERS must name at least one identity provider in production.")
    return found
