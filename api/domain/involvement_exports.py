"""Exports of one's own involvements: a page of families at a time, each with its record of disclosure."""

from uuid import UUID

from api.domain.documents import Document, load

INVOLVEMENT_EXPORT = load("involvement_export.sql")

FAMILIES_AT_ONCE = 200


def involvements(after: UUID | None, then: str) -> Document:
    """The involvements with the families after this one, and where to go on; `then`: where, after the last family."""
    return Document(INVOLVEMENT_EXPORT, {"after": after or UUID(int=0), "limit": FAMILIES_AT_ONCE, "then": then})
