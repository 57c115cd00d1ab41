"""The rules of access, written a second time: from what the field asks for, not from the code that decides.

It is slow and plain on purpose, knows no database and no HTTP, and imports nothing of Spil. The tests hold the service
against it; where the two differ, one of them is wrong, and `docs/privacy.md` says how to find out which.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from datetime import date
from typing import Any

from tests.access.picture import Emergency, Family, Field, Involvement, Mandate, Reader, Role

REGISTRAR, PRIVACY_OFFICER = "registrar", "privacy_officer"
LEAD, DEPUTY, CONTACT_POINT = "lead_coordinator", "deputy", "contact_point"
INVOLVED, CONSULTING, SIGNALLING = "involved_agency", "consulting_agency", "signalling_agency"
INVITED, PROPOSED, EMERGENCY, MEMBER = "invited_agency", "proposed_lead", "emergency_access", "member"

BY_STAGE = {"others_involved": SIGNALLING, "lead_and_contact_points": CONSULTING, "agencies": INVOLVED}
LOOKS_FROM, DECIDES_FROM = 12, 16
"""From which age a child looks, and from which a parent looks with the young person's consent only."""


@dataclass(frozen=True)
class Moment:
    """The field at an instant, which is on some day where the families live."""

    field: Field
    at: Any
    today: date

    def age(self, person: Hashable) -> int | None:
        born = self.field.persons[person].born
        if born is None:
            return None
        return self.today.year - born.year - ((self.today.month, self.today.day) < (born.month, born.day))

    def works(self, reader: Reader) -> bool:
        """Whether the reader's agency exists for Spil, and whoever reads for it works there."""
        agency = self.field.agencies.get(reader.agency)
        if agency is None or not agency.active:
            return False
        return reader.role == "agency_system" or self._works_at(reader.professional, reader.agency)

    def _works_at(self, professional: Hashable, agency: Hashable) -> bool:
        known = self.field.professionals.get(professional)
        return known is not None and known.active and known.agency == agency

    def covered_by(self, professional: Hashable) -> set[Hashable]:
        return {who for who, cover, period in self.field.absences if cover == professional and period.holds(self.at)}

    def running(self, family: Family) -> list[Involvement]:
        return [one for one in family.involvements if not one.open and one.period.holds(self.at)]

    def carries(self, family: Family, professional: Hashable, domain: str | None = None) -> bool:
        """A role rests on an involvement that everyone may see, of an agency that does more than signal."""
        known = self.field.professionals.get(professional)
        agency = self.field.agencies.get(known.agency) if known else None
        if known is None or agency is None or not (known.active and agency.active) or agency.signal_only:
            return False
        grounds = [one for one in self.running(family) if one.agency == known.agency and not one.shielded]
        return any(domain is None or domain in one.domains for one in grounds)

    def leading(self, family: Family) -> Mandate | None:
        """The mandate in force, if any."""
        for one in family.mandates:
            if not one.open and one.period.holds(self.at) and self.carries(family, one.professional):
                return one
        return None

    def relations(self, reader: Reader, family: Family) -> frozenset[str]:
        """What the reader is to the family. Nothing at all: to them there is no such family."""
        if reader.role == "registrar":
            return frozenset({REGISTRAR} if reader.municipality == family.municipality else ())
        if reader.role == "privacy_officer":
            return frozenset({PRIVACY_OFFICER} if reader.municipality == family.municipality else ())
        if reader.role == "family_member":
            return frozenset({MEMBER} if self._may_look(reader, family) else ())
        if reader.role not in {"agency_system", "professional"} or not self.works(reader):
            return frozenset()
        found = self._by_involvement(reader, family)
        return found | self._by_office(reader, family) if reader.role == "professional" else found

    def _may_look(self, reader: Reader, family: Family) -> bool:
        mine = [one for one in family.memberships if one.person == reader.person and one.period.holds(self.at)]
        age = self.age(reader.person) if mine else None
        return any((one.role != "child" if age is None else age >= LOOKS_FROM) for one in mine)

    def _by_involvement(self, reader: Reader, family: Family) -> frozenset[str]:
        mine = [one for one in family.involvements if one.agency == reader.agency]
        found = {BY_STAGE[one.stage] for one in mine if one in self.running(family) and self._named(reader, one)}
        if any(one.open and self._named(reader, one) for one in mine):
            found.add(INVITED)
        return frozenset(found)

    def _named(self, reader: Reader, involvement: Involvement) -> bool:
        """An agency's system is in all its involvements; a professional in those for them or whom they cover for."""
        if reader.role == "agency_system":
            return True
        return involvement.professional in {reader.professional, *self.covered_by(reader.professional)}

    def _by_office(self, reader: Reader, family: Family) -> frozenset[str]:
        """What a professional is by a role of their own."""
        me, found, leading = reader.professional, set(), self.leading(family)
        if leading and leading.professional == me:
            found.add(LEAD)
        if any(one.open and one.period.holds(self.at) and one.professional == me for one in family.mandates) and (
            self.carries(family, me)
        ):
            found.add(PROPOSED)
        if leading and self._holds(family, [one for one in family.deputies if one.mandate == leading.id], me):
            found.add(DEPUTY)
        if any(self._holds(family, family.contact_points, one) for one in {me, *self._colleagues_covered(reader)}):
            found.add(CONTACT_POINT)  # whom to call: the contact point, in their absence the cover
        if any(one.professional == me and self._is_open(one, family) for one in family.emergencies):
            found.add(EMERGENCY)
        return frozenset(found)

    def _is_open(self, emergency: Emergency, family: Family) -> bool:
        """It needs the family to be in a running approach of the municipality that entitles the agency, still."""
        entitled = emergency.entitled_by == family.municipality and emergency.entitled.holds(self.at)
        return entitled and emergency.period.holds(self.at) and not family.closed

    def _colleagues_covered(self, reader: Reader) -> set[Hashable]:
        return {one for one in self.covered_by(reader.professional) if self._works_at(one, reader.agency)}

    def _holds(self, family: Family, roles: list[Role], professional: Hashable) -> bool:
        return any(
            one.professional == professional
            and one.period.holds(self.at)
            and self.carries(family, professional, one.domain)
            for one in roles
        )

    # What of it they see

    def sees_shielded(self, reader: Reader, family: Family) -> bool:
        return bool(self.relations(reader, family) & {REGISTRAR, LEAD})

    def sees_involvement(self, reader: Reader, family: Family, one: Involvement) -> bool:
        """Whether the reader may know of this involvement, or of this invitation."""
        relations = self.relations(reader, family)
        if relations & {REGISTRAR, LEAD}:
            return True
        if relations and one.agency == reader.agency:
            return True
        if one.shielded or one.period.start is None:
            return False  # an invitation is between who asked and who is asked, whatever became of it
        if MEMBER in relations:
            return self._may_know(reader, family, one)
        return bool(relations & {*AROUND, EMERGENCY})

    def _may_know(self, reader: Reader, family: Family, one: Involvement) -> bool:
        """What is about another member: a parent with authority knows of a child, and others with their consent."""
        if one.about in (None, reader.person):
            return True
        to_me = [period for who, to, period in family.consents if (who, to) == (one.about, reader.person)]
        if any(period.holds(self.at) for period in to_me):
            return True
        age = self.age(one.about)
        if age is None or age >= DECIDES_FROM:
            return False  # whose age isn't known may be old enough to decide for themselves
        child = any(m.person == one.about and m.role == "child" and m.period.holds(self.at) for m in family.memberships)
        return child and self._has_authority(reader, family)

    def _has_authority(self, reader: Reader, family: Family) -> bool:
        return any(
            one.person == reader.person and one.authority and one.period.holds(self.at) for one in family.memberships
        )

    def sees_mandate(self, reader: Reader, family: Family, one: Mandate) -> bool:
        """A proposal is between who grants, who leads and who is asked; a mandate is for all who see the agency."""
        relations = self.relations(reader, family)
        if relations & {REGISTRAR, LEAD} or (relations and one.professional == reader.professional):
            return True
        if one.period.start is None or one.open or not relations & {*AROUND, MEMBER, EMERGENCY}:
            return False
        agency = self.field.professionals[one.professional].agency
        ever = [inv for inv in family.involvements if inv.agency == agency and inv.period.start is not None]
        return any(self.sees_involvement(reader, family, inv) for inv in ever)

    def sees_person(self, reader: Reader, family: Family, person: Hashable) -> bool:
        """Whether the reader may know that this member is one, which a secret address forbids to most."""
        if not self.relations(reader, family) & {*AROUND, MEMBER, EMERGENCY}:
            return False
        shielded = self.field.persons[person].shielded
        return not shielded or self.sees_shielded(reader, family) or person == reader.person

    def sees_birth_date(self, reader: Reader, family: Family, person: Hashable) -> bool:
        if not self.sees_person(reader, family, person):
            return False
        return person == reader.person or bool(self.relations(reader, family) & {REGISTRAR, LEAD, DEPUTY})

    # What they may do

    def may(self, reader: Reader, family: Family, deed: str) -> bool:
        """Whether the reader may do this around the family at all."""
        relations = self.relations(reader, family)
        if relations & ALLOWED[deed]:
            return True
        power = BY_POWER.get(deed)
        leading = self.leading(family)
        return bool(power and leading and power in leading.powers and relations & {LEAD, DEPUTY})

    def answer(self, reader: Reader, family: Family, deed: str) -> int:
        """200: it is allowed. 403: known to be there, but not allowed this. 404: as good as not there."""
        if not self.relations(reader, family):
            return 404
        return 200 if self.may(reader, family, deed) else 403


AROUND = frozenset({REGISTRAR, LEAD, DEPUTY, CONTACT_POINT, INVOLVED})
"""Those around a family, who see its whole team."""

OWN = frozenset({INVOLVED, CONSULTING, SIGNALLING})
"""Who maintains an involvement of their own, at whatever stage of disclosure."""

ALLOWED: dict[str, frozenset[str]] = {
    "ask who is involved": AROUND | {MEMBER, EMERGENCY, CONSULTING, SIGNALLING},
    "ask whom to call": AROUND | {MEMBER, EMERGENCY, CONSULTING},
    "read the family": AROUND | {MEMBER, EMERGENCY},
    "read the timeline": AROUND | {MEMBER},
    "export the family": frozenset({REGISTRAR, MEMBER}),
    "read mandates": AROUND | {MEMBER, PROPOSED},
    "read involvements": AROUND | {MEMBER, INVITED, CONSULTING, SIGNALLING},
    "manage members": frozenset({REGISTRAR}),
    "change the family": frozenset({REGISTRAR}),
    "propose a mandate": frozenset({REGISTRAR}),
    "change a mandate": frozenset({REGISTRAR}),
    "hand a mandate over": frozenset({REGISTRAR, LEAD}),
    "end a mandate": frozenset({REGISTRAR, LEAD}),
    "name a deputy": frozenset({REGISTRAR, LEAD}),
    "answer a mandate": frozenset({PROPOSED}),
    "decide the stage": frozenset({REGISTRAR, LEAD}),
    "invite": frozenset({REGISTRAR}),
    "assign a contact point": frozenset({REGISTRAR}),
    "maintain an own involvement": OWN,
    "answer an invitation": frozenset({INVITED}),
    "explain access": frozenset({REGISTRAR, LEAD, PRIVACY_OFFICER}),
    "hold back a member's log": frozenset({REGISTRAR, LEAD, PRIVACY_OFFICER}),
    "read consents": frozenset({REGISTRAR, LEAD, MEMBER}),
    "record a consent": frozenset({REGISTRAR, LEAD, MEMBER}),
    "read measures": AROUND | {MEMBER},
    "record a measure": frozenset({REGISTRAR, INVOLVED}),
}
"""Which relations allow what. A relation that isn't there allows nothing: the list is complete."""

BY_POWER = {"invite": "invite_agencies", "assign a contact point": "assign_contact_points"}
"""What a lead coordinator and a deputy may do if the mandate gives the power."""
