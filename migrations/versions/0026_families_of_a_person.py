"""Which of the reader's own families somebody is in: found from the reader's relations on, never from the person."""

from alembic import op

revision = "0026"
down_revision = "0025"

EVERY_FAMILY = 1_000_000
"""More than anybody has."""

# Each family of the reader's is looked at, whoever is searched for: what that takes tells nothing of other families.
FUNCTIONS = f"""
CREATE FUNCTION spil_families_with(persons uuid[], pseudonyms bytea[]) RETURNS SETOF uuid LANGUAGE sql STABLE
SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT mine.id FROM spil_families_of(
    current_setting('spil.role', true), current_setting('spil.municipality', true), spil_id('agency'),
    spil_id('professional'), spil_id('person'), NULL, '00000000-0000-0000-0000-000000000000', {EVERY_FAMILY}
  ) AS mine (id)
  CROSS JOIN LATERAL (
    SELECT FROM (
      SELECT person_id FROM member WHERE family_id = mine.id
      UNION ALL SELECT person_id FROM involvement WHERE family_id = mine.id
    ) AS one
    JOIN person p ON p.id = one.person_id
    WHERE p.id = ANY (persons) OR p.bsn_pseudonym = ANY (pseudonyms)
    LIMIT 1
  ) AS found $$;
CREATE FUNCTION spil_see_with(persons uuid[], pseudonyms bytea[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM spil_add_seen(string_agg(id::text, ',')) FROM spil_families_with(persons, pseudonyms) AS id;
END $$;
"""
LOOKS_FURTHER = "spil_families_with(uuid[], bytea[])"


def upgrade() -> None:
    op.execute(FUNCTIONS)
    op.execute("GRANT CREATE ON SCHEMA public TO spil_guard")
    op.execute(f"ALTER FUNCTION {LOOKS_FURTHER} OWNER TO spil_guard")
    op.execute("REVOKE CREATE ON SCHEMA public FROM spil_guard")
    op.execute(f"REVOKE ALL ON FUNCTION {LOOKS_FURTHER} FROM public")
    op.execute(f"GRANT EXECUTE ON FUNCTION {LOOKS_FURTHER} TO spil_app, spil_worker")


def downgrade() -> None:
    op.execute("DROP FUNCTION spil_see_with(uuid[], bytea[])")
    op.execute(f"DROP FUNCTION {LOOKS_FURTHER}")
