"""Clients' keys that were taken away, and which clients may act for the professionals of their agency."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column(
        "client", sa.Column("acts_for_professionals", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.create_table(
        "client_removed_key",
        sa.Column("client_id", sa.String(), nullable=False),
        sa.Column("kid", sa.String(), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name=op.f("client_removed_key_client_id_fkey")),
        sa.PrimaryKeyConstraint("client_id", "kid", name=op.f("client_removed_key_pkey")),
    )


def downgrade() -> None:
    op.drop_table("client_removed_key")
    op.drop_column("client", "acts_for_professionals")
