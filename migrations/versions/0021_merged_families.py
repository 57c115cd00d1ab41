"""Families that were recorded twice can be merged too, and what that ends says so."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"

CLOSINGS = ("completed", "stopped_by_family", "moved_away", "opened_in_error")
ENDS = ("completed", "stopped_by_family", "handed_over", "no_longer_needed", "legal_basis_ended", "family_closed")


def upgrade() -> None:
    op.add_column("merge", sa.Column("kind", sa.String(length=40), nullable=False, server_default="person"))
    op.alter_column("merge", "kind", server_default=None)
    op.create_check_constraint(op.f("merge_mergekind_check"), "merge", "kind IN ('person', 'family')")
    _are_one_of("family", "closing", "familyclosing", (*CLOSINGS, "merged"))
    _are_one_of("involvement", "end_reason", "involvementend", (*ENDS, "merge_undone"))


def downgrade() -> None:
    op.execute("UPDATE family SET closing = 'opened_in_error' WHERE closing = 'merged'")
    op.execute("UPDATE involvement SET end_reason = 'family_closed' WHERE end_reason = 'merge_undone'")
    _are_one_of("family", "closing", "familyclosing", CLOSINGS)
    _are_one_of("involvement", "end_reason", "involvementend", ENDS)
    op.execute("DELETE FROM merge WHERE kind = 'family'")
    op.drop_column("merge", "kind")


def _are_one_of(table: str, column: str, name: str, known: tuple[str, ...]) -> None:
    constraint = f"{table}_{name}_check"
    op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {constraint}")
    op.create_check_constraint(op.f(constraint), table, f"{column} IN {known}")
