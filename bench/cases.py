"""The four things that are measured: who asks what about whom, over HTTP and, for reads, as the same SQL in pgbench.

Each is spread over many families and callers. What changes something sends each request once, or back and forth.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.rows import namedtuple_row

from api.auth import documents
from api.auth.issuing import OwnIssuer
from api.auth.policy import Permission
from api.db import ENTER, DatabaseRole
from api.domain import caseload, who_is_involved
from api.domain.actor import Actor, Role
from api.domain.documents import Document
from api.settings import Settings
from bench.changes import Request, apart, once, sent_for, taking, transaction, without_colons

SPREAD = 2_000
"""So many families or callers take turns."""
STARTS = 60_000
PAGE = 50
RUNS = "started_at <= now() AND (ends_at IS NULL OR ends_at > now() + interval '1 day')"

ASKING_SYSTEMS = f"""
SELECT family_id, agency_id FROM involvement WHERE {RUNS} AND NOT shielded ORDER BY md5(id::text) LIMIT {SPREAD}"""
PROFESSIONALS = f"""
SELECT p.id AS professional_id, p.agency_id FROM professional p
WHERE EXISTS (SELECT FROM involvement WHERE professional_id = p.id AND {RUNS})
ORDER BY md5(p.id::text) LIMIT {SPREAD}"""
ASSIGNABLE = f"""
WITH led AS (
  SELECT family_id, professional_id FROM mandate WHERE {RUNS} ORDER BY md5(id::text) LIMIT {SPREAD * 2}
)
SELECT DISTINCT ON (led.family_id) led.family_id, led.professional_id, lead.agency_id, domain,
       array_agg(DISTINCT i.professional_id) AS candidates,
       (SELECT c.professional_id FROM contact_point c
        WHERE c.family_id = led.family_id AND c.help_domain = domain AND c.ends_at IS NULL) AS current
FROM led JOIN professional lead ON lead.id = led.professional_id
JOIN involvement i ON i.family_id = led.family_id AND {RUNS} AND NOT i.shielded
JOIN agency a ON a.id = i.agency_id AND NOT a.signal_only
CROSS JOIN unnest(i.help_domains) AS domain
GROUP BY led.family_id, led.professional_id, lead.agency_id, domain
HAVING count(DISTINCT i.professional_id) > 1 LIMIT {SPREAD}"""
ASSIGNED = """
SELECT b.i, b.family_id, b.domain, b.professional_id, b.agency_id, c.id AS point, c.professional_id AS previous,
       CASE WHEN c.professional_id = b.one THEN b.other ELSE b.one END AS given_to
FROM bench_assign b JOIN contact_point c ON c.family_id = b.family_id AND c.help_domain = b.domain AND c.ends_at IS NULL
"""
STARTABLE = f"""
WITH related AS (
  SELECT DISTINCT family_id, agency_id FROM involvement WHERE {RUNS} AND NOT shielded LIMIT {STARTS}
)
SELECT related.family_id, related.agency_id, p.id AS professional_id
FROM related CROSS JOIN LATERAL (SELECT id FROM professional WHERE agency_id = related.agency_id LIMIT 12) AS p
WHERE NOT EXISTS (
  SELECT FROM involvement i
  WHERE i.family_id = related.family_id AND i.agency_id = related.agency_id AND i.professional_id = p.id)
ORDER BY md5(related.family_id::text || p.id) LIMIT {STARTS}"""


@dataclass
class Case:
    """One of the things measured: its requests, and where in them the next run goes on."""

    name: str
    requests: list[bytes]
    script: str | None = None
    """For pgbench: the same statement, for the same families and callers."""
    place: int = field(default=0)


class Callers:
    """Signs in whoever asks, and writes their requests as they go over the wire."""

    def __init__(self, settings: Settings) -> None:
        assert settings.signing_key
        self._issuer = OwnIssuer(settings.signing_key.get_secret_value(), settings.issuer, settings.audience)
        self._tokens: dict[Actor, str] = {}

    def token(self, actor: Actor) -> str:
        if actor not in self._tokens:
            self._tokens[actor] = self._issuer.token(actor, seconds=11 * 3600)
        return self._tokens[actor]

    def request(
        self, actor: Actor, method: str, path: str, body: dict[str, Any] | None = None, extra: str = ""
    ) -> bytes:
        content = json.dumps(body).encode() if body else b""
        kind = f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n" if body else ""
        head = f"{method} /v1{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {self.token(actor)}\r\n"
        return f"{head}{extra}{kind}\r\n".encode() + content


def system(agency_id: UUID) -> Actor:
    return Actor(Role.AGENCY_SYSTEM, f"system-{agency_id}", agency_id=agency_id)


def professional(professional_id: UUID, agency_id: UUID) -> Actor:
    subject = f"professional-{professional_id}"
    return Actor(Role.PROFESSIONAL, subject, agency_id=agency_id, professional_id=professional_id)


class Cases:
    """The cases on one seeded database."""

    def __init__(self, url: str, settings: Settings) -> None:
        self._connection = psycopg.connect(url, autocommit=True, row_factory=namedtuple_row)
        self._settings, self._callers = settings, Callers(settings)

    def close(self) -> None:
        self._connection.close()

    def _rows(self, query: str) -> list[Any]:
        return self._connection.execute(query).fetchall()

    @cached_property
    def who_is_involved(self) -> Case:
        rows = self._rows(ASKING_SYSTEMS)
        requests = [
            self._callers.request(system(row.agency_id), "GET", f"/families/{row.family_id}/who-is-involved")
            for row in rows
        ]
        asked = [(row.family_id, row.agency_id, None) for row in rows]
        document = who_is_involved.who_is_involved(None, "nl")
        return Case(
            "who-is-involved", requests, self._script(document, Role.AGENCY_SYSTEM, Permission.FAMILY_READ, asked)
        )

    @cached_property
    def caseload(self) -> Case:
        rows = self._rows(PROFESSIONALS)
        requests = [
            self._callers.request(professional(row.professional_id, row.agency_id), "GET", "/caseload") for row in rows
        ]
        asked = [(None, row.agency_id, row.professional_id) for row in rows]
        document = caseload.caseload(None, PAGE)
        return Case("caseload", requests, self._script(document, Role.PROFESSIONAL, Permission.CASELOAD_READ, asked))

    @cached_property
    def assign_contact_point(self) -> Case:
        """Each family's contact point goes to one professional, then to another, and so on."""
        there: list[bytes] = []
        back: list[bytes] = []
        rows = [row for row in self._rows(ASSIGNABLE) if row.current]
        for row in rows[::2]:
            first, second = sorted(row.candidates, key=lambda candidate: candidate == row.current)[:2]
            path = f"/families/{row.family_id}/contact-points/{row.domain}"
            lead = professional(row.professional_id, row.agency_id)
            for requests, to in ((there, first), (back, second)):
                body = {"professionalId": str(to)}
                requests.append(self._callers.request(lead, "PUT", path, body, "If-Match: *\r\n"))
        return Case("assign-contact-point", there + back, self._assigning(rows[1::2]))

    def _assigning(self, rows: list[Any]) -> str:
        """For pgbench: the point there is, and of two professionals the one who isn't."""
        pairs = [sorted(row.candidates, key=lambda candidate: candidate == row.current)[-2:] for row in rows]
        table = [
            (row.family_id, row.professional_id, row.agency_id, row.domain, *pair)
            for row, pair in zip(rows, pairs, strict=True)
        ]
        names = ("family_id", "professional_id", "agency_id", "domain", "one", "other")
        self._table("bench_assign", names, table)
        sample = next(row for row in self._rows(ASSIGNED) if row.professional_id not in (row.given_to, row.previous))
        lead = professional(sample.professional_id, sample.agency_id)
        path = f"/families/{sample.family_id}/contact-points/{sample.domain}"
        headers = {"Authorization": f"Bearer {self._callers.token(lead)}", "If-Match": "*"}
        request = Request("PUT", path, {"professionalId": str(sample.given_to)}, headers)
        variables = {str(value): name for name, value in sample._asdict().items() if name != "i"}
        back = Request("PUT", path, {"professionalId": str(sample.previous)}, headers)
        sent = sent_for(self._settings, [request, back])
        self._connection.execute(f"CREATE OR REPLACE VIEW bench_assigned AS {ASSIGNED}")
        self._connection.execute(f"GRANT SELECT ON bench_assigned TO {DatabaseRole.APP}")
        turn = taking(apart(len(table)), "SELECT * FROM bench_assigned", list(variables.values()))
        return turn + transaction(sent, variables)

    @cached_property
    def start_involvement(self) -> Case:
        """A colleague joins an agency's involvement; each request can be carried out once."""
        requests = []
        rows = self._rows(STARTABLE)
        for row in rows[::2]:
            body = {
                "helpDomains": ["parenting"],
                "legalBasis": "statutory_task",
                "legalGround": "youth_help",
                "professionalId": str(row.professional_id),
            }
            path = f"/families/{row.family_id}/involvements"
            requests.append(self._callers.request(system(row.agency_id), "POST", path, body))
        *others, sample = [row[:3] for row in rows[1::2]]
        names = ("family_id", "agency_id", "professional_id")
        self._table("bench_start", names, others)
        self._connection.execute("DROP SEQUENCE IF EXISTS bench_start_turn")
        self._connection.execute("CREATE SEQUENCE bench_start_turn")
        self._connection.execute(f"GRANT USAGE ON SEQUENCE bench_start_turn TO {DatabaseRole.APP}")
        headers = {"Authorization": f"Bearer {self._callers.token(system(sample[1]))}"}
        path = f"/families/{sample[0]}/involvements"
        sent = sent_for(self._settings, [Request("POST", path, body | {"professionalId": str(sample[2])}, headers)])
        variables = {str(value): name for name, value in zip(names, sample, strict=True)}
        script = taking(once("bench_start"), "SELECT * FROM bench_start", list(names)) + transaction(sent, variables)
        return Case("start-involvement", requests, script)

    def _table(self, table: str, names: tuple[str, ...], rows: Sequence[tuple[Any, ...]]) -> None:
        """What pgbench takes its turns from."""
        columns = ", ".join(f"{name} {'text' if name == 'domain' else 'uuid'}" for name in names)
        self._connection.execute(f"DROP TABLE IF EXISTS {table} CASCADE")
        self._connection.execute(f"CREATE TABLE {table} (i serial PRIMARY KEY, {columns})")
        with self._connection.cursor().copy(f"COPY {table} ({', '.join(names)}) FROM STDIN") as copy:
            for one in rows:
                copy.write_row(one)
        self._connection.execute(f"GRANT SELECT ON {table} TO {DatabaseRole.APP}")
        self._connection.execute(f"VACUUM ANALYZE {table}")

    def _script(
        self, document: Document, role: Role, permission: Permission, asked: Sequence[tuple[UUID | None, ...]]
    ) -> str:
        """What this document asks of the database for a random one of those who asked, as the service sends it."""
        table = f"bench_{role}"
        names = ("family_id", "agency_id", "professional_id")
        self._table(table, names, asked)
        varying = [name for name, value in zip(names, asked[0], strict=True) if value]
        fixed = documents.parameters(document, Actor(role, "bench"), permission, None, "0" * 32)
        statement = documents.statement(document.select, role, one_family="family_id" in varying)
        enter, ask = (_with_variables(one, varying, fixed) for one in (ENTER, statement))
        return (
            f"\\set i random(1, {len(asked)})\n"
            f"SELECT {', '.join(varying)} FROM {table} WHERE i = :i \\gset\n"
            f"\\startpipeline\n{enter};\n{ask};\n\\endpipeline\n"
        )


def _with_variables(statement: str, varying: list[str], fixed: dict[str, Any]) -> str:
    """The statement as pgbench takes it: what differs per request a variable, all else written out."""

    def value(match: "re.Match[str]") -> str:
        name = match[1]
        return f":{name}::uuid" if name in varying else without_colons(sql.Literal(fixed.get(name)).as_string())

    plain = "\n".join(line for line in statement.splitlines() if not line.lstrip().startswith("--"))
    plain = without_colons(plain)
    return re.sub(r"%\((\w+)\)s", value, plain).replace("%%", "%")


MEASURED: tuple[Callable[[Cases], Case], ...] = (
    lambda cases: cases.who_is_involved,
    lambda cases: cases.caseload,
    lambda cases: cases.assign_contact_point,
    lambda cases: cases.start_involvement,
)
"""In this order: what changes something comes last, and what adds to the families comes very last."""
