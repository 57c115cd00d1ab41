"""What a signed token (JWT) proves. python-jose is called in one place, behind a wall of our own.

The wall is there because the library by itself takes tokens without `aud` or `exp`, tries every key on an unknown
`kid`, and ignores `typ` and `crit`. So: size and shape first, one key and algorithm per `kid`, every claim required,
and any exception is the same `BadToken`.
"""

import base64
import binascii
import json
import re
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from jose import jwk, jwt
from jose.backends.base import Key

from api.domain import bsn

SHAPE = re.compile(r"^[A-Za-z0-9_-]{2,2000}\.[A-Za-z0-9_-]{2,6000}\.[A-Za-z0-9_-]{2,1200}$")
HEADER_NAMES = {"alg", "kid", "typ", "x5t", "x5t#S256"}
"""`x5t` comes along with some providers' tokens and is not looked at. A name that could bring a key is refused."""
ACCESS_TOKENS = frozenset({"jwt", "at+jwt"})
"""What `typ` says of an access token, in small letters."""
ALGORITHMS = {"RSA": "RS256", "EC": "ES256"}
REQUIRED_CLAIMS = ("iss", "sub", "aud", "exp", "iat")
LONGEST_LIFE = 12 * 3600
LEEWAY = 10
RSA_BITS = range(2048, 8193)


class BadToken(Exception):
    """A token that proves nothing."""


@dataclass(frozen=True)
class VerifyingKey:
    """One public key, ready for use, and the one algorithm it is for."""

    key: Key
    algorithm: str


def usable_keys(jwks: Any, algorithms: Collection[str]) -> dict[str, VerifyingKey]:
    """The keys of a JWK set that we trust, by `kid`: RSA of at least 2048 bits, or EC on P-256. Others don't count."""
    entries = jwks.get("keys") if isinstance(jwks, Mapping) else None
    found = {}
    for entry in entries if isinstance(entries, list) else []:
        try:
            found[str(entry["kid"])] = _usable(entry, algorithms)
        except Exception:  # noqa: S112 - what can't be read is not trusted, whatever is wrong with it
            continue
    return found


def _usable(entry: Mapping[str, Any], algorithms: Collection[str]) -> VerifyingKey:
    algorithm = ALGORITHMS[entry["kty"]]
    strong = entry["crv"] == "P-256" if algorithm == "ES256" else _bits(entry["n"]) in RSA_BITS
    for_signing = entry.get("alg", algorithm) == algorithm and entry.get("use", "sig") == "sig"
    if not (strong and for_signing and entry["kid"] and algorithm in algorithms) or "d" in entry:
        raise BadToken
    return VerifyingKey(jwk.construct(dict(entry), algorithm), algorithm)


def _bits(number: str) -> int:
    return int.from_bytes(base64.urlsafe_b64decode(number + "==")).bit_length()


def parse(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The header and claims of a token of acceptable shape, not yet verified."""
    if not SHAPE.fullmatch(token):
        raise BadToken
    try:
        header, claims, _ = (_decoded(part) for part in token.split("."))
        header, claims = _read(header), _read(claims)
    except (ValueError, binascii.Error, RecursionError) as error:
        raise BadToken from error
    if not isinstance(header, dict) or not isinstance(claims, dict) or not set(header) <= HEADER_NAMES:
        raise BadToken
    if not all(isinstance(value, str) for value in header.values()):
        raise BadToken
    return header, claims


def _decoded(part: str) -> bytes:
    """The bytes in base64url: in the one spelling that they have, so that one token isn't many texts."""
    decoded = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    if base64.urlsafe_b64encode(decoded).rstrip(b"=") != part.encode():
        raise BadToken
    return decoded


def _read(text: bytes) -> Any:
    return json.loads(text, object_pairs_hook=_each_name_once, parse_constant=_refuse_constant)


def _each_name_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Two readers of one token could each take another value of a name that is there twice."""
    if len(dict(pairs)) != len(pairs):
        raise BadToken
    return dict(pairs)


def _refuse_constant(name: str) -> None:
    raise BadToken


def is_plain(text: Any, longest: int = 255) -> bool:
    """Whether a claim is text that can be stored and shown: no NUL, no half characters, and no BSN."""
    return isinstance(text, str) and 0 < len(text) <= longest and text.isprintable() and not bsn.is_in(text)


def verify(
    token: str,
    keys: Mapping[str, VerifyingKey],
    *,
    issuer: str,
    audience: str,
    types: Collection[str] = ACCESS_TOKENS,
) -> dict[str, Any]:
    """The claims of a token that one of these keys signed for this audience, valid now; otherwise `BadToken`."""
    header, _ = parse(token)
    known = keys.get(header.get("kid", ""))
    if known is None or header.get("alg") != known.algorithm or header.get("typ", "JWT").lower() not in types:
        raise BadToken
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            known.key,
            algorithms=[known.algorithm],
            audience=audience,
            issuer=issuer,
            options={f"require_{name}": True for name in REQUIRED_CLAIMS} | {"leeway": LEEWAY},
        )
    except Exception as error:
        raise BadToken from error
    moments = [claims[name] for name in ("iat", "exp", "nbf") if name in claims]
    if not all(type(moment) is int for moment in moments) or not 0 < moments[1] - moments[0] <= LONGEST_LIFE:
        raise BadToken
    if moments[0] > time.time() + LEEWAY or not is_plain(claims["sub"]):
        raise BadToken
    return claims
