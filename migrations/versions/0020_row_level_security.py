"""Behind the policy: whoever serves requests sees the rows of the families their actor is related to, and no others.

`spil_enter` is called at the start of each transaction. It finds the actor's families by itself, not as the policy does,
and keeps them for that transaction; the policies of the tables look there. `spil_app` serves requests, `spil_worker`
does what nobody asks for, `spil_guard` owns the functions that look further than their caller. None of them owns a
table or can log in: whoever logs in is made a member of the role that fits.
"""

from alembic import op

revision = "0020"
down_revision = "0013"

ROLES = ("spil_app", "spil_worker", "spil_guard")

IN_SEEN = "{column} = ANY ((SELECT spil_seen())::uuid[])"
OVERSEEN = "municipality_code = ANY ((SELECT spil_overseen())::text[])"
OF_SEEN_FAMILY = IN_SEEN.format(column="family_id") + " OR spil_oversees(family_id)"
SUPERVISED = "municipality_code = ANY ((SELECT spil_supervised())::text[])"

ROWS: dict[str, str] = {
    "family": IN_SEEN.format(column="id") + f" OR {SUPERVISED}",
    "member": OF_SEEN_FAMILY,
    "involvement": f"{OF_SEEN_FAMILY} OR (agency_id = spil_id('agency')"
    " AND EXISTS (SELECT FROM registration r WHERE r.involvement_id = involvement.id))",
    "mandate": OF_SEEN_FAMILY,
    "deputy": OF_SEEN_FAMILY,
    "contact_point": OF_SEEN_FAMILY,
    "consent": OF_SEEN_FAMILY,
    "measure": OF_SEEN_FAMILY,
    "disclosure_hold": OF_SEEN_FAMILY,
    "merge": OVERSEEN,
    "once_shielded": OF_SEEN_FAMILY,
    "emergency_access": f"{OF_SEEN_FAMILY} OR professional_id = spil_id('professional') OR EXISTS ("
    f"SELECT FROM entitlement e WHERE e.id = entitlement_id AND e.{SUPERVISED})",
    "registration": f"agency_id = spil_id('agency') OR ({OVERSEEN} AND (bsn_pseudonym IS NULL OR spil_matched(id)))",
    "registration_relative": "agency_id = spil_id('agency')",
    "unplaced_registration": "agency_id = spil_id('agency') OR EXISTS ("
    "SELECT FROM registration r WHERE r.id = registration_id)",
    "match": f"{OVERSEEN} OR (current_setting('spil.role', true) = 'analyst'"
    " AND municipality_code = current_setting('spil.municipality', true))",
    "person": f"id = ANY ((SELECT spil_seen_persons())::uuid[]) OR {OVERSEEN} OR id = spil_id('person')",
}
"""Which rows someone sees and may write."""

ADDED: dict[str, str] = {
    "event": OF_SEEN_FAMILY,
    "audit_record": f"{SUPERVISED} OR shown_person_id = spil_id('person') OR (municipality_code IS NULL"
    f" AND EXISTS (SELECT FROM family f WHERE f.id = family_id AND f.{SUPERVISED}))",
    "outbox": "false",
}
"""Which rows someone sees of what everybody adds to."""

CONTEXT = """
CREATE FUNCTION spil_seen() RETURNS uuid[] LANGUAGE sql STABLE AS $$
  SELECT string_to_array(nullif(current_setting('spil.families', true), ''), ',')::uuid[] $$;
CREATE FUNCTION spil_overseen() RETURNS text[] LANGUAGE sql STABLE AS $$
  SELECT string_to_array(nullif(current_setting('spil.overseen', true), ''), ',') $$;
CREATE FUNCTION spil_supervised() RETURNS text[] LANGUAGE sql STABLE AS $$
  SELECT spil_overseen() || CASE current_setting('spil.role', true)
    WHEN 'privacy_officer' THEN current_setting('spil.municipality', true) END $$;
CREATE FUNCTION spil_id(name text) RETURNS uuid LANGUAGE sql STABLE AS $$
  SELECT nullif(current_setting('spil.' || name, true), '')::uuid $$;
CREATE FUNCTION spil_also_oversee(code text) RETURNS void LANGUAGE sql AS $$
  SELECT set_config('spil.overseen', concat_ws(',', current_setting('spil.overseen', true), code), true)
  WHERE current_setting('spil.role', true) = 'registrar' $$;
"""

FAMILIES_OF = """
CREATE FUNCTION spil_families_of(
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
      ),
      carried AS (
        SELECT i.family_id, i.help_domains, i.agency_id FROM involvement i
        WHERE i.agency_id = agency AND NOT i.shielded
          AND i.started_at <= now AND coalesce(i.ends_at, 'infinity') > now
      )
      SELECT found.family_id FROM (
        SELECT i.family_id FROM involvement i JOIN covered ON covered.id = i.professional_id
        WHERE i.agency_id = agency
          AND (i.answer IS NULL OR (i.started_at <= now AND coalesce(i.ends_at, 'infinity') > now))
        UNION
        SELECT m.family_id FROM mandate m JOIN carried ON carried.family_id = m.family_id
        WHERE m.professional_id = ANY (mine) AND m.ends_at > now AND (m.answer IS NULL OR m.started_at <= now)
        UNION
        SELECT d.family_id FROM deputy d
        JOIN carried ON carried.family_id = d.family_id
        JOIN mandate m ON m.id = d.mandate_id AND m.started_at <= now AND m.ends_at > now
        JOIN professional lead ON lead.id = m.professional_id AND lead.active
        WHERE d.professional_id = ANY (mine) AND d.started_at <= now AND d.ends_at > now
          AND EXISTS (SELECT FROM involvement i WHERE i.family_id = d.family_id AND i.agency_id = lead.agency_id
                      AND NOT i.shielded AND i.started_at <= now AND coalesce(i.ends_at, 'infinity') > now)
        UNION
        SELECT cp.family_id FROM contact_point cp
        JOIN covered ON covered.id = cp.professional_id
        JOIN professional p ON p.id = cp.professional_id AND p.active AND p.agency_id = agency
        JOIN carried ON carried.family_id = cp.family_id AND cp.help_domain = ANY (carried.help_domains)
        WHERE cp.started_at <= now AND coalesce(cp.ends_at, 'infinity') > now
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
"""

BEYOND = """
CREATE FUNCTION spil_matched(registration uuid) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = public, pg_temp AS $$
  SELECT EXISTS (SELECT FROM match m WHERE registration IN (m.registration_id, m.other_registration_id)) $$;
CREATE FUNCTION spil_data_subject(pseudonyms bytea[]) RETURNS SETOF uuid LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = public, pg_temp AS $$
  SELECT id FROM person
  WHERE current_setting('spil.role', true) = 'privacy_officer'
    AND municipality_code = current_setting('spil.municipality', true) AND bsn_pseudonym = ANY (pseudonyms) $$;
CREATE FUNCTION spil_oversees(family uuid) RETURNS boolean LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
  RETURN spil_overseen() IS NOT NULL
    AND EXISTS (SELECT FROM family f WHERE f.id = family AND f.municipality_code = ANY (spil_overseen()));
END $$;
CREATE FUNCTION spil_seen_persons() RETURNS uuid[] LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = public, pg_temp AS $$
  SELECT array_agg(person_id) FROM member WHERE family_id = ANY (spil_seen()) $$;
CREATE FUNCTION spil_past_of(person_ uuid) RETURNS SETOF uuid LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = public, pg_temp AS $$
  SELECT DISTINCT family_id FROM member WHERE person_id = person_ $$;
CREATE FUNCTION spil_in_emergency(municipality text, asked uuid, pseudonyms bytea[]) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT f.id FROM family f
  WHERE f.municipality_code = municipality AND f.closed_at IS NULL
    AND (f.id = asked OR EXISTS (
      SELECT FROM member m JOIN person p ON p.id = m.person_id
      WHERE m.family_id = f.id AND p.municipality_code = municipality AND p.bsn_pseudonym = ANY (pseudonyms)
        AND NOT p.shielded AND m.started_at <= statement_timestamp()
        AND coalesce(m.ends_at, 'infinity') > statement_timestamp()))
    AND EXISTS (
      SELECT FROM entitlement e JOIN professional p ON p.agency_id = e.agency_id AND p.active
      WHERE e.municipality_code = municipality AND e.agency_id = spil_id('agency') AND p.id = spil_id('professional')
        AND e.started_at <= statement_timestamp() AND coalesce(e.ends_at, 'infinity') > statement_timestamp())
  ORDER BY f.id $$;
"""
"""What looks further than its caller, each for one question."""

ENTER = """
CREATE FUNCTION spil_add_seen(families text) RETURNS void LANGUAGE sql AS $$
  SELECT set_config('spil.families', concat_ws(',', nullif(current_setting('spil.families', true), ''), families), true)
$$;
CREATE FUNCTION spil_see(family uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM spil_add_seen(string_agg(id::text, ',')) FROM spil_families_of(
    current_setting('spil.role', true), current_setting('spil.municipality', true), spil_id('agency'),
    spil_id('professional'), spil_id('person'), family, NULL, 1) AS id;
END $$;
CREATE FUNCTION spil_see_own_past() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM spil_add_seen(string_agg(id::text, ',')) FROM spil_past_of(spil_id('person')) AS id;
END $$;
CREATE FUNCTION spil_see_in_emergency(municipality text, asked uuid, pseudonyms bytea[]) RETURNS uuid[]
LANGUAGE plpgsql AS $$
DECLARE
  found uuid[] := ARRAY(SELECT spil_in_emergency(municipality, asked, pseudonyms));
BEGIN
  PERFORM spil_add_seen(array_to_string(found, ','));
  RETURN found;
END $$;
CREATE FUNCTION spil_enter(
  kind text, municipality text, agency uuid, professional_ uuid, person_ uuid, asked uuid, after uuid, size int
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  families text;
BEGIN
  SELECT string_agg(id::text, ',') INTO families
  FROM spil_families_of(kind, municipality, agency, professional_, person_, asked, after, coalesce(size, 0) + 1) AS id;
  PERFORM set_config('spil.role', kind, true),
          set_config('spil.municipality', coalesce(municipality, ''), true),
          set_config('spil.overseen', CASE kind WHEN 'registrar' THEN coalesce(municipality, '') ELSE '' END, true),
          set_config('spil.agency', coalesce(agency::text, ''), true),
          set_config('spil.professional', coalesce(professional_::text, ''), true),
          set_config('spil.person', coalesce(person_::text, ''), true),
          spil_add_seen(families);
END $$;
"""


FUNCTIONS = (
    *("spil_enter", "spil_see_in_emergency", "spil_see_own_past", "spil_see", "spil_add_seen", "spil_in_emergency"),
    *("spil_data_subject", "spil_past_of", "spil_families_of", "spil_also_oversee", "spil_id", "spil_supervised", "spil_overseen"),
    "spil_seen",
)
LOOKS_FURTHER = (
    "spil_families_of(text, text, uuid, uuid, uuid, uuid, uuid, int)",
    "spil_matched(uuid)",
    "spil_oversees(uuid)",
    "spil_seen_persons()",
    "spil_data_subject(bytea[])",
    "spil_past_of(uuid)",
    "spil_in_emergency(text, uuid, bytea[])",
)


def upgrade() -> None:
    for role in ROLES:
        op.execute(
            f"DO $$ BEGIN CREATE ROLE {role} NOLOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
        )
    op.execute("GRANT spil_app, spil_worker, spil_guard TO CURRENT_USER")
    op.execute("GRANT USAGE ON SCHEMA public TO spil_app, spil_worker, spil_guard")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO spil_app, spil_worker")
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO spil_app, spil_worker")
    op.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO spil_guard")
    op.execute("REVOKE UPDATE, DELETE ON event, audit_record FROM spil_app")
    for statement in (CONTEXT, FAMILIES_OF, BEYOND, ENTER):
        op.execute(statement)
    for function in LOOKS_FURTHER:
        _own_by_guard(function)
    for table in (*ROWS, *ADDED):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY worker ON {table} TO spil_worker USING (true) WITH CHECK (true)")
        op.execute(f"CREATE POLICY guard ON {table} FOR SELECT TO spil_guard USING (true)")
    for table, condition in ROWS.items():
        op.execute(f"CREATE POLICY app ON {table} TO spil_app USING ({condition}) WITH CHECK ({condition})")
    for table, condition in ADDED.items():
        op.execute(f"CREATE POLICY app_sees ON {table} FOR SELECT TO spil_app USING ({condition})")
        op.execute(f"CREATE POLICY app_adds ON {table} FOR INSERT TO spil_app WITH CHECK (true)")


def _own_by_guard(function: str) -> None:
    """Only while it changes hands may the new owner make things in the schema."""
    op.execute("GRANT CREATE ON SCHEMA public TO spil_guard")
    op.execute(f"ALTER FUNCTION {function} OWNER TO spil_guard")
    op.execute("REVOKE CREATE ON SCHEMA public FROM spil_guard")
    op.execute(f"REVOKE ALL ON FUNCTION {function} FROM public")
    op.execute(f"GRANT EXECUTE ON FUNCTION {function} TO spil_app, spil_worker")


def downgrade() -> None:
    for table in (*ROWS, *ADDED):
        for policy in ("worker", "guard", "app", "app_sees", "app_adds"):
            op.execute(f"DROP POLICY IF EXISTS {policy} ON {table}")
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY")
    for function in FUNCTIONS:
        op.execute(f"DROP FUNCTION {function}")
    for function in ("spil_matched", "spil_oversees", "spil_seen_persons"):
        op.execute(f"DROP FUNCTION {function}")
    for role in ROLES:
        op.execute(f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role}")
        op.execute(f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM {role}")
        op.execute(f"REVOKE ALL ON SCHEMA public FROM {role}")
