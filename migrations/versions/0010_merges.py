"""Persons and families that were recorded twice, merged so that it can be undone."""

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Filled by what follows."""


def downgrade() -> None:
    """Filled by what follows."""
