"""What the database holds of some families, as the facts that the model of the rules works with.

Reads plain rows, with a connection that sees everything; it decides nothing.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from api.domain import calendar
from api.domain.actor import Actor
from tests.access import model, picture
from tests.access.picture import Period


def reader(actor: Actor) -> picture.Reader:
    """Who asks, as the model knows them."""
    return picture.Reader(
        role=str(actor.role),
        municipality=actor.municipality_code,
        agency=actor.agency_id,
        professional=actor.professional_id,
        person=actor.person_id,
    )


def moment(connection: Connection, at: datetime | None = None) -> model.Moment:
    """Everybody there is, at an instant; without one, now."""
    at = at or connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    return model.Moment(_field(connection), at, calendar.day_of(at))


def families(connection: Connection, ids: Iterable[UUID]) -> dict[UUID, picture.Family]:
    """These families, with everything around them."""
    wanted = list(ids)
    of = {name: _by_family(connection, name, wanted) for name in TABLES}
    rows = connection.execute(text("SELECT * FROM family WHERE id = ANY(:ids)"), {"ids": wanted}).all()
    return {row.id: pictured(row, {name: of[name][row.id] for name in TABLES}) for row in rows}


def pictured(family: Any, around: Mapping[str, Iterable[Any]]) -> picture.Family:
    """A family's row and the rows around it, by table, as facts."""
    return picture.Family(
        municipality=family.municipality_code,
        closed=family.closed_at is not None,
        memberships=[_membership(one) for one in around["member"]],
        involvements=[_involvement(one) for one in around["involvement"]],
        mandates=[_mandate(one) for one in around["mandate"]],
        deputies=[_deputy(one) for one in around["deputy"]],
        contact_points=[_contact_point(one) for one in around["contact_point"]],
        emergencies=[_emergency(one) for one in around.get(EMERGENCIES, ())],
        consents=[(one.person_id, one.to_person_id, _period(one)) for one in around.get(CONSENTS, ())],
    )


EMERGENCIES = """(
    SELECT a.*, e.municipality_code, e.started_at AS entitled_at, e.ends_at AS entitled_until
    FROM emergency_access a JOIN entitlement e ON e.id = a.entitlement_id) AS opened"""
CONSENTS = """(
    SELECT family_id, person_id, to_person_id, started_at, least(ends_at, withdrawn_at) AS ends_at
    FROM consent WHERE to_person_id IS NOT NULL AND given_by_id = person_id) AS looking"""
TABLES = ("member", "involvement", "mandate", "deputy", "contact_point", EMERGENCIES, CONSENTS)


def _by_family(connection: Connection, table: str, ids: list[UUID]) -> dict[UUID, list[Any]]:
    found: dict[UUID, list[Any]] = defaultdict(list)
    for row in connection.execute(text(f"SELECT * FROM {table} WHERE family_id = ANY(:ids)"), {"ids": ids}):
        found[row.family_id].append(row)
    return found


def _field(connection: Connection) -> picture.Field:
    return field(
        connection.execute(text("SELECT * FROM agency")).all(),
        connection.execute(text("SELECT id, agency_id, active FROM professional")).all(),
        connection.execute(text("SELECT id, birth_date, shielded FROM person")).all(),
        connection.execute(text("SELECT * FROM absence WHERE cover_id IS NOT NULL")).all(),
    )


def field(
    agencies: Iterable[Any], professionals: Iterable[Any], persons: Iterable[Any], absences: Iterable[Any]
) -> picture.Field:
    """Rows of everybody there is, as facts."""
    return picture.Field(
        agencies={row.id: picture.Agency(row.signal_only, row.active) for row in agencies},
        professionals={row.id: picture.Professional(row.agency_id, row.active) for row in professionals},
        persons={row.id: picture.Person(row.birth_date, row.shielded) for row in persons},
        absences=[(row.professional_id, row.cover_id, _period(row)) for row in absences],
    )


def _period(row: Any) -> Period:
    return Period(row.started_at, row.ends_at)


def _membership(row: Any) -> picture.Membership:
    return picture.Membership(row.person_id, row.role, row.parental_authority, _period(row), row.id)


def _involvement(row: Any) -> picture.Involvement:
    return picture.Involvement(
        id=row.id,
        agency=row.agency_id,
        professional=row.professional_id,
        domains=frozenset(row.help_domains),
        shielded=row.shielded,
        stage=row.disclosure_stage,
        period=_period(row),
        open=row.answer is None,
        about=row.person_id,
    )


def _mandate(row: Any) -> picture.Mandate:
    """A proposal that is open stands from when it was made until it lapses."""
    start = row.proposed_at if row.answer is None else row.started_at
    powers = frozenset(row.powers)
    return picture.Mandate(row.id, row.professional_id, powers, Period(start, row.ends_at), row.answer is None)


def _deputy(row: Any) -> picture.Role:
    return picture.Role(row.professional_id, _period(row), mandate=row.mandate_id)


def _contact_point(row: Any) -> picture.Role:
    return picture.Role(row.professional_id, _period(row), domain=row.help_domain)


def _emergency(row: Any) -> picture.Emergency:
    entitled = Period(row.entitled_at, row.entitled_until)
    return picture.Emergency(row.professional_id, _period(row), row.municipality_code, entitled)
