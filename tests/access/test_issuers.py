"""Several issuers: each found, renewed and read as configured, and never trusted with more than was said of it."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from uuid import UUID

import httpx
import pytest
from httpx import Client, Response
from typer.testing import CliRunner

from api.auth import issuers
from api.auth.issuers import Issuer
from api.auth.tokens import BadToken
from api.cli import app as spil
from api.domain.actor import Actor, Role
from api.main import UnsafeSettings, create_app
from api.settings import Environment, Settings
from api.trust import TrustedIssuer
from tests.access.signing import SigningKey, claims_for, ec_key, rsa_key
from tests.conftest import serving
from tests.world import refused

AGENCY, OTHER_AGENCY, SOMEBODY = (UUID(int=number) for number in (1, 2, 3))
OWN = "https://spil.example/oauth"


class Site:
    """A web site of an identity provider: whatever it is told to publish, by path."""

    def __init__(self) -> None:
        self.pages: dict[str, tuple[int, bytes]] = {}
        self.asked: list[str] = []
        self.url = ""

    def publish(self, path: str, content: Any, status: int = 200) -> None:
        self.pages[path] = (status, content if isinstance(content, bytes) else json.dumps(content).encode())

    def discovered(self, *keys: SigningKey, jwks: str = "/keys", **more: Any) -> None:
        """Publish a discovery document, and these keys where it says."""
        document = {"issuer": self.url, "jwks_uri": f"{self.url}{jwks}"} | more
        self.publish("/.well-known/openid-configuration", document)
        self.publish(jwks, {"keys": [key.jwk for key in keys]})


@pytest.fixture
def site() -> Iterator[Site]:
    known = Site()

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known.asked.append(self.path)
            status, body = known.pages.get(self.path, (404, b"nothing"))
            self.send_response(status)
            if status == 302:
                self.send_header("Location", body.decode())
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    known.url = f"http://127.0.0.1:{server.server_port}"
    yield known
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def client(settings: Settings, site: Site) -> Iterator[Client]:
    """The service, trusting one provider by its name alone."""
    app = create_app(settings.model_copy(update={"issuers": [TrustedIssuer(issuer=site.url)]}))
    with serving(app) as base_url, httpx.Client(base_url=base_url, timeout=30) as client:
        yield client


def ask(client: Client, token: str) -> Response:
    return client.get("/v1/agencies?limit=1", headers={"Authorization": f"Bearer {token}"})


# Discovery and keys


def test_keys_are_found_by_the_issuers_name_alone(client: Client, site: Site) -> None:
    key = rsa_key()
    site.discovered(key)
    for number in range(3):
        assert ask(client, key.sign(claims_for(site.url, sub=f"somebody {number}"))).status_code == 200
    assert site.asked == ["/.well-known/openid-configuration", "/keys"]


@pytest.mark.parametrize(
    "more",
    [
        {"issuer": "https://elsewhere.example"},
        {"issuer": None},
        {"jwks_uri": "http://elsewhere.example/keys"},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": "//127.0.0.1/keys"},
        {"jwks_uri": ["https://elsewhere.example"]},
        {"jwks_uri": None},
    ],
)
def test_a_discovery_document_of_another_or_that_leads_astray_is_not_believed(
    client: Client, site: Site, more: dict[str, Any]
) -> None:
    key = rsa_key()
    site.discovered(key, **more)
    refused(ask(client, key.sign(claims_for(site.url))), 401, "unauthenticated")
    assert site.asked == ["/.well-known/openid-configuration"]


def test_an_issuer_with_a_slash_more_is_another_issuer(client: Client, site: Site) -> None:
    key = rsa_key()
    site.discovered(key, issuer=site.url + "/")
    refused(ask(client, key.sign(claims_for(site.url))), 401, "unauthenticated")
    refused(ask(client, key.sign(claims_for(site.url + "/"))), 401, "unauthenticated")


def test_nobody_is_followed_elsewhere(client: Client, site: Site) -> None:
    key = rsa_key()
    site.discovered(key)
    site.publish("/elsewhere", {"keys": [key.jwk]})
    site.publish("/keys", b"/elsewhere", status=302)
    refused(ask(client, key.sign(claims_for(site.url))), 401, "unauthenticated")
    assert "/elsewhere" not in site.asked


def test_a_document_without_end_is_not_read(client: Client, site: Site) -> None:
    key = rsa_key()
    site.discovered(key)
    site.publish("/keys", {"keys": [key.jwk], "more": "x" * issuers.LARGEST})
    refused(ask(client, key.sign(claims_for(site.url))), 401, "unauthenticated")


def test_an_issuer_that_moves_its_keys_is_found_again(
    client: Client, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = rsa_key(), rsa_key()
    site.discovered(old)
    assert ask(client, old.sign(claims_for(site.url))).status_code == 200
    del site.pages["/keys"]
    site.discovered(new, jwks="/new-keys")
    monkeypatch.setattr(issuers, "REFETCH_EVERY", 0)
    refused(ask(client, new.sign(claims_for(site.url))), 401, "unauthenticated")
    assert ask(client, new.sign(claims_for(site.url))).status_code == 200


def test_keys_that_can_not_be_confirmed_for_long_count_no_more(
    client: Client, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = rsa_key()
    site.discovered(key)
    assert ask(client, key.sign(claims_for(site.url))).status_code == 200
    site.pages.clear()
    for name in ("REFETCH_EVERY", "KEYS_FRESH_FOR"):
        monkeypatch.setattr(issuers, name, 0)
    assert ask(client, key.sign(claims_for(site.url, sub="a"))).status_code == 200
    monkeypatch.setattr(issuers, "KEYS_LAST_FOR", 0)
    refused(ask(client, key.sign(claims_for(site.url, sub="b"))), 401, "unauthenticated")
    site.discovered(key)
    assert ask(client, key.sign(claims_for(site.url, sub="c"))).status_code == 200


def test_an_issuer_signs_with_its_own_algorithms_only(settings: Settings) -> None:
    one, other = rsa_key(), ec_key()
    trusted = TrustedIssuer(issuer="https://a.example", algorithms=["ES256"], jwks={"keys": [one.jwk, other.jwk]})
    app = create_app(settings.model_copy(update={"issuers": [trusted]}))
    with serving(app) as url, Client(base_url=url) as client:
        refused(ask(client, one.sign(claims_for(trusted.issuer))), 401, "unauthenticated")
        assert ask(client, other.sign(claims_for(trusted.issuer))).status_code == 200


def test_each_issuer_has_its_own_audience(settings: Settings) -> None:
    key = ec_key()
    trusted = TrustedIssuer(issuer="https://a.example", audience="urn:spil", jwks={"keys": [key.jwk]})
    app = create_app(settings.model_copy(update={"issuers": [trusted]}))
    with serving(app) as url, Client(base_url=url) as client:
        refused(ask(client, key.sign(claims_for(trusted.issuer))), 401, "unauthenticated")
        assert ask(client, key.sign(claims_for(trusted.issuer, aud="urn:spil"))).status_code == 200


# What tokens say of somebody


def actor(configured: dict[str, Any], **claims: Any) -> Actor:
    issuer = Issuer(TrustedIssuer(issuer="https://a.example", **configured), "spil", loopback=True)
    return issuer.actor({"sub": "somebody"} | claims)


GROUPS = {"role": {"claim": "groups", "values": {"toegang": "registrar", "fg": "privacy_officer"}}}
REALM = {"role": {"claim": ["realm_access", "roles"], "values": {"werker": "professional"}}}
ALWAYS = {"role": {"fixed": "agency_system"}, "agency_id": {"fixed": str(AGENCY)}}
OF_AGENCY = {"agency_id": {"claim": "org", "values": {"AGB-1": str(AGENCY)}}, "professional_id": {"claim": "employee"}}


def test_a_role_follows_from_the_groups_somebody_is_in() -> None:
    found = actor({"claims": GROUPS}, groups=["iedereen", "toegang"], municipality_code="0001")
    assert (found.role, found.municipality_code) == (Role.REGISTRAR, "0001")
    assert actor({"claims": GROUPS}, groups="fg", municipality_code="0001").role is Role.PRIVACY_OFFICER


def test_a_claim_can_be_within_another_and_in_words_of_their_own() -> None:
    found = actor(
        {"claims": REALM | OF_AGENCY}, realm_access={"roles": ["x", "werker"]}, org="AGB-1", employee=str(SOMEBODY)
    )
    assert (found.role, found.agency_id, found.professional_id) == (Role.PROFESSIONAL, AGENCY, SOMEBODY)
    assert found.issuer == "https://a.example"


def test_what_is_fixed_holds_whatever_the_token_says() -> None:
    found = actor({"claims": ALWAYS}, role="registrar", agency_id=str(OTHER_AGENCY), municipality_code="0001")
    assert (found.role, found.agency_id, found.municipality_code) == (Role.AGENCY_SYSTEM, AGENCY, None)


def test_who_acts_for_somebody_is_known() -> None:
    found = actor({"claims": GROUPS}, groups="fg", municipality_code="0001", act={"sub": "a robot"})
    assert found.via == "a robot"


@pytest.mark.parametrize(
    ("configured", "claims"),
    [
        ({"claims": GROUPS}, {"groups": ["toegang", "fg"], "municipality_code": "0001"}),
        ({"claims": GROUPS}, {"groups": [], "municipality_code": "0001"}),
        ({"claims": GROUPS}, {"groups": ["registrar"], "municipality_code": "0001"}),
        ({"claims": GROUPS}, {"role": "registrar", "municipality_code": "0001"}),
        ({"claims": GROUPS}, {"groups": [["toegang"]], "municipality_code": "0001"}),
        ({"claims": GROUPS}, {"groups": {"toegang": True}, "municipality_code": "0001"}),
        ({"claims": GROUPS}, {"groups": "toegang"}),
        ({"claims": GROUPS}, {"groups": "toegang", "municipality_code": ["0001"]}),
        ({"claims": REALM | OF_AGENCY}, {"realm_access": "werker", "org": "AGB-1", "employee": str(SOMEBODY)}),
        ({"claims": REALM | OF_AGENCY}, {"realm_access": {"roles": ["werker"]}, "org": "AGB-1"}),
        (
            {"claims": REALM | OF_AGENCY},
            {"realm_access": {"roles": ["werker"]}, "org": str(AGENCY), "employee": str(SOMEBODY)},
        ),
        ({"roles": ["analyst"]}, {"role": "registrar", "municipality_code": "0001"}),
        ({"roles": ["registrar"], "municipality_codes": ["0002"]}, {"role": "registrar", "municipality_code": "0001"}),
        ({"agency_ids": [str(AGENCY)]}, {"role": "agency_system", "agency_id": str(OTHER_AGENCY)}),
        (
            {"agency_ids": [str(AGENCY)]},
            {"role": "professional", "agency_id": str(OTHER_AGENCY), "professional_id": str(SOMEBODY)},
        ),
        ({}, {"role": "clock"}),
    ],
)
def test_what_is_not_said_or_not_allowed_is_nobody(configured: dict[str, Any], claims: dict[str, Any]) -> None:
    with pytest.raises(BadToken):
        actor(configured, **claims)


def test_any_is_any() -> None:
    found = actor({"municipality_codes": "any", "agency_ids": "any"}, role="agency_system", agency_id=str(AGENCY))
    assert found.agency_id == AGENCY


@pytest.mark.parametrize(
    ("required", "said", "narrowed"),
    [
        (False, {}, None),
        (False, {"scope": "openid profile"}, None),
        (False, {"scope": "openid team:read"}, {"team:read"}),
        (True, {"scope": "team:read family:read"}, {"team:read", "family:read"}),
    ],
)
def test_scopes_of_ours_narrow_and_others_say_nothing(
    required: bool, said: dict[str, str], narrowed: set[str] | None
) -> None:
    issuer = Issuer(TrustedIssuer(issuer="https://a.example", scope_required=required), "spil", loopback=True)
    assert issuer.scopes(said) == narrowed


@pytest.mark.parametrize("said", [{}, {"scope": "openid"}, {"scope": ""}, {"scope": None}])
def test_an_issuer_can_be_held_to_naming_scopes(said: dict[str, Any]) -> None:
    issuer = Issuer(TrustedIssuer(issuer="https://a.example", scope_required=True), "spil", loopback=True)
    with pytest.raises(BadToken):
        issuer.scopes(said)


def test_nobody_is_known_by_chance() -> None:
    """Two issuers that both say `somebody` speak of two people."""
    configured = {"claims": GROUPS}
    mine = actor(configured, groups="fg", municipality_code="0001")
    other = Issuer(TrustedIssuer(issuer="https://b.example"), "spil", loopback=True).actor(
        {"sub": "somebody", "role": "privacy_officer", "municipality_code": "0001"}
    )
    assert mine.subject == other.subject
    assert mine != other


# What is wrong is found before anything runs


def test_the_service_does_not_start_on_a_wrong_configuration(settings: Settings) -> None:
    wrong = TrustedIssuer(issuer="https://a.example", roles=["mayor"])
    with pytest.raises(UnsafeSettings, match="mayor"):
        create_app(settings.model_copy(update={"issuers": [wrong]}))


def test_the_doctor_looks_where_the_keys_are(settings: Settings, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("signing_key", "data_keys", "pseudonym_key"):
        monkeypatch.setenv(f"SPIL_{name.upper()}", getattr(settings, name).get_secret_value())
    monkeypatch.setenv("SPIL_DATABASE_URL", settings.database_url or "")
    monkeypatch.setenv("SPIL_ENVIRONMENT", Environment.DEVELOPMENT)
    monkeypatch.setenv("SPIL_ISSUERS", json.dumps([{"issuer": site.url}]))
    for publish, said in (
        (lambda: None, "no discovery document can be read there"),
        (lambda: site.discovered(issuer="https://elsewhere.example"), "is of another issuer"),
        (lambda: site.discovered(jwks_uri="http://elsewhere.example/keys"), "jwks_uri there is not https"),
        (lambda: site.discovered(), "has 0 keys that can be used"),
        (lambda: site.discovered(rsa_key(), ec_key()), "has 2 keys that can be used"),
    ):
        publish()
        assert said in " ".join(CliRunner().invoke(spil, ["doctor"]).output.split())
