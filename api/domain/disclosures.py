"""The record of disclosures, for the privacy officer of the municipality that was responsible at the time.

A refusal is written down without looking up whose family it was, so that it takes as long as for a family that doesn't
exist; it is shown to the officer of the municipality that is responsible now.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlmodel import col, select, union_all

from api.domain.models import AuditRecord, Family
from api.domain.work import Work


def search(
    work: Work,
    *,
    family_id: UUID | None = None,
    professional_id: UUID | None = None,
    agency_id: UUID | None = None,
    before: int | None = None,
    limit: int = 50,
) -> Sequence[AuditRecord]:
    """Records of the officer's municipality, the latest first; one more than the limit if there are."""
    asked: list[Any] = [
        column == value
        for column, value in (
            (AuditRecord.family_id, family_id),
            (AuditRecord.professional_id, professional_id),
            (AuditRecord.agency_id, agency_id),
        )
        if value
    ]
    if before:
        asked.append(col(AuditRecord.id) < before)
    code = work.actor.municipality_code
    families = select(Family.id).where(Family.municipality_code == code)
    here = AuditRecord.municipality_code == code
    refused_here = (
        col(AuditRecord.municipality_code).is_(None),
        AuditRecord.decision == "refused",
        col(AuditRecord.family_id).in_(families),
    )
    # Each by itself, as each has an index of its own to walk; an OR of the two has none.
    ids = union_all(_latest(limit, *asked, here), _latest(limit, *asked, *refused_here))
    found = select(AuditRecord).where(col(AuditRecord.id).in_(ids))
    return work.session.exec(found.order_by(col(AuditRecord.id).desc()).limit(limit + 1)).all()


def _latest(limit: int, *conditions: Any) -> Any:
    return select(AuditRecord.id).where(*conditions).order_by(col(AuditRecord.id).desc()).limit(limit + 1)
