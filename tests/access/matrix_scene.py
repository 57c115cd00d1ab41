"""One family that stands on one legal basis, with a reader for every relation, stage of disclosure and age."""

from datetime import date, timedelta
from functools import cached_property
from typing import Any

from sqlalchemy import text

from api.domain.actor import Actor, Role
from api.domain.codes import AgencyKind, DisclosureStage, EmergencyReason, MemberRole
from api.domain.models import EmergencyAccess, Entitlement, Involvement
from tests.access.scene import Scene
from tests.world import World, ago, today

BASES = ("statutory_task", "consent", "measure", "vital_interest")
GROUNDS = ("open", "shielded", "ended", "lead's ended", "lead's shielded")
"""How the involvements stand that relations rest on: those of the agencies around, or those of the lead's agency."""


OVER = "ends_at = clock_timestamp()"
"""It ended by itself, after all else happened, and nobody has written that down yet."""


class MatrixScene(Scene):
    """The family of the scene, with somebody at every stage of disclosure and of every age."""

    def __init__(self, world: World, basis: str, ground: str) -> None:
        self.basis, self.ground = basis, ground
        super().__init__(world)
        self.other_family = world.a_family()
        self._add_agencies()
        self._add_members()
        self._add_emergencies()
        self._stand()

    def bodies(self) -> dict[str, object]:
        return super().bodies() | {"POST members _move": {"familyId": str(self.other_family.id)}}

    def _at_stage(self, kind: AgencyKind, stage: DisclosureStage, **about: Any) -> Involvement:
        world = self.world
        agency = world.an_agency(kind, signal_only=kind is AgencyKind.POLICE)
        involvement = world.an_involvement(self.family, agency, ["finances"], professional=world.a_professional(agency))
        self._write("UPDATE involvement SET disclosure_stage = :stage WHERE id = :id", id=involvement.id, stage=stage)
        for name, value in about.items():
            self._write(f"UPDATE involvement SET {name} = :value WHERE id = :id", id=involvement.id, value=value)
        return involvement

    def _add_agencies(self) -> None:
        self.consulting = self._at_stage(AgencyKind.HOUSING, DisclosureStage.LEAD_AND_CONTACT_POINTS)
        self.signalling = self._at_stage(AgencyKind.POLICE, DisclosureStage.OTHERS_INVOLVED)
        asking = self.world.an_agency(AgencyKind.ADDICTION_CARE)
        self.asked_by_name = self.world.a_professional(asking)
        self.named_invitation = self.world.an_invitation(self.family, asking, ["substance_use"])
        self._write(
            "UPDATE involvement SET professional_id = :who WHERE id = :id",
            id=self.named_invitation.id,
            who=self.asked_by_name.id,
        )
        self.stand_in = self.world.a_professional(self.youth_care)
        self.world.an_absence(self.contact, cover=self.stand_in)

    def _add_members(self) -> None:
        world, family = self.world, self.family
        _, self.without_authority = world.a_member(family, MemberRole.OTHER, date(1982, 6, 7))
        _, self.thirteen = self._child(today().replace(day=1, year=today().year - 13))
        _, self.young_other = world.a_member(family, MemberRole.OTHER, date(today().year - 9, 1, 1))
        member, self.gone = world.a_member(family, birth_date=date(1984, 8, 9))
        self._write(f"UPDATE member SET {OVER} WHERE id = :id", id=member.id)
        _, self.hidden_person = world.a_member(family, MemberRole.OTHER, date(1979, 3, 2))
        self._write("UPDATE person SET shielded = true WHERE id = :id", id=self.hidden_person.id)
        self.about = {
            name: self._at_stage(AgencyKind.GENERAL_PRACTICE, DisclosureStage.AGENCIES, person_id=person.id)
            for name, person in {
                "the parent": self.parent_person,
                "the teenager": self.teenager_person,
                "the small child": self.small_child_person,
            }.items()
        }

    def _add_emergencies(self) -> None:
        self.crisis = self.world.an_agency(AgencyKind.SAFE_AT_HOME)
        self.opener, self.late, self.ready = (self.world.a_professional(self.crisis) for _ in range(3))
        entitlement = Entitlement(
            municipality_code=self.family.municipality_code, agency_id=self.crisis.id, started_at=ago(days=9)
        )
        with self.world.session() as session:
            session.add(entitlement)
            session.flush()
            for professional, ends_at in ((self.opener, ago(minutes=-90)), (self.late, ago())):
                opened: dict[str, Any] = {"started_at": ends_at - timedelta(hours=2), "ends_at": ends_at}
                session.add(
                    EmergencyAccess(
                        family_id=self.family.id,
                        entitlement_id=entitlement.id,
                        agency_id=self.crisis.id,
                        professional_id=professional.id,
                        reason=EmergencyReason.ACUTE_UNSAFETY,
                        **opened,
                    )
                )
            session.commit()

    def _stand(self) -> None:
        """Put the involvements that relations rest on upon this basis, and in this state."""
        self._write(
            "UPDATE involvement SET legal_basis = :basis WHERE family_id = :family AND started_at IS NOT NULL",
            basis=self.basis,
            family=self.family.id,
        )
        whose = "lead" if self.ground.startswith("lead's") else "others"
        what = {"shielded": "shielded = true", "ended": OVER}
        for state, change in what.items():
            if self.ground.endswith(state):
                self._write(
                    f"UPDATE involvement SET {change} WHERE family_id = :family AND started_at IS NOT NULL"
                    " AND answer = 'accepted' AND (agency_id = :lead) = :of_lead AND agency_id <> :shelter",
                    family=self.family.id,
                    lead=self.youth_care.id,
                    of_lead=whose == "lead",
                    shelter=self.shelter.id,
                )

    def _write(self, statement: str, **values: Any) -> None:
        with self.world.session() as session:
            session.connection().execute(text(statement), values)
            session.commit()

    @cached_property
    def readers(self) -> dict[str, Actor]:
        """Everybody of the scene, and everybody added to it."""
        world = self.world
        return (
            self.related
            | self.outsiders
            | {
                "consulting system": self._system(self.consulting),
                "consulting professional": self._named(self.consulting),
                "signalling system": self._system(self.signalling),
                "signalling professional": self._named(self.signalling),
                "shelter's system": world.system(self.shelter),
                "shelter's professional": world.actor(self.shielded_worker),
                "invited by name": world.actor(self.asked_by_name),
                "contact point's cover": world.actor(self.stand_in),
                "emergency": world.actor(self.opener),
                "emergency that is over": world.actor(self.late),
                "entitled, not opened": world.actor(self.ready),
                "adult without authority": world.relative(self.without_authority),
                "child of thirteen": world.relative(self.thirteen),
                "nine, in another role": world.relative(self.young_other),
                "who has left": world.relative(self.gone),
                "shielded person": world.relative(self.hidden_person),
            }
        )

    def _system(self, involvement: Involvement) -> Actor:
        return Actor(role=Role.AGENCY_SYSTEM, subject="system", agency_id=involvement.agency_id)

    def _named(self, involvement: Involvement) -> Actor:
        agency_id, professional_id = involvement.agency_id, involvement.professional_id
        return Actor(Role.PROFESSIONAL, "professional", agency_id=agency_id, professional_id=professional_id)
