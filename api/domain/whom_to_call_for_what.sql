-- Whom to call for what: every help domain in which somebody is involved, or that has a gap. Follows around.sql.
SELECT json_build_object(
  'items', coalesce((SELECT json_agg(body ORDER BY position, code) FROM row_of_domain), '[]'), 'nextCursor', NULL
)::text AS body, ARRAY[fam.id] AS family_ids, NULL AS next_cursor
FROM fam
