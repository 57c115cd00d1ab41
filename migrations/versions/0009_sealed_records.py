"""Records that can be sealed: their ids come after their transaction's number. Holds, and who ever was shielded."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

MOMENT = sa.DateTime(timezone=True)
SEQUENCE = "'audit_record_id_seq'::regclass"
AFTER_ITS_TRANSACTION = f"nextval(CASE WHEN pg_current_xact_id() IS NOT NULL THEN {SEQUENCE} END)"
"""Having asked for its number, a transaction counts as running; only then does it take an id. So whoever sees an id, and
then waits for all transactions of before to end, has seen every record up to that id. The sequence must not be cached."""


def upgrade() -> None:
    op.execute(f"ALTER TABLE audit_record ALTER COLUMN id SET DEFAULT {AFTER_ITS_TRANSACTION}")
    op.create_table(
        "record_checkpoint",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("record_checkpoint_pkey")),
    )
    op.execute(
        "CREATE TRIGGER record_checkpoint_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON record_checkpoint "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    _holds()
    _once_shielded()


def _holds() -> None:
    op.create_table(
        "disclosure_hold",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("family_id", sa.Uuid(), nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("ends_at", MOMENT, nullable=False),
        sa.Column("set_by_role", sa.String(), nullable=False),
        sa.Column("ended_early", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "ends_at > started_at AND isfinite(started_at) AND isfinite(ends_at)",
            name=op.f("disclosure_hold_period_check"),
        ),
        sa.ForeignKeyConstraint(["family_id"], ["family.id"], name=op.f("disclosure_hold_family_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("disclosure_hold_pkey")),
    )
    op.create_index("disclosure_hold_family_id_idx", "disclosure_hold", ["family_id"])


def _once_shielded() -> None:
    op.create_table(
        "once_shielded",
        sa.Column("family_id", sa.Uuid(), nullable=False),
        sa.Column("agency_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["family_id"], ["family.id"], name=op.f("once_shielded_family_id_fkey")),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("once_shielded_agency_id_fkey")),
        sa.PrimaryKeyConstraint("family_id", "agency_id", name=op.f("once_shielded_pkey")),
    )
    op.execute(
        """
        CREATE FUNCTION note_shielded() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          INSERT INTO once_shielded (family_id, agency_id) VALUES (NEW.family_id, NEW.agency_id) ON CONFLICT DO NOTHING;
          RETURN NULL;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER involvement_was_shielded AFTER INSERT OR UPDATE OF shielded, family_id, agency_id "
        "ON involvement FOR EACH ROW WHEN (NEW.shielded) EXECUTE FUNCTION note_shielded()"
    )
    op.execute(
        "INSERT INTO once_shielded (family_id, agency_id) "
        "SELECT DISTINCT family_id, agency_id FROM involvement WHERE shielded"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER involvement_was_shielded ON involvement")
    op.execute("DROP FUNCTION note_shielded()")
    op.drop_table("once_shielded")
    op.drop_table("disclosure_hold")
    op.drop_table("record_checkpoint")
    op.execute(f"ALTER TABLE audit_record ALTER COLUMN id SET DEFAULT nextval({SEQUENCE})")
