"""Whether a family or a person exists, asked in the words of FHIR."""

from collections.abc import Iterator
from uuid import uuid4

from api.fhir.ids import joined
from tests.access.oracles import Attempt, oracle
from tests.access.scene import Scene
from tests.fhir.reading import OF_FAMILIES, Reader, reader
from tests.world import World, a_bsn

WHO = ("uninvolved agency's system", "member of another family")


def _asking(world: World, scene: Scene) -> Iterator[Reader]:
    for who in WHO:
        yield reader(world, scene.outsiders[who])


@oracle("FHIR: the id of a resource about a hidden family")
def logical_ids(world: World, scene: Scene) -> Iterator[Attempt]:
    family, parent, child = scene.family.id, scene.parent_person.id, scene.small_child_person.id
    insider = reader(world, scene.related["named"])
    for kind, parts in (
        ("CareTeam", (parent,)),
        ("Patient", (parent,)),
        ("RelatedPerson", (child, parent)),
        ("EpisodeOfCare", (scene.debt_involvement.id, parent)),
    ):
        path = f"{kind}/{joined(family, *parts)}"
        for asks in _asking(world, scene):
            missing = asks.get(f"{kind}/{joined(uuid4(), *parts)}")
            yield Attempt(asks.get(path), missing, insider.get(path))


@oracle("FHIR: a BSN that is known elsewhere, searched for by POST")
def by_bsn(world: World, scene: Scene) -> Iterator[Attempt]:
    insider = reader(world, scene.related["involved_system"])
    for kind in OF_FAMILIES:
        for asks in _asking(world, scene):
            known, unknown = (asks.by_bsn(kind, one) for one in (scene.bsn, a_bsn()))
            yield Attempt(known, unknown, insider.by_bsn(kind, scene.bsn))
