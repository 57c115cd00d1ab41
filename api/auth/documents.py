"""Composed reads: one statement authorises, records the disclosure and builds the document, in one round trip.

A capability keeps the select of its document in a `.sql` file; it gives one row of `body` (text), `family_ids`
and `next_cursor`, and starts from `relation`: the reader's relations that give the permission asked, and `sees`: per
family, what of the policy's `FIELDS` the reader sees. This module puts the visibility query before it and the audit
records behind it: one for each person in each family shown. Because that is one statement, no document leaves without
its records, and a hidden family takes the same path as a missing one.
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

READ = """
WITH related AS ({related}),
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


def _read(select: str, role: Role, scope: Scope) -> str:
    return READ.format(
        related=relations.related(role, scope), sees=relations.sees(), document=select.strip().rstrip(";")
    )


@cache
def statement(select: str, role: Role, *, one_family: bool) -> str:
    """The read and its record, for a reader in this role. Gives the body, the next cursor and the relations found."""
    read = _read(select, role, Scope.ONE_FAMILY if one_family else Scope.PAGE)
    return read + RECORD.format(of_one_family="true" if one_family else "false", runs=relations.runs("m"))


@cache
def inside(select: str, role: Role) -> str:
    """The read alone, for an answer inside a change that leaves its own record."""
    return _read(select, role, Scope.ONE_FAMILY) + " SELECT body FROM document"


def parameters(
    document: Document, actor: Actor, permission: Permission, family_id: UUID | None, trace_id: str
) -> dict[str, Any]:
    about = recorded(permission)
    own = {
        "_relations": [str(name) for name in RULES[permission].of_relations or Relation],
        "_action": str(permission),
        "_activity": about["activity"],
        "_fields": about["fields"],
        "_purposes": PURPOSES,
        "_trace_id": trace_id,
        "family_id": family_id,
    }
    return own | relations.parameters(actor) | document.parameters
