"""Explains the policy: who can see a family and why, and whether somebody may do something.

Nothing is decided here. Whoever comes into question is put to the very relations of `relations.FOUND` by which every
request is decided, and the answer is read from the policy, so that what is explained is what holds. What rests on a
shielded involvement, or on the membership of a shielded person, is left out for who may not know of it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session

from api.auth import relations
from api.auth.calls import refusal
from api.auth.policy import FIELDS, RULES, Access, Permission, Relation, Standing
from api.domain.actor import Actor, Role

CANDIDATES = """
WITH named AS (
  SELECT professional_id FROM involvement WHERE family_id = %(family_id)s
  UNION SELECT professional_id FROM mandate WHERE family_id = %(family_id)s
  UNION SELECT professional_id FROM deputy WHERE family_id = %(family_id)s
  UNION SELECT professional_id FROM contact_point WHERE family_id = %(family_id)s
  UNION SELECT professional_id FROM emergency_access WHERE family_id = %(family_id)s
),
around AS (
  SELECT professional_id FROM named
  UNION SELECT a.cover_id FROM absence a JOIN named ON named.professional_id = a.professional_id
  WHERE a.ends_at > statement_timestamp()
)
SELECT 1 AS place, r.role, f.municipality_code, NULL::uuid AS agency_id, NULL::text AS agency,
       NULL::uuid AS professional_id, NULL::text AS professional, NULL::uuid AS person_id
FROM family f, (VALUES ('registrar'), ('privacy_officer')) AS r (role) WHERE f.id = %(family_id)s
UNION
SELECT 2, 'agency_system', NULL, a.id, a.name, NULL, NULL, NULL
FROM involvement i JOIN agency a ON a.id = i.agency_id WHERE i.family_id = %(family_id)s
UNION
SELECT 3, 'professional', NULL, a.id, a.name, p.id, p.name, NULL
FROM around JOIN professional p ON p.id = around.professional_id JOIN agency a ON a.id = p.agency_id
UNION
SELECT 4, 'family_member', NULL, NULL, NULL, NULL, NULL, m.person_id FROM member m WHERE m.family_id = %(family_id)s
ORDER BY place, role, agency, agency_id, professional, professional_id, person_id
"""
"""Everybody who can be related to a family: whoever ever was named around it. Whether they are, `FOUND` says."""


@dataclass(frozen=True)
class Ground(Standing):
    """A standing, with when it ends by itself and whether it rests on what not everybody may know."""

    until: datetime | None = None
    shielded: bool = False


@dataclass(frozen=True)
class Entry:
    """Somebody who can see a family: who, by what, and what of it."""

    actor: Actor
    agency: str | None
    professional: str | None
    grounds: tuple[Ground, ...]
    permissions: tuple[Permission, ...]
    fields: tuple[str, ...]

    @property
    def until(self) -> datetime | None:
        return latest(self.grounds)


@dataclass(frozen=True)
class Verdict:
    """Whether something is allowed: by which standing, or with which code it would be refused."""

    by: Ground | None
    allowed: bool
    code: str | None


NO_FAMILY = Verdict(None, False, "family_not_found")


def grounds(session: Session, actor: Actor, family_id: UUID, *, shielded_too: bool) -> tuple[Ground, ...]:
    """The standings that somebody has now, as far as the one who asks may know."""
    values = relations.parameters(actor) | {"family_id": family_id}
    rows = session.connection().exec_driver_sql(relations.explained(actor.role), values).all()
    found = (
        Ground(Relation(row.name), tuple(row.powers or ()), row.legal_basis, row.until, row.shielded) for row in rows
    )
    return tuple(one for one in found if shielded_too or not one.shielded)


def who_sees(session: Session, family_id: UUID, *, shielded_too: bool) -> Iterator[Entry]:
    """Everybody who can see anything of a family now, as far as the one who asks may know."""
    for row in session.connection().exec_driver_sql(CANDIDATES, {"family_id": family_id}).all():
        actor = _actor(row)
        standings = grounds(session, actor, family_id, shielded_too=shielded_too)
        if standings:
            access = Access(actor.role, standings)
            allowed = tuple(one for one in Permission if RULES[one].of_relations and access.by(one))
            fields = tuple(name for name in FIELDS if access.sees(name))
            yield Entry(actor, row.agency, row.professional, standings, allowed, fields)


def verdict(role: Role, standings: Sequence[Ground], permission: Permission) -> Verdict:
    """What a request for this would meet; of several standings that allow it, the one that lasts longest."""
    if RULES[permission].roles:
        allowed = role in RULES[permission].roles
        return Verdict(None, allowed, None if allowed else "role_lacking")
    giving = [one for one in standings if Access(role, (one,)).by(permission)]
    if giving:
        until = latest(giving)
        return Verdict(next(one for one in giving if one.until == until), True, None)
    return Verdict(None, False, refusal(Access(role, tuple(standings)), permission).code)


def latest(standings: Sequence[Ground]) -> datetime | None:
    """When the last of them ends by itself; none if one doesn't."""
    ends = [one.until for one in standings]
    return None if None in ends else max(end for end in ends if end)


def _actor(row: Any) -> Actor:
    return Actor(
        Role(row.role),
        subject="",
        municipality_code=row.municipality_code,
        agency_id=row.agency_id,
        professional_id=row.professional_id,
        person_id=row.person_id,
    )
