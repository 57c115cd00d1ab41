-- A page of members, each with who else of the family the reader sees. Follows members_seen.sql.
, wanted AS (
  SELECT family_id, person_id FROM seen_member
  WHERE (family_id, person_id) > (%(from_family)s::uuid, %(from_one)s::uuid)
    AND (NOT %(narrowed)s OR person_id = ANY (%(persons)s::uuid[]) OR bsn_pseudonym = ANY (%(pseudonyms)s::bytea[]))
  ORDER BY family_id, person_id LIMIT %(size)s + 1
),
page AS (SELECT * FROM wanted ORDER BY family_id, person_id LIMIT %(size)s)
SELECT json_build_object(
  'items', coalesce((
    SELECT json_agg(json_build_object('familyId', family_id, 'personId', person_id) ORDER BY family_id, person_id)
    FROM page), '[]'),
  'families', coalesce((
    SELECT json_object_agg(family_id, json_build_object('members', members))
    FROM household WHERE family_id IN (SELECT family_id FROM page)), '{}'),
  'next', CASE
    WHEN (SELECT count(*) FROM wanted) > %(size)s THEN (
      SELECT json_build_array(family_id, person_id) FROM page ORDER BY family_id DESC, person_id DESC LIMIT 1)
    WHEN beyond.more THEN json_build_array(beyond.last, %(last)s::text) END
)::text AS body,
ARRAY(SELECT DISTINCT family_id FROM page) AS family_ids,
NULL AS next_cursor
FROM beyond
