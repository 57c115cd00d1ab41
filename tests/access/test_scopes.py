"""A token does no more than it was asked for: one scope an operation, documented and held."""

from uuid import uuid4

import pytest
from httpx import Client, Response

from api.auth.issuers import SCOPES
from api.auth.policy import Permission
from tests.access.signing import ec_key
from tests.access.systems import System
from tests.wire.operations import OPERATIONS, Operation
from tests.world import World, refused


@pytest.fixture(scope="module")
def system(world: World) -> System:
    return System(world, ec_key())


def ask(client: Client, token: str, path: str = "/agencies?limit=1") -> Response:
    return client.get(f"/v1{path}", headers={"Authorization": f"Bearer {token}"})


def test_a_token_does_no_more_than_it_was_asked_for(world: World, system: System) -> None:
    asked = "directory:read team:read"
    answer = system.ask(system.assertion(), scope=asked)
    assert answer.json()["scope"] == asked
    token = answer.json()["access_token"]
    family = world.a_family()
    world.an_involvement(family, system.agency)
    assert ask(system.http, token).status_code == 200
    assert ask(system.http, token, f"/families/{family.id}/who-is-involved").status_code == 200
    lacking = ask(system.http, token, f"/families/{family.id}/timeline")
    refused(lacking, 403, "scope_lacking")
    assert 'error="insufficient_scope", scope="timeline:read"' in lacking.headers["WWW-Authenticate"]


def test_a_scope_gives_nothing_that_the_role_does_not(system: System) -> None:
    every = " ".join(sorted(SCOPES))
    refused(ask(system.http, system.token(scope=every), "/clients"), 403, "role_lacking")


@pytest.mark.parametrize("scope", ["family", "family:raed", "team:read openid", " ", "team:read  directory:read", "*"])
def test_an_unknown_scope_is_refused(system: System, scope: str) -> None:
    refused(system.ask(system.assertion(), scope=scope), 400, "invalid_scope")


GUARDED = [operation for operation in OPERATIONS if operation.guarded]


@pytest.mark.parametrize("operation", GUARDED, ids=lambda operation: operation.name)
def test_every_operation_names_the_one_scope_it_takes(system: System, operation: Operation) -> None:
    """What is documented is what is held, before anything is read: whatever is sent, the answer is the same."""
    document = system.world.app.openapi()["paths"][operation.path.removeprefix("/v1")][operation.method.lower()]
    [scope] = document["security"][0]["client"]
    assert document["security"] == [{"client": [scope]}, {"token": [scope]}]
    assert scope in SCOPES
    other = Permission.HELP_DOMAIN_ADD if scope == Permission.DIRECTORY_READ else Permission.DIRECTORY_READ
    path = operation.path
    for name in operation.names_of("path"):
        path = path.replace(f"{{{name}}}", str(uuid4()))
    headers = {"Authorization": f"Bearer {system.token(scope=other)}"}
    answer = system.http.request(operation.method, path, headers=headers)
    refused(answer, 403, "scope_lacking")
    assert f'scope="{scope}"' in answer.headers["WWW-Authenticate"]
