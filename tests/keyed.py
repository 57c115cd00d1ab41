"""One database seen by processes with different keys: what the tests of changing keys have in common."""

import base64
import json
import os
from contextlib import ExitStack
from typing import Any

import httpx
import psycopg
from psycopg import sql

from api.cli.rekeying import rotate, seeing_every_row, verdict
from api.domain import bsn as numbers
from api.domain import persons
from api.domain.models import Person
from api.domain.resealing import SEALED, census
from api.domain.vault import Vault
from api.main import create_app
from api.settings import Settings
from tests.world import World

KEYS = {version: base64.b64encode(bytes([version]) * 32).decode() for version in range(1, 7)}
"""Keys 1 to 3 seal; keys 1 to 3 of pseudonyms are 4 to 6."""


def keys_of(*versions: int) -> dict[str, str]:
    return {
        "data_keys": json.dumps({str(version): KEYS[version] for version in versions}),
        "pseudonym_keys": json.dumps({str(version): KEYS[version + 3] for version in versions}),
    }


class Keyed:
    """A database in which nothing is sealed yet, seen by processes with different keys."""

    def __init__(self, url: str, signing_key: str, stack: ExitStack) -> None:
        self.url, self._signing_key, self._stack = url, signing_key, stack
        self.empty()
        self.first = self.with_keys(1)
        self.code = self.first.municipality.code

    def settings(self, *versions: int) -> Settings:
        return Settings(database_url=self.url, signing_key=self._signing_key, pseudonym_key=None, **keys_of(*versions))

    def with_keys(self, *versions: int) -> World:
        """A service with these keys, for the domain's verbs; `serving` it takes more."""
        world = World(create_app(self.settings(*versions)), httpx.Client())
        self._stack.callback(world.close)
        if hasattr(self, "first"):
            world.municipality, world.registrar = self.first.municipality, self.first.registrar
        return world

    def empty(self) -> None:
        """Throw away what another test left; also what is only added to otherwise."""
        with self.connection() as connection:
            connection.execute("SET session_replication_role = replica")  # neither triggers nor foreign keys
            for table in {"match", "unplaced_registration", "audit_record", *(sealed.table for sealed in SEALED)}:
                connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))

    def register(self, world: World, bsn: str) -> Person:
        return world.do(
            lambda work: persons.register(work, self.code, given_name="Sam", surname="Bos", bsn=bsn), world.registrar
        )

    def find(self, world: World, bsn: str) -> Person | None:
        return world.do(lambda work: persons.find_by_bsn(work, bsn, self.code), world.registrar)

    def rotate(self, *versions: int) -> dict[str, Any]:
        with seeing_every_row(self.url) as engine:
            return rotate(engine, Vault(*vault_keys(self.settings(*versions))))

    def made_by(self) -> dict[str, dict[int, int]]:
        with seeing_every_row(self.url) as engine, engine.connect() as connection:
            return {name: dict(made) for name, _, made in census(connection)}

    def verdict(self, *versions: int) -> list[str]:
        with seeing_every_row(self.url) as engine, engine.connect() as connection:
            return list(verdict(list(census(connection)), self.settings(*versions)))

    def bsns(self, *versions: int) -> list[str]:
        """Every BSN on record, opened with these keys."""
        vault = Vault(*vault_keys(self.settings(*versions)))
        with self.connection() as connection:
            rows = connection.execute("SELECT id, bsn_sealed, bsn_pseudonym FROM person WHERE bsn_sealed IS NOT NULL")
            opened = [(numbers.opened(vault, sealed, key), pseudonym) for key, sealed, pseudonym in rows]
        assert all(vault.is_pseudonym_of(pseudonym, bsn.encode()) for bsn, pseudonym in opened)
        return [bsn for bsn, _ in opened]

    def connection(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.url)

    def environment(self, *versions: int) -> dict[str, str]:
        given = {"database_url": self.url, "signing_key": self._signing_key, **keys_of(*versions)}
        plain = {name: value for name, value in os.environ.items() if not name.startswith("SPIL_")}
        return plain | {f"SPIL_{name.upper()}": value for name, value in given.items()}


def vault_keys(settings: Settings) -> tuple[dict[int, bytes], dict[int, bytes]]:
    return settings.vault_keys, settings.vault_pseudonym_keys
