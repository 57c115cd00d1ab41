"""Who may open a family in an emergency, and who did."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

MOMENT = sa.DateTime(timezone=True)
PERIOD = "ends_at > started_at AND isfinite(started_at) AND isfinite(ends_at)"
KINDS = (
    "youth_care", "certified_institution", "child_protection_board", "safe_at_home", "womens_shelter", "debt_help",
    "housing", "mental_health", "addiction_care", "disability_care", "general_practice", "youth_health_care",
    "social_work", "work_and_income", "school", "police", "probation", "municipality",
)
REASONS = (
    "acute_unsafety", "missing_child", "suicide_risk", "acute_psychiatric_crisis", "request_of_emergency_services"
)
ENDS = ("ended_early", "expired", "entitlement_ended", "family_closed", "family_moved")


def upgrade() -> None:
    _agencies_are_one_of((*KINDS, "crisis_service"))
    op.create_table(
        "entitlement",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("municipality_code", sa.String(), nullable=False),
        sa.Column("agency_id", sa.Uuid(), nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("ends_at", MOMENT, nullable=True),
        sa.CheckConstraint(PERIOD, name=op.f("entitlement_period_check")),
        sa.ForeignKeyConstraint(
            ["municipality_code"], ["municipality.code"], name=op.f("entitlement_municipality_code_fkey")
        ),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("entitlement_agency_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("entitlement_pkey")),
    )
    key = "md5(municipality_code || agency_id::text)::uuid"
    op.execute(
        "ALTER TABLE entitlement ADD CONSTRAINT entitlement_one_at_a_time EXCLUDE USING gist "
        f"(uuidrange({key}, {key}, '[]') WITH &&, tstzrange(started_at, ends_at) WITH &&)"
    )
    op.create_index("entitlement_agency_id_idx", "entitlement", ["agency_id"])
    op.create_index("entitlement_municipality_code_idx", "entitlement", ["municipality_code"])
    op.create_table(
        "emergency_access",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("family_id", sa.Uuid(), nullable=False),
        sa.Column("entitlement_id", sa.Uuid(), nullable=False),
        sa.Column("agency_id", sa.Uuid(), nullable=False),
        sa.Column("professional_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.String(40), nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("ends_at", MOMENT, nullable=False),
        sa.Column("end_reason", sa.String(40), nullable=True),
        sa.Column("reviewed_at", MOMENT, nullable=True),
        sa.CheckConstraint(f"reason IN {REASONS}", name=op.f("emergency_access_emergencyreason_check")),
        sa.CheckConstraint(f"end_reason IN {ENDS}", name=op.f("emergency_access_emergencyend_check")),
        sa.CheckConstraint(PERIOD, name=op.f("emergency_access_period_check")),
        sa.CheckConstraint("ends_at <= started_at + interval '3 hours'", name=op.f("emergency_access_short_check")),
        sa.ForeignKeyConstraint(["family_id"], ["family.id"], name=op.f("emergency_access_family_id_fkey")),
        sa.ForeignKeyConstraint(
            ["entitlement_id"], ["entitlement.id"], name=op.f("emergency_access_entitlement_id_fkey")
        ),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("emergency_access_agency_id_fkey")),
        sa.ForeignKeyConstraint(
            ["professional_id"], ["professional.id"], name=op.f("emergency_access_professional_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("emergency_access_pkey")),
    )
    op.create_index("emergency_access_family_id_idx", "emergency_access", ["family_id"])
    op.create_index("emergency_access_professional_id_idx", "emergency_access", ["professional_id", "family_id"])
    op.create_index(
        "emergency_access_entitlement_id_idx", "emergency_access", ["entitlement_id", "started_at", "id"]
    )
    op.create_index(
        "emergency_access_lapsing_idx",
        "emergency_access",
        ["ends_at"],
        postgresql_where=sa.text("end_reason IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("emergency_access")
    op.drop_table("entitlement")
    _agencies_are_one_of(KINDS)


def _agencies_are_one_of(kinds: tuple[str, ...]) -> None:
    op.execute("ALTER TABLE agency DROP CONSTRAINT agency_agencykind_check")
    op.create_check_constraint(op.f("agency_agencykind_check"), "agency", f"kind IN {kinds}")
