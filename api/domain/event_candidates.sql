-- The next published events that can concern the reader: of the families that the database lets them see, of the
-- municipality whose registrar or privacy officer they are, and of what is no family's. Whether they may know of each is
-- decided after.
SELECT position, event_id, family_id FROM (
  SELECT * FROM spil_next_around_families(
    %(after_position)s, %(upto)s,
    coalesce(%(types)s::text[], CASE %(role)s WHEN 'privacy_officer' THEN %(oversight)s::text[] END),
    %(family_id)s::uuid, %(most)s::int)
  UNION (
    SELECT position, event_id, family_id FROM published_event
    WHERE municipality_code = %(municipality_code)s AND %(family_id)s::uuid IS NULL
      AND CASE %(role)s WHEN 'registrar' THEN true
        WHEN 'privacy_officer' THEN family_id IS NULL AND starts_with(type, 'entitlement.') ELSE false END
      AND position > %(after_position)s AND position <= %(upto)s
      AND (%(types)s::text[] IS NULL OR type = ANY (%(types)s::text[]))
    ORDER BY position LIMIT %(most)s
  )
  UNION (
    SELECT position, event_id, family_id FROM published_event
    WHERE family_id IS NULL AND agency_id = %(agency_id)s::uuid AND %(family_id)s::uuid IS NULL
      AND position > %(after_position)s AND position <= %(upto)s
      AND (%(types)s::text[] IS NULL OR type = ANY (%(types)s::text[]))
    ORDER BY position LIMIT %(most)s
  )
) AS found
ORDER BY position LIMIT %(most)s
