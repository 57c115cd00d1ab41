"""The base of every request and response shape: camelCase on the wire, nothing unknown accepted, clean text only.

What is accepted is exactly what the schema says: a type that reads more than that is narrowed here.
"""

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    SecretStr,
    Strict,
    StringConstraints,
)
from pydantic.alias_generators import to_camel

from api.domain import bsn

CANONICAL_UUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
DAY = r"^(19|20|21)[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"


def _canonical(value: object) -> object:
    if isinstance(value, str) and not CANONICAL_UUID.fullmatch(value):
        raise ValueError("Give a UUID, such as 2b1f4c52-9c1e-4d51-8a35-5f2f3f9d7c10.")
    return value


def _day(value: object) -> object:
    if not isinstance(value, date) and not (isinstance(value, str) and re.fullmatch(DAY.strip("^$"), value)):
        raise ValueError("Give a day of 1900 until 2199 as YYYY-MM-DD.")
    return value


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def _without_bsn(text: str) -> str:
    if bsn.is_in(text):
        raise ValueError("Leave the BSN out: this is stored and shown in the clear.")
    return text


CleanText = Annotated[
    str,
    StringConstraints(
        max_length=120, pattern=r"^[^\s\x00-\x1f\x7f-\x9f]([^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f])?$"
    ),
    AfterValidator(_without_bsn),
    Field(description="Without control characters, without spaces around it, and without a BSN."),
]
Phone = Annotated[str, StringConstraints(pattern=r"^\+?[0-9][0-9 ()-]{5,24}$"), Field(examples=["+31 30 123 45 67"])]
Email = Annotated[
    str,
    StringConstraints(max_length=254, pattern=r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$"),
    Field(examples=["team@example.nl"]),
]
HelpDomainCode = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]{1,48}[a-z]$"), Field(examples=["finances"])]
LegalGroundCode = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z][a-z_]{1,48}[a-z]$"),
    Field(description="One of `GET /v1/legal-grounds`.", examples=["youth_help"]),
]
MunicipalityCode = Annotated[
    str, StringConstraints(pattern=r"^[0-9]{4}$"), Field(description="CBS code.", examples=["9901"])
]
Moment = Annotated[
    datetime,
    PlainSerializer(_utc, return_type=str, when_used="json"),
    Field(json_schema_extra={"format": "date-time"}),
]
Day = Annotated[date, BeforeValidator(_day), Field(json_schema_extra={"pattern": DAY})]
Id = Annotated[UUID, BeforeValidator(_canonical)]
YesNo = Annotated[bool, Strict()]


class Shape(BaseModel):
    """Common to requests and responses."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class Body(Shape):
    """A request body. By its names on the wire only, and nothing that it doesn't know."""

    model_config = ConfigDict(extra="forbid", populate_by_name=False)

    def given(self) -> dict[str, Any]:
        """Only what the caller sent, by our names."""
        return {name: _plain(getattr(self, name)) for name in self.model_fields_set}

    def complete(self) -> dict[str, Any]:
        """Everything, by our names, with the defaults for what the caller left out."""
        return {name: _plain(getattr(self, name)) for name in type(self).model_fields}


def _plain(value: Any) -> Any:
    return value.get_secret_value() if isinstance(value, SecretStr) else value


class Out(Shape):
    """A response body."""

    model_config = ConfigDict(from_attributes=True, json_schema_serialization_defaults_required=True)

    @classmethod
    def of(cls, row: Any, **more: Any) -> Self:
        """The row as a response; `more` goes before what the row says."""
        if not more:
            return cls.model_validate(row)
        known = {name: getattr(row, name) for name in cls.model_fields if hasattr(row, name)}
        return cls.model_validate(known | more)
