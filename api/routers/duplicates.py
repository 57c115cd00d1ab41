"""Duplicates: persons and families who may have been recorded twice, and merging them, with undo. For the registrar."""

from typing import Annotated
from uuid import UUID

from fastapi import Path, Query

from api.auth.calls import Call, FamilyCall
from api.auth.guards import Routes
from api.auth.policy import Permission
from api.domain import duplicates, family_merges, members, merges, persons
from api.domain.codes import MergeKind
from api.domain.errors import Invalid, NotFound
from api.domain.models import Family, Person
from api.paging import Page
from api.routers.families import FamilyOut
from api.routers.parameters import PersonId
from api.routers.persons import PersonOut
from api.shapes import Body, Id, Moment, Out

routes = Routes("Duplicates")

MergeId = Annotated[Id, Path(alias="mergeId")]
AtLeast = Annotated[
    int, Query(alias="atLeast", ge=50, le=100, description="How alike they are at least, from 50 to 100.")
]


class PossibleDuplicate(Out):
    """Two records that may be of one person. `likeness`: how alike names and birth dates are, up to 100."""

    persons: list[PersonOut]
    likeness: int


class PossibleDuplicateFamilies(Out):
    """Two open families that may be one.

    `sharedPersonIds`: who is a member of both. `alikePersonIds`: members of the one and of the other who may be one
    person, recorded twice. `likeness`: 100 if anybody is in both, otherwise that of the two who are most alike.
    """

    families: list[FamilyOut]
    shared_person_ids: list[UUID]
    alike_person_ids: list[UUID]
    likeness: int


class PersonMerging(Body):
    """The record that everything is put with."""

    into_person_id: Id


class FamilyMerging(Body):
    """The family that goes on."""

    into_family_id: Id


class MergeOut(Out):
    """That one record of a person or a family was merged into another. `undoneAt`: when they were taken apart again."""

    id: UUID
    kind: MergeKind
    source_id: UUID
    target_id: UUID
    merged_at: Moment
    undone_at: Moment | None


def _person(call: Call, person: Person) -> PersonOut:
    call.work.record(Permission.PERSON_MERGE, "shown", shown_person_id=person.id)
    families = list(persons.families_of(call.work, person))
    return PersonOut.of(person, has_bsn=person.bsn_sealed is not None, family_ids=families)


def _families(call: Call, pair: duplicates.FamilyPair) -> PossibleDuplicateFamilies:
    alike = {person.id for two in pair.alike for person in (two.one, two.other)}
    return PossibleDuplicateFamilies(
        families=[_family(call, family) for family in (pair.one, pair.other)],
        shared_person_ids=sorted(pair.shared),
        alike_person_ids=sorted(alike),
        likeness=pair.likeness,
    )


def _family(call: Call, family: Family) -> FamilyOut:
    for person_id in members.of(call.work, family):
        call.work.record(Permission.PERSON_MERGE, "shown", family_id=family.id, shown_person_id=person_id)
    return FamilyOut.of(family, framework=family.framework_at(call.work.at))


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


@routes.get("/possible-duplicate-families", Permission.PERSON_MERGE)
def list_possible_duplicate_families(call: Call, at_least: AtLeast = 70) -> Page[PossibleDuplicateFamilies]:
    """List the open families of your municipality that may have been recorded twice; a hundred at most.

    Somebody is a member of both, or members of the one may be members of the other, recorded twice. Those with most
    members in common come first. Children of parents who live apart may well be in two families: look before you merge.
    Where families live is not looked at.
    """
    found = duplicates.possible_families(call.work, call.work.actor.municipality_code or "", at_least=at_least)
    return Page(items=[_families(call, one) for one in found])


@routes.post("/families/{familyId}/_merge", Permission.FAMILY_MERGE)
def merge_family(call: FamilyCall, body: FamilyMerging) -> MergeOut:
    """Merge this family into another one of your municipality; its own approach is closed.

    Its members and the running involvements go on in the other family from this instant, and so do the members'
    consents, objections and measures. Where an agency is involved with both, its help domains are put together. The
    mandate, the contact points and what is still open end. Involvements to which somebody there objects end too.
    """
    target = call.other_family(body.into_family_id)
    return MergeOut.of(family_merges.merge(call.work, call.family, target))


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
    """List the merges of persons and families in your municipality, undone ones too, the latest first; 200 at most."""
    return Page(items=[MergeOut.of(one) for one in merges.known(call.work)])


@routes.post("/merges/{mergeId}/_undo", Permission.PERSON_MERGE)
def undo_merge(call: Call, merge_id: MergeId) -> MergeOut:
    """Take two merged records apart again; if any of what moved has changed since, it is refused.

    Of a person, everything is as it was. A family is reopened: its members are in it again from now on, and its
    agencies involved on the terms that they had, as far as those still hold; what began in the other family by the
    merge ends. The mandate and the contact points are given anew.
    """
    merge = merges.to_undo(call.work, merge_id)
    undo = family_merges.undo if merge.kind is MergeKind.FAMILY else merges.undo
    return MergeOut.of(undo(call.work, merge))
