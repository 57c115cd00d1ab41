"""CareTeam, Patient, RelatedPerson and EpisodeOfCare: what is about families, for whom the policy shows it.

The id of each begins with the family's: a read looks at that one family. A search looks at a page of the reader's own
families, at those of the patients it names, or at those of the reader's that somebody with this BSN is in.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from api.auth.calls import Call
from api.auth.policy import Permission
from api.auth.reaching import Named, Page, Reach, With, shown
from api.domain import bsn, care_systems, help_domains
from api.domain.care_systems import LAST, Place, Wanted, Whom
from api.domain.documents import Document
from api.domain.errors import Invalid
from api.fhir import care_teams, codings, episodes, parameters, patients
from api.fhir.ids import parted
from api.routers.fhir.including import comes_along
from api.routers.fhir.routes import FhirRoutes, Found, Resource, missing
from api.routers.fhir.searches import Search

routes = FhirRoutes()

Shown = dict[str, Any]
"""What a read gives: `items`, the `families` they are of, and after what the `next` page begins."""
IDENTIFIERS = ("identifier", "patient.identifier")


@dataclass(frozen=True)
class Kind:
    """A type that is about families."""

    name: str
    permission: Permission
    document: Callable[[Wanted, Place], Document]
    made: Callable[[Shown, Shown, dict[str, str]], Resource]
    """The resource of an item of a family, with the labels of help domains."""
    parts: int
    """How many ids the order of its items has, the family's included."""


def read_of(kind: Kind) -> Callable[[Call, Search, str], Resource]:
    def read(call: Call, search: Search, logical_id: str) -> Resource:
        found, _ = _one(call, kind, search, logical_id)
        if found is None:
            raise missing(next(iter(parted(logical_id)), None))
        return found

    return read


def find_of(kind: Kind) -> Callable[[Call, Search], Found]:
    def find(call: Call, search: Search) -> Found:
        if (ids := search.values("_id")) is not None:
            return _by_ids(call, kind, search, ids)
        whom = _whom(call, search)
        place = search.place(kind.parts)
        reach = whom.reach or Page(place.start[0], place.size)
        document = kind.document(_wanted(search, whom), place)
        known = shown(call, kind.permission, document, reach)
        if whom.name and not known["items"]:
            call.work.record(kind.permission, "refused")
        return _found(call, kind, whom.renamed(search, known), known, whom)

    return find


@dataclass(frozen=True)
class Asked:
    """Whom a search is about."""

    whom: Whom | None = None
    reach: Reach | None = None
    patients: frozenset[tuple[UUID, ...]] | None = None
    name: str | None = None
    """The parameter that had their identifier."""

    def renamed(self, search: Search, known: Shown) -> Search:
        if self.name is None:
            return search
        return search.by_identity(self.name, {str(one["personId"]) for one in known["items"]})

    def has(self, item: Shown) -> bool:
        """Whether an item is about one of them: one person can be in two families."""
        if self.patients is None:
            return True
        return (UUID(item["familyId"]), UUID(item["personId"])) in self.patients


def _whom(call: Call, search: Search) -> Asked:
    if (named := search.values("patient", "subject")) is not None:
        ids = [parted(one) for one in parameters.referred(named, {"Patient"}, search.base)]
        pairs = frozenset(one for one in ids if len(one) == 2)
        families = tuple(dict.fromkeys(family for family, _ in pairs))
        return Asked(Whom(tuple(person for _, person in pairs)), Named(families), pairs)
    if (values := search.values(*IDENTIFIERS)) is not None:
        persons, pseudonyms = _identified(call, values)
        name = next(one for one in IDENTIFIERS if search.first(one))
        return Asked(Whom(persons, pseudonyms), With(persons, pseudonyms), name=name)
    return Asked()


def _identified(call: Call, values: list[str]) -> tuple[tuple[UUID, ...], tuple[bytes, ...]]:
    """The persons and the pseudonyms that identifiers stand for; one of another system stands for nobody."""
    given = parameters.tokens(values)
    persons = parameters.uuids(one.value for one in given if one.system in (None, codings.PERSON))
    numbers = [one.value for one in given if parameters.is_bsn(one)]
    return persons, tuple(known for one in numbers for known in bsn.pseudonyms(call.work.vault, one))


def _wanted(search: Search, asked: Asked) -> Wanted:
    changed = search.changed()
    return Wanted(
        whom=asked.whom,
        states=_states(search),
        participants=_ids(search, "participant", {"PractitionerRole", "Practitioner", "Organization"}),
        agencies=_ids(search, "organization", {"Organization"}),
        professionals=_ids(search, "care-manager", {"PractitionerRole", "Practitioner"}),
        changed_from=changed.first,
        changed_before=changed.end,
        language=search.language,
    )


def _states(search: Search) -> tuple[str, ...] | None:
    if (values := search.values("status")) is None:
        return None
    codes = codings.TEAM_STATUSES if search.kind == "CareTeam" else codings.EPISODE_STATUSES
    return tuple(mine for one in parameters.tokens(values) for mine in codings.ours(codes, one.value))


def _ids(search: Search, name: str, kinds: set[str]) -> tuple[UUID, ...] | None:
    values = search.values(name)
    return None if values is None else parameters.uuids(parameters.referred(values, kinds, search.base))


def _found(call: Call, kind: Kind, search: Search, known: Shown, asked: Asked) -> Found:
    matches = _made(call, kind, known, search, [one for one in known["items"] if asked.has(one)])
    return Found(search, matches, comes_along(call, search, matches, known["families"]), known["next"])


def _made(call: Call, kind: Kind, known: Shown, search: Search, items: list[Shown]) -> list[Resource]:
    labels = _labels(call, search.language)
    return [kind.made(one, known["families"].get(one["familyId"], {}), labels) for one in items]


def _labels(call: Call, language: str) -> dict[str, str]:
    known = help_domains.known(call.work)
    return {one.code: one.label_en if language == "en" else one.label_nl for one in known}


def _one(call: Call, kind: Kind, search: Search, logical_id: str) -> tuple[Resource | None, Shown]:
    """The one resource with this id: the first of its family's from just before it."""
    ids = parted(logical_id)
    if len(ids) < 2 or len(ids) > kind.parts:
        return None, {}
    *before, last = ids if len(ids) == kind.parts else (*ids, LAST)
    document = kind.document(Wanted(language=search.language), Place(1, (*before, UUID(int=max(last.int - 1, 0)))))
    known = shown(call, kind.permission, document, Named((ids[0],)))
    found = next(iter(_made(call, kind, known, search, known["items"])), None)
    return (found if found and found["id"] == logical_id else None), known


def _by_ids(call: Call, kind: Kind, search: Search, ids: list[str]) -> Found:
    if len(ids) > search.size:
        raise Invalid("Ask for no more ids than a page has.", field="_id")
    matches: list[Resource] = []
    families: dict[str, Any] = {}
    for logical_id in dict.fromkeys(ids):
        found, known = _one(call, kind, search, logical_id)
        if found:
            matches.append(found)
            families |= known["families"]
    return Found(search, matches, comes_along(call, search, matches, families))


def _patient(item: Shown, family: Shown, _: dict[str, str]) -> Resource:
    return patients.patient(_member(family, item["personId"]), family["members"])


def _related_person(item: Shown, family: Shown, _: dict[str, str]) -> Resource:
    return patients.related_person(_member(family, item["personId"]), _member(family, item["relativeId"]))


def _member(family: Shown, person_id: str) -> Shown:
    member: Shown = next(one for one in family["members"] if one["personId"] == person_id)
    return member


KINDS = (
    Kind("CareTeam", Permission.TEAM_READ, care_systems.teams, care_teams.care_team, 2),
    Kind("Patient", Permission.FAMILY_READ, care_systems.members, _patient, 2),
    Kind("RelatedPerson", Permission.FAMILY_READ, care_systems.relatives, _related_person, 3),
    Kind("EpisodeOfCare", Permission.INVOLVEMENT_READ, care_systems.involvements, episodes.episode, 3),
)
for _kind in KINDS:
    routes.type(_kind.name, _kind.permission, read_of(_kind), find_of(_kind))
