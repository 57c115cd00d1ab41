"""Three stories of privacy, over HTTP: a shelter nobody may know of, a consent that lapses, and who looked at me."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from api.domain.codes import AgencyKind, LegalBasis, MemberRole
from tests.access.sweep import routes_under_a_family
from tests.world import Caller, Team, World, ago, in_days


class Street:
    """A family with a lead, a school, debt help on consent, and a shelter that is shielded."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.team: Team = world.a_team(at=ago(days=30))
        family = self.team.family
        self.school, self.debt_help = world.an_agency(AgencyKind.SCHOOL), world.an_agency(AgencyKind.DEBT_HELP)
        self.shelter = world.an_agency(AgencyKind.WOMENS_SHELTER)
        self.shelter_worker = world.a_professional(self.shelter)
        world.an_involvement(family, self.school, ["child_development"], at=ago(days=20))
        self.debts = world.an_involvement(
            family,
            self.debt_help,
            ["finances"],
            legal_basis=LegalBasis.CONSENT,
            legal_basis_ends_on=in_days(30),
            at=ago(days=20),
        )
        self.hidden = world.an_involvement(
            family, self.shelter, ["housing"], professional=self.shelter_worker, shielded=True, at=ago(days=10)
        )
        self.mother, self.her = world.a_member(family, at=ago(days=29))
        self.father, self.him = world.a_member(family, at=ago(days=29))
        self.child, _ = world.a_member(family, MemberRole.CHILD, at=ago(days=29))

    @property
    def lead(self) -> Caller:
        return self.world.as_(self.world.actor(self.team.lead))

    @property
    def traces(self) -> list[str]:
        """Whatever would tell that the shelter is there."""
        return [
            str(self.shelter.id),
            self.shelter.name,
            str(self.hidden.id),
            self.shelter_worker.name,
            "womens_shelter",
        ]


@pytest.fixture
def street(world: World) -> Street:
    return Street(world)


def reads(app: FastAPI, street: Street, caller: Caller) -> Iterator[tuple[str, str]]:
    """The text of everything that can be read around the family, and of the caseload."""
    ids = {
        "memberId": street.mother.id,
        "involvementId": street.hidden.id,
        "mandateId": street.team.mandate.id,
        "helpDomain": "housing",
    }
    known = {"familyId": street.team.family.id} | ids
    for route in routes_under_a_family(app):
        path = route.path.removeprefix("/v1")
        wanted = [part.strip("{}") for part in path.split("/") if part.startswith("{")]
        if route.methods == {"GET"} and set(wanted) <= known.keys():
            yield path, caller.get(path.format(**known), params={"limit": 200} if "timeline" in path else None).text
    yield "/caseload", caller.get("/caseload", params={"limit": 200}).text


def test_a_shelters_shielded_involvement_is_the_shelters_the_leads_and_the_registrars(
    app: FastAPI, street: Street
) -> None:
    world = street.world
    unaware = {
        "school": world.as_(world.system(street.school)),
        "debt help": world.as_(world.system(street.debt_help)),
        "mother": world.as_(world.relative(street.her)),
        "father": world.as_(world.relative(street.him)),
        "privacy officer": world.as_(world.officer()),
    }
    for who, caller in unaware.items():
        read = dict(reads(app, street, caller))
        assert len(read) >= 10
        for path, answer in read.items():
            assert not [trace for trace in street.traces if trace in answer], (who, path)
    for path in ("/who-is-involved", "/timeline", "/involvements"):
        assert str(street.shelter.id) in street.lead.get(street.team.path + path).text, path


def test_it_is_in_no_count_and_leaves_no_gap(street: Street) -> None:
    school = street.world.as_(street.world.system(street.school))
    team = school.get(f"{street.team.path}/who-is-involved").json()
    assert len(team["involvements"]) == 3
    assert "housing" not in [row["helpDomain"] for row in team["helpDomains"]]
    asked = school.get(f"{street.team.path}/contact-points/housing").json()
    assert (asked["involved"], asked["gap"], asked["call"]["because"]) == (False, False, "nobody_involved")
    told = school.get(f"{street.team.path}/timeline", params={"limit": 200}).json()["items"]
    assert len([one for one in told if one["type"] == "involvement.started"]) == 3


def test_a_consent_that_lapses_overnight_ends_the_view(street: Street) -> None:
    """Nobody does anything: the instant passes. The night is made short."""
    family = street.team.family
    debt_help = street.world.as_(street.world.system(street.debt_help))
    said = {"decision": "given", "agencyId": str(street.debt_help.id), "endsOn": str(in_days(1))}
    mother = street.world.as_(street.world.relative(street.her))
    given = mother.post(f"{street.team.path}/consents", said | {"memberId": str(street.mother.id)})
    assert given.status_code == 201, given.text
    assert debt_help.get(f"{street.team.path}/who-is-involved").status_code == 200
    midnight = datetime.now(UTC) + timedelta(seconds=1)
    with street.world.session() as session:
        for table in ("consent", "involvement"):
            moved = text(f"UPDATE {table} SET ends_at = :at WHERE family_id = :family AND agency_id = :agency")
            session.execute(moved, {"at": midnight, "family": family.id, "agency": street.debt_help.id})
        session.commit()
    time.sleep(1.5)
    for path in ("", "/who-is-involved", "/involvements", "/timeline", "/contact-points"):
        assert debt_help.get(street.team.path + path).status_code == 404, path
    assert debt_help.get("/caseload").json()["items"] == []


def test_a_parent_sees_who_looked_at_her_own_data_and_not_at_her_partners(street: Street) -> None:
    world, path = street.world, street.team.path
    world.as_(world.system(street.school)).get(f"{path}/who-is-involved")
    world.as_(world.actor(street.shelter_worker)).get(f"{path}/who-is-involved")
    world.as_(world.registrar).get(f"/persons/{street.him.id}")
    hers = world.as_(world.relative(street.her)).get("/my-disclosures").json()["items"]
    his = world.as_(world.relative(street.him)).get("/my-disclosures").json()["items"]
    assert street.school.name in str(hers)
    assert street.school.name in str(his)
    assert not [trace for trace in street.traces if trace in str(hers) + str(his)]
    assert "person" in [one["fields"] for one in his]
    assert "person" not in [one["fields"] for one in hers]
