"""Whether a family or a person exists, asked by registering, consenting, measures, emergencies and access checks."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

from api.domain.codes import AgencyKind, MemberRole
from api.domain.models import Agency, Municipality
from tests.access.oracles import Attempt, elsewhere, oracle, outsider
from tests.access.scene import Scene
from tests.registering import register, work_through
from tests.world import Caller, World, a_bsn, in_days, today


@oracle("a registration of a person whom a family, or another agency, has")
def registrations(world: World, scene: Scene) -> Iterator[Attempt]:
    """Its answer is the same whoever else is there; of themselves, and of a relative."""
    agencies = [world.an_agency(AgencyKind.DEBT_HELP) for _ in range(2)]
    signalled = a_bsn()
    assert register(world, world.an_agency(AgencyKind.DEBT_HELP), signalled).status_code == 201
    shielded = a_bsn()
    world.a_member(world.a_family(), bsn=shielded, shielded=True)
    for known in (scene.bsn, signalled, shielded):
        yield Attempt(*(register(world, agencies[0], bsn) for bsn in (known, a_bsn())), exact=False)
        named = [[{"kinship": "child", "bsn": bsn}] for bsn in (known, a_bsn())]
        yield Attempt(*(register(world, agencies[1], a_bsn(), relatives=one) for one in named), exact=False)


@oracle("another agency's registration, by id")
def others_registrations(world: World, scene: Scene) -> Iterator[Attempt]:
    agency = world.an_agency(AgencyKind.DEBT_HELP)
    hidden = register(world, agency, a_bsn()).json()["id"]
    known = world.as_(world.system(agency)).get(f"/registrations/{hidden}")
    for caller in (outsider(scene), outsider(scene, "professional of an uninvolved agency")):
        for method, rest, body in (
            ("GET", "", None),
            ("PATCH", "", {"contactFrequency": "weekly"}),
            ("POST", "/_renew", None),
            ("POST", "/_consulted", None),
            ("POST", "/_end", {"reason": "completed"}),
        ):
            paths = [f"/registrations/{one}{rest}" for one in (hidden, uuid4())]
            yield Attempt(*(caller.call(method, path, json=body) for path in paths), known)
    registrar = elsewhere(world)
    for rest, body in (("/_confirm", {"personId": str(uuid4())}), ("/_reject", None)):
        yield Attempt(*(registrar.post(f"/registrations/{one}{rest}", body) for one in (hidden, uuid4())))


@oracle("a match of another municipality, by id, and a registration or person named in it")
def matches(world: World, scene: Scene) -> Iterator[Attempt]:
    insider, there, bsn = world.as_(world.registrar), elsewhere(world), a_bsn()
    hidden = [register(world, world.an_agency(AgencyKind.DEBT_HELP), bsn).json()["id"] for _ in range(2)]
    work_through(world)
    found = [one for one in _matches(insider) if hidden[0] in str(insider.get(f"/matches/{one}").json())]
    assert len(found) == 1, "Two agencies registered one person."
    opening: dict[str, Any] = {"name": "Wit", "framework": "voluntary"}
    for rest, body in (
        ("", None),
        ("/_share", None),
        ("/_dismiss", None),
        ("/_join", {"familyId": str(scene.family.id)}),
        ("/_open", opening | {"members": [{"registrationId": hidden[0], "role": "child"}]}),
        ("/_open", opening | {"members": [{"personId": str(scene.parent_person.id), "role": "child"}]}),
    ):
        method = "POST" if rest else "GET"
        answers = [there.call(method, f"/matches/{one}{rest}", json=body) for one in (found[0], uuid4())]
        yield Attempt(*answers, None if rest else insider.get(f"/matches/{found[0]}"))
    hers = register(world, world.an_agency(AgencyKind.SCHOOL), a_bsn()).json()["id"]
    named = [{"registrationId": str(one), "role": "child", "person": NAMES} for one in (hers, uuid4())]
    path = f"/matches/{found[0]}/_open"
    yield Attempt(*(insider.post(path, opening | {"members": [one]}) for one in named))
    families = (world.a_family(scene.elsewhere).id, uuid4())
    yield Attempt(*(insider.post(f"/matches/{found[0]}/_join", {"familyId": str(one)}) for one in families))


NAMES = {"givenName": "Jo", "surname": "Wit", "birthDate": "2015-01-02"}


def _matches(caller: Caller) -> Iterator[str]:
    cursor: str | None = ""
    while cursor is not None:
        page = caller.get("/matches", params={"limit": 200, "cursor": cursor}).json()
        yield from (one["id"] for one in page["items"])
        cursor = page["nextCursor"]


@oracle("a hidden member, named in a consent or a measure")
def members_named(world: World, scene: Scene) -> Iterator[Attempt]:
    there = world.a_municipality()
    own, registrar = world.a_family(there), world.as_(world.a_registrar(there))
    young, _ = world.a_member(own, MemberRole.CHILD, in_days(0).replace(year=today().year - 17, day=1))
    institution = world.an_agency(AgencyKind.CERTIFIED_INSTITUTION)
    consent = {"memberId": str(young.id), "decision": "given", "endsOn": str(in_days(9))}
    for one in ("memberId", "toMemberId", "givenByMemberId"):
        bodies = [consent | {one: str(who)} for who in (scene.parent.id, uuid4())]
        yield Attempt(*(registrar.post(f"/families/{own.id}/consents", body) for body in bodies))
    measures = [
        {"memberId": str(who), "kind": "supervision_order", "agencyId": str(institution.id)}
        for who in (scene.teenager.id, uuid4())
    ]
    yield Attempt(*(registrar.post(f"/families/{own.id}/measures", body) for body in measures))


@oracle("a measure, a consent or a hold of a hidden family")
def grounds_named(world: World, scene: Scene) -> Iterator[Attempt]:
    """As the basis of an involvement elsewhere, and below a family of one's own."""
    insider, there, family = world.as_(world.registrar), world.a_municipality(), world.a_family()
    child, _ = world.a_member(family, MemberRole.CHILD, in_days(0).replace(year=today().year - 9, day=1))
    parent, _ = world.a_member(family)
    institution = world.an_agency(AgencyKind.CERTIFIED_INSTITUTION)
    made = {
        "measures": {"memberId": str(child.id), "kind": "supervision_order", "agencyId": str(institution.id)},
        "consents": {"memberId": str(parent.id), "decision": "given", "endsOn": str(in_days(9))},
        "disclosure-holds": {"endsOn": str(in_days(9))},
    }
    own, registrar = world.a_family(there), world.as_(world.a_registrar(there))
    ids = {}
    for kind, body in made.items():
        answer = insider.post(f"/families/{family.id}/{kind}", body)
        assert answer.status_code == 201, answer.text
        ids[kind] = answer.json()["id"]
    for kind, rest, body in (
        ("measures", "", None),
        ("measures", "/_end", {"reason": "ended"}),
        ("consents", "", None),
        ("consents", "/_withdraw", None),
        ("disclosure-holds", "/_lift", None),
    ):
        method = "POST" if rest else "GET"
        paths = [f"/families/{own.id}/{kind}/{one}{rest}" for one in (ids[kind], uuid4())]
        yield Attempt(*(registrar.call(method, path, json=body) for path in paths))
    other = world.a_family()
    world.an_involvement(other, institution)
    terms = {"helpDomains": ["finances"], "legalBasis": "measure"}
    caller = world.as_(world.system(institution))
    bodies = [terms | {"measureId": str(one)} for one in (ids["measures"], uuid4())]
    yield Attempt(*(caller.post(f"/families/{other.id}/involvements", body) for body in bodies))


@oracle("an access check about a hidden family")
def access_checks(world: World, scene: Scene) -> Iterator[Attempt]:
    """For oneself and for somebody else, of whatever is asked."""
    insider = world.as_(world.registrar)
    somebody = {"role": "professional", "professionalId": str(scene.lead.id)}
    for who in scene.outsiders:
        caller = outsider(scene, who)
        for permission in ("family:read", "member:manage", "mandate:answer"):
            for more in ({}, {"actor": somebody}):
                bodies = [{"familyId": str(one), "permission": permission} | more for one in (scene.family.id, uuid4())]
                known = insider.post("/access-checks", bodies[0]) if permission == "family:read" else None
                yield Attempt(*(caller.post("/access-checks", body) for body in bodies), known)


@oracle("an emergency, opened by who is not entitled, or not there")
def emergencies(world: World, scene: Scene) -> Iterator[Attempt]:
    """By the family's id and by a BSN; entitled by nobody, and by another municipality only."""
    nobody, entitled = (_crisis_worker(world, one) for one in (None, scene.elsewhere))
    for caller, codes in (
        (nobody, (world.municipality.code,)),
        (entitled, (world.municipality.code, scene.elsewhere.code)),
        (outsider(scene), (world.municipality.code,)),
        (outsider(scene, "registrar elsewhere"), (scene.elsewhere.code,)),
    ):
        for code in codes:
            asked = {"municipalityCode": code, "reason": "missing_child"}
            for hidden, missing in (
                ({"familyId": str(scene.family.id)}, {"familyId": str(uuid4())}),
                ({"bsn": scene.bsn}, {"bsn": a_bsn()}),
            ):
                yield Attempt(*(caller.post("/emergency-accesses", asked | one) for one in (hidden, missing)))


def _crisis_worker(world: World, entitled_by: Municipality | None) -> Caller:
    agency: Agency = world.an_agency(AgencyKind.SAFE_AT_HOME)
    if entitled_by:
        registrar = world.as_(world.a_registrar(entitled_by))
        assert registrar.post("/entitlements", {"agencyId": str(agency.id)}).status_code == 201
    return world.as_(world.actor(world.a_professional(agency)))


@oracle("a shielded person, by BSN in an emergency")
def a_shielded_person(world: World, scene: Scene) -> Iterator[Attempt]:
    """A secret address stays secret from who looks for a person: only the family's id opens theirs."""
    bsn = a_bsn()
    world.a_member(world.a_family(), bsn=bsn, shielded=True)
    caller = _crisis_worker(world, world.municipality)
    asked = {"municipalityCode": world.municipality.code, "reason": "missing_child"}
    known = caller.post("/emergency-accesses", asked | {"bsn": scene.bsn})
    assert known.status_code == 201
    yield Attempt(*(caller.post("/emergency-accesses", asked | {"bsn": one}) for one in (bsn, a_bsn())), known)
