"""What Schemathesis has to know of the field, and our own, stricter reading of one of its checks."""

import schemathesis
from hypothesis import strategies as st

from tests.world import a_bsn

OF_THE_FIELD = {
    "invalid",
    "invalid_bsn",
    "invalid_cursor",
    "invalid_grant",
    "legal_ground_missing",
    "no_rows",
    "not_theirs_to_decide",
    "unknown_columns",
    "unknown_help_domain",
    "unknown_legal_ground",
    "unknown_measure",
    "unsupported_grant_type",
    "url_refused",
}
"""Codes of refusals by rules that no schema can say: a last day before the first, a help domain not on the list.

Nor which lines a file has to have."""

ONE_OF_SEVERAL = {
    "Give a bsn, or a givenName, surname and birthDate.",
    "Give a bsn, or a surname and a birthDate.",
    "Give a familyId, a helpDomain or both.",
    "Give a registrationId, a personId or a person.",
    "Give an agency_system its agencyId, a professional the professionalId, a member personId.",
    "Give either a familyId or a bsn.",
    "Give either a personId or a person.",
    "Give either a registrationId or a personId.",
    "Name each condition once.",
}
"""What is said where a shape takes one of several, which its schema leaves to its description."""

schemathesis.openapi.format("bsn", st.builds(a_bsn))


@schemathesis.check
def what_the_schema_allows_is_understood(
    ctx: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case
) -> None:
    """In the place of `positive_data_acceptance`, which takes every 400 on valid data for a fault.

    A 400 is right where a rule of the field refuses what is well formed, as 422 is never used here. So: a 400 on valid
    data may come from such a rule only, never from reading the request.
    """
    if case.meta is None or not case.meta.generation.mode.is_positive or response.status_code != 400:
        return
    if "None" in str(response.request.url).split("/"):
        return  # it followed an id that is null to where that would lead
    problem = response.json()
    if problem["code"] == "invalid_precondition" and response.request.headers["If-None-Match"] == "0":
        return  # it gives "0" to a header, also to one whose pattern takes nothing but "*"
    errors = problem.get("errors") or [problem]
    if not all(error["code"] in OF_THE_FIELD or error["detail"] in ONE_OF_SEVERAL for error in errors):
        raise AssertionError(f"Valid data was refused: {problem}")
