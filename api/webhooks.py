"""Events in the description of the API: a webhook for each type of the catalogue, and the table of the page on events.

What a subscriber's endpoint gets and what `GET /v1/events` gives are the same CloudEvents.
"""

from typing import Any

from pydantic.alias_generators import to_pascal

from api.domain.event_catalogue import CATALOGUE, Told

MEDIA_TYPE = "application/cloudevents+json"
SIGNED_BY = {
    "webhook-id": "The event's id. The same event sent again has the same one.",
    "webhook-timestamp": "When it was sent, in seconds since 1970. Refuse what is more than five minutes off.",
    "webhook-signature": "`v1a,` and base64 of an Ed25519 signature of id, timestamp and body, joined by dots.",
}
ANSWERS = {
    "2XX": {"description": "Received."},
    "410": {"description": "Gone: the subscription is disabled."},
    "default": {"description": "Not received. It is sent again, for three days."},
}
PARAMETERS = {
    to_pascal(name.replace("-", "_")): {
        "name": name,
        "in": "header",
        "required": True,
        "description": text,
        "schema": {"type": "string"},
    }
    for name, text in SIGNED_BY.items()
}
EXAMPLE_OF = {
    "{familyId}": "5b0f2c9e-6a0d-4c52-9a7e-3d1f0c8b7a64",
    "{about}": "0d9f6c1b-2f7a-4a55-8a3c-7e5b9d2c4f10",
}


def described() -> dict[str, Any]:
    """A webhook for each type of event, by its name in the catalogue."""
    return {str(told.type): {"post": _webhook(told)} for told in CATALOGUE.values()}


def _webhook(told: Told) -> dict[str, Any]:
    return {
        "operationId": f"on{to_pascal(told.type.replace('.', '_'))}",
        "summary": f"Event {told.type}",
        "description": f"{told.when} Told to: {told.to_whom}.",
        "tags": ["Events"],
        "parameters": [{"$ref": f"#/components/parameters/{name}"} for name in PARAMETERS],
        "requestBody": {
            "required": True,
            "content": {
                MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/CloudEvent"}, "example": example_of(told)}
            },
        },
        "responses": ANSWERS,
    }


def example_of(told: Told) -> dict[str, Any]:
    """What such an event looks like."""
    link, of_family = told.link, "{familyId}" in told.link
    for name, value in EXAMPLE_OF.items():
        link = link.replace(name, value)
    return {
        "specversion": "1.0",
        "id": "7f1c2f52-1e0a-4d0c-9a2b-0a6f6c6f9d11",
        "source": "urn:nld:oin:00000000000000000000:systeem:spil",
        "type": told.name,
        "time": "2026-03-02T09:30:00.000000Z",
        "sequence": "00001772443800000000",
        "datacontenttype": "application/json",
        "data": {"event": str(told.type), "familyId": EXAMPLE_OF["{familyId}"] if of_family else None, "link": link},
    }


def table() -> str:
    """The catalogue, as the page on events has it."""
    rows = [f"| `{told.type}` | `{told.name}` | {told.when} | {told.to_whom} |" for told in CATALOGUE.values()]
    return "\n".join(["| Event | Type | When | To whom |", "|---|---|---|---|", *rows]) + "\n"
