"""Municipalities: the tenants. Each is responsible for its families and has an access team that answers for gaps."""

from collections.abc import Sequence
from typing import Any

from sqlmodel import col, select

from api.domain.codes import EventType
from api.domain.errors import Conflict
from api.domain.models import Municipality
from api.domain.work import Work


def known(work: Work) -> Sequence[Municipality]:
    return work.session.exec(select(Municipality).order_by(col(Municipality.name))).all()


def get(work: Work, code: str) -> Municipality:
    return work.get(Municipality, code, "There is no such municipality. GET /v1/municipalities lists them.")


def register(work: Work, municipality: Municipality) -> Municipality:
    if work.session.get(Municipality, municipality.code):
        raise Conflict("This municipality is registered already.")
    work.add(municipality)
    work.tell(EventType.MUNICIPALITY_REGISTERED, municipality)
    return municipality


def change(work: Work, municipality: Municipality, **new: Any) -> Municipality:
    municipality.sqlmodel_update(new)
    work.tell(EventType.MUNICIPALITY_CHANGED, municipality)
    return municipality
