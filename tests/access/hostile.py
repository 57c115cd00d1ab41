"""A hundred ways to lie in a token, each a function that makes one."""

import json
import time
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives import serialization

from tests.access.signing import b64, claims_for, ec_key, hs256, rsa_key

NAME = "https://identity.example"
ONE_TOWN = "https://town.example"
KEY, EC_KEY, WEAK, TOWN_KEY, FOREIGN = rsa_key(), ec_key(), rsa_key(1024), rsa_key(), rsa_key()
WEAK_PADDED = WEAK.jwk | {"n": b64(bytes(200) + WEAK.private.public_key().public_numbers().n.to_bytes(128))}  # type: ignore[union-attr]
PEM = KEY.private.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
SURROGATE = b'"\\ud800x"'


def good(**more: Any) -> dict[str, Any]:
    return claims_for(NAME, **more)


def raw(**replaced: bytes) -> bytes:
    """The good claims as JSON, with some values that `json.dumps` would not write."""
    text = json.dumps(good()).encode()
    for name, value in replaced.items():
        before = json.dumps(good()[name]).encode()
        text = text.replace(b'"%s": %s' % (name.encode(), before), b'"%s": %s' % (name.encode(), value))
    return text


def unsigned(header: dict[str, Any], claims: Any, signature: str = "") -> str:
    return f"{b64(json.dumps(header).encode())}.{b64(json.dumps(claims).encode())}.{signature}"


def after(change: Callable[[str, str, str], str]) -> Callable[[], str]:
    return lambda: change(*KEY.sign(good()).split("."))


def said(**claims: Any) -> Callable[[], str]:
    return lambda: KEY.sign(good(**claims))


def written(**values: bytes) -> Callable[[], str]:
    return lambda: KEY.sign(raw(**values))


def headed(**header: Any) -> Callable[[], str]:
    return lambda: KEY.sign(good(), header)


NOW = int(time.time())
UUID_ = "6f0c2d1e-8a51-4b39-9d5f-0d5a5d0a3b11"
HOSTILE: dict[str, Callable[[], str]] = {
    # Claims that lack or lie
    **{f"no {name}": said(**{name: None}) for name in ("iss", "sub", "aud", "exp", "iat", "role", "municipality_code")},
    "expired": said(iat=NOW - 900, exp=NOW - 300),
    "never issued": said(iat=NOW + 86_400, exp=NOW + 86_400 + 60),
    "lives too long": said(exp=NOW + 13 * 3600),
    "ends before it starts": said(iat=NOW + 5, exp=NOW + 1),
    "not yet valid": said(nbf=NOW + 3600),
    "other audience": said(aud="elsewhere"),
    "other audiences": said(aud=["elsewhere", "spil.example"]),
    "audience of numbers": said(aud=[1, 2]),
    "audience an object": said(aud={"spil": 1}),
    "unknown issuer": said(iss="https://unknown.example"),
    "issuer a list": said(iss=[NAME]),
    "issuer an object": said(iss={"name": NAME}),
    "exp as text": said(exp=str(NOW + 600)),
    "exp with a fraction": said(exp=NOW + 600.5),
    "exp not a number": written(exp=b"NaN"),
    "exp infinite": written(exp=b"Infinity"),
    "exp of 400 digits": written(exp=b"9" * 400),
    "exp of 5000 digits": lambda: KEY.sign(raw(exp=b"9" * 3000)),
    "exp 1e999": written(exp=b"1e999"),
    "exp true": said(exp=True),
    "exp negative": said(exp=-1),
    "exp a list": said(exp=[NOW + 600]),
    "iat as text": said(iat=str(NOW)),
    "iat false": said(iat=False),
    "nbf as text": said(nbf="soon"),
    "sub a number": said(sub=7),
    "sub empty": said(sub=""),
    "sub long": said(sub="a" * 256),
    "sub a list": said(sub=["somebody"]),
    "sub with NUL": said(sub="some\x00body"),
    "sub with half a character": written(sub=SURROGATE),
    "sub with a line break": said(sub="some\nbody"),
    "role unknown": said(role="mayor"),
    "role of the clock": said(role="clock"),
    "role a list": said(role=["analyst"]),
    "role an object": said(role={"analyst": True}),
    "role in capitals": said(role="ANALYST"),
    "role with half a character": written(role=SURROGATE),
    "agency's system without agency": said(role="agency_system"),
    "professional without a person": said(role="professional", agency_id=UUID_),
    "professional without agency": said(role="professional", professional_id=UUID_),
    "family member without person": said(role="family_member"),
    "agency not a uuid": said(role="agency_system", agency_id="1 OR true"),
    "agency a number": said(role="agency_system", agency_id=1),
    "agency a list": said(role="agency_system", agency_id=[UUID_]),
    "agency null": written(role=b'"agency_system", "agency_id": null'),
    "municipality a number": said(municipality_code=1234),
    "municipality too long": said(municipality_code="00010"),
    "municipality with a line break": said(municipality_code="0001\n"),
    "municipality in other digits": said(municipality_code="٠٠٠١"),
    "claims twice": lambda: KEY.sign(json.dumps(good()).encode()[:-1] + b', "role": "privacy_officer"}'),
    "claims a list": lambda: KEY.sign([good()]),
    "claims a string": lambda: KEY.sign("claims"),
    "claims null": lambda: KEY.sign(b"null"),
    "claims no JSON": lambda: KEY.sign(b"{not json}"),
    "claims no UTF-8": lambda: KEY.sign(b'{"sub": "\xff\xfe"}'),
    "claims empty": lambda: KEY.sign(b"{}"),
    "claims nested deep": lambda: KEY.sign(b"[" * 4000),
    "claims objects nested deep": lambda: KEY.sign(b'{"a":' * 800 + b"1" + b"}" * 800),
    # Headers that lie
    "alg none": lambda: unsigned({"alg": "none", "typ": "JWT"}, good()),
    "alg none with a kid": lambda: unsigned({"alg": "none", "kid": KEY.kid}, good(), "AA"),
    "alg None": lambda: unsigned({"alg": "None", "kid": KEY.kid}, good(), "AA"),
    "HS256 by the public key": lambda: hs256(good(), PEM, {"kid": KEY.kid}),
    "HS256 by the modulus": lambda: hs256(good(), KEY.jwk["n"].encode(), {"kid": KEY.kid}),
    "HS256 by nothing": lambda: hs256(good(), b"", {"kid": KEY.kid}),
    "RSA called ES256": headed(alg="ES256"),
    "RSA called RS512": headed(alg="RS512"),
    "RSA called PS256": headed(alg="PS256"),
    "RSA under the kid of the EC key": headed(kid=EC_KEY.kid),
    "alg missing": headed(alg=None),
    "alg a list": headed(alg=["RS256"]),
    "kid missing": headed(kid=None),
    "kid unknown": headed(kid="unknown"),
    "kid empty": headed(kid=""),
    "kid a number": headed(kid=1),
    "kid a path": headed(kid="../../etc/passwd"),
    "kid with SQL": headed(kid="' OR '1'='1"),
    "kid with NUL": headed(kid=KEY.kid + "\x00"),
    "kid of another issuer": headed(kid=TOWN_KEY.kid),
    "unknown crit": headed(crit=["exp2"]),
    "crit b64": headed(crit=["b64"], b64=False),
    "key brought along": lambda: FOREIGN.sign(good(), {"kid": KEY.kid, "jwk": FOREIGN.jwk}),
    "address of a key": lambda: FOREIGN.sign(good(), {"jku": "https://evil.example/jwks"}),
    "address of a certificate": headed(x5u="https://evil.example/cert"),
    "certificate": headed(x5c=["AA"]),
    "zipped": headed(zip="DEF"),
    "encrypted": headed(enc="A256GCM"),
    "nested": headed(cty="JWT"),
    "typ of another token": headed(typ="logout+jwt"),
    "typ a number": headed(typ=1),
    "header twice": lambda: KEY.sign_raw(
        f'{{"alg":"none","alg":"RS256","kid":"{KEY.kid}"}}'.encode(), json.dumps(good()).encode()
    ),
    "header a list": lambda: KEY.sign_raw(b'["RS256"]', json.dumps(good()).encode()),
    "header no JSON": lambda: KEY.sign_raw(b"RS256", json.dumps(good()).encode()),
    # Signatures and shapes
    "key of another issuer": lambda: TOWN_KEY.sign(good()),
    "key of nobody under our kid": lambda: FOREIGN.sign(good(), {"kid": KEY.kid}),
    "key of 1024 bits": lambda: WEAK.sign(good()),
    "junk signature": after(lambda head, body, _: f"{head}.{body}.{b64(bytes(256))}"),
    "short signature": after(lambda head, body, sig: f"{head}.{body}.{sig[:-4]}"),
    "no signature": after(lambda head, body, _: f"{head}.{body}."),
    "two parts": after(lambda head, body, _: f"{head}.{body}"),
    "four parts": after(lambda head, body, sig: f"{head}.{body}.{sig}.{sig}"),
    "other claims": after(lambda head, _, sig: f"{head}.{b64(json.dumps(good(role='registrar')).encode())}.{sig}"),
    "truncated": after(lambda head, body, sig: f"{head}.{body}.{sig}"[:-1]),
    "padded": after(lambda head, body, sig: f"{head}.{body}.{sig}=="),
    "plus and slash": after(lambda head, body, sig: f"{head}.{body}.+/{sig[2:]}"),
    "oversized": lambda: KEY.sign(good(filler="x" * 12_000)),
    "long junk": lambda: "a" * 20_000 + ".b.c",
    "dots": lambda: "...",
    "one letter": lambda: "a",
    "space before": after(lambda head, body, sig: f" {head}.{body}.{sig}"),
    "tab within": after(lambda head, body, sig: f"{head}\t.{body}.{sig}"),
    "unicode whitespace": after(lambda head, body, sig: f"{head}.{body}.{sig}\u00a0"),
    "high bytes": lambda: "\u00ff\u00fe.\u00e9.\u00e9",
    "EC signature of zeros": lambda: ".".join([*EC_KEY.sign(good()).split(".")[:2], b64(bytes(64))]),
}
