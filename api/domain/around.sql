-- What there is around one family at the instant %(at)s, for the selects that follow it: who is involved, whom to call.
-- Where one part looks into another, `OFFSET 0` keeps PostgreSQL from keeping what it found: asked for family after
-- family, as a care system's page is, it would answer for the next one from what it kept of the one before.
-- Starts from `relation` and `sees`, which the policy puts before it. %(help_domain)s: only this one; none: all.
WITH moment AS (
  SELECT least(coalesce(%(at)s::timestamptz, statement_timestamp()), statement_timestamp()) AS at
),
fam AS (
  SELECT f.*, m.name AS municipality, m.access_team_name, m.access_team_phone, m.access_team_email, moment.at,
         sees.shielded AS sees_shielded, sees.birth_date AS sees_birth_date, sees.strategy AS sees_strategy,
         sees.lead AS sees_lead, sees.agencies AS sees_agencies
  FROM (SELECT DISTINCT family_id FROM relation) AS mine
  JOIN family f ON f.id = mine.family_id
  JOIN sees ON sees.family_id = f.id
  JOIN municipality m ON m.code = f.municipality_code
  CROSS JOIN moment
),
-- Everyone who can be called in this family, with the absence that runs at that instant
inv AS (
  SELECT i.* FROM involvement i JOIN fam ON fam.id = i.family_id
  WHERE i.started_at <= fam.at AND (i.ends_at IS NULL OR i.ends_at > fam.at)
),
open_inv AS (
  SELECT inv.* FROM inv JOIN agency a ON a.id = inv.agency_id WHERE NOT inv.shielded AND NOT a.signal_only
),
-- What is about one member is not for every other one: a member who reads has to be allowed to look
seen_inv AS (
  SELECT * FROM open_inv WHERE %(person_id)s::uuid IS NULL OR may_look(%(person_id)s::uuid, person_id, family_id)
),
-- Whose past this reader may know. An end on record counts, whatever became since of what the role rested on
known AS (
  SELECT DISTINCT i.agency_id FROM involvement i JOIN fam ON fam.id = i.family_id
  WHERE i.started_at IS NOT NULL AND (NOT i.shielded OR fam.sees_shielded OR i.agency_id = %(agency_id)s::uuid)
    AND (%(person_id)s::uuid IS NULL OR may_look(%(person_id)s::uuid, i.person_id, i.family_id))
),
mandate_now AS (
  SELECT m.*, p.agency_id FROM mandate m JOIN fam ON fam.id = m.family_id JOIN professional p ON p.id = m.professional_id
  WHERE m.started_at <= fam.at AND m.ends_at > fam.at
    AND (EXISTS (SELECT FROM open_inv WHERE open_inv.agency_id = p.agency_id OFFSET 0)
      OR (m.end_reason IS NOT NULL AND EXISTS (SELECT FROM known WHERE known.agency_id = p.agency_id OFFSET 0)))
),
deputy_now AS (
  SELECT d.* FROM deputy d JOIN mandate_now m ON m.id = d.mandate_id JOIN professional p ON p.id = d.professional_id
  CROSS JOIN fam
  WHERE d.started_at <= fam.at AND d.ends_at > fam.at
    AND EXISTS (SELECT FROM open_inv WHERE open_inv.agency_id = p.agency_id OFFSET 0)
),
point_open AS (
  SELECT cp.* FROM contact_point cp JOIN fam ON fam.id = cp.family_id
  WHERE cp.started_at <= fam.at AND (cp.ends_at IS NULL OR cp.ends_at > fam.at)
),
point_now AS (
  SELECT cp.* FROM point_open cp JOIN professional p ON p.id = cp.professional_id
  WHERE EXISTS (SELECT FROM seen_inv i WHERE i.agency_id = p.agency_id AND cp.help_domain = ANY(i.help_domains))
    OR (cp.end_reason IS NOT NULL AND EXISTS (SELECT FROM known WHERE known.agency_id = p.agency_id OFFSET 0))
),
-- A domain that lost its contact point with an involvement stays a gap until it is filled or closed
orphaned AS (
  SELECT DISTINCT ON (cp.help_domain) cp.help_domain, cp.professional_id, cp.end_reason, cp.ends_at, cp.gap_closed_at
  FROM contact_point cp JOIN fam ON fam.id = cp.family_id
  WHERE cp.started_at <= fam.at ORDER BY cp.help_domain, cp.started_at DESC
),
domains AS (
  SELECT unnest(help_domains) AS code FROM seen_inv
  UNION
  SELECT o.help_domain FROM orphaned o CROSS JOIN fam
  WHERE (fam.closed_at IS NULL OR fam.closed_at > fam.at) AND (o.gap_closed_at IS NULL OR o.gap_closed_at > fam.at)
    AND (o.ends_at IS NULL OR o.ends_at > fam.at OR o.end_reason = 'involvement_ended')
    -- A gap left by an involvement that is shielded since, or not for this reader, would give it away
    AND (fam.sees_shielded OR EXISTS (
      SELECT FROM professional p JOIN involvement i ON i.agency_id = p.agency_id
      WHERE p.id = o.professional_id AND i.family_id = fam.id AND NOT i.shielded AND i.started_at IS NOT NULL
        AND (%(person_id)s::uuid IS NULL OR may_look(%(person_id)s::uuid, i.person_id, i.family_id))))
),
asked AS (
  SELECT code, true AS involved FROM domains WHERE coalesce(%(help_domain)s::text, code) = code
  UNION ALL
  SELECT %(help_domain)s::text, false WHERE %(help_domain)s::text IS NOT NULL AND %(help_domain)s::text NOT IN (SELECT code FROM domains)
),
team AS (
  SELECT professional_id FROM inv UNION SELECT professional_id FROM mandate_now
  UNION SELECT professional_id FROM deputy_now UNION SELECT professional_id FROM point_now
),
away AS (
  SELECT a.professional_id, a.cover_id, a.ends_at FROM team
  JOIN absence a ON a.professional_id = team.professional_id CROSS JOIN fam
  WHERE a.started_at <= fam.at AND a.ends_at > fam.at
),
card AS (
  SELECT p.id, p.name, coalesce(p.phone, a.phone) AS phone, coalesce(p.email, a.email) AS email, json_build_object(
    'id', p.id, 'name', p.name, 'function', p.function, 'phone', p.phone, 'email', p.email,
    'agency', json_build_object('id', a.id, 'name', a.name, 'kind', a.kind, 'phone', a.phone, 'email', a.email),
    'absentUntil', to_char((away.ends_at - interval '1 microsecond') AT TIME ZONE 'Europe/Amsterdam', 'YYYY-MM-DD')
  ) AS body
  FROM (SELECT professional_id AS id FROM team UNION SELECT cover_id FROM away) AS shown
  JOIN professional p ON p.id = shown.id
  JOIN agency a ON a.id = p.agency_id
  LEFT JOIN away ON away.professional_id = p.id
),
-- The line of who answers: the contact point, in their absence the cover, the lead, the deputy, the access team
fallback AS (
  SELECT 'lead_coordinator' AS capacity, 3 AS rank, m.professional_id FROM mandate_now m
  WHERE NOT EXISTS (SELECT FROM away WHERE away.professional_id = m.professional_id OFFSET 0)
    AND NOT EXISTS (
      SELECT FROM deputy_now d
      WHERE d.mandate_id = m.id AND NOT EXISTS (SELECT FROM away WHERE away.professional_id = d.professional_id OFFSET 0) OFFSET 0)
  UNION ALL
  SELECT 'deputy', 4, d.professional_id FROM deputy_now d
  WHERE NOT EXISTS (SELECT FROM away WHERE away.professional_id = d.professional_id OFFSET 0)
),
in_line AS (
  SELECT cp.help_domain, 'contact_point' AS capacity, 1 AS rank, cp.professional_id FROM point_now cp
  WHERE NOT EXISTS (SELECT FROM away WHERE away.professional_id = cp.professional_id OFFSET 0)
  UNION ALL
  SELECT cp.help_domain, 'cover', 2, away.cover_id FROM point_now cp
  JOIN away ON away.professional_id = cp.professional_id
  JOIN professional p ON p.id = away.cover_id AND p.active
  WHERE NOT EXISTS (SELECT FROM absence other CROSS JOIN fam WHERE other.professional_id = away.cover_id
                    AND other.started_at <= fam.at AND other.ends_at > fam.at)
  UNION ALL
  SELECT asked.code, fallback.* FROM asked CROSS JOIN fallback
),
answer AS (
  SELECT DISTINCT ON (help_domain) help_domain, capacity, professional_id FROM in_line ORDER BY help_domain, rank
),
row_of_domain AS (
  SELECT h.position, h.code, json_build_object(
    'helpDomain', h.code,
    'label', CASE WHEN %(language)s::text = 'en' THEN h.label_en ELSE h.label_nl END,
    'contactPoint', CASE WHEN cp.id IS NOT NULL THEN json_build_object(
      'id', cp.id, 'professional', assigned.body, 'since', cp.started_at) END,
    'involved', EXISTS (SELECT FROM seen_inv WHERE h.code = ANY(seen_inv.help_domains)),
    'gap', asked.involved AND cp.id IS NULL,
    'call', json_build_object(
      'capacity', coalesce(answer.capacity, 'access_team'),
      'because', CASE
        WHEN answer.capacity = 'contact_point' THEN 'is_contact_point'
        WHEN cp.id IS NOT NULL THEN 'contact_point_is_absent'
        WHEN asked.involved THEN 'no_contact_point'
        ELSE 'nobody_involved' END,
      'name', CASE WHEN reached.id IS NULL THEN fam.access_team_name ELSE reached.name END,
      'phone', CASE WHEN reached.id IS NULL THEN fam.access_team_phone ELSE reached.phone END,
      'email', CASE WHEN reached.id IS NULL THEN fam.access_team_email ELSE reached.email END,
      'professional', reached.body)) AS body
  FROM asked JOIN help_domain h ON h.code = asked.code
  CROSS JOIN fam
  LEFT JOIN point_now cp ON cp.help_domain = h.code
  LEFT JOIN card assigned ON assigned.id = cp.professional_id
  LEFT JOIN answer ON answer.help_domain = h.code
  LEFT JOIN card reached ON reached.id = answer.professional_id
)
