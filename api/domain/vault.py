"""What may never be stored in the clear, and the keys that seal it. The keys live outside the database.

A sealed value is AES-GCM with a fresh nonce, bound to the row it belongs to: moved to another row it can't be opened.
The first byte names the key, so that old values stay readable after a new key came. A pseudonym is an HMAC under a
key of its own: equal values have equal pseudonyms, and without the key nobody can try the hundred million BSNs.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers.aead import AESGCM


@dataclass(frozen=True)
class Vault:
    """Seals, opens and pseudonymises."""

    keys: dict[int, bytes]
    """Version (1 to 255) to key of 32 bytes. The highest version seals."""
    pseudonym_key: bytes

    def seal(self, value: bytes, *, bound_to: str) -> bytes:
        version = max(self.keys)
        nonce = secrets.token_bytes(12)
        return bytes([version]) + nonce + AESGCM(self.keys[version]).encrypt(nonce, value, bound_to.encode())

    def open(self, sealed: bytes, *, bound_to: str) -> bytes:
        return AESGCM(self.keys[sealed[0]]).decrypt(sealed[1:13], sealed[13:], bound_to.encode())

    def pseudonym(self, value: bytes) -> bytes:
        return hmac.digest(self.pseudonym_key, value, hashlib.sha256)
