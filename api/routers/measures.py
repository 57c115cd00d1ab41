"""Child protection measures: recorded and kept by the registrar and by the institution that carries them out."""

from datetime import date
from typing import Annotated, Self
from uuid import UUID

from pydantic import MISSING, Field, model_validator

from api.auth.calls import FamilyCall
from api.auth.guards import Routes
from api.auth.policy import Permission
from api.domain import measures, members
from api.domain.codes import MeasureCondition, MeasureEnd, MeasureKind, MeasureState, MemberRole
from api.domain.errors import Forbidden, Invalid, NotFound
from api.domain.models import Measure, Member
from api.paging import Page
from api.routers.parameters import MeasureId
from api.shapes import Body, Day, Id, Moment, Out, Shape, YesNo

routes = Routes("Legal bases")


class NewCondition(Body):
    """What is asked of the family."""

    code: MeasureCondition
    negotiable: YesNo


Conditions = Annotated[list[NewCondition], Field(max_length=len(MeasureCondition), description="Each code once.")]


class MeasureRecording(Body):
    """A measure that runs. `agencyId`: the certified institution that carries it out."""

    member_id: Id = Field(description="The child.")
    kind: MeasureKind
    agency_id: Id
    started_on: Day | None = Field(default=None, description="A day in the past. Without it: now.")
    ends_on: Day | None = Field(default=None, description="The last day. Without it: until further notice.")
    review_on: Day | None = None
    conditions: Conditions = Field(default_factory=list)

    @model_validator(mode="after")
    def names_each_condition_once(self) -> Self:
        _must_be_once(self.conditions)
        return self


class MeasureChange(Body):
    """What changes of a running measure."""

    review_on: Day | None | MISSING = MISSING
    conditions: Conditions | MISSING = MISSING

    @model_validator(mode="after")
    def names_each_condition_once(self) -> Self:
        if "conditions" in self.model_fields_set:
            _must_be_once(self.given()["conditions"])
        return self


class MeasureExtension(Body):
    """Until when the court extended it."""

    ends_on: Day
    review_on: Day | None = None


class MeasureEnding(Body):
    """How the measure came to its end."""

    reason: MeasureEnd


class ConditionOut(Shape):
    """What is asked of the family, and whether it can be talked about."""

    code: MeasureCondition
    negotiable: bool


class MeasureOut(Out):
    """A measure. `personId`: the child. `endsAt`: when it ended, or will by itself."""

    id: UUID
    family_id: UUID
    person_id: UUID
    kind: MeasureKind
    state: MeasureState
    agency_id: UUID
    started_at: Moment
    ends_at: Moment | None
    review_on: date | None
    conditions: list[ConditionOut]
    end_reason: MeasureEnd | None


def _must_be_once(conditions: list[NewCondition]) -> None:
    if len({one.code for one in conditions}) < len(conditions):
        raise ValueError("Name each condition once.")


def _by_code(conditions: list[NewCondition]) -> dict[MeasureCondition, bool]:
    return {one.code: one.negotiable for one in conditions}


def _out(call: FamilyCall, measure: Measure) -> MeasureOut:
    asked = [(code, code in measure.negotiable) for code in (*measure.conditions, *measure.negotiable)]
    state = MeasureState.RUNNING if measure.runs_at(call.work.at) else MeasureState.ENDED
    conditions = [ConditionOut(code=MeasureCondition(code), negotiable=negotiable) for code, negotiable in asked]
    return MeasureOut.of(measure, state=state, conditions=conditions)


def _shown(call: FamilyCall) -> list[Measure]:
    """All for who leads; for an agency what it carries out; for a member what is theirs, or of whom they decide for."""
    found, actor = measures.of_family(call.work, call.family), call.work.actor
    if call.access.sees("measures"):
        return list(found)
    if actor.person_id is None:
        return [one for one in found if one.agency_id == actor.agency_id]
    return [one for one in found if members.may_look(call.work, call.family, one.person_id)]


def _one(call: FamilyCall, measure_id: UUID) -> Measure:
    for measure in _shown(call):
        if measure.id == measure_id:
            return measure
    raise NotFound("This family has no such measure.")


def _to_keep(call: FamilyCall, measure_id: UUID) -> Measure:
    """The registrar keeps all, an institution those that it carries out."""
    measure = measures.get(call.work, call.family, measure_id)
    if call.work.actor.agency_id not in (None, measure.agency_id):
        raise NotFound("This family has no such measure.")
    return measure


def _child(call: FamilyCall, member_id: UUID) -> Member:
    try:
        member = members.get(call.work, call.family, member_id)
    except NotFound as missing:
        raise Invalid(missing.sentence, field="memberId") from None
    if member.role is not MemberRole.CHILD:
        raise Invalid("A measure is about a child of the family.", field="memberId")
    return member


@routes.get("/families/{familyId}/measures", Permission.MEASURE_READ)
def list_measures(call: FamilyCall) -> Page[MeasureOut]:
    """List the measures that you may see, ended ones too, the oldest first: an institution sees its own only."""
    return Page(items=[_out(call, one) for one in _shown(call)])


@routes.post(
    "/families/{familyId}/measures",
    Permission.MEASURE_RECORD,
    status=201,
    location="/families/{familyId}/measures/{id}",
)
def record_measure(call: FamilyCall, body: MeasureRecording) -> MeasureOut:
    """Record a measure. While one runs, the family is in the court-ordered framework.

    The registrar records it, or the certified institution that carries it out.
    """
    if call.work.actor.agency_id not in (None, body.agency_id):
        raise Forbidden("An institution records the measures that it carries out itself.", code="other_agency")
    given = body.complete() | {"conditions": _by_code(body.conditions)}
    child = _child(call, given.pop("member_id"))
    recorded = measures.record(call.work, call.family, child, given.pop("kind"), given.pop("agency_id"), **given)
    return _out(call, recorded)


@routes.get("/families/{familyId}/measures/{measureId}", Permission.MEASURE_READ)
def get_measure(call: FamilyCall, measure_id: MeasureId) -> MeasureOut:
    """Get a measure that you may see."""
    return _out(call, _one(call, measure_id))


@routes.patch("/families/{familyId}/measures/{measureId}", Permission.MEASURE_RECORD)
def change_measure(call: FamilyCall, measure_id: MeasureId, body: MeasureChange) -> MeasureOut:
    """Change the review date or the conditions: what the body leaves out stays as it is."""
    measure = _to_keep(call, measure_id)
    given = body.given()
    if "conditions" in given:
        given["conditions"] = _by_code(given["conditions"])
    return _out(call, measures.change(call.work, measure, **given))


@routes.post("/families/{familyId}/measures/{measureId}/_extend", Permission.MEASURE_RECORD)
def extend_measure(call: FamilyCall, measure_id: MeasureId, body: MeasureExtension) -> MeasureOut:
    """Extend a running measure to a later day. What rests on it goes along, as far as its agency said."""
    measure = _to_keep(call, measure_id)
    return _out(call, measures.extend(call.work, call.family, measure, body.ends_on, body.review_on))


@routes.post("/families/{familyId}/measures/{measureId}/_end", Permission.MEASURE_RECORD)
def end_measure(call: FamilyCall, measure_id: MeasureId, body: MeasureEnding) -> MeasureOut:
    """End a running measure, now. What rests on it ends with it; after the last one the framework is voluntary."""
    if body.reason is MeasureEnd.EXPIRED:
        raise Forbidden("Spil itself gives this reason. Choose another one.", code="reason_reserved")
    measure = _to_keep(call, measure_id)
    return _out(call, measures.end(call.work, call.family, measure, body.reason))
