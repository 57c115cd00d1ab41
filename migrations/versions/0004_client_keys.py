"""Clients' keys and their revocation."""

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Filled by what follows."""


def downgrade() -> None:
    """Filled by what follows."""
