"""Events, for whom they concern: in the order of their publication, each as far as the reader may know of it now.

Invariant: who reads on from a cursor misses nothing that they may know of when they read, and gets nothing else: not
what happened around a family to which they have no relation any more, and not what is hidden from them there.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from uuid import UUID

from api.domain.codes import EventType
from api.domain.documents import Document, load
from api.domain.event_catalogue import CATALOGUE, matching

EVENTS = load("knowable_events.sql", "events.sql")
CANDIDATES = load("event_candidates.sql")
TOLD = json.dumps({str(kind): asdict(told) for kind, told in CATALOGUE.items()})
OVERSIGHT = [str(kind) for about in ("emergency_access", "disclosure_hold") for kind in matching(f"{about}.*")]
"""What a privacy officer is told of families, as `knowable_events.sql` has it."""
LAST = 2**63 - 1


def published(
    after: int,
    limit: int,
    *,
    source: str,
    types: Sequence[EventType] | None = None,
    family_id: UUID | None = None,
    upto: int = LAST,
) -> Document:
    """A page of events after a place, up to and including another; `source` is who tells (a CloudEvents source)."""
    parameters = {
        "after_position": after,
        "upto": upto,
        "page": limit,
        "most": 2 * limit + 50,
        "types": [str(kind) for kind in types] if types is not None else None,
        "oversight": OVERSIGHT,
        "family_id": family_id,
        "source": source,
        "catalogue": TOLD,
    }
    return Document(EVENTS, parameters, CANDIDATES)


def only(position: int, family_id: UUID | None, *, source: str) -> Document:
    """The one event at this place, if the reader may know of it now."""
    return published(position - 1, 1, source=source, family_id=family_id, upto=position)
