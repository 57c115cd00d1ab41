"""Where events are delivered, and what became of each delivery.

Only the organisation that made a subscription sees it, with its keys, deliveries and attempts.
"""

from alembic import op

revision = "0024"
down_revision = "0023"

TABLES = """
CREATE TABLE subscription (
  id uuid NOT NULL CONSTRAINT subscription_pkey PRIMARY KEY,
  role varchar NOT NULL,
  agency_id uuid CONSTRAINT subscription_agency_id_fkey REFERENCES agency (id),
  municipality_code varchar CONSTRAINT subscription_municipality_code_fkey REFERENCES municipality (code),
  subject varchar NOT NULL,
  issuer varchar,
  via varchar,
  url varchar NOT NULL,
  types text[] NOT NULL,
  family_ids text[] NOT NULL,
  state varchar(40) NOT NULL,
  disabled_reason varchar(40),
  challenge varchar NOT NULL,
  made_at timestamptz NOT NULL,
  verified_at timestamptz,
  position bigint NOT NULL,
  replay_after bigint,
  replay_upto bigint,
  failing_since timestamptz,
  not_before timestamptz,
  CONSTRAINT subscription_owner_check CHECK (CASE role
    WHEN 'agency_system' THEN agency_id IS NOT NULL AND municipality_code IS NULL
    WHEN 'registrar' THEN municipality_code IS NOT NULL AND agency_id IS NULL ELSE false END),
  CONSTRAINT subscription_disabled_check CHECK ((state = 'disabled') = (disabled_reason IS NOT NULL)),
  CONSTRAINT subscription_subscriptionstate_check CHECK (state IN ('unverified', 'active', 'paused', 'disabled')),
  CONSTRAINT subscription_subscriptiondisabling_check
    CHECK (disabled_reason IN ('gone', 'unreachable', 'maker_inactive'))
);
CREATE INDEX subscription_agency_id_idx ON subscription (agency_id, id);
CREATE INDEX subscription_municipality_code_idx ON subscription (municipality_code, id);

CREATE TABLE subscription_key (
  id uuid NOT NULL CONSTRAINT subscription_key_pkey PRIMARY KEY,
  subscription_id uuid NOT NULL
    CONSTRAINT subscription_key_subscription_id_fkey REFERENCES subscription (id) ON DELETE CASCADE,
  public_key varchar NOT NULL,
  private_key_sealed bytea NOT NULL,
  added_at timestamptz NOT NULL
);
CREATE INDEX subscription_key_subscription_id_idx ON subscription_key (subscription_id);

CREATE TABLE delivery_line (
  subscription_id uuid NOT NULL
    CONSTRAINT delivery_line_subscription_id_fkey REFERENCES subscription (id) ON DELETE CASCADE,
  line varchar NOT NULL,
  due_at timestamptz NOT NULL,
  claim uuid,
  CONSTRAINT delivery_line_pkey PRIMARY KEY (subscription_id, line)
);
CREATE INDEX delivery_line_due_idx ON delivery_line (subscription_id, due_at);

CREATE TABLE delivery (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT delivery_pkey PRIMARY KEY,
  subscription_id uuid NOT NULL
    CONSTRAINT delivery_subscription_id_fkey REFERENCES subscription (id) ON DELETE CASCADE,
  kind varchar(40) NOT NULL,
  event_id uuid NOT NULL,
  type varchar NOT NULL,
  position bigint NOT NULL,
  line varchar NOT NULL,
  state varchar(40) NOT NULL,
  attempts integer NOT NULL,
  made_at timestamptz NOT NULL,
  first_attempt_at timestamptz,
  sent_at timestamptz,
  done_at timestamptz,
  CONSTRAINT delivery_deliverykind_check CHECK (kind IN ('event', 'challenge', 'test')),
  CONSTRAINT delivery_deliverystate_check CHECK (state IN ('waiting', 'delivered', 'given_up', 'withheld'))
);
CREATE INDEX delivery_waiting_idx ON delivery (subscription_id, line, position) WHERE state = 'waiting';
CREATE INDEX delivery_subscription_id_idx ON delivery (subscription_id, id);
CREATE UNIQUE INDEX delivery_event_id_idx ON delivery (subscription_id, event_id);
CREATE INDEX delivery_done_at_idx ON delivery (done_at) WHERE done_at IS NOT NULL;

CREATE TABLE delivery_attempt (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT delivery_attempt_pkey PRIMARY KEY,
  delivery_id bigint NOT NULL
    CONSTRAINT delivery_attempt_delivery_id_fkey REFERENCES delivery (id) ON DELETE CASCADE,
  at timestamptz NOT NULL,
  milliseconds integer NOT NULL,
  status smallint,
  reason varchar(40),
  trace_id text NOT NULL
);
CREATE INDEX delivery_attempt_delivery_id_idx ON delivery_attempt (delivery_id, id);
"""

OWNED = """(role = 'agency_system' AND current_setting('spil.role', true) = 'agency_system'
    AND agency_id = spil_id('agency'))
  OR (role = 'registrar' AND current_setting('spil.role', true) = 'registrar'
    AND municipality_code = current_setting('spil.municipality', true))"""
OF_OWN = "EXISTS (SELECT FROM subscription s WHERE s.id = subscription_id)"
OF_OWN_DELIVERY = "EXISTS (SELECT FROM delivery d WHERE d.id = delivery_id)"

ROWS = {
    "subscription": OWNED,
    "subscription_key": OF_OWN,
    "delivery_line": OF_OWN,
    "delivery": OF_OWN,
    "delivery_attempt": OF_OWN_DELIVERY,
}
"""What someone sees and may write: a subscription that is theirs, and what belongs to one that they see."""


def upgrade() -> None:
    op.execute(TABLES)
    for table, condition in ROWS.items():
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO spil_app, spil_worker")
        op.execute(f"GRANT SELECT ON {table} TO spil_guard")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY worker ON {table} TO spil_worker USING (true) WITH CHECK (true)")
        op.execute(f"CREATE POLICY guard ON {table} FOR SELECT TO spil_guard USING (true)")
        op.execute(f"CREATE POLICY app ON {table} TO spil_app USING ({condition}) WITH CHECK ({condition})")


def downgrade() -> None:
    for table in reversed(ROWS):
        op.execute(f"DROP TABLE {table}")
