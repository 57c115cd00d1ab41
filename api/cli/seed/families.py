"""What the families of a seeded municipality are like, and who is around them, as lines for COPY.

Families are made in runs, each from a generator of its own, so it doesn't matter which process makes which. Days are
counted back from today; nothing happened today, so that whatever happens next is later.
"""

from datetime import datetime, timedelta
from functools import cache
from random import Random
from typing import NamedTuple

from api.cli.grounds import GROUND_OF
from api.cli.seed.directory import GIVEN, GUARDIANS, NULL, SORTS, SURNAMES, Directory, Lines, an_id
from api.domain import bsn, calendar
from api.domain.codes import Power
from api.domain.vault import Vault

TABLES = ("family", "person", "member", "involvement", "mandate", "deputy", "contact_point")
LONGEST_AGO = 1500
LONGEST_AHEAD = 400
OLDEST = 56 * 365
EVENING = " 18:00:00+00"
MOST_PERSONS = 8
POWERS = "{" + ",".join(Power) + "}"
FREQUENCIES = ("weekly", "weekly", "fortnightly", "monthly", "monthly", "quarterly", "when_needed", NULL)
STRATEGIES = ("put_in_order", "prop_and_support", "finger_on_the_pulse", "direct_offer", "refresh", NULL)
ENDINGS = ("completed", "completed", "no_longer_needed", "handed_over", "stopped_by_family")
DOMAINS = tuple(
    tuple(("{" + ",".join(some) + "}", some) for some in (sort.domains, *((one,) for one in sort.domains)))
    for sort in SORTS
)
"""For each of `SORTS`, which help domains an involvement can be about: all of them, or one."""
STAGES = tuple("others_involved" if sort.signal_only else "agencies" for sort in SORTS)
"""For each of `SORTS`, how much it is shown of the others."""


class Family(NamedTuple):
    """A family in the making: since when, and until when if it is closed, in days ago."""

    id: str
    opened: int
    closed: int
    framework: str


class Carrier(NamedTuple):
    """A professional in a running, open involvement: one that a role can rest on."""

    professional_id: str
    since: int


class Run:
    """A run of families in the making, and the lines to be copied for them."""

    def __init__(self, directory: Directory, vault: Vault, first: int) -> None:
        self.directory, self.vault, self.first = directory, vault, first
        self.random = Random(f"{directory.seed}:{first}")  # noqa: S311 - the same seed has to give the same families
        self.lines: Lines = {table: [] for table in TABLES}
        self.child_before: str | None = None
        self.days, self.ends = days_before(directory.today), ends_after(directory.today)

    @property
    def chance(self) -> float:
        return self.random.random()

    def below(self, number: int) -> int:
        return int(self.random.random() * number)

    def moment(self, ago: int) -> str:
        """Some moment of the working day, so many days ago."""
        second = 28_800 + int(self.random.random() * 28_800)
        return f"{self.days[ago]} {second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}+00"


@cache
def days_before(today: datetime) -> list[str]:
    """Today and the days before it, as they are written."""
    return [f"{today - timedelta(days=ago):%Y-%m-%d}" for ago in range(OLDEST)]


@cache
def ends_after(today: datetime) -> list[str]:
    """The instants at which the days to come are over."""
    return [calendar.end_of((today + timedelta(days=ahead)).date()).isoformat() for ahead in range(LONGEST_AHEAD)]


def families(directory: Directory, vault: Vault, first: int, count: int) -> dict[str, bytes]:
    """The lines for `count` families from number `first` on, per table."""
    run = Run(directory, vault, first)
    for number in range(first, first + count):
        _family(run, number)
    return {table: "".join(lines).encode() for table, lines in run.lines.items()}


def _family(run: Run, number: int) -> None:
    closed = 1 + run.below(200) if run.chance < 0.03 else 0
    opened = closed + 40 + int(run.chance * run.chance * (LONGEST_AGO - 300))
    kind = run.chance
    framework = "voluntary" if kind < 0.7 else "pressure" if kind < 0.88 else "court_ordered"
    family = Family(an_id(run.random), opened, closed, framework)
    surname = SURNAMES[run.below(len(SURNAMES))]
    ending = f"{run.days[closed]}{EVENING}\tcompleted" if closed else f"{NULL}\t{NULL}"
    run.lines["family"].append(
        f"{family.id}\t{run.directory.code}\tFamilie {surname}\t{framework}\t{STRATEGIES[run.below(6)]}"
        f"\t{run.moment(opened)}\t{ending}\t{run.days[closed or 1]}{EVENING}\n"
    )
    _members(run, family, number, surname)
    carriers = _involvements(run, family)
    if carriers:
        _mandates(run, family, carriers)
        _contact_points(run, family, carriers)


def _members(run: Run, family: Family, number: int, surname: str) -> None:
    parents, children = 1 + (run.chance < 0.7), 1 + run.below(2) + run.below(3)
    started = run.moment(family.opened - 1)
    for place in range(parents + children):
        child = place >= parents
        person_id = _person(run, number * MOST_PERSONS + place, surname, child)
        _member(run, family, person_id, "child" if child else "parent", started)
    if run.child_before and run.chance < 0.02:
        _member(run, family, run.child_before, "child", started)
    run.child_before = person_id


def _person(run: Run, number: int, surname: str, child: bool) -> str:
    """Without keys of their name: invented names are so few that everybody would be somebody's double."""
    person_id = an_id(run.random)
    known = a_bsn(number)
    sealed, pseudonym = (NULL, NULL)
    if known:
        sealed, pseudonym = (rf"\\x{value.hex()}" for value in bsn.sealed(run.vault, known, _dashed(person_id)))
    born = run.days[run.below(17 * 365) if child else 20 * 365 + run.below(35 * 365)]
    run.lines["person"].append(
        f"{person_id}\t{run.directory.code}\t{GIVEN[run.below(len(GIVEN))]}\t{surname}\t{born}\t{sealed}\t{pseudonym}"
        "\tf\t{}\n"
    )
    return person_id


def a_bsn(number: int) -> str | None:
    """A number that passes the eleven-test, from the range never given out; another for each person, or none."""
    digits = f"9{number * 7_368_787 % 10_000_000:07d}"
    last = sum(int(digit) * weight for digit, weight in zip(digits, range(9, 1, -1), strict=True)) % 11
    return f"{digits}{last}" if last < 10 else None


def _dashed(plain: str) -> str:
    return f"{plain[:8]}-{plain[8:12]}-{plain[12:16]}-{plain[16:20]}-{plain[20:]}"


def _member(run: Run, family: Family, person_id: str, role: str, started: str) -> None:
    authority = "t" if role == "parent" else "f"
    run.lines["member"].append(f"{an_id(run.random)}\t{family.id}\t{person_id}\t{role}\t{authority}\t{started}\n")


def _involvements(run: Run, family: Family) -> dict[str, list[Carrier]]:
    """Who is around the family, and who was; gives the carriers of each help domain."""
    directory = run.directory
    order = directory.orders[run.below(len(directory.orders))]
    running = min(15, max(2, round(run.random.gauss(7, 2.6))))
    sorts = list(order[:running])
    if family.framework == "court_ordered" and GUARDIANS not in sorts:
        sorts[-1] = GUARDIANS
    carriers: dict[str, list[Carrier]] = {}
    for sort in sorts:
        _agency(run, family, sort, carriers)
    if run.chance < 0.4 and order[running] not in sorts:
        _ended(run, family, order[running])
    if run.chance < 0.04 and not family.closed and order[-1] not in sorts and running < 15:
        _invitation(run, family, order[-1])
    return carriers


def _agency(run: Run, family: Family, sort: int, carriers: dict[str, list[Carrier]]) -> None:
    """The professionals of one agency around the family, one involvement each."""
    teams = run.directory.teams[sort]
    team = teams[run.below(len(teams))]
    shielded = run.chance < SORTS[sort].shielded
    place = run.below(len(team.professionals))
    for _ in range(1 + (run.chance < 0.45) + (run.chance < 0.25)):
        place = (place + 1) % len(team.professionals)
        professional_id = team.professionals[place]
        since = family.closed + 4 + int(run.chance**0.6 * (family.opened - family.closed - 5))
        domains, each = DOMAINS[sort][run.below(len(DOMAINS[sort]))]
        basis, end = _basis(run, family, sort)
        flag, due = "t" if shielded else "f", run.ends[run.below(180)][:10]
        run.lines["involvement"].append(
            f"{an_id(run.random)}\t{family.id}\t{team.agency_id}\t{professional_id}\t{domains}\t{flag}"
            f"\t{FREQUENCIES[run.below(8)]}\t{basis}\t{{}}\t{STAGES[sort]}"
            f"\t{NULL}\taccepted\t{NULL}\t{run.moment(since)}\t{due}\t{end}\n"
        )
        if not shielded and not SORTS[sort].signal_only:
            for domain in each:
                carriers.setdefault(domain, []).append(Carrier(professional_id, since))


def _basis(run: Run, family: Family, sort: int) -> tuple[str, str]:
    """The legal basis of an involvement, with its article and its end by the agency's word; and how it ends."""
    closing = f"{run.days[family.closed]}{EVENING}\tfamily_closed"
    if family.framework == "court_ordered" and sort == GUARDIANS:
        return f"measure\tsupervision_order\t{NULL}", closing if family.closed else f"{NULL}\t{NULL}"
    if run.chance < 0.4:
        end = run.days[family.closed] + EVENING if family.closed else run.ends[run.below(len(run.ends))]
        return f"consent\tconsent\t{end}", closing if family.closed else f"{end}\t{NULL}"
    return f"statutory_task\t{GROUND_OF[SORTS[sort].kind]}\t{NULL}", closing if family.closed else f"{NULL}\t{NULL}"


def _ended(run: Run, family: Family, sort: int) -> None:
    """An agency that was involved before."""
    team = run.directory.teams[sort][0]
    professional_id = team.professionals[run.below(len(team.professionals))]
    until = family.closed + 1 + run.below(family.opened - family.closed - 2)
    domains = DOMAINS[sort][0][0]
    run.lines["involvement"].append(
        f"{an_id(run.random)}\t{family.id}\t{team.agency_id}\t{professional_id}\t{domains}\tf\tmonthly"
        f"\tstatutory_task\t{GROUND_OF[SORTS[sort].kind]}\t{NULL}\t{{}}\t{STAGES[sort]}"
        f"\t{NULL}\taccepted\t{NULL}\t{run.moment(family.opened)}\t{NULL}\t{run.moment(until)}\t{ENDINGS[run.below(5)]}\n"
    )


def _invitation(run: Run, family: Family, sort: int) -> None:
    """An agency that is asked, and has not answered yet."""
    team = run.directory.teams[sort][0]
    run.lines["involvement"].append(
        f"{an_id(run.random)}\t{family.id}\t{team.agency_id}\t{NULL}\t{DOMAINS[sort][0][0]}\tf\t{NULL}\t{NULL}"
        f"\t{NULL}\t{NULL}\t{{}}\t{STAGES[sort]}"
        f"\t{run.moment(1 + run.below(3))}\t{NULL}\t{NULL}\t{NULL}\t{NULL}\t{NULL}\t{NULL}\n"
    )


def _mandates(run: Run, family: Family, carriers: dict[str, list[Carrier]]) -> None:
    """A lead coordinator for most; some took over from another; some families have none, or none any more."""
    chance = run.chance
    earliest = sorted(
        {who for some in carriers.values() for who in some}, key=lambda who: (who.since, who.professional_id)
    )
    lead, before = earliest[-1], earliest[-2] if len(earliest) > 1 else None
    since = family.closed + 1 + run.below(lead.since - family.closed - 2)
    if chance > 0.97 and not family.closed:
        _mandate(run, family, lead, (None, NULL, NULL), run.ends[run.below(90)], NULL)
    elif chance > 0.85:
        if chance > 0.91:
            until = since - run.below(since - family.closed)
            _mandate(run, family, lead, (since + 1, NULL, NULL), run.moment(until), "expired")
    else:
        predecessor = NULL
        if before and chance < 0.12 and before.since > since + 2:
            start = run.moment(since)
            predecessor = _mandate(run, family, before, (before.since - 1, NULL, NULL), start, "transferred")
            mandate_id = _mandate(run, family, lead, (since, predecessor, start), *_end_of_mandate(run, family))
        else:
            mandate_id = _mandate(run, family, lead, (since, NULL, NULL), *_end_of_mandate(run, family))
        if before and 0.5 < chance < 0.53 and not family.closed:
            _deputy(run, family, mandate_id, before)


def _end_of_mandate(run: Run, family: Family) -> tuple[str, str]:
    if family.closed:
        return f"{run.days[family.closed]}{EVENING}", "family_closed"
    return run.ends[run.below(len(run.ends))], NULL


def _mandate(
    run: Run, family: Family, lead: Carrier, start: tuple[int | None, str, str], ends_at: str, reason: str
) -> str:
    """A mandate. `start`: the day on which it started if it did, its predecessor, and the instant if that is known."""
    since, predecessor, instant = start
    mandate_id, basis = an_id(run.random), "measure" if family.framework == "court_ordered" else "consent"
    if since is None:
        answer = f"{run.moment(1 + run.below(2))}\t{NULL}\t{NULL}\t{NULL}"
    else:
        started = run.moment(since) if instant == NULL else instant
        answer = f"{run.days[since + 1]}{EVENING}\taccepted\t{started}\t{started}"
    run.lines["mandate"].append(
        f"{mandate_id}\t{family.id}\t{lead.professional_id}\t{POWERS}\t{basis}\t{run.directory.code}\t{predecessor}"
        f"\t{answer}\t{ends_at}\t{reason}\n"
    )
    return mandate_id


def _deputy(run: Run, family: Family, mandate_id: str, who: Carrier) -> None:
    run.lines["deputy"].append(
        f"{an_id(run.random)}\t{family.id}\t{mandate_id}\t{who.professional_id}\t{run.days[1]}{EVENING}\t{run.ends[9]}\n"
    )


def _contact_points(run: Run, family: Family, carriers: dict[str, list[Carrier]]) -> None:
    """Someone to call for most help domains; some took over from a colleague; some domains have a gap."""
    for domain, some in carriers.items():
        chance, who = run.chance, some[0]
        if chance > 0.82:
            continue
        since = family.closed + 1 + run.below(who.since - family.closed - 2)
        start = run.moment(since)
        if chance < 0.06 and len(some) > 1 and some[1].since > since + 2:
            _contact_point(run, family, domain, some[1], run.moment(some[1].since - 1), f"{start}\treassigned")
        end = f"{run.days[family.closed]}{EVENING}\tfamily_closed" if family.closed else f"{NULL}\t{NULL}"
        _contact_point(run, family, domain, who, start, end)


def _contact_point(run: Run, family: Family, domain: str, who: Carrier, start: str, end: str) -> None:
    run.lines["contact_point"].append(
        f"{an_id(run.random)}\t{family.id}\t{domain}\t{who.professional_id}\t{start}\t{end}\n"
    )
