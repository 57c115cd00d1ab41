"""The policy: nothing is allowed that isn't declared, and what is declared is what this table says."""

import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from httpx import Response

from api.auth.calls import Call, FamilyCall
from api.auth.guards import Routes
from api.auth.policy import FIELDS, RELATIONS_OF, RULES, Permission, Relation
from api.domain.actor import Actor, Role
from api.openapi import routes_of
from api.shapes import Out
from tests.access.scene import Scene
from tests.world import World, in_days


class Something(Out):
    """What a route answers in these tests."""

    id: str


@pytest.mark.parametrize("method", ["get", "search", "post", "put", "patch", "delete"])
def test_a_route_without_a_permission_cant_be_declared(method: str) -> None:
    with pytest.raises(TypeError, match="permission"):
        getattr(Routes("Tests"), method)("/somewhere")


@pytest.mark.parametrize(
    ("path", "permission"),
    [
        ("/families/{familyId}/secrets", None),
        ("/families/{familyId}/secrets", "family:read:all"),
        ("/families/{familyId}/secrets", Permission.DIRECTORY_READ),
        ("/families/{familyId}", Permission.FAMILY_OPEN),
        ("/secrets", Permission.FAMILY_READ),
        ("/secrets", "anyone"),
    ],
)
def test_a_route_with_a_permission_of_the_wrong_kind_cant_be_declared(path: str, permission: Any) -> None:
    with pytest.raises(TypeError):
        Routes("Tests").get(path, permission)


def test_a_route_with_a_permission_can_be_declared() -> None:
    routes = Routes("Tests")

    @routes.get("/somewhere", Permission.DIRECTORY_READ)
    def look(call: Call) -> Something:
        """Look."""
        return Something(id="there")

    @routes.get("/families/{familyId}/somewhere", Permission.FAMILY_READ)
    def look_around(call: FamilyCall) -> Something:
        """Look around."""
        return Something(id="here")

    assert len(routes.router.routes) == 2


def test_every_permission_has_a_rule_and_every_rule_names_somebody() -> None:
    assert set(RULES) == set(Permission)
    assert all(bool(rule.roles) != bool(rule.of_relations) for rule in RULES.values())


def test_every_role_can_be_related_to_families_in_the_ways_the_policy_says() -> None:
    assert set(RELATIONS_OF) == set(Role) - {Role.CLOCK}
    assert {relation for known in RELATIONS_OF.values() for relation in known} == set(Relation)
    assert RELATIONS_OF[Role.ANALYST] == RELATIONS_OF[Role.PLATFORM_ADMINISTRATOR] == ()
    assert all(seers <= set(Relation) for seers in FIELDS.values())


def _declared(app: FastAPI) -> Iterator[tuple[str, str]]:
    for route in routes_of(app):
        if route.path.startswith("/v1/") and route.include_in_schema:
            yield next(iter(route.methods)), route.path.removeprefix("/v1")


def _permission_of(route: APIRoute) -> Permission | None:
    for cell in getattr(route.endpoint, "__closure__", None) or ():
        if hasattr(cell.cell_contents, "permission"):
            return Permission(cell.cell_contents.permission)
    return None


def test_every_permission_is_used_by_a_route_and_every_route_has_one(app: FastAPI) -> None:
    guarded = [route for route in routes_of(app) if route.path.startswith("/v1/") and route.include_in_schema]
    assert len(guarded) > 60
    assert all(_permission_of(route) for route in guarded)
    assert {_permission_of(route) for route in guarded} == set(Permission)


# Who may do what, written down a second time, from the field's rules and not from the policy.

ADMINISTRATOR, SYSTEM, PROFESSIONAL, REGISTRAR, OFFICER, ANALYST, RELATIVE = "ASPROYM"
EVERYONE, STAFF = "ASPROYM", "ASPRO"
BY_ROLE = {
    "GET /agencies": EVERYONE,
    "POST /agencies": "AR",
    "GET /agencies/{agencyId}": EVERYONE,
    "PATCH /agencies/{agencyId}": "AS",
    "POST /agencies/{agencyId}/professionals": "AS",
    "GET /professionals": STAFF,
    "GET /professionals/{professionalId}": STAFF,
    "PATCH /professionals/{professionalId}": "AS",
    "POST /professionals/{professionalId}/_handover": "S",
    "GET /professionals/{professionalId}/absences": STAFF,
    "POST /professionals/{professionalId}/absences": "SP",
    "GET /professionals/{professionalId}/absences/{absenceId}": STAFF,
    "DELETE /professionals/{professionalId}/absences/{absenceId}": "SP",
    "GET /municipalities": EVERYONE,
    "POST /municipalities": "A",
    "GET /municipalities/{municipalityCode}": EVERYONE,
    "PATCH /municipalities/{municipalityCode}": "A",
    "GET /help-domains": EVERYONE,
    "POST /help-domains": "R",
    "GET /help-domains/{helpDomain}": EVERYONE,
    "GET /legal-grounds": EVERYONE,
    "GET /purposes": EVERYONE,
    "GET /clients": "A",
    "POST /clients": "A",
    "GET /clients/{clientId}": "A",
    "POST /clients/{clientId}/_deactivate": "A",
    "POST /clients/{clientId}/keys/_add": "A",
    "POST /clients/{clientId}/keys/_remove": "A",
    "POST /families": "R",
    "POST /registrations": "SP",
    "GET /registrations": "SP",
    "GET /registrations/_unconfirmed": "R",
    "GET /registrations/{registrationId}": "SP",
    "PATCH /registrations/{registrationId}": "SP",
    "POST /registrations/{registrationId}/_renew": "SP",
    "POST /registrations/{registrationId}/_consulted": "SP",
    "POST /registrations/{registrationId}/_end": "SP",
    "POST /caseload-synchronisations": "S",
    "GET /caseload-synchronisations": "S",
    "GET /caseload-synchronisations/{synchronisationId}": "S",
    "GET /caseload-synchronisations/{synchronisationId}/rows": "S",
    "POST /caseload-synchronisations/{synchronisationId}/_perform": "S",
    "POST /registrations/{registrationId}/_confirm": "R",
    "POST /registrations/{registrationId}/_reject": "R",
    "GET /matches": "R",
    "GET /matches/{matchId}": "R",
    "POST /matches/{matchId}/_share": "R",
    "POST /matches/{matchId}/_dismiss": "R",
    "POST /matches/{matchId}/_join": "R",
    "POST /matches/{matchId}/_open": "R",
    "GET /match-follow-up": "RY",
    "POST /persons/_search": "R",
    "GET /persons/{personId}": "R",
    "PATCH /persons/{personId}": "R",
    "GET /caseload": "SPRM",
    "GET /events": "SPROM",
    "GET /events/_stream": "SPROM",
    "GET /subscriptions": "SR",
    "POST /subscriptions": "SR",
    "GET /subscriptions/{subscriptionId}": "SR",
    "PATCH /subscriptions/{subscriptionId}": "SR",
    "DELETE /subscriptions/{subscriptionId}": "SR",
    "POST /subscriptions/{subscriptionId}/_verify": "SR",
    "POST /subscriptions/{subscriptionId}/_test": "SR",
    "POST /subscriptions/{subscriptionId}/_pause": "SR",
    "POST /subscriptions/{subscriptionId}/_resume": "SR",
    "POST /subscriptions/{subscriptionId}/_replay": "SR",
    "GET /subscriptions/{subscriptionId}/deliveries": "SR",
    "GET /subscriptions/{subscriptionId}/signing-keys": "SR",
    "POST /subscriptions/{subscriptionId}/signing-keys": "SR",
    "GET /subscriptions/{subscriptionId}/signing-keys/{signingKeyId}": "SR",
    "DELETE /subscriptions/{subscriptionId}/signing-keys/{signingKeyId}": "SR",
    "GET /involvement-export": "SP",
    "GET /disclosures": "O",
    "POST /disclosures/_search": "O",
    "GET /disclosures/processing-log": "O",
    "GET /disclosures/access-log": "O",
    "GET /my-disclosures": "M",
    "GET /entitlements": "SPRO",
    "POST /entitlements": "R",
    "POST /entitlements/{entitlementId}/_end": "R",
    "GET /emergency-accesses": "PRO",
    "POST /emergency-accesses": "P",
    "POST /emergency-accesses/{emergencyAccessId}/_end": "P",
    "POST /emergency-accesses/{emergencyAccessId}/_review": "O",
    "POST /access-checks": EVERYONE,
    "GET /possible-duplicates": "R",
    "GET /possible-duplicate-families": "R",
    "POST /persons/{personId}/_merge": "R",
    "GET /merges": "R",
    "POST /merges/{mergeId}/_undo": "R",
}

TEAM = {"registrar", "lead", "deputy", "contact_point", "involved_system", "named", "cover"}
READERS = TEAM | {"parent", "teenager"}
LEADING = {"registrar", "lead", "deputy"}
OWN = {"involved_system", "named", "cover", "lead"}
SPEAKING = {"registrar", "lead", "parent", "teenager"}
BY_RELATION = {
    "GET ": READERS,
    "PATCH ": {"registrar"},
    "POST /_close": {"registrar"},
    "POST /_reopen": {"registrar"},
    "POST /_move": {"registrar"},
    "POST /_merge": {"registrar"},
    "GET /export": {"registrar", "parent", "teenager"},
    "GET /who-is-involved": READERS,
    "GET /timeline": READERS,
    "GET /access": {"registrar", "lead", "officer"},
    "GET /contact-points": READERS,
    "GET /contact-points/{helpDomain}": READERS,
    "PUT /contact-points/{helpDomain}": LEADING,
    "DELETE /contact-points/{helpDomain}": LEADING,
    "GET /members": READERS,
    "POST /members": {"registrar"},
    "GET /members/{memberId}": READERS,
    "PATCH /members/{memberId}": {"registrar"},
    "POST /members/{memberId}/_leave": {"registrar"},
    "POST /members/{memberId}/_move": {"registrar"},
    "GET /involvements": READERS | {"invited_system"},
    "POST /involvements": OWN,
    "POST /involvements/_invite": LEADING,
    "GET /involvements/{involvementId}": READERS | {"invited_system"},
    "PATCH /involvements/{involvementId}": OWN,
    "POST /involvements/{involvementId}/_accept": {"invited_system"},
    "POST /involvements/{involvementId}/_decline": {"invited_system"},
    "POST /involvements/{involvementId}/_withdraw": LEADING,
    "POST /involvements/{involvementId}/_confirm": OWN,
    "POST /involvements/{involvementId}/_end": OWN,
    "POST /involvements/{involvementId}/_disclose": {"registrar", "lead"},
    "GET /disclosure-holds": {"registrar", "lead", "officer"},
    "POST /disclosure-holds": {"registrar", "lead", "officer"},
    "POST /disclosure-holds/{holdId}/_lift": {"registrar", "lead", "officer"},
    "GET /consents": SPEAKING,
    "POST /consents": SPEAKING,
    "GET /consents/{consentId}": SPEAKING,
    "POST /consents/{consentId}/_withdraw": SPEAKING,
    "GET /measures": READERS,
    "POST /measures": OWN | {"registrar"},
    "GET /measures/{measureId}": READERS,
    "PATCH /measures/{measureId}": OWN | {"registrar"},
    "POST /measures/{measureId}/_extend": OWN | {"registrar"},
    "POST /measures/{measureId}/_end": OWN | {"registrar"},
    "GET /mandates": READERS | {"candidate"},
    "POST /mandates": {"registrar"},
    "GET /mandates/{mandateId}": READERS | {"candidate"},
    "PATCH /mandates/{mandateId}": {"registrar"},
    "POST /mandates/{mandateId}/_accept": {"candidate"},
    "POST /mandates/{mandateId}/_decline": {"candidate"},
    "POST /mandates/{mandateId}/_withdraw": {"registrar", "lead"},
    "POST /mandates/{mandateId}/_transfer": {"registrar", "lead"},
    "POST /mandates/{mandateId}/_end": {"registrar", "lead"},
    "GET /mandates/{mandateId}/deputies": READERS,
    "POST /mandates/{mandateId}/deputies": {"registrar", "lead"},
    "GET /mandates/{mandateId}/deputies/{deputyId}": READERS,
    "DELETE /mandates/{mandateId}/deputies/{deputyId}": {"registrar", "lead"},
}
UNDER_A_FAMILY = "/families/{familyId}"


def test_the_table_has_every_route_and_no_other(app: FastAPI) -> None:
    under = {f"{method} {UNDER_A_FAMILY}{path}" for method, path in (key.split(" ", 1) for key in BY_RELATION)}
    declared = {f"{method} {path}" for method, path in _declared(app)}
    assert declared == under | set(BY_ROLE)
    assert len(declared) > 60


def _somebody(world: World, role: str) -> Actor:
    agency = world.an_agency()
    return {
        ADMINISTRATOR: lambda: Actor(role=Role.PLATFORM_ADMINISTRATOR, subject="a"),
        SYSTEM: lambda: world.system(agency),
        PROFESSIONAL: lambda: world.actor(world.a_professional(agency)),
        REGISTRAR: lambda: world.registrar,
        OFFICER: lambda: world.officer(),
        ANALYST: lambda: Actor(role=Role.ANALYST, subject="y", municipality_code=world.municipality.code),
        RELATIVE: lambda: Actor(role=Role.FAMILY_MEMBER, subject="m", person_id=uuid4()),
    }[role]()


BODIES = {
    "POST /agencies": {"name": "x", "kind": "school", "phone": "wrong"},
    "POST /agencies/{agencyId}/professionals": {"name": "x", "function": "y"},
    "POST /professionals/{professionalId}/_handover": {"dryRun": True},
    "POST /professionals/{professionalId}/absences": {"startsOn": "2026-01-01", "endsOn": "2026-01-02"},
    "POST /municipalities": {
        "code": "0000",
        "name": "x",
        "accessTeamName": "x",
        "accessTeamPhone": "+31 30 000 00 00",
        "accessTeamEmail": "a@example.nl",
    },
    "POST /help-domains": {"code": "x" * 49, "labelNl": "x", "labelEn": "x"},
    "POST /clients": {"agencyId": str(uuid4()), "name": "x", "jwks": {"keys": [{"kty": "EC", "kid": "k"}]}},
    "POST /families": {"name": "x", "framework": "voluntary", "members": [{"personId": str(uuid4()), "role": "child"}]},
    "POST /registrations": {
        "municipalityCode": "0000",
        "givenName": "x",
        "surname": "y",
        "birthDate": "2015-01-01",
        "helpDomains": ["nothing_of_the_kind"],
        "legalBasis": "measure",
    },
    "POST /registrations/{registrationId}/_end": {"reason": "completed"},
    "POST /registrations/{registrationId}/_confirm": {"personId": str(uuid4())},
    "POST /matches/{matchId}/_join": {"familyId": str(uuid4())},
    "POST /matches/{matchId}/_open": {
        "name": "x",
        "framework": "voluntary",
        "members": [{"personId": str(uuid4()), "role": "child"}],
    },
    "POST /persons/_search": {"surname": "x", "birthDate": "1900-01-01"},
    "POST /clients/{clientId}/keys/_remove": {"kid": "k"},
    "POST /entitlements": {"agencyId": str(uuid4())},
    "POST /persons/{personId}/_merge": {"intoPersonId": str(uuid4())},
    "POST /emergency-accesses": {"municipalityCode": "9999", "familyId": str(uuid4()), "reason": "missing_child"},
    "POST /access-checks": {"familyId": str(uuid4()), "permission": "family:read"},
}


@pytest.mark.parametrize("role", EVERYONE)
@pytest.mark.parametrize("route", BY_ROLE)
def test_a_role_may_do_what_the_table_says_and_nothing_else(world: World, role: str, route: str) -> None:
    method, path = route.split(" ", 1)
    path = path.replace("{municipalityCode}", world.municipality.code).replace("{helpDomain}", "finances")
    path = re.sub(r"\{\w+\}", str(uuid4()), path)
    body = BODIES.get(route, {} if method == "PATCH" else None)
    if route == "POST /agencies" and role in BY_ROLE[route]:
        body = {"name": "Instantie", "kind": "school"}
    if route in {"POST /municipalities", "POST /help-domains"} and role in BY_ROLE[route]:
        return  # would be there for all the other tests; their own tests do it
    how: dict[str, Any] = {"json": body}
    if route == "POST /caseload-synchronisations":
        path = f"{path}?municipalityCode={world.municipality.code}"
        how = {"content": b"bsn,helpDomains,legalBasis\n", "headers": {"Content-Type": "text/csv"}}
    answer = world.as_(_somebody(world, role)).call(method, path, **how)
    goes_on = answer.headers.get("Content-Type", "").startswith("text/event-stream")
    code = answer.json().get("code") if answer.content and not goes_on else None
    if role in BY_ROLE[route]:
        assert code != "role_lacking"
        assert answer.status_code in {200, 201, 400, 404, 428} or code == "not_entitled", answer.text
    elif answer.status_code != 400:
        assert (answer.status_code, code) == (403, "role_lacking"), answer.text


@pytest.fixture(scope="module")
def other_scene(world: World) -> Scene:
    return Scene(world)


RELATED = [*sorted(READERS | {"invited_system", "candidate", "officer"})]


@pytest.mark.parametrize("who", RELATED)
@pytest.mark.parametrize("route", BY_RELATION)
def test_a_relation_may_do_what_the_table_says_and_nothing_else(other_scene: Scene, who: str, route: str) -> None:
    """Who may, gets past the policy to a refusal of the field's own: the paths name things that aren't there."""
    scene, (method, rest) = other_scene, route.split(" ", 1)
    if (who, route) == ("registrar", "POST /_close"):
        return  # the one change that would succeed
    reads = method == "GET"
    names = scene.inside(scene.family.id) if reads else scene.inside(scene.family.id) | MISSING
    path = (UNDER_A_FAMILY + rest).format(**names)
    body = HARMLESS.get(route, scene.body_for(method, UNDER_A_FAMILY + rest))
    answer = scene.world.as_(scene.related[who]).call(method, path, json=body)
    allowed = who in BY_RELATION[route]
    assert _is_allowed(answer) is allowed, (who, route, answer.text)
    if not allowed:
        assert answer.status_code == 403, answer.text


UNDER_IT = ("memberId", "involvementId", "mandateId", "deputyId", "consentId", "measureId", "holdId")
MISSING = {name: str(uuid4()) for name in UNDER_IT} | {"helpDomain": "nothing_of_the_kind"}
HARMLESS: dict[str, dict[str, Any]] = {
    "POST /_move": {"municipalityCode": "9999"},
    "POST /members": {"personId": str(uuid4()), "role": "child"},
    "POST /involvements": {
        "helpDomains": ["nothing_of_the_kind"],
        "legalBasis": "statutory_task",
        "legalGround": "debt_help",
    },
    "POST /consents": {"memberId": str(uuid4()), "decision": "objected"},
    "POST /measures": {"memberId": str(uuid4()), "kind": "youth_probation", "agencyId": str(uuid4())},
    "POST /involvements/_invite": {"agencyId": str(uuid4()), "helpDomains": ["finances"]},
    "POST /mandates": {
        "professionalId": str(uuid4()),
        "powers": ["convene"],
        "legalBasis": "measure",
        "endsOn": str(in_days(9)),
    },
}


def _is_allowed(answer: Response) -> bool:
    code = answer.json().get("code") if answer.content else None
    return answer.is_success or code not in {"relation_lacking", "power_lacking", "role_lacking", "family_not_found"}
