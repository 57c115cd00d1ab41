"""Duplicates: persons who may have been recorded twice, and merging them, with undo. For the registrar."""

from typing import Annotated
from uuid import UUID

from fastapi import Path, Query

from api.auth.calls import Call
from api.auth.guards import Routes
from api.auth.policy import Permission
from api.domain import duplicates, merges, persons
from api.domain.errors import Invalid, NotFound
from api.domain.models import Person
from api.paging import Page
from api.routers.parameters import PersonId
from api.routers.persons import PersonOut
from api.shapes import Body, Id, Moment, Out

routes = Routes("Families")

MergeId = Annotated[Id, Path(alias="mergeId")]
AtLeast = Annotated[
    int, Query(alias="atLeast", ge=50, le=100, description="How alike they are at least, from 50 to 100.")
]


class PossibleDuplicate(Out):
    """Two records that may be of one person. `likeness`: how alike names and birth dates are, up to 100."""

    persons: list[PersonOut]
    likeness: int


class PersonMerging(Body):
    """The record that everything is put with."""

    into_person_id: Id


class MergeOut(Out):
    """That one record of a person was merged into another. `undoneAt`: when they were taken apart again."""

    id: UUID
    source_id: UUID
    target_id: UUID
    merged_at: Moment
    undone_at: Moment | None


def _person(call: Call, person: Person) -> PersonOut:
    call.work.record(Permission.PERSON_MERGE, "shown", shown_person_id=person.id)
    families = list(persons.families_of(call.work, person))
    return PersonOut.of(person, has_bsn=person.bsn_sealed is not None, family_ids=families)


@routes.get("/possible-duplicates", Permission.PERSON_MERGE)
def list_possible_duplicates(call: Call, at_least: AtLeast = 70) -> Page[PossibleDuplicate]:
    """List the persons of your municipality who may have been recorded twice, the most alike first; a hundred at most.

    They sound alike and were born on the same day, or nearly so. Where they live is not looked at.
    """
    found = duplicates.possible(call.work, call.work.actor.municipality_code or "", at_least=at_least)
    return Page(
        items=[
            PossibleDuplicate(persons=[_person(call, one.one), _person(call, one.other)], likeness=one.likeness)
            for one in found
        ]
    )


@routes.post("/persons/{personId}/_merge", Permission.PERSON_MERGE)
def merge_person(call: Call, person_id: PersonId, body: PersonMerging) -> MergeOut:
    """Merge this record of a person into another one of your municipality. Memberships keep their periods."""
    source = persons.get(call.work, person_id)
    try:
        target = persons.get(call.work, body.into_person_id)
    except NotFound as missing:
        raise Invalid(missing.sentence, field="intoPersonId") from None
    return MergeOut.of(merges.merge(call.work, source, target))


@routes.get("/merges", Permission.PERSON_MERGE)
def list_merges(call: Call) -> Page[MergeOut]:
    """List the merges of your municipality, undone ones too, the latest first; two hundred at most."""
    return Page(items=[MergeOut.of(one) for one in merges.known(call.work)])


@routes.post("/merges/{mergeId}/_undo", Permission.PERSON_MERGE)
def undo_merge(call: Call, merge_id: MergeId) -> MergeOut:
    """Take two merged records apart again. Everything is as it was; if any of it has changed since, it is refused."""
    return MergeOut.of(merges.undo(call.work, merge_id))
