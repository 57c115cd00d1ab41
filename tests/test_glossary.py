"""The glossary and the code say the same."""

import inspect
import re
from enum import StrEnum
from pathlib import Path

import pytest

from api.auth.policy import Relation
from api.domain import codes
from api.domain.actor import Role
from tests.world import World

GLOSSARY = (Path(__file__).parent.parent / "docs" / "glossary.md").read_text(encoding="utf-8")
SECTIONS = {
    title.strip(): dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", body, re.MULTILINE))
    for title, _, body in (section.partition("\n") for section in GLOSSARY.split("\n## "))
}
WITHOUT_DUTCH = {codes.EventType, codes.Answer}
"""What happened is named after the words above; an answer is told by the state it leads to."""

LISTS = [
    vocabulary
    for _, vocabulary in inspect.getmembers(codes, inspect.isclass)
    if issubclass(vocabulary, StrEnum) and vocabulary not in {StrEnum, *WITHOUT_DUTCH}
] + [Role, Relation]


@pytest.mark.parametrize("vocabulary", LISTS, ids=lambda vocabulary: vocabulary.__name__)
def test_every_code_is_in_the_glossary_and_no_other(vocabulary: type[StrEnum]) -> None:
    assert list(SECTIONS[vocabulary.__name__]) == [code.value for code in vocabulary]


def test_the_help_domains_have_the_names_of_the_glossary(world: World) -> None:
    domains = world.as_(world.system(world.an_agency())).get("/help-domains").json()["items"]
    national = {domain["code"]: domain["labelNl"] for domain in domains if domain["municipalityCode"] is None}
    assert national == SECTIONS["Help domains"]
