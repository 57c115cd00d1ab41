-- A page of who is parent or child to whom, by their roles in the family. Follows members_seen.sql.
, wanted AS (
  SELECT one.family_id, one.person_id, other.person_id AS relative_id
  FROM seen_member one
  JOIN seen_member other ON other.family_id = one.family_id AND (one.role = 'child') <> (other.role = 'child')
    AND (one.role = 'child' OR one.role = ANY (%(parents)s::text[]))
    AND (other.role = 'child' OR other.role = ANY (%(parents)s::text[]))
  WHERE (one.family_id, one.person_id, other.person_id) > (%(from_family)s::uuid, %(from_one)s::uuid, %(from_two)s::uuid)
    AND (NOT %(narrowed)s OR one.person_id = ANY (%(persons)s::uuid[])
         OR one.bsn_pseudonym = ANY (%(pseudonyms)s::bytea[]))
  ORDER BY one.family_id, one.person_id, other.person_id LIMIT %(size)s + 1
),
page AS (SELECT * FROM wanted ORDER BY family_id, person_id, relative_id LIMIT %(size)s)
SELECT json_build_object(
  'items', coalesce((
    SELECT json_agg(json_build_object('familyId', family_id, 'personId', person_id, 'relativeId', relative_id)
                    ORDER BY family_id, person_id, relative_id)
    FROM page), '[]'),
  'families', coalesce((
    SELECT json_object_agg(family_id, json_build_object('members', members))
    FROM household WHERE family_id IN (SELECT family_id FROM page)), '{}'),
  'next', CASE
    WHEN (SELECT count(*) FROM wanted) > %(size)s THEN (
      SELECT json_build_array(family_id, person_id, relative_id) FROM page
      ORDER BY family_id DESC, person_id DESC, relative_id DESC LIMIT 1)
    WHEN beyond.more THEN json_build_array(beyond.last, %(last)s::text, %(last)s::text) END
)::text AS body,
ARRAY(SELECT DISTINCT family_id FROM page) AS family_ids,
NULL AS next_cursor
FROM beyond
