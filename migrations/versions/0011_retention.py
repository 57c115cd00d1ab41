"""What is needed to forget in time."""

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Filled by what follows."""


def downgrade() -> None:
    """Filled by what follows."""
