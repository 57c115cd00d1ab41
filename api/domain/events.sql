-- A page of the published events that concern the reader and that they may know of now, in the order of publication.
, around AS (
  SELECT c.position, e.id, e.type, e.at, e.about, e.family_id
  FROM candidate c
  -- One by one, by its id: the planner can't know how few they are, and would read all that ever happened there
  CROSS JOIN LATERAL (SELECT * FROM knowable WHERE knowable.id = c.event_id OFFSET 0) AS e
),
-- What is no family's: an agency's own, a professional's own registrations, what a registrar has to decide on,
-- and who may look in an emergency
beside AS (
  SELECT c.position, p.event_id AS id, p.type, p.at, p.about, NULL::uuid AS family_id
  FROM candidate c JOIN published_event p ON p.position = c.position AND p.family_id IS NULL
  LEFT JOIN registration r ON r.id = CASE WHEN starts_with(p.type, 'registration.')
    AND p.type <> 'registration.relative_named' THEN p.about::uuid END
  WHERE CASE %(role)s
    WHEN 'agency_system' THEN EXISTS (SELECT FROM agency a WHERE a.id = p.agency_id AND a.active)
    WHEN 'professional' THEN r.professional_id = %(professional_id)s::uuid AND EXISTS (
      SELECT FROM professional me WHERE me.id = r.professional_id AND me.agency_id = r.agency_id AND me.active)
    WHEN 'registrar' THEN p.municipality_code = %(municipality_code)s
      AND (NOT starts_with(p.type, 'registration.') OR (r.bsn_pseudonym IS NULL AND r.ended_at IS NULL))
    WHEN 'privacy_officer' THEN p.municipality_code = %(municipality_code)s AND starts_with(p.type, 'entitlement.')
    ELSE false END
),
visible AS (
  SELECT * FROM (SELECT * FROM around UNION ALL SELECT * FROM beside) AS either
  ORDER BY position LIMIT %(page)s + 1
),
page AS (SELECT * FROM visible ORDER BY position LIMIT %(page)s),
-- So many candidates in a row of which none may be known, and still more to come: then it goes on from there
reached AS (
  SELECT (SELECT count(*) FROM candidate) >= %(most)s AS cut,
         coalesce((SELECT max(position) FROM page),
                  CASE WHEN (SELECT count(*) FROM candidate) >= %(most)s THEN (SELECT max(position) FROM candidate) END,
                  %(after_position)s) AS position
),
next_page AS (
  SELECT translate(encode(convert_to(json_build_array(position)::text, 'UTF8'), 'base64'), E'+/=\n', '-_') AS cursor,
         cut OR (SELECT count(*) FROM visible) > %(page)s AS goes_on
  FROM reached
)
SELECT json_build_object(
  'items', coalesce((
    SELECT json_agg(json_build_object(
      'specversion', '1.0',
      'id', e.id,
      'source', %(source)s::text,
      'type', told.it ->> 'name',
      'time', to_json(e.at),
      'sequence', lpad(e.position::text, 20, '0'),
      'datacontenttype', 'application/json',
      'data', json_build_object(
        'event', e.type,
        'familyId', e.family_id,
        'link', replace(replace(told.it ->> 'link', '{familyId}', coalesce(e.family_id::text, '')), '{about}', e.about)))
      ORDER BY e.position)
    FROM page e CROSS JOIN LATERAL (SELECT %(catalogue)s::jsonb -> e.type::text AS it) AS told), '[]'),
  'nextCursor', next_page.cursor
)::text AS body,
ARRAY(SELECT DISTINCT family_id FROM page WHERE family_id IS NOT NULL) AS family_ids,
CASE WHEN next_page.goes_on THEN next_page.cursor END AS next_cursor
FROM next_page
