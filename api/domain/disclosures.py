"""The record of disclosures, for the privacy officer of the municipality that was responsible at the time."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import col, select

from api.domain.models import AuditRecord
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
    found = select(AuditRecord).where(AuditRecord.municipality_code == work.actor.municipality_code)
    if family_id:
        found = found.where(AuditRecord.family_id == family_id)
    if professional_id:
        found = found.where(AuditRecord.professional_id == professional_id)
    if agency_id:
        found = found.where(AuditRecord.agency_id == agency_id)
    if before:
        found = found.where(col(AuditRecord.id) < before)
    return work.session.exec(found.order_by(col(AuditRecord.id).desc()).limit(limit + 1)).all()
