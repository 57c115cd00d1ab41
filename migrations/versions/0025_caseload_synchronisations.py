"""A whole caseload at once: what was sent, and what became of each row.

The worker carries a caseload out as the agency that sent it: it takes the role that serves requests, so that the database
shows it that agency's rows and no others. A login that is the worker only can therefore become `spil_app`, without having
its rights by itself.
"""

from alembic import op

revision = "0025"
down_revision = "0024"

STATES = "'received', 'running', 'confirmation_needed', 'compared', 'completed', 'stopped'"
ENDS = (
    "'completed', 'stopped_by_family', 'handed_over', 'no_longer_needed', 'legal_basis_ended', 'expired', 'rejected', "
    "'duplicate'"
)
OUTCOMES = "'started', 'changed', 'confirmed', 'ended', 'kept', 'refused'"
TABLES = ("caseload_synchronisation", "caseload_row")

SCHEMA = f"""
CREATE TABLE caseload_synchronisation (
  id uuid NOT NULL CONSTRAINT caseload_synchronisation_pkey PRIMARY KEY,
  agency_id uuid NOT NULL CONSTRAINT caseload_synchronisation_agency_id_fkey REFERENCES agency (id),
  municipality_code varchar NOT NULL CONSTRAINT caseload_synchronisation_municipality_code_fkey
    REFERENCES municipality (code),
  state varchar(40) NOT NULL
    CONSTRAINT caseload_synchronisation_synchronisationstate_check CHECK (state IN ({STATES})),
  dry_run boolean NOT NULL,
  end_reason varchar(40) NOT NULL
    CONSTRAINT caseload_synchronisation_registrationend_check CHECK (end_reason IN ({ENDS})),
  may_end integer CONSTRAINT caseload_synchronisation_may_end_check CHECK (may_end >= 0),
  row_count integer NOT NULL,
  running_count integer,
  would_end integer,
  missing_listed boolean NOT NULL,
  begun_at timestamptz NOT NULL,
  received_at timestamptz,
  finished_at timestamptz,
  subject varchar NOT NULL,
  issuer varchar,
  via varchar,
  trace_id varchar
);
CREATE UNIQUE INDEX caseload_synchronisation_one_running_key ON caseload_synchronisation (agency_id, municipality_code)
  WHERE received_at IS NOT NULL AND state IN ('received', 'running');
CREATE INDEX caseload_synchronisation_agency_id_idx ON caseload_synchronisation (agency_id, received_at, id);
CREATE TABLE caseload_row (
  synchronisation_id uuid NOT NULL CONSTRAINT caseload_row_synchronisation_id_fkey
    REFERENCES caseload_synchronisation (id) ON DELETE CASCADE,
  position integer NOT NULL,
  line integer,
  agency_id uuid NOT NULL,
  bsn_sealed bytea,
  bsn_pseudonym bytea,
  said_sealed bytea,
  professional_id uuid,
  apart boolean NOT NULL,
  outcome varchar(40) CONSTRAINT caseload_row_caseloadoutcome_check CHECK (outcome IN ({OUTCOMES})),
  code varchar,
  field varchar,
  registration_id uuid,
  CONSTRAINT caseload_row_pkey PRIMARY KEY (synchronisation_id, position),
  CONSTRAINT caseload_row_bsn_check CHECK ((bsn_sealed IS NULL) = (bsn_pseudonym IS NULL))
);
CREATE INDEX caseload_row_to_do_idx ON caseload_row (synchronisation_id, bsn_pseudonym, position)
  WHERE outcome IS NULL;
CREATE INDEX caseload_row_registration_id_idx ON caseload_row (synchronisation_id, registration_id);
"""

BECOMES = """
DO $$ BEGIN
  IF NOT EXISTS (
    SELECT FROM pg_auth_members WHERE roleid = 'spil_app'::regrole AND member = 'spil_worker'::regrole
  ) THEN
    GRANT spil_app TO spil_worker WITH INHERIT FALSE, SET TRUE;
  END IF;
END $$
"""


def upgrade() -> None:
    op.execute(SCHEMA)
    for table in TABLES:
        own = "agency_id = spil_id('agency')"
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO spil_app, spil_worker")
        op.execute(f"GRANT SELECT ON {table} TO spil_guard")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY worker ON {table} TO spil_worker USING (true) WITH CHECK (true)")
        op.execute(f"CREATE POLICY guard ON {table} FOR SELECT TO spil_guard USING (true)")
        op.execute(f"CREATE POLICY app ON {table} TO spil_app USING ({own}) WITH CHECK ({own})")
    op.execute(BECOMES)


def downgrade() -> None:
    """The roles stay as they are: other databases of the same server may have them too."""
    for table in reversed(TABLES):
        op.execute(f"DROP TABLE {table}")
