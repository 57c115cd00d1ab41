"""What every table is made of: instants, code lists, periods, and what holds at most once at any instant."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import uuid4

from sqlalchemy import ARRAY, CheckConstraint, DateTime, Enum, LargeBinary, Text, TypeDecorator, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlmodel import Field, SQLModel

SQLModel.metadata.naming_convention = {
    "pk": "%(table_name)s_pkey",
    "fk": "%(table_name)s_%(column_0_name)s_fkey",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    "ck": "%(table_name)s_%(constraint_name)s_check",
}


class Instant(TypeDecorator[datetime]):
    """A moment, with its time zone."""

    impl = DateTime(timezone=True)
    cache_ok = True


class Codes(TypeDecorator[list[str]]):
    """A handful of codes, kept together because they are only ever read and replaced together."""

    impl = ARRAY(Text)
    cache_ok = True


class Keys(TypeDecorator[list[bytes]]):
    """A handful of pseudonyms."""

    impl = ARRAY(LargeBinary)
    cache_ok = True


def coded(vocabulary: type[StrEnum]) -> Any:
    """The column holds a code of this list, as text with a CHECK: a new code is a small migration."""
    return Enum(
        vocabulary,
        values_callable=lambda codes: [code.value for code in codes],
        native_enum=False,
        create_constraint=True,
        length=40,
    )


def one_of(vocabulary: type[StrEnum]) -> Any:
    """The column holds a code of this list, which grows too often for a CHECK."""
    return Enum(
        vocabulary,
        values_callable=lambda codes: [code.value for code in codes],
        native_enum=False,
        create_constraint=False,
        length=40,
    )


def all_of(column: str, vocabulary: type[StrEnum]) -> CheckConstraint:
    """The column holds only codes of this list."""
    values = ", ".join(f"'{code}'" for code in vocabulary)
    return CheckConstraint(f"{column} <@ ARRAY[{values}]", name=column)


def ends_after_it_starts() -> CheckConstraint:
    return CheckConstraint("ends_at > started_at AND isfinite(started_at) AND isfinite(ends_at)", name="period")


def one_at_a_time(name: str, key: str, *, where: str | None = None) -> ExcludeConstraint:
    """At most one row per key (an expression of type uuid) at any instant."""
    return ExcludeConstraint(
        (text(f"uuidrange({key}, {key}, '[]')"), "&&"),
        (text("tstzrange(started_at, ends_at)"), "&&"),
        name=name,
        using="gist",
        where=text(where) if where else None,
    )


def new_id() -> Any:
    """A random identifier: unlike a counter or a time-ordered one, it tells nothing of when or how many."""
    return Field(default_factory=uuid4, primary_key=True)
