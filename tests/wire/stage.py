"""One family with something at every path, and an actor who can read each; for looking, never for changing."""

from datetime import date
from typing import Any
from uuid import uuid4

from api.domain import consents, measures, placing
from api.domain.actor import CLOCK, Actor, Role
from api.domain.codes import AgencyKind, ConsentDecision, MeasureKind, MemberRole
from api.domain.models import Consent, Match, Measure, Registration
from tests.registering import long_ago, matches_of
from tests.wire.operations import Operation
from tests.world import Caller, World, a_bsn, ago


class Stage:
    """Built by the domain's verbs."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.agency = world.an_agency(AgencyKind.YOUTH_CARE, ["parenting"])
        self.school = world.an_agency(AgencyKind.SCHOOL)
        self.lead, self.colleague = world.a_professional(self.agency), world.a_professional(self.agency)
        self.family = world.a_family()
        self.member, self.person = world.a_member(self.family, bsn=a_bsn())
        self.involvement = world.an_involvement(self.family, self.agency, professional=self.lead)
        self.mandate = world.a_mandate(self.family, self.lead)
        self.point = world.a_contact_point(self.family, self.colleague)
        self.consent = self._consent()
        self.measure = self._measure()
        self.registration, self.match = self._match()
        self.known = self._known()

    def _consent(self) -> Consent:
        """What the member said of another agency."""
        me, school = self.person.id, self.school.id
        return self.world.around(
            self.family,
            lambda work, mine: consents.record(
                work, mine, me, ConsentDecision.OBJECTED, given_by_id=me, agency_id=school
            ),
        )

    def _measure(self) -> Measure:
        institution = self.world.an_agency(AgencyKind.CERTIFIED_INSTITUTION)
        child, _ = self.world.a_member(self.family, MemberRole.CHILD, date(2019, 5, 6))
        return self.world.around(
            self.family,
            lambda work, mine: measures.record(work, mine, child, MeasureKind.SUPERVISION_ORDER, institution.id),
        )

    def _match(self) -> tuple[Registration, Match]:
        """A registration of the agency's that names the lead, and its match with the school's."""
        bsn, at = a_bsn(), ago(minutes=1)
        one, other = (
            long_ago(self.world, agency, bsn, at, professional_id=professional)
            for agency, professional in ((self.agency, self.lead.id), (self.school, None))
        )
        for registration in (one, other):
            self.world.do(lambda work, it=registration: placing.place(work, it.id), CLOCK)  # type: ignore[misc]
        [match] = matches_of(self.world, f"/{one.id}")
        return one, match

    def _known(self) -> dict[str, str]:
        return {
            "familyId": str(self.family.id),
            "memberId": str(self.member.id),
            "personId": str(self.person.id),
            "involvementId": str(self.involvement.id),
            "mandateId": str(self.mandate.id),
            "consentId": str(self.consent.id),
            "measureId": str(self.measure.id),
            "registrationId": str(self.registration.id),
            "matchId": str(self.match.id),
            "agencyId": str(self.agency.id),
            "professionalId": str(self.lead.id),
            "helpDomain": "parenting",
            "municipalityCode": self.world.municipality.code,
        }

    def path(self, operation: Operation, **other: str) -> str:
        """The path of an operation on what there is; with an id of nothing where there is none."""
        path = operation.path
        for name in operation.names_of("path"):
            path = path.replace(f"{{{name}}}", other.get(name) or self.known.get(name) or str(uuid4()))
        assert "{" not in path
        return path

    def token(self, role: Role) -> str:
        return self.world.as_(self.actor(role)).token

    def actor(self, role: Role) -> Actor:
        """Somebody in this role who has to do with the family, where that role ever has."""
        if role is Role.AGENCY_SYSTEM:
            return self.world.system(self.agency)
        if role is Role.PROFESSIONAL:
            return self.world.actor(self.lead)
        if role is Role.FAMILY_MEMBER:
            return self.world.relative(self.person)
        code = None if role is Role.PLATFORM_ADMINISTRATOR else self.world.municipality.code
        return Actor(role=role, subject=f"stage-{role}", municipality_code=code)

    def outsider(self) -> Caller:
        """The system of an agency that has nothing to do with the family."""
        return self.world.as_(self.world.system(self.school))

    def send(self, method: str, path: str, token: str | None = None, **how: Any) -> Any:
        headers = how.pop("headers", {})
        if token:
            headers = {"Authorization": f"Bearer {token}"} | headers
        return self.world.client.request(method, path, headers=headers, **how)
