"""Which identity providers are trusted, and for what: data, checked before anything runs on it.

Invariant: a token says no more than its issuer is trusted to say. A provider gives only the roles that are named here,
for the municipalities and agencies that are named here; in production none of that may be left open by accident.
"""

import re
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any, Literal
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from api.domain.actor import Role

ALGORITHMS = ("RS256", "ES256")

Said = Literal["role", "municipality_code", "agency_id", "professional_id", "person_id"]
"""What tokens say of somebody, beside who they are."""
Anyone = Literal["any"]

CLAIMS_OF: dict[Role, tuple[Said, ...]] = {
    Role.AGENCY_SYSTEM: ("agency_id",),
    Role.PROFESSIONAL: ("agency_id", "professional_id"),
    Role.REGISTRAR: ("municipality_code",),
    Role.ANALYST: ("municipality_code",),
    Role.PRIVACY_OFFICER: ("municipality_code",),
    Role.FAMILY_MEMBER: ("person_id",),
    Role.PLATFORM_ADMINISTRATOR: (),
}
"""What a token must say beside its role."""


class ClaimSource(BaseModel):
    """Where an issuer's tokens say something: in a claim, perhaps in words of their own; or it is always the same."""

    model_config = ConfigDict(extra="forbid")

    claim: str | list[str] | None = Field(
        default=None, description="The claim's name; a list is the way through nested objects. Default: our own name."
    )
    values: dict[str, str] = Field(
        default={}, description="Their value to ours. Others count for nothing; without any, theirs are ours."
    )
    fixed: str | None = Field(default=None, description="What holds for every token of this issuer.")


class TrustedIssuer(BaseModel):
    """An identity provider whose tokens are accepted. Its public keys: inline, by URL, or else by OIDC discovery."""

    model_config = ConfigDict(extra="forbid")

    issuer: str
    jwks: dict[str, Any] | None = None
    jwks_url: str | None = None
    algorithms: list[str] = list(ALGORITHMS)
    audience: str | None = Field(default=None, description="The `aud` of its tokens, if it is not SPIL_AUDIENCE.")
    roles: list[str] = Field(default=[], description="The roles its tokens may give. Empty: all of them.")
    municipality_codes: list[str] | Anyone = Field(
        default=[], description="The municipalities its tokens may speak for. Empty: any."
    )
    agency_ids: list[UUID] | Anyone = Field(default=[], description="The agencies, likewise.")
    claims: dict[Said, ClaimSource] = Field(default={}, description="Where its tokens say what.")
    scope_required: bool = Field(
        default=False, description="Whether a token must name scopes of Spil's. Otherwise one that names none has all."
    )

    @property
    def may_give(self) -> frozenset[Role]:
        return frozenset(Role(role) for role in self.roles) if self.roles else frozenset(CLAIMS_OF)

    @property
    def discovery_url(self) -> str:
        return f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"

    def source(self, name: Said) -> ClaimSource:
        return self.claims.get(name, ClaimSource())


def is_safe(url: str, *, loopback: bool) -> bool:
    """Whether what is fetched here comes from whom it says: over TLS, or from this machine where that is allowed."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    if parts.scheme == "http" and loopback:
        return host == "localhost" or _is_loopback(host)
    return parts.scheme == "https" and host != ""


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def keys_address(issuer: TrustedIssuer, document: Any, *, loopback: bool) -> str:
    """Where the keys are, by the provider's own discovery document. `ValueError` says why it can't be relied on."""
    said = document if isinstance(document, dict) else {}
    if said.get("issuer") != issuer.issuer:
        raise ValueError("the document there is of another issuer")
    address = said.get("jwks_uri")
    if not isinstance(address, str) or not is_safe(address, loopback=loopback):
        raise ValueError("the jwks_uri there is not https")
    return address


def problems_with(issuers: list[TrustedIssuer], own: str, *, production: bool) -> list[str]:
    """What is wrong with the trusted issuers, a sentence each that says how to mend it."""
    names = [one.issuer for one in issuers]
    found = [f"SPIL_ISSUERS names {name} twice." for name in sorted({one for one in names if names.count(one) > 1})]
    if own in names:
        found.append(f"SPIL_ISSUERS names {own}, which is Spil's own issuer. Leave it out.")
    for issuer in issuers:
        about = f"The issuer {issuer.issuer} in SPIL_ISSUERS"
        found += [f"{about} {wrong}" for wrong in (*_wrong(issuer, production), *_claims(issuer))]
        found += [f"{about} {wrong}" for wrong in (_left_open(issuer) if production and not _unknown(issuer) else ())]
    return found


def _wrong(issuer: TrustedIssuer, production: bool) -> Iterator[str]:
    wanted = "must start with https:// in production." if production else "must start with https://, or be on loopback."
    if not is_safe(issuer.issuer, loopback=not production):
        yield wanted
    if issuer.jwks_url and not is_safe(issuer.jwks_url, loopback=not production):
        yield f"has a jwks_url that {wanted}"
    if issuer.jwks and issuer.jwks_url:
        yield "has both jwks and jwks_url: give one of them, or neither, and the keys are found by OIDC discovery."
    if not issuer.algorithms or set(issuer.algorithms) - set(ALGORITHMS):
        yield f"must have algorithms out of {', '.join(ALGORITHMS)}."
    if unknown := _unknown(issuer):
        yield f"has roles that there are not: {', '.join(unknown)}. There are: {', '.join(CLAIMS_OF)}."
    if any(not _is_code(code) for code in issuer.municipality_codes) and issuer.municipality_codes != "any":
        yield "must name municipalities by their CBS code of four digits."


def _unknown(issuer: TrustedIssuer) -> list[str]:
    return [role for role in issuer.roles if role not in set(CLAIMS_OF)]


def _claims(issuer: TrustedIssuer) -> Iterator[str]:
    """What is wrong with where its tokens say what."""
    for name, source in issuer.claims.items():
        if source.fixed is not None and (source.claim or source.values):
            yield f"has a {name} that is fixed and read from a claim: choose one."
        if source.claim in ("", []) or (isinstance(source.claim, list) and "" in source.claim):
            yield f"must name the claim of {name}."
        for value in [*source.values.values(), *([source.fixed] if source.fixed is not None else [])]:
            if wrong := _not_allowed(issuer, name, value):
                yield wrong


def _not_allowed(issuer: TrustedIssuer, name: Said, value: str) -> str | None:
    """Why a token of this issuer may never say this, if so: then it stands in the configuration by mistake."""
    if name == "role":
        allowed = value in (issuer.roles or CLAIMS_OF)
        return None if allowed else f"gives the role {value}, which its roles leave out."
    if name == "municipality_code":
        allowed = _is_code(value) and (issuer.municipality_codes in ([], "any") or value in issuer.municipality_codes)
        return None if allowed else f"gives the municipality {value}, which its municipality_codes leave out."
    if not _is_id(value):
        return f"gives the {name} {value}, which is no UUID."
    if name == "agency_id" and issuer.agency_ids not in ([], "any") and UUID(value) not in issuer.agency_ids:
        return f"gives the agency {value}, which its agency_ids leave out."
    return None


def _left_open(issuer: TrustedIssuer) -> Iterator[str]:
    """What production wants said in so many words."""
    if not issuer.roles:
        yield "must name the roles its tokens may give: roles."
        return
    needed = {claim for role in issuer.may_give for claim in CLAIMS_OF[role]}
    if "municipality_code" in needed and not issuer.municipality_codes:
        yield 'must name the municipalities it may speak for: municipality_codes, or "any".'
    if "agency_id" in needed and not issuer.agency_ids:
        yield 'must name the agencies it may speak for: agency_ids, or "any".'


def _is_code(value: str) -> bool:
    return re.fullmatch(r"[0-9]{4}", value) is not None


def _is_id(value: str) -> bool:
    try:
        UUID(value)
    except ValueError:
        return False
    return True
