"""An agency's system as it is registered, and as it asks for tokens."""

import secrets
import time
from typing import Any

from httpx import Response
from sqlmodel import col, select

from api.domain.models import Agency, Event
from tests.access.signing import SigningKey
from tests.world import ADMINISTRATOR, World

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class System:
    """An agency's system, registered."""

    def __init__(self, world: World, *keys: SigningKey, agency: Agency | None = None, **more: Any) -> None:
        self.world, self.http, self.agency = world, world.client, agency or world.an_agency()
        self.key = keys[0]
        self.audience = world.app.state.settings.token_endpoint
        self.administrator = world.as_(ADMINISTRATOR)
        body = {"agencyId": str(self.agency.id), "name": "Dossier", "jwks": {"keys": [key.jwk for key in keys]}}
        self.registered = self.administrator.post("/clients", body | more)
        assert self.registered.status_code == 201, self.registered.text
        self.id: str = self.registered.json()["id"]

    def claims(self, **more: Any) -> dict[str, Any]:
        now = int(time.time())
        good = {"iss": self.id, "sub": self.id, "aud": self.audience, "iat": now, "exp": now + 60}
        claims = good | {"jti": secrets.token_hex(8)} | more
        return {name: value for name, value in claims.items() if value is not None}

    def assertion(self, **more: Any) -> str:
        return self.key.sign(self.claims(**more))

    def ask(self, assertion: str, **more: str | None) -> Response:
        form = {"grant_type": "client_credentials", "client_assertion_type": TYPE, "client_assertion": assertion} | more
        return self.http.post("/oauth/token", data={name: value for name, value in form.items() if value is not None})

    def token(self, key: SigningKey | None = None, **more: str) -> str:
        """An access token, asked for with this key."""
        answer = self.ask((key or self.key).sign(self.claims()), **more)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])


def told(system: System) -> list[str]:
    """The events about this client, the oldest first."""
    with system.world.session() as session:
        events = session.exec(select(Event).where(Event.about == system.id).order_by(col(Event.at)))
        return [event.type for event in events]
