"""Parameters that recur in paths, queries and headers."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Header, Path, Query

from api.auth.requests import language_of
from api.shapes import HelpDomainCode, MunicipalityCode

MunicipalityCodeInPath = Annotated[MunicipalityCode, Path(alias="municipalityCode")]
HelpDomainInPath = Annotated[HelpDomainCode, Path(alias="helpDomain")]
AgencyId = Annotated[UUID, Path(alias="agencyId")]
ProfessionalId = Annotated[UUID, Path(alias="professionalId")]
AbsenceId = Annotated[UUID, Path(alias="absenceId")]
PersonId = Annotated[UUID, Path(alias="personId")]
MemberId = Annotated[UUID, Path(alias="memberId")]
InvolvementId = Annotated[UUID, Path(alias="involvementId")]
MandateId = Annotated[UUID, Path(alias="mandateId")]
DeputyId = Annotated[UUID, Path(alias="deputyId")]

NamePart = Annotated[str | None, Query(min_length=2, max_length=80, pattern=r"^[^\x00-\x1f]*$")]
On = Annotated[date | None, Query(description="A day from 2000 until today: how it was at its end. Without it: now.")]


LANGUAGES = ("nl", "en")


def _language(
    accept_language: Annotated[str | None, Header(description="`nl` (default) or `en`, for labels.")] = None,
) -> str:
    return language_of(accept_language)


Language = Annotated[str, Depends(_language)]
