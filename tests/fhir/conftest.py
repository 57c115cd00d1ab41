"""One family, everybody around it and everybody who is not; and a service on an address that its links name."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from fastapi import FastAPI

from api.fhir.ids import joined
from api.main import create_app
from tests.access.scene import Scene
from tests.conftest import serving
from tests.world import World


@pytest.fixture(scope="module")
def scene(world: World) -> Scene:
    return Scene(world)


@dataclass(frozen=True)
class Live:
    """The service on an address that its links name, and who reads there."""

    url: str
    authorization: str
    scene: Scene

    @property
    def team_id(self) -> str:
        return joined(self.scene.family.id, self.scene.parent_person.id)


@pytest.fixture(scope="module")
def live(app: FastAPI, scene: Scene) -> Iterator[Live]:
    own = create_app(app.state.settings)
    with serving(own) as base_url:
        own.state.settings = app.state.settings.model_copy(update={"base_url": base_url})
        token = own.state.own_issuer.token(scene.related["lead"])
        yield Live(f"{base_url}/fhir", f"Bearer {token}", scene)
