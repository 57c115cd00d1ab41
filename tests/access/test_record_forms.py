"""The privacy officer finds who saw whom, also in the forms that others read; whoever looks leaves a record too."""

from typing import Any

import pytest

from api.domain.actor import Role
from api.domain.models import AuditRecord, Person
from tests.access.test_disclosures import a_trace, traced
from tests.world import Team, World, a_bsn, in_days, refused


class Watched:
    """A family of two of whom one has a BSN, at which an agency's system has looked once."""

    def __init__(self, world: World) -> None:
        self.world, self.team, self.bsn = world, world.a_team(), a_bsn()
        _, self.person = world.a_member(self.team.family, bsn=self.bsn)
        _, self.other = world.a_member(self.team.family)
        self.trace, headers = a_trace()
        self.look(self.team, headers)

    def look(self, team: Team, headers: dict[str, str]) -> None:
        answer = self.world.as_(self.world.system(team.agency)).get(f"{team.path}/who-is-involved", headers=headers)
        assert answer.status_code == 200, answer.text

    def found(self, path: str = "/disclosures", **query: Any) -> list[dict[str, Any]]:
        answer = self.world.as_(self.world.officer()).get(path, params={"limit": 200} | query)
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items


@pytest.fixture
def watched(world: World) -> Watched:
    return Watched(world)


def test_the_officer_finds_who_saw_a_person(watched: Watched) -> None:
    [shown] = watched.found(personId=str(watched.person.id))
    assert (shown["shownPersonId"], shown["traceId"]) == (str(watched.person.id), watched.trace)
    assert (shown["purpose"], shown["activity"], shown["fields"]) == (
        "coordination_of_help",
        "family_coordination",
        "team",
    )


def test_a_person_is_found_by_bsn_in_a_body_and_only_in_the_own_municipality(watched: Watched) -> None:
    caller = watched.world.as_(watched.world.officer())
    answer = caller.post("/disclosures/_search", {"bsn": watched.bsn, "decision": "shown"})
    assert [one["traceId"] for one in answer.json()["items"]] == [watched.trace]
    assert watched.bsn not in answer.text
    elsewhere = watched.world.as_(watched.world.officer(watched.world.a_municipality()))
    assert elsewhere.post("/disclosures/_search", {"bsn": watched.bsn}).json()["items"] == []
    refused(caller.post("/disclosures/_search", {}), 400, "invalid")


def test_pages_of_a_search_by_bsn_follow_each_other(watched: Watched) -> None:
    for _ in range(3):
        watched.look(watched.team, {})
    caller, cursor, traces = watched.world.as_(watched.world.officer()), "", []
    body = {"bsn": watched.bsn, "role": "agency_system"}
    while cursor is not None:
        answer = caller.post("/disclosures/_search", body, params={"limit": 1, "cursor": cursor})
        assert answer.status_code == 200, answer.text
        traces += [one["traceId"] for one in answer.json()["items"]]
        cursor = answer.json()["nextCursor"]
    assert len(set(traces)) == 4
    assert traces[-1] == watched.trace


def test_every_filter_holds(watched: Watched) -> None:
    family = {"familyId": str(watched.team.family.id)}
    whole = watched.found(**family)
    for name, field, value in (
        ("decision", "decision", "shown"),
        ("decision", "decision", "changed"),
        ("role", "role", "registrar"),
        ("purpose", "purpose", "coordination_of_help"),
    ):
        found = watched.found(**family, **{name: value})
        some = [one for one in found if one["role"] != "privacy_officer"]  # looking adds to what there is
        assert some == [one for one in whole if one[field] == value]
        assert 0 < len(some) < len(whole), value


def test_a_period_is_of_whole_days(watched: Watched) -> None:
    person = {"personId": str(watched.other.id)}
    assert len(watched.found(**person, since=str(in_days(0)), until=str(in_days(0)))) == 1
    assert watched.found(**person, until=str(in_days(-1))) == []
    assert watched.found(**person, since=str(in_days(1))) == []


def test_a_look_into_the_record_is_recorded_for_each_person_it_shows(watched: Watched) -> None:
    trace, headers = a_trace()
    watched.world.as_(watched.world.officer()).get(
        "/disclosures", params={"familyId": str(watched.team.family.id), "decision": "shown"}, headers=headers
    )
    looks = traced(watched.world, trace)
    assert {look.shown_person_id for look in looks} == {watched.person.id, watched.other.id}
    assert {(look.action, look.role, look.family_id) for look in looks} == {
        ("disclosure:read", "privacy_officer", watched.team.family.id)
    }
    trace, headers = a_trace()
    nothing = {"agencyId": str(watched.team.family.id)}
    watched.world.as_(watched.world.officer()).get("/disclosures", params=nothing, headers=headers)
    assert [look.shown_person_id for look in traced(watched.world, trace)] == [None]


def test_the_processing_log_has_a_line_for_each_data_subject_and_no_user(watched: Watched) -> None:
    query = {"familyId": str(watched.team.family.id), "decision": "shown", "role": "agency_system"}
    lines = watched.found("/disclosures/processing-log", **query)
    assert len(lines) == 2
    assert {line["traceId"] for line in lines} == {watched.trace}
    assert len({line["spanId"] for line in lines}) == 2
    for line in lines:
        assert (len(line["traceId"]), len(line["spanId"]), line["statusCode"]) == (32, 16, "STATUS_CODE_UNSET")
        assert [one["key"] for one in line["attributes"]] == [
            "dpl.core.processing_activity_id",
            "dpl.core.data_subject_id",
            "dpl.core.data_subject_id_type",
        ]
        for secret in (watched.team.agency.id, f"system-{watched.team.agency.id}", watched.person.id, watched.bsn):
            assert str(secret) not in str(line)
    pseudonyms = {line["attributes"][1]["value"] for line in lines}
    assert len(pseudonyms) == 2


def test_a_pseudonym_is_the_same_every_time_and_in_both_forms(watched: Watched) -> None:
    watched.look(watched.team, {})
    query = {"personId": str(watched.person.id), "role": "agency_system"}
    in_one = {line["attributes"][1]["value"] for line in watched.found("/disclosures/processing-log", **query)}
    in_other = {
        line["participants"][0]["participantObjectId"] for line in watched.found("/disclosures/access-log", **query)
    }
    assert len(in_one) == 1
    assert in_one == in_other


def test_the_access_log_says_who_for_whom_about_whom_on_what_authority_and_with_what_outcome(
    world: World, watched: Watched
) -> None:
    stranger = world.an_agency()
    assert world.as_(world.system(stranger)).get(watched.team.path).status_code == 404
    family = {"familyId": str(watched.team.family.id)}
    [shown, *_] = watched.found("/disclosures/access-log", **family, role="agency_system", decision="shown")
    who, on_behalf = shown["users"]
    assert (who["userId"], who["userIsRequestor"], who["roleIdCode"], who["purposeOfUse"]) == (
        f"system-{watched.team.agency.id}",
        True,
        "agency_system",
        "coordination_of_help",
    )
    assert (on_behalf["userId"], on_behalf["userIsRequestor"]) == (str(watched.team.agency.id), False)
    assert (shown["eventActionCode"], shown["eventOutcomeIndicator"]) == ("R", "0")
    assert (shown["authorisationProtocol"], shown["consentProfile"]) == ("involved_agency", "statutory_task")
    assert shown["participants"][0]["participantObjectDetail"] == "team"
    [refusal] = watched.found("/disclosures/access-log", **family, decision="refused")
    assert (refusal["eventOutcomeIndicator"], refusal["participants"]) == ("8", [])


@pytest.mark.parametrize("path", ["/disclosures/processing-log", "/disclosures/access-log"])
def test_every_form_comes_in_pages_and_for_the_officer_alone(world: World, watched: Watched, path: str) -> None:
    query = {"familyId": str(watched.team.family.id), "decision": "changed"}
    whole = watched.found(path, **query)
    caller, cursor, lines = world.as_(world.officer()), "", []
    while cursor is not None:
        page = caller.get(path, params=query | {"limit": 3, "cursor": cursor}).json()
        lines, cursor = lines + page["items"], page["nextCursor"]
    assert lines == whole
    assert len(whole) > 3
    for actor in (world.registrar, world.actor(watched.team.lead), world.relative(watched.person)):
        refused(world.as_(actor).get(path), 403, "role_lacking")


def test_who_acts_through_a_system_is_told_apart_from_it(world: World, person: Person, watched: Watched) -> None:
    with world.session() as session:
        about = {"municipality_code": world.municipality.code, "shown_person_id": person.id}
        actor = world.actor(watched.team.lead)
        row = AuditRecord.of(actor, "team:read", "shown", watched.team.family.opened_at, **about)
        row.via, row.issuer = "client-7", "https://id.example"
        session.add(row)
        session.commit()
    [line] = watched.found("/disclosures/access-log", personId=str(person.id))
    assert [(user["roleIdCode"], user["userIsRequestor"]) for user in line["users"]] == [
        (str(Role.PROFESSIONAL), True),
        ("responsible_organisation", False),
        ("acting_system", False),
    ]
    assert line["users"][0]["alternateUserId"] == "https://id.example"


@pytest.fixture
def person(world: World) -> Person:
    return world.a_member(world.a_family())[1]
