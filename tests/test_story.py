"""The story Spil exists for, from the opening of a family to the question who was involved last month."""

from api.domain.codes import AgencyKind, Power
from tests.world import World, a_bsn, in_days, today


def test_the_story_of_a_family(world: World) -> None:
    youth_care = world.an_agency(AgencyKind.YOUTH_CARE, ["parenting"])
    debt_help = world.an_agency(AgencyKind.DEBT_HELP, ["finances"])
    school = world.an_agency(AgencyKind.SCHOOL, ["child_development"])
    anna, bram, dewi = (
        world.a_professional(youth_care),
        world.a_professional(youth_care),
        world.a_professional(debt_help),
    )
    registrar, school_system = world.as_(world.registrar), world.as_(world.system(school))
    youth_system, debt_system = world.as_(world.system(youth_care)), world.as_(world.system(debt_help))
    lead, successor = world.as_(world.actor(anna)), world.as_(world.actor(bram))

    opened = registrar.post(
        "/families",
        {
            "name": "De Vries",
            "framework": "voluntary",
            "strategy": "put_in_order",
            "members": [
                {
                    "person": {"givenName": "Noor", "surname": "de Vries", "birthDate": "1986-05-02", "bsn": a_bsn()},
                    "role": "parent",
                    "parentalAuthority": True,
                },
                {"person": {"givenName": "Finn", "surname": "de Vries", "birthDate": "2014-01-09"}, "role": "child"},
                {"person": {"givenName": "Saar", "surname": "de Vries", "birthDate": "2017-11-30"}, "role": "child"},
            ],
        },
    )
    assert opened.status_code == 201, opened.text
    family = opened.headers["Location"].removeprefix("/v1")
    assert registrar.get(family).json() == opened.json()

    for agency, system, domain, professional in (
        (youth_care, youth_system, "parenting", anna),
        (debt_help, debt_system, "finances", dewi),
    ):
        assert system.get(f"{family}/who-is-involved").status_code == 404
        invited = registrar.post(
            f"{family}/involvements/_invite", {"agencyId": str(agency.id), "helpDomains": [domain]}
        )
        assert invited.status_code == 201, invited.text
        [item] = system.get("/caseload").json()["items"]
        assert item["attention"][0]["kind"] == "invitation_open"
        accepted = system.post(
            f"{family}/involvements/{item['attention'][0]['about']}/_accept",
            {"legalBasis": "statutory_task", "professionalId": str(professional.id), "contactFrequency": "weekly"},
        )
        assert accepted.status_code == 200, accepted.text
        assert accepted.json()["state"] == "running"

    proposed = registrar.post(
        f"{family}/mandates",
        {
            "professionalId": str(anna.id),
            "powers": [Power.ASSIGN_CONTACT_POINTS, Power.INVITE_AGENCIES],
            "legalBasis": "consent",
            "endsOn": str(in_days(180)),
        },
    )
    assert proposed.status_code == 201, proposed.text
    mandate = proposed.headers["Location"].removeprefix("/v1")
    assert lead.post(f"{mandate}/_accept").json()["state"] == "active"

    for domain, professional in (("finances", dewi), ("parenting", anna)):
        assigned = lead.put(f"{family}/contact-points/{domain}", {"professionalId": str(professional.id)})
        assert assigned.status_code == 200, assigned.text

    team = debt_system.get(f"{family}/who-is-involved").json()
    assert team["leadCoordinator"]["professional"]["id"] == str(anna.id)
    assert {one["agency"]["id"] for one in team["involvements"]} == {str(youth_care.id), str(debt_help.id)}
    assert [row["gap"] for row in team["helpDomains"]] == [False, False]
    assert [one["givenName"] for one in team["members"]] == ["Noor", "Finn", "Saar"]
    answer = debt_system.get(f"{family}/contact-points/parenting").json()["call"]
    assert (answer["professional"]["id"], answer["because"]) == (str(anna.id), "is_contact_point")

    hidden = school_system.get(f"{family}/who-is-involved")
    missing = school_system.get("/families/00000000-0000-4000-8000-000000000000/who-is-involved")
    assert hidden.status_code == missing.status_code == 404
    assert {**hidden.json(), "instance": ""} == {**missing.json(), "instance": ""}

    [own] = debt_system.get(f"{family}/involvements", params={"state": "running"}).json()["items"][1:]
    ended = debt_system.post(f"{family}/involvements/{own['id']}/_end", {"reason": "completed"})
    assert ended.json()["state"] == "ended"
    assert debt_system.get(f"{family}/who-is-involved").status_code == 404

    finances = lead.get(f"{family}/contact-points/finances").json()
    assert finances["gap"] is True
    assert finances["call"]["capacity"] == "lead_coordinator"
    assert finances["call"]["professional"]["id"] == str(anna.id)

    transfer = lead.post(f"{mandate}/_transfer", {"professionalId": str(bram.id)})
    assert transfer.status_code == 201, transfer.text
    assert registrar.get(mandate).json()["state"] == "active"
    started = successor.post(f"{transfer.headers['Location'].removeprefix('/v1')}/_accept").json()
    assert started["startedAt"] == registrar.get(mandate).json()["endsAt"]
    assert registrar.get(f"{family}/who-is-involved").json()["leadCoordinator"]["professional"]["id"] == str(bram.id)

    told = [item["type"] for item in registrar.get(f"{family}/timeline").json()["items"]]
    assert told[0] == "mandate.granted"
    assert {"family.opened", "member.joined", "involvement.ended", "contact_point.gap_opened"} <= set(told)

    officer = world.as_(world.officer())
    looked = officer.get("/disclosures", params={"familyId": opened.json()["id"], "limit": 200}).json()["items"]
    who = {(record["agencyId"], record["decision"]) for record in looked}
    assert (str(debt_help.id), "shown") in who
    assert officer.get(f"{family}/who-is-involved").status_code == 403
    assert registrar.get(f"{family}/who-is-involved", params={"on": str(today())}).status_code == 200
