"""What is explained is what holds: who is listed can read, and what a check allows is what the route does."""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from sqlmodel import select

from api.auth.policy import RULES, Permission, Relation
from api.domain import calendar, emergencies
from api.domain.actor import Actor, Role
from api.domain.codes import AgencyKind, EmergencyReason, LegalBasis
from api.domain.models import AuditRecord, Professional
from tests.access.scene import Scene
from tests.access.sweep import UNDER, as_answered, routes_under_a_family
from tests.access.test_policy import HARMLESS, MISSING, _permission_of
from tests.wire.operations import OPERATIONS, a_body
from tests.world import World, ago, in_days, refused

FOR_FAMILIES = [one for one in Permission if RULES[one].of_relations]
REFUSALS = {"relation_lacking", "power_lacking", "family_not_found"}


class Explained:
    """A scene with everybody in it put in a row, and a crisis worker who has opened the family."""

    def __init__(self, world: World) -> None:
        self.world, self.scene = world, Scene(world)
        scene = self.scene
        self.crisis = world.an_agency(AgencyKind.CRISIS_SERVICE)
        self.worker = world.a_professional(self.crisis)
        code = world.municipality.code
        world.do(lambda work: emergencies.entitle(work, code, self.crisis.id), world.registrar, ago(minutes=1))
        reason = EmergencyReason.ACUTE_UNSAFETY
        opened = {"municipalityCode": code, "familyId": str(scene.family.id), "reason": reason.value}
        assert world.as_(world.actor(self.worker)).post("/emergency-accesses", opened).status_code == 201
        staff = ("lead", "deputy", "candidate", "contact", "bystander", "named", "absent", "cover", "unnamed")
        staff += ("shielded_worker", "asked", "teacher")
        agencies = ("youth_care", "debt_help", "shelter", "invited", "school")
        persons = ("parent_person", "teenager_person", "small_child_person")
        self.everybody: dict[str, Actor] = (
            {name: world.actor(getattr(scene, name)) for name in staff}
            | {f"system of {name}": world.system(getattr(scene, name)) for name in agencies}
            | {name: world.relative(getattr(scene, name)) for name in persons}
            | {"registrar": world.registrar, "officer": world.officer(), "crisis worker": world.actor(self.worker)}
            | {"crisis colleague": world.actor(world.a_professional(self.crisis))}
            | scene.outsiders
        )

    def access(self, who: str = "registrar") -> list[dict[str, Any]]:
        answer = self.world.as_(self.everybody[who]).get(f"{self.scene.path}/access")
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    def entry(self, who: str, asked_by: str = "registrar") -> dict[str, Any] | None:
        found = [one for one in self.access(asked_by) if self.is_of(one, self.everybody[who])]
        assert len(found) <= 1
        return found[0] if found else None

    @staticmethod
    def is_of(entry: dict[str, Any], actor: Actor) -> bool:
        named = (actor.role, actor.municipality_code, actor.agency_id, actor.professional_id, actor.person_id)
        wire = tuple(None if one is None else str(one) for one in named)
        return wire == tuple(
            entry[name] for name in ("role", "municipalityCode", "agencyId", "professionalId", "personId")
        )

    def check(self, who: str, permission: str, family_id: Any = None, **more: Any) -> Any:
        body = {"familyId": str(family_id or self.scene.family.id), "permission": permission} | more
        return self.world.as_(self.everybody[who]).post("/access-checks", body)


@pytest.fixture(scope="module")
def explained(world: World) -> Explained:
    return Explained(world)


EVERYBODY = (
    *("lead", "deputy", "candidate", "contact", "bystander", "named", "absent", "cover", "unnamed"),
    *("shielded_worker", "asked", "teacher"),
    *(f"system of {name}" for name in ("youth_care", "debt_help", "shelter", "invited", "school")),
    *("parent_person", "teenager_person", "small_child_person"),
    *("registrar", "officer", "crisis worker", "crisis colleague"),
    *("uninvolved agency's system", "professional of an uninvolved agency", "colleague who isn't named"),
    *("lead's colleague without a role", "professional of the invited agency who isn't asked", "registrar elsewhere"),
    *("analyst", "platform administrator", "privacy officer elsewhere", "member of another family", "small child"),
    "someone who borrows a professional's id",
)


def test_everybody_is_everybody_in_the_scene(explained: Explained) -> None:
    assert set(EVERYBODY) == set(explained.everybody)


def _route_of(app: FastAPI, permission: Permission) -> tuple[str, str]:
    """A route that takes this permission: one that reads if there is any, otherwise one that changes the least."""
    order = {"GET": 0, "PATCH": 1, "DELETE": 2, "PUT": 3, "POST": 4}

    def rank(route: APIRoute) -> tuple[int, int]:
        return order[next(iter(route.methods))], -route.path.count("{")

    found = sorted((one for one in routes_under_a_family(app) if _permission_of(one) is permission), key=rank)
    return next(iter(found[0].methods)), found[0].path


def _least(method: str, path: str) -> Any:
    [operation] = [one for one in OPERATIONS if (one.method, one.path) == (method, path)]
    if method == "PATCH":
        return {}
    return a_body(operation) if operation.body else None


def _outcome(explained: Explained, app: FastAPI, actor: Actor, permission: Permission) -> str | None:
    """The code with which the real route refuses this actor; none if the policy lets them through."""
    scene, (method, path) = explained.scene, _route_of(app, permission)
    inside = scene.inside(scene.family.id) | ({} if method == "GET" else MISSING)
    body = HARMLESS.get(f"{method} {path.removeprefix(UNDER)}", scene.body_for(method, path))
    body = _least(method, path) if body is None else body
    url = re.sub(r"\{(\w+)\}", lambda name: inside.get(name[1], str(uuid4())), path.removeprefix("/v1"))
    answer = scene.world.as_(actor).call(method, url, json=body)
    code = answer.json().get("code") if answer.content else None
    if code not in REFUSALS:
        assert answer.status_code != 403, (permission, answer.text)
        return None
    assert answer.status_code == (404 if code == "family_not_found" else 403)
    return str(code)


@pytest.mark.parametrize("who", EVERYBODY)
def test_a_check_and_the_list_say_what_the_routes_do(explained: Explained, app: FastAPI, who: str) -> None:
    actor = explained.everybody[who]
    entry = explained.entry(who)
    asked = FOR_FAMILIES if entry else FOR_FAMILIES[::6]
    outcomes = {one: _outcome(explained, app, actor, one) for one in asked}
    for permission, code in outcomes.items():
        answer = explained.check(who, permission)
        assert answer.status_code == 200, answer.text
        said = answer.json()
        assert (said["allowed"], said["code"]) == (code is None, code), (permission, answer.text)
        assert (said["relation"] is not None) is said["allowed"]
    related = any(code != "family_not_found" for code in outcomes.values())
    assert (entry is not None) is related
    if entry:
        assert set(entry["permissions"]) == {one for one, code in outcomes.items() if code is None}


def test_the_list_names_nobody_else(explained: Explained) -> None:
    for entry in explained.access():
        assert any(explained.is_of(entry, actor) for actor in explained.everybody.values()), entry
    assert len(explained.access()) >= 17


@pytest.mark.parametrize("who", ["registrar", "lead", "officer"])
def test_registrar_lead_and_privacy_officer_are_explained_the_access(explained: Explained, who: str) -> None:
    assert explained.access(who)


def test_nobody_else_is_explained_the_access(explained: Explained) -> None:
    for who, actor in explained.everybody.items():
        if who not in {"registrar", "lead", "officer"}:
            answer = explained.world.as_(actor).get(f"{explained.scene.path}/access")
            if explained.entry(who):
                refused(answer, 403, "relation_lacking")
            else:
                refused(answer, 404, "family_not_found")


def test_what_rests_on_a_shielded_involvement_is_left_out_for_the_privacy_officer(explained: Explained) -> None:
    shelter = explained.scene.shelter
    for who in ("registrar", "lead"):
        assert str(shelter.id) in str(explained.access(who))
    shown = explained.access("officer")
    traces = (shelter.id, shelter.name, explained.scene.shielded_worker.id, explained.scene.shielded_worker.name)
    assert not [one for one in traces if str(one) in str(shown)]
    assert len(shown) == len(explained.access()) - 2


def test_an_agency_that_is_also_openly_involved_is_shown_by_that_alone(world: World) -> None:
    scene = Scene(world)
    world.an_involvement(
        scene.family, scene.shelter, ["housing"], legal_basis=LegalBasis.CONSENT, legal_basis_ends_on=in_days(3)
    )
    until = calendar.end_of(in_days(3))
    ends = {"registrar": None, "officer": until}
    for who, end in ends.items():
        items = world.as_(scene.related[who]).get(f"{scene.path}/access").json()["items"]
        [entry] = [one for one in items if one["agencyId"] == str(scene.shelter.id) and not one["professionalId"]]
        assert len(entry["grounds"]) == (2 if who == "registrar" else 1)
        assert _instant(entry["until"]) == end


def test_a_shielded_member_is_left_out_for_the_privacy_officer(world: World) -> None:
    from tests.test_emergencies import shield

    scene = Scene(world)
    shield(world, scene.parent_person)
    for who, sees in (("registrar", True), ("lead", True), ("officer", False)):
        text = world.as_(scene.related[who]).get(f"{scene.path}/access").text
        assert (str(scene.parent_person.id) in text) is sees, who


# By what, on which basis, until when


def _instant(moment: str | None) -> datetime | None:
    return datetime.fromisoformat(moment) if moment else None


def test_the_list_says_by_what_until_when(explained: Explained) -> None:
    scene = explained.scene
    ends = {
        "registrar": (Relation.REGISTRAR, "statutory_task", None),
        "officer": (Relation.PRIVACY_OFFICER, "statutory_task", None),
        "deputy": (Relation.DEPUTY, "consent", scene.deputy_row.ends_at),
        "candidate": (Relation.PROPOSED_LEAD, "consent", scene.proposal.ends_at),
        "cover": (Relation.INVOLVED_AGENCY, "statutory_task", calendar.end_of(in_days(5))),
        "system of debt_help": (Relation.INVOLVED_AGENCY, "statutory_task", None),
        "system of invited": (Relation.INVITED_AGENCY, None, None),
        "parent_person": (Relation.MEMBER, "own_data", None),
        "contact": (Relation.CONTACT_POINT, None, None),
    }
    for who, (relation, basis, until) in ends.items():
        entry = explained.entry(who)
        assert entry
        [ground] = [one for one in entry["grounds"] if one["relation"] == relation][:1]
        assert (ground["legalBasis"], _instant(ground["until"])) == (basis, until), who
        assert _instant(entry["until"]) == until, who
    crisis = explained.entry("crisis worker")
    assert crisis
    assert (crisis["grounds"][0]["relation"], crisis["grounds"][0]["legalBasis"]) == (
        "emergency_access",
        "vital_interest",
    )
    opened = explained.world.as_(explained.everybody["crisis worker"]).get("/emergency-accesses").json()["items"]
    assert crisis["until"] == opened[0]["endsAt"]


def test_a_role_lasts_as_long_as_the_involvement_it_rests_on(world: World) -> None:
    """A mandate for half a year ends with the consent of its agency's involvement, if that is all there is."""
    agency = world.an_agency()
    lead, colleague = world.a_professional(agency), world.a_professional(agency)
    family = world.a_family()
    terms = {"legal_basis": LegalBasis.CONSENT, "legal_basis_ends_on": in_days(10)}
    world.an_involvement(family, agency, professional=lead, **terms)
    world.a_mandate(family, lead)
    world.a_contact_point(family, colleague)
    items = world.as_(world.registrar).get(f"/families/{family.id}/access").json()["items"]
    untils = {one["professionalId"]: _instant(one["until"]) for one in items if one["professionalId"]}
    assert untils == {str(one.id): calendar.end_of(in_days(10)) for one in (lead, colleague)}


def test_the_fields_are_those_of_the_policy(explained: Explained) -> None:
    for who, fields in (
        ("registrar", {"shielded", "birth_date", "strategy"}),
        ("deputy", {"birth_date", "strategy"}),
        ("crisis worker", set()),
        ("officer", set()),
    ):
        entry = explained.entry(who)
        assert entry
        assert set(entry["fields"]) & {"shielded", "birth_date", "strategy"} == fields, who


# Checks


@pytest.mark.parametrize("who", EVERYBODY)
def test_who_has_no_relation_gets_the_same_for_a_hidden_family_and_for_none(explained: Explained, who: str) -> None:
    if explained.entry(who):
        return
    actor = {"role": "professional", "professionalId": str(explained.scene.lead.id)}
    for more in ({}, {"actor": actor}):
        for permission in (Permission.FAMILY_READ, Permission.MEMBER_MANAGE, Permission.FAMILY_OPEN):
            hidden = as_answered(explained.check(who, permission, **more))
            missing = as_answered(explained.check(who, permission, uuid4(), **more))
            assert hidden == missing
            if permission is not Permission.FAMILY_OPEN:
                nothing = {"relation": None, "legalBasis": None, "until": None}
                assert hidden[2] == {"allowed": False, "code": "family_not_found"} | nothing


def _wire(actor: Actor) -> dict[str, str]:
    named = {"agencyId": actor.agency_id, "professionalId": actor.professional_id, "personId": actor.person_id}
    return {"role": actor.role} | {name: str(one) for name, one in named.items() if one}


@pytest.mark.parametrize("permission", [Permission.FAMILY_READ, Permission.INVOLVEMENT_INVITE])
def test_registrar_and_lead_may_ask_about_anybody_and_hear_what_that_one_would(
    explained: Explained, permission: Permission
) -> None:
    for name, actor in explained.everybody.items():
        if name in {"registrar elsewhere", "privacy officer elsewhere"}:
            continue
        for who in ("registrar", "lead"):
            said = explained.check(who, permission, actor=_wire(actor)).json()
            assert said == explained.check(name, permission).json(), (who, name)


def test_the_privacy_officer_hears_nothing_of_what_is_shielded(explained: Explained) -> None:
    for name in ("system of shelter", "shielded_worker"):
        asked = _wire(explained.everybody[name])
        assert explained.check("lead", "team:read", actor=asked).json()["allowed"] is True
        said = explained.check("officer", "team:read", actor=asked).json()
        stranger = _wire(explained.everybody["system of school"])
        assert said == explained.check("officer", "team:read", actor=stranger).json()
        assert said["code"] == "family_not_found"


def test_a_professionals_agency_need_not_be_named(explained: Explained) -> None:
    actor = {"role": "professional", "professionalId": str(explained.scene.lead.id)}
    assert explained.check("registrar", "family:read", actor=actor).json()["allowed"] is True


def test_who_may_not_be_explained_the_access_may_not_ask_about_others(explained: Explained) -> None:
    actor = _wire(explained.everybody["lead"])
    for who in ("deputy", "contact", "system of debt_help", "parent_person", "crisis worker", "system of invited"):
        refused(explained.check(who, "family:read", actor=actor), 403, "relation_lacking")


def test_what_a_role_allows_has_nothing_to_do_with_the_family(explained: Explained) -> None:
    assert explained.check("registrar", "family:open").json()["allowed"] is True
    said = explained.check("system of debt_help", "family:open").json()
    assert (said["allowed"], said["code"]) == (False, "role_lacking")


def test_a_power_that_is_lacking_has_its_own_code(world: World) -> None:
    team = world.a_team(powers=[])
    body = {"familyId": str(team.family.id), "permission": "involvement:invite"}
    assert world.as_(world.actor(team.lead)).post("/access-checks", body).json()["code"] == "power_lacking"


@pytest.mark.parametrize(
    "actor",
    [{"role": "professional"}, {"role": "agency_system"}, {"role": "family_member"}, {"role": "clock"}, {"role": "x"}],
)
def test_who_is_asked_about_is_somebody(explained: Explained, actor: dict[str, str]) -> None:
    refused(explained.check("registrar", "family:read", actor=actor), 400, "invalid")


def test_a_permission_that_there_is_not_is_refused(explained: Explained) -> None:
    refused(explained.check("registrar", "family:burn"), 400, "invalid")


# On record


def _latest(world: World, actor: Actor) -> Iterator[AuditRecord]:
    with world.session() as session:
        mine = select(AuditRecord).where(AuditRecord.subject == actor.subject, AuditRecord.action == "access:check")
        yield from session.exec(mine.order_by(AuditRecord.id))


def test_every_check_is_on_record(world: World) -> None:
    team = world.a_team()
    _, person = world.a_member(team.family)
    stranger: Professional = world.a_professional(world.an_agency())
    missing = uuid4()
    body = {"familyId": str(team.family.id), "permission": "family:read"}
    world.as_(world.actor(team.lead)).post("/access-checks", body)
    [shown] = _latest(world, world.actor(team.lead))
    assert (shown.decision, shown.family_id, shown.shown_person_id) == ("shown", team.family.id, person.id)
    assert shown.municipality_code == world.municipality.code
    for family_id in (team.family.id, missing):
        world.as_(world.actor(stranger)).post("/access-checks", body | {"familyId": str(family_id)})
    records = list(_latest(world, world.actor(stranger)))
    assert [(one.decision, one.family_id, one.municipality_code, one.relation) for one in records] == [
        ("refused", team.family.id, None, None),
        ("refused", missing, None, None),
    ]


def test_to_be_explained_the_access_is_a_disclosure(world: World) -> None:
    team = world.a_team()
    officer = world.as_(world.officer())
    assert officer.get(f"{team.path}/access").status_code == 200
    [record] = [one for one in world.records(team.family) if one.action == "access:explain"]
    assert (record.decision, record.role, record.relation) == ("shown", "privacy_officer", "privacy_officer")
    assert UUID(str(record.family_id)) == team.family.id


def test_a_member_or_agency_that_left_is_listed_no_more(world: World) -> None:
    from tests.access.endings import ENDINGS

    for ending in ("member left", "last involvement ended, for the system", "absence over, for the cover"):
        who, end = ENDINGS[ending]
        scene = Scene(world, shield=False)
        actor = scene.related[who]
        listed = []
        for _ in range(2):
            items = world.as_(scene.related["registrar"]).get(f"{scene.path}/access").json()["items"]
            listed.append(any(Explained.is_of(one, actor) for one in items))
            if not listed[1:]:
                end(scene)
        assert listed == [True, False], ending


def test_a_check_by_role_leaves_a_record_without_a_family(world: World) -> None:
    analyst = Actor(Role.ANALYST, subject=f"analyst-{uuid4()}", municipality_code=world.municipality.code)
    world.as_(analyst).post("/access-checks", {"familyId": str(uuid4()), "permission": "directory:read"})
    [record] = _latest(world, analyst)
    assert (record.decision, record.family_id) == ("shown", None)
