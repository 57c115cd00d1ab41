"""Labels are in the language asked for: Dutch unless English is preferred."""

import pytest

from tests.wire.stage import Stage
from tests.world import ADMINISTRATOR

WANTED = {
    None: "nl",
    "": "nl",
    "nl": "nl",
    "en": "en",
    "EN": "en",
    "en-GB": "en",
    "nl-BE, en;q=0.9": "nl",
    "en;q=0.2, nl;q=0.8": "nl",
    "en;q=0.8, nl;q=0.2": "en",
    "de, en;q=0.5": "en",
    "de": "nl",
    "en;q=0": "nl",
    "*": "nl",
    "engels": "nl",
    "en;q=x": "nl",
    ";;,,=": "nl",
}


@pytest.mark.parametrize(("header", "language"), WANTED.items())
def test_the_language_asked_for_is_answered(header: str | None, language: str, untouched: Stage) -> None:
    headers = {} if header is None else {"Accept-Language": header}
    caller = untouched.world.as_(ADMINISTRATOR)
    one = caller.get("/help-domains/finances", headers=headers).json()
    assert one["label"] == one["labelEn" if language == "en" else "labelNl"]
    assert {one["label"] == one["labelEn"]} == {language == "en"}


def test_composed_reads_speak_it_too(untouched: Stage) -> None:
    registrar = untouched.world.as_(untouched.world.registrar)
    labels = {row["code"]: row for row in registrar.get("/help-domains").json()["items"]}
    for path in ("contact-points/parenting", "who-is-involved"):
        for language, name in (("nl", "labelNl"), ("en", "labelEn")):
            answer = registrar.get(
                f"/families/{untouched.family.id}/{path}", headers={"Accept-Language": language}
            ).json()
            row = answer["helpDomains"][0] if "helpDomains" in answer else answer
            assert row["label"] == labels["parenting"][name]
