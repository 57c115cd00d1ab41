"""Identity providers at work: their keys, fetched and renewed while we run, and what their tokens make of somebody.

Invariant: only keys that an issuer published lately count, and whatever its tokens say is read and bounded by what
the configuration trusts it with (`api/trust.py`).
"""

import asyncio
import json
import re
import time
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import httpx

from api.auth.policy import Permission
from api.auth.tokens import BadToken, VerifyingKey, is_plain, usable_keys
from api.domain.actor import Actor, Role
from api.trust import CLAIMS_OF, Said, TrustedIssuer, keys_address

REFETCH_EVERY = 30
KEYS_FRESH_FOR = 600
"""Seconds after which an issuer's keys are fetched anew, so that a key it took back loses its force."""
KEYS_LAST_FOR = 3600
"""Seconds after which keys that could not be fetched anew count no more."""
ADDRESS_FRESH_FOR = 3600
PATIENCE = 5
LARGEST = 1024 * 1024
"""Bytes of a document that an issuer publishes; more is not read."""

SCOPES = frozenset(str(permission) for permission in Permission)


class Issuer:
    """One identity provider."""

    def __init__(self, trusted: TrustedIssuer, audience: str, *, loopback: bool) -> None:
        self.name = trusted.issuer
        self.audience = trusted.audience or audience
        self._trusted, self._loopback = trusted, loopback
        self._roles = trusted.may_give
        self._keys = usable_keys(trusted.jwks or {}, trusted.algorithms)
        self._address: str | None = None
        self._addressed_at = self._fetched_at = self._confirmed_at = -float("inf")
        self._fetching = asyncio.Lock()

    def signs_with(self, algorithm: str | None) -> bool:
        return algorithm in self._trusted.algorithms

    async def keys_for(self, kid: str) -> Mapping[str, VerifyingKey]:
        """Its keys; fetched anew for a `kid` we don't know or after a while, at most once every half minute."""
        if self._trusted.jwks is not None:
            return self._keys
        known = kid in self._keys
        wanted = not known or time.monotonic() - self._fetched_at >= KEYS_FRESH_FOR
        if wanted and not (known and self._fetching.locked()):
            async with self._fetching:
                if time.monotonic() - self._fetched_at >= REFETCH_EVERY:
                    self._fetched_at = time.monotonic()
                    await self._fetch()
        return self._keys

    async def _fetch(self) -> None:
        """Take over the keys it publishes. Where that fails or gives none, the known ones stay for a while."""
        try:
            async with asyncio.timeout(PATIENCE), httpx.AsyncClient(timeout=PATIENCE) as client:
                found = usable_keys(await _document(client, await self._where(client)), self._trusted.algorithms)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValueError, RecursionError):
            found = {}
        if found:
            self._keys, self._confirmed_at = found, time.monotonic()
        else:
            self._addressed_at = -float("inf")
            if time.monotonic() - self._confirmed_at >= KEYS_LAST_FOR:
                self._keys = {}

    async def _where(self, client: httpx.AsyncClient) -> str:
        """The address of its keys: configured, or found by discovery and remembered."""
        if self._trusted.jwks_url:
            return self._trusted.jwks_url
        if self._address is None or time.monotonic() - self._addressed_at >= ADDRESS_FRESH_FOR:
            document = await _document(client, self._trusted.discovery_url)
            self._address = keys_address(self._trusted, document, loopback=self._loopback)
            self._addressed_at = time.monotonic()
        return self._address

    def actor(self, claims: Mapping[str, Any]) -> Actor:
        """Who these claims say is asking; `BadToken` where they don't say enough, or more than this issuer may."""
        try:
            role = Role(self._said("role", claims))
            wanted = {name: self._said(name, claims) for name in CLAIMS_OF[role]}
            ids = {str(name): UUID(value) for name, value in wanted.items() if name != "municipality_code"}
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise BadToken from error
        code = wanted.get("municipality_code")
        if code is not None and not re.fullmatch(r"[0-9]{4}", code):
            raise BadToken
        if role not in self._roles or not self._speaks_for(code, ids.get("agency_id")):
            raise BadToken
        return Actor(
            role=role,
            subject=claims["sub"],
            issuer=self.name,
            municipality_code=code,
            agency_id=ids.get("agency_id"),
            professional_id=ids.get("professional_id"),
            person_id=ids.get("person_id"),
            via=_acting(claims),
        )

    def scopes(self, claims: Mapping[str, Any]) -> frozenset[str] | None:
        """What the token is narrowed to. None is no narrowing: all that its role and relations allow."""
        said = claims.get("scope", "")
        if not isinstance(said, str):
            raise BadToken
        ours = SCOPES & set(said.split(" "))
        if not ours and self._trusted.scope_required:
            raise BadToken
        return ours or None

    def _said(self, name: Said, claims: Mapping[str, Any]) -> str:
        """What the token says of this, in our words. Several things at once are no answer."""
        source = self._trusted.source(name)
        if source.fixed is not None:
            return source.fixed
        value = _claim(claims, source.claim or name)
        if source.values:
            theirs = value if isinstance(value, list) else [value]
            ours = {source.values[one] for one in theirs if isinstance(one, str) and one in source.values}
            [value] = ours
        if not isinstance(value, str):
            raise BadToken
        return value

    def _speaks_for(self, municipality_code: str | None, agency_id: UUID | None) -> bool:
        codes, agencies = self._trusted.municipality_codes, self._trusted.agency_ids
        of_municipality = municipality_code is None or codes in ([], "any") or municipality_code in codes
        return of_municipality and (agency_id is None or agencies in ([], "any") or agency_id in agencies)


def _claim(claims: Mapping[str, Any], where: str | list[str]) -> Any:
    value: Any = claims
    for name in [where] if isinstance(where, str) else where:
        value = value[name]
    return value


def _acting(claims: Mapping[str, Any]) -> str | None:
    """Who acts on the subject's behalf (RFC 8693, `act`), if anybody does."""
    if "act" not in claims:
        return None
    acting = claims["act"].get("sub") if isinstance(claims["act"], dict) else None
    if not is_plain(acting):
        raise BadToken
    return str(acting)


async def _document(client: httpx.AsyncClient, url: str) -> Any:
    """A JSON document at exactly this address: no redirect is followed, and no more is read than it may be long."""
    async with client.stream("GET", url, headers={"Accept": "application/json"}, follow_redirects=False) as answer:
        answer.raise_for_status()
        body = b""
        async for part in answer.aiter_bytes():
            body += part
            if len(body) > LARGEST:
                raise ValueError
    return json.loads(body)
