"""Persons that were recorded twice are found by keyed pseudonyms of their names, and merged so that it can be undone."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column(
        "person", sa.Column("name_keys", postgresql.ARRAY(sa.LargeBinary()), nullable=False, server_default="{}")
    )
    op.alter_column("person", "name_keys", server_default=None)
    op.create_index("person_name_keys_idx", "person", ["name_keys"], postgresql_using="gin")
    op.create_table(
        "merge",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("municipality_code", sa.String(), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("target_id", sa.Uuid(), nullable=False),
        sa.Column("merged_at", MOMENT, nullable=False),
        sa.Column("undone_at", MOMENT, nullable=True),
        sa.Column("moved", postgresql.JSONB(), nullable=False),
        sa.ForeignKeyConstraint(
            ["municipality_code"], ["municipality.code"], name=op.f("merge_municipality_code_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("merge_pkey")),
    )
    op.create_index(
        "merge_one_at_a_time_key",
        "merge",
        ["source_id"],
        unique=True,
        postgresql_where=sa.text("undone_at IS NULL"),
    )
    op.create_index("merge_municipality_code_idx", "merge", ["municipality_code", "merged_at", "id"])


def downgrade() -> None:
    op.drop_table("merge")
    op.drop_index("person_name_keys_idx", "person")
    op.drop_column("person", "name_keys")
