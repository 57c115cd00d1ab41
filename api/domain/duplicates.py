"""Duplicates: persons whom a municipality may have recorded twice, by how their names sound and when they were born;
and the families that they are in.

For the registrar only, and within the municipality. Where somebody lives says nothing: addresses are not matched.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import product
from uuid import UUID

from sqlalchemy.orm import aliased
from sqlmodel import and_, col, or_, select

from api.domain import names
from api.domain.models import Family, Member, Merge, Person
from api.domain.work import Work

CANDIDATES = 2000
"""So many pairs are weighed at most; more than a registrar can go through."""


@dataclass(frozen=True)
class Pair:
    """Two persons who may be one."""

    one: Person
    other: Person
    likeness: int


@dataclass
class FamilyPair:
    """Two families that may be one: who is in both, and which members of the one may be members of the other."""

    one: Family
    other: Family
    shared: list[UUID] = field(default_factory=list)
    alike: list[Pair] = field(default_factory=list)

    @property
    def likeness(self) -> int:
        return 100 if self.shared else max(pair.likeness for pair in self.alike)


def possible(work: Work, municipality_code: str, *, at_least: int = 70, limit: int = 100) -> list[Pair]:
    """The pairs that are most alike, the most alike first. Two who both have a BSN are two."""
    one, other = aliased(Person), aliased(Person)
    merged = select(Merge.source_id).where(col(Merge.undone_at).is_(None))
    pairs = (
        select(one, other)
        .join(
            other,
            and_(
                col(other.municipality_code) == one.municipality_code,
                col(other.id) > one.id,
                col(other.name_keys).op("&&")(one.name_keys),
            ),
        )
        .where(
            one.municipality_code == municipality_code,
            col(one.bsn_pseudonym).is_(None) | col(other.bsn_pseudonym).is_(None),
            col(one.id).not_in(merged),
            col(other.id).not_in(merged),
        )
        .order_by(col(one.id), col(other.id))
        .limit(CANDIDATES)
    )
    found = [Pair(a, b, names.likeness(_known(a), _known(b))) for a, b in work.session.exec(pairs)]
    ranked = sorted(found, key=lambda pair: -pair.likeness)
    return [pair for pair in ranked if pair.likeness >= at_least][:limit]


def possible_families(
    work: Work, municipality_code: str, *, at_least: int = 70, limit: int = 100
) -> Sequence[FamilyPair]:
    """The open families that may be one, those with most members in common first."""
    pairs = possible(work, municipality_code, at_least=at_least, limit=CANDIDATES)
    families_of = _open_families(work, municipality_code)
    found: dict[tuple[UUID, UUID], FamilyPair] = {}
    for person_id, known in families_of.items():
        for pair in _two(found, [*product(known, known)]):
            pair.shared.append(person_id)
    for alike in pairs:
        theirs, others = families_of.get(alike.one.id, []), families_of.get(alike.other.id, [])
        for pair in _two(found, [*product(theirs, others)]):
            pair.alike.append(alike)
    return sorted(found.values(), key=lambda pair: (-len(pair.shared), -pair.likeness, pair.one.id))[:limit]


def _two(found: dict[tuple[UUID, UUID], FamilyPair], families: Sequence[tuple[Family, Family]]) -> Iterable[FamilyPair]:
    """Each two that these families make, once."""
    ordered = {(one.id, other.id): (one, other) for one, other in families if one.id < other.id}
    ordered |= {(other.id, one.id): (other, one) for one, other in families if one.id > other.id}
    for one, other in ordered.values():
        yield found.setdefault((one.id, other.id), FamilyPair(one, other))


def _open_families(work: Work, municipality_code: str) -> dict[UUID, list[Family]]:
    """The open families that each person is in now."""
    members = (
        select(Member.person_id, Family)
        .join(Family, col(Family.id) == Member.family_id)
        .where(
            Family.municipality_code == municipality_code,
            col(Family.closed_at).is_(None),
            col(Member.started_at) <= work.at,
            or_(col(Member.ends_at).is_(None), col(Member.ends_at) > work.at),
        )
    )
    found: dict[UUID, list[Family]] = {}
    for person_id, family in work.session.exec(members):
        found.setdefault(person_id, []).append(family)
    return found


def _known(person: Person) -> names.Known:
    return person.given_name, person.surname, person.birth_date
