"""The visibility query: which families is someone related to, at this instant? Every read and every change starts here.

Each relation is a select of `family_id`, `name`, the `powers` a mandate gives and the `legal_basis`. A role's query is
the union of its relations. What runs is decided by the database's clock, the same for every worker.
"""

from enum import StrEnum
from functools import cache
from typing import Any

from api.auth.policy import FIELDS, RELATIONS_OF, Relation
from api.domain.actor import Actor, Role

OLD_ENOUGH = "interval '12 years'"
"""From this age a child may look for themselves (Wgbo, Jeugdwet art. 7.3.4 and further)."""


def runs(alias: str) -> str:
    return (
        f"{alias}.started_at <= statement_timestamp()"
        f" AND ({alias}.ends_at IS NULL OR {alias}.ends_at > statement_timestamp())"
    )


ME = f"""(SELECT p.id FROM professional p
      WHERE p.id = %(professional_id)s AND p.agency_id = %(agency_id)s AND p.active
      UNION ALL
      SELECT a.professional_id FROM absence a JOIN professional p ON p.id = a.cover_id AND p.active
      WHERE a.cover_id = %(professional_id)s AND {runs("a")})"""
"""A professional, and whom they cover for now."""

OPENLY = f"""EXISTS (SELECT FROM involvement i JOIN professional p ON p.agency_id = i.agency_id AND p.active
      WHERE i.family_id = role.family_id AND NOT i.shielded AND {runs("i")} AND p.id ="""
OPENLY_INVOLVED = f"{OPENLY} role.professional_id AND i.agency_id = %(agency_id)s)"
"""A role around a family runs only while the agency of whoever has it, and acts for it, is openly involved."""

LEAD_IS_INVOLVED = f"{OPENLY} m.professional_id)"
INVOLVED_IN_DOMAIN = f"{OPENLY_INVOLVED[:-1]} AND role.help_domain = ANY(i.help_domains))"

OF_RELATION: dict[Relation, str] = {
    Relation.REGISTRAR: """
      SELECT {distinct} role.family_id, 'registrar' AS name,
             NULL::text[] AS powers, 'statutory_task' AS legal_basis
      FROM (SELECT id AS family_id, municipality_code FROM family) AS role
      WHERE role.municipality_code = %(municipality_code)s {scope}""",
    Relation.PRIVACY_OFFICER: """
      SELECT {distinct} role.family_id, 'privacy_officer' AS name,
             NULL::text[] AS powers, 'statutory_task' AS legal_basis
      FROM (SELECT id AS family_id, municipality_code FROM family) AS role
      WHERE role.municipality_code = %(municipality_code)s {scope}""",
    Relation.LEAD_COORDINATOR: f"""
      SELECT {{distinct}} role.family_id, 'lead_coordinator' AS name, role.powers, role.legal_basis FROM mandate role
      WHERE role.professional_id = %(professional_id)s AND {runs("role")} AND {OPENLY_INVOLVED} {{scope}}""",
    Relation.DEPUTY: f"""
      SELECT {{distinct}} role.family_id, 'deputy' AS name, m.powers, m.legal_basis
      FROM deputy role JOIN mandate m ON m.id = role.mandate_id AND {runs("m")}
      WHERE role.professional_id = %(professional_id)s AND {runs("role")} AND {OPENLY_INVOLVED}
      AND {LEAD_IS_INVOLVED} {{scope}}""",
    Relation.CONTACT_POINT: f"""
      SELECT {{distinct}} role.family_id, 'contact_point' AS name, NULL::text[] AS powers, NULL AS legal_basis
      FROM contact_point role
      WHERE role.professional_id IN {ME} AND {runs("role")} AND {INVOLVED_IN_DOMAIN} {{scope}}""",
    Relation.INVOLVED_AGENCY: f"""
      SELECT {{distinct}} role.family_id, 'involved_agency' AS name, NULL::text[] AS powers, role.legal_basis
      FROM involvement role WHERE {{own}} AND {runs("role")} {{scope}}""",
    Relation.INVITED_AGENCY: """
      SELECT {distinct} role.family_id, 'invited_agency' AS name, NULL::text[] AS powers, NULL AS legal_basis
      FROM involvement role WHERE {own} AND role.answer IS NULL {scope}""",
    Relation.PROPOSED_LEAD: f"""
      SELECT {{distinct}} role.family_id, 'proposed_lead' AS name, NULL::text[] AS powers, role.legal_basis
      FROM mandate role WHERE role.professional_id = %(professional_id)s AND role.answer IS NULL
      AND role.ends_at > statement_timestamp() AND {OPENLY_INVOLVED} {{scope}}""",
    Relation.MEMBER: f"""
      SELECT {{distinct}} role.family_id, 'member' AS name, NULL::text[] AS powers, 'own_data' AS legal_basis
      FROM member role JOIN person p ON p.id = role.person_id
      WHERE role.person_id = %(person_id)s AND {runs("role")}
      AND (role.role <> 'child' OR p.birth_date <= statement_timestamp() - {OLD_ENOUGH}) {{scope}}""",
}

OWN = {
    Role.AGENCY_SYSTEM: "role.agency_id = %(agency_id)s",
    Role.PROFESSIONAL: f"role.agency_id = %(agency_id)s AND role.professional_id IN {ME}",
}
"""Which of an agency's involvements are theirs: for its system all, for a professional those that name them."""

NO_RELATION = "SELECT NULL::uuid AS family_id, NULL AS name, NULL::text[] AS powers, NULL AS legal_basis WHERE false"


class Scope(StrEnum):
    """How far the visibility query looks: at the one family `%(family_id)s`, or at a page of families."""

    ONE_FAMILY = "AND role.family_id = %(family_id)s"
    PAGE = "AND role.family_id > %(after)s ORDER BY role.family_id LIMIT %(limit)s + 1"


@cache
def related(role: Role, scope: Scope) -> str:
    """The running relations to families of someone in this role."""
    distinct = "DISTINCT ON (role.family_id)" if scope is Scope.PAGE else ""
    selects = [
        f"({OF_RELATION[relation].format(own=OWN.get(role, ''), scope=scope.value, distinct=distinct)})"
        for relation in RELATIONS_OF[role]
    ]
    return "\n      UNION ALL ".join(selects) or NO_RELATION


@cache
def standings(role: Role) -> str:
    """Someone's relations to one family, a row each, with the instant; one row without a name if there is none."""
    return f"""WITH related AS ({related(role, Scope.ONE_FAMILY)})
      SELECT clock_timestamp() AS at, name, powers, legal_basis FROM (VALUES (1)) AS always LEFT JOIN related ON true"""


@cache
def lock(role: Role) -> str:
    """Lock the family for a change, if someone is related to it. A stranger never waits for a lock."""
    return f"""WITH related AS ({related(role, Scope.ONE_FAMILY)})
      SELECT f.id FROM family f WHERE f.id = %(family_id)s AND EXISTS (SELECT FROM related) FOR NO KEY UPDATE OF f"""


@cache
def sees() -> str:
    """Per family in `related`, whether the reader sees what not everybody sees: a column for each of `FIELDS`."""
    columns = (
        f"bool_or(name IN ({', '.join(repr(str(name)) for name in sorted(names))})) AS {field}"
        for field, names in FIELDS.items()
    )
    return f"SELECT family_id, {', '.join(columns)} FROM related GROUP BY family_id"


def parameters(actor: Actor) -> dict[str, Any]:
    return {
        "role": str(actor.role),
        "subject": actor.subject,
        "municipality_code": actor.municipality_code,
        "agency_id": actor.agency_id,
        "professional_id": actor.professional_id,
        "person_id": actor.person_id,
    }
