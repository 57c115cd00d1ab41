"""Keys and tokens as others make them: with the cryptography library only, so that anything can be signed."""

import base64
import hashlib
import hmac
import json
import secrets
import time
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

Private = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _number(value: int, length: int | None = None) -> str:
    return b64(value.to_bytes(length or (value.bit_length() + 7) // 8))


class SigningKey:
    """A private key with a `kid`, that signs whatever it is given."""

    def __init__(self, private: Private, kid: str | None = None) -> None:
        self.private, self.kid = private, kid or secrets.token_hex(8)
        self.algorithm = "RS256" if isinstance(private, rsa.RSAPrivateKey) else "ES256"

    @property
    def jwk(self) -> dict[str, str]:
        """The public half."""
        if isinstance(self.private, rsa.RSAPrivateKey):
            rsa_numbers = self.private.public_key().public_numbers()
            own = {"kty": "RSA", "n": _number(rsa_numbers.n), "e": _number(rsa_numbers.e)}
        else:
            numbers = self.private.public_key().public_numbers()
            own = {"kty": "EC", "crv": "P-256", "x": _number(numbers.x, 32), "y": _number(numbers.y, 32)}
        return own | {"kid": self.kid, "use": "sig", "alg": self.algorithm}

    @property
    def private_jwk(self) -> dict[str, str]:
        value = self.private.private_numbers()
        return self.jwk | {"d": _number(value.d if isinstance(value, rsa.RSAPrivateNumbers) else value.private_value)}

    def signature(self, message: bytes) -> bytes:
        if isinstance(self.private, rsa.RSAPrivateKey):
            return self.private.sign(message, padding.PKCS1v15(), hashes.SHA256())
        r, s = decode_dss_signature(self.private.sign(message, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32) + s.to_bytes(32)

    def sign(self, claims: Any, header: dict[str, Any] | None = None) -> str:
        """A token with these claims: an object, or the bytes that stand in its place."""
        head = {"alg": self.algorithm, "typ": "JWT", "kid": self.kid} | (header or {})
        return self.sign_raw(json.dumps({k: v for k, v in head.items() if v is not None}).encode(), _bytes(claims))

    def sign_raw(self, header: bytes, claims: bytes) -> str:
        message = f"{b64(header)}.{b64(claims)}"
        return f"{message}.{b64(self.signature(message.encode()))}"


def _bytes(claims: Any) -> bytes:
    return claims if isinstance(claims, bytes) else json.dumps(claims).encode()


def rsa_key(bits: int = 2048) -> SigningKey:
    return SigningKey(rsa.generate_private_key(public_exponent=65537, key_size=bits))


def ec_key() -> SigningKey:
    return SigningKey(ec.generate_private_key(ec.SECP256R1()))


def hs256(claims: Any, secret: bytes, header: dict[str, Any]) -> str:
    message = f"{b64(json.dumps({'alg': 'HS256', 'typ': 'JWT'} | header).encode())}.{b64(_bytes(claims))}"
    return f"{message}.{b64(hmac.digest(secret, message.encode(), hashlib.sha256))}"


def claims_for(issuer: str, **more: Any) -> dict[str, Any]:
    """What a good token of an analyst says; `more` goes before it, and None leaves a claim out."""
    now = int(time.time())
    good = {
        "iss": issuer,
        "sub": "somebody",
        "aud": "spil",
        "iat": now,
        "exp": now + 600,
        "role": "analyst",
        "municipality_code": "0001",
    }
    return {name: value for name, value in (good | more).items() if value is not None}
