"""Three that have to agree on every decision: the policy, the database's row-level security, and the model.

Who may do what around which family is asked of each in its own way. The policy and the database are asked as a request
would; the model is asked with what the tables hold.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from api.auth import documents, relations
from api.auth.policy import RULES, Access, Permission, Relation, Standing
from api.domain import who_is_involved
from api.domain.actor import Actor
from tests.access import facts, model, picture
from tests.access.random_world import RandomWorld

DEED_OF: dict[Permission, str] = {
    Permission.FAMILY_READ: "read the family",
    Permission.FAMILY_EXPORT: "export the family",
    Permission.FAMILY_CHANGE: "change the family",
    Permission.FAMILY_MERGE: "change the family",
    Permission.MEMBER_MANAGE: "manage members",
    Permission.TEAM_READ: "ask who is involved",
    Permission.TIMELINE_READ: "read the timeline",
    Permission.INVOLVEMENT_READ: "read involvements",
    Permission.INVOLVEMENT_INVITE: "invite",
    Permission.INVOLVEMENT_ANSWER: "answer an invitation",
    Permission.INVOLVEMENT_MAINTAIN: "maintain an own involvement",
    Permission.INVOLVEMENT_DISCLOSE: "decide the stage",
    Permission.MANDATE_READ: "read mandates",
    Permission.MANDATE_PROPOSE: "propose a mandate",
    Permission.MANDATE_TRANSFER: "hand a mandate over",
    Permission.MANDATE_ANSWER: "answer a mandate",
    Permission.MANDATE_CHANGE: "change a mandate",
    Permission.MANDATE_END: "end a mandate",
    Permission.DEPUTY_NAME: "name a deputy",
    Permission.CONTACT_POINT_READ: "ask whom to call",
    Permission.CONTACT_POINT_ASSIGN: "assign a contact point",
    Permission.ACCESS_EXPLAIN: "explain access",
    Permission.DISCLOSURE_HOLD: "hold back a member's log",
    Permission.CONSENT_READ: "read consents",
    Permission.CONSENT_RECORD: "record a consent",
    Permission.MEASURE_READ: "read measures",
    Permission.MEASURE_RECORD: "record a measure",
}
"""What each permission for a family is called in the model."""

OF_FAMILY = tuple(permission for permission, rule in RULES.items() if rule.of_relations)

ROWS = ("member", "involvement", "mandate", "deputy", "contact_point")
"""The tables that hold what there is around a family, each with its `family_id`."""

ENTER = text(
    "SELECT spil_enter(:role, :municipality_code, CAST(:agency_id AS uuid), CAST(:professional_id AS uuid),"
    " CAST(:person_id AS uuid), CAST(:family_id AS uuid), NULL, 1)"
)
SEEN = text(
    "SELECT (SELECT count(*) FROM family WHERE id = :family_id) AS family, "
    + ", ".join(f"(SELECT count(*) FROM {table} WHERE family_id = :family_id) AS {table}" for table in ROWS)
)


@dataclass
class Outcome:
    """How many decisions were compared, and where two of the three differ."""

    pairs: int = 0
    decisions: int = 0
    allowed: int = 0
    related: int = 0
    """Pairs with any relation."""
    relations: set[str] = field(default_factory=set)
    """Every relation that was met."""
    documents: int = 0
    disagreements: list[str] = field(default_factory=list)


def compare(connection: Connection, world: RandomWorld, outcome: Outcome) -> None:
    """Ask all three about every family of a world. The connection is one that row-level security doesn't hold."""
    now, known = facts.moment(connection), facts.families(connection, world.family_ids)
    for family_id in world.family_ids:
        whole = _rows(connection, family_id)
        for actor in world.asked(family_id):
            asked = _Asked(connection, now, actor, family_id, known[family_id])
            outcome.pairs += 1
            for difference in asked.differences(whole, outcome):
                outcome.disagreements.append(f"{_who(actor)}, family {family_id}: {difference}")


@dataclass
class _Asked:
    """One reader and one family."""

    connection: Connection
    now: model.Moment
    actor: Actor
    family_id: UUID
    family: picture.Family

    def differences(self, whole: dict[str, int], outcome: Outcome) -> Iterator[str]:
        reader, access = facts.reader(self.actor), self._policy()
        expected = self.now.relations(reader, self.family)
        found = {str(standing.relation) for standing in access.standings}
        outcome.related += bool(expected)
        outcome.relations |= expected
        if found != expected:
            yield f"related as {sorted(found)}, by the model as {sorted(expected)}"
        for permission, deed in DEED_OF.items():
            allowed = access.by(permission) is not None
            outcome.decisions += 1
            outcome.allowed += allowed
            if allowed is not self.now.may(reader, self.family, deed):
                yield f"{permission}: the policy says {allowed}, the model doesn't"
        seen = self._row_level_security()
        if seen != (whole if expected else dict.fromkeys(whole, 0)):
            yield f"rows seen: {seen}, though the model says {sorted(expected)} and there are {whole}"
        if access.by(Permission.TEAM_READ):
            outcome.documents += 1
            yield from self._team_differences(reader)

    def _policy(self) -> Access:
        values = relations.parameters(self.actor) | {"family_id": self.family_id}
        rows = self.connection.exec_driver_sql(relations.standings(self.actor.role), values).all()
        standings = [Standing(Relation(row.name), tuple(row.powers or ())) for row in rows if row.name]
        return Access(self.actor.role, tuple(standings))

    def _row_level_security(self) -> dict[str, int]:
        """How many rows the role that serves requests sees of this family, once it has said for whom it asks."""
        with self.connection.begin_nested() as savepoint:
            self.connection.execute(text("SET LOCAL ROLE spil_app"))
            self.connection.execute(ENTER, relations.parameters(self.actor) | {"family_id": self.family_id})
            seen = _rows(self.connection, self.family_id)
            savepoint.rollback()
        return seen

    def _team_differences(self, reader: picture.Reader) -> Iterator[str]:
        """Who is involved, as the service builds it, against whom the model lets this reader know of."""
        team = self._document()
        shown = {UUID(one["id"]) for one in team["involvements"]}
        expected = {
            one.id for one in self.now.running(self.family) if self.now.sees_involvement(reader, self.family, one)
        }
        if shown != expected:
            yield f"involvements shown too much: {shown - expected}, too little: {expected - shown}"
        people = {UUID(one["personId"]): one["birthDate"] for one in team["members"]}
        present = [one.person for one in self.family.memberships if one.period.holds(self.now.at)]
        wanted = {one: self._birth_date(reader, one) for one in present if self._sees(reader, one)}
        if people != wanted:
            yield f"members shown: {people}, by the model: {wanted}"

    def _sees(self, reader: picture.Reader, person: Any) -> bool:
        return self.now.sees_person(reader, self.family, person)

    def _birth_date(self, reader: picture.Reader, person: Any) -> str | None:
        born = self.now.field.persons[person].born
        return str(born) if born and self.now.sees_birth_date(reader, self.family, person) else None

    def _document(self) -> Any:
        document = who_is_involved.who_is_involved(None, "en")
        values = documents.parameters(document, self.actor, Permission.TEAM_READ, self.family_id, "")
        statement = documents.inside(document.select, self.actor.role)
        row = self.connection.exec_driver_sql(statement, values).one()
        return json.loads(row.body)


def _who(actor: Actor) -> str:
    named = (actor.municipality_code, actor.agency_id, actor.professional_id, actor.person_id)
    return " ".join([str(actor.role), *(str(one) for one in named if one)])


def _rows(connection: Connection, family_id: UUID) -> dict[str, int]:
    return dict(connection.execute(SEEN, {"family_id": family_id}).one()._mapping)
