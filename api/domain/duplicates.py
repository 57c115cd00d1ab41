"""Duplicates: persons whom a municipality may have recorded twice, by how their names sound and when they were born.

For the registrar only, and within the municipality. Where somebody lives says nothing: addresses are not matched.
"""

from dataclasses import dataclass

from sqlalchemy.orm import aliased
from sqlmodel import and_, col, select

from api.domain import names
from api.domain.models import Merge, Person
from api.domain.work import Work

CANDIDATES = 2000
"""So many pairs are weighed at most; more than a registrar can go through."""


@dataclass(frozen=True)
class Pair:
    """Two persons who may be one."""

    one: Person
    other: Person
    likeness: int


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


def _known(person: Person) -> names.Known:
    return person.given_name, person.surname, person.birth_date
