-- A page of what happened around one family, the latest first, as the reader may know it.
-- A shielded involvement, and what an agency figures in that was never openly involved, are for its own eyes, the
-- lead's and the registrar's; so is that somebody looked in an emergency, a question still open, and what a shielded
-- person joined. What is about one member is for the members who may look. What a member said of sharing is never for
-- agencies, and a measure only for the one that carries it out.
WITH fam AS (
  SELECT mine.family_id, sees.shielded AS sees_shielded, sees.consents AS sees_consents, sees.measures AS sees_measures
  FROM (SELECT DISTINCT family_id FROM relation) AS mine JOIN sees ON sees.family_id = mine.family_id
),
hidden AS (
  SELECT i.agency_id FROM involvement i JOIN fam ON fam.family_id = i.family_id
  WHERE NOT fam.sees_shielded AND i.agency_id IS DISTINCT FROM %(agency_id)s::uuid
  GROUP BY i.agency_id
  HAVING bool_or(i.shielded OR NOT may_look(%(person_id)s::uuid, i.person_id, i.family_id))
    AND NOT bool_or(i.started_at IS NOT NULL AND NOT i.shielded
                    AND may_look(%(person_id)s::uuid, i.person_id, i.family_id))
),
visible AS (
  SELECT e.*, coalesce(e.agency_id, p.agency_id) AS figures, p.name AS professional
  FROM event e JOIN fam ON fam.family_id = e.family_id
  LEFT JOIN professional p ON p.id = e.professional_id
  LEFT JOIN involvement i ON i.id = e.involvement_id
  LEFT JOIN member mm ON starts_with(e.type, 'member.') AND mm.family_id = e.family_id AND mm.id::text = e.about
  LEFT JOIN person who ON who.id = mm.person_id
  LEFT JOIN consent c ON starts_with(e.type, 'consent.') AND c.family_id = e.family_id AND c.id::text = e.about
  LEFT JOIN measure o ON starts_with(e.type, 'measure.') AND o.family_id = e.family_id AND o.id::text = e.about
  LEFT JOIN mandate m ON starts_with(e.type, 'mandate.') AND m.family_id = e.family_id AND m.id::text = e.about
  WHERE (%(before_at)s::timestamptz IS NULL OR e.at <= %(before_at)s::timestamptz)
    AND (e.involvement_id IS NULL OR fam.sees_shielded OR (i.started_at IS NOT NULL AND NOT i.shielded)
         OR i.agency_id = %(agency_id)s::uuid)
    AND (i.id IS NULL OR may_look(%(person_id)s::uuid, i.person_id, i.family_id))
    AND (who.id IS NULL OR fam.sees_shielded OR NOT who.shielded OR who.id = %(person_id)s::uuid)
    AND (fam.sees_shielded OR NOT (starts_with(e.type, 'emergency_access.') OR starts_with(e.type, 'person.')
         OR e.type IN ('family.merged', 'family.merge_undone')))
    AND (fam.sees_consents OR NOT starts_with(e.type, 'consent.') OR %(person_id)s::uuid IN (c.person_id, c.given_by_id))
    AND (fam.sees_measures OR NOT starts_with(e.type, 'measure.') OR o.agency_id = %(agency_id)s::uuid
         OR (%(person_id)s::uuid IS NOT NULL AND may_look(%(person_id)s::uuid, o.person_id, o.family_id)))
    AND (m.id IS NULL OR fam.sees_shielded OR m.started_at IS NOT NULL OR m.professional_id = %(professional_id)s::uuid)
    AND (fam.sees_shielded OR NOT starts_with(e.type, 'disclosure_hold.'))
    AND NOT EXISTS (SELECT FROM hidden WHERE hidden.agency_id IN (e.agency_id, p.agency_id, e.by_agency_id))
  ORDER BY e.at DESC, e.place DESC OFFSET %(seen)s::int LIMIT %(limit)s + 1
),
page AS (SELECT * FROM visible ORDER BY at DESC, place DESC LIMIT %(limit)s),
-- A cursor says how many events of its instant this reader has seen: their places would tell of others between them
next_page AS (
  SELECT CASE WHEN (SELECT count(*) FROM visible) > %(limit)s THEN (
    SELECT translate(encode(convert_to(json_build_array(
      at, count(*) + CASE WHEN at = %(before_at)s::timestamptz THEN %(seen)s::int ELSE 0 END
    )::text, 'UTF8'), 'base64'), E'+/=\n', '-_')
    FROM page GROUP BY at ORDER BY at LIMIT 1) END AS cursor
)
SELECT json_build_object(
  'items', coalesce((
    SELECT json_agg(json_build_object(
      'id', e.id,
      'type', e.type,
      'at', to_json(e.at),
      'by', json_build_object('role', e.by_role, 'agencyId', e.by_agency_id,
        'name', coalesce(by_agency.name, by_municipality.name)),
      'about', e.about,
      'agency', CASE WHEN a.id IS NOT NULL THEN json_build_object('id', a.id, 'name', a.name, 'kind', a.kind) END,
      'professional', CASE WHEN e.professional_id IS NOT NULL
        THEN json_build_object('id', e.professional_id, 'name', e.professional) END,
      'helpDomain', e.help_domain,
      'reason', e.reason)
      ORDER BY e.at DESC, e.place DESC)
    FROM page e
    LEFT JOIN agency a ON a.id = e.figures
    LEFT JOIN agency by_agency ON by_agency.id = e.by_agency_id
    LEFT JOIN municipality by_municipality ON by_municipality.code = e.by_municipality_code), '[]'),
  'nextCursor', next_page.cursor
)::text AS body,
ARRAY[fam.family_id] AS family_ids,
next_page.cursor AS next_cursor
FROM fam CROSS JOIN next_page
