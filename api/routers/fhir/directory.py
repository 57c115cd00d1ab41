"""Organization, Practitioner and PractitionerRole: who there is, for whom the directory is open."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from api import paging
from api.auth.calls import Call
from api.auth.policy import Permission
from api.domain import directory
from api.domain.directory import Name, Sought
from api.domain.errors import Invalid
from api.fhir import organizations, parameters, practitioners
from api.fhir.organizations import OF_MUNICIPALITY
from api.routers.fhir.including import comes_along
from api.routers.fhir.routes import FhirRoutes, Found, Resource, missing
from api.routers.fhir.searches import Search

routes = FhirRoutes()


def read_organization(call: Call, search: Search, logical_id: str) -> Resource:
    return _only(_organizations(call, _named([logical_id]), None, 1))


def find_organizations(call: Call, search: Search) -> Found:
    sought, size = _sought(search), search.size
    after = paging.decode(search.first("_cursor"), str)
    return _page(call, search, _organizations(call, sought, after[0] if after else None, size + 1))


def _organizations(call: Call, sought: Sought, after: str | None, limit: int) -> list[Resource]:
    """Agencies in the order of their ids, and then municipalities."""
    of_municipality = after is not None and after.startswith(OF_MUNICIPALITY)
    found: list[Resource] = []
    if not of_municipality:
        agencies = directory.agencies(call.work, sought, _position(after), limit)
        found = [organizations.of_agency(one) for one in agencies]
    if len(found) < limit:
        code = after.removeprefix(OF_MUNICIPALITY) if after and of_municipality else None
        more = directory.municipalities(call.work, sought, code, limit - len(found))
        found += [organizations.of_municipality(one) for one in more]
    return found


def read_practitioner(call: Call, search: Search, logical_id: str) -> Resource:
    known = directory.professionals(call.work, _named([logical_id]), None, 1)
    return _only([practitioners.practitioner(one) for one, _ in known])


def find_practitioners(call: Call, search: Search) -> Found:
    known = _professionals(call, search)
    return _page(call, search, [practitioners.practitioner(one) for one, _ in known])


def read_practitioner_role(call: Call, search: Search, logical_id: str) -> Resource:
    known = directory.professionals(call.work, _named([logical_id]), None, 1)
    return _only([practitioners.practitioner_role(one, agency) for one, agency in known])


def find_practitioner_roles(call: Call, search: Search) -> Found:
    known = _professionals(call, search)
    return _page(call, search, [practitioners.practitioner_role(one, agency) for one, agency in known])


def _professionals(call: Call, search: Search) -> Sequence[tuple[Any, Any]]:
    after = paging.decode(search.first("_cursor"), str)
    return directory.professionals(call.work, _sought(search), _position(after[0] if after else None), search.size + 1)


def _page(call: Call, search: Search, found: list[Resource]) -> Found:
    matches = found[: search.size]
    following = [matches[-1]["id"]] if len(found) > search.size else None
    return Found(search, matches, comes_along(call, search, matches), following)


def _sought(search: Search) -> Sought:
    ids = search.values("_id")
    if ids is None and (asked := search.values("practitioner")) is not None:
        ids = parameters.referred(asked, {"Practitioner"}, search.base)
    agencies = search.values("organization")
    return Sought(
        ids=None if ids is None else parameters.uuids(ids),
        codes=None if ids is None else _codes(ids),
        names=_names(search),
        active=_active(search),
        agency_ids=None
        if agencies is None
        else parameters.uuids(parameters.referred(agencies, {"Organization"}, search.base)),
    )


def _named(ids: list[str]) -> Sought:
    return Sought(ids=parameters.uuids(ids), codes=_codes(ids))


def _codes(ids: list[str]) -> tuple[str, ...]:
    return tuple(one.removeprefix(OF_MUNICIPALITY) for one in ids if one.startswith(OF_MUNICIPALITY))


def _names(search: Search) -> tuple[Name, ...] | None:
    for name, how in (("name", "starts"), ("name:contains", "contains"), ("name:exact", "exact")):
        if (values := search.values(name)) is not None:
            return tuple(Name(one, how) for one in values)
    return None


def _active(search: Search) -> bool | None:
    given = search.first("active")
    if given not in (None, "true", "false"):
        raise Invalid("Give true or false.", field="active")
    return None if given is None else given == "true"


def _position(after: str | None) -> UUID | None:
    return next(iter(parameters.uuids([after] if after else [])), None)


def _only(found: list[Resource]) -> Resource:
    if not found:
        raise missing()
    return found[0]


routes.type("Organization", Permission.DIRECTORY_READ, read_organization, find_organizations)
routes.type("Practitioner", Permission.PROFESSIONAL_READ, read_practitioner, find_practitioners)
routes.type("PractitionerRole", Permission.PROFESSIONAL_READ, read_practitioner_role, find_practitioner_roles)
