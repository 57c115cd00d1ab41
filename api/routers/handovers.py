"""Hand-overs: a professional leaves, and colleagues take over what they carry around families."""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple, Self
from uuid import UUID

from pydantic import Field, model_validator

from api.auth.calls import Call, FamilyCall
from api.auth.guards import Routes
from api.auth.policy import Permission
from api.auth.turns import Busy, Turns
from api.domain import handovers, members, professionals
from api.domain.codes import HandoverKind, HandoverOutcome, HandoverReason
from api.domain.errors import Forbidden, NotFound
from api.domain.handovers import CannotGo, Successors
from api.domain.models import Professional
from api.routers.agencies import must_be_own_agency
from api.routers.parameters import ProfessionalId
from api.shapes import Body, HelpDomainCode, Id, Out, YesNo

routes = Routes("Professionals")


class HandoverException(Body):
    """Somebody else takes over around one family, for one help domain, or for one help domain of one family.

    The most specific counts. A family around which this professional carries nothing changes nothing.
    """

    family_id: Id | None = None
    help_domain: HelpDomainCode | None = None
    successor_id: Id

    @model_validator(mode="after")
    def is_about_something(self) -> Self:
        if self.family_id is None and self.help_domain is None:
            raise ValueError("Give a familyId, a helpDomain or both.")
        return self


class HandoverStart(Body):
    """Who takes over, and whether it is only tried. Successors are working professionals of the same agency."""

    dry_run: YesNo = Field(description="True: nothing changes, and the answer says what would.")
    successor_id: Id | None = Field(default=None, description="Who takes over whatever no exception is made for.")
    exceptions: list[HandoverException] = Field(default=[], max_length=200)

    def successors(self) -> Successors:
        instead = {(one.family_id, one.help_domain): one.successor_id for one in self.exceptions}
        return Successors(self.successor_id, instead)


class HandoverItem(Out):
    """Something that the professional carries, and what becomes of it. `id`: that of what they carried."""

    kind: HandoverKind
    id: UUID
    family_id: UUID
    help_domain: HelpDomainCode | None
    successor_id: UUID | None
    outcome: HandoverOutcome
    reason: HandoverReason | None = Field(description="Why it stays; null if it doesn't.")


class Handover(Out):
    """What becomes of all that a professional carries around families."""

    professional_id: UUID
    dry_run: bool
    items: list[HandoverItem]


class _Seen(NamedTuple):
    """What is shown of a family, and of whom."""

    items: Sequence[handovers.Item]
    family_id: UUID
    municipality_code: str | None
    subjects: Sequence[UUID]


@routes.post("/professionals/{professionalId}/_handover", Permission.PROFESSIONAL_HAND_OVER)
async def hand_over_roles(turns: Turns, professional_id: ProfessionalId, body: HandoverStart) -> Handover:
    """Hand over all that a professional of your agency carries around families, as when they leave.

    Involvements and contact points go to the successor at once. Who leads a family stays lead until the successor has
    accepted: they get a proposal, on the same terms. What can't go over stays, with the reason: another deputy, for
    instance, is named by the lead coordinator or the registrar. Send it with `dryRun` first: it says the same, and
    changes nothing.

    Each family is changed at once and for itself. After a cut, or a 503, send the same again: what went over is no
    longer there to hand over. When nothing but what was proposed stays, and that is accepted, the professional can be
    made inactive (`PATCH`). 400: a successor is no working colleague. 403: it isn't your agency's professional. 409
    `too_many_families`: more than 500.
    """
    successors = body.successors()
    leaver, family_ids = await turns.once(partial(_begin, professional_id, successors))
    seen = [await _one_family(turns, one, leaver, successors, dry_run=body.dry_run) for one in family_ids]
    await turns.once(partial(_record, seen))
    items = [HandoverItem.of(item) for one in seen for item in one.items]
    return Handover(professional_id=professional_id, dry_run=body.dry_run, items=items)


def _begin(professional_id: UUID, successors: Successors, call: Call) -> tuple[Professional, Sequence[UUID]]:
    leaver = professionals.get(call.work, professional_id)
    must_be_own_agency(call, leaver.agency_id)
    handovers.check(call.work, leaver, successors)
    return leaver, handovers.families_of(call.work, leaver)


async def _one_family(
    turns: Turns, family_id: UUID, leaver: Professional, successors: Successors, *, dry_run: bool
) -> _Seen:
    """All of it or nothing; what is refused is left out, and the rest begun anew."""
    stays: dict[UUID, HandoverReason] = {}
    while True:
        try:
            verb = partial(_hand_over, leaver, successors, stays)
            return await turns.around(family_id, Permission.INVOLVEMENT_MAINTAIN, verb, keeps=not dry_run)
        except CannotGo as refused:
            stays[refused.row_id] = refused.reason
        except Busy:
            verb = partial(_leave_alone, leaver, successors)
            return await turns.around(family_id, Permission.INVOLVEMENT_MAINTAIN, verb, locks=False)
        except (NotFound, Forbidden):  # the agency is no longer involved, or is no more than invited
            return _Seen((), family_id, None, ())


def _hand_over(
    leaver: Professional, successors: Successors, stays: dict[UUID, HandoverReason], call: FamilyCall
) -> _Seen:
    subjects = members.of(call.work, call.family)
    items = handovers.hand_over(call.work, call.family, leaver, successors, stays)
    return _Seen(items, call.family.id, call.family.municipality_code, subjects)


def _leave_alone(leaver: Professional, successors: Successors, call: FamilyCall) -> _Seen:
    items = handovers.left_alone(call.work, call.family, leaver, successors, HandoverReason.BEING_CHANGED)
    return _Seen(items, call.family.id, call.family.municipality_code, members.of(call.work, call.family))


def _record(seen: Sequence[_Seen], call: Call) -> None:
    """Before it is answered, what is shown of which family is on record."""
    for one in seen:
        for person_id in (one.subjects or (None,)) if one.items else ():
            call.work.record(
                Permission.PROFESSIONAL_HAND_OVER,
                "shown",
                family_id=one.family_id,
                municipality_code=one.municipality_code,
                shown_person_id=person_id,
            )
