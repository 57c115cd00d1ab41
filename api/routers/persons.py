"""Persons: whom a municipality knows. Only a registrar finds them, and never by a URI."""

import re
from typing import Annotated, Self
from uuid import UUID

from pydantic import MISSING, AfterValidator, Field, SecretStr, model_validator

from api.auth.calls import Call
from api.auth.guards import Routes
from api.auth.policy import Permission
from api.domain import persons
from api.domain.models import Person
from api.paging import Page
from api.routers.parameters import PersonId
from api.shapes import Body, CleanText, Day, Out, YesNo

routes = Routes("Persons")


def _nine_digits(bsn: SecretStr) -> SecretStr:
    if not re.fullmatch("[0-9]{9}", bsn.get_secret_value()):
        raise ValueError("Give nine digits.")
    return bsn


Bsn = Annotated[
    SecretStr,
    AfterValidator(_nine_digits),
    Field(
        description="Nine digits that pass the eleven-test.",
        examples=["999990019"],
        json_schema_extra={"format": "bsn", "pattern": "^[0-9]{9}$"},
    ),
]


SHIELDED = "Whereabouts are secret: only the lead coordinator and the registrar see that they are a member of a family."


class PersonRegistration(Body):
    """A person. With a BSN that your municipality knows already, it is that person."""

    given_name: CleanText
    surname: CleanText
    birth_date: Day | None = None
    bsn: Bsn | None = None
    shielded: YesNo = Field(default=False, description=SHIELDED)


class PersonChange(Body):
    """What changes of a person."""

    given_name: CleanText | MISSING = MISSING
    surname: CleanText | MISSING = MISSING
    birth_date: Day | None | MISSING = MISSING
    bsn: Bsn | MISSING = MISSING
    shielded: YesNo | MISSING = Field(default=MISSING, description=SHIELDED)


class PersonSearch(Body):
    """Whom to look for: by BSN, or by surname and birth date."""

    bsn: Bsn | None = None
    surname: CleanText | None = None
    birth_date: Day | None = None

    @model_validator(mode="after")
    def has_enough(self) -> Self:
        if not self.bsn and not (self.surname and self.birth_date):
            raise ValueError("Give a bsn, or a surname and a birthDate.")
        return self


class PersonOut(Out):
    """A person your municipality knows. `hasBsn`: whether a BSN is on record; only GET of one person gives it."""

    id: UUID
    given_name: str
    surname: str
    birth_date: Day | None
    shielded: bool
    has_bsn: bool
    family_ids: list[UUID]


class PersonWithBsn(PersonOut):
    """A person with their BSN."""

    bsn: str | None


def _person(call: Call, person: Person) -> PersonOut:
    return PersonOut.of(
        person, has_bsn=person.bsn_sealed is not None, family_ids=list(persons.families_of(call.work, person))
    )


@routes.search("/persons/_search", Permission.PERSON_FIND)
def search_persons(call: Call, body: PersonSearch) -> Page[PersonOut]:
    """Find persons your municipality knows, by BSN or by surname and birth date."""
    code = call.work.actor.municipality_code or ""
    if body.bsn:
        known = persons.find_by_bsn(call.work, body.bsn.get_secret_value(), code)
        found = [known] if known else []
    else:
        found = list(persons.find_by_name(call.work, str(body.surname), body.birth_date or Day.min, code))
    for person in found:
        call.work.record(Permission.PERSON_FIND, "shown", shown_person_id=person.id)
    return Page(items=[_person(call, person) for person in found])


@routes.get("/persons/{personId}", Permission.PERSON_FIND)
def get_person(call: Call, person_id: PersonId) -> PersonWithBsn:
    """Get a person your municipality knows, with their BSN."""
    person = persons.get(call.work, person_id)
    call.work.record(Permission.PERSON_FIND, "shown", shown_person_id=person.id)
    return _with_bsn(call, person)


def _current(call: Call, person_id: PersonId) -> PersonWithBsn:
    """What a reader sees, without the record of a reader."""
    return _with_bsn(call, persons.get(call.work, person_id))


@routes.patch("/persons/{personId}", Permission.PERSON_CHANGE, current=_current)
def change_person(call: Call, person_id: PersonId, body: PersonChange) -> PersonOut:
    """Change a person your municipality knows: what the body leaves out stays as it is."""
    person = persons.get(call.work, person_id)
    persons.change(call.work, person, **body.given())
    return _person(call, person)


def _with_bsn(call: Call, person: Person) -> PersonWithBsn:
    shown = _person(call, person)
    return PersonWithBsn(**shown.model_dump(), bsn=persons.bsn_of(call.work, person))
