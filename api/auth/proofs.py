"""Who asks, from the bearer token of a request: whom it proves, within which scopes, and by which client.

A verified token is remembered for a minute at most, by its digest. That is for knowing who asks, never for what they
may see; and whether the client that got it is still trusted is asked every time (`api/auth/revocations.py`).
"""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import Request

from api.auth.issuers import Issuer
from api.auth.revocations import Revocations
from api.auth.tokens import BadToken, parse, verify
from api.domain.actor import Actor
from api.limits import Limits, Verdict, address_of
from api.problems import WireError
from api.settings import Settings
from api.trust import TrustedIssuer

REMEMBERED_FOR = 60
REMEMBERED_AT_MOST = 10_000
UNAUTHENTICATED = "Send a valid access token: Authorization: Bearer <token>. Agencies' systems get one at /oauth/token."


@dataclass(frozen=True)
class Proof:
    """What a verified access token proves."""

    actor: Actor
    scopes: frozenset[str] | None
    """The permissions it is narrowed to; None where it is not narrowed."""
    client: tuple[str, str] | None
    """The client of ours that asked for it, and the key it did so with."""
    expires_at: float

    @property
    def asker(self) -> str:
        """Whose requests are counted together: the client's, whoever it acts for; otherwise the person's own."""
        return self.client[0] if self.client else f"{self.actor.issuer} {self.actor.subject}"


async def admit(request: Request) -> Proof:
    """Who makes this request, if they don't ask too much."""
    state = request.app.state
    try:
        proof: Proof = await state.authenticator.proof(request.headers.get("authorization"))
    except WireError:
        count_address(request)
        raise
    limits: Limits = state.limits
    _hold_to(limits.of_client.count(proof.asker), request)
    return proof


def count_address(request: Request) -> None:
    """Count one more request that proves nothing yet, of whoever is at this address."""
    state, peer = request.app.state, request.client.host if request.client else ""
    address = address_of(peer, request.headers.get("x-forwarded-for", ""), state.settings.proxies)
    limits: Limits = state.limits
    _hold_to(limits.of_address.count(address), request)


def _hold_to(verdict: Verdict | None, request: Request) -> None:
    if verdict is not None:
        request.scope["added_headers"] += verdict.headers.items()
        if verdict.refused:
            raise verdict.refusal from None


class Authenticator:
    """Turns the bearer token of a request into what it proves."""

    def __init__(self, settings: Settings, own: TrustedIssuer, revocations: Revocations) -> None:
        trusted = [own, *settings.issuers]
        self._own, self._revocations = own.issuer, revocations
        self._issuers = {
            one.issuer: Issuer(one, settings.audience, loopback=settings.in_development) for one in trusted
        }
        self._remembered: OrderedDict[bytes, tuple[Proof, float]] = OrderedDict()

    async def proof(self, authorization: str | None) -> Proof:
        """What this `Authorization` header proves, or a 401 that says how to get a token."""
        scheme, _, token = (authorization or "").partition(" ")
        try:
            if scheme.lower() != "bearer":
                raise BadToken
            proof = await self._of_token(token)
            if proof.client and await self._revocations.has(*proof.client):
                raise BadToken
        except BadToken:
            challenge = 'Bearer realm="spil"' + (', error="invalid_token"' if token else "")
            raise WireError(401, "unauthenticated", UNAUTHENTICATED, {"WWW-Authenticate": challenge}) from None
        return proof

    async def _of_token(self, token: str) -> Proof:
        digest = hashlib.sha256(token.encode(errors="replace")).digest()
        proof, until = self._remembered.get(digest, (None, 0.0))
        now = time.time()
        if proof and now < until and now < proof.expires_at:
            return proof
        proof = await self._verified(token)
        self._remembered[digest] = (proof, now + REMEMBERED_FOR)
        while len(self._remembered) > REMEMBERED_AT_MOST:
            self._remembered.popitem(last=False)
        return proof

    async def _verified(self, token: str) -> Proof:
        header, unverified = parse(token)
        issuer = self._issuers.get(str(unverified.get("iss")))
        if issuer is None or not header.get("kid") or not issuer.signs_with(header.get("alg")):
            raise BadToken
        keys = await issuer.keys_for(header["kid"])
        claims = verify(token, keys, issuer=issuer.name, audience=issuer.audience)
        client = _client(claims) if issuer.name == self._own else None
        return Proof(issuer.actor(claims), issuer.scopes(claims), client, float(claims["exp"]))


def _client(claims: Mapping[str, Any]) -> tuple[str, str] | None:
    """The client that our own issuer gave this token to. One made on the command line was given to none."""
    return (claims["client_id"], claims["client_key"]) if "client_id" in claims else None
