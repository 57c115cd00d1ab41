"""The caseload: the families someone is related to, and what about them needs their attention."""

from uuid import UUID

from api.domain.documents import Document, load

CASELOAD = load("caseload.sql")
FIRST = UUID(int=0)


def caseload(after: UUID | None, limit: int) -> Document:
    """A page of the reader's families, from the one after this."""
    return Document(CASELOAD, {"after": after or FIRST, "limit": limit})
