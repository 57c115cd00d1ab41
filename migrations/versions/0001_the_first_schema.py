"""The first schema"""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.execute("CREATE TYPE uuidrange AS RANGE (subtype = uuid)")
    op.create_table('agency',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('kind', sa.Enum('youth_care', 'certified_institution', 'child_protection_board', 'safe_at_home', 'womens_shelter', 'debt_help', 'housing', 'mental_health', 'addiction_care', 'disability_care', 'general_practice', 'youth_health_care', 'social_work', 'work_and_income', 'school', 'police', 'probation', 'municipality', name='agencykind', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('phone', sa.String(), nullable=True),
    sa.Column('email', sa.String(), nullable=True),
    sa.Column('help_domains', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('signal_only', sa.Boolean(), nullable=False),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('agency_pkey'))
    )
    op.create_table('audit_record',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('action', sa.String(), nullable=False),
    sa.Column('decision', sa.String(), nullable=False),
    sa.Column('family_id', sa.Uuid(), nullable=True),
    sa.Column('municipality_code', sa.String(), nullable=True),
    sa.Column('event_id', sa.Uuid(), nullable=True),
    sa.Column('role', sa.String(), nullable=False),
    sa.Column('subject', sa.String(), nullable=False),
    sa.Column('agency_id', sa.Uuid(), nullable=True),
    sa.Column('professional_id', sa.Uuid(), nullable=True),
    sa.Column('person_id', sa.Uuid(), nullable=True),
    sa.Column('shown_person_id', sa.Uuid(), nullable=True),
    sa.Column('relation', sa.String(), nullable=True),
    sa.Column('legal_basis', sa.String(), nullable=True),
    sa.Column('trace_id', sa.String(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('audit_record_pkey'))
    )
    op.create_index('audit_record_family_id_idx', 'audit_record', ['family_id', 'id'], unique=False)
    op.create_index('audit_record_municipality_code_idx', 'audit_record', ['municipality_code', 'id'], unique=False)
    op.create_table('event',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('type', sa.Enum('municipality.registered', 'municipality.changed', 'help_domain.added', 'agency.registered', 'agency.changed', 'client.registered', 'client.deactivated', 'professional.registered', 'professional.changed', 'absence.reported', 'absence.withdrawn', 'person.registered', 'person.changed', 'family.opened', 'family.changed', 'family.closed', 'family.reopened', 'family.moved', 'member.joined', 'member.changed', 'member.left', 'involvement.invited', 'involvement.declined', 'involvement.withdrawn', 'involvement.started', 'involvement.changed', 'involvement.confirmed', 'involvement.ended', 'mandate.proposed', 'mandate.declined', 'mandate.withdrawn', 'mandate.granted', 'mandate.changed', 'mandate.ended', 'mandate.gap_opened', 'deputy.named', 'deputy.ended', 'contact_point.assigned', 'contact_point.ended', 'contact_point.gap_opened', 'contact_point.gap_closed', name='eventtype', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('place', sa.Integer(), nullable=False),
    sa.Column('family_id', sa.Uuid(), nullable=True),
    sa.Column('about', sa.String(), nullable=False),
    sa.Column('involvement_id', sa.Uuid(), nullable=True),
    sa.Column('agency_id', sa.Uuid(), nullable=True),
    sa.Column('professional_id', sa.Uuid(), nullable=True),
    sa.Column('help_domain', sa.String(), nullable=True),
    sa.Column('reason', sa.String(), nullable=True),
    sa.Column('by_role', sa.String(), nullable=False),
    sa.Column('by_agency_id', sa.Uuid(), nullable=True),
    sa.Column('by_municipality_code', sa.String(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('event_pkey'))
    )
    op.create_index('event_family_id_idx', 'event', ['family_id', sa.literal_column('at DESC'), sa.literal_column('place DESC')], unique=False)
    op.create_table('idempotent_request',
    sa.Column('caller', sa.String(), nullable=False),
    sa.Column('key', sa.String(), nullable=False),
    sa.Column('fingerprint', sa.LargeBinary(), nullable=False),
    sa.Column('answer', sa.LargeBinary(), nullable=True),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('caller', 'key', name=op.f('idempotent_request_pkey'))
    )
    op.create_index(op.f('idempotent_request_at_idx'), 'idempotent_request', ['at'], unique=False)
    op.create_table('municipality',
    sa.Column('code', sa.Text(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('access_team_name', sa.String(), nullable=False),
    sa.Column('access_team_phone', sa.String(), nullable=False),
    sa.Column('access_team_email', sa.String(), nullable=False),
    sa.CheckConstraint("code ~ '^[0-9]{4}$'", name=op.f('municipality_code_check')),
    sa.PrimaryKeyConstraint('code', name=op.f('municipality_pkey'))
    )
    op.create_table('client',
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('agency_id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('jwks', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['agency_id'], ['agency.id'], name=op.f('client_agency_id_fkey')),
    sa.PrimaryKeyConstraint('id', name=op.f('client_pkey'))
    )
    op.create_index(op.f('client_agency_id_idx'), 'client', ['agency_id'], unique=False)
    op.create_table('family',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('municipality_code', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('framework', sa.Enum('voluntary', 'pressure', 'court_ordered', name='framework', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('strategy', sa.Enum('put_in_order', 'finger_on_the_pulse', 'prop_and_support', 'direct_offer', 'refresh', name='strategy', native_enum=False, create_constraint=True, length=40), nullable=True),
    sa.Column('opened_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('closing', sa.Enum('completed', 'stopped_by_family', 'moved_away', 'opened_in_error', name='familyclosing', native_enum=False, create_constraint=True, length=40), nullable=True),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('(closed_at IS NULL) = (closing IS NULL)', name=op.f('family_closed_check')),
    sa.ForeignKeyConstraint(['municipality_code'], ['municipality.code'], name=op.f('family_municipality_code_fkey')),
    sa.PrimaryKeyConstraint('id', name=op.f('family_pkey'))
    )
    op.create_index('family_municipality_code_idx', 'family', ['municipality_code', 'id'], unique=False)
    op.create_table('help_domain',
    sa.Column('code', sa.Text(), nullable=False),
    sa.Column('label_nl', sa.String(), nullable=False),
    sa.Column('label_en', sa.String(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('municipality_code', sa.String(), nullable=True),
    sa.CheckConstraint("code ~ '^[a-z][a-z_]{1,48}[a-z]$'", name=op.f('help_domain_code_check')),
    sa.ForeignKeyConstraint(['municipality_code'], ['municipality.code'], name=op.f('help_domain_municipality_code_fkey')),
    sa.PrimaryKeyConstraint('code', name=op.f('help_domain_pkey'))
    )
    op.create_index(op.f('help_domain_municipality_code_idx'), 'help_domain', ['municipality_code'], unique=False)
    op.create_table('outbox',
    sa.Column('event_id', sa.Uuid(), nullable=False),
    sa.ForeignKeyConstraint(['event_id'], ['event.id'], name=op.f('outbox_event_id_fkey')),
    sa.PrimaryKeyConstraint('event_id', name=op.f('outbox_pkey'))
    )
    op.create_table('person',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('municipality_code', sa.String(), nullable=False),
    sa.Column('given_name', sa.String(), nullable=False),
    sa.Column('surname', sa.String(), nullable=False),
    sa.Column('birth_date', sa.Date(), nullable=True),
    sa.Column('bsn_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('bsn_pseudonym', sa.LargeBinary(), nullable=True),
    sa.ForeignKeyConstraint(['municipality_code'], ['municipality.code'], name=op.f('person_municipality_code_fkey')),
    sa.PrimaryKeyConstraint('id', name=op.f('person_pkey'))
    )
    op.create_index('person_bsn_key', 'person', ['municipality_code', 'bsn_pseudonym'], unique=True)
    op.create_table('professional',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('agency_id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('function', sa.String(), nullable=False),
    sa.Column('phone', sa.String(), nullable=True),
    sa.Column('email', sa.String(), nullable=True),
    sa.Column('registration_number', sa.String(), nullable=True),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['agency_id'], ['agency.id'], name=op.f('professional_agency_id_fkey')),
    sa.PrimaryKeyConstraint('id', name=op.f('professional_pkey'))
    )
    op.create_index(op.f('professional_agency_id_idx'), 'professional', ['agency_id'], unique=False)
    op.create_table('absence',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('professional_id', sa.Uuid(), nullable=False),
    sa.Column('cover_id', sa.Uuid(), nullable=True),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=False),
    postgresql.ExcludeConstraint((sa.text("uuidrange(professional_id, professional_id, '[]')"), '&&'), (sa.text('tstzrange(started_at, ends_at)'), '&&'), using='gist', name='absence_one_at_a_time'),
    sa.CheckConstraint('cover_id <> professional_id', name=op.f('absence_cover_check')),
    sa.CheckConstraint('ends_at > started_at AND isfinite(started_at) AND isfinite(ends_at)', name=op.f('absence_period_check')),
    sa.ForeignKeyConstraint(['cover_id'], ['professional.id'], name=op.f('absence_cover_id_fkey')),
    sa.ForeignKeyConstraint(['professional_id'], ['professional.id'], name=op.f('absence_professional_id_fkey')),
    sa.PrimaryKeyConstraint('id', name=op.f('absence_pkey'))
    )
    op.create_index('absence_cover_id_idx', 'absence', ['cover_id'], unique=False)
    op.create_index('absence_professional_id_idx', 'absence', ['professional_id'], unique=False)
    op.create_table('client_assertion',
    sa.Column('client_id', sa.String(), nullable=False),
    sa.Column('jti', sa.String(), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['client_id'], ['client.id'], name=op.f('client_assertion_client_id_fkey')),
    sa.PrimaryKeyConstraint('client_id', 'jti', name=op.f('client_assertion_pkey'))
    )
    op.create_index(op.f('client_assertion_expires_at_idx'), 'client_assertion', ['expires_at'], unique=False)
    op.create_table('contact_point',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('family_id', sa.Uuid(), nullable=False),
    sa.Column('help_domain', sa.String(), nullable=False),
    sa.Column('professional_id', sa.Uuid(), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('end_reason', sa.Enum('reassigned', 'released', 'involvement_ended', 'family_closed', name='contactpointend', native_enum=False, create_constraint=True, length=40), nullable=True),
    sa.Column('gap_closed_at', sa.DateTime(timezone=True), nullable=True),
    postgresql.ExcludeConstraint((sa.text("uuidrange(md5(family_id::text || help_domain)::uuid, md5(family_id::text || help_domain)::uuid, '[]')"), '&&'), (sa.text('tstzrange(started_at, ends_at)'), '&&'), using='gist', name='contact_point_one_at_a_time'),
    sa.CheckConstraint('ends_at > started_at AND isfinite(started_at) AND isfinite(ends_at)', name=op.f('contact_point_period_check')),
    sa.ForeignKeyConstraint(['family_id'], ['family.id'], name=op.f('contact_point_family_id_fkey')),
    sa.ForeignKeyConstraint(['help_domain'], ['help_domain.code'], name=op.f('contact_point_help_domain_fkey')),
    sa.ForeignKeyConstraint(['professional_id'], ['professional.id'], name=op.f('contact_point_professional_id_fkey')),
    sa.PrimaryKeyConstraint('id', name=op.f('contact_point_pkey'))
    )
    op.create_index('contact_point_family_id_idx', 'contact_point', ['family_id'], unique=False)
    op.create_index('contact_point_professional_id_idx', 'contact_point', ['professional_id', 'family_id'], unique=False)
    op.create_table('involvement',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('family_id', sa.Uuid(), nullable=False),
    sa.Column('agency_id', sa.Uuid(), nullable=False),
    sa.Column('professional_id', sa.Uuid(), nullable=True),
    sa.Column('help_domains', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('shielded', sa.Boolean(), nullable=False),
    sa.Column('contact_frequency', sa.Enum('daily', 'several_times_a_week', 'weekly', 'fortnightly', 'monthly', 'quarterly', 'when_needed', name='contactfrequency', native_enum=False, create_constraint=True, length=40), nullable=True),
    sa.Column('legal_basis', sa.Enum('statutory_task', 'consent', 'measure', 'vital_interest', name='legalbasis', native_enum=False, create_constraint=True, length=40), nullable=True),
    sa.Column('invited_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('answer', sa.Enum('accepted', 'declined', 'withdrawn', name='answer', native_enum=False, create_constraint=True, length=40), nullable=True),
    sa.Column('answered_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('decline_reason', sa.Enum('no_capacity', 'not_our_task', 'not_our_area', 'another_agency_fits_better', 'no_legal_basis', name='invitationdecline', native_enum=False, create_constraint=True, length=40), nullable=True),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('confirmation_due_on', sa.Date(), nullable=True),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('end_reason', sa.Enum('completed', 'stopped_by_family', 'handed_over', 'no_longer_needed', 'legal_basis_ended', 'family_closed', name='involvementend', native_enum=False, create_constraint=True, length=40), nullable=True),
    postgresql.ExcludeConstraint((sa.text("uuidrange(md5(family_id::text || agency_id::text || coalesce(professional_id::text, ''))::uuid, md5(family_id::text || agency_id::text || coalesce(professional_id::text, ''))::uuid, '[]')"), '&&'), (sa.text('tstzrange(started_at, ends_at)'), '&&'), where=sa.text('started_at IS NOT NULL'), using='gist', name='involvement_one_at_a_time'),
    sa.CheckConstraint("(answer = 'accepted') IS TRUE = (started_at IS NOT NULL)", name=op.f('involvement_started_check')),
    sa.CheckConstraint('cardinality(help_domains) > 0', name=op.f('involvement_help_domains_check')),
    sa.CheckConstraint('ends_at > started_at AND isfinite(started_at) AND isfinite(ends_at)', name=op.f('involvement_period_check')),
    sa.CheckConstraint('started_at IS NULL OR legal_basis IS NOT NULL', name=op.f('involvement_has_basis_check')),
    sa.ForeignKeyConstraint(['agency_id'], ['agency.id'], name=op.f('involvement_agency_id_fkey')),
    sa.ForeignKeyConstraint(['family_id'], ['family.id'], name=op.f('involvement_family_id_fkey')),
    sa.ForeignKeyConstraint(['professional_id'], ['professional.id'], name=op.f('involvement_professional_id_fkey')),
    sa.PrimaryKeyConstraint('id', name=op.f('involvement_pkey'))
    )
    op.create_index('involvement_agency_id_idx', 'involvement', ['agency_id', 'family_id'], unique=False)
    op.create_index('involvement_family_id_idx', 'involvement', ['family_id'], unique=False)
    op.create_index('involvement_invited_idx', 'involvement', ['agency_id', 'family_id'], unique=False, postgresql_where=sa.text('answer IS NULL'))
    op.create_index('involvement_lapsing_idx', 'involvement', ['ends_at'], unique=False, postgresql_where=sa.text('ends_at IS NOT NULL AND end_reason IS NULL'))
    op.create_index('involvement_professional_id_idx', 'involvement', ['professional_id', 'family_id'], unique=False)
    op.create_table('mandate',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('family_id', sa.Uuid(), nullable=False),
    sa.Column('professional_id', sa.Uuid(), nullable=False),
    sa.Column('powers', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('legal_basis', sa.Enum('consent', 'measure', name='mandatebasis', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('granted_by', sa.String(), nullable=False),
    sa.Column('succeeds_id', sa.Uuid(), nullable=True),
    sa.Column('proposed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('answer', sa.Enum('accepted', 'declined', 'withdrawn', name='answer', native_enum=False, create_constraint=True, length=40), nullable=True),
    sa.Column('answered_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('decline_reason', sa.Enum('no_capacity', 'conflict_of_interest', 'family_prefers_another', 'powers_insufficient', name='mandatedecline', native_enum=False, create_constraint=True, length=40), nullable=True),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('end_reason', sa.Enum('laid_down', 'withdrawn', 'completed', 'transferred', 'expired', 'involvement_ended', 'family_closed', name='mandateend', native_enum=False, create_constraint=True, length=40), nullable=True),
    postgresql.ExcludeConstraint((sa.text("uuidrange(family_id, family_id, '[]')"), '&&'), (sa.text('tstzrange(started_at, ends_at)'), '&&'), where=sa.text('started_at IS NOT NULL'), using='gist', name='mandate_one_at_a_time'),
    sa.CheckConstraint("(answer = 'accepted') IS TRUE = (started_at IS NOT NULL)", name=op.f('mandate_started_check')),
    sa.CheckConstraint("powers <@ ARRAY['assign_contact_points', 'invite_agencies', 'convene', 'review_necessity', 'escalate', 'manage_plan']", name=op.f('mandate_powers_check')),
    sa.CheckConstraint('ends_at > started_at AND isfinite(started_at) AND isfinite(ends_at)', name=op.f('mandate_period_check')),
    sa.ForeignKeyConstraint(['family_id'], ['family.id'], name=op.f('mandate_family_id_fkey')),
    sa.ForeignKeyConstraint(['granted_by'], ['municipality.code'], name=op.f('mandate_granted_by_fkey')),
    sa.ForeignKeyConstraint(['professional_id'], ['professional.id'], name=op.f('mandate_professional_id_fkey')),
    sa.ForeignKeyConstraint(['succeeds_id'], ['mandate.id'], name=op.f('mandate_succeeds_id_fkey')),
    sa.PrimaryKeyConstraint('id', name=op.f('mandate_pkey'))
    )
    op.create_index('mandate_family_id_idx', 'mandate', ['family_id'], unique=False)
    op.create_index('mandate_lapsing_idx', 'mandate', ['ends_at'], unique=False, postgresql_where=sa.text('started_at IS NOT NULL AND end_reason IS NULL'))
    op.create_index('mandate_one_open_proposal_key', 'mandate', ['family_id'], unique=True, postgresql_where=sa.text('answer IS NULL'))
    op.create_index('mandate_professional_id_idx', 'mandate', ['professional_id', 'family_id'], unique=False)
    op.create_table('member',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('family_id', sa.Uuid(), nullable=False),
    sa.Column('person_id', sa.Uuid(), nullable=False),
    sa.Column('role', sa.Enum('parent', 'step_parent', 'foster_parent', 'other_carer', 'child', 'other', name='memberrole', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('parental_authority', sa.Boolean(), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=True),
    postgresql.ExcludeConstraint((sa.text("uuidrange(md5(family_id::text || person_id::text)::uuid, md5(family_id::text || person_id::text)::uuid, '[]')"), '&&'), (sa.text('tstzrange(started_at, ends_at)'), '&&'), using='gist', name='member_one_at_a_time'),
    sa.CheckConstraint('ends_at > started_at AND isfinite(started_at) AND isfinite(ends_at)', name=op.f('member_period_check')),
    sa.ForeignKeyConstraint(['family_id'], ['family.id'], name=op.f('member_family_id_fkey')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('member_person_id_fkey')),
    sa.PrimaryKeyConstraint('id', name=op.f('member_pkey'))
    )
    op.create_index('member_family_id_idx', 'member', ['family_id'], unique=False)
    op.create_index('member_person_id_idx', 'member', ['person_id'], unique=False)
    op.create_table('deputy',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('family_id', sa.Uuid(), nullable=False),
    sa.Column('mandate_id', sa.Uuid(), nullable=False),
    sa.Column('professional_id', sa.Uuid(), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=False),
    postgresql.ExcludeConstraint((sa.text("uuidrange(mandate_id, mandate_id, '[]')"), '&&'), (sa.text('tstzrange(started_at, ends_at)'), '&&'), using='gist', name='deputy_one_at_a_time'),
    sa.CheckConstraint('ends_at > started_at AND isfinite(started_at) AND isfinite(ends_at)', name=op.f('deputy_period_check')),
    sa.ForeignKeyConstraint(['family_id'], ['family.id'], name=op.f('deputy_family_id_fkey')),
    sa.ForeignKeyConstraint(['mandate_id'], ['mandate.id'], name=op.f('deputy_mandate_id_fkey')),
    sa.ForeignKeyConstraint(['professional_id'], ['professional.id'], name=op.f('deputy_professional_id_fkey')),
    sa.PrimaryKeyConstraint('id', name=op.f('deputy_pkey'))
    )
    op.create_index('deputy_family_id_idx', 'deputy', ['family_id'], unique=False)
    op.create_index('deputy_mandate_id_idx', 'deputy', ['mandate_id'], unique=False)
    op.create_index('deputy_professional_id_idx', 'deputy', ['professional_id'], unique=False)


def downgrade() -> None:
    op.drop_index('deputy_professional_id_idx', table_name='deputy')
    op.drop_index('deputy_mandate_id_idx', table_name='deputy')
    op.drop_index('deputy_family_id_idx', table_name='deputy')
    op.drop_table('deputy')
    op.drop_index('member_person_id_idx', table_name='member')
    op.drop_index('member_family_id_idx', table_name='member')
    op.drop_table('member')
    op.drop_index('mandate_professional_id_idx', table_name='mandate')
    op.drop_index('mandate_one_open_proposal_key', table_name='mandate', postgresql_where=sa.text('answer IS NULL'))
    op.drop_index('mandate_lapsing_idx', table_name='mandate', postgresql_where=sa.text('started_at IS NOT NULL AND end_reason IS NULL'))
    op.drop_index('mandate_family_id_idx', table_name='mandate')
    op.drop_table('mandate')
    op.drop_index('involvement_professional_id_idx', table_name='involvement')
    op.drop_index('involvement_lapsing_idx', table_name='involvement', postgresql_where=sa.text('ends_at IS NOT NULL AND end_reason IS NULL'))
    op.drop_index('involvement_invited_idx', table_name='involvement', postgresql_where=sa.text('answer IS NULL'))
    op.drop_index('involvement_family_id_idx', table_name='involvement')
    op.drop_index('involvement_agency_id_idx', table_name='involvement')
    op.drop_table('involvement')
    op.drop_index('contact_point_professional_id_idx', table_name='contact_point')
    op.drop_index('contact_point_family_id_idx', table_name='contact_point')
    op.drop_table('contact_point')
    op.drop_index(op.f('client_assertion_expires_at_idx'), table_name='client_assertion')
    op.drop_table('client_assertion')
    op.drop_index('absence_professional_id_idx', table_name='absence')
    op.drop_index('absence_cover_id_idx', table_name='absence')
    op.drop_table('absence')
    op.drop_index(op.f('professional_agency_id_idx'), table_name='professional')
    op.drop_table('professional')
    op.drop_index('person_bsn_key', table_name='person')
    op.drop_table('person')
    op.drop_table('outbox')
    op.drop_index(op.f('help_domain_municipality_code_idx'), table_name='help_domain')
    op.drop_table('help_domain')
    op.drop_index('family_municipality_code_idx', table_name='family')
    op.drop_table('family')
    op.drop_index(op.f('client_agency_id_idx'), table_name='client')
    op.drop_table('client')
    op.drop_table('municipality')
    op.drop_index(op.f('idempotent_request_at_idx'), table_name='idempotent_request')
    op.drop_table('idempotent_request')
    op.drop_index('event_family_id_idx', table_name='event')
    op.drop_table('event')
    op.drop_index('audit_record_municipality_code_idx', table_name='audit_record')
    op.drop_index('audit_record_family_id_idx', table_name='audit_record')
    op.drop_table('audit_record')
    op.drop_table('agency')
    op.execute("DROP TYPE uuidrange")
