-- A page of what happened around one family, the latest first.
, visible AS (
  SELECT * FROM knowable
  WHERE %(before_at)s::timestamptz IS NULL OR at <= %(before_at)s::timestamptz
  ORDER BY at DESC, place DESC OFFSET %(seen)s::int LIMIT %(limit)s + 1
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
