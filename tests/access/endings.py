"""How relations to a family end, each with whom it concerns."""

from collections.abc import Callable
from typing import Any

from api.domain import contact_points, families, involvements, mandates, members, professionals
from api.domain.codes import FamilyClosing, InvitationDecline, InvolvementEnd, MandateEnd
from api.domain.models import Family, Professional
from tests.access.scene import Scene


def end_involvement(scene: Scene) -> None:
    scene.world.around(
        scene.family,
        lambda work, mine: involvements.end(
            work, mine, involvements.get(work, mine, scene.debt_involvement.id), InvolvementEnd.COMPLETED
        ),
        scene.world.system(scene.debt_help),
    )


def end_the_agencys_last(scene: Scene) -> None:
    def end_all(work: Any, mine: Family) -> None:
        for one in involvements.of_family(work, mine):
            if one.agency_id == scene.debt_help.id:
                involvements.end(work, mine, one, InvolvementEnd.COMPLETED)

    scene.world.around(scene.family, end_all, scene.world.system(scene.debt_help))


def decline(scene: Scene) -> None:
    def answer(work: Any, mine: Family) -> None:
        involvements.decline(work, involvements.get(work, mine, scene.invitation.id), InvitationDecline.NO_CAPACITY)

    scene.world.around(scene.family, answer, scene.world.system(scene.invited))


def withdraw_invitation(scene: Scene) -> None:
    scene.world.around(
        scene.family,
        lambda work, mine: involvements.withdraw_invitation(work, involvements.get(work, mine, scene.invitation.id)),
    )


def withdraw_proposal(scene: Scene) -> None:
    scene.world.around(
        scene.family,
        lambda work, mine: mandates.withdraw_proposal(work, mandates.get(work, mine, scene.proposal.id)),
    )


def name_another_in_the_involvement(scene: Scene) -> None:
    scene.world.around(
        scene.family,
        lambda work, mine: involvements.change(
            work, mine, involvements.get(work, mine, scene.open_involvement.id), professional_id=scene.bystander.id
        ),
        scene.world.system(scene.youth_care),
    )


def lay_down(scene: Scene) -> None:
    name_another_in_the_involvement(scene)
    scene.world.around(
        scene.family,
        lambda work, mine: mandates.end(work, mine, mandates.get(work, mine, scene.mandate.id), MandateEnd.LAID_DOWN),
    )


def end_deputy(scene: Scene) -> None:
    scene.world.around(
        scene.family,
        lambda work, mine: mandates.end_deputy(work, mandates.get(work, mine, scene.mandate.id), scene.deputy_row.id),
    )


def reassign(scene: Scene) -> None:
    scene.world.a_contact_point(scene.family, scene.bystander)


def release(scene: Scene) -> None:
    scene.world.around(scene.family, lambda work, mine: contact_points.release(work, mine, "parenting"))


def parent_leaves(scene: Scene) -> None:
    scene.world.around(scene.family, lambda work, mine: members.leave(work, members.get(work, mine, scene.parent.id)))


def back_from_absence(scene: Scene) -> None:
    def end(work: Any) -> None:
        absent = work.session.get_one(Professional, scene.absent.id)
        [absence] = professionals.absences_of(work, absent)
        professionals.withdraw_absence(work, absent, absence.id)

    scene.world.do(end, scene.world.system(scene.debt_help))


def move_away(scene: Scene) -> None:
    scene.world.around(scene.family, lambda work, mine: families.move_to_municipality(work, mine, scene.elsewhere.code))


def close(scene: Scene) -> None:
    scene.world.around(scene.family, lambda work, mine: families.close(work, mine, FamilyClosing.COMPLETED))


ENDINGS: dict[str, tuple[str, Callable[[Scene], None]]] = {
    "involvement ended, for who is named": ("named", end_involvement),
    "last involvement ended, for the system": ("involved_system", end_the_agencys_last),
    "invitation declined": ("invited_system", decline),
    "invitation withdrawn": ("invited_system", withdraw_invitation),
    "proposal withdrawn": ("candidate", withdraw_proposal),
    "mandate laid down": ("lead", lay_down),
    "mandate laid down, for the deputy": ("deputy", lay_down),
    "deputy's period ended": ("deputy", end_deputy),
    "contact point reassigned": ("contact_point", reassign),
    "contact point released": ("contact_point", release),
    "member left": ("parent", parent_leaves),
    "absence over, for the cover": ("cover", back_from_absence),
    "absent colleague's involvement ended": ("cover", end_the_agencys_last),
    "family moved, for the registrar": ("registrar", move_away),
    "family moved, for the privacy officer": ("officer", move_away),
    "family closed, for the lead": ("lead", close),
    "family closed, for the invited": ("invited_system", close),
    "family closed, for the candidate": ("candidate", close),
    "family closed, for the agency": ("involved_system", close),
}
