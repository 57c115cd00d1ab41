"""Legal grounds and purposes: what may be named on a day, in Dutch and English."""

from datetime import date
from typing import Annotated

from fastapi import Query

from api.auth.calls import Call
from api.auth.guards import Routes
from api.auth.policy import Permission
from api.domain import legal_grounds
from api.domain.codes import LegalBasis
from api.domain.models import LegalGround, Purpose
from api.paging import Page
from api.routers.parameters import Language
from api.shapes import Day, LegalGroundCode, Out

routes = Routes("Legal bases")

ValidOn = Annotated[
    Day | None, Query(alias="on", description="Those that may be named on this day. Without it: today.")
]


class LegalGroundOut(Out):
    """An article that gives a legal basis. `label` is in the language asked for; `validUntil` is the last day."""

    code: LegalGroundCode
    legal_basis: LegalBasis
    article: str
    label: str
    label_nl: str
    label_en: str
    valid_from: date
    valid_until: date | None


class PurposeOut(Out):
    """For what something is shared. `label` is in the language asked for; `validUntil` is the last day."""

    code: str
    label: str
    label_nl: str
    label_en: str
    valid_from: date
    valid_until: date | None


def _label(listed: LegalGround | Purpose, language: str) -> str:
    return listed.label_en if language == "en" else listed.label_nl


@routes.get("/legal-grounds", Permission.DIRECTORY_READ)
def list_legal_grounds(call: Call, language: Language, on: ValidOn = None) -> Page[LegalGroundOut]:
    """List the articles that an involvement can name as its legal ground, by basis."""
    found = legal_grounds.known(call.work, on)
    return Page(items=[LegalGroundOut.of(one, legal_basis=one.basis, label=_label(one, language)) for one in found])


@routes.get("/purposes", Permission.DIRECTORY_READ)
def list_purposes(call: Call, language: Language, on: ValidOn = None) -> Page[PurposeOut]:
    """List for what Spil shares."""
    return Page(
        items=[PurposeOut.of(one, label=_label(one, language)) for one in legal_grounds.purposes(call.work, on)]
    )
