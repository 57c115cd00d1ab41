"""The sweeps over all routes, over those of FHIR too: nobody can tell a hidden family from one that doesn't exist."""

from typing import Any
from uuid import uuid4

import pytest
from httpx import Response

from api.fhir.ids import joined
from tests.access import test_row_level_security
from tests.access.scene import Scene
from tests.access.sweep import as_answered
from tests.access.test_visibility import OUTSIDERS
from tests.fhir.reading import Reader, reader
from tests.world import a_bsn

forgetful = test_row_level_security.forgetful
OF_EACH_ROLE = ("uninvolved agency's system", "registrar elsewhere", "colleague who isn't named", "small child")


def asked(
    scene: Scene, asks: Reader, *, hidden: bool, at_length: bool = False
) -> dict[str, tuple[Response, list[str]]]:
    """Ways to ask about the family of the scene, or about none: each answer, with the ids that were sent for it."""
    family, one, other, own = (
        (scene.family.id, scene.parent_person.id, scene.small_child_person.id, scene.debt_involvement.id)
        if hidden
        else (uuid4() for _ in range(4))
    )
    ids = {
        "CareTeam": joined(family, one),
        "Patient": joined(family, one),
        "RelatedPerson": joined(family, other, one),
        "EpisodeOfCare": joined(family, own, one),
    }
    answers = {f"{kind} by its id": (asks.get(f"{kind}/{known}"), [known]) for kind, known in ids.items()}
    bsn = scene.bsn if hidden else a_bsn()
    answers["CareTeam by BSN"] = asks.by_bsn("CareTeam", bsn), []
    if at_length:
        for kind, known in ids.items():
            answers[f"{kind} by _id"] = asks.get(kind, params={"_id": known}), [known]
            answers[f"{kind} by BSN"] = asks.by_bsn(kind, bsn), []
            name, whom = ("identifier", f"urn:spil:person|{one}") if kind == "Patient" else ("patient", ids["Patient"])
            answers[f"{kind} by {name}"] = asks.get(kind, params={name: whom}), [whom.rpartition("|")[2]]
    return answers


def heard(answer: Response, sent: list[str]) -> Any:
    """The whole answer, byte by byte, but for what was sent: a link repeats what was asked."""
    status, headers, body, raw = as_answered(answer)
    if status != 200 or not sent:
        return status, headers, body, raw
    headers.pop("etag", None)
    return status, headers, answer.text.replace(sent[0], "#" * len(sent[0]))


def must_hear_the_same(scene: Scene, asks: Reader, **how: bool) -> None:
    hidden, missing = (asked(scene, asks, hidden=one, **how) for one in (True, False))
    for name, (answer, sent) in hidden.items():
        assert heard(answer, sent) == heard(*missing[name]), name
        assert answer.status_code in {200, 404}
        assert b'"entry"' not in answer.content


@pytest.mark.parametrize("outsider", OUTSIDERS)
def test_an_outsider_cant_tell_a_hidden_family_from_none(scene: Scene, outsider: str) -> None:
    must_hear_the_same(scene, reader(scene.world, scene.outsiders[outsider]))


@pytest.mark.parametrize("outsider", OF_EACH_ROLE[:2])
def test_neither_by_how_it_is_asked(scene: Scene, outsider: str) -> None:
    must_hear_the_same(scene, reader(scene.world, scene.outsiders[outsider]), at_length=True)


@pytest.mark.parametrize("outsider", OF_EACH_ROLE)
@pytest.mark.usefixtures("forgetful")
def test_without_the_visibility_check_a_hidden_family_is_still_none(scene: Scene, outsider: str) -> None:
    must_hear_the_same(scene, reader(scene.world, scene.outsiders[outsider]))


@pytest.mark.usefixtures("forgetful")
def test_without_the_visibility_check_whoever_is_related_passes_for_anything(scene: Scene) -> None:
    """It is the check that was taken away, not the request."""
    asks = reader(scene.world, scene.related["parent"])
    team = asks.read("CareTeam", joined(scene.family.id, scene.parent_person.id))
    assert str(scene.shielded_worker.id) in str(team)


def test_who_may_is_shown_something_by_each_way_of_asking(scene: Scene) -> None:
    """So that the sweep can't pass by asking for nothing."""
    asks = reader(scene.world, scene.related["named"])
    for name, (answer, _) in asked(scene, asks, hidden=True, at_length=True).items():
        assert b'"versionId"' in answer.content, name
