"""Agencies' systems that ask for tokens, by a signed assertion (`private_key_jwt`, NL GOV OAuth profile).

An assertion counts once, for this endpoint, for a short time, and only if a key that was registered for the client
signed it. Whatever is wrong with one, the answer is the same.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col

from api.auth.tokens import LEEWAY, BadToken, is_plain, parse, usable_keys, verify
from api.domain.actor import Actor, Role
from api.domain.errors import Invalid
from api.domain.models import Agency, Client, ClientAssertion
from api.problems import WireError

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LONGEST_ASSERTION = 300
REFUSED = "This client can't be authenticated. Check the key, `aud`, `exp` and that each `jti` is used once."


ALGORITHMS = ["RS256", "ES256"]


def check_keys(jwks: dict[str, list[dict[str, Any]]]) -> None:
    """Refuse keys that no assertion could be trusted by."""
    usable = usable_keys(jwks, ALGORITHMS)
    if len(usable) != len(jwks["keys"]):
        raise Invalid(
            "Send public keys, each with a kid of its own: RSA of 2048 to 8192 bits, or EC on P-256.", field="jwks.keys"
        )


def check_grant(grant_type: str, assertion_type: str) -> None:
    if grant_type != "client_credentials":
        raise WireError(400, "unsupported_grant_type", "Send grant_type=client_credentials.")
    if assertion_type != ASSERTION_TYPE:
        raise WireError(400, "invalid_client", f"Send client_assertion_type={ASSERTION_TYPE}.")


def authenticate(session: Session, assertion: str, audience: str) -> Actor:
    """The agency's system that signed this assertion."""
    try:
        claims, client = _verified(session, assertion, audience)
        _use_once(session, client, claims)
        session.commit()
    except BadToken:
        raise WireError(401, "invalid_client", REFUSED, {"WWW-Authenticate": "Bearer"}) from None
    return Actor(role=Role.AGENCY_SYSTEM, subject=client.id, agency_id=client.agency_id)


def _verified(session: Session, assertion: str, audience: str) -> tuple[dict[str, Any], Client]:
    _, unverified = parse(assertion)
    claimed = unverified.get("iss")
    client = session.get(Client, claimed) if is_plain(claimed) else None
    if client is None or not client.active or not session.get_one(Agency, client.agency_id).active:
        raise BadToken
    claims = verify(assertion, usable_keys(client.jwks, ALGORITHMS), issuer=client.id, audience=audience)
    if claims["sub"] != client.id or claims["exp"] - claims["iat"] > LONGEST_ASSERTION:
        raise BadToken
    return claims, client


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
