"""Merges: persons and families that were recorded twice, and what moved when they became one: it can be undone."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from api.domain import codes
from api.domain.models.base import Instant, coded, new_id


class Merge(SQLModel, table=True):
    """That one record of a person or family was put with another. `moved`: each row that changed, before and after."""

    __table_args__ = (
        Index("merge_one_at_a_time_key", "source_id", unique=True, postgresql_where=text("undone_at IS NULL")),
        Index("merge_municipality_code_idx", "municipality_code", "merged_at", "id"),
    )

    id: UUID = new_id()
    municipality_code: str = Field(foreign_key="municipality.code")
    kind: codes.MergeKind = Field(sa_type=coded(codes.MergeKind))
    source_id: UUID
    target_id: UUID
    merged_at: datetime = Field(sa_type=Instant)
    undone_at: datetime | None = Field(default=None, sa_type=Instant)
    moved: list[dict[str, Any]] = Field(sa_type=JSONB)
