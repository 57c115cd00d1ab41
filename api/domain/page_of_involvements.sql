-- A page of involvements, running, ended and asked for, each with one member that it is about, as far as the reader may
-- know: whom it is about is for the agency itself, the lead, the registrar and the members. For the others it is about
-- every member they see, as an involvement with the whole family is for everybody. Follows members_seen.sql.
, visible AS (
  SELECT i.*, CASE
      WHEN i.answer IS NULL THEN 'invited'
      WHEN i.answer <> 'accepted' THEN i.answer::text
      WHEN i.ends_at <= statement_timestamp() THEN 'ended'
      ELSE 'running' END AS state,
    CASE WHEN listed.sees_shielded OR i.agency_id = %(agency_id)s::uuid OR %(person_id)s::uuid IS NOT NULL
         THEN i.person_id END AS known_person_id,
    listed.sees_agencies
  FROM listed JOIN involvement i ON i.family_id = listed.id
  WHERE listed.sees_shielded OR i.agency_id = %(agency_id)s::uuid
    OR (listed.sees_agencies AND i.started_at IS NOT NULL AND NOT i.shielded
        AND may_look(%(person_id)s::uuid, i.person_id, i.family_id))
),
of_whom AS (
  SELECT visible.*, coalesce(known_person_id, m.person_id) AS about_id FROM visible
  LEFT JOIN seen_member m ON m.family_id = visible.family_id AND visible.known_person_id IS NULL
),
wanted AS (
  SELECT one.* FROM of_whom one LEFT JOIN person p ON p.id = one.about_id
  WHERE (one.family_id, one.id, coalesce(one.about_id, %(last)s::uuid))
      > (%(from_family)s::uuid, %(from_one)s::uuid, %(from_two)s::uuid)
    AND (NOT %(narrowed)s OR one.about_id = ANY (%(persons)s::uuid[])
         OR p.bsn_pseudonym = ANY (%(pseudonyms)s::bytea[]))
    AND (%(states)s::text[] IS NULL OR one.state = ANY (%(states)s::text[]))
    AND (%(agencies)s::uuid[] IS NULL OR one.agency_id = ANY (%(agencies)s::uuid[]))
    AND (%(professionals)s::uuid[] IS NULL OR one.professional_id = ANY (%(professionals)s::uuid[]))
  ORDER BY one.family_id, one.id, coalesce(one.about_id, %(last)s::uuid) LIMIT %(size)s + 1
),
page AS (SELECT * FROM wanted ORDER BY family_id, id, coalesce(about_id, %(last)s::uuid) LIMIT %(size)s),
changed AS (
  SELECT involvement_id, max(at) AS at FROM knowable
  WHERE family_id IN (SELECT family_id FROM page) AND involvement_id IS NOT NULL GROUP BY involvement_id
),
shown AS (
  SELECT * FROM (
    SELECT page.*, coalesce(changed.at, page.started_at, page.invited_at) AS changed_at
    FROM page LEFT JOIN changed ON changed.involvement_id = page.id
  ) AS one
  WHERE (%(changed_from)s::timestamptz IS NULL OR changed_at >= %(changed_from)s::timestamptz)
    AND (%(changed_before)s::timestamptz IS NULL OR changed_at < %(changed_before)s::timestamptz)
)
SELECT json_build_object(
  'items', coalesce((
    SELECT json_agg(json_build_object(
      'familyId', shown.family_id, 'id', shown.id, 'personId', shown.about_id, 'state', shown.state,
      'agencyId', shown.agency_id, 'agency', a.name, 'professionalId', shown.professional_id, 'professional', p.name,
      'helpDomains', to_json(shown.help_domains), 'shielded', shown.shielded, 'seesMembers', shown.sees_agencies,
      'startedAt', to_json(shown.started_at), 'endsAt', to_json(shown.ends_at), 'changedAt', to_json(shown.changed_at))
      ORDER BY shown.family_id, shown.id, coalesce(shown.about_id, %(last)s::uuid))
    FROM shown JOIN agency a ON a.id = shown.agency_id LEFT JOIN professional p ON p.id = shown.professional_id), '[]'),
  'families', coalesce((
    SELECT json_object_agg(family_id, json_build_object('members', members))
    FROM household WHERE family_id IN (SELECT family_id FROM shown)), '{}'),
  'next', CASE
    WHEN (SELECT count(*) FROM wanted) > %(size)s THEN (
      SELECT json_build_array(family_id, id, coalesce(about_id, %(last)s::uuid)) FROM page
      ORDER BY family_id DESC, id DESC, coalesce(about_id, %(last)s::uuid) DESC LIMIT 1)
    WHEN beyond.more THEN json_build_array(beyond.last, %(last)s::text, %(last)s::text) END
)::text AS body,
ARRAY(SELECT DISTINCT family_id FROM shown) AS family_ids,
NULL AS next_cursor
FROM beyond
