-- The families of a page and the members that the reader sees in them, for the selects that follow it.
-- Follows knowable_events.sql, where that is needed. `candidate` holds the families that were asked for, or one more of them than the page.
-- A page begins after the place (from_family, from_one, from_two): a family, and one or two ids that order what it has.
, considered AS (
  SELECT DISTINCT family_id FROM candidate WHERE family_id >= %(from_family)s::uuid ORDER BY family_id LIMIT %(size)s
),
beyond AS (
  SELECT (SELECT count(DISTINCT family_id) FROM candidate WHERE family_id >= %(from_family)s::uuid) > %(size)s AS more,
         (SELECT family_id FROM considered ORDER BY family_id DESC LIMIT 1) AS last
),
listed AS (
  SELECT f.*, sees.agencies AS sees_agencies, sees.shielded AS sees_shielded, sees.birth_date AS sees_birth_date,
         sees.timeline AS sees_timeline
  FROM (SELECT DISTINCT relation.family_id FROM relation JOIN considered ON considered.family_id = relation.family_id) AS mine
  JOIN family f ON f.id = mine.family_id
  JOIN sees ON sees.family_id = f.id
),
-- As in who_is_involved.sql: who is a member is for whom is shown which agencies there are
seen_member AS (
  SELECT m.family_id, m.person_id, m.role, m.parental_authority, m.started_at, p.given_name, p.surname, p.bsn_pseudonym,
         CASE WHEN listed.sees_birth_date OR p.id = %(person_id)s::uuid THEN p.birth_date END AS birth_date,
         listed.municipality_code
  FROM listed JOIN member m ON m.family_id = listed.id JOIN person p ON p.id = m.person_id
  WHERE m.started_at <= statement_timestamp() AND (m.ends_at IS NULL OR m.ends_at > statement_timestamp())
    AND listed.sees_agencies AND (NOT p.shielded OR listed.sees_shielded OR p.id = %(person_id)s::uuid)
),
household AS (
  SELECT family_id, json_agg(json_build_object(
    'familyId', family_id, 'personId', person_id, 'role', role, 'parentalAuthority', parental_authority,
    'givenName', given_name, 'surname', surname, 'birthDate', birth_date, 'municipalityCode', municipality_code)
    ORDER BY person_id) AS members
  FROM seen_member GROUP BY family_id
)
