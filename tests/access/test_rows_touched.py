"""What PostgreSQL does for an outsider is the same for a hidden family as for a missing one: not one row more.

So the time it takes can't differ, whatever is measured. `tests/campaigns/timing.py` looks at the same from outside.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from httpx import Client
from psycopg import sql

from api.auth import documents
from api.auth.policy import Permission
from api.db import CONNECT, ENTER, NAMED, DatabaseRole
from api.domain import timeline, who_is_involved
from api.domain.actor import Actor
from api.domain.documents import Document
from api.main import create_app
from api.settings import Settings
from tests.access.scene import Scene
from tests.world import World

DOCUMENTS: dict[str, tuple[Document, Permission]] = {
    "who is involved": (who_is_involved.who_is_involved(None, "nl"), Permission.TEAM_READ),
    "the timeline": (timeline.timeline(None, 50), Permission.TIMELINE_READ),
}
KNOWN_TO_THEMSELVES = {"small child", "someone who borrows a professional's id"}
"""They are named in the family: what is looked at are rows that name them."""


@pytest.fixture(scope="module")
def own_scene(settings: Settings, new_database: Callable[[], str]) -> Iterator[Scene]:
    """In a database of its own, so that between two plans nothing changes what the planner thinks."""
    own = settings.model_copy(update={"database_url": new_database()})
    with Client() as client:
        world = World(create_app(own), client)
        scene = Scene(world)
        with psycopg.connect(str(own.database_url), autocommit=True) as connection:
            connection.execute("ANALYZE")
        yield scene
        world.close()


def literal(match: "re.Match[str]", values: dict[str, Any]) -> str:
    return sql.Literal(values.get(match[1])).as_string()


def done_for(connection: "psycopg.Connection[Any]", actor: Actor, name: str, family_id: UUID) -> list[str]:
    """The plan of a read as it was carried out, with the rows that each part of it went through."""
    document, permission = DOCUMENTS[name]
    values = documents.parameters(document, actor, permission, family_id, "0" * 32)
    statement = documents.statement(document.select, actor.role, one_family=True)
    names = list(dict.fromkeys(NAMED.findall(statement)))
    numbered = NAMED.sub(lambda match: f"${names.index(match[1]) + 1}", statement).replace("%%", "%")
    given = ", ".join(sql.Literal(values[name]).as_string() for name in names)
    connection.execute(f"SET LOCAL ROLE {DatabaseRole.APP}".encode())
    connection.execute(NAMED.sub(lambda match: literal(match, values), ENTER).encode())
    connection.execute(f"PREPARE the_read AS {numbered}".encode())
    how = "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, BUFFERS OFF)"
    plan = [row[0] for row in connection.execute(f"{how} EXECUTE the_read({given})".encode())]
    connection.execute("DEALLOCATE the_read")
    connection.rollback()
    return plan


@pytest.mark.parametrize("name", DOCUMENTS)
def test_for_an_outsider_not_one_row_of_a_hidden_family_is_touched(own_scene: Scene, name: str) -> None:
    url = str(own_scene.world.app.state.settings.database_url)
    with psycopg.connect(url, options=CONNECT["options"]) as connection:
        for who, actor in own_scene.outsiders.items():
            if who in KNOWN_TO_THEMSELVES:
                continue
            hidden, missing = (done_for(connection, actor, name, one) for one in (own_scene.family.id, uuid4()))
            assert hidden == missing, who


@pytest.mark.parametrize("name", DOCUMENTS)
def test_for_who_may_know_rows_are_touched(own_scene: Scene, name: str) -> None:
    """What the test above looks at does show."""
    url, lead = str(own_scene.world.app.state.settings.database_url), own_scene.related["lead"]
    with psycopg.connect(url, options=CONNECT["options"]) as connection:
        shown, missing = (done_for(connection, lead, name, one) for one in (own_scene.family.id, uuid4()))
    assert shown != missing
