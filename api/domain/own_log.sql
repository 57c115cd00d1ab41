-- Who was shown the data of one person, as that person may know it; the latest first. Only records about them.
-- An agency figures here only if it was openly involved at that moment, as they may know, and never was shielded
-- around any family of theirs; of some kinds of agencies only after a while. What relatives looked at is theirs.
WITH mine AS (
  SELECT DISTINCT family_id FROM member WHERE person_id = %(person_id)s
),
held AS (
  SELECT h.started_at FROM disclosure_hold h JOIN mine ON mine.family_id = h.family_id
  WHERE h.ends_at > %(now)s
),
shielded AS (
  SELECT o.agency_id FROM once_shielded o JOIN mine ON mine.family_id = o.family_id
),
known AS (
  SELECT i.agency_id, i.family_id, i.started_at, i.ends_at
  FROM involvement i JOIN mine ON mine.family_id = i.family_id
  WHERE i.started_at IS NOT NULL AND NOT i.shielded AND may_look(%(person_id)s, i.person_id, i.family_id)
    AND i.agency_id NOT IN (SELECT agency_id FROM shielded)
),
looked AS (
  SELECT r.*, r.role = 'family_member' AS by_myself FROM audit_record r
  WHERE r.shown_person_id = %(person_id)s AND r.decision = 'shown' AND r.action <> %(own_action)s
    AND (%(before)s::timestamptz IS NULL OR r.at <= %(before)s::timestamptz)
    AND (r.role <> 'family_member' OR r.person_id = %(person_id)s)
)
SELECT r.at, r.role, r.by_myself, r.purpose, r.legal_basis, r.fields, r.decision,
       a.id AS agency_id, a.name AS agency, a.kind AS agency_kind, p.function,
       CASE WHEN a.id IS NULL AND NOT r.by_myself THEN m.name END AS municipality
FROM looked r
LEFT JOIN agency a ON a.id = r.agency_id
LEFT JOIN professional p ON p.id = r.professional_id AND p.agency_id = r.agency_id
LEFT JOIN municipality m ON m.code = r.municipality_code
WHERE r.by_myself OR (
  NOT EXISTS (SELECT FROM held WHERE held.started_at <= r.at)
  AND (r.agency_id IS NULL OR (
    EXISTS (
      SELECT FROM known WHERE known.agency_id = r.agency_id AND coalesce(r.family_id, known.family_id) = known.family_id
        AND known.started_at <= r.at AND (known.ends_at IS NULL OR known.ends_at > r.at))
    AND r.at < %(now)s - make_interval(days => coalesce((%(delays)s::jsonb ->> a.kind)::int, 0)))))
ORDER BY r.at DESC, r.id DESC OFFSET %(seen)s LIMIT %(limit)s + 1
