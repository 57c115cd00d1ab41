"""The settings a command runs on: those of the environment, refused with sentences where they can't be run on."""

import json
from typing import Any

from pydantic import ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsError

from api.auth.issuing import OwnIssuer
from api.cli.screen import refuse
from api.settings import Environment, Settings, problems_of

NO_DATABASE = "SPIL_DATABASE_URL must name a PostgreSQL database: postgresql://user:password@host/database"
WEAK_KEY = "SPIL_SIGNING_KEY can't be used: give a PEM key, RSA of at least 2048 bits or EC on P-256."


class GivenSettings(Settings):
    """Settings that look at nothing but what they are given: the environment can't change them."""

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, *_: Any, **__: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


class Unreadable(Exception):
    """The environment's settings can't be read; `sentences` say which and why."""

    def __init__(self, sentences: list[str]) -> None:
        super().__init__(*sentences)
        self.sentences = sentences


def read() -> Settings:
    """The environment's settings, safe or not; `Unreadable` where they make no sense."""
    try:
        return Settings()
    except ValidationError as error:
        raise Unreadable([_sentence(one["loc"], one["msg"]) for one in error.errors(include_input=False)]) from None
    except SettingsError:
        raise Unreadable(['SPIL_ISSUERS must be a JSON list, such as [{"issuer": "https://..."}].']) from None


def known() -> Settings:
    """The environment's settings, safe or not; refuses where they make no sense."""
    try:
        return read()
    except Unreadable as error:
        refuse(*error.sentences)


def safe() -> Settings:
    """The environment's settings; refuses where they are not safe to run on."""
    settings = known()
    if wrong := wrong_with(settings):
        refuse(*wrong, "Nothing was started. `spil doctor` looks further; `spil demo` needs no settings.")
    return settings


def wrong_with(settings: Settings) -> list[str]:
    """All that keeps the service from running on these settings, a sentence each."""
    try:
        found = problems_of(settings)
    except (ValueError, TypeError, AttributeError):
        found = ["SPIL_DATA_KEYS or SPIL_PSEUDONYM_KEY can't be read: give JSON and base64 as in the documentation."]
    if settings.database_url is None and settings.environment is Environment.DEVELOPMENT:
        found.append(NO_DATABASE)
    if settings.signing_key and not _signs(settings.signing_key.get_secret_value(), settings):
        found.append(WEAK_KEY)
    return found


def database_url() -> str:
    """Where the configured database is."""
    return known().database_url or refuse(NO_DATABASE)


def _signs(pem: str, settings: Settings) -> bool:
    try:
        OwnIssuer(pem, settings.issuer, settings.audience)
    except Exception:
        return False
    return True


def _sentence(where: tuple[int | str, ...], message: str) -> str:
    name = "SPIL_" + str(where[0]).upper() if where else "The settings"
    deeper = "".join(f"[{json.dumps(part)}]" for part in where[1:])
    return f"{name}{deeper} can't be used: {message[:1].lower()}{message[1:]}."
