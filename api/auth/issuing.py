"""Spil's own issuer: access tokens for agencies' systems, and for try-outs and tests."""

import base64
import hashlib
import json
import secrets
import time
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jose import jwk, jwt

from api.domain.actor import Actor
from api.trust import TrustedIssuer

TOKEN_LIFE = 900
"""Seconds an access token of an agency's system is valid."""


@dataclass(frozen=True)
class Asker:
    """The client that asked for a token, the key it did so with, and what it asked to be narrowed to."""

    client_id: str
    kid: str
    scopes: frozenset[str] | None = None


class OwnIssuer:
    """Signs access tokens with one private key, and knows the public half to trust them by."""

    def __init__(self, private_key_pem: str, issuer: str, audience: str) -> None:
        loaded = serialization.load_pem_private_key(private_key_pem.encode(), password=None)
        if isinstance(loaded, rsa.RSAPrivateKey) and loaded.key_size >= 2048:
            self._algorithm = "RS256"
        elif isinstance(loaded, ec.EllipticCurvePrivateKey) and loaded.curve.name == "secp256r1":
            self._algorithm = "ES256"
        else:
            raise ValueError("The signing key must be RSA of at least 2048 bits, or EC on P-256.")
        self.issuer, self._audience = issuer, audience
        self._key = jwk.construct(private_key_pem, self._algorithm)
        public = {name: _text(value) for name, value in self._key.public_key().to_dict().items()}
        self.kid = jwk_thumbprint(public)
        self.jwks: dict[str, Any] = {"keys": [public | {"kid": self.kid, "use": "sig", "alg": self._algorithm}]}

    @property
    def as_trusted(self) -> TrustedIssuer:
        return TrustedIssuer(issuer=self.issuer, jwks=self.jwks, algorithms=[self._algorithm])

    def token(self, actor: Actor, *, seconds: int = TOKEN_LIFE, asker: Asker | None = None) -> str:
        """A signed access token (RFC 9068) for this actor, valid from now for so many seconds."""
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "sub": actor.subject,
            "aud": self._audience,
            "iat": now,
            "exp": now + seconds,
            "jti": secrets.token_hex(16),
            "role": actor.role.value,
        }
        for name in ("municipality_code", "agency_id", "professional_id", "person_id"):
            if (value := getattr(actor, name)) is not None:
                claims[name] = str(value)
        if actor.via is not None:
            claims["act"] = {"sub": actor.via}
        headers = {"kid": self.kid, "typ": "at+jwt"}
        token: str = jwt.encode(claims | _of(asker), self._key, self._algorithm, headers=headers)
        return token


def _of(asker: Asker | None) -> dict[str, str]:
    if asker is None:
        return {}
    narrowed = {"scope": " ".join(sorted(asker.scopes))} if asker.scopes is not None else {}
    return {"client_id": asker.client_id, "client_key": asker.kid} | narrowed


def jwk_thumbprint(public: dict[str, str]) -> str:
    """The RFC 7638 thumbprint of a public key: the same key always has the same name."""
    members = ("e", "kty", "n") if public["kty"] == "RSA" else ("crv", "kty", "x", "y")
    canonical = json.dumps({name: public[name] for name in members}, separators=(",", ":"), sort_keys=True)
    return base64.urlsafe_b64encode(hashlib.sha256(canonical.encode()).digest()).decode().rstrip("=")


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
