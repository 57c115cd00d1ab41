"""Whose families are looked for, and from where: a professional's and a privacy officer's no longer among all.

A professional's families are found from what names them. Before, all involvements of their agency were looked at first,
which in a large agency are thousands.

A privacy officer is related to every family of the municipality, and reads one when there is a reason to. Without a
family named, that is where somebody looked in an emergency, or where a member's own log is held back.

What there is around a family is found by who is named in it too, so that for who asks no row of others is touched: a
family where they aren't named takes as long as one that isn't there.
"""

from alembic import op

revision = "0027"
down_revision = "0026"

NAMED = {
    "involvement": ["agency_id", "professional_id"],
    "mandate": ["professional_id"],
    "deputy": ["professional_id"],
    "contact_point": ["professional_id"],
}

CARRIED = """i.agency_id = agency AND NOT i.shielded
            AND i.started_at <= now AND coalesce(i.ends_at, 'infinity') > now"""
FAMILIES_OF = """
CREATE OR REPLACE FUNCTION spil_families_of(
  kind text, municipality text, agency uuid, professional_ uuid, person_ uuid, asked uuid, after uuid, size int
) RETURNS SETOF uuid LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  now timestamptz := statement_timestamp();
  first_id uuid := coalesce(asked, after);
  mine uuid[];
BEGIN
  IF first_id IS NULL THEN
    RETURN;
  ELSIF agency IS NOT NULL AND NOT EXISTS (SELECT FROM agency AS a WHERE a.id = agency AND a.active) THEN
    RETURN;
  ELSIF kind IN ('registrar', 'privacy_officer') THEN
    RETURN QUERY SELECT id FROM family
      WHERE municipality_code = municipality AND (id = asked OR (asked IS NULL AND id > after))
      ORDER BY id LIMIT size;
  ELSIF kind = 'agency_system' THEN
    RETURN QUERY SELECT DISTINCT i.family_id FROM involvement i
      WHERE i.agency_id = agency AND (i.family_id = asked OR (asked IS NULL AND i.family_id > after))
        AND (i.answer IS NULL OR (i.started_at <= now AND coalesce(i.ends_at, 'infinity') > now))
      ORDER BY 1 LIMIT size;
  ELSIF kind = 'family_member' THEN
    RETURN QUERY SELECT DISTINCT m.family_id FROM member m JOIN person p ON p.id = m.person_id
      WHERE m.person_id = person_ AND (m.family_id = asked OR (asked IS NULL AND m.family_id > after))
        AND m.started_at <= now AND coalesce(m.ends_at, 'infinity') > now
        AND coalesce(age((now AT TIME ZONE 'Europe/Amsterdam')::date, p.birth_date) >= interval '12 years',
                     m.role <> 'child')
      ORDER BY 1 LIMIT size;
  ELSIF kind = 'professional' THEN
    SELECT array_agg(id) INTO mine FROM professional WHERE id = professional_ AND agency_id = agency AND active;
    IF mine IS NULL AND NOT EXISTS (SELECT FROM professional WHERE id = professional_ AND active) THEN
      RETURN;
    END IF;
    RETURN QUERY
      WITH covered AS (
        SELECT unnest(mine) AS id
        UNION SELECT professional_id FROM absence
        WHERE cover_id = professional_ AND started_at <= now AND ends_at > now
      )
      SELECT found.family_id FROM (
        SELECT i.family_id FROM involvement i JOIN covered ON covered.id = i.professional_id
        WHERE i.agency_id = agency
          AND (i.answer IS NULL OR (i.started_at <= now AND coalesce(i.ends_at, 'infinity') > now))
        UNION
        SELECT m.family_id FROM mandate m
        WHERE m.professional_id = ANY (mine) AND m.ends_at > now AND (m.answer IS NULL OR m.started_at <= now)
          AND EXISTS (SELECT FROM involvement i WHERE i.family_id = m.family_id AND {carried})
        UNION
        SELECT d.family_id FROM deputy d
        JOIN mandate m ON m.id = d.mandate_id AND m.started_at <= now AND m.ends_at > now
        JOIN professional lead ON lead.id = m.professional_id AND lead.active
        WHERE d.professional_id = ANY (mine) AND d.started_at <= now AND d.ends_at > now
          AND EXISTS (SELECT FROM involvement i WHERE i.family_id = d.family_id AND {carried})
          AND EXISTS (SELECT FROM involvement i WHERE i.family_id = d.family_id AND i.agency_id = lead.agency_id
                      AND NOT i.shielded AND i.started_at <= now AND coalesce(i.ends_at, 'infinity') > now)
        UNION
        SELECT cp.family_id FROM contact_point cp
        JOIN covered ON covered.id = cp.professional_id
        JOIN professional p ON p.id = cp.professional_id AND p.active AND p.agency_id = agency
        WHERE cp.started_at <= now AND coalesce(cp.ends_at, 'infinity') > now
          AND EXISTS (SELECT FROM involvement i
                      WHERE i.family_id = cp.family_id AND {carried} AND cp.help_domain = ANY (i.help_domains))
        UNION
        SELECT o.family_id FROM emergency_access o
        JOIN entitlement e ON e.id = o.entitlement_id AND e.started_at <= now AND coalesce(e.ends_at, 'infinity') > now
        JOIN family f ON f.id = o.family_id AND f.municipality_code = e.municipality_code AND f.closed_at IS NULL
        WHERE o.professional_id = ANY (mine) AND o.agency_id = agency AND o.started_at <= now AND o.ends_at > now
      ) AS found
      WHERE found.family_id = asked OR (asked IS NULL AND found.family_id > after)
      ORDER BY 1 LIMIT size;
  END IF;
END $$;
""".format(carried=CARRIED)

TO_OVERSEE = """
CREATE FUNCTION spil_to_oversee(municipality text) RETURNS SETOF uuid LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = public, pg_temp AS $$
  SELECT f.id FROM family f
  WHERE f.municipality_code = municipality
    AND f.id IN (SELECT family_id FROM emergency_access UNION ALL SELECT family_id FROM disclosure_hold) $$;
"""

ENTER = """
CREATE OR REPLACE FUNCTION spil_enter(
  kind text, municipality text, agency uuid, professional_ uuid, person_ uuid, asked uuid, after uuid, size int
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  families text;
BEGIN
  {found}
  PERFORM set_config('spil.role', kind, true),
          set_config('spil.municipality', coalesce(municipality, ''), true),
          set_config('spil.overseen', CASE kind WHEN 'registrar' THEN coalesce(municipality, '') ELSE '' END, true),
          set_config('spil.agency', coalesce(agency::text, ''), true),
          set_config('spil.professional', coalesce(professional_::text, ''), true),
          set_config('spil.person', coalesce(person_::text, ''), true),
          spil_add_seen(families);
END $$;
"""
OWN = """SELECT string_agg(id::text, ',') INTO families
  FROM spil_families_of(kind, municipality, agency, professional_, person_, asked, after, coalesce(size, 0) + 1) AS id;"""
OVERSEEN = f"""IF kind = 'privacy_officer' AND asked IS NULL AND after IS NOT NULL THEN
    SELECT string_agg(id::text, ',') INTO families FROM spil_to_oversee(municipality) AS id;
  ELSE
    {OWN}
  END IF;"""


def upgrade() -> None:
    for table, columns in NAMED.items():
        op.drop_index(f"{table}_family_id_idx", table)
        op.create_index(f"{table}_family_id_idx", table, ["family_id", *columns])
    op.execute(FAMILIES_OF)
    op.execute(TO_OVERSEE)
    op.execute("GRANT CREATE ON SCHEMA public TO spil_guard")
    op.execute("ALTER FUNCTION spil_to_oversee(text) OWNER TO spil_guard")
    op.execute("REVOKE CREATE ON SCHEMA public FROM spil_guard")
    op.execute("REVOKE ALL ON FUNCTION spil_to_oversee(text) FROM public")
    op.execute("GRANT EXECUTE ON FUNCTION spil_to_oversee(text) TO spil_app, spil_worker")
    op.execute(ENTER.format(found=OVERSEEN))


def downgrade() -> None:
    """`spil_families_of` gives the same families as before, and stays as it is."""
    for table in NAMED:
        op.drop_index(f"{table}_family_id_idx", table)
        op.create_index(f"{table}_family_id_idx", table, ["family_id"])
    op.execute(ENTER.format(found=OWN))
    op.execute("DROP FUNCTION spil_to_oversee(text)")
