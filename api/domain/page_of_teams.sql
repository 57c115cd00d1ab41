-- A page of members, each with the team around the family as who_is_involved.sql shows it to this reader; and, for an
-- agency that isn't shown the members yet, of its own involvements with that. Follows members_seen.sql; where it says
-- TEAM_OF_ONE_FAMILY comes the select of who is involved with `listed.id`.
, around_whom AS (
  SELECT family_id, person_id AS key, person_id, bsn_pseudonym, started_at FROM seen_member
  UNION ALL
  SELECT i.family_id, i.id, i.person_id, p.bsn_pseudonym, i.started_at
  FROM listed JOIN involvement i ON i.family_id = listed.id LEFT JOIN person p ON p.id = i.person_id
  WHERE NOT listed.sees_agencies AND i.agency_id = %(agency_id)s::uuid
    AND i.started_at <= statement_timestamp() AND (i.ends_at IS NULL OR i.ends_at > statement_timestamp())
),
wanted AS (
  SELECT family_id, key, person_id, started_at FROM around_whom
  WHERE (family_id, key) > (%(from_family)s::uuid, %(from_one)s::uuid)
    AND (NOT %(narrowed)s OR person_id = ANY (%(persons)s::uuid[]) OR bsn_pseudonym = ANY (%(pseudonyms)s::bytea[]))
  ORDER BY family_id, key LIMIT %(size)s + 1
),
page AS (SELECT * FROM wanted ORDER BY family_id, key LIMIT %(size)s),
team AS (
  SELECT listed.id, listed.closed_at, around.body::jsonb AS body,
    CASE WHEN listed.sees_timeline OR NOT listed.sees_agencies THEN (
      SELECT known.at FROM knowable known WHERE known.family_id = listed.id ORDER BY known.at DESC LIMIT 1
    ) END AS changed_at
  FROM listed CROSS JOIN LATERAL (
TEAM_OF_ONE_FAMILY
  ) AS around
  WHERE listed.id IN (SELECT family_id FROM page)
),
fits AS (
  SELECT * FROM team
  WHERE (%(states)s::text[] IS NULL OR body #>> '{family,state}' = ANY (%(states)s::text[]))
    AND (%(changed_from)s::timestamptz IS NULL OR changed_at >= %(changed_from)s::timestamptz)
    AND (%(changed_before)s::timestamptz IS NULL OR changed_at < %(changed_before)s::timestamptz)
    AND (%(participants)s::text[] IS NULL OR EXISTS (
      SELECT FROM jsonb_path_query(body, '$.**.professional.id') AS one WHERE one #>> '{}' = ANY (%(participants)s::text[]))
      OR EXISTS (
      SELECT FROM jsonb_path_query(body, '$.involvements[*] ? (@.professional == null).agency.id') AS one
      WHERE one #>> '{}' = ANY (%(participants)s::text[])))
),
shown AS (SELECT page.* FROM page JOIN fits ON fits.id = page.family_id)
SELECT json_build_object(
  'items', coalesce((
    SELECT json_agg(json_build_object(
      'familyId', family_id, 'key', key, 'personId', person_id, 'startedAt', to_json(started_at)) ORDER BY family_id, key)
    FROM shown), '[]'),
  'families', coalesce((
    SELECT json_object_agg(fits.id, json_build_object(
      'team', fits.body, 'closedAt', to_json(fits.closed_at), 'changedAt', to_json(fits.changed_at),
      'members', coalesce(household.members, '[]')))
    FROM fits LEFT JOIN household ON household.family_id = fits.id), '{}'),
  'next', CASE
    WHEN (SELECT count(*) FROM wanted) > %(size)s THEN (
      SELECT json_build_array(family_id, key) FROM page ORDER BY family_id DESC, key DESC LIMIT 1)
    WHEN beyond.more THEN json_build_array(beyond.last, %(last)s::text) END
)::text AS body,
ARRAY(SELECT DISTINCT family_id FROM shown) AS family_ids,
NULL AS next_cursor
FROM beyond
