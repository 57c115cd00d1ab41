"""What an involvement rests on: its basis, the article, the measure, and when that ends. Nothing of it is assumed."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from api.domain import calendar, legal_grounds
from api.domain.codes import LegalBasis
from api.domain.errors import Invalid
from api.domain.models import Family, Involvement, Measure
from api.domain.work import Work

SAYS = frozenset({"legal_basis", "legal_basis_ends_on", "legal_ground", "measure_id"})
"""What an agency can say of the basis of its involvement, besides whom it is about."""


def named(
    work: Work,
    family: Family,
    basis: LegalBasis,
    *,
    ends_on: date | None = None,
    ground: str | None = None,
    measure_id: UUID | None = None,
) -> dict[str, Any]:
    """The columns of an involvement that rests on this from now on."""
    stated = end_of_basis(work, basis, ends_on)
    return {"legal_ground": legal_grounds.check(work, ground, basis)} | _resting(
        work, family, basis, stated, measure_id
    )


def renamed(work: Work, family: Family, involvement: Involvement, new: dict[str, Any]) -> dict[str, Any]:
    """The same for a running one of which some of `SAYS` changes. Another basis begins with nothing of the old one."""
    basis = LegalBasis(new.get("legal_basis") or involvement.legal_basis or "")
    keeps = basis == involvement.legal_basis
    measure_id = new.get("measure_id", involvement.measure_id if keeps else None)
    ground = new.get("legal_ground", involvement.legal_ground if keeps else None)
    if not keeps or "legal_ground" in new:
        ground = legal_grounds.check(work, ground, basis)
    stated = involvement.basis_ends_at
    if "legal_basis" in new or "legal_basis_ends_on" in new:
        stated = end_of_basis(work, basis, new.get("legal_basis_ends_on"))
    return {"legal_ground": ground} | _resting(work, family, basis, stated, measure_id)


def _resting(
    work: Work, family: Family, basis: LegalBasis, stated: datetime | None, measure_id: UUID | None
) -> dict[str, Any]:
    measure = _running(work, family, basis, measure_id) if measure_id else None
    ends = (stated, measure.ends_at if measure else None)
    return {
        "legal_basis": basis,
        "measure_id": measure.id if measure else None,
        "basis_ends_at": stated,
        "consented_domains": [],
        "ends_at": min((end for end in ends if end), default=None),
    }


def _running(work: Work, family: Family, basis: LegalBasis, measure_id: UUID) -> Measure:
    if basis != LegalBasis.MEASURE:
        raise Invalid("Only an involvement on the basis of a measure names one.", field="measureId")
    with work.session.no_autoflush:
        measure = work.session.get(Measure, measure_id)
    if measure is None or measure.family_id != family.id or not measure.runs_at(work.at):
        raise Invalid("This family has no such running measure.", field="measureId", code="unknown_measure")
    return measure


def end_of_basis(work: Work, basis: LegalBasis, last_day: date | None) -> datetime | None:
    """The end of the basis by the agency's word: consent always has one."""
    if last_day is None:
        if basis == LegalBasis.CONSENT:
            raise Invalid("Consent has an end: give its last day.", field="legalBasisEndsOn")
        return None
    if last_day < calendar.day_of(work.at):
        raise Invalid("The legal basis has ended: its last day lies in the past.", field="legalBasisEndsOn")
    return calendar.end_of(last_day)
