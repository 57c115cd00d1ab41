"""Who there is to help in a seeded municipality: invented agencies and professionals, as lines for COPY.

There are as many as the families need: about seven agencies and twelve professionals around each family, and some
thirty families around each professional. The same seed gives the same ones.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import sqrt
from random import Random
from typing import NamedTuple

from api.domain import calendar
from api.domain.codes import AgencyKind as Kind

NULL = r"\N"
AGENCIES_PER_FAMILY = 7
PROFESSIONALS_PER_AGENCY = 1.7
"""Of one agency, around one family."""
CASELOAD = 30

GIVEN = (
    *("Sam", "Noor", "Bo", "Jip", "Fen", "Lux", "Mees", "Roan", "Sky", "Tess"),
    *("Ravi", "Lina", "Omar", "Yara", "Daan", "Sena", "Milo", "Esra", "Finn", "Zoë"),
)
SURNAMES = (
    *("Voorbeeld", "Verzonnen", "Proefstuk", "Maquette", "Schets"),
    *("Blauwdruk", "Testman", "Fictief", "Denkbeeld", "Ontwerp"),
)
PLACES = ("Noord", "Zuid", "Oost", "West", "Centrum", "Dijkzicht", "Molenwijk", "Haven", "Veldhoek", "Parkzoom")

Lines = dict[str, list[str]]
"""Per table, the lines to be copied into it."""


class Sort(NamedTuple):
    """A kind of agency: how often it is involved, how many there are of it, and what it does."""

    kind: Kind
    often: float
    spread: float
    name: str
    function: str
    domains: tuple[str, ...]
    signal_only: bool = False
    shielded: float = 0.0
    """The share of its involvements that others may not see."""


SORTS = (
    Sort(Kind.YOUTH_CARE, 9, 1.0, "Jeugdhulp", "jeugdhulpverlener", ("parenting", "child_development")),
    Sort(Kind.SOCIAL_WORK, 8, 0.8, "Welzijn", "maatschappelijk werker", ("social_network", "domestic_relations")),
    Sort(Kind.DEBT_HELP, 7, 0.5, "Schuldhulp", "schuldhulpverlener", ("finances",)),
    Sort(Kind.MENTAL_HEALTH, 6, 0.7, "GGZ", "behandelaar", ("mental_health",)),
    Sort(Kind.HOUSING, 5, 0.4, "Wonen", "woonconsulent", ("housing",)),
    Sort(Kind.GENERAL_PRACTICE, 5, 1.5, "Huisartsen", "huisarts", ("physical_health", "mental_health")),
    Sort(Kind.YOUTH_HEALTH_CARE, 5, 0.3, "Jeugdgezondheid", "jeugdarts", ("child_development", "physical_health")),
    Sort(Kind.WORK_AND_INCOME, 5, 0.3, "Werk en Inkomen", "klantmanager", ("work_education", "finances")),
    Sort(Kind.DISABILITY_CARE, 4, 0.5, "Begeleiding", "begeleider", ("basic_adl", "daytime_activities")),
    Sort(Kind.MUNICIPALITY, 4, 0.1, "Wijkteam", "consulent", ("community_participation", "instrumental_adl")),
    Sort(Kind.CERTIFIED_INSTITUTION, 3, 0.2, "Jeugdbescherming", "gezinsvoogd", ("child_safety", "parenting")),
    Sort(Kind.ADDICTION_CARE, 3, 0.3, "Verslavingszorg", "behandelaar", ("substance_use",), shielded=0.15),
    Sort(Kind.SAFE_AT_HOME, 2, 0.05, "Veilig Thuis", "medewerker", ("child_safety",), shielded=0.25),
    Sort(Kind.PROBATION, 2, 0.2, "Reclassering", "reclasseringswerker", ("justice",)),
    Sort(Kind.WOMENS_SHELTER, 1, 0.1, "Opvang", "begeleider", ("housing", "domestic_relations"), shielded=0.5),
    Sort(Kind.CHILD_PROTECTION_BOARD, 1, 0.05, "Raad", "raadsonderzoeker", ("child_safety",)),
    Sort(Kind.SCHOOL, 8, 2.0, "School", "intern begeleider", ("child_development", "work_education"), signal_only=True),
    Sort(Kind.POLICE, 3, 0.1, "Politie", "wijkagent", ("justice", "child_safety"), signal_only=True),
)
GUARDIANS = next(place for place, sort in enumerate(SORTS) if sort.kind is Kind.CERTIFIED_INSTITUTION)

VERSION_4 = (4 << 76) | (2 << 62)
FREE_BITS = (1 << 128) - 1 - ((15 << 76) | (3 << 62))


def an_id(random: Random) -> str:
    """A random identifier (UUID, version 4) from this generator."""
    return f"{random.getrandbits(128) & FREE_BITS | VERSION_4:032x}"


class Team(NamedTuple):
    """An agency and those who work for it."""

    agency_id: str
    professionals: tuple[str, ...]


@dataclass(frozen=True)
class Directory:
    """Who there is to help the families of one municipality."""

    seed: str
    code: str
    today: datetime
    teams: tuple[tuple[Team, ...], ...]
    """For each of `SORTS`."""
    orders: tuple[tuple[int, ...], ...]
    """Many ways to put `SORTS` in order: who is often involved is mostly near the front."""


def directory(seed: str, code: str, families: int, now: datetime) -> tuple[Directory, Lines]:
    """The agencies and professionals that so many families need, and their lines."""
    random = Random(seed)  # noqa: S311 - the same seed has to give the same names
    lines: Lines = {"agency": [], "professional": [], "absence": []}
    today = calendar.start_of(calendar.day_of(now))
    teams = tuple(tuple(_teams(random, sort, families, today, lines)) for sort in SORTS)
    orders = tuple(tuple(_order(random)) for _ in range(2000))
    return Directory(seed, code, today, teams, orders), lines


def _order(random: Random) -> list[int]:
    return sorted(range(len(SORTS)), key=lambda place: random.expovariate(SORTS[place].often))


def _teams(random: Random, sort: Sort, families: int, today: datetime, lines: Lines) -> list[Team]:
    """The larger the municipality, the more agencies of a kind, and the more people work there."""
    count = max(1, round(sort.spread * sqrt(families) / 10))
    share = sort.often / sum(other.often for other in SORTS)
    involvements = families * AGENCIES_PER_FAMILY * PROFESSIONALS_PER_AGENCY * share
    size = max(4, round(involvements / count / CASELOAD))
    return [_team(random, sort, number, size, today, lines) for number in range(1, count + 1)]


def _team(random: Random, sort: Sort, number: int, size: int, today: datetime, lines: Lines) -> Team:
    agency_id = an_id(random)
    domains, signals = ",".join(sort.domains), "t" if sort.signal_only else "f"
    lines["agency"].append(
        f"{agency_id}\t{sort.name} {random.choice(PLACES)} {number}\t{sort.kind}\t+31 30 {number:07d}"
        f"\tinfo@{sort.kind.replace('_', '-')}-{number}.example.nl\t{{{domains}}}\t{signals}\tt\n"
    )
    colleagues = tuple(an_id(random) for _ in range(size))
    for place, professional_id in enumerate(colleagues):
        name, phone = f"{random.choice(GIVEN)} {random.choice(SURNAMES)}", f"+31 6 {random.randrange(10**8):08d}"
        lines["professional"].append(
            f"{professional_id}\t{agency_id}\t{name}\t{sort.function}\t{phone}\t{NULL}\t{NULL}\tt\n"
        )
        if random.random() < 0.03:
            lines["absence"].append(_absence(random, professional_id, colleagues[place - 1], today))
    return Team(agency_id, colleagues)


def _absence(random: Random, professional_id: str, cover_id: str, today: datetime) -> str:
    since, until = today - timedelta(days=random.randrange(5)), today + timedelta(days=random.randrange(1, 20))
    return f"{an_id(random)}\t{professional_id}\t{cover_id}\t{since.isoformat()}\t{until.isoformat()}\n"
