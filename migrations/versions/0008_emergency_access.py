"""Who may open a family in an emergency, and who did."""

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Filled by what follows."""


def downgrade() -> None:
    """Filled by what follows."""
