"""What is over can be forgotten: by the worker, one table at a time, and never what is still needed."""

from alembic import op

revision = "0011"
down_revision = "0010"

REFUSE = """
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  {unless}RAISE EXCEPTION 'Rows of % can be added, not changed or removed.', TG_TABLE_NAME USING ERRCODE = '23001';
END $$
"""
FORGETTING = """IF TG_OP = 'DELETE' AND current_user = 'spil_worker' AND TG_TABLE_NAME IN ('event', 'audit_record')
      AND current_setting('spil.forgetting', true) = TG_TABLE_NAME THEN
    RETURN NULL;
  END IF;
  """
KEPT_RECORD = """
CREATE FUNCTION refuse_young_record() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.at > now() - interval '5 years' THEN
    RAISE EXCEPTION 'A record is kept for five years.' USING ERRCODE = '23001';
  END IF;
  RETURN OLD;
END $$
"""
KEPT_EVENT = """
CREATE FUNCTION refuse_living_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM family WHERE id = OLD.family_id)
      OR (OLD.family_id IS NULL AND (OLD.type !~ '^(person|registration|match)[.]'
        OR EXISTS (SELECT FROM person WHERE id = OLD.about::uuid)
        OR EXISTS (SELECT FROM registration WHERE id = OLD.about::uuid)
        OR EXISTS (SELECT FROM match WHERE id = OLD.about::uuid))) THEN
    RAISE EXCEPTION 'An event is kept for as long as what it is about.' USING ERRCODE = '23001';
  END IF;
  RETURN OLD;
END $$
"""


def upgrade() -> None:
    op.execute(REFUSE.format(unless=FORGETTING))
    op.execute(KEPT_RECORD)
    op.execute(KEPT_EVENT)
    op.execute(
        "CREATE TRIGGER audit_record_is_kept BEFORE DELETE ON audit_record "
        "FOR EACH ROW EXECUTE FUNCTION refuse_young_record()"
    )
    op.execute(
        "CREATE TRIGGER event_is_kept BEFORE DELETE ON event FOR EACH ROW EXECUTE FUNCTION refuse_living_event()"
    )
    op.execute("CREATE INDEX event_about_idx ON event (about) WHERE family_id IS NULL")
    op.execute("CREATE INDEX family_closed_at_idx ON family (closed_at) WHERE closed_at IS NOT NULL")


def downgrade() -> None:
    op.execute("DROP INDEX family_closed_at_idx")
    op.execute("DROP INDEX event_about_idx")
    op.execute("DROP TRIGGER event_is_kept ON event")
    op.execute("DROP TRIGGER audit_record_is_kept ON audit_record")
    op.execute("DROP FUNCTION refuse_living_event()")
    op.execute("DROP FUNCTION refuse_young_record()")
    op.execute(REFUSE.format(unless=""))
