"""How relations to a family end over HTTP, or by themselves; each can begin again, for as many trials as one likes."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from httpx import Response

from api.domain import contact_points, families, involvements, mandates, members
from api.domain.actor import Actor
from api.domain.codes import InvolvementEnd, MandateState, MemberRole
from api.domain.models import Absence, Family, Mandate, Person
from api.domain.work import Work
from tests.access.scene import Scene
from tests.access.stand import Stand, Way


def school(scene: Scene) -> Actor:
    return scene.world.system(scene.school)


def teacher(scene: Scene) -> Actor:
    return scene.world.actor(scene.teacher)


def involve(stand: Stand, **named: Any) -> UUID:
    scene = stand.scene
    return stand.world.an_involvement(scene.family, scene.school, ["finances"], at=datetime.now(UTC), **named).id


def end_involvement(stand: Stand, involvement_id: UUID) -> Response:
    path = f"/involvements/{involvement_id}/_end"
    return stand.change(school(stand.scene), "POST", path, {"reason": "completed"})


def name(stand: Stand) -> UUID:
    """The professional is named in an involvement, of which nothing is left from before."""
    stand.around(end_all_of_school(stand), school(stand.scene))
    return involve(stand, professional=stand.scene.teacher)


def end_all_of_school(stand: Stand) -> Any:
    def end_all(work: Work, mine: Family) -> None:
        for one in involvements.of_family(work, mine):
            if one.agency_id == stand.scene.school.id and one.ends_at is None:
                involvements.end(work, mine, one, InvolvementEnd.COMPLETED)

    return end_all


def name_nobody(stand: Stand, involvement_id: UUID) -> Response:
    return stand.change(school(stand.scene), "PATCH", f"/involvements/{involvement_id}", {"professionalId": None})


def lapse(stand: Stand, involvement_id: UUID) -> None:
    """Its basis ends in a moment, by itself. Nobody acknowledges that: the instant passes."""
    ends_at = datetime.now(UTC) + timedelta(milliseconds=5)

    def let_lapse(work: Work, mine: Family) -> None:
        involvement = involvements.get(work, mine, involvement_id)
        involvements.change(work, mine, involvement)
        involvement.ends_at = max(ends_at, work.at)

    stand.around(let_lapse, school(stand.scene))
    time.sleep(max(0.0, (ends_at - datetime.now(UTC)).total_seconds()))


def invite(stand: Stand) -> UUID:
    return stand.world.an_invitation(stand.scene.family, stand.scene.school).id


def decline(stand: Stand, invitation_id: UUID) -> Response:
    path = f"/involvements/{invitation_id}/_decline"
    return stand.change(school(stand.scene), "POST", path, {"reason": "no_capacity"})


def withdraw_invitation(stand: Stand, invitation_id: UUID) -> Response:
    return stand.change(stand.world.registrar, "POST", f"/involvements/{invitation_id}/_withdraw")


def grant(stand: Stand) -> UUID:
    """The mandate that there is at first, and a new one afterwards."""

    def find(work: Work, mine: Family) -> Mandate | None:
        for one in mandates.of_family(work, mine):
            if one.answer is None:
                mandates.withdraw_proposal(work, one)
        known = mandates.of_family(work, mine)
        return next((one for one in known if one.state_at(work.at) is MandateState.ACTIVE), None)

    return (stand.around(find) or stand.world.a_mandate(stand.scene.family, stand.scene.lead)).id


def end_mandate(stand: Stand, mandate_id: UUID) -> Response:
    return stand.change(stand.world.registrar, "POST", f"/mandates/{mandate_id}/_end", {"reason": "withdrawn"})


def lay_down(stand: Stand, mandate_id: UUID) -> Response:
    lead = stand.world.actor(stand.scene.lead)
    return stand.change(lead, "POST", f"/mandates/{mandate_id}/_end", {"reason": "laid_down"})


def propose(stand: Stand) -> UUID:
    """The proposal that there is at first, and a new one afterwards."""

    def find(work: Work, mine: Family) -> Mandate:
        known = mandates.of_family(work, mine)
        waiting = next((one for one in known if one.answer is None), None)
        return waiting or stand.scene._propose_successor(work, mine)

    return UUID(str(stand.around(find).id))


def withdraw_proposal(stand: Stand, mandate_id: UUID) -> Response:
    return stand.change(stand.world.registrar, "POST", f"/mandates/{mandate_id}/_withdraw")


def deputise(stand: Stand) -> str:
    def find(work: Work, mine: Family) -> str:
        mandate = mandates.get(work, mine, stand.scene.mandate.id)
        [deputy] = mandates.deputies_of(work, mandate) or [stand.scene._name_deputy(work, mine)]
        return f"/mandates/{mandate.id}/deputies/{deputy.id}"

    return str(stand.around(find))


def end_deputy(stand: Stand, path: str) -> Response:
    return stand.change(stand.world.registrar, "DELETE", path)


def assign(stand: Stand) -> None:
    def find(work: Work, mine: Family) -> None:
        current = contact_points.current(work, mine, "parenting")
        if current is None or current.professional_id != stand.scene.contact.id:
            contact_points.assign(work, mine, "parenting", stand.scene.contact.id)

    stand.around(find)


def reassign(stand: Stand, _: None) -> Response:
    body = {"professionalId": str(stand.scene.bystander.id)}
    return stand.change(stand.world.registrar, "PUT", "/contact-points/parenting", body)


def release(stand: Stand, _: None) -> Response:
    return stand.change(stand.world.registrar, "DELETE", "/contact-points/parenting")


def join(stand: Stand) -> UUID:
    """The mother is a member; besides her the children stay."""
    person_id = stand.scene.parent_person.id

    def find(work: Work, mine: Family) -> UUID:
        for member, person in members.current(work, mine):
            if person.id == person_id:
                return member.id
        return members.join(work, mine, work.session.get_one(Person, person_id), MemberRole.PARENT).id

    return UUID(str(stand.around(find)))


def leave(stand: Stand, member_id: UUID) -> Response:
    return stand.change(stand.world.registrar, "POST", f"/members/{member_id}/_leave")


def cover(stand: Stand) -> Absence:
    """A colleague with an involvement of their own falls ill: one is absent once a day at most."""
    world, scene = stand.world, stand.scene
    stand.around(end_all_of_school(stand), school(scene))
    absent = world.a_professional(scene.school)
    involve(stand, professional=absent)
    return world.an_absence(absent, cover=scene.teacher)


def back(stand: Stand, absence: Absence) -> Response:
    path = f"/professionals/{absence.professional_id}/absences/{absence.id}"
    return stand.ask(stand.ending, school(stand.scene), "DELETE", path, **{"If-Match": "*"})


def move_back(stand: Stand) -> None:
    def find(work: Work, mine: Family) -> None:
        if mine.municipality_code != stand.world.municipality.code:
            families.move_to_municipality(work, mine, stand.world.municipality.code)

    stand.around(find, stand.world.a_registrar(stand.scene.elsewhere))


def move(stand: Stand, _: None) -> Response:
    body = {"municipalityCode": stand.scene.elsewhere.code}
    return stand.change(stand.world.registrar, "POST", "/_move", body)


def reopen(stand: Stand) -> None:
    def find(work: Work, mine: Family) -> None:
        if mine.closed_at:
            families.reopen(work, mine)

    stand.around(find)
    involve(stand)


def close(stand: Stand, _: None) -> Response:
    return stand.change(stand.world.registrar, "POST", "/_close", {"closing": "completed"})


WAYS: dict[str, Way] = {
    "the involvement ends": Way(school, involve, end_involvement),
    "the involvement lapses by itself": Way(school, involve, lapse),
    "nobody is named in the involvement any more": Way(teacher, name, name_nobody),
    "the involvement of who was named ends": Way(teacher, name, end_involvement),
    "the invitation is declined": Way(school, invite, decline),
    "the invitation is withdrawn": Way(school, invite, withdraw_invitation),
    "the mandate is withdrawn": Way(lambda scene: scene.related["lead"], grant, end_mandate),
    "the mandate is laid down": Way(lambda scene: scene.related["lead"], grant, lay_down),
    "the proposal to lead is withdrawn": Way(lambda scene: scene.related["candidate"], propose, withdraw_proposal),
    "the deputy's period ends": Way(lambda scene: scene.related["deputy"], deputise, end_deputy),
    "another becomes the contact point": Way(lambda scene: scene.related["contact_point"], assign, reassign),
    "the contact point is released": Way(lambda scene: scene.related["contact_point"], assign, release),
    "the member leaves": Way(lambda scene: scene.related["parent"], join, leave),
    "the absent colleague is back": Way(teacher, cover, back),
    "the family moves": Way(lambda scene: scene.related["registrar"], move_back, move),
    "the family is closed": Way(school, reopen, close),
}
