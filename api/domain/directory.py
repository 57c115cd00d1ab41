"""The directory as care systems read it: agencies, professionals and municipalities by their ids, names and agencies.

It is open to every role that the policy names; nothing in it is about a family. Each list is in the order of the ids.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlalchemy.orm import Mapped
from sqlmodel import col, false, or_, select

from api.domain.models import Agency, Municipality, Professional
from api.domain.work import Work


@dataclass(frozen=True)
class Name:
    """What a name has to be like: a word of it begins so, it has this in it, or it is exactly this."""

    text: str
    how: str = "starts"

    def fits(self, column: Mapped[str]) -> ColumnElement[bool]:
        if self.how == "exact":
            return column == self.text
        if self.how == "contains":
            return column.icontains(self.text, autoescape=True)
        return or_(column.istartswith(self.text, autoescape=True), column.icontains(f" {self.text}", autoescape=True))


@dataclass(frozen=True)
class Sought:
    """What to look for; None: whatever there is."""

    ids: tuple[UUID, ...] | None = None
    codes: tuple[str, ...] | None = None
    """Of municipalities."""
    names: tuple[Name, ...] | None = None
    active: bool | None = None
    agency_ids: tuple[UUID, ...] | None = None


def agencies(work: Work, sought: Sought, after: UUID | None, limit: int) -> Sequence[Agency]:
    found = select(Agency).order_by(col(Agency.id)).limit(limit)
    if after:
        found = found.where(col(Agency.id) > after)
    if sought.ids is not None:
        found = found.where(col(Agency.id).in_(sought.ids))
    if sought.names is not None:
        found = found.where(_any(sought.names, col(Agency.name)))
    if sought.active is not None:
        found = found.where(col(Agency.active).is_(sought.active))
    return work.session.exec(found).all()


def municipalities(work: Work, sought: Sought, after: str | None, limit: int) -> Sequence[Municipality]:
    if sought.active is False:
        return []
    found = select(Municipality).order_by(col(Municipality.code)).limit(limit)
    if after:
        found = found.where(col(Municipality.code) > after)
    if sought.codes is not None:
        found = found.where(col(Municipality.code).in_(sought.codes))
    if sought.names is not None:
        found = found.where(_any(sought.names, col(Municipality.name)))
    return work.session.exec(found).all()


def professionals(work: Work, sought: Sought, after: UUID | None, limit: int) -> Sequence[tuple[Professional, Agency]]:
    """Professionals, each with their agency."""
    found = select(Professional, Agency).join(Agency, col(Agency.id) == Professional.agency_id)
    found = found.order_by(col(Professional.id)).limit(limit)
    if after:
        found = found.where(col(Professional.id) > after)
    if sought.ids is not None:
        found = found.where(col(Professional.id).in_(sought.ids))
    if sought.agency_ids is not None:
        found = found.where(col(Professional.agency_id).in_(sought.agency_ids))
    if sought.names is not None:
        found = found.where(_any(sought.names, col(Professional.name)))
    if sought.active is not None:
        found = found.where(col(Professional.active).is_(sought.active))
    return work.session.exec(found).all()


def _any(names: Iterable[Name], column: Mapped[str]) -> ColumnElement[bool]:
    return or_(false(), *(name.fits(column) for name in names))
