"""What every answer has, whatever was asked."""

import re
from importlib.metadata import version

from httpx import Response

from tests.described import must_be_described

CANARY_NAME = "Kanarievogel"
CANARY_NUMBER = "999990019"

HEADERS = {
    "API-Version": version("spil"),
    "Cache-Control": "no-store",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
MEMBERS = {"type", "title", "status", "detail", "instance", "code"}


def has_every_header(response: Response) -> None:
    for name, value in HEADERS.items():
        assert response.headers.get_list(name) == [value], f"{name} on {response.status_code}"
    assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]
    assert "server" not in response.headers or response.headers["server"] == "uvicorn"


def is_problem(response: Response, *statuses: int) -> None:
    """One of these refusals: a problem document in full, with the headers, without a word of what was sent."""
    assert response.status_code in statuses, f"{response.status_code}: {response.text[:400]}"
    has_every_header(response)
    assert response.headers["Content-Type"] == "application/problem+json"
    problem = response.json()
    assert set(problem) >= MEMBERS, problem
    assert problem["status"] == response.status_code
    assert problem["type"] == "/problems/" + problem["code"].replace("_", "-")
    assert re.fullmatch("urn:trace:[0-9a-f]{32}", problem["instance"])
    assert re.fullmatch("[a-z][a-z_]+", problem["code"])
    assert problem["title"]
    assert problem["detail"]
    for error in problem.get("errors", ()):
        assert set(error) == {"place", "name", "code", "detail"}, error
    echoes_nothing(response)
    must_be_described(response)


def echoes_nothing(response: Response) -> None:
    said = response.text + str(response.headers.multi_items())
    assert CANARY_NAME.lower() not in said.lower()
    assert CANARY_NUMBER not in said
