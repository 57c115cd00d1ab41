"""What is wrong with the configuration of an issuer is said in a sentence, before anything runs on it."""

import json
import re
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from api.trust import TrustedIssuer, problems_with

AGENCY, OTHER_AGENCY = UUID(int=1), UUID(int=2)
OWN = "https://spil.example/oauth"

GOOD: dict[str, Any] = {"issuer": "https://a.example", "roles": ["registrar"], "municipality_codes": ["0001"]}
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "plain http": ({"issuer": "http://a.example"}, "must start with https://"),
    "no address": ({"issuer": "identity"}, "must start with https://"),
    "keys by plain http": ({"jwks_url": "http://a.example/keys"}, "jwks_url that must start with https://"),
    "keys twice": ({"jwks_url": "https://a.example/keys", "jwks": {"keys": []}}, "both jwks and jwks_url"),
    "another algorithm": ({"algorithms": ["PS256"]}, "must have algorithms out of RS256, ES256"),
    "no signature": ({"algorithms": ["none"]}, "must have algorithms out of"),
    "no algorithm": ({"algorithms": []}, "must have algorithms out of"),
    "an unknown role": ({"roles": ["mayor"]}, "roles that there are not: mayor"),
    "the clock": ({"roles": ["clock"]}, "roles that there are not: clock"),
    "a name for a code": ({"municipality_codes": ["Utrecht"]}, "CBS code of four digits"),
    "a role left out": ({"claims": {"role": {"values": {"x": "analyst"}}}}, "role analyst, which its roles leave out"),
    "a fixed role left out": ({"claims": {"role": {"fixed": "analyst"}}}, "role analyst, which its roles leave out"),
    "another municipality": (
        {"claims": {"municipality_code": {"fixed": "0002"}}},
        "municipality 0002, which its municipality_codes leave out",
    ),
    "no id": ({"claims": {"agency_id": {"fixed": "AGB-1"}}}, "agency_id AGB-1, which is no UUID"),
    "another agency": (
        {"agency_ids": [str(AGENCY)], "claims": {"agency_id": {"values": {"x": str(OTHER_AGENCY)}}}},
        "which its agency_ids leave out",
    ),
    "fixed and read": ({"claims": {"role": {"claim": "groups", "fixed": "registrar"}}}, "choose one"),
    "a claim without a name": ({"claims": {"role": {"claim": ""}}}, "must name the claim of role"),
}
OPEN: dict[str, tuple[dict[str, Any], str]] = {
    "any role": ({"roles": []}, "must name the roles"),
    "any municipality": ({"municipality_codes": []}, "must name the municipalities"),
    "any agency": ({"roles": ["professional"]}, "must name the agencies"),
}


@pytest.mark.parametrize("production", [True, False])
@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_with_an_issuer_is_said(what: str, production: bool) -> None:
    given, said = WRONG[what]
    found = problems_with([TrustedIssuer.model_validate(GOOD | given)], OWN, production=production)
    assert any(said in sentence for sentence in found), found


@pytest.mark.parametrize("what", OPEN)
def test_production_leaves_nothing_open_by_accident(what: str) -> None:
    given, said = OPEN[what]
    issuer = TrustedIssuer.model_validate(GOOD | given)
    assert any(said in sentence for sentence in problems_with([issuer], OWN, production=True))
    assert problems_with([issuer], OWN, production=False) == []


@pytest.mark.parametrize("given", [{}, {"roles": ["professional"], "agency_ids": "any"}, {"municipality_codes": "any"}])
def test_a_good_configuration_has_nothing_wrong(given: dict[str, Any]) -> None:
    assert problems_with([TrustedIssuer.model_validate(GOOD | given)], OWN, production=True) == []


def test_the_example_in_the_documentation_is_a_good_one() -> None:
    text = (Path(__file__).parents[2] / "docs" / "deploy.md").read_text(encoding="utf-8")
    [example] = re.findall(r"## Identity providers\n.*?```json\n(.*?)```", text, re.DOTALL)
    trusted = [TrustedIssuer.model_validate(one) for one in json.loads(example)]
    assert len(trusted) == 2
    assert problems_with(trusted, OWN, production=True) == []


def test_loopback_is_for_development() -> None:
    issuer = TrustedIssuer.model_validate(GOOD | {"issuer": "http://localhost:3000"})
    assert problems_with([issuer], OWN, production=False) == []
    assert problems_with([issuer], OWN, production=True)


def test_an_issuer_is_named_once_and_is_not_ourselves() -> None:
    one = TrustedIssuer.model_validate(GOOD)
    own = TrustedIssuer.model_validate(GOOD | {"issuer": OWN})
    found = problems_with([one, one, own], OWN, production=True)
    assert len(found) == 2
    assert "twice" in found[0]
    assert "own issuer" in found[1]


@pytest.mark.parametrize(
    "given", [{"muncipality_codes": ["0001"]}, {"claims": {"rol": {}}}, {"claims": {"role": {"value": "x"}}}]
)
def test_a_misspelt_restriction_is_no_restriction_left_out(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TrustedIssuer.model_validate(GOOD | given)
