"""Loads the demo municipality: every row by the domain's verbs, at an instant in the past, in one transaction.

Invariant: it is there as a whole or not at all. What is told about it (`kept`) is handed over before it is committed.
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Connection, create_engine
from sqlmodel import Session
from stdnum.nl import bsn

from api.cli.demo import registrations
from api.cli.demo.families import FAMILIES
from api.cli.demo.field import ABSENCES, FIELD, HOME, MUNICIPALITIES, Organisation
from api.cli.demo.registrations import REGISTRATIONS, Told
from api.cli.demo.steps import Step
from api.cli.demo.stories import Relative, Story
from api.cli.keys import new_private_key, public_jwk
from api.db import CONNECT, sqlalchemy_url
from api.domain import (
    agencies,
    clients,
    continuity,
    families,
    members,
    municipalities,
    persons,
    professionals,
)
from api.domain.actor import CLOCK, Actor, Role
from api.domain.calendar import day_of, start_of
from api.domain.models import Agency, Client, Family, Municipality, Person, Professional, Registration
from api.domain.registrations import Subject
from api.domain.vault import Vault
from api.domain.work import Work

Result = TypeVar("Result")
ADMINISTRATOR = Actor(role=Role.PLATFORM_ADMINISTRATOR, subject="platform-administrator")
LONG_AGO = 500
"""Days. When the municipality began, before any family was opened."""


@dataclass
class Known:
    """Who and what the demo is made of, by the keys of its tables."""

    agencies: dict[str, str] = field(default_factory=dict)
    professionals: dict[str, str] = field(default_factory=dict)
    persons: dict[str, str] = field(default_factory=dict)
    clients: dict[str, str] = field(default_factory=dict)
    families: list[dict[str, str]] = field(default_factory=list)

    def family(self, state: str) -> str:
        """The first family in this state."""
        return next(family["id"] for family in self.families if family["state"] == state)


Keep = Callable[[dict[str, Any], dict[str, str]], None]
"""Takes what is known, and the private key of each client, before any of it is committed."""


def is_loaded(url: str) -> bool:
    """Whether the demo municipality is in this database."""
    engine = create_engine(sqlalchemy_url(url), connect_args=CONNECT)
    try:
        with Session(engine) as session:
            return session.get(Municipality, HOME) is not None
    finally:
        engine.dispose()


def steps() -> int:
    """How many steps of progress loading takes."""
    return len(FIELD) + len(FAMILIES)


def load(url: str, vault: Vault, now: datetime, keep: Keep, progress: Callable[[], object]) -> None:
    """Load the demo municipality. Calls `progress` after each agency and each family."""
    engine = create_engine(sqlalchemy_url(url), connect_args=CONNECT)
    try:
        with engine.begin() as connection:
            loader = Loader(connection, vault, now)
            for _ in loader.everything():
                progress()
            keep(asdict(loader.known), loader.private_keys)
    finally:
        engine.dispose()


class Loader:
    """The stage on which the stories are played."""

    def __init__(self, connection: Connection, vault: Vault, now: datetime) -> None:
        self.now = now
        self.known = Known()
        self.private_keys: dict[str, str] = {}
        self.registrar = registrar_of(HOME)
        self._connection, self._vault = connection, vault
        self._numbers = itertools.count(1)
        self._bsns = (f"{number:09d}" for number in itertools.count(999900000) if bsn.is_valid(f"{number:09d}"))
        self._others: dict[str, str] = {}
        self._minutes = itertools.cycle(range(0, 480, 7))

    def everything(self) -> Iterator[None]:
        for code, (name, team) in MUNICIPALITIES.items():
            self._municipality(code, name, team)
        for organisation in FIELD:
            self._organisation(organisation)
            yield
        for who, starts, ends, cover in ABSENCES:
            self._absence(who, starts, ends, cover)
        for story in FAMILIES:
            self._play(story)
            yield
        for told in REGISTRATIONS:
            self._registration(told)
        self._let_time_pass()

    # Who can be named in a step

    def agency_id(self, who: str) -> UUID:
        return UUID(self.known.agencies[who.partition(".")[0]])

    def professional_id(self, who: str) -> UUID | None:
        return UUID(self.known.professionals[who]) if "." in who else None

    def system(self, who: str) -> Actor:
        return system_of(self.known, who.partition(".")[0])

    def professional(self, who: str) -> Actor:
        return professional_of(self.known, who)

    # How anything happens

    def _at(self, ago: float) -> datetime:
        """So many days ago, during working hours."""
        day = start_of(day_of(self.now - timedelta(days=ago)))
        return day + timedelta(hours=9, minutes=next(self._minutes))

    def _do(self, verb: Callable[[Work], Result], actor: Actor, at: datetime) -> Result:
        with Session(self._connection, expire_on_commit=False, join_transaction_mode="create_savepoint") as session:
            result = verb(Work(session, actor, at, self._vault))
            session.commit()
        return result

    def _around(self, family_id: UUID, happens: Callable[[Work, Family], Result], actor: Actor, at: datetime) -> Result:
        def settled(work: Work) -> Result:
            family = work.session.get_one(Family, family_id)
            work.municipality_code = family.municipality_code
            work.begin(family)
            continuity.settle(work, family)
            return happens(work, family)

        return self._do(settled, actor, at)

    # The field

    def _municipality(self, code: str, name: str, team: str) -> None:
        municipality = Municipality(
            code=code,
            name=name,
            access_team_name=team,
            access_team_phone=self._phone(),
            access_team_email=f"toegang@{name.lower()}.example",
        )
        self._do(lambda work: municipalities.register(work, municipality), ADMINISTRATOR, self._at(LONG_AGO))

    def _organisation(self, organisation: Organisation) -> None:
        key, mail, at = organisation.key, f"{organisation.key}.example", self._at(LONG_AGO)

        def register(work: Work) -> tuple[Agency, Client]:
            agency = agencies.register(
                work,
                name=organisation.name,
                kind=organisation.kind,
                phone=self._phone(),
                email=f"info@{mail}",
                help_domains_=list(organisation.help_domains),
                signal_only=organisation.signal_only,
            )
            work.session.flush()
            private_key = new_private_key()
            client = clients.register(
                work, agency.id, f"Systeem van {organisation.name}", {"keys": [public_jwk(private_key)]}
            )
            self.private_keys[client.id] = private_key
            return agency, client

        agency, client = self._do(register, ADMINISTRATOR, at)
        self.known.agencies[key], self.known.clients[key] = str(agency.id), client.id
        for short, name, function in organisation.staff:
            number = f"{organisation.register} 99{next(self._numbers):06d}" if organisation.register else None
            hired = Professional(
                agency_id=agency.id,
                name=name,
                function=function,
                phone=self._phone(),
                email=f"{short}@{mail}",
                registration_number=number,
            )
            self._do(lambda work, hired=hired: professionals.register(work, hired), ADMINISTRATOR, at)  # type: ignore[misc]
            self.known.professionals[f"{key}.{short}"] = str(hired.id)

    def _absence(self, who: str, starts: int, ends: int, cover: str | None) -> None:
        first, last = (day_of(self.now + timedelta(days=days)) for days in (starts, ends))
        cover_id = self.professional_id(cover) if cover else None

        def report(work: Work) -> object:
            absent = work.session.get_one(Professional, self.professional_id(who))
            return professionals.report_absence(work, absent, first, last, cover_id)

        self._do(report, self.professional(who), self._at(9))

    def _phone(self) -> str:
        return f"+31 88 000 {next(self._numbers):04d}"

    # The families

    def _play(self, story: Story) -> None:
        self.registrar = registrar_of(story.municipality)
        at = self._at(story.opened)
        family = self._do(lambda work: self._open(work, story), self.registrar, at)
        self.known.families.append(
            {"id": str(family.id), "label": f"{story.name}: {story.label}", "state": story.state}
        )
        for step in story.steps:
            self._happens(family.id, step)

    def _open(self, work: Work, story: Story) -> Family:
        family = families.open_family(
            work, story.municipality, name=story.name, framework=story.framework, strategy=story.strategy
        )
        for relative in story.people:
            person = self._person(work, relative, story.municipality)
            members.join(work, family, person, relative.role, parental_authority=relative.parental_authority)
        return family

    def _person(self, work: Work, relative: Relative, municipality_code: str) -> Person:
        """The person of this name, known already or new."""
        known = self.known.persons.get(relative.full_name)
        if known:
            return work.session.get_one(Person, UUID(known))
        given_name, _, surname = relative.full_name.rpartition(" ")
        person = persons.register(
            work,
            municipality_code,
            given_name=given_name,
            surname=surname,
            birth_date=self._born(relative.age),
            bsn=next(self._bsns),
        )
        self.known.persons[relative.full_name] = str(person.id)
        return person

    def _born(self, age: int) -> date:
        """A birth date that makes someone this old now, and had come when their family was opened."""
        days = 20 + next(self._numbers) * 37 % 300
        return day_of(self.now) - timedelta(days=int(age * 365.25) + days)

    def _happens(self, family_id: UUID, step: Step) -> None:
        ago, by, happening = step
        self._around(family_id, lambda work, family: happening(self, work, family), by(self), self._at(ago))
        with Session(self._connection) as session:
            self.registrar = registrar_of(session.get_one(Family, family_id).municipality_code)

    def _registration(self, told: Told) -> None:
        given_name, _, surname = told.about.rpartition(" ")
        born = self._born(told.age)
        subject = Subject(
            bsn=self._bsn(told.about) if told.knows_bsn else None,
            given_name=given_name,
            surname=surname,
            birth_date=born,
        )
        parents, at = [self._bsn(name) for name in told.parents], self._at(told.ago)

        def register(work: Work) -> Registration:
            work.municipality_code = HOME
            return registrations.make(work, told, subject, parents)

        made = self._do(register, self.professional(told.who), at)
        if told.knows_bsn:
            self._do(lambda work: registrations.place(work, made), CLOCK, at)

    def _bsn(self, full_name: str) -> str:
        """The BSN of somebody in a family of the demo, or of nobody else yet."""
        known = self.known.persons.get(full_name)
        if known:
            with Session(self._connection) as session:
                work = Work(session, CLOCK, self.now, self._vault)
                return persons.bsn_of(work, session.get_one(Person, UUID(known))) or next(self._bsns)
        return self._others.setdefault(full_name, next(self._bsns))

    def _let_time_pass(self) -> None:
        """Write down what has ended by itself since the last step of each story."""
        with Session(self._connection) as session:
            lapsed = continuity.lapsed_families(session, self.now, len(FAMILIES))
        for family_id in lapsed:
            self._around(family_id, lambda *_: None, CLOCK, self.now)


def registrar_of(code: str) -> Actor:
    return Actor(role=Role.REGISTRAR, subject=f"registrar-{code}", municipality_code=code)


def system_of(known: Known, agency: str) -> Actor:
    return Actor(role=Role.AGENCY_SYSTEM, subject=known.clients[agency], agency_id=UUID(known.agencies[agency]))


def professional_of(known: Known, who: str) -> Actor:
    return Actor(
        role=Role.PROFESSIONAL,
        subject=who,
        agency_id=UUID(known.agencies[who.partition(".")[0]]),
        professional_id=UUID(known.professionals[who]),
    )
