"""Whether an agency or a professional still has to do with any family: asked by who sees none of them."""

from alembic import op

revision = "0022"
down_revision = "0021"

FUNCTIONS = """
CREATE FUNCTION spil_agency_is_related(agency uuid, at timestamptz) RETURNS boolean LANGUAGE sql STABLE
SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT EXISTS (
    SELECT FROM involvement i
    WHERE i.agency_id = agency
      AND (i.answer IS NULL OR (i.started_at <= at AND (i.ends_at IS NULL OR i.ends_at > at)))) $$;
CREATE FUNCTION spil_professional_has_a_role(professional uuid, at timestamptz) RETURNS boolean LANGUAGE sql STABLE
SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT EXISTS (
    SELECT FROM (
      SELECT professional_id, started_at, ends_at FROM involvement
      UNION ALL SELECT professional_id, started_at, ends_at FROM mandate
      UNION ALL SELECT professional_id, started_at, ends_at FROM deputy
      UNION ALL SELECT professional_id, started_at, ends_at FROM contact_point
    ) AS role
    WHERE professional_id = professional AND started_at IS NOT NULL AND (ends_at IS NULL OR ends_at > at)) $$;
"""
NAMES = ("spil_agency_is_related(uuid, timestamptz)", "spil_professional_has_a_role(uuid, timestamptz)")


def upgrade() -> None:
    op.execute(FUNCTIONS)
    op.execute("GRANT CREATE ON SCHEMA public TO spil_guard")
    for name in NAMES:
        op.execute(f"ALTER FUNCTION {name} OWNER TO spil_guard")
        op.execute(f"REVOKE ALL ON FUNCTION {name} FROM public")
        op.execute(f"GRANT EXECUTE ON FUNCTION {name} TO spil_app, spil_worker")
    op.execute("REVOKE CREATE ON SCHEMA public FROM spil_guard")


def downgrade() -> None:
    for name in NAMES:
        op.execute(f"DROP FUNCTION {name}")
