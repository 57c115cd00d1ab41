-- A page of the families the reader is related to, each with what needs their attention.
-- Starts from `relation` and `sees`, which the policy puts before it and which hold one family more than the page.
WITH page AS (
  SELECT DISTINCT family_id FROM relation ORDER BY family_id LIMIT %(limit)s
),
moment AS (SELECT statement_timestamp() AS at, (statement_timestamp() AT TIME ZONE 'Europe/Amsterdam')::date AS day),
fam AS (
  SELECT f.*, sees.agencies AS sees_agencies, ARRAY(SELECT DISTINCT name FROM relation WHERE family_id = f.id ORDER BY name) AS relations
  FROM page JOIN family f ON f.id = page.family_id JOIN sees ON sees.family_id = f.id
),
leads AS (
  SELECT id FROM fam WHERE relations && ARRAY['registrar', 'lead_coordinator', 'deputy'] AND closed_at IS NULL
),
open_inv AS (
  SELECT i.family_id, i.agency_id, i.help_domains FROM involvement i
  JOIN leads ON leads.id = i.family_id JOIN agency a ON a.id = i.agency_id CROSS JOIN moment
  WHERE i.started_at <= at AND (i.ends_at IS NULL OR i.ends_at > at) AND NOT i.shielded AND NOT a.signal_only
),
point AS (
  SELECT DISTINCT ON (cp.family_id, cp.help_domain) cp.family_id, cp.help_domain,
    (cp.ends_at IS NULL OR cp.ends_at > at) AND EXISTS (
      SELECT FROM open_inv i JOIN professional p ON p.agency_id = i.agency_id
      WHERE p.id = cp.professional_id AND i.family_id = cp.family_id AND cp.help_domain = ANY(i.help_domains)) AS runs,
    cp.gap_closed_at IS NULL AND (cp.end_reason IS NULL OR cp.end_reason = 'involvement_ended')
      -- A gap left by an involvement that is shielded since would give it away
      AND ((SELECT sees.shielded FROM sees WHERE sees.family_id = cp.family_id) OR EXISTS (
        SELECT FROM professional p JOIN involvement i ON i.agency_id = p.agency_id
        WHERE p.id = cp.professional_id AND i.family_id = cp.family_id AND NOT i.shielded AND i.started_at IS NOT NULL)) AS leaves_a_gap
  FROM contact_point cp JOIN leads ON leads.id = cp.family_id CROSS JOIN moment
  ORDER BY cp.family_id, cp.help_domain, cp.started_at DESC
),
lead AS (
  SELECT m.id, m.family_id, m.ends_at FROM mandate m
  JOIN leads ON leads.id = m.family_id JOIN professional p ON p.id = m.professional_id CROSS JOIN moment
  WHERE m.started_at <= at AND m.ends_at > at
    AND EXISTS (SELECT FROM open_inv i WHERE i.family_id = m.family_id AND i.agency_id = p.agency_id)
),
own AS (
  SELECT i.* FROM involvement i JOIN fam ON fam.id = i.family_id
  WHERE i.agency_id = %(agency_id)s::uuid
    AND (%(professional_id)s::uuid IS NULL OR i.professional_id = %(professional_id)s::uuid)
),
attention AS (
  SELECT family_id, 'gap' AS kind, help_domain, NULL::date AS due_on, NULL::uuid AS about FROM (
    SELECT family_id, unnest(help_domains) AS help_domain FROM open_inv
    UNION SELECT family_id, help_domain FROM point WHERE leaves_a_gap) AS needed
  WHERE NOT EXISTS (SELECT FROM point p WHERE p.family_id = needed.family_id AND p.help_domain = needed.help_domain AND p.runs)
  UNION ALL
  SELECT leads.id, 'no_lead_coordinator', NULL, NULL, NULL FROM leads
  WHERE NOT EXISTS (SELECT FROM lead WHERE lead.family_id = leads.id)
  UNION ALL
  SELECT family_id, 'mandate_expiring', NULL, ((ends_at - interval '1 microsecond') AT TIME ZONE 'Europe/Amsterdam')::date, id
  FROM lead CROSS JOIN moment WHERE ends_at <= at + interval '30 days'
  UNION ALL
  SELECT m.family_id, 'mandate_proposed', NULL, NULL, m.id FROM mandate m JOIN fam ON fam.id = m.family_id CROSS JOIN moment
  WHERE m.answer IS NULL AND m.ends_at > at
    AND (m.professional_id = %(professional_id)s::uuid OR 'registrar' = ANY(fam.relations))
  UNION ALL
  -- For the lead and the registrar, until the privacy officer has looked into it
  SELECT e.family_id, 'emergency_access', NULL, NULL, e.id FROM emergency_access e JOIN fam ON fam.id = e.family_id
  WHERE fam.relations && ARRAY['registrar', 'lead_coordinator'] AND e.reviewed_at IS NULL
    AND EXISTS (SELECT FROM entitlement n WHERE n.id = e.entitlement_id AND n.municipality_code = fam.municipality_code)
  UNION ALL
  SELECT i.family_id, 'basis_ended', NULL, NULL, i.id FROM involvement i
  JOIN leads ON leads.id = i.family_id JOIN sees ON sees.family_id = i.family_id CROSS JOIN moment
  WHERE i.ends_at <= at AND i.ends_at > at - interval '14 days' AND coalesce(i.end_reason, 'legal_basis_ended') = 'legal_basis_ended'
    AND (NOT i.shielded OR sees.shielded)
    AND NOT EXISTS (SELECT FROM involvement later WHERE later.family_id = i.family_id AND later.agency_id = i.agency_id
      AND later.started_at <= at AND (later.ends_at IS NULL OR later.ends_at > at) AND (NOT later.shielded OR sees.shielded))
  UNION ALL
  SELECT family_id, 'invitation_open', NULL, NULL, id FROM own WHERE answer IS NULL
  UNION ALL
  SELECT family_id, 'confirmation_due', NULL, confirmation_due_on, id FROM own CROSS JOIN moment
  WHERE started_at <= at AND (ends_at IS NULL OR ends_at > at) AND confirmation_due_on <= day + 14
)
SELECT json_build_object(
  'items', coalesce((
    SELECT json_agg(json_build_object(
      'family', json_build_object('id', fam.id,
        'name', CASE WHEN sees_agencies THEN fam.name END, 
        'framework', CASE WHEN sees_agencies THEN
          CASE WHEN fam.framework_ends_at <= (SELECT at FROM moment) THEN 'voluntary' ELSE fam.framework END END,
        'state', CASE WHEN fam.closed_at IS NULL THEN 'open' ELSE 'closed' END),
      'relations', to_json(fam.relations),
      'attention', coalesce((
        SELECT json_agg(json_build_object('kind', kind, 'helpDomain', help_domain, 'dueOn', due_on, 'about', about)
          ORDER BY kind, due_on, help_domain, about)
        FROM attention WHERE attention.family_id = fam.id), '[]'))
      ORDER BY fam.id)
    FROM fam), '[]'),
  'nextCursor', next_page.cursor
)::text AS body,
ARRAY(SELECT family_id FROM page) AS family_ids,
next_page.cursor AS next_cursor
FROM (
  SELECT CASE WHEN (SELECT count(DISTINCT family_id) FROM relation) > %(limit)s THEN
    translate(encode(convert_to(json_build_array((SELECT max(family_id::text) FROM page))::text, 'UTF8'), 'base64'), E'+/=\n', '-_')
  END AS cursor
) AS next_page
