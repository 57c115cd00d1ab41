"""One family with something at every path, and an actor who can read each; for looking, never for changing."""

from datetime import date
from typing import Any
from uuid import uuid4

from api.domain import caseload_synchronisations, consents, measures, placing, subscriptions
from api.domain.actor import CLOCK, Actor, Role
from api.domain.codes import (
    AgencyKind,
    ConsentDecision,
    MeasureKind,
    MemberRole,
    RegistrationEnd,
    SubscriptionState,
    SynchronisationState,
)
from api.domain.models import (
    CaseloadSynchronisation,
    Consent,
    Match,
    Measure,
    Registration,
    Subscription,
    SubscriptionKey,
)
from api.domain.work import Work
from tests.registering import long_ago, matches_of
from tests.wire.operations import Operation
from tests.world import Caller, World, a_bsn, ago

FILE_PATH, A_FILE = "/v1/caseload-synchronisations", b"bsn,helpDomains,legalBasis\n"
"""Where a file is sent, and the least there is of one."""


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
        self.synchronisation = self._synchronisation()
        self.subscription, self.signing_key = world.do(self._subscription, world.system(self.agency))
        self.known = self._known()

    def _subscription(self, work: Work) -> tuple[Subscription, SubscriptionKey]:
        """One that delivers nothing."""
        subscription = subscriptions.make(work, "http://127.0.0.1:9/stage", [], [])
        subscription.state = SubscriptionState.PAUSED
        return subscription, subscriptions.keys_of(work, subscription)[0]

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

    def _synchronisation(self) -> CaseloadSynchronisation:
        """A caseload of the agency's of one row that nobody can read, which is compared."""

        def receive(work: Work) -> CaseloadSynchronisation:
            code, reason = self.world.municipality.code, RegistrationEnd.COMPLETED
            begun = caseload_synchronisations.begin(work, code, dry_run=True, end_reason=reason, may_end=None)
            work.session.flush()
            row = caseload_synchronisations.unreadable(work, begun, 1, "malformed", None, None)
            caseload_synchronisations.keep_rows(work, [row])
            received = caseload_synchronisations.receive(work, begun.id)
            received.state = SynchronisationState.COMPARED
            return received

        return self.world.do(receive, self.world.system(self.agency))

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
            "synchronisationId": str(self.synchronisation.id),
            "agencyId": str(self.agency.id),
            "subscriptionId": str(self.subscription.id),
            "signingKeyId": str(self.signing_key.id),
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
        if (method, path.partition("?")[0]) == ("POST", FILE_PATH) and how.get("json", how.get("content")) is None:
            headers, how = {"Content-Type": "text/csv"} | headers, how | {"content": A_FILE}
        if token:
            headers = {"Authorization": f"Bearer {token}"} | headers
        return self.world.client.request(method, path, headers=headers, **how)
