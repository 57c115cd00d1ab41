"""What a merge changes, row by row, as it was before and after: so that it can be undone, or that is refused.

A row is remembered by its identifiers, codes and instants; the name and the BSN in a registration are not repeated.
"""

from typing import Any
from uuid import UUID

from sqlmodel import SQLModel

from api.domain.errors import Conflict
from api.domain.models import Consent, Involvement, Measure, Member, Registration
from api.domain.work import Work

TABLES: dict[str, type[SQLModel]] = {
    table.__name__: table for table in (Member, Involvement, Consent, Measure, Registration)
}
LEFT_OUT = {"given_name", "surname", "birth_date", "bsn_sealed", "bsn_pseudonym"}
CHANGED_SINCE = "Something that moved has changed since. Set it right by hand."


def image(row: SQLModel) -> dict[str, Any]:
    return row.model_dump(mode="json", exclude=LEFT_OUT)


def remembered(
    row: SQLModel, before: dict[str, Any] | None, after: dict[str, Any] | None, **more: str
) -> dict[str, Any]:
    row_id = (before or after or {})["id"]
    return {"table": type(row).__name__, "id": row_id, "before": before, "after": after} | more


def before(moved: dict[str, Any]) -> dict[str, Any]:
    """The columns of the row as it was."""
    return TABLES[moved["table"]].model_validate(moved["before"]).model_dump(include=set(moved["before"]))


def as_left(work: Work, moved: dict[str, Any], *, may_lapse: bool = False) -> Any:
    """The row, if it still is as the merge left it; `may_lapse`: that it ended by itself since is no change.

    A registration that was given a BSN since has been placed by it: that is a change.
    """
    row = work.session.get(TABLES[moved["table"]], UUID(moved["id"]))
    now = image(row) if row else None
    if may_lapse and now and moved["after"] and "end_reason" in now:
        now["end_reason"] = moved["after"]["end_reason"]
    if now != moved["after"] or getattr(row, "bsn_sealed", None):
        raise changed_since()
    return row


def changed_since() -> Conflict:
    return Conflict(CHANGED_SINCE, code="changed_since")
