"""Asking `/fhir` as somebody, and looking through what comes back."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from httpx import Response

from api.domain.actor import Actor
from api.fhir.codings import BSN
from api.fhir.ids import joined
from tests.world import Caller, World

Resource = dict[str, Any]
OF_FAMILIES = ("CareTeam", "Patient", "RelatedPerson", "EpisodeOfCare")
OF_DIRECTORY = ("Organization", "Practitioner", "PractitionerRole")


@dataclass(frozen=True)
class Reader:
    """Somebody who speaks FHIR."""

    caller: Caller

    def get(self, path: str, **how: Any) -> Response:
        return self._ask("GET", path, **how)

    def post(self, path: str, form: Any = None, **how: Any) -> Response:
        return self._ask("POST", path, data=form, **how)

    def _ask(self, method: str, path: str, **how: Any) -> Response:
        headers = {"Authorization": f"Bearer {self.caller.token}"} | how.pop("headers", {})
        return self.caller.client.request(method, f"/fhir/{path}", headers=headers, **how)

    def read(self, kind: str, logical_id: str) -> Resource:
        answer = self.get(f"{kind}/{logical_id}")
        assert answer.status_code == 200, answer.text
        one: Resource = answer.json()
        assert (one["resourceType"], one["id"]) == (kind, logical_id)
        return one

    def all(self, kind: str, **params: Any) -> list[Resource]:
        """Every match of a search, page by page."""
        return [one for page in self.pages(kind, **params) for one in found(page)]

    def pages(self, kind: str, **params: Any) -> list[Resource]:
        pages, answer = [], self.get(kind, params=params)
        while True:
            assert answer.status_code == 200, answer.text
            pages.append(answer.json())
            following = link(pages[-1], "next")
            if following is None:
                return pages
            split = urlsplit(following)
            assert len(pages) < 100, "The pages don't come to an end."
            answer = self.get(split.path.removeprefix("/fhir/") + "?" + split.query)

    def by_bsn(self, kind: str, bsn: str, **more: Any) -> Response:
        name = "identifier" if kind == "Patient" else "patient.identifier"
        return self.post(f"{kind}/_search", {name: f"{BSN}|{bsn}"} | more)


def about(asks: Reader, family_id: UUID, persons: Iterable[UUID]) -> list[Resource]:
    """All that a reader is shown about these persons of a family: a registrar has many families."""
    patients = ",".join(joined(family_id, one) for one in persons)
    of_patients = [asks.all(kind, patient=patients) for kind in ("CareTeam", "RelatedPerson", "EpisodeOfCare")]
    return [one for several in (asks.all("Patient", _id=patients), *of_patients) for one in several]


def reader(world: World, actor: Actor) -> Reader:
    return Reader(world.as_(actor))


def found(bundle: Resource, mode: str = "match") -> list[Resource]:
    return [one["resource"] for one in bundle.get("entry", ()) if one["search"]["mode"] == mode]


def link(bundle: Resource, relation: str) -> str | None:
    return next((one["url"] for one in bundle["link"] if one["relation"] == relation), None)


def outcome(answer: Response, status: int, code: str) -> Resource:
    """The refusal, which is one of ours in FHIR's words."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/fhir+json"
    whole: Resource = answer.json()
    assert whole["resourceType"] == "OperationOutcome"
    assert whole["issue"][0]["details"]["coding"][0]["code"] == code, answer.text
    return whole


def team_id(family_id: UUID, key: UUID) -> str:
    return joined(family_id, key)


def roles(team: Resource) -> list[tuple[set[str], str | None]]:
    """Each participant's codes, and who it is."""
    return [
        ({coding["code"] for role in one["role"] for coding in role["coding"]}, one["member"].get("reference"))
        for one in team["participant"]
    ]


def text_of(resources: Iterable[Any]) -> str:
    return json.dumps(list(resources))
