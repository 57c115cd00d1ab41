"""Records carry the transaction that made them, so that finished ones can be sealed."""

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Filled by what follows."""


def downgrade() -> None:
    """Filled by what follows."""
