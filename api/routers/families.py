"""Families: opened, changed, closed and handed over by the access team of the responsible municipality."""

from uuid import UUID

from pydantic import MISSING, Field

from api.auth.calls import Call, FamilyCall
from api.auth.guards import Routes
from api.auth.policy import Permission
from api.domain import families
from api.domain.codes import FamilyClosing, Framework, Strategy
from api.domain.errors import Invalid
from api.routers.members import NewMember, join
from api.shapes import Body, CleanText, Moment, MunicipalityCode, Out

routes = Routes("Families")


class FamilyOpening(Body):
    """A family to coordinate help for."""

    name: CleanText = Field(description="What the family goes by, for instance its surname.")
    framework: Framework
    strategy: Strategy | None = None
    members: list[NewMember] = Field(default=[], max_length=30)


class FamilyChange(Body):
    """What changes of a family."""

    name: CleanText | MISSING = MISSING
    framework: Framework | MISSING = MISSING
    strategy: Strategy | None | MISSING = MISSING


class FamilyClosure(Body):
    """How the approach came to its end."""

    closing: FamilyClosing


class FamilyMove(Body):
    """The municipality that becomes responsible."""

    municipality_code: MunicipalityCode


class FamilyOut(Out):
    """A family. `strategy` is null for whom the policy doesn't show it."""

    id: UUID
    name: str
    municipality_code: MunicipalityCode
    framework: Framework
    strategy: Strategy | None
    opened_at: Moment
    closed_at: Moment | None
    closing: FamilyClosing | None


def _family(call: FamilyCall) -> FamilyOut:
    return FamilyOut.of(
        call.family,
        framework=call.family.framework_at(call.work.at),
        strategy=call.family.strategy if call.access.sees("strategy") else None,
    )


@routes.post("/families", Permission.FAMILY_OPEN, status=201, location="/families/{id}")
def open_family(call: Call, body: FamilyOpening) -> FamilyOut:
    """Open a family for which your municipality is responsible, with its members."""
    code = call.work.actor.municipality_code or ""
    family = families.open_family(call.work, code, name=body.name, framework=body.framework, strategy=body.strategy)
    for new in body.members:
        join(call, family, new)
    return FamilyOut.of(family)


@routes.get("/families/{familyId}", Permission.FAMILY_READ)
def get_family(call: FamilyCall) -> FamilyOut:
    """Get a family."""
    return _family(call)


@routes.patch("/families/{familyId}", Permission.FAMILY_CHANGE)
def change_family(call: FamilyCall, body: FamilyChange) -> FamilyOut:
    """Change a family: what the body leaves out stays as it is."""
    families.change(call.work, call.family, **body.given())
    return _family(call)


@routes.post("/families/{familyId}/_close", Permission.FAMILY_CHANGE)
def close_family(call: FamilyCall, body: FamilyClosure) -> FamilyOut:
    """Close the approach. Every running involvement, mandate and contact point ends at this instant."""
    if body.closing is FamilyClosing.MERGED:
        raise Invalid("Merge this family into the other one instead.", field="closing")
    return FamilyOut.of(families.close(call.work, call.family, body.closing))


@routes.post("/families/{familyId}/_reopen", Permission.FAMILY_CHANGE)
def reopen_family(call: FamilyCall) -> FamilyOut:
    """Reopen a closed approach. Who was involved is not restored: invite them anew."""
    return FamilyOut.of(families.reopen(call.work, call.family))


@routes.post("/families/{familyId}/_move", Permission.FAMILY_CHANGE)
def move_family(call: FamilyCall, body: FamilyMove) -> FamilyOut:
    """Hand the family over to another municipality. You no longer see it afterwards."""
    return FamilyOut.of(families.move_to_municipality(call.work, call.family, body.municipality_code))
