"""`_include`: what matches refer to, in the same page. Only what they show already, found by their references.

Who may read a team may have the cards of those in it, as in the read of who is involved; whoever else the directory is
open for asks there.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from api.auth.calls import Call
from api.domain import directory
from api.domain.directory import Sought
from api.fhir import organizations, parameters, patients, practitioners
from api.fhir.organizations import OF_MUNICIPALITY
from api.routers.fhir.searches import Search

Resource = dict[str, Any]
REFERRED: dict[str, tuple[str, ...]] = {
    "CareTeam:patient": ("subject",),
    "CareTeam:subject": ("subject",),
    "CareTeam:participant": ("participant", "member"),
    "EpisodeOfCare:patient": ("patient",),
    "EpisodeOfCare:organization": ("managingOrganization",),
    "EpisodeOfCare:care-manager": ("careManager",),
    "RelatedPerson:patient": ("patient",),
    "PractitionerRole:practitioner": ("practitioner",),
    "PractitionerRole:organization": ("organization",),
}
"""Where in a resource the references of each `_include` are."""


def comes_along(
    call: Call, search: Search, matches: list[Resource], families: Mapping[str, Any] | None = None
) -> list[Resource]:
    """What is included with these matches; `families`: the members that the reader sees, by family."""
    wanted = dict.fromkeys(one for name in search.includes() for one in _references(matches, name))
    known = {(one["resourceType"], one["id"]) for one in matches}
    included = [*_patients(wanted, families or {}), *_of_directory(call, wanted, known)]
    further = dict.fromkeys(one for name in search.includes("_include:iterate") for one in _references(included, name))
    known |= {(one["resourceType"], one["id"]) for one in included}
    return included + _of_directory(call, further, known)


def _references(resources: Iterable[Resource], name: str) -> Iterator[tuple[str, str]]:
    """The types and ids that an include refers to."""
    kind = name.partition(":")[0]
    for one in resources:
        if one["resourceType"] == kind:
            for found in _at(one, REFERRED[name]):
                if "reference" in found:
                    of, _, logical_id = found["reference"].partition("/")
                    yield of, logical_id


def _at(node: Any, path: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    if isinstance(node, list):
        for one in node:
            yield from _at(one, path)
    elif not path:
        yield node
    elif path[0] in node:
        yield from _at(node[path[0]], path[1:])


def _patients(wanted: Iterable[tuple[str, str]], families: Mapping[str, Any]) -> list[Resource]:
    ids = {logical_id for kind, logical_id in wanted if kind == "Patient"}
    return [
        patients.patient(member, family["members"])
        for family in families.values()
        for member in family["members"]
        if patients.patient_id(member) in ids
    ]


def _of_directory(call: Call, wanted: Iterable[tuple[str, str]], known: set[tuple[str, str]]) -> list[Resource]:
    ids: dict[str, list[str]] = {"PractitionerRole": [], "Practitioner": [], "Organization": []}
    for kind, logical_id in wanted:
        if kind in ids and (kind, logical_id) not in known:
            ids[kind].append(logical_id)
    roles, persons = (_professionals(call, ids[kind]) for kind in ("PractitionerRole", "Practitioner"))
    return [
        *(practitioners.practitioner_role(one, agency) for one, agency in roles),
        *(practitioners.practitioner(one) for one, _ in persons),
        *_organizations(call, ids["Organization"]),
    ]


def _professionals(call: Call, ids: list[str]) -> Iterable[tuple[Any, Any]]:
    return directory.professionals(call.work, Sought(ids=parameters.uuids(ids)), None, len(ids)) if ids else ()


def _organizations(call: Call, ids: list[str]) -> Iterator[Resource]:
    if not ids:
        return
    codes = tuple(one.removeprefix(OF_MUNICIPALITY) for one in ids if one.startswith(OF_MUNICIPALITY))
    for agency in directory.agencies(call.work, Sought(ids=parameters.uuids(ids)), None, len(ids)):
        yield organizations.of_agency(agency)
    for municipality in directory.municipalities(call.work, Sought(codes=codes), None, len(ids)):
        yield organizations.of_municipality(municipality)
