"""Agencies: the organisations around families. Invariant: an agency that is involved somewhere stays active."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import any_, literal
from sqlmodel import col, func, select, tuple_

from api.domain import help_domains
from api.domain.codes import AgencyKind, EventType
from api.domain.errors import Conflict, Invalid
from api.domain.models import Agency
from api.domain.work import KEEP, Work


def get(work: Work, agency_id: UUID) -> Agency:
    return work.get(Agency, agency_id, "There is no such agency. GET /v1/agencies lists them.")


def active(work: Work, agency_id: UUID, field: str = "agencyId") -> Agency:
    """The agency, if it exists and is active, and it stays so until this commits; `Invalid` if not."""
    agency = work.once((Agency, agency_id), lambda: work.session.get(Agency, agency_id, with_for_update=KEEP))
    if agency is None or not agency.active:
        raise Invalid("There is no active agency with this id. GET /v1/agencies lists them.", field=field)
    return agency


def register(
    work: Work,
    *,
    name: str,
    kind: AgencyKind,
    help_domains_: list[str],
    phone: str | None = None,
    email: str | None = None,
    signal_only: bool = False,
) -> Agency:
    agency = Agency(
        name=name,
        kind=kind,
        phone=phone,
        email=email,
        help_domains=help_domains.check(work, help_domains_),
        signal_only=signal_only,
    )
    work.add(agency)
    work.tell(EventType.AGENCY_REGISTERED, agency)
    return agency


def change(work: Work, agency: Agency, **new: Any) -> Agency:
    """Change any of an agency's properties, by their column names."""
    if "help_domains" in new:
        new["help_domains"] = help_domains.check(work, new["help_domains"])
    work.session.refresh(agency, with_for_update=True)
    leaves = agency.active and new.get("active") is False
    only_signals = not agency.signal_only and new.get("signal_only") is True
    if (leaves or only_signals) and _is_involved(work, agency):
        raise Conflict("This agency still is involved with families, or invited. End, decline or hand over first.")
    agency.sqlmodel_update(new)
    work.tell(EventType.AGENCY_CHANGED, agency)
    return agency


def _is_involved(work: Work, agency: Agency) -> bool:
    """Or invited: that too is a relation to a family, which an agency that is no longer active may not have.

    Asked of all families, of which whoever asks sees none.
    """
    return bool(work.session.scalar(select(func.spil_agency_is_related(agency.id, work.at))))


def search(
    work: Work,
    *,
    name: str | None = None,
    kind: AgencyKind | None = None,
    help_domain: str | None = None,
    only_active: bool = True,
    after: tuple[str, UUID] | None = None,
    limit: int = 50,
) -> Sequence[Agency]:
    """Agencies by part of their name, kind and help domain, in order of name; one more than the limit if there are."""
    found = select(Agency).order_by(col(Agency.name), col(Agency.id)).limit(limit + 1)
    if name:
        found = found.where(col(Agency.name).icontains(name, autoescape=True))
    if kind:
        found = found.where(Agency.kind == kind)
    if help_domain:
        found = found.where(literal(help_domain) == any_(col(Agency.help_domains)))
    if only_active:
        found = found.where(Agency.active)
    if after:
        found = found.where(tuple_(col(Agency.name), col(Agency.id)) > after)
    return work.session.exec(found).all()
