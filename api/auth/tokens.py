"""Who asks, from their access token (a signed JWT). python-jose is called in one place, behind a wall of our own.

The wall is there because the library by itself takes tokens without `aud` or `exp`, tries every key on an unknown
`kid`, and ignores `typ` and `crit`. So: size and shape first, one key and algorithm per `kid`, every claim required,
and any exception is the same 401. A verified token is remembered for a minute at most, by its digest; that is for
knowing who asks, never for what they may see.
"""

import asyncio
import base64
import binascii
import hashlib
import json
import re
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
from jose import jwk, jwt
from jose.backends.base import Key

from api.domain.actor import Actor, Role
from api.problems import WireError
from api.settings import Settings, TrustedIssuer

SHAPE = re.compile(r"^[A-Za-z0-9_-]{2,2000}\.[A-Za-z0-9_-]{2,6000}\.[A-Za-z0-9_-]{2,1200}$")
HEADER_NAMES = {"alg", "kid", "typ", "x5t"}
"""`x5t` comes along with some providers' tokens and is not looked at. A name that could bring a key is refused."""
TYPES = {"jwt", "at+jwt"}
ALGORITHMS = {"RSA": "RS256", "EC": "ES256"}
REQUIRED_CLAIMS = ("iss", "sub", "aud", "exp", "iat")
LONGEST_LIFE = 12 * 3600
LEEWAY = 10
REMEMBERED_FOR = 60
REMEMBERED_AT_MOST = 10_000
REFETCH_EVERY = 30
KEYS_FRESH_FOR = 600
"""Seconds after which an issuer's keys are fetched anew, so that a key it took back loses its force."""
RSA_BITS = range(2048, 8193)

CLAIMS_OF: dict[Role, tuple[str, ...]] = {
    Role.AGENCY_SYSTEM: ("agency_id",),
    Role.PROFESSIONAL: ("agency_id", "professional_id"),
    Role.REGISTRAR: ("municipality_code",),
    Role.ANALYST: ("municipality_code",),
    Role.PRIVACY_OFFICER: ("municipality_code",),
    Role.FAMILY_MEMBER: ("person_id",),
    Role.PLATFORM_ADMINISTRATOR: (),
}
"""What a token must say beside its role."""


class BadToken(Exception):
    """A token that proves nothing."""


@dataclass(frozen=True)
class VerifyingKey:
    """One public key, ready for use, and the one algorithm it is for."""

    key: Key
    algorithm: str


def usable_keys(jwks: Any, algorithms: list[str]) -> dict[str, VerifyingKey]:
    """The keys of a JWK set that we trust, by `kid`: RSA of at least 2048 bits, or EC on P-256. Others don't count."""
    entries = jwks.get("keys") if isinstance(jwks, Mapping) else None
    found = {}
    for entry in entries if isinstance(entries, list) else []:
        try:
            found[str(entry["kid"])] = _usable(entry, algorithms)
        except Exception:  # noqa: S112 - what can't be read is not trusted, whatever is wrong with it
            continue
    return found


def _usable(entry: Mapping[str, Any], algorithms: list[str]) -> VerifyingKey:
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
        header, claims = (_read(base64.urlsafe_b64decode(part + "==")) for part in token.split(".")[:2])
    except (ValueError, binascii.Error, RecursionError) as error:
        raise BadToken from error
    if not isinstance(header, dict) or not isinstance(claims, dict) or not set(header) <= HEADER_NAMES:
        raise BadToken
    if not all(isinstance(value, str) for value in header.values()):
        raise BadToken
    return header, claims


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
    """Whether a claim is text that can be stored and shown: no NUL, no half characters."""
    return isinstance(text, str) and 0 < len(text) <= longest and text.isprintable()


def verify(token: str, keys: Mapping[str, VerifyingKey], *, issuer: str, audience: str) -> dict[str, Any]:
    """The claims of a token that one of these keys signed for this audience, valid now; otherwise `BadToken`."""
    header, _ = parse(token)
    known = keys.get(header.get("kid", ""))
    if known is None or header.get("alg") != known.algorithm or header.get("typ", "JWT").lower() not in TYPES:
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
    life = [claims[name] for name in ("iat", "exp")]
    if not all(type(moment) is int for moment in life) or not 0 < life[1] - life[0] <= LONGEST_LIFE:
        raise BadToken
    if life[0] > time.time() + LEEWAY or not is_plain(claims["sub"]):
        raise BadToken
    return claims


def actor_of(claims: Mapping[str, Any]) -> Actor:
    """Who these claims say is asking; `BadToken` where they don't say enough."""
    try:
        role = Role(claims["role"])
        wanted = {name: claims[name] for name in CLAIMS_OF[role]}
        ids = {name: UUID(value) for name, value in wanted.items() if name.endswith("_id")}
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise BadToken from error
    code = wanted.get("municipality_code")
    if code is not None and not (isinstance(code, str) and re.fullmatch(r"[0-9]{4}", code)):
        raise BadToken
    return Actor(role=role, subject=claims["sub"], issuer=claims["iss"], municipality_code=code, **ids)


class Issuer:
    """One identity provider: its keys, and which roles and municipality its tokens may speak for."""

    def __init__(self, trusted: TrustedIssuer, own_roles: frozenset[Role]) -> None:
        self.name = trusted.issuer
        self.roles = frozenset(Role(role) for role in trusted.roles) if trusted.roles else own_roles
        self._trusted = trusted
        self._keys = usable_keys(trusted.jwks or {}, trusted.algorithms)
        self._fetched_at = -float(REFETCH_EVERY)
        self._fetching = asyncio.Lock()

    async def keys_for(self, kid: str) -> Mapping[str, VerifyingKey]:
        """Its keys; fetched anew for a `kid` we don't know or after a while, at most once every half minute."""
        known = kid in self._keys
        wanted = not known or time.monotonic() - self._fetched_at >= KEYS_FRESH_FOR
        if self._trusted.jwks_url and wanted and not (known and self._fetching.locked()):
            async with self._fetching:
                if time.monotonic() - self._fetched_at >= REFETCH_EVERY:
                    self._fetched_at = time.monotonic()
                    await self._fetch(self._trusted.jwks_url)
        return self._keys

    async def _fetch(self, url: str) -> None:
        """Take over the keys at this address. Where that fails or gives none, the known ones stay."""
        try:
            async with httpx.AsyncClient(timeout=5, follow_redirects=False) as client:
                answer = await client.get(url)
            self._keys = usable_keys(answer.raise_for_status().json(), self._trusted.algorithms) or self._keys
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, RecursionError):
            return

    def may_say(self, actor: Actor) -> bool:
        expected = self._trusted.municipality_code
        return actor.role in self.roles and expected in (None, actor.municipality_code)


class Authenticator:
    """Turns the bearer token of a request into an actor."""

    def __init__(self, settings: Settings, issuers: list[TrustedIssuer]) -> None:
        self._audience = settings.audience
        self._issuers = {trusted.issuer: Issuer(trusted, frozenset(CLAIMS_OF)) for trusted in issuers}
        self._remembered: OrderedDict[bytes, tuple[Actor, float, float]] = OrderedDict()

    async def actor(self, authorization: str | None) -> Actor:
        """The actor, or a 401 that says how to get a token."""
        scheme, _, token = (authorization or "").partition(" ")
        try:
            if scheme.lower() != "bearer":
                raise BadToken
            return await self._of_token(token)
        except BadToken:
            challenge = 'Bearer realm="spil"' + (', error="invalid_token"' if token else "")
            raise WireError(
                401,
                "unauthenticated",
                "Send a valid access token: Authorization: Bearer <token>. Agencies' systems get one at /oauth/token.",
                {"WWW-Authenticate": challenge},
            ) from None

    async def _of_token(self, token: str) -> Actor:
        digest = hashlib.sha256(token.encode(errors="replace")).digest()
        known = self._remembered.get(digest)
        now = time.time()
        if known and now < known[1] and now < known[2]:
            return known[0]
        header, unverified = parse(token)
        issuer = self._issuers.get(str(unverified.get("iss")))
        if issuer is None:
            raise BadToken
        keys = await issuer.keys_for(header.get("kid", ""))
        claims = verify(token, keys, issuer=issuer.name, audience=self._audience)
        actor = actor_of(claims)
        if not issuer.may_say(actor):
            raise BadToken
        self._remembered[digest] = (actor, now + REMEMBERED_FOR, float(claims["exp"]))
        while len(self._remembered) > REMEMBERED_AT_MOST:
            self._remembered.popitem(last=False)
        return actor
