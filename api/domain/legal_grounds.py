"""Legal grounds and purposes: code lists, each code valid for a period.

Invariant: no ground is ever assumed. Who is involved by a statutory task names the article, and one that is valid.
"""

from collections.abc import Sequence
from datetime import date

from sqlmodel import col, or_, select

from api.domain import calendar
from api.domain.codes import LegalBasis
from api.domain.errors import Invalid
from api.domain.models import LegalGround, Purpose
from api.domain.work import Work

UNKNOWN = "There is no such legal ground for this basis today. GET /v1/legal-grounds lists them."


def known(work: Work, on: date | None = None) -> Sequence[LegalGround]:
    """The grounds that may be named on a day; today, without one."""
    day = on or calendar.day_of(work.at)
    valid = select(LegalGround).where(
        col(LegalGround.valid_from) <= day,
        or_(col(LegalGround.valid_until).is_(None), col(LegalGround.valid_until) >= day),
    )
    return work.session.exec(valid.order_by(col(LegalGround.position))).all()


def purposes(work: Work, on: date | None = None) -> Sequence[Purpose]:
    """The purposes that may be named on a day; today, without one."""
    day = on or calendar.day_of(work.at)
    valid = select(Purpose).where(
        col(Purpose.valid_from) <= day, or_(col(Purpose.valid_until).is_(None), col(Purpose.valid_until) >= day)
    )
    return work.session.exec(valid.order_by(col(Purpose.position))).all()


def check(work: Work, code: str | None, basis: LegalBasis) -> str | None:
    """The ground, if it may be named for this basis today; `Invalid` if not, or if one has to be named."""
    if code is None:
        if basis == LegalBasis.STATUTORY_TASK:
            raise Invalid(
                "Name the article that gives your agency this task. GET /v1/legal-grounds lists them.",
                field="legalGround",
                code="legal_ground_missing",
            )
        return None
    with work.session.no_autoflush:
        ground = work.once((LegalGround, code), lambda: work.session.get(LegalGround, code))
    day = calendar.day_of(work.at)
    if ground is None or ground.basis != basis or not _is_valid(ground, day):
        raise Invalid(UNKNOWN, field="legalGround", code="unknown_legal_ground")
    return ground.code


def _is_valid(ground: LegalGround, day: date) -> bool:
    return ground.valid_from <= day and (ground.valid_until is None or day <= ground.valid_until)
