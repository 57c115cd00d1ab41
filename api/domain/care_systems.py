"""What care systems ask, who know members rather than families: members, who is kin, teams, involvements with a member.

Each is a page over the families that the transaction sees (`Reach`, `api/auth/reaching.py`). Invariant: a team is what
who is involved shows this reader, by that same select; the rest follows the rules of the routes under a family.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from api.domain.codes import MemberRole
from api.domain.documents import Document, load
from api.domain.who_is_involved import WHO_IS_INVOLVED

FIRST, LAST = UUID(int=0), UUID(int=2**128 - 1)
PARENTS = (MemberRole.PARENT, MemberRole.STEP_PARENT, MemberRole.FOSTER_PARENT)

SEEN = "SELECT unnest((SELECT spil_seen())::uuid[]) AS family_id"
ONE_FAMILY = WHO_IS_INVOLVED.replace(
    "WITH moment AS (",
    "WITH relation AS (SELECT * FROM relation AS of WHERE of.family_id = listed.id),\nmoment AS (",
    1,
)
WITHOUT_EVENTS = load("members_seen.sql").replace("\n, considered AS", "\nWITH considered AS", 1)
MEMBERS = f"{WITHOUT_EVENTS}\n{load('page_of_members.sql')}"
RELATIVES = f"{WITHOUT_EVENTS}\n{load('page_of_relatives.sql')}"
TEAMS = load("knowable_events.sql", "members_seen.sql", "page_of_teams.sql").replace("\nTEAM_OF_ONE_FAMILY", ONE_FAMILY)
INVOLVEMENTS = load("knowable_events.sql", "members_seen.sql", "page_of_involvements.sql")


@dataclass(frozen=True)
class Whom:
    """Whom a search is about: persons by their ids, or by the pseudonyms of their BSN."""

    persons: tuple[UUID, ...] = ()
    pseudonyms: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class Place:
    """After which a page begins, and how many items it has at most."""

    size: int
    after: tuple[UUID, ...] = ()

    @property
    def start(self) -> tuple[UUID, UUID, UUID]:
        """The family that it begins in, and after what of it: past the last of one, it begins in the next."""
        family, one, two = (*self.after, FIRST, FIRST, FIRST)[:3]
        return (UUID(int=min(family.int + 1, LAST.int)), FIRST, FIRST) if one == LAST else (family, one, two)


@dataclass(frozen=True)
class Wanted:
    """What a search wants; None: whatever there is."""

    whom: Whom | None = None
    states: tuple[str, ...] | None = None
    participants: tuple[UUID, ...] | None = None
    agencies: tuple[UUID, ...] | None = None
    professionals: tuple[UUID, ...] | None = None
    changed_from: datetime | None = None
    changed_before: datetime | None = None
    language: str = field(default="nl")


def members(wanted: Wanted, place: Place) -> Document:
    return Document(MEMBERS, _parameters(wanted, place), SEEN)


def relatives(wanted: Wanted, place: Place) -> Document:
    return Document(RELATIVES, _parameters(wanted, place), SEEN)


def teams(wanted: Wanted, place: Place) -> Document:
    return Document(TEAMS, _parameters(wanted, place), SEEN)


def involvements(wanted: Wanted, place: Place) -> Document:
    return Document(INVOLVEMENTS, _parameters(wanted, place), SEEN)


def _parameters(wanted: Wanted, place: Place) -> dict[str, Any]:
    whom = wanted.whom or Whom()
    family, one, two = place.start
    return {
        "size": place.size,
        "from_family": family,
        "from_one": one,
        "from_two": two,
        "last": str(LAST),
        "narrowed": wanted.whom is not None,
        "persons": list(whom.persons),
        "pseudonyms": list(whom.pseudonyms),
        "parents": [str(one) for one in PARENTS],
        "states": _listed(wanted.states),
        "participants": None if wanted.participants is None else [str(one) for one in wanted.participants],
        "agencies": _listed(wanted.agencies),
        "professionals": _listed(wanted.professionals),
        "changed_from": wanted.changed_from,
        "changed_before": wanted.changed_before,
        "at": None,
        "language": wanted.language,
        "help_domain": None,
    }


def _listed(values: tuple[Any, ...] | None) -> list[Any] | None:
    return None if values is None else list(values)
