"""Events get a place in one order, in which everybody can catch up.

An outbox row is numbered when it is written; what one family goes through is written in turns, so within a family the
numbers follow what happened. The publisher moves rows from there into `published_event`, one publisher at a time: a place
becomes visible only after every place before it.
"""

from alembic import op

revision = "0023"
down_revision = "0022"

PUBLISHED = """
CREATE TABLE published_event (
  position bigint NOT NULL CONSTRAINT published_event_pkey PRIMARY KEY,
  event_id uuid NOT NULL CONSTRAINT published_event_event_id_key UNIQUE
    CONSTRAINT published_event_event_id_fkey REFERENCES event (id),
  type varchar NOT NULL,
  at timestamptz NOT NULL,
  about varchar NOT NULL,
  line varchar NOT NULL,
  family_id uuid,
  agency_id uuid,
  municipality_code varchar
);
CREATE INDEX published_event_family_id_idx ON published_event (family_id, position) WHERE family_id IS NOT NULL;
CREATE INDEX published_event_agency_id_idx ON published_event (agency_id, position)
  WHERE family_id IS NULL AND agency_id IS NOT NULL;
CREATE INDEX published_event_municipality_code_idx ON published_event (municipality_code, position)
  WHERE municipality_code IS NOT NULL;
"""

SEEN = """
  family_id = ANY ((SELECT spil_seen())::uuid[]) OR spil_oversees(family_id)
  OR (family_id IS NULL AND agency_id = spil_id('agency'))
  OR municipality_code = ANY ((SELECT spil_supervised())::text[])
"""

NEXT = """
CREATE FUNCTION spil_next_around_families(after bigint, upto bigint, types text[], family uuid, most int)
RETURNS TABLE ("position" bigint, event_id uuid, family_id uuid) LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = public, pg_temp AS $$
  SELECT one.* FROM unnest(spil_seen()) AS mine (id)
  CROSS JOIN LATERAL (
    SELECT p.position, p.event_id, p.family_id FROM published_event p
    WHERE p.family_id = mine.id AND p.position > after AND p.position <= upto
      AND (types IS NULL OR p.type = ANY (types))
    ORDER BY p.position LIMIT most
  ) AS one
  WHERE family IS NULL OR mine.id = family
  ORDER BY one.position LIMIT most $$;
"""

UNTIL = """
CREATE FUNCTION spil_published_until() RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = public, pg_temp AS $$ SELECT coalesce(max(position), 0) FROM published_event $$;
"""

FUNCTIONS = ("spil_next_around_families(bigint, bigint, text[], uuid, int)", "spil_published_until()")


def upgrade() -> None:
    op.execute("ALTER TABLE outbox ADD COLUMN number bigint NOT NULL GENERATED ALWAYS AS IDENTITY")
    op.execute("ALTER TABLE outbox ADD CONSTRAINT outbox_number_key UNIQUE (number)")
    op.execute(PUBLISHED)
    op.execute("GRANT SELECT, INSERT, DELETE ON published_event TO spil_worker")
    op.execute("GRANT SELECT ON published_event TO spil_app, spil_guard")
    op.execute("ALTER TABLE published_event ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    op.execute("CREATE POLICY worker ON published_event TO spil_worker USING (true) WITH CHECK (true)")
    op.execute("CREATE POLICY guard ON published_event FOR SELECT TO spil_guard USING (true)")
    op.execute(f"CREATE POLICY app ON published_event FOR SELECT TO spil_app USING ({SEEN})")
    op.execute(NEXT)
    op.execute(UNTIL)
    op.execute("GRANT CREATE ON SCHEMA public TO spil_guard")
    for function in FUNCTIONS:
        op.execute(f"ALTER FUNCTION {function} OWNER TO spil_guard")
        op.execute(f"REVOKE ALL ON FUNCTION {function} FROM public")
        op.execute(f"GRANT EXECUTE ON FUNCTION {function} TO spil_app, spil_worker")
    op.execute("REVOKE CREATE ON SCHEMA public FROM spil_guard")


def downgrade() -> None:
    op.execute("INSERT INTO outbox (event_id) SELECT event_id FROM published_event ORDER BY position")
    for function in FUNCTIONS:
        op.execute(f"DROP FUNCTION {function}")
    op.execute("DROP TABLE published_event")
    op.execute("ALTER TABLE outbox DROP COLUMN number")
