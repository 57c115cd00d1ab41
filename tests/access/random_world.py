"""A small world put together at random: families, agencies, stages, shielding, ends, absences, ages and authority.

Rows are written straight into the tables, so that states come together that verbs bring about one after the other
only. What no sequence of verbs can bring about is left out: an agency with a running involvement stays active, and
one that only signals has no role.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlmodel import Session

from api.domain import calendar
from api.domain.actor import Actor, Role
from api.domain.codes import (
    AgencyKind,
    Answer,
    ConsentDecision,
    DisclosureStage,
    EmergencyReason,
    FamilyClosing,
    Framework,
    LegalBasis,
    MandateBasis,
    MemberRole,
    Power,
)
from api.domain.models import (
    Absence,
    Agency,
    Consent,
    ContactPoint,
    Deputy,
    EmergencyAccess,
    Entitlement,
    Family,
    Involvement,
    Mandate,
    Member,
    Municipality,
    Person,
    Professional,
)

DOMAINS = ("parenting", "finances", "housing", "child_safety")
ORDER = (
    Municipality,
    Agency,
    Professional,
    Absence,
    Person,
    Family,
    Member,
    Involvement,
    Mandate,
    Deputy,
    ContactPoint,
    Entitlement,
    EmergencyAccess,
    Consent,
)


@dataclass
class RandomWorld:
    """Rows by table, and everybody who could ask. `seed` makes the same world again."""

    seed: int
    size: int = 20
    """How many families."""
    rows: dict[Any, list[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        self.now = datetime.now(UTC)
        self.rows = {table: [] for table in ORDER}
        self._municipalities()
        self._agencies()
        self._persons()
        self._entitlements()
        for _ in range(self.size):
            self._family()

    def write(self, session: Session) -> None:
        for table in ORDER:
            session.add_all(self.rows[table])
            session.flush()
        session.commit()

    @property
    def family_ids(self) -> list[UUID]:
        return [family.id for family in self.rows[Family]]

    def actors(self) -> Iterator[Actor]:
        """Everybody in every role, and some whose token doesn't fit together."""
        for agency in self.rows[Agency]:
            yield Actor(role=Role.AGENCY_SYSTEM, subject="system", agency_id=agency.id)
        for one in self.rows[Professional]:
            yield _professional(one.agency_id, one.id)
        borrowed, lender = self.dice.sample(self.rows[Agency], 2)[0], self._one(Professional)
        yield _professional(borrowed.id, lender.id)
        for person in self.rows[Person]:
            yield Actor(role=Role.FAMILY_MEMBER, subject="person", person_id=person.id)
        for role in (Role.REGISTRAR, Role.PRIVACY_OFFICER, Role.ANALYST):
            for municipality in self.rows[Municipality]:
                yield Actor(role=role, subject=str(role), municipality_code=municipality.code)
        yield Actor(role=Role.PLATFORM_ADMINISTRATOR, subject="administrator")

    def asked(self, family_id: UUID, strangers: int = 8) -> list[Actor]:
        """Who asks after one family: everyone who could have to do with it, and some who can't."""
        near = self._around(family_id)
        everyone = list(self.actors())
        close = [one for one in everyone if {one.agency_id, one.person_id, one.municipality_code} & near]
        far = [one for one in everyone if one not in close]
        return close + self.dice.sample(far, min(strangers, len(far)))

    def _around(self, family_id: UUID) -> set[Any]:
        """The agencies, the persons and the municipality that some row connects with a family."""
        agency_of = {one.id: one.agency_id for one in self.rows[Professional]}
        near = {one.municipality_code for one in self.rows[Family] if one.id == family_id}
        near |= {one.person_id for one in self.rows[Member] if one.family_id == family_id}
        near |= {one.agency_id for one in self.rows[Involvement] if one.family_id == family_id}
        for table in (Mandate, Deputy, ContactPoint, EmergencyAccess):
            near |= {agency_of[one.professional_id] for one in self.rows[table] if one.family_id == family_id}
        return near - {None}

    # How it is made

    def _add(self, row: Any) -> Any:
        row.id = UUID(int=self.dice.getrandbits(128), version=4) if hasattr(row, "id") else None
        self.rows[type(row)].append(row)
        return row

    def _one(self, table: Any) -> Any:
        return self.dice.choice(self.rows[table])

    def _chance(self, probability: float) -> bool:
        return self.dice.random() < probability

    def _period(self, *, open_ended: bool = True, ended: float = 0.25) -> dict[str, Any]:
        """Most run now, some are over; some of what runs has an end already."""
        started = self.now - timedelta(minutes=self.dice.randrange(100, 60_000))
        if self._chance(ended):
            return {"started_at": started, "ends_at": self.now - timedelta(minutes=self.dice.randrange(5, 95))}
        ends = None if open_ended and self._chance(0.6) else self.now + timedelta(minutes=self.dice.randrange(60, 9999))
        return {"started_at": started, "ends_at": ends}

    def _municipalities(self) -> None:
        """Two, with codes that the worlds of other seeds nearby don't have."""
        for code in (self.seed * 2 % 9998 + 1, self.seed * 2 % 9998 + 2):
            team = {f"access_team_{name}": "team" for name in ("name", "phone", "email")}
            row = Municipality(code=f"{code:04d}", name="Gemeente", **team)
            self.rows[Municipality].append(row)

    def _agencies(self) -> None:
        for number in range(8):
            agency = self._add(
                Agency(
                    name=f"Instantie {number}",
                    kind=self.dice.choice(list(AgencyKind)),
                    signal_only=number == 0,
                    active=number != 1,
                )
            )
            staff = [self._professional(agency, active=place != 3) for place in range(4)]
            for one in staff:
                if self._chance(0.4):
                    cover = self.dice.choice([other for other in staff if other is not one])
                    self._add(Absence(professional_id=one.id, cover_id=cover.id, **self._period(open_ended=False)))

    def _entitlements(self) -> None:
        for agency in self.rows[Agency][2:6]:
            for municipality in self.rows[Municipality]:
                period = self._period()
                self._add(Entitlement(municipality_code=municipality.code, agency_id=agency.id, **period))

    def _emergency(self, family: Family) -> None:
        """Mostly under an entitlement of the responsible municipality; at times of one it was of before it moved."""
        if not self._chance(0.5):
            return
        given = self._one(Entitlement)
        who = self.dice.choice([one for one in self.rows[Professional] if one.agency_id == given.agency_id])
        ends_at = self.now + timedelta(minutes=self.dice.choice((-60, 60)))
        self._add(
            EmergencyAccess(
                family_id=family.id,
                entitlement_id=given.id,
                agency_id=given.agency_id,
                professional_id=who.id,
                reason=self.dice.choice(list(EmergencyReason)),
                started_at=ends_at - timedelta(hours=2),
                ends_at=ends_at,
            )
        )

    def _professional(self, agency: Agency, *, active: bool) -> Any:
        return self._add(Professional(agency_id=agency.id, name="Medewerker", function="hulpverlener", active=active))

    def _persons(self) -> None:
        for municipality in self.rows[Municipality]:
            for _ in range(self.size):
                born = self._birth_date()
                person = Person(municipality_code=municipality.code, given_name="Sam", surname="Voorbeeld")
                person.birth_date, person.shielded = born, self._chance(0.15)
                self._add(person)

    def _birth_date(self) -> date | None:
        """Of all ages, and often of one at which something changes, give or take a day."""
        if self._chance(0.1):
            return None
        today = calendar.today()
        if self._chance(0.4):
            day = today + timedelta(days=self.dice.choice((-1, 0, 1)))
            return date(day.year - self.dice.choice((12, 16)), day.month, min(day.day, 28))
        return today - timedelta(days=self.dice.randrange(1, 20_000))

    def _family(self) -> None:
        code = self._one(Municipality).code
        closed = self._chance(0.1)
        family = self._add(
            Family(
                municipality_code=code,
                name="Familie",
                framework=Framework.VOLUNTARY,
                opened_at=self.now - timedelta(days=60),
                changed_at=self.now - timedelta(minutes=5),
                closed_at=self.now - timedelta(minutes=4) if closed else None,
                closing=FamilyClosing.COMPLETED if closed else None,
            )
        )
        self._members(family)
        self._consents(family)
        if not closed:
            self._involvements(family)
            self._mandates(family)
            self._contact_points(family)
            self._emergency(family)

    def _members(self, family: Family) -> None:
        known = [person for person in self.rows[Person] if person.municipality_code == family.municipality_code]
        for person in self.dice.sample(known, self.dice.randrange(1, 6)):
            role = self.dice.choice(list(MemberRole))
            authority = self._chance(0.5)
            who: dict[str, Any] = {"family_id": family.id, "person_id": person.id}
            self._add(Member(**who, role=role, parental_authority=authority, **self._period()))

    def _consents(self, family: Family) -> None:
        """Members from sixteen on who let another member look at what is about them; some took it back."""
        people = {one.id: one for one in self.rows[Person]}
        members = [people[one.person_id] for one in self.rows[Member] if one.family_id == family.id]
        grown = [
            one.id for one in members if one.birth_date and one.birth_date < calendar.today() - timedelta(days=17 * 366)
        ]
        for who in grown:
            to = self.dice.choice(members).id
            if to != who and self._chance(0.6):
                row = Consent(
                    family_id=family.id, person_id=who, decision=ConsentDecision.GIVEN, **self._period(open_ended=False)
                )
                row.given_by_id, row.to_person_id = who, to
                row.withdrawn_at = self.now - timedelta(minutes=2) if self._chance(0.2) else None
                self._add(row)

    def _involvements(self, family: Family) -> None:
        taken: set[tuple[UUID, UUID | None]] = set()
        members = [one.person_id for one in self.rows[Member] if one.family_id == family.id]
        for _ in range(self.dice.randrange(7)):
            agency = self._one(Agency)
            staff = [one.id for one in self.rows[Professional] if one.agency_id == agency.id and one.active]
            named = self.dice.choice([*staff, None]) if staff else None
            if (agency.id, named) in taken:
                continue
            taken.add((agency.id, named))
            domains = self.dice.sample(DOMAINS, self.dice.randrange(1, 4))
            row = Involvement(family_id=family.id, agency_id=agency.id, professional_id=named, help_domains=domains)
            row.shielded = self._chance(0.25)
            row.disclosure_stage = self.dice.choice(list(DisclosureStage))
            row.person_id = self.dice.choice(members) if self._chance(0.4) else None
            self._add(row.sqlmodel_update(self._course(agency)))

    def _course(self, agency: Agency) -> dict[str, Any]:
        """How far it came: asked only, refused, running or over. An agency that has left is no more than asked."""
        fate = self.dice.choice(("asked", "declined", "withdrawn", "runs", "runs", "runs", "runs"))
        if fate == "asked":
            return {"invited_at": self.now - timedelta(days=1)}
        if fate in {"declined", "withdrawn"}:
            return {"invited_at": self.now - timedelta(days=1), "answer": fate, "answered_at": self.now}
        basis = {"answer": "accepted", "legal_basis": self.dice.choice(list(LegalBasis))}
        return basis | self._period(ended=0.25 if agency.active else 1.0)

    def _leads(self, family: Family) -> list[Any]:
        """Who could have a role here: mostly someone of an agency that was once openly involved."""
        agencies = {
            one.agency_id for one in self.rows[Involvement] if one.family_id == family.id and one.answer == "accepted"
        }
        usable = {one.id for one in self.rows[Agency] if one.active and not one.signal_only}
        staff = [one for one in self.rows[Professional] if one.agency_id in usable and one.active]
        near = [one for one in staff if one.agency_id in agencies]
        return near if near and self._chance(0.9) else staff

    def _mandates(self, family: Family) -> None:
        terms: dict[str, Any] = {
            "legal_basis": MandateBasis.CONSENT,
            "granted_by": family.municipality_code,
            "family_id": family.id,
        }
        if self._chance(0.7):
            row = Mandate(**terms, professional_id=self.dice.choice(self._leads(family)).id)
            row.powers = [str(power) for power in self.dice.sample(list(Power), self.dice.randrange(1, 6))]
            row.proposed_at, row.answer = self.now - timedelta(days=50), Answer.ACCEPTED
            self._add(row.sqlmodel_update(self._period(open_ended=False, ended=0.15)))
            if self._chance(0.6):
                deputy = self.dice.choice(self._leads(family)).id
                period = self._period(open_ended=False)
                self._add(Deputy(family_id=family.id, mandate_id=row.id, professional_id=deputy, **period))
        if self._chance(0.4):
            row = Mandate(**terms, professional_id=self.dice.choice(self._leads(family)).id, powers=["convene"])
            row.proposed_at = self.now - timedelta(hours=1)
            row.ends_at = self.now + timedelta(days=self.dice.choice((-1, 9)))
            self._add(row)

    def _contact_points(self, family: Family) -> None:
        for domain in self.dice.sample(DOMAINS, self.dice.randrange(4)):
            professional = self.dice.choice(self._leads(family)).id
            period = self._period(ended=0.1)
            self._add(ContactPoint(family_id=family.id, help_domain=domain, professional_id=professional, **period))


def _professional(agency: UUID, professional: UUID) -> Actor:
    return Actor(role=Role.PROFESSIONAL, subject="professional", agency_id=agency, professional_id=professional)
