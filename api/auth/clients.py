"""Agencies' systems that ask for tokens, by a signed assertion (`private_key_jwt`, NL GOV OAuth profile).

An assertion counts once, for this endpoint, for a short time, and only if a key that was registered for the client
signed it. Whatever is wrong with one, the answer is the same. What is asked beside that - scopes, to act for a
professional - is only looked at once it is known who asks.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col

from api.auth.issuers import SCOPES
from api.auth.issuing import Asker
from api.auth.tokens import LEEWAY, BadToken, is_plain, parse, usable_keys, verify
from api.domain.actor import Actor, Role
from api.domain.errors import Invalid
from api.domain.models import Agency, Client, ClientAssertion, Professional
from api.problems import WireError
from api.trust import ALGORITHMS

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTIONS = frozenset({"jwt", "client-authentication+jwt"})
"""What `typ` says of an assertion: one of another kind, such as an access token, is none."""
LONGEST_ASSERTION = 300
REFUSED = "This client can't be authenticated. Check the key, `aud`, `exp` and that each `jti` is used once."


@dataclass(frozen=True)
class Wish:
    """What a client asks for."""

    assertion: str
    scope: str | None = None
    on_behalf_of: UUID | None = None


def check_keys(jwks: dict[str, list[dict[str, Any]]], field: str = "jwks.keys") -> None:
    """Refuse keys that no assertion could be trusted by."""
    usable = usable_keys(jwks, ALGORITHMS)
    if len(usable) != len(jwks["keys"]):
        raise Invalid(
            "Send public keys, each with a kid of its own: RSA of 2048 to 8192 bits, or EC on P-256.", field=field
        )


def check_grant(grant_type: str, assertion_type: str) -> None:
    if grant_type != "client_credentials":
        raise WireError(400, "unsupported_grant_type", "Send grant_type=client_credentials.")
    if assertion_type != ASSERTION_TYPE:
        raise WireError(400, "invalid_client", f"Send client_assertion_type={ASSERTION_TYPE}.")


def grant(session: Session, wish: Wish, audiences: Collection[str]) -> tuple[Actor, Asker]:
    """Whom a token is to be for, and who asked for it."""
    try:
        claims, client, kid = _verified(session, wish.assertion, audiences)
        _use_once(session, client, claims)
        session.commit()
    except BadToken:
        raise WireError(401, "invalid_client", REFUSED, {"WWW-Authenticate": "Bearer"}) from None
    asker = Asker(client.id, kid, scopes_of(wish.scope))
    if wish.on_behalf_of is None:
        return Actor(role=Role.AGENCY_SYSTEM, subject=client.id, agency_id=client.agency_id), asker
    return _on_behalf(session, client, wish.on_behalf_of), asker


def scopes_of(scope: str | None) -> frozenset[str] | None:
    """What a token is to be narrowed to; None for all that the role may do."""
    if scope is None:
        return None
    asked = frozenset(scope.split(" "))
    if not asked <= SCOPES:
        raise WireError(400, "invalid_scope", "Scopes are permissions with a space between, such as `team:read`.")
    return asked


def _on_behalf(session: Session, client: Client, professional_id: UUID) -> Actor:
    """A professional of the client's own agency, for whom it acts. Others are not told apart from who isn't there."""
    if not client.acts_for_professionals:
        raise WireError(400, "unauthorized_client", "This client may not act on behalf of professionals.")
    professional = session.get(Professional, professional_id)
    if professional is None or professional.agency_id != client.agency_id or not professional.active:
        raise WireError(400, "invalid_request", "Name an active professional of your own agency in on_behalf_of.")
    return Actor(
        role=Role.PROFESSIONAL,
        subject=str(professional.id),
        agency_id=client.agency_id,
        professional_id=professional.id,
        via=client.id,
    )


def _verified(session: Session, assertion: str, audiences: Collection[str]) -> tuple[dict[str, Any], Client, str]:
    header, unverified = parse(assertion)
    claimed = unverified.get("iss")
    client = session.get(Client, claimed) if is_plain(claimed) else None
    if client is None or not client.active or not session.get_one(Agency, client.agency_id).active:
        raise BadToken
    audience = _audience(unverified, audiences)
    keys = usable_keys(client.jwks, ALGORITHMS)
    claims = verify(assertion, keys, issuer=client.id, audience=audience, types=ASSERTIONS)
    if claims["sub"] != client.id or claims["exp"] - claims["iat"] > LONGEST_ASSERTION:
        raise BadToken
    return claims, client, header["kid"]


def _audience(claims: Mapping[str, Any], audiences: Collection[str]) -> str:
    """For which of our names the assertion is. One that is for somebody else too could be used there or here."""
    said = claims.get("aud")
    named = said if isinstance(said, list) else [said]
    if not named or not all(isinstance(one, str) and one in audiences for one in named):
        raise BadToken
    return str(named[0])


def _use_once(session: Session, client: Client, claims: dict[str, Any]) -> None:
    jti = claims.get("jti")
    if not is_plain(jti):
        raise BadToken
    forgotten_at = datetime.fromtimestamp(claims["exp"], UTC) + timedelta(seconds=LEEWAY)
    used = session.execute(
        insert(ClientAssertion)
        .values(client_id=client.id, jti=jti, expires_at=forgotten_at)
        .on_conflict_do_nothing()
        .returning(col(ClientAssertion.jti))
    ).first()
    if used is None:
        raise BadToken
