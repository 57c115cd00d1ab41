"""Whether a family or a person exists, asked by what is unique, referred to, locked, listed, or nearly one's own."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

from api.domain import involvements, professionals
from api.domain.models import Family
from api.domain.work import Work
from api.paging import encode
from tests.access.oracles import Attempt, elsewhere, locked, on_both, oracle, outsider
from tests.access.scene import Scene
from tests.access.sweep import routes_under_a_family, sent
from tests.world import ADMINISTRATOR, World, a_bsn

# What is unique: numbers, persons


@oracle("duplicate BSN, at the registration of a person in another municipality")
def duplicate_bsn(world: World, scene: Scene) -> Iterator[Attempt]:
    registrar = elsewhere(world)
    opening = [{"name": "Wit", "framework": "voluntary", "members": [a_child(bsn)]} for bsn in (scene.bsn, a_bsn())]
    yield Attempt(*(registrar.post("/families", body) for body in opening), exact=False)
    there = world.a_municipality()
    families = [world.a_family(there) for _ in range(2)]
    registrar, children = world.as_(world.a_registrar(there)), (a_child(scene.bsn), a_child(a_bsn()))
    joined = [
        registrar.post(f"/families/{one.id}/members", child) for one, child in zip(families, children, strict=True)
    ]
    yield Attempt(*joined, exact=False)


def a_child(bsn: str) -> dict[str, Any]:
    return {"person": {"givenName": "Jo", "surname": "Wit", "bsn": bsn}, "role": "child"}


@oracle("duplicate BSN, at a person's change in another municipality")
def duplicate_bsn_at_change(world: World, scene: Scene) -> Iterator[Attempt]:
    here, there = world.municipality, world.a_municipality()
    changed = []
    for bsn in (scene.bsn, a_bsn()):
        _, person = world.a_member(world.a_family(there))
        changed.append(world.as_(world.a_registrar(there)).change(f"/persons/{person.id}", {"bsn": bsn}))
    _, own = world.a_member(world.a_family(here))
    yield Attempt(*changed, world.as_(world.registrar).change(f"/persons/{own.id}", {"bsn": scene.bsn}), exact=False)


@oracle("search by BSN and by name in another municipality")
def search_elsewhere(world: World, scene: Scene) -> Iterator[Attempt]:
    registrar, insider = elsewhere(world), world.as_(world.registrar)
    for known, unknown in (
        ({"bsn": scene.bsn}, {"bsn": a_bsn()}),
        ({"surname": "Voorbeeld", "birthDate": "1985-04-01"}, {"surname": "Niemand", "birthDate": "1985-04-01"}),
    ):
        hidden, missing = (registrar.post("/persons/_search", body) for body in (known, unknown))
        yield Attempt(hidden, missing, insider.post("/persons/_search", known))


@oracle("a person of another municipality, by id")
def a_persons_id(world: World, scene: Scene) -> Iterator[Attempt]:
    registrar, insider = elsewhere(world), world.as_(world.registrar)
    for method, how in (
        ("GET", {}),
        ("HEAD", {}),
        ("PATCH", {"json": {"surname": "Wit"}}),
        ("PATCH", {"json": {"surname": "Wit"}, "headers": {"If-Match": "*"}}),
        ("PATCH", {"json": {"surname": 1}}),
    ):
        paths = [f"/persons/{one}" for one in (scene.parent_person.id, uuid4())]
        known = insider.get(paths[0]) if method == "GET" else None
        yield Attempt(*(registrar.call(method, path, **how) for path in paths), known)


# Ids in bodies and queries


@oracle("foreign key: a hidden person named as a member")
def a_person_in_a_body(world: World, scene: Scene) -> Iterator[Attempt]:
    there = world.a_municipality()
    registrar, own = world.as_(world.a_registrar(there)), world.a_family(there)
    people = (scene.parent_person.id, uuid4())
    bodies = [{"personId": str(one), "role": "child"} for one in people]
    yield Attempt(*(registrar.post(f"/families/{own.id}/members", body) for body in bodies))
    opening = [{"name": "Wit", "framework": "voluntary", "members": [body]} for body in bodies]
    yield Attempt(*(registrar.post("/families", body) for body in opening))
    _, person = world.a_member(own)
    into = [{"intoPersonId": str(one)} for one in people]
    yield Attempt(*(registrar.post(f"/persons/{person.id}/_merge", body) for body in into))
    into_own = {"intoPersonId": str(person.id)}
    yield Attempt(*(registrar.post(f"/persons/{one}/_merge", into_own) for one in people))


@oracle("foreign key: a hidden family named as where a member moves to")
def a_family_in_a_body(world: World, scene: Scene) -> Iterator[Attempt]:
    there = world.a_municipality()
    registrar, own = world.as_(world.a_registrar(there)), world.a_family(there)
    member, _ = world.a_member(own)
    with locked(world, scene.family.id):
        yield Attempt(
            *(
                registrar.post(f"/families/{own.id}/members/{member.id}/_move", {"familyId": str(one)})
                for one in (scene.family.id, uuid4())
            ),
            registrar.post(
                f"/families/{own.id}/members/{member.id}/_move", {"familyId": str(world.a_family(there).id)}
            ),
        )


@oracle("foreign key: a hidden family named as the one to merge into")
def a_family_to_merge_into(world: World, scene: Scene) -> Iterator[Attempt]:
    there = world.a_municipality()
    registrar, own = world.as_(world.a_registrar(there)), world.a_family(there)
    bodies = [{"intoFamilyId": str(one)} for one in (scene.family.id, uuid4())]
    with locked(world, scene.family.id):
        yield Attempt(*(registrar.post(f"/families/{own.id}/_merge", body) for body in bodies))
    into_own = {"intoFamilyId": str(own.id)}
    yield Attempt(
        *(registrar.post(f"/families/{one}/_merge", into_own) for one in (scene.family.id, uuid4())),
        registrar.post(f"/families/{world.a_family(there).id}/_merge", into_own),
    )


@oracle("a hidden family named in a hand-over")
def a_family_to_hand_over(world: World, scene: Scene) -> Iterator[Attempt]:
    """An agency names a successor for this family only; around one of its own that shows, around no other."""
    agency, own = world.an_agency(), world.a_family()
    leaver, colleague = world.a_professional(agency), world.a_professional(agency)
    world.an_involvement(own, agency, professional=leaver)
    system, path = world.as_(world.system(agency)), f"/professionals/{leaver.id}/_handover"
    bodies = [
        {"dryRun": True, "exceptions": [{"familyId": str(one), "successorId": str(colleague.id)}]}
        for one in (scene.family.id, uuid4(), own.id)
    ]
    with locked(world, scene.family.id):
        yield Attempt(*(system.post(path, body) for body in bodies))


@oracle("parts of a hidden family, below a family of one's own")
def parts_below_ones_own(world: World, scene: Scene) -> Iterator[Attempt]:
    """Whatever the method, the preconditions and the body: 404 comes before 428 and 412."""
    there = world.a_municipality()
    own, registrar = world.a_family(there), world.as_(world.a_registrar(there))
    for route in routes_under_a_family(world.app):
        if "Id}" in route.path.partition("{familyId}/")[2]:
            for headers in ({}, {"If-Match": "*"}, {"If-Match": '"0"'}):
                names = [scene.inside(own.id), scene.inside(own.id) | scene.nowhere()]
                yield Attempt(*(sent(scene, registrar, route, one, headers) for one in names))


@oracle("unique violation: what there may be one of only")
def one_of_only(world: World, scene: Scene) -> Iterator[Attempt]:
    """An open proposal, an open invitation, a running involvement, a contact point: each there already."""
    for who in ("registrar elsewhere", "colleague who isn't named", "uninvolved agency's system"):
        caller = outsider(scene, who)
        for method, rest, key in (
            ("POST", "/mandates", "POST mandates"),
            ("POST", f"/mandates/{scene.mandate.id}/_transfer", "POST mandates _transfer"),
            ("PUT", "/contact-points/parenting", "PUT contact-points"),
            ("POST", "/involvements", "POST involvements"),
        ):
            yield on_both(scene, caller, method, rest, known=False, json=scene.bodies()[key])
        again = {"agencyId": str(scene.invited.id), "helpDomains": ["finances"]}
        yield on_both(scene, caller, "POST", "/involvements/_invite", json=again)


# Locks


@oracle("a lock on the family, waited for")
def lock_waited_for(world: World, scene: Scene) -> Iterator[Attempt]:
    with locked(world, scene.family.id):
        for caller in (outsider(scene), outsider(scene, "registrar elsewhere"), outsider(scene, "small child")):
            yield on_both(scene, caller, "POST", "/_close", known=False, json={"closing": "completed"})
            yield on_both(scene, caller, "GET", "/timeline", known=False)


@oracle("a deadlock, and the attempts after it")
def a_deadlock(world: World, scene: Scene) -> Iterator[Attempt]:
    """A stranger takes no lock that could be part of one: not of two families, and not of their parts."""
    there = world.a_municipality()
    own, registrar = world.a_family(there), world.as_(world.a_registrar(there))
    member, _ = world.a_member(own)
    with locked(world, scene.family.id):
        for one in (scene.teenager.id, scene.parent.id):
            ids = (one, uuid4())
            yield Attempt(*(registrar.post(f"/families/{own.id}/members/{each}/_leave") for each in ids))
    yield Attempt(
        registrar.post(f"/families/{own.id}/members/{uuid4()}/_leave"),
        registrar.post(f"/families/{own.id}/members/{uuid4()}/_leave"),
        registrar.post(f"/families/{own.id}/members/{member.id}/_leave"),
    )


# Lists: counts, pages, cursors, order, filters


@oracle("the length of the caseload, and where its pages end")
def caseload_pages(world: World, scene: Scene) -> Iterator[Attempt]:
    """At each limit, with and without a hidden family between one's own."""
    agency, other = world.an_agency(), world.an_agency()
    for _ in range(3):
        world.an_involvement(world.a_family(), agency)
    caller = world.as_(world.system(agency))
    before = [caller.get("/caseload", params={"limit": limit}) for limit in (1, 2, 3, 4)]
    families = [world.a_family() for _ in range(4)]
    for family in families:
        world.an_involvement(family, other)
    after = [caller.get("/caseload", params={"limit": limit}) for limit in (1, 2, 3, 4)]
    world.an_involvement(families[0], agency)
    for limit, hidden, missing in zip((1, 2, 3, 4), after, before, strict=True):
        known = caller.get("/caseload", params={"limit": limit}) if limit > 2 else None
        yield Attempt(hidden, missing, known)


@oracle("a caseload cursor forged to a hidden id")
def caseload_cursor(world: World, scene: Scene) -> Iterator[Attempt]:
    family = scene.family.id
    for who, actor in scene.outsiders.items():
        if who not in ("analyst", "platform administrator", "privacy officer elsewhere"):
            answers = (
                world.as_(actor).get("/caseload", params={"cursor": encode([str(UUID(int=at))]), "limit": 1})
                for at in (family.int - 1, family.int + 1)
            )
            yield Attempt(*answers)


@oracle("a timeline cursor of another family")
def timeline_cursor(world: World, scene: Scene) -> Iterator[Attempt]:
    foreign = world.as_(world.registrar).get(f"{scene.path}/timeline", params={"limit": 2}).json()["nextCursor"]
    assert foreign
    yield on_both(scene, outsider(scene), "GET", "/timeline", params={"cursor": foreign})
    there = world.a_municipality()
    own, registrar = world.a_family(there), world.as_(world.a_registrar(there))
    of_that_moment = encode([world.told(scene.family)[-2].at.isoformat(), 0])
    after_all = [{"cursor": cursor} for cursor in (foreign, of_that_moment, encode(["2999-01-01T00:00:00+00:00", 0]))]
    answers = [registrar.get(f"/families/{own.id}/timeline", params=one) for one in after_all]
    yield Attempt(answers[1], answers[2])
    assert answers[0].json()["items"] in ([], answers[2].json()["items"])


@oracle("sort, filter and count parameters")
def parameters(world: World, scene: Scene) -> Iterator[Attempt]:
    caller = outsider(scene)
    for rest in ("?sort=name", "?count=true", "?expand=family", "?state=running", "?limit=200", "?on=2020-01-01"):
        for path in ("", "/involvements", "/timeline", "/who-is-involved", "/contact-points"):
            yield on_both(scene, caller, "GET", path + rest, known=False)
    for name in ("familyId", "personId", "professionalId", "sort"):
        ids = (scene.family.id, uuid4())
        yield Attempt(*(caller.get("/caseload", params={name: str(one)}) for one in ids))


@oracle("the filters of another officer's record of disclosures")
def filters_of_the_record(world: World, scene: Scene) -> Iterator[Attempt]:
    scene = Scene(world)  # nobody has asked for this one in vain
    officer, insider = world.as_(world.officer(scene.elsewhere)), world.as_(world.officer())
    outsider(scene).get(scene.path)
    nothing = uuid4()
    for name, known in (
        ("familyId", scene.family.id),
        ("agencyId", scene.debt_help.id),
        ("professionalId", scene.lead.id),
    ):
        for limit in (1, 200):
            asked = [{name: str(one), "limit": limit} for one in (known, nothing)]
            hidden, missing = (officer.get("/disclosures", params=one) for one in asked)
            # The officer finds that they looked themselves
            yield Attempt(hidden, missing, insider.get("/disclosures", params=asked[0]), exact=False)


# Who is nearly related


@oracle("cover of a cover, of an absence that is over, and of one that is to come")
def covers(world: World, scene: Scene) -> Iterator[Attempt]:
    agency = world.an_agency()
    absent, cover, second, past, future = (world.a_professional(agency) for _ in range(5))
    family = world.a_family()
    world.an_involvement(family, agency, professional=absent)
    world.an_absence(absent, cover=cover)
    world.an_absence(cover, cover=second)
    world.an_absence(absent, -9, -5, past)
    world.an_absence(absent, 8, 9, future)
    known = world.as_(world.actor(cover)).get(f"/families/{family.id}")
    for one in (second, past, future):
        caller = world.as_(world.actor(one))
        yield Attempt(*(caller.get(f"/families/{each}") for each in (family.id, uuid4())), known)
        assert caller.get("/caseload").json()["items"] == []


@oracle("an agency, or a professional, that is no longer active")
def no_longer_active(world: World, scene: Scene) -> Iterator[Attempt]:
    """Who is asked and leaves; and an agency whose last invitation is withdrawn before it leaves."""
    agency, family, administrator = world.an_agency(), world.a_family(), world.as_(ADMINISTRATOR)
    asked = world.a_professional(agency)
    world.an_invitation(family, agency)
    system, path = world.as_(world.system(agency)), f"/families/{family.id}/involvements"
    known = system.get(path)
    world.around(family, withdraw_all)
    world.around(family, lambda work, mine: involvements.invite(work, mine, agency.id, ["parenting"], asked.id))
    professional = world.as_(world.actor(asked))
    seen = professional.get(path)
    world.do(lambda work: professionals.change(work, professionals.get(work, asked.id), active=False))
    none = f"/families/{uuid4()}/involvements"
    yield Attempt(professional.get(path), professional.get(none), seen)
    world.around(family, withdraw_all)
    assert administrator.change(f"/agencies/{agency.id}", {"active": False}).is_success
    yield Attempt(system.get(path), system.get(none), known)


def withdraw_all(work: Work, family: Family) -> None:
    for one in involvements.of_family(work, family):
        if one.answer is None:
            involvements.withdraw_invitation(work, one)


@oracle("a family that has moved, for the municipality it came from")
def moved_away(world: World, scene: Scene) -> Iterator[Attempt]:
    there, family = world.a_municipality(), world.a_family()
    member, person = world.a_member(family, bsn=a_bsn())
    registrar = world.as_(world.registrar)
    known = registrar.get(f"/families/{family.id}")
    moved = registrar.post(f"/families/{family.id}/_move", {"municipalityCode": there.code})
    assert moved.is_success, moved.text
    for rest in ("", "/members", f"/members/{member.id}", "/timeline"):
        yield Attempt(*(registrar.get(f"/families/{one}{rest}") for one in (family.id, uuid4())), known)
    assert registrar.get(f"/persons/{person.id}").json()["familyIds"] == []


@oracle("what is still to come")
def still_to_come(world: World, scene: Scene) -> Iterator[Attempt]:
    """A deputy whose period has not begun."""
    team = world.a_team()
    deputy, now = world.a_professional(team.agency), world.a_professional(team.agency)
    world.a_deputy(team, deputy, 3, 5)
    world.a_deputy(team, now, 0, 2)
    caller, known = world.as_(world.actor(deputy)), world.as_(world.actor(now)).get(team.path)
    yield Attempt(*(caller.get(f"/families/{one}") for one in (team.family.id, uuid4())), known)
