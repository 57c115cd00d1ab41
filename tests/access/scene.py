"""One family with everyone around it, and everyone who is not: who is who in the tests of access."""

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from uuid import UUID, uuid4

from api.domain import families, mandates
from api.domain.actor import Actor, Role
from api.domain.codes import AgencyKind, MemberRole, Strategy
from api.domain.models import Agency, Deputy, Family, Involvement, Mandate, Member, Municipality, Person
from api.domain.work import Work
from tests.world import ADMINISTRATOR, World, a_bsn, in_days


@dataclass
class Scene:
    """Built by the domain's verbs. Names say what someone is to the family."""

    world: World
    shield: bool = True
    """Whether the shelter is involved too, which only its own people, the lead and the registrar may know."""

    def __post_init__(self) -> None:
        world = self.world
        self.elsewhere: Municipality = world.a_municipality()
        self.family: Family = world.a_family()
        world.around(self.family, self._name_strategy)
        self.bsn = a_bsn()
        self.parent, self.parent_person = world.a_member(self.family, birth_date=date(1985, 4, 1), bsn=self.bsn)
        self.teenager, self.teenager_person = self._child(date(2010, 2, 3))
        self.small_child, self.small_child_person = self._child(date(2018, 5, 6))
        self.youth_care: Agency = world.an_agency(AgencyKind.YOUTH_CARE)
        self.debt_help: Agency = world.an_agency(AgencyKind.DEBT_HELP)
        self.shelter: Agency = world.an_agency(AgencyKind.WOMENS_SHELTER)
        self.invited: Agency = world.an_agency(AgencyKind.MENTAL_HEALTH)
        self.school: Agency = world.an_agency(AgencyKind.SCHOOL)
        self._fill()

    def _name_strategy(self, work: Work, family: Family) -> None:
        families.change(work, family, strategy=Strategy.PROP_AND_SUPPORT)

    def _child(self, birth_date: date) -> tuple[Member, Person]:
        return self.world.a_member(self.family, MemberRole.CHILD, birth_date)

    def _fill(self) -> None:
        world, family = self.world, self.family
        self.lead, self.deputy, self.candidate, self.contact, self.bystander = (
            world.a_professional(self.youth_care) for _ in range(5)
        )
        self.named, self.absent, self.cover, self.unnamed = (world.a_professional(self.debt_help) for _ in range(4))
        self.shielded_worker = world.a_professional(self.shelter)
        self.asked = world.a_professional(self.invited)
        self.teacher = world.a_professional(self.school)
        domains = ("parenting", "child_development")
        self.open_involvement = world.an_involvement(family, self.youth_care, domains, professional=self.lead)
        self.debt_involvement = world.an_involvement(family, self.debt_help, ["finances"], professional=self.named)
        world.an_involvement(family, self.debt_help, ["housing"], professional=self.absent)
        self.shielded_involvement: Involvement | None = self._shielded() if self.shield else None
        self.invitation = world.an_invitation(family, self.invited, ["mental_health"])
        self.mandate: Mandate = world.a_mandate(family, self.lead)
        self.deputy_row = world.around(family, self._name_deputy)
        world.a_contact_point(family, self.contact)
        self.proposal: Mandate = world.around(family, self._propose_successor)
        world.an_absence(self.absent, cover=self.cover)

    def _shielded(self) -> Involvement:
        return self.world.an_involvement(
            self.family, self.shelter, ["child_safety", "parenting"], professional=self.shielded_worker, shielded=True
        )

    def _name_deputy(self, work: Work, family: Family) -> Deputy:
        mandate = mandates.get(work, family, self.mandate.id)
        return mandates.name_deputy(work, family, mandate, self.deputy.id, in_days(0), in_days(9))

    def _propose_successor(self, work: Work, family: Family) -> Mandate:
        mandate = mandates.get(work, family, self.mandate.id)
        return mandates.transfer(work, family, mandate, self.candidate.id, may_widen=True)

    @property
    def path(self) -> str:
        return f"/families/{self.family.id}"

    @cached_property
    def related(self) -> dict[str, Actor]:
        """Everyone who has a relation to the family, by the name of it."""
        world = self.world
        return {
            "registrar": world.registrar,
            "lead": world.actor(self.lead),
            "deputy": world.actor(self.deputy),
            "contact_point": world.actor(self.contact),
            "involved_system": world.system(self.debt_help),
            "named": world.actor(self.named),
            "cover": world.actor(self.cover),
            "invited_system": world.system(self.invited),
            "candidate": world.actor(self.candidate),
            "parent": world.relative(self.parent_person),
            "teenager": world.relative(self.teenager_person),
            "officer": world.officer(),
        }

    @cached_property
    def outsiders(self) -> dict[str, Actor]:
        """One or more of each role who have nothing to do with the family."""
        world, other = self.world, self.elsewhere
        _, stranger = world.a_member(world.a_family())
        code = world.municipality.code
        return {
            "uninvolved agency's system": world.system(self.school),
            "professional of an uninvolved agency": world.actor(self.teacher),
            "colleague who isn't named": world.actor(self.unnamed),
            "lead's colleague without a role": world.actor(self.bystander),
            "professional of the invited agency who isn't asked": world.actor(self.asked),
            "registrar elsewhere": world.a_registrar(other),
            "analyst": Actor(role=Role.ANALYST, subject="analyst", municipality_code=code),
            "platform administrator": ADMINISTRATOR,
            "privacy officer elsewhere": world.officer(other),
            "member of another family": world.relative(stranger),
            "small child": world.relative(self.small_child_person),
            "someone who borrows a professional's id": Actor(
                role=Role.PROFESSIONAL, subject="x", agency_id=self.school.id, professional_id=self.lead.id
            ),
        }

    def inside(self, family_id: UUID) -> dict[str, str]:
        """What fills the path of a route under a family."""
        return {
            "familyId": str(family_id),
            "memberId": str(self.parent.id),
            "involvementId": str(self.debt_involvement.id),
            "mandateId": str(self.mandate.id),
            "deputyId": str(self.deputy_row.id),
            "helpDomain": "parenting",
            "consentId": str(uuid4()),
            "measureId": str(uuid4()),
            "holdId": str(uuid4()),
        }

    @property
    def persons(self) -> set[UUID]:
        """Whom a disclosure of the family is about."""
        return {one.person_id for one in (self.parent, self.teenager, self.small_child)}

    def nowhere(self) -> dict[str, str]:
        """The same ids for nothing that there is."""
        return {
            name: str(uuid4()) for name in self.inside(self.family.id) if name.endswith("Id") and name != "familyId"
        }

    def bodies(self) -> dict[str, object]:
        """A valid body for every route under a family that takes one, by the end of its path."""
        someone = str(self.contact.id)
        return {
            "PATCH ": {"name": "De Wit"},
            "POST _close": {"closing": "completed"},
            "POST _move": {"municipalityCode": self.elsewhere.code},
            "POST _merge": {"intoFamilyId": str(self.family.id)},
            "POST members": {"person": {"givenName": "Jo", "surname": "Wit"}, "role": "child"},
            "PATCH members": {"role": "other"},
            "POST members _move": {"familyId": str(uuid4())},
            "POST involvements": {
                "helpDomains": ["finances"],
                "legalBasis": "statutory_task",
                "legalGround": "debt_help",
            },
            "POST involvements _invite": {"agencyId": str(self.school.id), "helpDomains": ["finances"]},
            "PATCH involvements": {"contactFrequency": "weekly"},
            "POST involvements _disclose": {"stage": "agencies"},
            "POST involvements _accept": {"legalBasis": "statutory_task", "legalGround": "treatment"},
            "POST involvements _decline": {"reason": "no_capacity"},
            "POST involvements _end": {"reason": "completed"},
            "POST consents": {"memberId": str(self.parent.id), "decision": "objected", "helpDomain": "justice"},
            "POST measures": {
                "memberId": str(self.small_child.id),
                "kind": "supervision_order",
                "agencyId": str(self.youth_care.id),
            },
            "PATCH measures": {"reviewOn": str(in_days(30))},
            "POST measures _extend": {"endsOn": str(in_days(300))},
            "POST measures _end": {"reason": "lifted"},
            "POST mandates": {
                "professionalId": someone,
                "powers": ["convene"],
                "legalBasis": "measure",
                "endsOn": str(in_days(9)),
            },
            "PATCH mandates": {"powers": ["convene"]},
            "POST mandates _decline": {"reason": "no_capacity"},
            "POST mandates _transfer": {"professionalId": someone},
            "POST mandates _end": {"reason": "completed"},
            "POST mandates deputies": {
                "professionalId": someone,
                "startsOn": str(in_days(20)),
                "endsOn": str(in_days(30)),
            },
            "PUT contact-points": {"professionalId": someone},
            "POST disclosure-holds": {"endsOn": str(in_days(9))},
        }

    def body_for(self, method: str, path: str) -> object | None:
        parts = path.partition("/families/{familyId}")[2].strip("/").split("/")
        words = " ".join(part for part in parts if part and not part.startswith("{"))
        return self.bodies().get(f"{method} {words}")
