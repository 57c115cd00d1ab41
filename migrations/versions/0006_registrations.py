"""Registrations of agencies, and the matches between them."""

from alembic import op

revision = "0006"
down_revision = "0005"

TABLES = ("match", "unplaced_registration", "registration_relative", "registration")

REGISTRATION = """
CREATE TABLE registration (
  id uuid NOT NULL,
  agency_id uuid NOT NULL,
  municipality_code varchar NOT NULL,
  professional_id uuid,
  given_name varchar,
  surname varchar,
  birth_date date,
  bsn_sealed bytea,
  bsn_pseudonym bytea,
  person_id uuid,
  help_domains text[] NOT NULL,
  legal_basis varchar(40) NOT NULL,
  legal_basis_ends_on date,
  legal_ground varchar,
  contact_frequency varchar(40),
  shielded boolean NOT NULL,
  registered_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  involvement_id uuid,
  own_involvement boolean NOT NULL,
  match_shared_at timestamptz,
  consulted_at timestamptz,
  ended_at timestamptz,
  end_reason varchar(40),
  CONSTRAINT registration_pkey PRIMARY KEY (id),
  CONSTRAINT registration_agency_id_fkey FOREIGN KEY (agency_id) REFERENCES agency (id),
  CONSTRAINT registration_municipality_code_fkey FOREIGN KEY (municipality_code) REFERENCES municipality (code),
  CONSTRAINT registration_professional_id_fkey FOREIGN KEY (professional_id) REFERENCES professional (id),
  CONSTRAINT registration_person_id_fkey FOREIGN KEY (person_id) REFERENCES person (id),
  CONSTRAINT registration_involvement_id_fkey FOREIGN KEY (involvement_id) REFERENCES involvement (id),
  CONSTRAINT registration_help_domains_check CHECK (cardinality(help_domains) > 0),
  CONSTRAINT registration_bsn_check CHECK ((bsn_sealed IS NULL) = (bsn_pseudonym IS NULL)),
  CONSTRAINT registration_says_who_check
    CHECK (bsn_sealed IS NOT NULL OR num_nonnulls(given_name, surname, birth_date) = 3),
  CONSTRAINT registration_ended_check CHECK ((ended_at IS NULL) = (end_reason IS NULL)),
  CONSTRAINT registration_own_involvement_check CHECK (own_involvement IS FALSE OR involvement_id IS NOT NULL),
  CONSTRAINT registration_legalbasis_check
    CHECK (legal_basis IN ('statutory_task', 'consent', 'measure', 'vital_interest')),
  CONSTRAINT registration_contactfrequency_check CHECK (contact_frequency IN
    ('daily', 'several_times_a_week', 'weekly', 'fortnightly', 'monthly', 'quarterly', 'when_needed')),
  CONSTRAINT registration_registrationend_check CHECK (end_reason IN ('completed', 'stopped_by_family', 'handed_over',
    'no_longer_needed', 'legal_basis_ended', 'expired', 'rejected', 'duplicate'))
)
"""

RELATIVE = """
CREATE TABLE registration_relative (
  id uuid NOT NULL,
  registration_id uuid NOT NULL,
  agency_id uuid NOT NULL,
  municipality_code varchar NOT NULL,
  kinship varchar(40) NOT NULL,
  bsn_sealed bytea NOT NULL,
  bsn_pseudonym bytea NOT NULL,
  CONSTRAINT registration_relative_pkey PRIMARY KEY (id),
  CONSTRAINT registration_relative_registration_id_fkey FOREIGN KEY (registration_id) REFERENCES registration (id),
  CONSTRAINT registration_relative_agency_id_fkey FOREIGN KEY (agency_id) REFERENCES agency (id),
  CONSTRAINT registration_relative_municipality_code_fkey
    FOREIGN KEY (municipality_code) REFERENCES municipality (code),
  CONSTRAINT registration_relative_kinship_check CHECK (kinship IN ('parent', 'child'))
)
"""

UNPLACED = """
CREATE TABLE unplaced_registration (
  registration_id uuid NOT NULL,
  agency_id uuid NOT NULL,
  CONSTRAINT unplaced_registration_pkey PRIMARY KEY (registration_id),
  CONSTRAINT unplaced_registration_registration_id_fkey FOREIGN KEY (registration_id) REFERENCES registration (id),
  CONSTRAINT unplaced_registration_agency_id_fkey FOREIGN KEY (agency_id) REFERENCES agency (id)
)
"""

MATCH = """
CREATE TABLE match (
  id uuid NOT NULL,
  municipality_code varchar NOT NULL,
  kind varchar(40) NOT NULL,
  registration_id uuid NOT NULL,
  other_registration_id uuid,
  with_family_id uuid,
  state varchar(40) NOT NULL,
  found_at timestamptz NOT NULL,
  decided_at timestamptz,
  shared_at timestamptz,
  consulted_at timestamptz,
  CONSTRAINT match_pkey PRIMARY KEY (id),
  CONSTRAINT match_municipality_code_fkey FOREIGN KEY (municipality_code) REFERENCES municipality (code),
  CONSTRAINT match_registration_id_fkey FOREIGN KEY (registration_id) REFERENCES registration (id),
  CONSTRAINT match_other_registration_id_fkey FOREIGN KEY (other_registration_id) REFERENCES registration (id),
  CONSTRAINT match_with_family_id_fkey FOREIGN KEY (with_family_id) REFERENCES family (id),
  CONSTRAINT match_other_side_check CHECK (num_nonnulls(other_registration_id, with_family_id) = 1),
  CONSTRAINT match_once_check CHECK (registration_id < other_registration_id),
  CONSTRAINT match_decided_check CHECK ((decided_at IS NULL) = (state = 'found')),
  CONSTRAINT match_matchkind_check CHECK (kind IN ('same_person', 'family')),
  CONSTRAINT match_matchstate_check CHECK (state IN ('found', 'shared', 'joined', 'dismissed', 'lapsed'))
)
"""

INDEXES = (
    (
        "CREATE UNIQUE INDEX registration_one_running_key ON registration"
        " (agency_id, municipality_code, bsn_pseudonym, professional_id) NULLS NOT DISTINCT"
        " WHERE ended_at IS NULL AND bsn_pseudonym IS NOT NULL"
    ),
    "CREATE INDEX registration_agency_id_idx ON registration (agency_id, registered_at, id)",
    "CREATE INDEX registration_bsn_pseudonym_idx ON registration (bsn_pseudonym) WHERE ended_at IS NULL",
    (
        "CREATE INDEX registration_unconfirmed_idx ON registration (municipality_code, registered_at, id)"
        " WHERE bsn_pseudonym IS NULL AND person_id IS NULL AND ended_at IS NULL"
    ),
    (
        "CREATE INDEX registration_expiring_idx ON registration (expires_at)"
        " WHERE ended_at IS NULL AND involvement_id IS NULL"
    ),
    "CREATE INDEX registration_involvement_id_idx ON registration (involvement_id)",
    "CREATE INDEX registration_person_id_idx ON registration (person_id)",
    "CREATE INDEX registration_professional_id_idx ON registration (professional_id)",
    "CREATE INDEX registration_relative_agency_id_idx ON registration_relative (agency_id)",
    "CREATE INDEX registration_relative_bsn_pseudonym_idx ON registration_relative (bsn_pseudonym)",
    "CREATE INDEX registration_relative_registration_id_idx ON registration_relative (registration_id)",
    "CREATE INDEX unplaced_registration_agency_id_idx ON unplaced_registration (agency_id)",
    "CREATE UNIQUE INDEX match_registrations_key ON match (registration_id, other_registration_id)",
    "CREATE UNIQUE INDEX match_family_key ON match (registration_id, with_family_id)",
    "CREATE INDEX match_municipality_code_idx ON match (municipality_code, found_at, id)",
    "CREATE INDEX match_other_registration_id_idx ON match (other_registration_id)",
    "CREATE INDEX match_with_family_id_idx ON match (with_family_id)",
)


def upgrade() -> None:
    for statement in (REGISTRATION, RELATIVE, UNPLACED, MATCH, *INDEXES):
        op.execute(statement)


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
