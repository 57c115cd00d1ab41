"""Composed reads: one statement authorises, records the disclosure and builds the document, in one round trip.

A capability keeps the select of its document in a `.sql` file; it gives one row of `body` (text), `family_ids`
and `next_cursor`, and starts from `relation`: the reader's relations that give the permission asked, and `sees`: per
family, what of the policy's `FIELDS` the reader sees. One that is about neither a family nor a page of them says which
families it can be about (`candidates`); relations are looked for among those. This module puts the visibility query
before it and the audit records behind it: one for each person in each family shown. Because that is one statement, no
document leaves without its records, and a hidden family takes the same path as a missing one.
"""

import json
from functools import cache
from typing import Any
from uuid import UUID

from api.auth import relations
from api.auth.policy import RULES, Permission, Relation
from api.auth.purposes import PURPOSE_OF, recorded
from api.auth.relations import Scope
from api.domain.actor import Actor, Role
from api.domain.documents import Document

PURPOSES = json.dumps(PURPOSE_OF)

CANDIDATES = "candidate AS MATERIALIZED (\n{}\n), "

READ = """
WITH {candidates}related AS ({related}),
sees AS ({sees}),
relation AS (SELECT * FROM related WHERE name = ANY(%(_relations)s)),
document AS (
{document}
)"""

RECORD = """,
shown AS (
  SELECT family_id FROM document, unnest(document.family_ids) AS family_id WHERE document.body IS NOT NULL
),
record AS (
  INSERT INTO audit_record (at, action, activity, fields, trace_id, role, subject, issuer, via,
                            agency_id, professional_id, person_id,
                            decision, family_id, municipality_code, shown_person_id, relation, legal_basis, purpose)
  SELECT statement_timestamp(), %(_action)s, %(_activity)s, %(_fields)s, %(_trace_id)s, %(role)s, %(subject)s,
         %(issuer)s, %(via)s, %(agency_id)s::uuid, %(professional_id)s::uuid, %(person_id)s::uuid, disclosed.*
  FROM (
    SELECT 'shown', shown.family_id, f.municipality_code, m.person_id, by.name, by.legal_basis,
           %(_purposes)s::jsonb ->> by.name
    FROM shown
    JOIN family f ON f.id = shown.family_id
    LEFT JOIN member m ON m.family_id = f.id AND {runs}
    CROSS JOIN LATERAL (SELECT name, legal_basis FROM relation WHERE family_id = shown.family_id LIMIT 1) AS by
    UNION ALL
    SELECT 'refused', %(family_id)s::uuid, NULL, NULL::uuid, NULL, NULL, NULL
    WHERE {of_one_family} AND NOT EXISTS (SELECT FROM shown)
  ) AS disclosed
)
SELECT (SELECT body FROM document), (SELECT next_cursor FROM document), ARRAY(SELECT DISTINCT name FROM related)
"""


EVERY_FAMILY = 1_000_000
"""More than anybody has, for `ENTER` when a document can be about all of the reader's. A registrar's aren't listed: the
database lets them see a whole municipality."""


def _read(select: str, role: Role, scope: Scope, candidates: str | None = None) -> str:
    return READ.format(
        candidates=CANDIDATES.format(candidates.strip().rstrip(";")) if candidates else "",
        related=relations.related(role, scope),
        sees=relations.sees(),
        document=select.strip().rstrip(";"),
    )


@cache
def statement(select: str, role: Role, *, one_family: bool, candidates: str | None = None) -> str:
    """The read and its record, for a reader in this role. Gives the body, the next cursor and the relations found."""
    scope = Scope.ONE_FAMILY if one_family else Scope.CANDIDATES if candidates else Scope.PAGE
    read = _read(select, role, scope, candidates)
    return read + RECORD.format(of_one_family="true" if one_family else "false", runs=relations.runs("m"))


@cache
def inside(select: str, role: Role) -> str:
    """The read alone, for an answer inside a change that leaves its own record."""
    return _read(select, role, Scope.ONE_FAMILY) + " SELECT body FROM document"


@cache
def unrecorded(select: str, role: Role, candidates: str) -> str:
    """The read alone, for what nobody is shown yet: only to know what there will be to show."""
    return _read(select, role, Scope.CANDIDATES, candidates) + " SELECT body, next_cursor FROM document"


def parameters(
    document: Document, actor: Actor, permission: Permission, family_id: UUID | None, trace_id: str
) -> dict[str, Any]:
    about = recorded(permission)
    own: dict[str, Any] = {
        "_relations": [str(name) for name in RULES[permission].of_relations or Relation],
        "_action": str(permission),
        "_activity": about["activity"],
        "_fields": about["fields"],
        "_purposes": PURPOSES,
        "_trace_id": trace_id,
        "family_id": family_id,
    }
    if document.candidates:
        own |= {"after": None if actor.role is Role.REGISTRAR else UUID(int=0), "limit": EVERY_FAMILY}
    return own | relations.parameters(actor) | document.parameters
