"""One unit of work: a change, its event, its record and its outbox row commit together, and none can be forgotten."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from psycopg.errors import RestrictViolation
from sqlalchemy import delete, insert, text, update
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, col, func, select

from api.domain import families, municipalities
from api.domain.codes import EventType, Framework
from api.domain.errors import ForgottenEvent
from api.domain.models import AuditRecord, Event, Family, Municipality, OutboxRow
from api.domain.work import Work
from tests.world import World, ago, in_days


@pytest.fixture
def session(world: World) -> Iterator[Session]:
    with world.session() as session:
        yield session


@pytest.fixture
def work(world: World, session: Session) -> Work:
    return Work(session, world.registrar, datetime.now(UTC), world.app.state.vault, trace_id="t" * 32)


def mine(work: Work, world: World) -> Family:
    """A family of the session's own, which the work has begun to change."""
    family = work.session.exec(select(Family).where(Family.id == world.a_family().id).with_for_update()).one()
    work.begin(family)
    return family


def test_change_event_record_and_outbox_row_are_one_transaction(world: World, work: Work) -> None:
    family = mine(work, world)
    families.change(work, family, framework=Framework.PRESSURE)
    assert world.told(family, "family.changed") == []
    work.session.commit()
    [event] = world.told(family, "family.changed")
    record = world.records(family)[-1]
    assert (record.event_id, record.trace_id, record.subject) == (event.id, "t" * 32, "registrar")
    with world.session() as other:
        assert other.get_one(Family, family.id).changed_at == event.at == work.at
        assert other.get(OutboxRow, event.id)


def rename(work: Work, world: World) -> None:
    mine(work, world).name = "Anders"


def add(work: Work, world: World) -> None:
    work.add(Municipality(code="9997", name="X", access_team_name="X", access_team_phone="0", access_team_email="x"))


def remove(work: Work, world: World) -> None:
    person = world.a_professional(world.an_agency())
    absence = work.session.merge(world.an_absence(person, 1, 2))
    work.session.delete(absence)


def tell_of_another(work: Work, world: World) -> None:
    rename(work, world)
    municipalities.change(work, work.session.get_one(Municipality, world.municipality.code), name="Gemeente")


@pytest.mark.parametrize("change", [rename, add, remove, tell_of_another])
@pytest.mark.parametrize("flushed", [False, True])
def test_a_change_that_no_event_tells_of_does_not_commit(
    world: World, work: Work, change: Callable[[Work, World], None], flushed: bool
) -> None:
    change(work, world)
    if flushed:
        work.session.flush()
    for _ in range(2):
        with pytest.raises(ForgottenEvent):
            work.session.commit()


def test_a_second_change_after_the_commit_needs_its_own_event(world: World, work: Work) -> None:
    family = mine(work, world)
    families.change(work, family, name="Een")
    work.session.commit()
    family.name = "Twee"
    with pytest.raises(ForgottenEvent):
        work.session.commit()


@pytest.mark.parametrize(
    "statement",
    [
        update(Family).values(name="X").where(col(Family.id) == uuid4()),
        delete(Family).where(col(Family.id) == uuid4()),
        insert(Municipality).values(code="9996", name="X"),
        update(Family.__table__).values(name="X").where(col(Family.id) == uuid4()),  # type: ignore[attr-defined]
    ],
)
def test_rows_are_changed_one_by_one(work: Work, statement: Any) -> None:
    with pytest.raises(ForgottenEvent):
        work.session.execute(statement)


def test_a_rollback_leaves_nothing_behind(world: World, work: Work) -> None:
    family = mine(work, world)
    families.change(work, family, name="Ongedaan")
    work.record("family:read", "shown", family_id=family.id)
    work.session.rollback()
    work.session.commit()
    assert world.told(family, "family.changed") == []
    assert [record.action for record in world.records(family)] == ["family.opened"]


def test_a_refused_request_changes_and_tells_nothing(world: World) -> None:
    team = world.a_team()
    before = len(world.told(team.family))
    body = {"powers": ["convene"], "endsOn": str(in_days(-1))}
    assert world.as_(world.registrar).change(team.mandate_path, body).status_code == 400
    assert len(world.told(team.family)) == before
    assert world.as_(world.registrar).get(team.mandate_path).json()["powers"] != ["convene"]


def test_the_history_of_a_family_only_moves_forward(world: World) -> None:
    family = world.a_family()
    for _ in range(2):
        world.around(family, lambda work, mine: families.change(work, mine, name="Eerder"), at=ago(days=3))
    instants = [event.at for event in world.told(family)]
    assert instants == sorted(set(instants))


def test_what_happened_earlier_happened_by_itself(world: World) -> None:
    family, earlier = world.a_family(at=ago(days=2)), ago(days=1)
    world.around(family, lambda work, mine: work.tell(EventType.MANDATE_GAP_OPENED, mine, at=earlier))
    [event] = world.told(family, "mandate.gap_opened")
    assert (event.by_role, event.by_municipality_code, event.at) == ("clock", None, earlier)
    assert world.records(family)[-1].role == "clock"


@pytest.mark.parametrize("table", ["event", "audit_record"])
@pytest.mark.parametrize("how", ["UPDATE {} SET at = now()", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_events_and_records_can_only_be_added(session: Session, table: str, how: str) -> None:
    with pytest.raises(DBAPIError) as refusal:
        session.connection().execute(text(how.format(table)))
    assert isinstance(refusal.value.orig, RestrictViolation)


@pytest.mark.parametrize("row", [Event, AuditRecord])
def test_not_even_one_record_is_changed_through_the_session(world: World, session: Session, row: Any) -> None:
    world.a_family()
    known = session.exec(select(row).limit(1)).one()
    known.at = datetime.now(UTC)
    with pytest.raises(DBAPIError):
        session.commit()


def test_every_event_is_in_the_record(world: World, session: Session) -> None:
    world.a_team()
    recorded = select(AuditRecord.event_id).where(col(AuditRecord.event_id).is_not(None))
    forgotten = select(func.count()).select_from(Event).where(col(Event.id).not_in(recorded))
    assert session.exec(forgotten).one() == 0
