"""Pseudonyms and fingerprints begin with the number of the key they were made with; all so far were made with key 1."""

from alembic import op

revision = "0013"
down_revision = "0012"

KEYED = (("person", "bsn_pseudonym"), ("idempotent_request", "fingerprint"))
BARE, NUMBERED = 32, 33
"""Bytes of an HMAC-SHA-256, and with the number before it."""


def upgrade() -> None:
    for table, column in KEYED:
        op.execute(rf"UPDATE {table} SET {column} = '\x01'::bytea || {column} WHERE length({column}) = {BARE}")


def downgrade() -> None:
    for table, column in KEYED:
        op.execute(f"UPDATE {table} SET {column} = substring({column} FROM 2) WHERE length({column}) = {NUMBERED}")
