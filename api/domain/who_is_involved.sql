-- Who is involved, who leads, whom to call: one family at one instant, as the reader sees it. Follows around.sql.
SELECT json_build_object(
  'family', json_build_object(
    'id', fam.id,
    'name', CASE WHEN fam.sees_agencies THEN fam.name END,
    'framework', CASE WHEN fam.sees_agencies THEN CASE WHEN fam.framework_ends_at <= fam.at THEN 'voluntary' ELSE fam.framework END END,
    'strategy', CASE WHEN fam.sees_strategy THEN fam.strategy END,
    'state', CASE WHEN fam.closed_at <= fam.at THEN 'closed' ELSE 'open' END,
    'openedAt', CASE WHEN fam.sees_agencies THEN to_json(fam.opened_at) END),
  'municipality', json_build_object(
    'code', fam.municipality_code, 'name', fam.municipality,
    'accessTeam', json_build_object(
      'name', fam.access_team_name, 'phone', fam.access_team_phone, 'email', fam.access_team_email)),
  'asOf', to_char(fam.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"'),
  'disclosureStage', CASE WHEN fam.sees_agencies THEN 'agencies' WHEN fam.sees_lead THEN 'lead_and_contact_points'
                     ELSE 'others_involved' END,
  'othersInvolved', EXISTS (
    SELECT FROM inv
    WHERE inv.family_id = fam.id AND NOT inv.shielded AND inv.agency_id IS DISTINCT FROM %(agency_id)s::uuid OFFSET 0),
  'members', coalesce((
    SELECT json_agg(json_build_object(
      'id', m.id, 'personId', m.person_id, 'givenName', p.given_name, 'surname', p.surname, 'role', m.role,
      'parentalAuthority', m.parental_authority,
      'birthDate', CASE WHEN fam.sees_birth_date OR p.id = %(person_id)s::uuid THEN p.birth_date END)
      ORDER BY (m.role = 'child'), p.birth_date, m.id)
    FROM member m JOIN person p ON p.id = m.person_id
    WHERE m.family_id = fam.id AND m.started_at <= fam.at AND (m.ends_at IS NULL OR m.ends_at > fam.at)
      AND fam.sees_agencies AND (NOT p.shielded OR fam.sees_shielded OR p.id = %(person_id)s::uuid)), '[]'),
  'leadCoordinator', (
    SELECT json_build_object(
      'professional', card.body,
      'mandate', json_build_object('id', m.id, 'powers', to_json(m.powers), 'legalBasis', m.legal_basis,
        'grantedBy', m.granted_by, 'startedAt', to_json(m.started_at), 'endsAt', to_json(m.ends_at)),
      'deputy', (SELECT json_build_object('professional', d_card.body, 'startedAt', to_json(d.started_at),
                                          'endsAt', to_json(d.ends_at))
                 FROM deputy_now d JOIN card d_card ON d_card.id = d.professional_id))
    FROM mandate_now m JOIN card ON card.id = m.professional_id WHERE fam.sees_lead),
  'helpDomains', coalesce((SELECT json_agg(body ORDER BY position, code) FROM row_of_domain WHERE fam.sees_lead), '[]'),
  'involvements', coalesce((
    SELECT json_agg(json_build_object(
      'id', inv.id,
      'agency', json_build_object('id', a.id, 'name', a.name, 'kind', a.kind, 'phone', a.phone, 'email', a.email),
      'professional', card.body,
      'helpDomains', to_json(inv.help_domains),
      'contactFrequency', inv.contact_frequency,
      'signalOnly', a.signal_only,
      'shielded', inv.shielded,
      'startedAt', to_json(inv.started_at),
      'endsAt', to_json(inv.ends_at),
      'confirmationDueOn', inv.confirmation_due_on,
      'stale', inv.confirmation_due_on < (fam.at AT TIME ZONE 'Europe/Amsterdam')::date)
      ORDER BY inv.started_at, inv.id)
    FROM inv JOIN agency a ON a.id = inv.agency_id LEFT JOIN card ON card.id = inv.professional_id
    WHERE inv.agency_id = %(agency_id)s::uuid
      OR (fam.sees_agencies AND (NOT inv.shielded OR fam.sees_shielded)
        AND (%(person_id)s::uuid IS NULL OR may_look(%(person_id)s::uuid, inv.person_id, fam.id)))), '[]')
)::text AS body,
ARRAY[fam.id] AS family_ids,
NULL AS next_cursor
FROM fam
