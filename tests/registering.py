"""What the tests of registrations and matches have in common: to register somebody, and to let the worker work."""

import asyncio
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from httpx import Response
from sqlmodel import select

from api.cli.grounds import GROUND_OF
from api.db import Database, DatabaseRole
from api.domain import involvements, registrations
from api.domain.codes import Kinship, LegalBasis
from api.domain.models import Agency, Event, Family, Involvement, Match, Person, Registration
from api.placing import follow_some, place_some
from tests.world import World, a_bsn


def work_through(world: World, workers: int = 1) -> None:
    """Let so many workers at once do whatever there is to do with registrations and matches, twice over."""

    async def run() -> None:
        database = Database(world.app.state.settings.database_url, 2, DatabaseRole.WORKER)
        try:
            await asyncio.gather(*(all_of_it(database) for _ in range(workers)))
        finally:
            await database.close()

    async def all_of_it(database: Database) -> None:
        for _ in range(2):
            for job in (place_some, follow_some):
                while await job(database, world.app.state.vault):
                    pass

    asyncio.run(run())


def a_body(agency: Agency, bsn: str | None = None, code: str | None = None, **more: Any) -> dict[str, Any]:
    body: dict[str, Any] = {
        "municipalityCode": code,
        "helpDomains": ["parenting"],
        "legalBasis": "statutory_task",
        "legalGround": GROUND_OF[agency.kind],
    }
    if more.get("legalBasis") not in (None, "statutory_task"):
        body.pop("legalGround")
    return body | ({"bsn": bsn} if bsn else {}) | more


def register(world: World, agency: Agency, bsn: str | None = None, **more: Any) -> Response:
    """The agency's system registers somebody in the world's municipality."""
    return world.as_(world.system(agency)).post("/registrations", a_body(agency, bsn, world.municipality.code, **more))


def registered(world: World, agency: Agency, bsn: str | None = None, **more: Any) -> str:
    """The path of what an agency has registered."""
    answer = register(world, agency, bsn, **more)
    assert answer.status_code == 201, answer.text
    return f"/registrations/{answer.json()['id']}"


def long_ago(
    world: World,
    agency: Agency,
    bsn: str,
    at: datetime,
    relatives: Iterable[tuple[Kinship, str]] = (),
    **more: Any,
) -> Registration:
    """A registration of the past."""
    terms = {"legal_basis": LegalBasis.STATUTORY_TASK, "legal_ground": GROUND_OF[agency.kind]} | more
    return world.do(
        lambda work: registrations.make(
            work,
            world.municipality.code,
            registrations.Subject(bsn=bsn),
            ["parenting"],
            involvements.Terms(**terms),
            relatives,
        ),
        world.system(agency),
        at,
    )


def own(world: World, agency: Agency, path: str) -> dict[str, Any]:
    """A registration as its agency sees it."""
    answer = world.as_(world.system(agency)).get(path)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def somebody_in(world: World, family: Family, **more: Any) -> tuple[str, Person]:
    """The BSN of a member of a family."""
    bsn = a_bsn()
    return bsn, world.a_member(family, bsn=bsn, **more)[1]


def told_about(world: World, row_id: UUID | str) -> list[str]:
    """What was told about a row, in order."""
    with world.session() as session:
        events = session.exec(select(Event).where(Event.about == str(row_id)).order_by(Event.at, Event.place))
        return [str(event.type) for event in events]


def matches_of(world: World, *paths: str) -> list[Match]:
    """The matches that one of these registrations is in."""
    ids = {UUID(path.rpartition("/")[2]) for path in paths}
    with world.session() as session:
        return [one for one in session.exec(select(Match)) if {one.registration_id, one.other_registration_id} & ids]


def the_match(world: World, *paths: str) -> str:
    """The path of the one match between these registrations."""
    ids = {UUID(path.rpartition("/")[2]) for path in paths}
    [match] = [
        one for one in matches_of(world, *paths) if {one.registration_id, one.other_registration_id} - {None} == ids
    ]
    return f"/matches/{match.id}"


def involvements_of(world: World, family: Family, agency: Agency) -> list[Involvement]:
    with world.session() as session:
        asked = select(Involvement).where(Involvement.family_id == family.id, Involvement.agency_id == agency.id)
        return list(session.exec(asked.order_by(Involvement.started_at)))
