"""Two real identity providers at once: a municipality's, and that of an agency's organisation. Each speaks for its own.

They run as they would elsewhere, found by OIDC discovery. Skipped where Node.js or the provider is not installed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from httpx import Client, Response

from api.auth import issuers
from api.domain.models import Agency, Municipality, Professional
from api.main import create_app
from api.settings import Settings
from api.trust import ClaimSource, TrustedIssuer
from tests.conftest import serving
from tests.identity_providers.running import Provider, running, skip_without
from tests.world import World, refused

pytestmark = pytest.mark.xdist_group("identity_providers")

AUDIENCE = "https://spil.example"
"""A resource indicator is a URI, so these providers' audience is one too."""
SCOPES = ["directory:read", "caseload:read"]


@dataclass
class Field:
    """The two providers, whom they speak for, and a service that trusts both."""

    town: Provider
    partner: Provider
    client: Client
    municipality: Municipality
    elsewhere: Municipality
    agency: Agency
    other_agency: Agency
    worker: Professional

    def ask(self, path: str, token: str) -> Response:
        return self.client.get(f"/v1{path}", headers={"Authorization": f"Bearer {token}"})


def of_town(issuer: str, municipality: Municipality) -> TrustedIssuer:
    """A municipality's provider: the role follows from groups, the municipality is always its own unless it is said."""
    values = {"spil-toegang": "registrar", "spil-fg": "privacy_officer"}
    return TrustedIssuer(
        issuer=issuer,
        algorithms=["RS256"],
        audience=AUDIENCE,
        roles=["registrar", "privacy_officer"],
        municipality_codes=[municipality.code],
        claims={"role": ClaimSource(claim="groups", values=values), "municipality_code": ClaimSource(claim="gemeente")},
    )


def of_partner(issuer: str, agency: Agency) -> TrustedIssuer:
    """An agency's provider: it has names of its own for everything."""
    return TrustedIssuer(
        issuer=issuer,
        algorithms=["ES256"],
        audience=AUDIENCE,
        roles=["professional", "agency_system"],
        agency_ids=[agency.id],
        claims={
            "role": ClaimSource(
                claim=["access", "roles"], values={"werker": "professional", "koppeling": "agency_system"}
            ),
            "agency_id": ClaimSource(claim="organisation", values={"AGB-0001": str(agency.id)}),
            "professional_id": ClaimSource(claim="employee"),
        },
    )


def people_of_town(municipality: Municipality, elsewhere: Municipality) -> dict[str, Any]:
    own = {"gemeente": municipality.code}
    return {
        "anna": own | {"groups": ["iedereen", "spil-toegang"]},
        "omar": own | {"groups": ["spil-fg"]},
        "both": own | {"groups": ["spil-toegang", "spil-fg"]},
        "none": own | {"groups": ["iedereen"]},
        "abroad": {"gemeente": elsewhere.code, "groups": ["spil-toegang"]},
        "pretender": own | {"role": "registrar", "groups": []},
    }


@pytest.fixture(scope="module")
def around(world: World, settings: Settings) -> Iterator[Field]:
    skip_without()
    municipality, elsewhere = world.a_municipality(), world.a_municipality()
    agency, other = world.an_agency(), world.an_agency()
    worker = world.a_professional(agency)
    is_worker = {"access": {"roles": ["werker"]}, "employee": str(worker.id)}
    workers = {
        "eva": is_worker | {"organisation": "AGB-0001"},
        "lent": is_worker | {"organisation": "AGB-0002"},
        "named": is_worker | {"organisation": str(other.id)},
        "mayor": {"access": {"roles": ["registrar"]}, "municipality_code": municipality.code},
    }
    systems = {"dossier": {"access": {"roles": ["koppeling"]}, "organisation": "AGB-0001"}}
    with (
        running("RS256", AUDIENCE, people_of_town(municipality, elsewhere), {}, SCOPES) as town,
        running("ES256", AUDIENCE, workers, systems, SCOPES) as partner,
    ):
        trusted = [of_town(town.issuer, municipality), of_partner(partner.issuer, agency)]
        app = create_app(settings.model_copy(update={"issuers": trusted}))
        with serving(app) as url, httpx.Client(base_url=url, timeout=30) as client:
            yield Field(town, partner, client, municipality, elsewhere, agency, other, worker)


def test_people_of_both_and_a_system_are_known_at_once(around: Field, world: World) -> None:
    family = world.a_family(around.municipality)
    world.an_involvement(family, around.agency, professional=around.worker)
    path = f"/families/{family.id}/who-is-involved"
    tokens = [
        around.town.person("anna")["access_token"],
        around.partner.person("eva")["access_token"],
        around.partner.system("dossier"),
    ]
    assert [around.ask(path, token).status_code for token in tokens] == [200, 200, 200]
    other = world.a_family(around.elsewhere)
    for token in tokens:
        refused(around.ask(f"/families/{other.id}/who-is-involved", token), 404, "family_not_found")


def test_what_a_token_says_gives_the_role(around: Field) -> None:
    assert around.ask("/disclosures", around.town.person("omar")["access_token"]).status_code == 200
    refused(around.ask("/disclosures", around.town.person("anna")["access_token"]), 403, "role_lacking")


@pytest.mark.parametrize("who", ["both", "none", "abroad", "pretender"])
def test_who_has_two_roles_or_none_or_is_of_elsewhere_is_nobody(around: Field, who: str) -> None:
    refused(around.ask("/agencies", around.town.person(who)["access_token"]), 401, "unauthenticated")


@pytest.mark.parametrize("who", ["lent", "named", "mayor"])
def test_an_agencys_provider_speaks_for_no_other_agency_and_for_no_municipality(around: Field, who: str) -> None:
    refused(around.ask("/agencies", around.partner.person(who)["access_token"]), 401, "unauthenticated")


def test_the_token_that_tells_the_dashboard_who_signed_in_opens_nothing(around: Field) -> None:
    refused(around.ask("/agencies", around.town.person("anna")["id_token"]), 401, "unauthenticated")


def test_a_token_for_some_scopes_opens_those_only(around: Field, world: World) -> None:
    family = world.a_family(around.municipality)
    world.an_involvement(family, around.agency)
    token = around.partner.system("dossier", scope="directory:read")
    assert around.ask("/agencies", token).status_code == 200
    hidden = world.a_family(around.elsewhere)
    for one in (family, hidden):
        refused(around.ask(f"/families/{one.id}/who-is-involved", token), 403, "scope_lacking")
    assert around.ask(f"/families/{family.id}/who-is-involved", around.partner.system("dossier")).status_code == 200


@pytest.mark.parametrize("name", ["town", "partner"])
def test_a_provider_changes_its_key_while_we_run(around: Field, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    provider: Provider = getattr(around, name)
    token = (lambda: provider.person("anna")["access_token"]) if name == "town" else lambda: provider.system("dossier")
    former = token()
    assert around.ask("/agencies", former).status_code == 200
    monkeypatch.setattr(issuers, "REFETCH_EVERY", 0)
    provider.rotate("overlap")
    assert around.ask("/agencies", token()).status_code == 200
    assert around.ask("/agencies", former).status_code == 200
    unseen = token()
    provider.rotate()
    assert around.ask("/agencies", token()).status_code == 200
    refused(around.ask("/agencies", unseen), 401, "unauthenticated")
