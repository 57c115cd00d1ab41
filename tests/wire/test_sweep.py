"""Every route, and everything that can come in at it: an answer is a problem in full, never an echo, never a crash."""

import json
import logging
from collections.abc import Iterator

import pytest
from httpx import Response

from api.domain.actor import Role
from tests.wire import hostile
from tests.wire.answers import CANARY_NAME, CANARY_NUMBER, echoes_nothing, has_every_header, is_problem
from tests.wire.operations import FILES, FORM, METHODS_OF, OPERATIONS, Operation, a_body, fields_of
from tests.wire.stage import Stage

GUARDED = [one for one in OPERATIONS if one.guarded]
WITH_BODY = [one for one in OPERATIONS if one.body and one.media_type != FORM]
WRITING = [one for one in OPERATIONS if one.method in {"POST", "PUT", "PATCH"}]
READING = [one for one in OPERATIONS if one.method == "GET"]
ONCE = [one for one in READING if one.name != "stream_events"]
"""Those with one answer in JSON."""
READERS = [
    Role.REGISTRAR,
    Role.PRIVACY_OFFICER,
    Role.PLATFORM_ADMINISTRATOR,
    Role.PROFESSIONAL,
    Role.AGENCY_SYSTEM,
    Role.FAMILY_MEMBER,
]
CANARIES = {
    "Idempotency-Key": f"{CANARY_NAME}{CANARY_NUMBER}",
    "If-Match": f'"{CANARY_NAME}"',
    "Accept-Language": CANARY_NAME,
    "User-Agent": CANARY_NAME,
    "traceparent": CANARY_NUMBER,
    "Origin": f"https://{CANARY_NAME}.example",
    "X-Forwarded-Host": CANARY_NAME,
}


DIRECTORY = {
    "list_agencies",
    "get_agency",
    "list_municipalities",
    "get_municipality",
    "list_help_domains",
    "get_help_domain",
    "list_legal_grounds",
    "list_purposes",
    "get_match_follow_up",
    "check_access",
}
"""Open to every role."""


def _send_body(stage: Stage, operation: Operation, token: str, **other: str) -> Response:
    """Send what the operation takes."""
    body = a_body(operation) if operation.body else None
    asked = {"municipalityCode": "9901"} if operation.media_type in FILES else None
    return stage.send(operation.method, stage.path(operation, **other), token, json=body, params=asked)


def each(operations: list[Operation]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("operation", operations, ids=lambda one: one.name)


@pytest.fixture(autouse=True)
def silent_log(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    """Nothing of what is sent is in anything that is logged."""
    caplog.set_level(logging.INFO)
    yield
    written = capfd.readouterr()
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))]
    logged = (" ".join(ours) + written.out + written.err).lower()
    assert CANARY_NAME.lower() not in logged
    assert CANARY_NUMBER not in logged


def test_the_sweep_finds_the_routes_there_are() -> None:
    names = {operation.name for operation in OPERATIONS}
    assert len(OPERATIONS) >= 70
    assert len(names) == len(OPERATIONS), "Two operations have one name."
    assert names >= {"get_who_is_involved", "assign_contact_point", "search_persons", "get_token", "is_live"}
    assert len(WITH_BODY) >= 30
    assert all(fields_of(operation) for operation in WITH_BODY)


@each(ONCE)
def test_every_read_answers_somebody(operation: Operation, untouched: Stage) -> None:
    path = untouched.path(operation)
    answers = [untouched.send("GET", path, untouched.token(role)) for role in READERS]
    for answer in answers:
        has_every_header(answer)
        assert answer.status_code in {200, 403, 404}, answer.text
    readable = [answer for answer in answers if answer.status_code == 200]
    assert readable or operation.path.endswith(("Id}/deputies/{deputyId}", "Id}/absences/{absenceId}", "{clientId}"))
    for answer in readable:
        assert answer.headers["Content-Type"] == "application/json"
        assert isinstance(answer.json(), dict), "The top level is always an object."


@each(ONCE)
def test_head_is_get_without_a_body(operation: Operation, untouched: Stage) -> None:
    path = untouched.path(operation)
    for token in [None, *(untouched.token(role) for role in READERS[:2])]:
        got, head = untouched.send("GET", path, token), untouched.send("HEAD", path, token)
        assert (head.status_code, head.content) == (got.status_code, b"")
        has_every_header(head)
        assert set(head.headers) == set(got.headers)
        assert head.headers["Content-Type"] == got.headers["Content-Type"]
        if not path.startswith("/v1/disclosures"):  # who looks into the record adds to it
            assert head.headers["Content-Length"] == got.headers["Content-Length"]


@each(GUARDED)
def test_without_a_token_nobody_gets_in(operation: Operation, stage: Stage) -> None:
    for authorization in (None, "", "Bearer", "token", f"Bearer {CANARY_NAME}.e30.e30", "Basic eDp5"):
        headers = CANARIES | ({} if authorization is None else {"Authorization": authorization})
        answer = stage.send(operation.method, stage.path(operation), headers=headers)
        is_problem(answer, 401)
        assert answer.json()["code"] == "unauthenticated"
        assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="spil"')


@each([one for one in GUARDED if not one.of_family and one.name not in DIRECTORY])
def test_an_analyst_gets_figures_only(operation: Operation, stage: Stage) -> None:
    answer = _send_body(stage, operation, stage.token(Role.ANALYST))
    is_problem(answer, 403)
    assert answer.json()["code"] == "role_lacking"


@each([one for one in GUARDED if one.of_family])
@pytest.mark.parametrize("role", [Role.ANALYST, Role.PLATFORM_ADMINISTRATOR])
def test_whose_role_has_no_family_finds_none(operation: Operation, role: Role, stage: Stage) -> None:
    is_problem(_send_body(stage, operation, stage.token(role)), 404)


@each([one for one in GUARDED if one.of_family])
def test_a_strangers_family_is_no_family(operation: Operation, stage: Stage) -> None:
    said = []
    for other in ({}, {"familyId": "00000000-0000-4000-8000-000000000000"}):
        answer = _send_body(stage, operation, stage.outsider().token, **other)
        is_problem(answer, 404)
        assert answer.json()["code"] == "family_not_found"
        same = {name: value for name, value in answer.headers.items() if name != "date"}
        said.append((answer.json() | {"instance": ""}, same))
    assert said[0] == said[1]


@pytest.mark.parametrize("path", sorted(METHODS_OF))
def test_another_method_is_405_and_says_which_there_are(path: str, stage: Stage) -> None:
    allowed = METHODS_OF[path] | ({"HEAD"} if "GET" in METHODS_OF[path] else set())
    operation = next(one for one in OPERATIONS if one.path == path)
    for method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"} - allowed:
        answer = stage.send(method, stage.path(operation), headers=CANARIES)
        assert answer.status_code == 405
        has_every_header(answer)
        assert set(answer.headers["Allow"].split(", ")) == allowed
        if method == "HEAD":
            assert answer.content == b""
        else:
            is_problem(answer, 405)


@each(OPERATIONS)
def test_a_trailing_slash_is_another_path(operation: Operation, stage: Stage) -> None:
    answer = stage.send(operation.method, stage.path(operation) + "/", stage.token(Role.REGISTRAR))
    is_problem(answer, 404)


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/", "/v2/families", f"/v1/{CANARY_NAME}", "//v1/families", "/v1/%00"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_where_nothing_is_the_answer_is_404(method: str, path: str, stage: Stage) -> None:
    is_problem(stage.send(method, path, headers=CANARIES), 404)


@each(OPERATIONS)
def test_who_takes_no_json_gets_406(operation: Operation, stage: Stage) -> None:
    token = stage.token(Role.REGISTRAR)
    for accept in ("text/html", f"{CANARY_NAME}/xml", "application/json;q=0", "application/xml, text/*"):
        is_problem(stage.send(operation.method, stage.path(operation), token, headers={"Accept": accept}), 406)


@each(WRITING)
def test_another_content_type_is_415(operation: Operation, stage: Stage) -> None:
    content = json.dumps(a_body(operation) if operation.body else {"a": 1}).encode()
    path, token = stage.path(operation), stage.token(Role.REGISTRAR)
    for sent_as in ("text/plain", "application/xml", f"x/{CANARY_NAME}", "application/jsonp", None):
        headers = {"Content-Type": sent_as} if sent_as else {}
        is_problem(stage.send(operation.method, path, token, content=content, headers=headers), 415)


@each(WRITING)
def test_a_bad_body_is_400(operation: Operation, stage: Stage) -> None:
    path, token = stage.path(operation), stage.token(Role.REGISTRAR)
    headers = CANARIES | {"Content-Type": operation.media_type}
    for content in hostile.BODIES.values():
        is_problem(stage.send(operation.method, path, token, content=content, headers=headers), 400)


@each(WITH_BODY)
def test_a_bad_value_in_a_field_is_400_and_named(operation: Operation, stage: Stage) -> None:
    for field in fields_of(operation):
        for what, value in hostile.VALUES.items():
            content = hostile.with_value(a_body(operation), field, value)
            headers = {"Content-Type": "application/json"}
            answer = stage.send(
                operation.method, stage.path(operation), stage.token(Role.REGISTRAR), content=content, headers=headers
            )
            is_problem(answer, 400)
            if answer.json()["code"] == "invalid":
                assert any(error["name"].startswith(field) for error in answer.json()["errors"]), (field, what)


@each(WITH_BODY)
def test_all_that_is_wrong_is_said_at_once(operation: Operation, stage: Stage) -> None:
    body = {field: {"wrong": CANARY_NAME} for field in fields_of(operation)}
    answer = stage.send(operation.method, stage.path(operation), stage.token(Role.REGISTRAR), json=body)
    is_problem(answer, 400)
    assert {error["name"].split(".")[0] for error in answer.json()["errors"]} == set(body)


@each([one for one in WRITING if one.media_type not in FILES])
@pytest.mark.parametrize("declared", [True, False])
def test_a_megabyte_is_too_much(operation: Operation, declared: bool, stage: Stage) -> None:
    content = b'{"name": "' + CANARY_NAME.encode() + b"x" * 1_000_000 + b'"}'
    parts = (content[at : at + 65536] for at in range(0, len(content), 65536))
    answer = stage.send(
        operation.method,
        stage.path(operation),
        stage.token(Role.REGISTRAR),
        content=content if declared else parts,
        headers={"Content-Type": operation.media_type},
    )
    is_problem(answer, 413)


@each([one for one in OPERATIONS if one.names_of("path")])
def test_a_bad_id_in_the_path_is_refused(operation: Operation, stage: Stage) -> None:
    token = stage.token(Role.REGISTRAR)
    for name in operation.names_of("path"):
        for what, value in hostile.IN_PATH.items():
            path = stage.path(operation, **{name: value})
            answer = stage.send(operation.method, path, token, headers=CANARIES)
            statuses = {404, 405} if what == "a slash" else {400}
            is_problem(answer, *statuses)


@each(OPERATIONS)
def test_a_bad_query_is_refused(operation: Operation, stage: Stage) -> None:
    token = stage.token(Role.REGISTRAR)
    path = stage.path(operation)
    for name in [*operation.names_of("query"), CANARY_NAME]:
        for what, value in hostile.IN_QUERY.items():
            if (name, what) == ("name", "an object"):
                continue
            is_problem(stage.send(operation.method, f"{path}?{name}={value}", token), 400)
    for query in (f"{CANARY_NAME}", "%00", "%ff=%ff", "&".join(f"a{n}=1" for n in range(500)), "limit=1&limit=2"):
        is_problem(stage.send(operation.method, f"{path}?{query}", token), 400)


@each([one for one in OPERATIONS if one.names_of("header")])
def test_a_strange_header_breaks_nothing(operation: Operation, stage: Stage) -> None:
    token = stage.token(Role.REGISTRAR)
    for name in ("Idempotency-Key", "If-Match", "Accept-Language", "Content-Type", "X-Else"):
        for value in (b"\xff\xfe" + CANARY_NAME.encode(), CANARY_NAME.encode() * 4000, b",;=;q=q,", b'"', b"*"):
            answer = stage.send(operation.method, stage.path(operation), token, headers={name.encode(): value})
            has_every_header(answer)
            assert answer.status_code < 500, (name, value[:20])
            echoes_nothing(answer)
