"""OperationOutcome: every refusal in FHIR's words. Its code is the problem's; its type follows from that."""

from collections.abc import Mapping
from typing import Any

from api.fhir.codings import PROBLEM, coding, concept

ISSUE_TYPES: dict[int, str] = {
    400: "invalid",
    401: "login",
    403: "forbidden",
    404: "not-found",
    405: "not-supported",
    406: "not-supported",
    409: "conflict",
    410: "deleted",
    412: "conflict",
    413: "too-long",
    415: "not-supported",
    429: "throttled",
    500: "exception",
    503: "transient",
}
BY_CODE: dict[str, str] = {
    "unknown_parameter": "not-supported",
    "token_in_query": "security",
    "bsn_in_query": "security",
    "invalid_bsn": "value",
}


def outcome(problem: Mapping[str, Any]) -> dict[str, Any]:
    """The same refusal: an issue for all of it, and one for each thing that is wrong with the input."""
    issues = [_issue(problem["status"], problem["code"], f"{problem['detail']} ({problem['instance']})")]
    issues += [
        _issue(problem["status"], one["code"], f"{one['name']}: {one['detail']}") for one in problem.get("errors", ())
    ]
    return {"resourceType": "OperationOutcome", "issue": issues}


def _issue(status: int, code: str, diagnostics: str) -> dict[str, Any]:
    return {
        "severity": "fatal" if status >= 500 else "error",
        "code": BY_CODE.get(code) or ISSUE_TYPES.get(status, "processing"),
        "details": concept(coding(PROBLEM, code)),
        "diagnostics": diagnostics,
    }
