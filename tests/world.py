"""Builders: `world.an_agency()`, `world.a_family()`, ... make what a test needs, by the domain's own verbs.

Each takes `at` for what has to have happened earlier. `world.as_(actor)` speaks HTTP with that actor's token.
"""

import itertools
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from fastapi import FastAPI
from httpx import Client, Response
from sqlalchemy import create_engine
from sqlmodel import Session, select

from api.cli.grounds import GROUND_OF
from api.db import CONNECT, sqlalchemy_url
from api.domain import (
    agencies,
    calendar,
    contact_points,
    continuity,
    families,
    involvements,
    mandates,
    members,
    municipalities,
    persons,
    professionals,
)
from api.domain.actor import Actor, Role
from api.domain.codes import AgencyKind, Framework, LegalBasis, MandateBasis, MemberRole, Power
from api.domain.models import (
    Absence,
    Agency,
    AuditRecord,
    ContactPoint,
    Deputy,
    Event,
    Family,
    Involvement,
    Mandate,
    Member,
    Municipality,
    Person,
    Professional,
)
from api.domain.work import Work

Result = TypeVar("Result")
numbers = itertools.count(1)
ADMINISTRATOR = Actor(role=Role.PLATFORM_ADMINISTRATOR, subject="administrator")


def today() -> date:
    """The day it is where the families live."""
    return calendar.today()


def in_days(days: int) -> date:
    return today() + timedelta(days=days)


def ago(**how_long: float) -> datetime:
    return datetime.now(UTC) - timedelta(**how_long)


def _bsns() -> Iterator[str]:
    """Nine-digit numbers that pass the eleven-test, from the range that is never given out, each of them once."""
    first, stride = secrets.randbelow(10**6), 387_421
    for number in range(10**6):
        middle = f"99{(first + number * stride) % 10**6:06d}"
        last = sum(int(digit) * weight for digit, weight in zip(middle, range(9, 1, -1), strict=True)) % 11
        if last < 10:
            yield f"{middle}{last}"


bsns = _bsns()


def a_bsn() -> str:
    """A BSN of nobody else's: tests share one database, and one number would make two people one."""
    return next(bsns)


def refused(response: Response, status: int, code: str) -> None:
    """The answer is a problem with this status and code, and nothing else."""
    assert response.status_code == status, response.text
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json()["code"] == code, response.text


@dataclass(frozen=True)
class Team:
    """A family, an agency that is openly involved with it, and who leads for that agency."""

    family: Family
    agency: Agency
    lead: Professional
    involvement: Involvement
    mandate: Mandate

    @property
    def path(self) -> str:
        return f"/families/{self.family.id}"

    @property
    def mandate_path(self) -> str:
        return f"{self.path}/mandates/{self.mandate.id}"


@dataclass(frozen=True)
class Caller:
    """Somebody who calls the API."""

    client: Client
    token: str

    def call(self, method: str, path: str, **how: Any) -> Response:
        headers = {"Authorization": f"Bearer {self.token}"} | how.pop("headers", {})
        return self.client.request(method, f"/v1{path}", headers=headers, **how)

    def get(self, path: str, **how: Any) -> Response:
        return self.call("GET", path, **how)

    def post(self, path: str, json: Any = None, **how: Any) -> Response:
        return self.call("POST", path, json=json, **how)

    def put(self, path: str, json: Any, **how: Any) -> Response:
        return self.call("PUT", path, json=json, **how)

    def delete(self, path: str, **how: Any) -> Response:
        """End or take back what there is, however it has changed."""
        return self.call("DELETE", path, **{"headers": {"If-Match": "*"}} | how)

    @contextmanager
    def stream(self, path: str, **how: Any) -> Iterator[Iterator[str]]:
        """The lines of an answer that goes on."""
        headers = {"Authorization": f"Bearer {self.token}"} | how.pop("headers", {})
        with self.client.stream("GET", f"/v1{path}", headers=headers, **how) as answer:
            answer.raise_for_status()
            yield answer.iter_lines()

    def change(self, path: str, json: Any, method: str = "PATCH") -> Response:
        """Read first, then change on the basis of that."""
        etag = self.get(path).headers["ETag"]
        return self.call(method, path, json=json, headers={"If-Match": etag})


class World:
    """A municipality with nobody in it yet."""

    def __init__(self, app: FastAPI, client: Client) -> None:
        self.app, self.client = app, client
        self.administrator = ADMINISTRATOR
        self._engine = create_engine(sqlalchemy_url(app.state.settings.database_url), connect_args=CONNECT)
        self.municipality = self.a_municipality()
        self.registrar = Actor(role=Role.REGISTRAR, subject="registrar", municipality_code=self.municipality.code)

    def close(self) -> None:
        self._engine.dispose()

    def session(self) -> Session:
        return Session(self._engine, expire_on_commit=False)

    def as_(self, actor: Actor) -> Caller:
        return Caller(self.client, self.app.state.own_issuer.token(actor))

    def do(self, verb: Callable[[Work], Result], actor: Actor | None = None, at: datetime | None = None) -> Result:
        """Carry out verbs of the domain in one unit of work, and commit it."""
        with self.session() as session:
            work = Work(session, actor or ADMINISTRATOR, at or datetime.now(UTC), self.app.state.vault)
            result = verb(work)
            session.commit()
        return result

    def around(
        self,
        family: Family,
        verb: Callable[[Work, Family], Result],
        actor: Actor | None = None,
        at: datetime | None = None,
    ) -> Result:
        """The same for a family, which is locked and settled first."""

        def locked(work: Work) -> Result:
            mine = work.session.exec(select(Family).where(Family.id == family.id).with_for_update(key_share=True)).one()
            work.municipality_code = mine.municipality_code
            work.begin(mine)
            continuity.settle(work, mine)
            return verb(work, mine)

        return self.do(locked, actor or self.registrar, at)

    # What is on record

    def told(self, family: Family, *types: str) -> list[Event]:
        """The events of a family, the oldest first; only of these types if any are given."""
        with self.session() as session:
            events = session.exec(select(Event).where(Event.family_id == family.id).order_by(Event.at, Event.place))
            return [event for event in events if not types or event.type in types]

    def records(self, family: Family) -> list[AuditRecord]:
        """The audit records of a family, the oldest first."""
        return self.records_of(family.id)

    def records_of(self, family_id: UUID) -> list[AuditRecord]:
        with self.session() as session:
            of_family = select(AuditRecord).where(AuditRecord.family_id == family_id)
            return list(session.exec(of_family.order_by(AuditRecord.id)))

    def caseload(self, actor: Actor, limit: int = 200) -> list[Any]:
        """The pages of somebody's caseload."""
        pages, cursor = [], ""
        while cursor is not None:
            page = self.as_(actor).get("/caseload", params={"limit": limit, "cursor": cursor}).json()
            pages.append(page["items"])
            cursor = page["nextCursor"]
        return pages

    # Who there is

    def a_municipality(self) -> Municipality:
        code = f"{next(numbers) % 10000:04d}"
        municipality = Municipality(
            code=code,
            name=f"Gemeente {secrets.token_hex(3)}",
            access_team_name="Wijkteam",
            access_team_phone="+31 30 000 00 00",
            access_team_email="wijkteam@example.nl",
        )
        return self.do(lambda work: municipalities.register(work, municipality))

    def a_registrar(self, municipality: Municipality) -> Actor:
        return Actor(role=Role.REGISTRAR, subject="registrar", municipality_code=municipality.code)

    def an_agency(
        self, kind: AgencyKind = AgencyKind.YOUTH_CARE, domains: Iterable[str] = (), *, signal_only: bool = False
    ) -> Agency:
        name = f"Instantie {secrets.token_hex(4)}"
        phone = "+31 30 111 11 11"
        return self.do(
            lambda work: agencies.register(
                work, name=name, kind=kind, phone=phone, help_domains_=list(domains), signal_only=signal_only
            )
        )

    def a_professional(self, agency: Agency) -> Professional:
        name = f"Medewerker {secrets.token_hex(4)}"
        professional = Professional(agency_id=agency.id, name=name, function="hulpverlener", phone="+31 6 00 00 00 00")
        return self.do(lambda work: professionals.register(work, professional))

    def system(self, agency: Agency) -> Actor:
        return Actor(role=Role.AGENCY_SYSTEM, subject=f"system-{agency.id}", agency_id=agency.id)

    def actor(self, professional: Professional) -> Actor:
        return Actor(
            role=Role.PROFESSIONAL,
            subject=f"professional-{professional.id}",
            agency_id=professional.agency_id,
            professional_id=professional.id,
        )

    def relative(self, person: Person) -> Actor:
        return Actor(role=Role.FAMILY_MEMBER, subject=f"person-{person.id}", person_id=person.id)

    def officer(self, municipality: Municipality | None = None) -> Actor:
        code = (municipality or self.municipality).code
        return Actor(role=Role.PRIVACY_OFFICER, subject="officer", municipality_code=code)

    # What there is

    def a_family(self, municipality: Municipality | None = None, at: datetime | None = None) -> Family:
        code = (municipality or self.municipality).code
        name = f"Familie {secrets.token_hex(4)}"
        return self.do(
            lambda work: families.open_family(work, code, name=name, framework=Framework.VOLUNTARY),
            self.a_registrar(municipality or self.municipality),
            at or ago(minutes=5),
        )

    def a_member(
        self,
        family: Family,
        role: MemberRole = MemberRole.PARENT,
        birth_date: date | None = date(1985, 4, 1),
        at: datetime | None = None,
        **more: Any,
    ) -> tuple[Member, Person]:
        def join(work: Work, mine: Family) -> tuple[Member, Person]:
            person = persons.register(
                work, mine.municipality_code, given_name="Sam", surname="Voorbeeld", birth_date=birth_date, **more
            )
            return members.join(work, mine, person, role, parental_authority=role is MemberRole.PARENT), person

        return self.around(family, join, at=at or ago(minutes=4))

    def an_involvement(
        self,
        family: Family,
        agency: Agency,
        domains: Iterable[str] = ("parenting",),
        *,
        professional: Professional | None = None,
        at: datetime | None = None,
        **terms: Any,
    ) -> Involvement:
        terms = {"legal_basis": LegalBasis.STATUTORY_TASK} | terms
        if terms["legal_basis"] == LegalBasis.STATUTORY_TASK:
            terms = {"legal_ground": GROUND_OF[agency.kind]} | terms
        professional_id = professional.id if professional else None
        return self.around(
            family,
            lambda work, mine: involvements.start(
                work, mine, agency.id, list(domains), involvements.Terms(professional_id=professional_id, **terms)
            ),
            self.system(agency),
            at or ago(minutes=3),
        )

    def an_invitation(self, family: Family, agency: Agency, domains: Iterable[str] = ("parenting",)) -> Involvement:
        return self.around(family, lambda work, mine: involvements.invite(work, mine, agency.id, list(domains)))

    def a_proposal(
        self,
        family: Family,
        lead: Professional,
        powers: Iterable[Power] = tuple(Power),
        ends_on: date | None = None,
        at: datetime | None = None,
    ) -> Mandate:
        return self.around(
            family,
            lambda work, mine: mandates.propose(
                work, mine, lead.id, powers, MandateBasis.CONSENT, ends_on or in_days(180)
            ),
            at=at or ago(minutes=2),
        )

    def a_mandate(self, family: Family, lead: Professional, at: datetime | None = None, **how: Any) -> Mandate:
        proposal = self.a_proposal(family, lead, at=at, **how)
        return self.around(
            family,
            lambda work, mine: mandates.accept(work, mine, mandates.get(work, mine, proposal.id)),
            self.actor(lead),
            at or ago(minutes=1),
        )

    def a_team(self, domains: Iterable[str] = ("parenting",), at: datetime | None = None, **mandate: Any) -> Team:
        """A family with an agency openly involved and a lead, all of it since `at`."""
        agency = self.an_agency()
        lead = self.a_professional(agency)
        family = self.a_family(at=at)
        involvement = self.an_involvement(family, agency, domains, professional=lead, at=at)
        return Team(family, agency, lead, involvement, self.a_mandate(family, lead, at=at, **mandate))

    def an_involved_professional(
        self, family: Family, domains: Iterable[str] = ("finances",), at: datetime | None = None, **terms: Any
    ) -> Professional:
        """Someone of a further agency that is involved with a family."""
        professional = self.a_professional(self.an_agency(AgencyKind.DEBT_HELP))
        agency = Agency(id=professional.agency_id, name="", kind=AgencyKind.DEBT_HELP)
        self.an_involvement(family, agency, domains, professional=professional, at=at, **terms)
        return professional

    def an_absence(
        self,
        professional: Professional,
        first: int = -1,
        last: int = 5,
        cover: Professional | None = None,
        at: datetime | None = None,
    ) -> Absence:
        """An absence from so many days from now to so many days from now, both included."""
        cover_id = cover.id if cover else None
        return self.do(
            lambda work: professionals.report_absence(work, professional, in_days(first), in_days(last), cover_id),
            at=at,
        )

    def a_deputy(self, team: Team, deputy: Professional, first: int = 0, last: int = 5) -> Deputy:
        def name(work: Work, mine: Family) -> Deputy:
            mandate = mandates.get(work, mine, team.mandate.id)
            return mandates.name_deputy(work, mine, mandate, deputy.id, in_days(first), in_days(last))

        return self.around(team.family, name, at=ago(seconds=40))

    def a_contact_point(
        self, family: Family, professional: Professional, help_domain: str = "parenting", at: datetime | None = None
    ) -> ContactPoint:
        return self.around(
            family,
            lambda work, mine: contact_points.assign(work, mine, help_domain, professional.id),
            at=at or ago(seconds=50),
        )
