"""Signing what is delivered (Standard Webhooks, Ed25519), and verifying it, as receivers do.

What is signed is `<webhook-id>.<webhook-timestamp>.<body>`, byte by byte. While one key follows another both sign, so a
receiver that knows either takes the delivery. `verify` is all that a receiver needs; it can be read as an example.
"""

import base64
import binascii
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

PUBLIC, ASYMMETRIC = "whpk_", "v1a"
TOLERANCE = 300
"""Seconds that the clocks of sender and receiver may differ; what is older was kept by somebody."""


class NotAuthentic(Exception):
    """A delivery that isn't from whom it says it is, or is not of now."""


@dataclass(frozen=True)
class KeyPair:
    """A new key: 32 bytes that sign, and what receivers verify with."""

    private: bytes
    public: str


def new_pair() -> KeyPair:
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes_raw()
    return KeyPair(private.private_bytes_raw(), PUBLIC + base64.b64encode(public).decode())


def headers_for(message_id: str, timestamp: int, body: bytes, private_keys: Collection[bytes]) -> dict[str, str]:
    """The three headers of a delivery."""
    signed = _signed(message_id, str(timestamp), body)
    signatures = [Ed25519PrivateKey.from_private_bytes(key).sign(signed) for key in private_keys]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"{ASYMMETRIC},{base64.b64encode(one).decode()}" for one in signatures),
    }


def verify(headers: Mapping[str, str], body: bytes, public_keys: Collection[str], now: float) -> str:
    """The id of a delivery that one of these keys signed a moment ago; otherwise `NotAuthentic`.

    `headers` by their names in small letters, `body` as it was received, `public_keys` as `signingKeys` gives them.
    An id that was seen before is a repetition, which the receiver answers with 2xx and does nothing about.
    """
    try:
        message_id, timestamp = headers["webhook-id"], headers["webhook-timestamp"]
        given = [part.partition(",") for part in headers["webhook-signature"].split(" ")]
        signatures = [base64.b64decode(text, validate=True) for kind, _, text in given if kind == ASYMMETRIC]
        sent_at = int(timestamp)
    except (KeyError, ValueError, binascii.Error):
        raise NotAuthentic("The headers of a signed delivery are not there.") from None
    if abs(now - sent_at) > TOLERANCE:
        raise NotAuthentic("The delivery is not of now.")
    keys = [_public_key(key) for key in public_keys]
    if not any(_fits(key, one, _signed(message_id, timestamp, body)) for key in keys for one in signatures):
        raise NotAuthentic("None of the keys made this signature.")
    return message_id


def _signed(message_id: str, timestamp: str, body: bytes) -> bytes:
    return f"{message_id}.{timestamp}.".encode() + body


def _public_key(text: str) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(base64.b64decode(text.removeprefix(PUBLIC)))


def _fits(key: Ed25519PublicKey, signature: bytes, signed: bytes) -> bool:
    try:
        key.verify(signature, signed)
    except InvalidSignature:
        return False
    return True
