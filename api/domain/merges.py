"""Merges: what is known of a person who was recorded twice is put with the one record, and can be taken apart again.

Invariants: a membership keeps its period (two that overlap become one that spans both), and a merge is undone exactly
or not at all: each row that moved is remembered as it was before and after, and must still be as it was left.
The families concerned are locked first, in the order of their ids, then the persons.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import col, or_, select
from sqlmodel.sql.expression import SelectOfScalar

from api.domain import continuity, merged_rows
from api.domain.codes import EventType, MergeKind
from api.domain.errors import Conflict, NotFound
from api.domain.models import Consent, Family, Involvement, Measure, Member, Merge, Person, Registration
from api.domain.work import Work

NAMING: tuple[tuple[type[Any], str], ...] = (
    (Involvement, "person_id"),
    (Consent, "person_id"),
    (Consent, "to_person_id"),
    (Consent, "given_by_id"),
    (Measure, "person_id"),
)
"""Which rows around a family name a person, beside memberships."""


def merge(work: Work, source: Person, target: Person) -> Merge:
    """Put everything of the source with the target. The source stays, with nothing."""
    _must_be_one_person(work, source, target)
    families = _locked(work, [source.id, target.id])
    moved: list[dict[str, Any]] = []
    for family in families:
        for member in _memberships(work, family, source):
            moved += _move(work, member, target)
    for table, column in NAMING:
        naming = select(table).where(getattr(table, column) == source.id).order_by(table.id)
        for row in work.session.exec(naming).all():
            moved.append(_set(work, row, {column: target.id}))
    for registration in work.session.exec(_confirmed(source)).all():
        moved.append(_set(work, registration, {"person_id": target.id}))
    done = Merge(
        kind=MergeKind.PERSON,
        municipality_code=source.municipality_code,
        source_id=source.id,
        target_id=target.id,
        merged_at=work.at,
        moved=moved,
    )
    work.add(done)
    work.tell(EventType.PERSON_MERGED, done)
    return done


def to_undo(work: Work, merge_id: UUID) -> Merge:
    """A merge in the actor's municipality, of persons or of families, locked."""
    done = work.session.get(Merge, merge_id, with_for_update=True)
    if done is None or done.municipality_code != work.actor.municipality_code:
        raise NotFound("There is no such merge in your municipality.")
    if done.undone_at:
        raise Conflict("This merge was undone already.", code="merge_undone")
    return done


def undo(work: Work, done: Merge) -> Merge:
    """Take two persons apart again: every row that moved is as it was before."""
    _locked(work, [done.source_id, done.target_id])
    for one in reversed(done.moved):
        _restore(work, one)
    done.undone_at = work.at
    work.tell(EventType.PERSON_MERGE_UNDONE, done)
    return done


def known(work: Work) -> Sequence[Merge]:
    """The merges of the actor's municipality, the latest first."""
    mine = select(Merge).where(Merge.municipality_code == work.actor.municipality_code)
    return work.session.exec(mine.order_by(col(Merge.merged_at).desc(), col(Merge.id)).limit(200)).all()


def _must_be_one_person(work: Work, source: Person, target: Person) -> None:
    if source.id == target.id:
        raise Conflict("That is the same record. Name another one.", code="same_person")
    if source.bsn_sealed and target.bsn_sealed:
        raise Conflict("Both have a BSN, so they are two persons.", code="two_persons")
    if source.bsn_sealed:
        raise Conflict("Merge the other way around: into the record with the BSN.", code="bsn_would_be_lost")
    if source.shielded != target.shielded:
        raise Conflict("Of one the whereabouts are secret. Say so of both first.", code="shielded_differs")
    running = select(Merge.id).where(col(Merge.undone_at).is_(None), col(Merge.source_id).in_([source.id, target.id]))
    if work.session.exec(running).first():
        raise Conflict("One of them was merged into another record. Undo that first.", code="merged_already")


def _locked(work: Work, person_ids: list[UUID]) -> Sequence[Family]:
    """Lock the families the persons are or were in, then the persons: nobody joins a family meanwhile."""
    families = _families_of(work, person_ids)
    for family in families:
        work.begin(family)
    for family in families:
        continuity.settle(work, family)
    rows = select(Person).where(col(Person.id).in_(person_ids)).order_by(col(Person.id)).with_for_update()
    work.session.exec(rows).all()
    if {one.id for one in _families_of(work, person_ids)} != {one.id for one in families}:
        raise Conflict("They joined another family just now. Try again.", code="try_again")
    return families


def _families_of(work: Work, person_ids: list[UUID]) -> Sequence[Family]:
    theirs: set[UUID] = set(work.session.exec(select(Member.family_id).where(col(Member.person_id).in_(person_ids))))
    for table, column in NAMING:
        naming = select(table.family_id).where(getattr(table, column).in_(person_ids))
        theirs |= set(work.session.exec(naming))
    found = select(Family).where(col(Family.id).in_(theirs)).order_by(col(Family.id))
    return work.session.exec(found.with_for_update(key_share=True)).all()


def _confirmed(person: Person) -> SelectOfScalar[Registration]:
    """The registrations that the registrar confirmed to be about this person, and that go by no BSN."""
    about = select(Registration).where(Registration.person_id == person.id, col(Registration.bsn_pseudonym).is_(None))
    return about.order_by(col(Registration.id))


def _memberships(work: Work, family: Family, person: Person) -> Sequence[Member]:
    of_person = select(Member).where(Member.family_id == family.id, Member.person_id == person.id)
    return work.session.exec(of_person.order_by(col(Member.started_at))).all()


def _move(work: Work, member: Member, target: Person) -> list[dict[str, Any]]:
    """Give a membership to the target; where theirs overlap, theirs grows until it spans all of them."""
    ends = member.ends_at or datetime.max.replace(tzinfo=member.started_at.tzinfo)
    overlapping = work.session.exec(
        select(Member)
        .where(
            Member.family_id == member.family_id,
            Member.person_id == target.id,
            col(Member.started_at) < ends,
            or_(col(Member.ends_at).is_(None), col(Member.ends_at) > member.started_at),
        )
        .order_by(col(Member.started_at))
    ).all()
    if not overlapping:
        return [_set(work, member, {"person_id": target.id})]
    stays, *others = overlapping
    all_ends = [one.ends_at for one in (member, *overlapping)]
    spans = {
        "started_at": min(one.started_at for one in (member, *overlapping)),
        "ends_at": None if None in all_ends else max(end for end in all_ends if end),
    }
    return [*(_take_away(work, one) for one in (member, *others)), _set(work, stays, spans)]


def _set(work: Work, row: Any, new: dict[str, Any]) -> dict[str, Any]:
    before = merged_rows.image(row)
    row.sqlmodel_update(new)
    work.session.flush()
    work.tell(EventType.PERSON_MERGED, row)
    return merged_rows.remembered(row, before, merged_rows.image(row))


def _take_away(work: Work, row: Member) -> dict[str, Any]:
    before = merged_rows.image(row)
    work.session.delete(row)
    work.session.flush()
    work.tell(EventType.PERSON_MERGED, row)
    return merged_rows.remembered(row, before, None)


def _restore(work: Work, moved: dict[str, Any]) -> None:
    row, before = merged_rows.as_left(work, moved), merged_rows.before(moved)
    if row is None:
        row = work.add(merged_rows.TABLES[moved["table"]](**before))
    else:
        row.sqlmodel_update(before)
    work.session.flush()
    work.tell(EventType.PERSON_MERGE_UNDONE, row)
