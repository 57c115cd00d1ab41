"""Involvements know how much their agency is shown; records of disclosures know why, and what class of fields."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

STAGES = ("others_involved", "lead_and_contact_points", "agencies")
RECORDED = ("issuer", "via", "purpose", "activity", "fields")


def upgrade() -> None:
    op.execute("ALTER TABLE event DROP CONSTRAINT IF EXISTS event_eventtype_check")
    op.create_check_constraint(op.f("event_type_check"), "event", "type ~ '^[a-z_]+[.][a-z_]+$'")
    op.add_column("person", sa.Column("shielded", sa.Boolean(), nullable=False, server_default="false"))
    op.alter_column("person", "shielded", server_default=None)
    op.add_column("involvement", sa.Column("person_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(op.f("involvement_person_id_fkey"), "involvement", "person", ["person_id"], ["id"])
    op.create_index("involvement_person_id_idx", "involvement", ["person_id"])
    stage = sa.Column("disclosure_stage", sa.String(40), nullable=False, server_default="agencies")
    op.add_column("involvement", stage)
    op.alter_column("involvement", "disclosure_stage", server_default=None)
    op.create_check_constraint(
        op.f("involvement_disclosurestage_check"), "involvement", f"disclosure_stage IN {STAGES}"
    )
    op.execute(
        "UPDATE involvement i SET disclosure_stage = 'others_involved' "
        "FROM agency a WHERE a.id = i.agency_id AND a.signal_only"
    )
    for name in RECORDED:
        op.add_column("audit_record", sa.Column(name, sa.String(), nullable=True))
    op.create_index(
        "audit_record_shown_person_id_idx",
        "audit_record",
        ["shown_person_id", "id"],
        postgresql_where=sa.text("shown_person_id IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("audit_record_shown_person_id_idx", "audit_record")
    for name in RECORDED:
        op.drop_column("audit_record", name)
    op.drop_column("involvement", "disclosure_stage")
    op.drop_index("involvement_person_id_idx", "involvement")
    op.drop_column("involvement", "person_id")
    op.drop_column("person", "shielded")
    op.drop_constraint(op.f("event_type_check"), "event")
