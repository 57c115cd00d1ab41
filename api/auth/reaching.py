"""How far a search over families looks: always among the reader's own, and no further than it has to.

A transaction begins by seeing no family. What a search is about then brings some of the reader's families into sight:
those of a page, those that are named, or those of somebody who is searched for. The search starts from them, by the
policy's own look at the relations, and leaves its records (`api/auth/documents.py`). A search reaches hidden families
no more than missing ones, and takes as long for either.
"""

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from api.auth import documents, relations
from api.auth.calls import Call
from api.auth.policy import Permission
from api.db import ENTER
from api.domain.documents import Document

SEE = "SELECT spil_see(%(family_id)s::uuid)"
SEE_WITH = "SELECT spil_see_with(%(persons)s::uuid[], %(pseudonyms)s::bytea[])"


@dataclass(frozen=True)
class Page:
    """The reader's families in order, from this one on; one more than a page has."""

    first: UUID
    size: int


@dataclass(frozen=True)
class Named:
    """These families, as far as they are the reader's."""

    family_ids: tuple[UUID, ...]


@dataclass(frozen=True)
class With:
    """Those of the reader's families that somebody is in."""

    persons: tuple[UUID, ...]
    pseudonyms: tuple[bytes, ...]


Reach = Page | Named | With


def shown(call: Call, permission: Permission, document: Document, reach: Reach) -> Any:
    """What a document shows of the families within reach, with a record for each of them."""
    _see(call, reach)
    actor = call.work.actor
    statement = documents.statement(document.select, actor.role, one_family=False, candidates=document.candidates)
    values = documents.parameters(document, actor, permission, None, call.work.trace_id or "")
    row = call.work.session.connection().exec_driver_sql(statement, values).one()
    return json.loads(row[0])


def _see(call: Call, reach: Reach) -> None:
    connection = call.work.session.connection()
    if isinstance(reach, Named):
        for family_id in reach.family_ids:
            connection.exec_driver_sql(SEE, {"family_id": family_id})
    elif isinstance(reach, With):
        values = {"persons": list(reach.persons), "pseudonyms": list(reach.pseudonyms)}
        connection.exec_driver_sql(SEE_WITH, values)
    else:
        before = UUID(int=max(reach.first.int - 1, 0))
        page = {"family_id": None, "after": before, "limit": reach.size}
        connection.exec_driver_sql(ENTER, relations.parameters(call.work.actor) | page)
