"""Behind the policy: even where the code forgets to look, the database shows no row of somebody else's family."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
from fastapi import FastAPI
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import dict_row
from sqlmodel import Session

from api.auth import documents, relations
from api.auth.relations import Scope
from api.db import ENTER, Database, DatabaseRole
from api.domain.actor import Actor, Role
from api.main import create_app
from tests.access.scene import Scene
from tests.access.sweep import as_answered, routes_under_a_family
from tests.access.test_visibility import OUTSIDERS, send
from tests.conftest import serving
from tests.world import Caller, World

WITHOUT_ROWS_OF_A_FAMILY = {
    "municipality": "who is responsible is public",
    "agency": "the directory is for everybody who works around families",
    "professional": "the same",
    "absence": "the same",
    "help_domain": "a code list",
    "legal_ground": "a code list",
    "purpose": "a code list",
    "entitlement": "which agencies a municipality entitles, of no family",
    "client": "systems of agencies",
    "client_key": "systems of agencies",
    "client_removed_key": "systems of agencies",
    "client_assertion": "systems of agencies",
    "record_checkpoint": "digests",
    "idempotent_request": "what it holds is sealed, and bound to who asked",
    "alembic_version": "the schema",
}
"""Tables without a family's data, and why. Every other one is behind row-level security."""


@pytest.fixture(scope="module")
def connection(app: FastAPI) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(app.state.settings.database_url, row_factory=dict_row) as connection:
        yield connection


@pytest.fixture(autouse=True)
def anew(connection: psycopg.Connection[Any]) -> None:
    """Each test begins a transaction of its own, whatever became of the one before."""
    connection.rollback()


def tables(connection: psycopg.Connection[Any]) -> dict[str, Any]:
    connection.rollback()
    found = connection.execute(
        """SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity AS forced, c.relowner::regrole::text AS owner,
                  ARRAY(SELECT polname::text FROM pg_policy WHERE polrelid = c.oid) AS policies,
                  ARRAY(SELECT attname::text FROM pg_attribute
                        WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped) AS columns
           FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace"""
    ).fetchall()
    return {row["relname"]: row for row in found}


def protected(connection: psycopg.Connection[Any]) -> dict[str, Any]:
    return {name: row for name, row in tables(connection).items() if name not in WITHOUT_ROWS_OF_A_FAMILY}


def as_(connection: psycopg.Connection[Any], actor: Actor, family_id: UUID | None = None) -> None:
    """Begin a transaction of this actor, about this family, as a request does."""
    connection.rollback()
    connection.execute(f"SET LOCAL ROLE {DatabaseRole.APP}")
    asked = {"family_id": family_id, "after": None, "limit": None}
    connection.execute(ENTER, relations.parameters(actor) | asked)


def rows_about(connection: psycopg.Connection[Any], name: str, columns: list[str], scene: Scene) -> list[Any]:
    """The rows of a table that are about the scene's family, whichever column says so."""
    ids = [scene.family.id, *(UUID(one) for one in scene.inside(scene.family.id).values() if _is_id(one))]
    where = " OR ".join(f"{column}::text = ANY(%(ids)s)" for column in columns if column.endswith("id"))
    return connection.execute(f"SELECT * FROM {name} WHERE {where}", {"ids": [str(one) for one in ids]}).fetchall()


def _is_id(text: str) -> bool:
    try:
        return bool(UUID(text))
    except ValueError:
        return False


def _tells_nothing(name: str, row: Any, actor: Actor) -> bool:
    """What an outsider may see: that they themselves were shown something (from which age is for the policy), that
    somebody asked their municipality in vain, whether or not there is such a family, and, to count them, matches.
    """
    if name == "audit_record":
        return row["decision"] == "refused" or row["shown_person_id"] == actor.person_id is not None
    return name == "match" and actor.role is Role.ANALYST


# The roles


def test_every_table_with_a_familys_data_is_behind_it_for_its_owner_too(connection: psycopg.Connection[Any]) -> None:
    behind = protected(connection)
    assert len(behind) > 10
    assert {name for name, row in behind.items() if not row["forced"] or not row["policies"]} == set()


def test_the_tables_named_as_exceptions_hold_no_family(connection: psycopg.Connection[Any]) -> None:
    known = tables(connection)
    for name in WITHOUT_ROWS_OF_A_FAMILY.keys() & known.keys():
        assert not {"family_id", "person_id", "bsn_pseudonym"} & set(known[name]["columns"]), name


@pytest.mark.parametrize("role", [*DatabaseRole, "spil_guard"])
def test_no_role_of_the_service_owns_a_table_or_passes_by(connection: psycopg.Connection[Any], role: str) -> None:
    connection.rollback()
    known = connection.execute("SELECT * FROM pg_roles WHERE rolname = %s", [role]).fetchone()
    assert known is not None
    assert not any(known[name] for name in ("rolsuper", "rolbypassrls", "rolcanlogin", "rolcreaterole"))
    assert role not in {row["owner"] for row in tables(connection).values()}


def test_what_looks_further_than_its_caller_belongs_to_the_guard_and_searches_nowhere_else(
    connection: psycopg.Connection[Any],
) -> None:
    found = connection.execute(
        "SELECT proname, proowner::regrole::text AS owner, proconfig FROM pg_proc "
        "WHERE prosecdef AND pronamespace = 'public'::regnamespace"
    ).fetchall()
    assert found
    for function in found:
        assert function["owner"] == "spil_guard", function
        assert function["proconfig"] == ["search_path=public, pg_temp"], function


@pytest.fixture
def login(app: FastAPI) -> Iterator[str]:
    """The address of the database for somebody who may only act as the service: no owner, no superuser."""
    name = f"login_{uuid4().hex[:12]}"
    url = app.state.settings.database_url
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {name} LOGIN IN ROLE {DatabaseRole.APP}")
        yield make_conninfo(url, user=name)
        connection.execute(f"DROP ROLE {name}")


def test_the_service_runs_on_a_login_that_owns_nothing(app: FastAPI, world: World, login: str) -> None:
    scene = Scene(world)
    settings = app.state.settings.model_copy(update={"database_url": as_url(login)})
    with serving(create_app(settings)) as base_url, httpx.Client(base_url=base_url, timeout=30) as client:
        lead = Caller(client, app.state.own_issuer.token(scene.related["lead"]))
        stranger = Caller(client, app.state.own_issuer.token(scene.outsiders["registrar elsewhere"]))
        path = f"{scene.path}/contact-points/parenting"
        assert lead.get(f"{scene.path}/who-is-involved").status_code == 200
        assert lead.change(path, {"professionalId": str(scene.lead.id)}, "PUT").status_code == 200
        assert stranger.get(path).status_code == 404


def as_url(conninfo: str) -> str:
    known = conninfo_to_dict(conninfo)
    host, name = quote(str(known["host"]), safe=""), known["dbname"]
    return f"postgresql://{known['user']}@/{name}?host={host}" + (f"&port={known['port']}" if known.get("port") else "")


# What somebody sees


def test_who_says_nothing_sees_nothing(connection: psycopg.Connection[Any], scene: Scene) -> None:
    known = protected(connection)
    connection.rollback()
    connection.execute(f"SET LOCAL ROLE {DatabaseRole.APP}")
    for name in known:
        assert connection.execute(f"SELECT FROM {name} LIMIT 1").fetchone() is None, name


@pytest.fixture(scope="module")
def unasked(world: World) -> Scene:
    """A family that nobody asks for: what an outsider asks in vain is on record, and so is a look into the record."""
    return Scene(world)


@pytest.mark.parametrize("outsider", OUTSIDERS)
def test_an_outsider_sees_no_row_of_the_family_in_any_table(
    connection: psycopg.Connection[Any], unasked: Scene, outsider: str
) -> None:
    scene = unasked
    known = protected(connection)
    for family_id in (scene.family.id, None):
        actor = scene.outsiders[outsider]
        as_(connection, actor, family_id)
        for name, row in known.items():
            found = rows_about(connection, name, row["columns"], scene)
            assert [one for one in found if not _tells_nothing(name, one, actor)] == [], name


@pytest.mark.parametrize("who", ["lead", "involved_system", "contact_point", "deputy", "parent", "registrar"])
def test_who_is_related_sees_the_rows_it_takes(connection: psycopg.Connection[Any], scene: Scene, who: str) -> None:
    """So that the tests of who sees nothing can't pass by looking at nothing."""
    actor = scene.related.get(who, scene.world.registrar)
    known = protected(connection)
    as_(connection, actor, scene.family.id)
    for name in ("family", "member", "involvement", "mandate"):
        assert rows_about(connection, name, known[name]["columns"], scene), name


@pytest.mark.parametrize("outsider", OUTSIDERS)
def test_an_outsider_can_write_no_row_into_the_family(
    connection: psycopg.Connection[Any], scene: Scene, outsider: str
) -> None:
    as_(connection, scene.outsiders[outsider], scene.family.id)
    changed = connection.execute("UPDATE family SET name = name WHERE id = %s", [scene.family.id])
    assert changed.rowcount == 0
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(
            "INSERT INTO member (id, family_id, person_id, role, parental_authority, started_at)"
            " VALUES (%s, %s, %s, 'other', false, now())",
            [uuid4(), scene.family.id, uuid4()],
        )


def test_nobody_changes_or_removes_what_is_on_record(connection: psycopg.Connection[Any], scene: Scene) -> None:
    for statement in ("UPDATE audit_record SET subject = ''", "DELETE FROM audit_record", "DELETE FROM event"):
        as_(connection, scene.world.registrar, scene.family.id)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)


# The code forgets to look


def everybody_is_related(role: Role, scope: Scope) -> str:
    """The visibility query, without any look at the relation."""
    cut = (
        "WHERE f.id = %(family_id)s" if scope is Scope.ONE_FAMILY else "WHERE f.id > %(after)s ORDER BY f.id LIMIT 100"
    )
    return f"""SELECT f.id AS family_id, way AS name, NULL::text[] AS powers, NULL AS legal_basis
      FROM family f, unnest('{{{",".join(relations.Relation)}}}'::text[]) AS way {cut}"""


@pytest.fixture
def forgetful(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The code believes that everybody is related to every family, in every way."""
    cached = (documents.statement, documents.inside, relations.standings, relations.lock)
    monkeypatch.setattr(relations, "related", everybody_is_related)
    for function in cached:
        function.cache_clear()
    yield
    monkeypatch.undo()
    for function in cached:
        function.cache_clear()


@pytest.mark.parametrize("outsider", OUTSIDERS)
@pytest.mark.usefixtures("forgetful")
def test_without_the_visibility_check_a_hidden_family_is_still_none(app: FastAPI, scene: Scene, outsider: str) -> None:
    caller = scene.world.as_(scene.outsiders[outsider])
    for route in routes_under_a_family(app):
        hidden = as_answered(send(scene, caller, route, scene.family.id, "plain"))
        missing = as_answered(send(scene, caller, route, uuid4(), "plain"))
        assert hidden == missing, route.path
        assert hidden[0] == 404, route.path


@pytest.mark.parametrize("outsider", OUTSIDERS)
@pytest.mark.usefixtures("forgetful")
def test_without_the_visibility_check_a_list_still_doesnt_show_it(scene: Scene, outsider: str) -> None:
    answer = scene.world.as_(scene.outsiders[outsider]).get("/caseload", params={"limit": 100})
    assert str(scene.family.id) not in answer.text


@pytest.mark.usefixtures("forgetful")
def test_without_the_visibility_check_whoever_is_related_passes_for_anything(scene: Scene) -> None:
    """It is the check that was taken away, not the request."""
    caller = scene.world.as_(scene.related["parent"])
    assert caller.get(f"{scene.path}/who-is-involved").json()["involvements"]


# What was said ends with the transaction


SAID = """SELECT ARRAY(
  SELECT DISTINCT coalesce(current_setting('spil.' || name, true), '') FROM unnest(ARRAY[
    'families', 'role', 'agency', 'professional', 'person', 'municipality', 'overseen']) AS name), current_user::text"""


def test_a_connection_knows_nobody_when_it_is_taken_anew(app: FastAPI, scene: Scene) -> None:
    values = relations.parameters(scene.world.registrar) | {"family_id": scene.family.id, "after": None, "limit": None}

    def enter(session: Session, *, fails: bool) -> None:
        session.connection().exec_driver_sql(ENTER, values)
        if fails:
            raise InterruptedError
        session.commit()

    async def said_afterwards() -> list[Any]:
        database = Database(app.state.settings.database_url, 1)  # one, so that it is the same each time
        await database.open()
        [known] = await database.document("SELECT current_setting('spil.role')", values)
        assert known == "registrar"
        after: list[Any] = []
        for fails in (False, True):
            with suppress(InterruptedError):
                await database.run(enter, fails=fails)
            after.append(await database.run(lambda session: session.connection().exec_driver_sql(SAID).one()))
        async with database._documents.connection() as connection:
            after.append(await (await connection.execute(SAID)).fetchone())
        await database.close()
        return after

    for said in asyncio.run(said_afterwards()):
        assert tuple(said) == ([""], DatabaseRole.APP)
