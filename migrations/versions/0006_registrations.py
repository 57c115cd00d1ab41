"""Registrations of agencies, and the matches between them."""

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Filled by what follows."""


def downgrade() -> None:
    """Filled by what follows."""
