"""What must hold of the history around families, asked of the database itself, by SQL of its own.

`watch` is called before anything happens: it has the database write down each version of an involvement, and each row
changed with its transaction. `broken` then says what does not hold; nothing of the service's code is used for it.
"""

import psycopg

WATCH = """
CREATE TABLE watched_version (
  place bigserial, id uuid, family_id uuid, agency_id uuid, help_domains text[], shielded boolean,
  started_at timestamptz, ends_at timestamptz, at timestamptz);
CREATE TABLE watched_change (xid text, of_table text, id text, family_id text);

CREATE FUNCTION watch_version() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  INSERT INTO watched_version (id, family_id, agency_id, help_domains, shielded, started_at, ends_at, at)
  SELECT NEW.id, NEW.family_id, NEW.agency_id, NEW.help_domains, NEW.shielded, NEW.started_at, NEW.ends_at, f.changed_at
  FROM family f WHERE f.id = NEW.family_id;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER watch_version AFTER INSERT OR UPDATE ON involvement
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION watch_version();

CREATE FUNCTION watch_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE row_now jsonb := to_jsonb(coalesce(NEW, OLD));
BEGIN
  INSERT INTO watched_change
  SELECT pg_current_xact_id()::text, TG_TABLE_NAME, row_now ->> 'id', row_now ->> 'family_id';
  RETURN NULL;
END $$;
"""
WATCHED = ("involvement", "mandate", "deputy", "contact_point", "member", "absence", "family", "person")

GROUND = """
WITH version AS (
  SELECT *, lead(at) OVER (PARTITION BY id ORDER BY place) AS until FROM watched_version
),
open_ground AS (
  SELECT family_id, agency_id, unnest(help_domains) AS help_domain,
    tstzrange(greatest(at, started_at), least(until, ends_at)) AS during
  FROM version
  WHERE started_at IS NOT NULL AND NOT shielded
    AND greatest(at, started_at) < coalesce(least(until, ends_at), 'infinity')
)
"""
ROLE_WITHOUT_GROUND = (
    GROUND
    + """
SELECT role.id FROM {table} role JOIN professional p ON p.id = role.professional_id
WHERE role.started_at IS NOT NULL AND NOT coalesce((
  SELECT range_agg(g.during) FROM open_ground g
  WHERE g.family_id = role.family_id AND g.agency_id = p.agency_id {domain}
), '{{}}') @> tstzrange(role.started_at, role.ends_at)
"""
)
OVERLAP = """
SELECT a.id FROM {table} a JOIN {table} b ON a.id < b.id AND {same}
WHERE a.started_at IS NOT NULL AND b.started_at IS NOT NULL
  AND tstzrange(a.started_at, a.ends_at) && tstzrange(b.started_at, b.ends_at)
"""

LAWS: dict[str, str] = {
    "mandates never overlap": OVERLAP.format(table="mandate", same="a.family_id = b.family_id"),
    "contact points never overlap": OVERLAP.format(
        table="contact_point", same="(a.family_id, a.help_domain) = (b.family_id, b.help_domain)"
    ),
    "deputies of a mandate never overlap": OVERLAP.format(table="deputy", same="a.mandate_id = b.mandate_id"),
    "involvements of one professional never overlap": OVERLAP.format(
        table="involvement",
        same="(a.family_id, a.agency_id) = (b.family_id, b.agency_id)"
        " AND a.professional_id IS NOT DISTINCT FROM b.professional_id",
    ),
    "a transfer is one instant": """
        SELECT p.id FROM mandate p LEFT JOIN mandate m ON m.succeeds_id = p.id AND m.started_at = p.ends_at
        WHERE p.end_reason = 'transferred' AND m.id IS NULL""",
    "a successor starts no earlier than the predecessor ends": """
        SELECT m.id FROM mandate m JOIN mandate p ON p.id = m.succeeds_id WHERE m.started_at < p.ends_at""",
    "a contact point rests on its domain": ROLE_WITHOUT_GROUND.format(
        table="contact_point", domain="AND g.help_domain = role.help_domain"
    ),
    "a mandate rests on an open involvement": ROLE_WITHOUT_GROUND.format(table="mandate", domain=""),
    "a deputy rests on an open involvement": ROLE_WITHOUT_GROUND.format(table="deputy", domain=""),
    "a deputy lies within the mandate": """
        SELECT d.id FROM deputy d JOIN mandate m ON m.id = d.mandate_id
        WHERE NOT tstzrange(m.started_at, m.ends_at) @> tstzrange(d.started_at, d.ends_at)""",
    "a closed family has nobody": """
        SELECT f.id FROM family f WHERE f.closed_at IS NOT NULL AND (
          EXISTS (SELECT FROM involvement i WHERE i.family_id = f.id AND i.started_at IS NOT NULL
                  AND (i.ends_at IS NULL OR i.ends_at > f.closed_at))
          OR EXISTS (SELECT FROM involvement i WHERE i.family_id = f.id AND i.answer IS NULL)
          OR EXISTS (SELECT FROM mandate m WHERE m.family_id = f.id AND m.started_at IS NOT NULL
                     AND m.ends_at > f.closed_at)
          OR EXISTS (SELECT FROM contact_point c WHERE c.family_id = f.id
                     AND (c.ends_at IS NULL OR c.ends_at > f.closed_at)))""",
    "a person is in one family at a time here": """
        SELECT a.person_id FROM member a JOIN member b ON a.id < b.id AND a.person_id = b.person_id
        WHERE tstzrange(a.started_at, a.ends_at) && tstzrange(b.started_at, b.ends_at)""",
    "nobody gets lost between families": """
        SELECT p.id FROM person p WHERE NOT EXISTS (
          SELECT FROM member m WHERE m.person_id = p.id AND m.ends_at IS NULL)""",
    "a changed row has an event in the same transaction": """
        SELECT c.of_table || ' ' || c.id FROM watched_change c
        WHERE NOT EXISTS (SELECT FROM event e WHERE e.xmin::text = c.xid
          AND (e.about = c.id OR c.of_table = 'family' AND e.family_id::text = c.id))""",
    "an event is about a changed row": """
        SELECT e.type || ' ' || e.about FROM event e
        WHERE e.family_id IS NOT NULL AND e.type NOT LIKE '%gap_opened'
          AND e.type NOT IN ('involvement.confirmed', 'involvement.changed') -- said again, it may change nothing
          AND e.at > (SELECT min(at) FROM watched_version)
          AND NOT EXISTS (SELECT FROM watched_change c WHERE c.xid = e.xmin::text AND c.id = e.about)""",
    "an event is published or will be": """
        SELECT id FROM event WHERE NOT EXISTS (SELECT FROM outbox o WHERE o.event_id = event.id)
          AND NOT EXISTS (SELECT FROM published_event p WHERE p.event_id = event.id)""",
    "an event has its audit record": """
        SELECT e.id FROM event e WHERE NOT EXISTS (SELECT FROM audit_record a WHERE a.event_id = e.id)""",
    "what ended has its event": """
        SELECT m.id FROM mandate m WHERE m.end_reason IS NOT NULL AND NOT EXISTS (
          SELECT FROM event e WHERE e.about = m.id::text AND e.type = 'mandate.ended' AND e.at = m.ends_at)
        UNION ALL SELECT c.id FROM contact_point c WHERE c.ends_at IS NOT NULL AND NOT EXISTS (
          SELECT FROM event e WHERE e.about = c.id::text AND e.type = 'contact_point.ended' AND e.at = c.ends_at)
        UNION ALL SELECT i.id FROM involvement i WHERE i.end_reason IS NOT NULL AND NOT EXISTS (
          SELECT FROM event e WHERE e.about = i.id::text AND e.type = 'involvement.ended' AND e.at = i.ends_at)""",
    "the timeline of a family is strictly ordered": """
        SELECT family_id FROM event WHERE family_id IS NOT NULL GROUP BY family_id, at, place HAVING count(*) > 1""",
    "two changes of a family never share an instant": """
        SELECT family_id FROM event WHERE family_id IS NOT NULL
        GROUP BY family_id, at HAVING count(DISTINCT xmin::text) > 1""",
    "a family was last changed when its last event says": """
        SELECT f.id FROM family f
        WHERE f.changed_at <> (SELECT max(e.at) FROM event e WHERE e.family_id = f.id)""",
}
"""Each selects what breaks it."""


def watch(url: str) -> None:
    """Have the database write down what changes from now on."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(WATCH)
        for table in WATCHED:
            connection.execute(
                f"CREATE TRIGGER watch_change AFTER INSERT OR UPDATE OR DELETE ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION watch_change()"
            )


def broken(url: str) -> dict[str, list[str]]:
    """The laws that don't hold, each with what breaks it."""
    with psycopg.connect(url) as connection:
        found = {law: [str(row[0]) for row in connection.execute(sql).fetchall()] for law, sql in LAWS.items()}
    return {law: rows[:5] for law, rows in found.items() if rows}


def sizes(url: str) -> dict[str, int]:
    """How much history there is, so that nobody takes an empty one for a sound one."""
    counted = {
        table: f"SELECT count(*) FROM {table}"
        for table in ("event", "mandate", "contact_point", "deputy", "involvement", "absence", "audit_record", "outbox")
    } | {
        "transfers": "SELECT count(*) FROM mandate WHERE end_reason = 'transferred'",
        "orphaned": "SELECT count(*) FROM contact_point WHERE end_reason = 'involvement_ended'",
        "reassigned": "SELECT count(*) FROM contact_point WHERE end_reason = 'reassigned'",
        "lost their ground": "SELECT count(*) FROM mandate WHERE end_reason = 'involvement_ended'",
        "closed": "SELECT count(*) FROM event WHERE type = 'family.closed'",
    }
    with psycopg.connect(url) as connection:
        return {name: connection.execute(sql).fetchone()[0] for name, sql in counted.items()}  # type: ignore[index]
