"""Legal grounds, consents and child protection measures."""

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Filled by what follows."""


def downgrade() -> None:
    """Filled by what follows."""
