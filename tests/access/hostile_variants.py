"""The same lies in many dresses: each claim, header and signature, with all that one might put in its place."""

import json
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from tests.access.hostile import (
    EC_KEY,
    FOREIGN,
    KEY,
    NAME,
    NOW,
    ONE_TOWN,
    PEM,
    TOWN_KEY,
    UUID_,
    after,
    good,
    headed,
    raw,
    said,
    written,
)
from tests.access.signing import SigningKey, b64, claims_for, hs256

Lies = dict[str, Callable[[], str]]
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of P-256: what the halves of its signatures stay under."""


_counted: Counter[str] = Counter()


def each(name: str, values: Iterable[Any], make: Callable[[Any], Callable[[], str]]) -> Lies:
    """One lie for each value, named by its place: what it is may differ from one process to the next."""
    lies = {}
    for value in values:
        _counted[name] += 1
        lies[f"{name}, {_counted[name]}"] = make(value)
    return lies


def claim(name: str, *values: Any, **beside: Any) -> Lies:
    return each(name, values, lambda value: said(**beside, **{name: value}))


def header(name: str, *values: Any) -> Lies:
    return each(f"header {name}", values, lambda value: headed(**{name: value}))


def as_system(name: str, *values: Any) -> Lies:
    return claim(name, *values, role="agency_system")


CLAIMS: Lies = {
    **claim("iss", NAME + "/", NAME.upper(), " " + NAME, NAME + "\x00", NAME + "?", NAME.replace("https", "http"), 7),
    **claim("iss", NAME.replace("e", "\u0435"), ONE_TOWN, True, ""),
    **claim("aud", "", "SPIL", "spil ", " spil", "spil\x00", "s\u0440il", "spil,other", [], [["spil"]], ["SPIL"]),
    **claim("aud", 0, True, {"aud": "spil"}, [{"aud": "spil"}]),
    **claim("sub", {"id": 1}, True, "a\u2028b", "a\u202eb", "a\tb", ["a", "b"]),
    **claim("exp", 0, NOW * 1000, 2**31 - 1, 2**53, 2**63, 2**64, -(2**63), 1e10, "", [], {}, NOW - 20),
    **claim("iat", NOW * 1000, -1, 0, "", 1.5, [], {}, NOW + 3600, 2**63),
    **claim("nbf", NOW * 1000, NOW + 3600, "", [], {}, True, 1.5, 2**64),
    **claim("role", "", " analyst", "analyst ", "analyst\x00", "\u0430nalyst", "Analyst", "analyst,registrar", 0, True),
    **claim("role", ["analyst", "registrar"], {"value": "analyst"}, "admin", "*", "root"),
    **claim("municipality_code", "", "1", " 001", "0001 ", "+001", "1e03", "0x01", "-001", "00\u00a01", True, 1.0),
    **claim("municipality_code", ["0001"], {"code": "0001"}, "\uff10\uff10\uff10\uff11", "0001\x00", "%", "____"),
    **as_system("agency_id", "", UUID_[:-1], UUID_ + "\n", UUID_ + UUID_, UUID_.replace("-", "_"), "*", "%00", 0, True),
    **as_system("agency_id", {"$ne": None}, [UUID_, UUID_], "../" + UUID_, "' OR ''='"),
    **claim("scope", ["team:read"], 7, True, {"team:read": True}),
    **claim("act", "somebody", [], {}, {"sub": 1}, {"sub": ""}, {"sub": "a\x00"}, {"sub": None}, {"act": {"sub": "a"}}),
    **{
        f"{name} null": written(**{name: b"null"})
        for name in ("iss", "sub", "aud", "exp", "iat", "role", "municipality_code")
    },
    **{
        f"{name} twice": (lambda name=name: KEY.sign(raw()[:-1] + f', "{name}": {json.dumps(good()[name])}}}'.encode()))
        for name in ("iss", "sub", "aud", "exp", "iat")
    },
    "role twice, once in escapes": lambda: KEY.sign(raw()[:-1] + b', "\\u0072ole": "registrar"}'),
    "a name twice, deep within": lambda: KEY.sign(raw()[:-1] + b', "x": {"a": 1, "a": 2}}'),
    "NaN deep within": lambda: KEY.sign(raw()[:-1] + b', "x": [NaN]}'),
    "something after the claims": lambda: KEY.sign(raw() + b"{}"),
    "a mark before the claims": lambda: KEY.sign(b"\xef\xbb\xbf" + raw()),
    "claims with a comment": lambda: KEY.sign(raw()[:-1] + b"/* */}"),
    "claims in single quotes": lambda: KEY.sign(raw().replace(b'"', b"'")),
    "claims within claims": lambda: KEY.sign(json.dumps({"claims": good()}).encode()),
    "a token for claims": lambda: KEY.sign(KEY.sign(good()).encode()),
    "the town's issuer by another's key": lambda: KEY.sign(claims_for(ONE_TOWN, role="registrar")),
    "the town for another town": lambda: TOWN_KEY.sign(
        claims_for(ONE_TOWN, role="registrar", municipality_code="0043")
    ),
}

UNWANTED = ("b64", "jku", "x5u", "epk", "apu", "p2c", "iv", "tag", "cty", "nonce", "url", "iss")
HEADERS: Lies = {
    **header("alg", "", "NONE", "nOnE", "rs256", "RS256 ", "RS256\x00", "HS384", "HS512", "ES384", "ES512", "ES256K"),
    **header("alg", "EdDSA", "PS384", "RSA1_5", "RSA-OAEP", "dir", "A256GCM", True, 256, {}, [], {"alg": "RS256"}),
    **header("kid", KEY.kid[::-1], KEY.kid + " ", KEY.kid[:-1], "*", "%", "/dev/null", "file:///etc/passwd", True),
    **header("kid", "https://evil.example/key", "a" * 1200, "__proto__", "0 UNION SELECT 1", [KEY.kid]),
    **header("typ", "", "JOSE", "JWE", "dpop+jwt", "secevent+jwt", "id_token+jwt", "jwt ", "at+jwt\x00", []),
    **header("crit", [], ["alg"], ["kid"], ["http://example.com/UNDEFINED"], "b64", True, {"b64": True}),
    **header("jwk", FOREIGN.jwk, {"kty": "oct", "k": "AA"}, {**EC_KEY.jwk, "x": "AAAA"}, {}, "key"),
    **header("x5c", [], ["MIIB"], "MIIB"),
    **each("header", UNWANTED, lambda name: headed(**{name: "x"})),
    "header in UTF-16": lambda: KEY.sign_raw(json.dumps({"alg": "RS256", "kid": KEY.kid}).encode("utf-16"), raw()),
    "something after the header": lambda: KEY.sign_raw(
        json.dumps({"alg": "RS256", "kid": KEY.kid}).encode() + b"{}", raw()
    ),
    "kid twice": lambda: KEY.sign_raw(f'{{"alg":"RS256","kid":"x","kid":"{KEY.kid}"}}'.encode(), raw()),
    "kid twice, once in escapes": lambda: KEY.sign_raw(
        f'{{"alg":"RS256","kid":"{KEY.kid}","\\u006bid":"x"}}'.encode(), raw()
    ),
    **{
        f"HS256 by {what}": (lambda secret=secret: hs256(good(), secret, {"kid": KEY.kid}))
        for what, secret in {
            "the key as JSON": json.dumps(KEY.jwk).encode(),
            "the key without its last line break": PEM.strip(),
            "its kid": KEY.kid.encode(),
            "a zero": b"\x00",
        }.items()
    },
}


def resigned(sign: Callable[[bytes], bytes], key: SigningKey = KEY) -> Callable[[], str]:
    """The good claims, with whatever this makes of the message for a signature."""

    def make() -> str:
        head, body, _ = key.sign(good()).split(".")
        return f"{head}.{body}.{b64(sign(f'{head}.{body}'.encode()))}"

    return make


def _rsa(how: Any, digest: hashes.HashAlgorithm) -> Callable[[bytes], bytes]:
    private = KEY.private
    assert isinstance(private, rsa.RSAPrivateKey)
    return lambda message: private.sign(message, how, digest)


def _halves(change: Callable[[int, int], tuple[int, int]]) -> Callable[[bytes], bytes]:
    def sign(message: bytes) -> bytes:
        made = EC_KEY.signature(message)
        r, s = change(int.from_bytes(made[:32]), int.from_bytes(made[32:]))
        return r.to_bytes(32) + s.to_bytes(32)

    return sign


def _der(message: bytes) -> bytes:
    made = EC_KEY.signature(message)
    return encode_dss_signature(int.from_bytes(made[:32]), int.from_bytes(made[32:]))


PSS = padding.PSS(padding.MGF1(hashes.SHA256()), 32)

SIGNATURES: Lies = {
    "RSA by PSS": resigned(_rsa(PSS, hashes.SHA256())),
    "RSA over SHA-512": resigned(_rsa(padding.PKCS1v15(), hashes.SHA512())),
    "RSA over SHA-384": resigned(_rsa(padding.PKCS1v15(), hashes.SHA384())),
    "RSA of zeros": resigned(lambda _: bytes(256)),
    "RSA of ones": resigned(lambda _: b"\xff" * 256),
    "RSA of one": resigned(lambda _: b"\x00" * 255 + b"\x01"),
    "RSA with a byte before": resigned(lambda message: b"\x00" + KEY.signature(message)),
    "RSA with a byte behind": resigned(lambda message: KEY.signature(message) + b"\x00"),
    "RSA of another message": resigned(lambda message: KEY.signature(message + b".")),
    "RSA backwards": resigned(lambda message: KEY.signature(message)[::-1]),
    "RSA twice": resigned(lambda message: KEY.signature(message) * 2),
    "EC without r": resigned(_halves(lambda r, s: (0, s)), EC_KEY),
    "EC without s": resigned(_halves(lambda r, s: (r, 0)), EC_KEY),
    "EC with r of the order": resigned(_halves(lambda r, s: (ORDER, s)), EC_KEY),
    "EC with s of the order": resigned(_halves(lambda r, s: (r, ORDER)), EC_KEY),
    "EC with both of the order": resigned(_halves(lambda r, s: (ORDER, ORDER)), EC_KEY),
    "EC of one and one": resigned(_halves(lambda r, s: (1, 1)), EC_KEY),
    "EC the other way round": resigned(_halves(lambda r, s: (s, r)), EC_KEY),
    "EC in DER": resigned(_der, EC_KEY),
    "EC half": resigned(lambda message: EC_KEY.signature(message)[:32], EC_KEY),
    "EC with a byte behind": resigned(lambda message: EC_KEY.signature(message) + b"\x00", EC_KEY),
    "EC with a byte less": resigned(lambda message: EC_KEY.signature(message)[:-1], EC_KEY),
    "EC of the key's kind, another key": resigned(
        SigningKey(ec.generate_private_key(ec.SECP256R1())).signature, EC_KEY
    ),
    "EC signature under the RSA key": resigned(EC_KEY.signature),
    "RSA signature under the EC key": resigned(KEY.signature, EC_KEY),
}


def loosened(token: str) -> str:
    """The same bytes in another spelling: the last character has bits that nobody reads."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return token[:-1] + alphabet[alphabet.index(token[-1]) ^ 1]


SHAPES: Lies = {
    "signature in another spelling": lambda: loosened(KEY.sign(good())),
    "five parts": after(lambda head, body, sig: f"{head}.{body}.{sig}.{sig}.{sig}"),
    "claims elsewhere": after(lambda head, body, sig: f"{head}..{sig}"),
    "no header": after(lambda head, body, sig: f".{body}.{sig}"),
    "as JSON": after(lambda head, body, sig: json.dumps({"protected": head, "payload": body, "signature": sig})),
    "dots in percents": after(lambda head, body, sig: f"{head}%2E{body}%2E{sig}"),
    "dots that look like dots": after(lambda head, body, sig: f"{head}\u00b7{body}\u00b7{sig}"),
    "in quotes": after(lambda head, body, sig: f'"{head}.{body}.{sig}"'),
    "Bearer twice": after(lambda head, body, sig: f"Bearer {head}.{body}.{sig}"),
    "two tokens": after(lambda head, body, sig: f"{head}.{body}.{sig},{head}.{body}.{sig}"),
    "padded everywhere": after(lambda head, body, sig: f"{head}=.{body}=.{sig}="),
    "claims padded": after(lambda head, body, sig: f"{head}.{body}==.{sig}"),
    "swapped parts": after(lambda head, body, sig: f"{body}.{head}.{sig}"),
    "capitals": after(lambda head, body, sig: f"{head}.{body}.{sig}".upper()),
    "word null": lambda: "null",
    "word undefined": lambda: "undefined",
    "a password": lambda: "bm9ib2R5OnNlY3JldA==",
    "header of one letter": after(lambda head, body, sig: f"e.{body}.{sig}"),
    "many small parts": lambda: ".".join("aa" for _ in range(2000)),
}

VARIANTS: Lies = {**CLAIMS, **HEADERS, **SIGNATURES, **SHAPES}
