"""A page of what a search found. It says nothing of how much there is in all: that would count what is hidden too."""

from collections.abc import Iterable
from typing import Any

Resource = dict[str, Any]


def searchset(base: str, found: Iterable[Resource], included: Iterable[Resource], links: dict[str, str]) -> Resource:
    """`links`: the URLs of this page and the next."""
    entries = [_entry(base, one, "match") for one in found] + [_entry(base, one, "include") for one in included]
    whole: Resource = {
        "resourceType": "Bundle",
        "type": "searchset",
        "link": [{"relation": name, "url": url} for name, url in links.items()],
    }
    return whole | ({"entry": entries} if entries else {})


def _entry(base: str, one: Resource, mode: str) -> Resource:
    return {"fullUrl": f"{base}/{one['resourceType']}/{one['id']}", "resource": one, "search": {"mode": mode}}
