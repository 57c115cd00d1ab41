"""Care systems' own clients read it as they read any FHIR server: fhirpy, both ways, and fhirclient."""

import asyncio
from typing import Any

import pytest
from fhirclient.models.bundle import Bundle
from fhirclient.models.capabilitystatement import CapabilityStatement
from fhirclient.models.careteam import CareTeam
from fhirclient.models.episodeofcare import EpisodeOfCare
from fhirclient.models.patient import Patient
from fhirclient.server import FHIRNotFoundException, FHIRServer
from fhirpy import AsyncFHIRClient, SyncFHIRClient
from fhirpy.base.exceptions import OperationOutcome, ResourceNotFound

from api.fhir.codings import BSN
from tests.fhir.conftest import Live

# fhirpy


def test_fhirpy_reads_the_care_team_of_a_member(live: Live) -> None:
    client = SyncFHIRClient(live.url, authorization=live.authorization)
    team = client.reference("CareTeam", live.team_id).to_resource()
    leads = [one for one in team["participant"] if "768821004" in str(one["role"])]
    assert leads[0]["member"].id == str(live.scene.lead.id)
    found = client.resources("CareTeam").search(patient=f"Patient/{live.team_id}").first()
    assert found is not None
    assert found.id == team.id
    role = team["participant"][0]["member"].to_resource()
    assert role["practitioner"].to_resource()["name"][0]["text"] == live.scene.lead.name
    assert found["subject"].to_resource()["name"][0]["family"] == "Voorbeeld"


def test_fhirpy_pages_to_the_end(live: Live) -> None:
    client = SyncFHIRClient(live.url, authorization=live.authorization)
    for kind in ("CareTeam", "EpisodeOfCare", "RelatedPerson"):
        whole = client.resources(kind).fetch_all()
        in_pages = client.resources(kind).limit(2).fetch_all()
        assert [one.id for one in whole] == [one.id for one in in_pages]
        assert len(whole) > 2


def test_fhirpy_includes_and_is_told_what_is_wrong(live: Live) -> None:
    client = SyncFHIRClient(live.url, authorization=live.authorization)
    bundle = client.resources("CareTeam").search(_id=live.team_id).include("CareTeam", "participant").fetch_raw()
    kinds = {entry["resource"]["resourceType"] for entry in bundle["entry"]}
    assert kinds == {"CareTeam", "PractitionerRole"}
    with pytest.raises(ResourceNotFound):
        client.reference("CareTeam", "nobody").to_resource()
    with pytest.raises(OperationOutcome, match="unknown_parameter"):
        client.resources("CareTeam").search(nothing="x").fetch()


def test_fhirpy_reads_asynchronously(live: Live) -> None:
    async def read() -> Any:
        client = AsyncFHIRClient(live.url, authorization=live.authorization)
        teams = await client.resources("CareTeam").limit(1).fetch_all()
        patient = await teams[0]["subject"].to_resource()
        raw = await client.execute("metadata", method="get")
        episodes = [one async for one in client.resources("EpisodeOfCare").search(status="planned")]
        return teams, patient, raw, episodes

    teams, patient, raw, episodes = asyncio.run(read())
    assert len(teams) == 3
    assert patient["name"][0]["family"] == "Voorbeeld"
    assert raw["resourceType"] == "CapabilityStatement"
    assert {one["status"] for one in episodes} == {"planned"}


# fhirclient


@pytest.fixture
def fhir_server(live: Live) -> FHIRServer:
    server = FHIRServer(None, base_uri=live.url)
    server.session.headers["Authorization"] = live.authorization
    return server


def test_fhirclient_reads_and_searches(live: Live, fhir_server: FHIRServer) -> None:
    team = CareTeam.read(live.team_id, fhir_server)
    assert team.status == "active"
    assert team.participant[0].role[0].coding[0].code == "768821004"
    assert team.participant[0].period.start.date.year >= 2026
    teams = CareTeam.where(struct={"patient": f"Patient/{live.team_id}"}).perform_resources_iter(fhir_server)
    assert [one.id for one in teams] == [live.team_id]
    episodes = EpisodeOfCare.where(struct={"status": "active", "_count": "2"}).perform_resources_iter(fhir_server)
    assert {one.status for one in episodes} == {"active"}
    assert Patient.read(live.team_id, fhir_server).name[0].family == "Voorbeeld"
    assert team.as_json()["resourceType"] == "CareTeam"


def test_fhirclient_reads_what_the_service_can_do(fhir_server: FHIRServer) -> None:
    statement = CapabilityStatement.read_from("metadata", fhir_server)
    assert statement.fhirVersion == "4.0.1"
    assert fhir_server.capabilityStatement.rest[0].mode == "server"


def test_fhirclient_searches_by_bsn_in_a_form(live: Live, fhir_server: FHIRServer) -> None:
    form = {"patient.identifier": f"{BSN}|{live.scene.bsn}"}
    answer = fhir_server.session.post(f"{live.url}/CareTeam/_search", data=form)
    bundle = Bundle(answer.json())
    assert [one.resource.id for one in bundle.entry] == [live.team_id]
    with pytest.raises(FHIRNotFoundException):
        CareTeam.read("nobody", fhir_server)
