-- The next published events that can concern the reader: of the families that the database lets them see, of the
-- municipality whose registrar they are, and of what is no family's. Whether they may know of each is decided after.
SELECT position, event_id, family_id FROM (
  SELECT * FROM spil_next_around_families(
    %(after_position)s, %(upto)s, %(types)s::text[], %(family_id)s::uuid, %(most)s::int)
  UNION (
    SELECT position, event_id, family_id FROM published_event
    WHERE %(role)s = 'registrar' AND municipality_code = %(municipality_code)s AND %(family_id)s::uuid IS NULL
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
