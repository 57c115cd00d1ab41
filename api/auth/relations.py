"""The visibility query: which families is someone related to now? Every read and every change starts here.

`FOUND` says where each relation is found. A role's query is the union of its relations, a row for each: `family_id`,
`name`, the `powers` that a mandate gives, and the `legal_basis`. What runs is decided by the database's clock, the same
for every worker.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

from api.auth.policy import FIELDS, RELATIONS_OF, Relation
from api.domain.actor import Actor, Role
from api.domain.codes import DisclosureStage

OLD_ENOUGH = "p.birth_date <= (statement_timestamp() AT TIME ZONE 'Europe/Amsterdam')::date - interval '12 years'"
"""From this age a child may look for themselves (Wgbo, Jeugdwet art. 7.3.4 and further), whatever their role in the
family is called. It is reached on the day it is where the families live."""


def runs(alias: str) -> str:
    return (
        f"{alias}.started_at <= statement_timestamp()"
        f" AND ({alias}.ends_at IS NULL OR {alias}.ends_at > statement_timestamp())"
    )


def openly_involved(professional: str, *more: str) -> str:
    """A role around a family runs only while the agency of whoever has it is openly involved."""
    return f"EXISTS (SELECT {_ground(professional, *more)})"


def carried_until(professional: str, *more: str) -> str:
    """When the open involvement that a role rests on ends by itself, if it does."""
    last = "nullif(max(coalesce(i.ends_at, 'infinity')), 'infinity')"
    return f"(SELECT {last} {_ground(professional, *more)})"


def _ground(professional: str, *more: str) -> str:
    conditions = ("i.family_id = role.family_id", "NOT i.shielded", runs("i"), f"p.id = {professional}", *more)
    return f"""
        FROM involvement i JOIN professional p ON p.agency_id = i.agency_id AND p.active
        WHERE {" AND ".join(conditions)}"""


RUNS = runs("role")
MINE = "role.professional_id = %(professional_id)s"
ME = f"""(
        SELECT p.id FROM professional p
        WHERE p.id = %(professional_id)s AND p.agency_id = %(agency_id)s AND p.active
        UNION
        SELECT a.professional_id FROM absence a JOIN professional p ON p.id = a.cover_id AND p.active
        WHERE a.cover_id = %(professional_id)s AND {runs("a")})"""
"""A professional, and whom they cover for now."""
COVERS_UNTIL = f"""CASE WHEN role.professional_id <> %(professional_id)s THEN (
        SELECT max(a.ends_at) FROM absence a
        WHERE a.cover_id = %(professional_id)s AND a.professional_id = role.professional_id AND {runs("a")}) END"""
OF_MY_AGENCY = "role.agency_id = %(agency_id)s"
FOR_MY_AGENCY = "i.agency_id = %(agency_id)s"
OF_THE_DOMAIN = "role.help_domain = ANY(i.help_domains)"
OF_MUNICIPALITY = "(SELECT id AS family_id, municipality_code FROM family) AS role"
RESPONSIBLE = "role.municipality_code = %(municipality_code)s"


def naming_me(table: str) -> str:
    """The rows that name a professional, or whom they cover for. They are found by the name and the family at once, so
    that of a family where nobody of these is named not one row is touched: it takes as long as one that isn't there.
    """
    return f"""{ME} AS me (id) CROSS JOIN LATERAL (
        SELECT * FROM {table} AS one WHERE one.professional_id = me.id {{within}} OFFSET 0) AS role"""


OWN = {Role.AGENCY_SYSTEM: "involvement AS role", Role.PROFESSIONAL: naming_me("involvement")}
"""Which of an agency's involvements are theirs: for its system all, for a professional those that name them."""


@dataclass(frozen=True)
class Found:
    """Where a relation is found: a row of `role`, with its `family_id`, for each family."""

    source: str
    where: str
    powers: str = "NULL::text[]"
    legal_basis: str = "NULL"
    until: str = "NULL::timestamptz"
    """When it ends by itself, as far as is known now."""
    shielded: str = "false"
    """Whether it rests on what not everybody related to the family may know."""


AT_STAGE = {
    DisclosureStage.AGENCIES: Relation.INVOLVED_AGENCY,
    DisclosureStage.LEAD_AND_CONTACT_POINTS: Relation.CONSULTING_AGENCY,
    DisclosureStage.OTHERS_INVOLVED: Relation.SIGNALLING_AGENCY,
}
"""What an agency's running involvement makes of it: how far the others are disclosed to it."""


def involved(stage: DisclosureStage) -> Found:
    where = f"{OF_MY_AGENCY} AND {RUNS} AND role.disclosure_stage = '{stage}'"
    until = f"least(role.ends_at, {COVERS_UNTIL})"
    return Found("{own}", where, legal_basis="role.legal_basis", until=until, shielded="role.shielded")


FOUND: dict[Relation, Found] = {
    Relation.REGISTRAR: Found(OF_MUNICIPALITY, RESPONSIBLE, legal_basis="'statutory_task'"),
    Relation.PRIVACY_OFFICER: Found(OF_MUNICIPALITY, RESPONSIBLE, legal_basis="'statutory_task'"),
    Relation.LEAD_COORDINATOR: Found(
        "mandate AS role",
        f"{MINE} AND {RUNS} AND {openly_involved('role.professional_id', FOR_MY_AGENCY)}",
        powers="role.powers",
        legal_basis="role.legal_basis",
        until=f"least(role.ends_at, {carried_until('role.professional_id', FOR_MY_AGENCY)})",
    ),
    Relation.DEPUTY: Found(
        f"deputy AS role JOIN mandate m ON m.id = role.mandate_id AND {runs('m')}",
        f"{MINE} AND {RUNS} AND {openly_involved('role.professional_id', FOR_MY_AGENCY)}"
        f" AND {openly_involved('m.professional_id')}",
        powers="m.powers",
        legal_basis="m.legal_basis",
        until=f"least(role.ends_at, m.ends_at, {carried_until('role.professional_id', FOR_MY_AGENCY)},"
        f" {carried_until('m.professional_id')})",
    ),
    Relation.CONTACT_POINT: Found(
        naming_me("contact_point"),
        f"{RUNS} AND {openly_involved('role.professional_id', FOR_MY_AGENCY, OF_THE_DOMAIN)}",
        until=f"least(role.ends_at, {COVERS_UNTIL},"
        f" {carried_until('role.professional_id', FOR_MY_AGENCY, OF_THE_DOMAIN)})",
    ),
    **{relation: involved(stage) for stage, relation in AT_STAGE.items()},
    Relation.INVITED_AGENCY: Found(
        "{own} JOIN agency a ON a.id = role.agency_id AND a.active", f"{OF_MY_AGENCY} AND role.answer IS NULL"
    ),
    Relation.PROPOSED_LEAD: Found(
        "mandate AS role",
        f"{MINE} AND role.answer IS NULL AND role.ends_at > statement_timestamp()"
        f" AND {openly_involved('role.professional_id', FOR_MY_AGENCY)}",
        legal_basis="role.legal_basis",
        until=f"least(role.ends_at, {carried_until('role.professional_id', FOR_MY_AGENCY)})",
    ),
    Relation.EMERGENCY: Found(
        f"emergency_access AS role JOIN entitlement e ON e.id = role.entitlement_id AND {runs('e')}"
        " JOIN family f ON f.id = role.family_id AND f.municipality_code = e.municipality_code AND f.closed_at IS NULL"
        " JOIN professional p ON p.id = role.professional_id AND p.agency_id = role.agency_id AND p.active"
        " JOIN agency a ON a.id = p.agency_id AND a.active",
        f"{MINE} AND role.agency_id = %(agency_id)s AND {RUNS}",
        legal_basis="'vital_interest'",
        until="least(role.ends_at, e.ends_at)",
    ),
    Relation.MEMBER: Found(
        "member AS role JOIN person p ON p.id = role.person_id",
        f"role.person_id = %(person_id)s AND {RUNS} AND coalesce({OLD_ENOUGH}, role.role <> 'child')",
        legal_basis="'own_data'",
        until="role.ends_at",
        shielded="p.shielded",
    ),
}

NO_RELATION = "SELECT NULL::uuid AS family_id, NULL AS name, NULL::text[] AS powers, NULL AS legal_basis WHERE false"


class Scope(StrEnum):
    """How far the visibility query looks: at one family, a page of them, or those that a document names."""

    ONE_FAMILY = "AND role.family_id = %(family_id)s"
    PAGE = "AND role.family_id > %(after)s ORDER BY role.family_id LIMIT %(limit)s + 1"
    CANDIDATES = "AND role.family_id IN (SELECT family_id FROM candidate)"


@cache
def related(role: Role, scope: Scope) -> str:
    """The running relations to families of someone in this role."""
    return "\n    UNION ALL ".join(_select(relation, role, scope) for relation in RELATIONS_OF[role]) or NO_RELATION


def _select(relation: Relation, role: Role, scope: Scope, *, explained: bool = False) -> str:
    found = FOUND[relation]
    more = f", {found.until} AS until, {found.shielded} AS shielded" if explained else ""
    within = "AND one.family_id = %(family_id)s" if scope is Scope.ONE_FAMILY else ""
    source = found.source.replace("{own}", OWN.get(role, "")).replace("{within}", within)
    distinct = "DISTINCT ON (role.family_id) " if scope is Scope.PAGE else ""
    return f"""(
      SELECT {distinct}role.family_id, '{relation}' AS name,
             {found.powers} AS powers, {found.legal_basis} AS legal_basis{more}
      FROM {source} WHERE {found.where} {scope.value})"""


@cache
def standings(role: Role) -> str:
    """Someone's relations to one family, a row each, with the instant; one row without a name if there is none."""
    return f"""WITH related AS ({related(role, Scope.ONE_FAMILY)})
      SELECT clock_timestamp() AS at, name, powers, legal_basis FROM (VALUES (1)) AS always LEFT JOIN related ON true"""


@cache
def explained(role: Role) -> str:
    """The same relations to one family, each with when it ends by itself and whether it rests on what is shielded."""
    found = (_select(relation, role, Scope.ONE_FAMILY, explained=True) for relation in RELATIONS_OF[role])
    none = f"SELECT none.*, NULL::timestamptz AS until, false AS shielded FROM ({NO_RELATION}) AS none"
    return "\n    UNION ALL ".join(found) or none


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
        "issuer": actor.issuer,
        "via": actor.via,
        "municipality_code": actor.municipality_code,
        "agency_id": actor.agency_id,
        "professional_id": actor.professional_id,
        "person_id": actor.person_id,
    }
