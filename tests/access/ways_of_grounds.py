"""How what an involvement rests on ends over HTTP, and a view in an emergency; each can begin again."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from httpx import Response

from api.domain import emergencies
from api.domain.actor import Actor
from api.domain.codes import AgencyKind, LegalBasis
from api.domain.models import Professional
from tests.access.scene import Scene
from tests.access.stand import Stand, Way
from tests.access.ways import school
from tests.world import in_days


def made(answer: Response) -> str:
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def involve(stand: Stand, **terms: Any) -> UUID:
    scene, now = stand.scene, datetime.now(UTC)
    return stand.world.an_involvement(scene.family, scene.school, ["finances"], at=now, **terms).id


def say(stand: Stand, decision: str, **more: Any) -> str:
    """The mother says something about the school."""
    body = {"memberId": str(stand.scene.parent.id), "decision": decision, "agencyId": str(stand.scene.school.id)}
    return made(stand.change(stand.world.registrar, "POST", "/consents", body | more))


def consent(stand: Stand) -> str:
    said = say(stand, "given", endsOn=str(in_days(30)))
    involve(stand, legal_basis=LegalBasis.CONSENT, legal_basis_ends_on=in_days(20))
    return said


def withdraw_consent(stand: Stand, consent_id: str) -> Response:
    return stand.change(stand.world.registrar, "POST", f"/consents/{consent_id}/_withdraw")


def take_objection_back(stand: Stand) -> None:
    if objection := stand.kept.pop("objection", None):
        assert withdraw_consent(stand, objection).is_success
    involve(stand, legal_basis=LegalBasis.CONSENT, legal_basis_ends_on=in_days(20))


def object_to(stand: Stand, _: None) -> None:
    stand.kept["objection"] = say(stand, "objected")


def court_orders(stand: Stand) -> str:
    if "institution" not in stand.kept:
        stand.kept["institution"] = stand.world.an_agency(AgencyKind.CERTIFIED_INSTITUTION)
    body = {
        "memberId": str(stand.scene.teenager.id),
        "kind": "supervision_order",
        "agencyId": str(stand.kept["institution"].id),
        "endsOn": str(in_days(60)),
    }
    measure = made(stand.change(stand.world.registrar, "POST", "/measures", body))
    involve(stand, legal_basis=LegalBasis.MEASURE, measure_id=UUID(measure))
    return measure


def end_measure(stand: Stand, measure_id: str) -> Response:
    return stand.change(stand.world.registrar, "POST", f"/measures/{measure_id}/_end", {"reason": "lifted"})


def entitle(stand: Stand) -> UUID:
    code, agency = stand.world.municipality.code, crisis_worker(stand.scene).agency_id
    return UUID(str(stand.world.do(lambda work: emergencies.entitle(work, code, agency), stand.world.registrar).id))


def open_at_once(stand: Stand) -> str:
    body = {
        "municipalityCode": stand.world.municipality.code,
        "familyId": str(stand.scene.family.id),
        "reason": "missing_child",
    }
    answer = stand.ask(stand.ending, stand.who, "POST", "/emergency-accesses", body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["items"][0]["id"])


def break_glass(stand: Stand) -> str:
    if "entitlement" not in stand.kept:
        stand.kept["entitlement"] = entitle(stand)
    return open_at_once(stand)


def put_away(stand: Stand, access_id: str) -> Response:
    return stand.ask(stand.ending, stand.who, "POST", f"/emergency-accesses/{access_id}/_end")


def entitle_and_break_glass(stand: Stand) -> UUID:
    entitlement = entitle(stand)
    open_at_once(stand)
    return entitlement


def end_entitlement(stand: Stand, entitlement_id: UUID) -> Response:
    return stand.ask(stand.ending, stand.world.registrar, "POST", f"/entitlements/{entitlement_id}/_end")


WORKERS: dict[UUID, Professional] = {}


def crisis_worker(scene: Scene) -> Professional:
    """One for each scene, of an agency of their own."""
    if scene.family.id not in WORKERS:
        WORKERS[scene.family.id] = scene.world.a_professional(scene.world.an_agency(AgencyKind.SAFE_AT_HOME))
    return WORKERS[scene.family.id]


def who_breaks_glass(scene: Scene) -> Actor:
    return scene.world.actor(crisis_worker(scene))


WAYS_OF_GROUNDS: dict[str, Way] = {
    "the consent is withdrawn": Way(school, consent, withdraw_consent),
    "somebody objects": Way(school, take_objection_back, object_to),
    "the measure ends": Way(school, court_orders, end_measure),
    "the view in an emergency is ended": Way(who_breaks_glass, break_glass, put_away),
    "the entitlement ends": Way(who_breaks_glass, entitle_and_break_glass, end_entitlement),
}
