"""A search as it was asked: read from the query and the form, each parameter known, and written again in its links."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from fastapi import Request

from api import paging
from api.auth.requests import FORM, language_of, must_be_sent_as
from api.domain.care_systems import Place
from api.domain.errors import Invalid
from api.fhir import parameters
from api.fhir.codings import PERSON
from api.fhir.parameters import (
    INCLUDED,
    ITERATED,
    LARGEST_PAGE,
    MAY_COME_AGAIN,
    MODIFIERS,
    OF_RESULT,
    SEARCHED_BY,
    USUAL_PAGE,
    Span,
)
from api.problems import WireError
from api.routers.fhir.wire import ROOT

Pairs = list[tuple[str, str]]
NOBODY = str(UUID(int=0))
NOT_IN_LINKS = {"_cursor", "_format", "_pretty", "_total"}


@dataclass(frozen=True)
class Search:
    """One search of one type."""

    kind: str
    given: Pairs
    base: str
    """The URL that all references are relative to."""
    language: str = "nl"
    stands_for: dict[str, list[str]] = field(default_factory=dict)
    """The persons that an identifier turned out to be of: a link names them, never a BSN."""

    def first(self, name: str) -> str | None:
        return next((value for known, value in self.given if known == name), None)

    def values(self, *names: str) -> list[str] | None:
        """The alternatives given by one of these names; None if it isn't given."""
        value = next((value for known, value in self.given if known in names), None)
        return None if value is None else parameters.split(value, names[0])

    @property
    def size(self) -> int:
        given = self.first("_count")
        if given is None:
            return USUAL_PAGE
        if not (given.isascii() and given.isdigit() and len(given) < 9) or int(given) < 1:
            raise Invalid("Give _count as a whole number from 1. Nothing is counted in all.", field="_count")
        return min(int(given), LARGEST_PAGE)

    def place(self, parts: int) -> Place:
        """Where its page begins: after so many ids."""
        return Place(self.size, paging.decode(self.first("_cursor"), *[UUID] * parts) or ())

    def includes(self, name: str = "_include") -> set[str]:
        return {value for known, value in self.given if known == name}

    def changed(self) -> Span:
        """When what it looks for was changed last."""
        whole = Span()
        for name, value in self.given:
            if name == "_lastUpdated":
                whole = whole.within(parameters.span(value, name))
        return whole

    def by_identity(self, name: str, persons: Iterable[str]) -> "Search":
        return replace(self, stands_for={name: sorted(persons) or [NOBODY]})

    def links(self, following: list[str] | None) -> dict[str, str]:
        """The URLs of this page and of the next."""
        kept = [(name, self._written(name, value)) for name, value in self.given if name not in NOT_IN_LINKS]
        cursor = self.first("_cursor")
        links = {"self": self._url([*kept, ("_cursor", cursor)] if cursor else kept)}
        if following:
            links["next"] = self._url([*kept, ("_cursor", paging.encode(following))])
        return links

    def _written(self, name: str, value: str) -> str:
        known = self.stands_for.get(name)
        return ",".join(f"{PERSON}|{one}" for one in known) if known else value

    def _url(self, pairs: Pairs) -> str:
        return f"{self.base}/{self.kind}" + (f"?{urlencode(pairs)}" if pairs else "")


def base_of(request: Request) -> str:
    return str(request.app.state.settings.base_url).rstrip("/") + ROOT


async def asked(kind: str, request: Request) -> Search:
    """The search that a request is."""
    given = [*request.query_params.multi_items(), *await _form(request)]
    if any("\ufffd" in part or "\x00" in part for pair in given for part in pair):
        raise WireError(400, "invalid_query", "The query can't be read. Send UTF-8, percent-encoded.")
    known = [pair for pair in given if _is_known(kind, pair[0])]
    if len(known) < len(given) and "handling=lenient" not in request.headers.get("prefer", "").replace(" ", ""):
        offered = ", ".join(sorted([*SEARCHED_BY[kind], "_count", "_include"]))
        raise WireError(400, "unknown_parameter", f"{kind} is searched by {offered}; each at most once.")
    names = [name for name, _ in known]
    if again := {name for name in names if names.count(name) > 1} - MAY_COME_AGAIN:
        raise Invalid("Give it once; alternatives are separated by commas.", field=min(again))
    search = Search(kind, known, base_of(request), language_of(request.headers.get("accept-language")))
    _must_be_possible(search)
    return search


async def _form(request: Request) -> Pairs:
    body = await request.body() if request.method == "POST" else b""
    if not body:
        return []
    must_be_sent_as(request, {FORM})
    try:
        return parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=True, errors="replace")
    except ValueError:
        raise WireError(400, "invalid_query", "The form can't be read. Send it form-encoded.") from None


def _is_known(kind: str, name: str) -> bool:
    base, colon, modifier = name.partition(":")
    if name in OF_RESULT or name in {"_include", "_include:iterate"}:
        return True
    of = SEARCHED_BY[kind].get(base)
    return of is not None and (not colon or modifier in MODIFIERS.get(of, ()))


def _must_be_possible(search: Search) -> None:
    if search.first("_total") not in (None, "none"):
        raise Invalid("Nothing is counted in all: that would count what is hidden too.", field="_total")
    for name, known in (("_include", INCLUDED[search.kind]), ("_include:iterate", ITERATED)):
        if unknown := search.includes(name) - set(known):
            offered = ", ".join(known) or "nothing"
            raise Invalid(f"This includes {offered}; not what is asked {len(unknown)} times beside.", field=name)
    narrowed = [name for name, _ in search.given if name in {"patient", "subject", "patient.identifier", "_id"}]
    if len(narrowed) > 1:
        raise Invalid("Give one of patient, subject, patient.identifier and _id.", field=narrowed[1])
