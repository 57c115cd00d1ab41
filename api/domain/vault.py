"""What may never be stored in the clear, and the keys that seal it. The keys live outside the database.

A sealed value is AES-GCM with a fresh nonce, bound to its key's number and to the table, column and row it stands in:
moved anywhere else it can't be opened. A pseudonym is an HMAC under a key of its own: equal values have equal
pseudonyms, and without the key nobody can try the hundred million BSNs.

Both begin with the number of their key, so that what an earlier key made stays readable, and can be found, until it
has been made anew (`api/domain/resealing.py`). The highest number is the one in use.
"""

import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from api.domain.errors import KeyMissing

WHOLLY_BOUND = 0
"""The first byte of a sealed value; the number of its key is the second. A value sealed before there was this byte
begins with the number itself, and is bound to its row only."""
NONCE, TAG = 12, 16
BOUND_BEFORE = {"person": "person", "idempotent_request": "answer"}


@dataclass(frozen=True)
class Place:
    """Where a sealed value stands: its table, its column, and the primary key of its row."""

    table: str
    column: str
    row: tuple[str, ...]

    def bytes_under(self, version: int) -> bytes:
        """What a value here is bound to: a list, so that no two places read the same."""
        return json.dumps([version, self.table, self.column, *self.row]).encode()

    def bytes_before(self) -> bytes:
        return ":".join([BOUND_BEFORE.get(self.table, self.table), *self.row]).encode()


@dataclass(frozen=True)
class Vault:
    """Seals, opens and pseudonymises."""

    keys: dict[int, bytes]
    """Number (1 to 255) to key of 32 bytes. The highest seals."""
    pseudonym_keys: dict[int, bytes]
    """The same for pseudonyms, without a gap in the numbers."""

    @property
    def head(self) -> bytes:
        """What a value that is sealed now begins with."""
        return bytes([WHOLLY_BOUND, max(self.keys)])

    @property
    def mark(self) -> bytes:
        """What a pseudonym that is made now begins with."""
        return bytes([max(self.pseudonym_keys)])

    def seal(self, value: bytes, *, bound_to: Place) -> bytes:
        version, nonce = max(self.keys), secrets.token_bytes(NONCE)
        cipher = AESGCM(self.keys[version])
        return self.head + nonce + cipher.encrypt(nonce, value, bound_to.bytes_under(version))

    def open(self, sealed: bytes, *, bound_to: Place) -> bytes:
        """The value; `InvalidTag` if it was changed or moved, `KeyMissing` if its key isn't there."""
        wholly = sealed[:1] == bytes([WHOLLY_BOUND])
        rest = sealed[1:] if wholly else sealed
        if len(rest) < 1 + NONCE + TAG:
            raise InvalidTag
        key = _known(self.keys, rest[0])
        place = bound_to.bytes_under(rest[0]) if wholly else bound_to.bytes_before()
        return AESGCM(key).decrypt(rest[1 : 1 + NONCE], rest[1 + NONCE :], place)

    def pseudonym(self, value: bytes) -> bytes:
        """The pseudonym by which a value is found from now on."""
        return self.pseudonyms(value)[0]

    def pseudonyms(self, value: bytes) -> list[bytes]:
        """Every pseudonym by which a value may be found, the newest first: some may not have been made anew yet."""
        newest_first = sorted(self.pseudonym_keys.items(), reverse=True)
        return [bytes([version]) + hmac.digest(key, value, hashlib.sha256) for version, key in newest_first]

    def is_pseudonym_of(self, pseudonym: bytes, value: bytes) -> bool:
        key = _known(self.pseudonym_keys, pseudonym[0])
        return hmac.compare_digest(pseudonym[1:], hmac.digest(key, value, hashlib.sha256))


def _known(keys: dict[int, bytes], version: int) -> bytes:
    if version not in keys:
        raise KeyMissing("This can't be read at the moment: the administrator of Spil has to put a key back.")
    return keys[version]
