"""Persons, as one municipality knows them. Invariant: a municipality knows a BSN once, and knows nothing of another's.

That a person is known elsewhere must not show, so a person is not shared between municipalities: when a family moves,
its members move along (`carry_over`).
"""

from collections.abc import Iterable, Sequence
from datetime import date
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, ColumnElement, cast
from sqlalchemy.orm import Mapped
from sqlmodel import col, func, or_, select
from sqlmodel.sql.expression import SelectOfScalar

from api.domain import bsn as numbers
from api.domain import names
from api.domain.codes import EventType
from api.domain.errors import Conflict, Invalid, KeyMissing, NotFound
from api.domain.models import Family, Member, Merge, Person
from api.domain.work import Work


def get(work: Work, person_id: UUID) -> Person:
    person = work.session.get(Person, person_id)
    if person is None or person.municipality_code != work.actor.municipality_code:
        raise NotFound("There is no such person in your municipality.")
    return person


def find_by_bsn(work: Work, bsn: str, municipality_code: str) -> Person | None:
    pseudonyms = numbers.pseudonyms(work.vault, bsn)
    known = work.session.exec(
        select(Person).where(Person.municipality_code == municipality_code, col(Person.bsn_pseudonym).in_(pseudonyms))
    ).one_or_none()
    if known is None:
        must_know_all_keys(work, col(Person.bsn_pseudonym), Person.municipality_code == municipality_code)
    return known


def find_to_register(work: Work, bsn: str, municipality_code: str) -> Person | None:
    """The same for who is about to give somebody this BSN: nobody else does, until this transaction ends."""
    hold_bsn(work, bsn, municipality_code)
    return find_by_bsn(work, bsn, municipality_code)


def hold_bsn(work: Work, bsn: str, among: str) -> None:
    hold_bsns(work, [bsn], among)


def hold_bsns(work: Work, bsns: Iterable[str], among: str) -> None:
    """Have others who are about to write these BSNs among the same rows wait until this transaction ends.

    While keys change, one process may write the old pseudonym of a BSN and another the new: the index wouldn't notice.
    """
    pseudonyms = (pseudonym for bsn in bsns for pseudonym in numbers.pseudonyms(work.vault, bsn))
    given = (f"{among}:{pseudonym.hex()}" for pseudonym in pseudonyms)
    locks = sorted(int.from_bytes(sha256(one.encode()).digest()[:8], signed=True) for one in given)
    work.session.execute(select(func.pg_advisory_xact_lock(func.unnest(cast(locks, ARRAY(BigInteger))))))


def must_know_all_keys(work: Work, column: Mapped[bytes | None], *among: ColumnElement[bool] | bool) -> None:
    """Refuse to say that a BSN is unknown while some are on record under a key that isn't there to look with.

    Pseudonyms begin with the number of their key, and the keys that are there have no gap between them: the lowest and
    the highest pseudonym tell. Looked at after the search: what was made anew in between is then seen here.
    """
    given = select(column).where(*among, column.is_not(None)).limit(1)
    ends = (given.order_by(column).scalar_subquery(), given.order_by(column.desc()).scalar_subquery())
    for end in work.session.execute(select(*ends)).one():
        if end is not None and end[0] not in work.vault.pseudonym_keys:
            raise KeyMissing("BSNs can't be looked up at the moment: the administrator of Spil has to put a key back.")


def must_stand(work: Work, person: Person) -> None:
    """Refuse a record that was merged into another one: nothing is about it any more."""
    if work.session.exec(_merged().where(Merge.source_id == person.id)).first():
        raise Conflict("This record was merged into another one. Use that one.", code="merged_already")


def _merged() -> SelectOfScalar[UUID]:
    return select(Merge.source_id).where(col(Merge.undone_at).is_(None))


def find_by_name(work: Work, surname: str, birth_date: date, municipality_code: str) -> Sequence[Person]:
    return work.session.exec(
        select(Person)
        .where(
            Person.municipality_code == municipality_code,
            Person.birth_date == birth_date,
            func.lower(Person.surname) == surname.lower(),
            col(Person.id).not_in(_merged()),
        )
        .order_by(col(Person.given_name))
    ).all()


def register(
    work: Work,
    municipality_code: str,
    *,
    given_name: str,
    surname: str,
    birth_date: date | None = None,
    bsn: str | None = None,
    shielded: bool = False,
) -> Person:
    """The person with this BSN if the municipality knows them, otherwise a new one."""
    if birth_date and birth_date > work.at.date():
        raise Invalid("A birth date lies in the past.", field="birthDate")
    known = find_to_register(work, bsn, municipality_code) if bsn else None
    if known:
        return known
    person = Person(
        municipality_code=municipality_code,
        given_name=given_name,
        surname=surname,
        birth_date=birth_date,
        shielded=shielded,
    )
    if bsn:
        _give_bsn(work, person, bsn)
    person.name_keys = names.keys(work.vault, given_name, surname, birth_date)
    work.add(person)
    work.session.flush()
    work.tell(EventType.PERSON_REGISTERED, person)
    return person


def change(work: Work, person: Person, *, bsn: str | None = None, **new: Any) -> Person:
    must_stand(work, person)
    if bsn:
        known = find_to_register(work, bsn, person.municipality_code)
        if known and known.id != person.id:
            raise Conflict("Another person in your municipality has this BSN.", code="bsn_in_use")
        _give_bsn(work, person, bsn)
    if (new.get("birth_date") or date.min) > work.at.date():
        raise Invalid("A birth date lies in the past.", field="birthDate")
    person.sqlmodel_update(new)
    person.name_keys = names.keys(work.vault, person.given_name, person.surname, person.birth_date)
    work.tell(EventType.PERSON_CHANGED, person)
    return person


def carry_over(work: Work, person: Person, municipality_code: str) -> Person:
    """The same person as another municipality knows them, for a family that moves there."""
    bsn = bsn_of(work, person)
    known = find_by_bsn(work, bsn, municipality_code) if bsn else None
    if known:
        return known
    return register(
        work,
        municipality_code,
        given_name=person.given_name,
        surname=person.surname,
        birth_date=person.birth_date,
        bsn=bsn,
        shielded=person.shielded,
    )


def bsn_of(work: Work, person: Person) -> str | None:
    return numbers.opened(work.vault, person.bsn_sealed, person.id) if person.bsn_sealed else None


def families_of(work: Work, person: Person) -> Sequence[UUID]:
    """The families of the person's own municipality that they are a member of now."""
    return work.session.exec(
        select(Family.id)
        .join(Member, col(Member.family_id) == Family.id)
        .where(
            Member.person_id == person.id,
            Family.municipality_code == person.municipality_code,
            col(Member.started_at) <= work.at,
            or_(col(Member.ends_at).is_(None), col(Member.ends_at) > work.at),
        )
        .order_by(col(Family.id))
    ).all()


def _give_bsn(work: Work, person: Person, bsn: str) -> None:
    person.bsn_sealed, person.bsn_pseudonym = numbers.sealed(work.vault, numbers.check(bsn), person.id)
