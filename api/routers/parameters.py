"""Parameters that recur in paths, queries and headers."""

from typing import Annotated

from fastapi import Depends, Header, Path, Query
from pydantic import BeforeValidator, Field

from api.auth.requests import language_of
from api.paging import whole_number
from api.shapes import Day, HelpDomainCode, Id, MunicipalityCode

MunicipalityCodeInPath = Annotated[MunicipalityCode, Path(alias="municipalityCode")]
HelpDomainInPath = Annotated[HelpDomainCode, Path(alias="helpDomain")]
AgencyId = Annotated[Id, Path(alias="agencyId")]
ProfessionalId = Annotated[Id, Path(alias="professionalId")]
AbsenceId = Annotated[Id, Path(alias="absenceId")]
PersonId = Annotated[Id, Path(alias="personId")]
MemberId = Annotated[Id, Path(alias="memberId")]
InvolvementId = Annotated[Id, Path(alias="involvementId")]
ConsentId = Annotated[Id, Path(alias="consentId")]
MeasureId = Annotated[Id, Path(alias="measureId")]
MandateId = Annotated[Id, Path(alias="mandateId")]
RegistrationId = Annotated[Id, Path(alias="registrationId")]
MatchId = Annotated[Id, Path(alias="matchId")]
DeputyId = Annotated[Id, Path(alias="deputyId")]
EntitlementId = Annotated[Id, Path(alias="entitlementId")]
SynchronisationId = Annotated[Id, Path(alias="synchronisationId")]
EmergencyAccessId = Annotated[Id, Path(alias="emergencyAccessId")]


def _true_or_false(value: object) -> object:
    if isinstance(value, str) and value not in {"true", "false"}:
        raise ValueError("Give true or false.")
    return value


NamePart = Annotated[str | None, Query(min_length=2, max_length=80, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")]
OnlyActive = Annotated[bool, BeforeValidator(_true_or_false), Query(alias="onlyActive")]
OnlyUnreviewed = Annotated[
    bool,
    BeforeValidator(_true_or_false),
    Query(alias="onlyUnreviewed", description="Only those that still have to be reviewed."),
]
On = Annotated[Day | None, Query(description="A day from 2000 until today: how it was at its end. Without it: now.")]


LANGUAGES = ("nl", "en")


async def _language(
    accept_language: Annotated[
        str | None, Header(alias="Accept-Language", description="`nl` (default) or `en`, for labels.")
    ] = None,
) -> str:
    return language_of(accept_language)


Language = Annotated[str, Depends(_language)]

DryRun = Annotated[
    bool,
    BeforeValidator(_true_or_false),
    Query(alias="dryRun", description="Only say what would become of each row; change nothing."),
]
MayEnd = Annotated[
    int | None,
    Field(ge=0, le=1_000_000),
    BeforeValidator(whole_number),
    Query(alias="mayEnd", description="How many registrations that are in no row may be ended. Without it: 20 %."),
]
