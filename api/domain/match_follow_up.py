"""Follow-up of matches in figures: how many there were, and whether the agencies consulted each other.

Invariant: who may only see figures gets none that is made of fewer than five matches, nor any from which such a one
can be worked out.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from sqlmodel import select

from api.domain.codes import MatchState
from api.domain.models import Match
from api.domain.work import Work

FEWEST = 5
"""A figure made of fewer can point at somebody."""
TOLD = (MatchState.SHARED, MatchState.JOINED)
"""States in which the agencies have been told something to consult about."""


@dataclass(frozen=True)
class FollowUp:
    """The figures; None where one is suppressed, or where there is nothing to count."""

    found: int | None
    per_state: dict[MatchState, int | None]
    consulted: int | None
    not_consulted: int | None
    share_consulted: float | None
    median_days_to_consultation: float | None
    suppressed: bool


def follow_up(work: Work, municipality_code: str, *, whole: bool) -> FollowUp:
    """The figures of a municipality, with the small ones left out unless `whole`."""
    rows = work.session.exec(
        select(Match.state, Match.found_at, Match.shared_at, Match.consulted_at).where(
            Match.municipality_code == municipality_code
        )
    ).all()
    per_state = Counter(MatchState(state) for state, *_ in rows)
    consulted = [(found, at) for _, found, _, at in rows if at]
    waiting = sum(1 for state, _, shared, at in rows if at is None and (shared or state in TOLD))
    return _figures(per_state, consulted, waiting, fewest=0 if whole else FEWEST)


def _figures(
    per_state: Counter[MatchState], consulted: Sequence[tuple[datetime, datetime]], waiting: int, *, fewest: int
) -> FollowUp:
    """Sums are shown where no figure is small: a small one could be worked out from them."""
    cells = {state: _shown(per_state[state], fewest) for state in MatchState}
    small = None in (*cells.values(), _shown(len(consulted), fewest), _shown(waiting, fewest))
    told = len(consulted) + waiting
    return FollowUp(
        found=None if small else per_state.total(),
        per_state=cells,
        consulted=None if small else len(consulted),
        not_consulted=None if small else waiting,
        share_consulted=round(len(consulted) / told, 2) if told and not small else None,
        median_days_to_consultation=_median_days(consulted) if consulted and not small else None,
        suppressed=small,
    )


def _shown(count: int, fewest: int) -> int | None:
    """The count, unless it is small. None is small too: that there are none can be known of somebody as well."""
    return count if count >= fewest else None


def _median_days(consulted: Sequence[tuple[datetime, datetime]]) -> float:
    return round(median((at - found).total_seconds() / 86_400 for found, at in consulted), 1)
