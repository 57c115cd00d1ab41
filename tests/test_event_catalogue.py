"""The catalogue of events: complete, and the same in the code, in the description of the API and on its page."""

import json
from pathlib import Path

from fastapi import FastAPI

from api import webhooks
from api.domain.codes import EventType
from api.domain.event_catalogue import CATALOGUE, PLURALS, matching
from api.routers.events import CloudEvent

PAGE = Path(__file__).parent.parent / "docs" / "events.md"


def test_every_type_of_event_is_in_the_catalogue() -> None:
    assert set(CATALOGUE) == set(EventType)
    assert {kind.partition(".")[0] for kind in EventType} == set(PLURALS)
    assert len({told.name for told in CATALOGUE.values()}) == len(CATALOGUE)


def test_the_page_has_the_catalogue_as_it_is() -> None:
    """To write it anew: python -c "from api import webhooks; print(webhooks.table())"."""
    assert PAGE.read_text(encoding="utf-8").endswith(webhooks.table())


def test_the_description_has_a_webhook_for_each_with_a_valid_example(app: FastAPI) -> None:
    described = app.openapi()["webhooks"]
    assert set(described) == {str(kind) for kind in EventType}
    for webhook in described.values():
        [content] = webhook["post"]["requestBody"]["content"].values()
        assert set(content["example"]) == set(CloudEvent.model_fields)
        CloudEvent.model_validate_json(json.dumps(content["example"]))


def test_every_link_leads_somewhere(app: FastAPI) -> None:
    paths = [path.split("/") for path, methods in app.openapi()["paths"].items() if "get" in methods]
    for told in CATALOGUE.values():
        parts = told.link.removeprefix("/v1").split("/")
        assert any(_fits(path, parts) for path in paths), told.link


def _fits(path: list[str], parts: list[str]) -> bool:
    same = [
        mine == theirs or (mine[:1] == "{") is (theirs[:1] == "{") is True
        for mine, theirs in zip(path, parts, strict=False)
    ]
    return len(path) == len(parts) and all(same)


def test_a_pattern_names_all_about_something_and_nothing_else() -> None:
    assert {kind.partition(".")[0] for kind in matching("involvement.*")} == {"involvement"}
    assert matching("mandate.granted") == [EventType.MANDATE_GRANTED]
    assert matching("*") == matching("*.*") == matching("mandate") == matching("mandate.") == []
