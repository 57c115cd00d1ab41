"""The base of every request and response shape: camelCase on the wire, nothing unknown accepted, clean text only."""

from datetime import UTC, date, datetime
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer, SecretStr, StringConstraints
from pydantic.alias_generators import to_camel


def _clean(text: str) -> str:
    if any(ord(char) < 32 or 0x7F <= ord(char) < 0xA0 or 0xD800 <= ord(char) < 0xE000 for char in text):
        raise ValueError("Leave out control characters.")
    return text


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


CleanText = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120), AfterValidator(_clean)
]
Phone = Annotated[str, StringConstraints(pattern=r"^\+?[0-9][0-9 ()-]{5,24}$"), Field(examples=["+31 30 123 45 67"])]
Email = Annotated[
    str,
    StringConstraints(max_length=254, pattern=r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$"),
    Field(examples=["team@example.nl"]),
]
HelpDomainCode = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]{1,48}[a-z]$"), Field(examples=["finances"])]
MunicipalityCode = Annotated[
    str, StringConstraints(pattern=r"^[0-9]{4}$"), Field(description="CBS code.", examples=["9901"])
]
Moment = Annotated[datetime, PlainSerializer(_utc, return_type=str, when_used="json")]
Day = date


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

    model_config = ConfigDict(from_attributes=True)

    @classmethod
    def of(cls, row: Any, **more: Any) -> Self:
        """The row as a response; `more` goes before what the row says."""
        if not more:
            return cls.model_validate(row)
        known = {name: getattr(row, name) for name in cls.model_fields if hasattr(row, name)}
        return cls.model_validate(known | more)
