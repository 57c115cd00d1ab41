"""Registrations: an agency says that it is involved with a person, and hears nothing of who else is."""

from datetime import date, datetime
from typing import Self
from uuid import UUID

from pydantic import MISSING, Field, model_validator

from api.auth.calls import Call
from api.auth.guards import Routes
from api.auth.policy import Permission
from api.domain import confirmations, involvements, persons, registrations, signals
from api.domain.codes import ContactFrequency, Kinship, LegalBasis, RegistrationEnd, RegistrationState
from api.domain.errors import Forbidden, Invalid, NotFound
from api.domain.models import Agency, Person, Registration
from api.paging import Cursor, Limit, Page, decode, encode
from api.routers.involvements import GROUND, HelpDomains
from api.routers.parameters import RegistrationId
from api.routers.persons import Bsn, PersonRegistration
from api.shapes import Body, CleanText, Day, Id, LegalGroundCode, Moment, MunicipalityCode, Out, YesNo

routes = Routes("Registrations")

BASIS_ENDS = "The last day on which the legal basis holds; consent always has one. The registration ends with it."
SHIELDED = "If it joins a family, it does so as a shielded involvement; nobody is told of a match."
RESERVED = {RegistrationEnd.LEGAL_BASIS_ENDED, RegistrationEnd.EXPIRED}
NOT_GIVEN = RESERVED | {RegistrationEnd.REJECTED, RegistrationEnd.DUPLICATE}


class RegisteredRelative(Body):
    """A parent or child of the person. It is only ever used to find that two agencies help one family."""

    kinship: Kinship
    bsn: Bsn


class NewRegistration(Body):
    """Whom your agency is involved with, and with what. By `bsn`; without one by names and birth date."""

    municipality_code: MunicipalityCode
    bsn: Bsn | None = None
    given_name: CleanText | None = None
    surname: CleanText | None = None
    birth_date: Day | None = None
    help_domains: HelpDomains
    legal_basis: LegalBasis
    legal_basis_ends_on: Day | None = Field(default=None, description=BASIS_ENDS)
    legal_ground: LegalGroundCode | None = Field(default=None, description=GROUND)
    professional_id: Id | None = Field(
        default=None, description="Who does it; a professional of the agency. A professional registers for themselves."
    )
    contact_frequency: ContactFrequency | None = None
    shielded: YesNo = Field(default=False, description=SHIELDED)
    relatives: list[RegisteredRelative] = Field(default=[], max_length=20)

    @model_validator(mode="after")
    def says_who(self) -> Self:
        if not self.bsn and not (self.given_name and self.surname and self.birth_date):
            raise ValueError("Give a bsn, or a givenName, surname and birthDate.")
        return self


class RegistrationChange(Body):
    """What changes of a registration. A changed basis and its last day go together."""

    help_domains: HelpDomains | MISSING = MISSING
    professional_id: Id | None | MISSING = MISSING
    contact_frequency: ContactFrequency | None | MISSING = MISSING
    legal_basis: LegalBasis | MISSING = MISSING
    legal_basis_ends_on: Day | None | MISSING = Field(default=MISSING, description=BASIS_ENDS)
    legal_ground: LegalGroundCode | None | MISSING = Field(default=MISSING, description=GROUND)
    shielded: YesNo | MISSING = Field(default=MISSING, description=SHIELDED)


class RegistrationEnding(Body):
    """How the registration came to its end."""

    reason: RegistrationEnd


class PersonConfirmation(Body):
    """Who a registration is about: one that is known (`personId`), or a new one (`person`), with a BSN."""

    person_id: Id | None = None
    person: PersonRegistration | None = None

    @model_validator(mode="after")
    def is_one_person(self) -> Self:
        if (self.person_id is None) == (self.person is None):
            raise ValueError("Give either a personId or a person.")
        return self


class RegistrationOut(Out):
    """Your agency's own registration. `expiresAt`: when it ends by itself, unless it is part of a family then.

    `matchSharedAt`: since when you may know that another agency is involved too; not which. `familyId`: the family it
    is part of, for as long as that involvement of yours runs.
    """

    id: UUID
    municipality_code: MunicipalityCode
    agency_id: UUID
    professional_id: UUID | None
    given_name: str | None
    surname: str | None
    birth_date: date | None
    has_bsn: bool
    help_domains: list[str]
    legal_basis: LegalBasis
    legal_basis_ends_on: date | None
    legal_ground: str | None
    contact_frequency: ContactFrequency | None
    shielded: bool
    state: RegistrationState
    registered_at: Moment
    expires_at: Moment
    match_shared_at: Moment | None
    consulted_at: Moment | None
    ended_at: Moment | None
    end_reason: RegistrationEnd | None
    family_id: UUID | None
    involvement_id: UUID | None


class UnconfirmedRegistration(Out):
    """A registration of a person without a BSN: who it may be, and which agency says so. Not why."""

    id: UUID
    agency_id: UUID
    agency_name: str
    given_name: str
    surname: str
    birth_date: date
    help_domains: list[str]
    registered_at: Moment


def _own(call: Call, registration: Registration) -> RegistrationOut:
    """What its agency sees of it; that it is part of a family is a disclosure of that family."""
    over = signals.ending(call.work, registration)
    involvement = registrations.involvement_of(call.work, registration)
    if involvement:
        call.work.record(
            Permission.REGISTRATION_READ,
            "shown",
            family_id=involvement.family_id,
            legal_basis=involvement.legal_basis,
            shown_person_id=involvement.person_id,
        )
    return RegistrationOut.of(
        registration,
        has_bsn=registration.bsn_sealed is not None,
        state=signals.state(call.work, registration),
        end_reason=over[0] if over else None,
        ended_at=over[1] if over else None,
        family_id=involvement.family_id if involvement else None,
        involvement_id=involvement.id if involvement else None,
    )


def _unconfirmed(call: Call, registration: Registration, agency: Agency) -> UnconfirmedRegistration:
    call.work.record(Permission.REGISTRATION_CONFIRM, "shown")
    return UnconfirmedRegistration.of(registration, agency_name=agency.name)


def _after(cursor: str | None) -> tuple[datetime, UUID] | None:
    position = decode(cursor, datetime.fromisoformat, UUID)
    return (position[0], position[1]) if position else None


def _next(found: list[Registration], limit: int) -> str | None:
    last = found[limit - 1] if len(found) > limit else None
    return encode([last.registered_at.isoformat(), str(last.id)]) if last else None


@routes.post("/registrations", Permission.REGISTRATION_MAKE, status=201, location="/registrations/{id}")
def make_registration(call: Call, body: NewRegistration) -> RegistrationOut:
    """Register that your agency is involved with a person. The answer is the same whoever else is involved.

    What follows is found afterwards: if the person belongs to a family in a coordinated approach, your involvement
    joins it, and `GET` shows the `familyId`. If not, it waits as a signal that nobody else sees, until it expires.
    """
    subject = registrations.Subject(
        bsn=body.bsn.get_secret_value() if body.bsn else None,
        given_name=body.given_name,
        surname=body.surname,
        birth_date=body.birth_date,
    )
    terms = involvements.Terms(
        legal_basis=body.legal_basis,
        legal_basis_ends_on=body.legal_basis_ends_on,
        legal_ground=body.legal_ground,
        professional_id=body.professional_id,
        contact_frequency=body.contact_frequency,
        shielded=body.shielded,
    )
    relatives = [(one.kinship, one.bsn.get_secret_value()) for one in body.relatives]
    return _own(
        call, registrations.make(call.work, body.municipality_code, subject, body.help_domains, terms, relatives)
    )


@routes.get("/registrations", Permission.REGISTRATION_READ)
def list_registrations(call: Call, cursor: Cursor = None, limit: Limit = 50) -> Page[RegistrationOut]:
    """List your agency's registrations, ended ones too, the oldest first. A professional sees those that name them."""
    found = list(registrations.own(call.work, _after(cursor), limit))
    return Page(items=[_own(call, one) for one in found[:limit]], next_cursor=_next(found, limit))


@routes.get("/registrations/_unconfirmed", Permission.REGISTRATION_CONFIRM)
def list_unconfirmed_registrations(
    call: Call, cursor: Cursor = None, limit: Limit = 50
) -> Page[UnconfirmedRegistration]:
    """List the registrations without a BSN that wait until your municipality says who they are about."""
    found = list(confirmations.unconfirmed(call.work, _after(cursor), limit))
    shown = [_unconfirmed(call, *one) for one in found[:limit]]
    return Page(items=shown, next_cursor=_next([one for one, _ in found], limit))


@routes.get("/registrations/{registrationId}", Permission.REGISTRATION_READ)
def get_registration(call: Call, registration_id: RegistrationId) -> RegistrationOut:
    """Get a registration of your agency; another's is a 404, like one that doesn't exist."""
    return _own(call, registrations.get(call.work, registration_id))


def _current(call: Call, registration_id: RegistrationId) -> RegistrationOut:
    """What its agency sees, kept like that: the worker may be placing it."""
    return _own(call, registrations.get_to_change(call.work, registration_id))


@routes.patch("/registrations/{registrationId}", Permission.REGISTRATION_MAINTAIN, current=_current)
def change_registration(call: Call, registration_id: RegistrationId, body: RegistrationChange) -> RegistrationOut:
    """Change a registration of your agency: what the body leaves out stays. One that joined changes there too."""
    registration = registrations.get_to_change(call.work, registration_id)
    return _own(call, registrations.change(call.work, registration, **body.given()))


@routes.post("/registrations/{registrationId}/_renew", Permission.REGISTRATION_MAINTAIN)
def renew_registration(call: Call, registration_id: RegistrationId) -> RegistrationOut:
    """Say that your agency still is involved. A signal then waits for another two years, if its basis lasts."""
    return _own(call, registrations.renew(call.work, registrations.get_to_change(call.work, registration_id)))


@routes.post("/registrations/{registrationId}/_consulted", Permission.REGISTRATION_MAINTAIN)
def record_consultation(call: Call, registration_id: RegistrationId) -> RegistrationOut:
    """Record that you have consulted the others: after a match was shared, or once it is part of a family.

    With a statutory task as its basis, your agency is shown who leads and whom to call from then on.
    """
    registration = registrations.get_to_change(call.work, registration_id)
    return _own(call, registrations.record_consultation(call.work, registration))


@routes.post("/registrations/{registrationId}/_end", Permission.REGISTRATION_MAINTAIN)
def end_registration(call: Call, registration_id: RegistrationId, body: RegistrationEnding) -> RegistrationOut:
    """End a registration of your agency, now, and the involvement it had become if that carries nothing else."""
    if body.reason in NOT_GIVEN:
        raise Forbidden("An agency doesn't give this reason. Choose another one.", code="reason_reserved")
    registration = registrations.get_to_change(call.work, registration_id)
    return _own(call, registrations.end(call.work, registration, body.reason))


@routes.post("/registrations/{registrationId}/_confirm", Permission.REGISTRATION_CONFIRM, status=204)
def confirm_registered_person(call: Call, registration_id: RegistrationId, body: PersonConfirmation) -> None:
    """Say who a registration without a BSN is about. What follows from it is found afterwards."""
    registration = confirmations.get(call.work, registration_id)
    confirmations.confirm(call.work, registration, _person(call, body))


@routes.post("/registrations/{registrationId}/_reject", Permission.REGISTRATION_CONFIRM, status=204)
def reject_registration(call: Call, registration_id: RegistrationId) -> None:
    """Say that your municipality can't find who a registration without a BSN is about. It ends."""
    confirmations.reject(call.work, confirmations.get(call.work, registration_id))


def _person(call: Call, body: PersonConfirmation) -> Person:
    if body.person:
        code = call.work.actor.municipality_code or ""
        return persons.register(call.work, code, **body.person.complete())
    try:
        return persons.get(call.work, body.person_id or UUID(int=0))
    except NotFound as missing:
        raise Invalid(missing.sentence, field="personId") from None
