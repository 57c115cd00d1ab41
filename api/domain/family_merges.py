"""Family merges: a family that was recorded twice goes on as one, and can be taken apart again.

Invariant: who is in the one family, or involved with it, is in the other from the instant at which that ends in the
first. The mandate, the deputies and the contact points don't move: they end as when an approach is closed. To undo a
merge is to begin anew, on the same terms; and it is refused when anything that the merge made was changed since.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from api.domain import consents, continuity, families, help_domains, involvements, measures, members, merged_rows
from api.domain.codes import ConsentState, EventType, FamilyClosing, InvolvementEnd, MergeKind
from api.domain.errors import Conflict
from api.domain.models import Family, Involvement, Measure, Member, Merge, Person
from api.domain.work import Work


@dataclass
class Moving:
    """Two families on their way to be one: which rows changed, what was done with each, and how it was before."""

    work: Work
    source: Family
    target: Family
    rows: list[tuple[str, Any, dict[str, Any] | None]] = field(default_factory=list)
    measures: dict[UUID, UUID] = field(default_factory=dict)
    """Which measure of the target an involvement rests on that rested on this one."""

    def note(self, done: str, row: Any) -> None:
        self.rows.append((done, row, None if done in {"joined", "began"} else merged_rows.image(row)))

    def noted(self) -> list[dict[str, Any]]:
        self.work.session.flush()
        return [
            merged_rows.remembered(row, before, merged_rows.image(row), done=done) for done, row, before in self.rows
        ]


def merge(work: Work, source: Family, target: Family) -> Merge:
    """Close the source; its members, and the agencies involved with it, go on in the target."""
    _must_be_two(source, target)
    continuity.settle(work, target)
    moving = Moving(work, source, target)
    _move_members(moving)
    _move_consents(moving)
    _move_measures(moving)
    consents.uphold(work, target)
    _move_involvements(moving)
    families.close(work, source, FamilyClosing.MERGED)
    for done, row, _ in moving.rows:
        if done == "left":
            members.leave(work, row)
        elif done in {"ended", "loosened"}:
            _loosen(moving, row)
    merged = Merge(
        kind=MergeKind.FAMILY,
        municipality_code=source.municipality_code,
        source_id=source.id,
        target_id=target.id,
        merged_at=work.at,
        moved=moving.noted(),
    )
    work.add(merged)
    work.tell(EventType.FAMILY_MERGED, source)
    work.tell(EventType.FAMILY_MERGED, merged, family_id=target.id)
    return merged


def _must_be_two(source: Family, target: Family) -> None:
    if source.id == target.id:
        raise Conflict("That is the same family. Name another one.", code="same_family")
    if source.closed_at or target.closed_at:
        raise Conflict("The approach of one of them is closed. Reopen it first.", code="family_closed")


def _move_members(moving: Moving) -> None:
    """Who is in the target already stays there as they are."""
    there = {*members.of(moving.work, moving.target)}
    for member, person in members.current(moving.work, moving.source):
        moving.note("left", member)
        if person.id not in there:
            authority = member.parental_authority
            joined = members.join(moving.work, moving.target, person, member.role, parental_authority=authority)
            moving.note("joined", joined)
    moving.work.session.flush()


def _move_consents(moving: Moving) -> None:
    """What the members say of sharing now holds for what is shared about the family that they are in."""
    own = {*members.of(moving.work, moving.source)}
    for consent in consents.of_family(moving.work, moving.source):
        if consent.person_id in own and consent.state_at(moving.work.at) is ConsentState.RUNNING:
            moving.note("moved", consent)
            consents.follow(moving.work, consent, moving.target)
    moving.work.session.flush()


def _move_measures(moving: Moving) -> None:
    """A measure that both have on record runs on in the target; the source's own stays with the source."""
    there = measures.of_family(moving.work, moving.target)
    for measure in measures.of_family(moving.work, moving.source):
        if not measure.runs_at(moving.work.at):
            continue
        same = [one for one in there if (one.person_id, one.kind) == (measure.person_id, measure.kind)]
        twin = next((one for one in same if one.runs_at(moving.work.at)), None)
        if twin is None:
            _move_measure(moving, measure, same)
        moving.measures[measure.id] = twin.id if twin else measure.id
    _follow_measures(moving.work, moving.rows, moving.source, moving.target)


def _move_measure(moving: Moving, measure: Measure, earlier: Sequence[Measure]) -> None:
    """It moves as it is; where the target has an earlier such measure, it begins there when that ended."""
    moving.note("moved", measure)
    since = max([measure.started_at, *(one.ends_at for one in earlier if one.ends_at)])
    measures.follow(moving.work, measure, moving.target, since)
    resting = select(Involvement).where(
        Involvement.measure_id == measure.id,
        Involvement.family_id == moving.source.id,
        col(Involvement.ends_at) <= moving.work.at,
    )
    for ended in moving.work.session.exec(resting).all():
        moving.note("loosened", ended)


def _follow_measures(work: Work, rows: Sequence[tuple[Any, ...]], *both: Family) -> None:
    if any(isinstance(row, Measure) for _, row, *_ in rows):
        for family in both:
            continuity.follow_measures(work, family, work.at)


def _loosen(moving: Moving, ended: Involvement) -> None:
    """What has ended in one family does not hold on to a measure in another."""
    if ended.measure_id and moving.measures.get(ended.measure_id) == ended.measure_id:
        ended.measure_id = None
        moving.work.tell(EventType.INVOLVEMENT_CHANGED, ended)


def _move_involvements(moving: Moving) -> None:
    """Each begins in the target on the terms that it has; where the agency has one there, that one carries both."""
    work, there = moving.work, continuity.running_involvements(moving.work, moving.target)
    known = {(one.agency_id, one.professional_id): one for one in there}
    for one in continuity.running_involvements(work, moving.source):
        moving.note("ended", one)
        same = known.get((one.agency_id, one.professional_id))
        if same is not None:
            _unite(moving, same, one)
            continue
        measure_id = moving.measures.get(one.measure_id) if one.measure_id else None
        began = involvements.go_on(work, moving.target, one, measure_id)
        if began is not None:
            moving.note("began", began)


def _unite(moving: Moving, same: Involvement, one: Involvement) -> None:
    """What is shielded in the source doesn't come to be seen by way of an open involvement in the target."""
    together = help_domains.check(moving.work, [*same.help_domains, *one.help_domains])
    if together == same.help_domains or (one.shielded and not same.shielded):
        return
    moving.note("united", same)
    involvements.change(moving.work, moving.target, same, help_domains=together)


def undo(work: Work, merged: Merge) -> Merge:
    """Reopen the source with the members and involvements that it had; what the merge began in the target ends."""
    source, target = _locked(work, merged)
    _must_be_as_left(work, source, target)
    rows = [(one["done"], merged_rows.as_left(work, one, may_lapse=True), one) for one in merged.moved]
    _must_not_be_needed(work, target, rows)
    source.closed_at, source.closing = None, None
    work.tell(EventType.FAMILY_MERGE_UNDONE, source)
    _end_in_target(work, target, rows)
    _take_back(work, source, target, rows)
    _begin_in_source(work, source, rows)
    merged.undone_at = work.at
    work.tell(EventType.FAMILY_MERGE_UNDONE, merged, family_id=target.id)
    return merged


Row = tuple[str, Any, dict[str, Any]]


def _locked(work: Work, merged: Merge) -> list[Family]:
    """Both families, locked in the order of their ids, and settled: the source first."""
    ids = [merged.source_id, merged.target_id]
    both = select(Family).where(col(Family.id).in_(ids)).order_by(col(Family.id))
    found = {one.id: one for one in work.session.exec(both.with_for_update(key_share=True))}
    if len(found) < len(ids):
        raise merged_rows.changed_since()
    for family in found.values():
        work.begin(family)
    for family in found.values():
        continuity.settle(work, family)
    return [found[one] for one in ids]


def _must_be_as_left(work: Work, source: Family, target: Family) -> None:
    ours = {work.actor.municipality_code} == {source.municipality_code, target.municipality_code}
    if not ours or source.closing is not FamilyClosing.MERGED:
        raise merged_rows.changed_since()
    if target.closed_at:
        raise Conflict(
            "The approach of the family it was merged into is closed. Reopen it first.", code="family_closed"
        )


def _must_not_be_needed(work: Work, target: Family, rows: Sequence[Row]) -> None:
    """A measure does not go back while an agency that came since rests on it."""
    ours = {row.id for done, row, _ in rows if done == "began"}
    taken_back = {row.id for done, row, _ in rows if isinstance(row, Measure)}
    for one in continuity.running_involvements(work, target):
        if one.id not in ours and one.measure_id in taken_back:
            raise merged_rows.changed_since()


def _end_in_target(work: Work, target: Family, rows: Sequence[Row]) -> None:
    taken_back = {row.id for _, row, _ in rows if isinstance(row, Measure)}
    for done, row, one in rows:
        if done == "began":
            _end_involvement(work, row, taken_back)
        elif done == "united" and _runs(work, row):
            was = merged_rows.before(one)
            row.sqlmodel_update({name: was[name] for name in ("help_domains", "consented_domains")})
            work.tell(EventType.INVOLVEMENT_CHANGED, row)
    continuity.uphold(work, target)


def _end_involvement(work: Work, row: Involvement, taken_back: set[UUID]) -> None:
    if row.measure_id in taken_back:
        row.measure_id = None
        work.tell(EventType.INVOLVEMENT_CHANGED, row)
    if _runs(work, row):
        row.ends_at, row.end_reason = work.at, InvolvementEnd.MERGE_UNDONE
        work.tell(EventType.INVOLVEMENT_ENDED, row, reason=row.end_reason)


def _runs(work: Work, row: Involvement | Member) -> bool:
    return row.ends_at is None or row.ends_at > work.at


def _take_back(work: Work, source: Family, target: Family, rows: Sequence[Row]) -> None:
    """What the members said, the measures, and then the members themselves."""
    for done, row, one in rows:
        if done == "moved":
            was = merged_rows.before(one)
            if isinstance(row, Measure):
                measures.follow(work, row, source, was["started_at"])
            else:
                consents.follow(work, row, source)
        elif done in {"ended", "loosened"}:
            _hold_again(work, row, merged_rows.before(one)["measure_id"])
    _follow_measures(work, rows, source, target)
    for done, row, _ in rows:
        if done == "joined":
            members.leave(work, row)
    consents.uphold(work, target)


def _hold_again(work: Work, ended: Involvement, measure_id: UUID | None) -> None:
    if ended.measure_id != measure_id:
        ended.measure_id = measure_id
        work.tell(EventType.INVOLVEMENT_CHANGED, ended)


def _begin_in_source(work: Work, source: Family, rows: Sequence[Row]) -> None:
    for done, row, _ in rows:
        if done == "left":
            person = work.session.get_one(Person, row.person_id)
            members.join(work, source, person, row.role, parental_authority=row.parental_authority)
    work.session.flush()
    for done, _, one in rows:
        if done == "ended":
            was = Involvement(**merged_rows.before(one))
            involvements.go_on(work, source, was, was.measure_id)
