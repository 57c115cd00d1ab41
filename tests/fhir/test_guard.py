"""A type can't be declared without a permission, and a token does no more here than its scope and role say."""

from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from api.auth.policy import RULES, Permission
from api.domain.actor import Role
from api.openapi import routes_of
from api.routers.fhir.routes import FhirRoutes
from tests.access.scene import Scene
from tests.access.signing import ec_key
from tests.access.systems import System
from tests.fhir.reading import OF_DIRECTORY, OF_FAMILIES, outcome, reader
from tests.world import World

PERMISSIONS = {
    "CareTeam": Permission.TEAM_READ,
    "Patient": Permission.FAMILY_READ,
    "RelatedPerson": Permission.FAMILY_READ,
    "EpisodeOfCare": Permission.INVOLVEMENT_READ,
    "Organization": Permission.DIRECTORY_READ,
    "Practitioner": Permission.PROFESSIONAL_READ,
    "PractitionerRole": Permission.PROFESSIONAL_READ,
}
"""What each type takes: the permission of the route under /v1 that shows the same."""


def routes(app: FastAPI) -> dict[str, APIRoute]:
    known = {route.path: route for route in routes_of(app) if str(route.path).startswith("/fhir/")}
    return {f"{next(iter(route.methods))} {path}": route for path, route in known.items()}  # type: ignore[misc]


def test_there_are_three_routes_of_each_type_and_one_for_anyone(app: FastAPI) -> None:
    wanted = {f"{how}" for kind in PERMISSIONS for how in (f"GET /fhir/{kind}", f"POST /fhir/{kind}/_search")}
    wanted |= {f"GET /fhir/{kind}/{{logicalId}}" for kind in PERMISSIONS}
    assert set(routes(app)) == wanted | {"GET /fhir/metadata"}
    assert set(PERMISSIONS) == {*OF_FAMILIES, *OF_DIRECTORY}


@pytest.mark.parametrize("permission", [None, "team:peek", "anyone"])
def test_a_type_without_a_permission_of_the_policy_cant_be_declared(permission: Any) -> None:
    def nothing(*_: Any) -> Any:
        """Never asked."""

    with pytest.raises(TypeError, match="permission"):
        FhirRoutes().type("CareTeam", permission, nothing, nothing)


@pytest.fixture(scope="module")
def system(world: World) -> System:
    return System(world, ec_key())


@pytest.mark.parametrize("kind", PERMISSIONS)
def test_each_type_takes_the_scope_of_its_permission(system: System, kind: str) -> None:
    permission = PERMISSIONS[kind]
    other = Permission.HELP_DOMAIN_ADD if permission == Permission.DIRECTORY_READ else Permission.DIRECTORY_READ
    enough, lacking = ({"Authorization": f"Bearer {system.token(scope=one)}"} for one in (permission, other))
    for method, path in (("GET", kind), ("POST", f"{kind}/_search"), ("GET", f"{kind}/x")):
        refused = system.http.request(method, f"/fhir/{path}", headers=lacking)
        outcome(refused, 403, "scope_lacking")
        assert f'scope="{permission}"' in refused.headers["WWW-Authenticate"]
        assert system.http.request(method, f"/fhir/{path}", headers=enough).status_code in {200, 404}
        outcome(system.http.request(method, f"/fhir/{path}"), 401, "unauthenticated")


@pytest.mark.parametrize("kind", OF_DIRECTORY)
def test_the_directory_is_for_the_roles_that_the_policy_names(scene: Scene, kind: str) -> None:
    for actor in [*scene.related.values(), *scene.outsiders.values()]:
        allowed = actor.role in RULES[PERMISSIONS[kind]].roles
        answer = reader(scene.world, actor).get(kind, params={"_count": 1})
        assert answer.status_code == (200 if allowed else 403), actor.role
        assert allowed or actor.role in {Role.FAMILY_MEMBER, Role.ANALYST}


def test_nothing_is_written_here(scene: Scene) -> None:
    asks = reader(scene.world, scene.related["lead"])
    for method in ("PUT", "PATCH", "DELETE"):
        answer = asks._ask(method, "CareTeam/x")
        outcome(answer, 405, "method_not_allowed")
        assert answer.headers["Allow"] == "GET, HEAD"
