"""A whole caseload at once: what was sent, and what became of each row."""

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
