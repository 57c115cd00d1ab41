-- Move a batch of the outbox into the one order of all events, and say whom each concerns.
-- A place is the instant of publication in microseconds, pushed on by a random step: places tell no counts.
WITH due AS (
  SELECT event_id, number FROM outbox ORDER BY number LIMIT %(limit)s
),
gone AS (
  DELETE FROM outbox USING due WHERE outbox.event_id = due.event_id
),
start AS (
  SELECT greatest(
    (SELECT coalesce(max(position), 0) FROM published_event),
    (extract(epoch FROM clock_timestamp()) * 1000000)::bigint) AS position
)
INSERT INTO published_event (position, event_id, type, at, about, line, family_id, agency_id, municipality_code)
SELECT start.position + sum(1 + floor(random() * 1000)::bigint) OVER (ORDER BY due.number),
       e.id, e.type, e.at, e.about, coalesce(e.family_id::text, e.about), e.family_id,
       CASE WHEN e.family_id IS NULL THEN coalesce(e.agency_id, p.agency_id) END,
       coalesce(f.municipality_code, m.municipality_code, who.municipality_code, done.municipality_code,
                t.municipality_code, d.municipality_code, r.municipality_code, s.municipality_code,
                CASE WHEN starts_with(e.type, 'municipality.') THEN e.about END)
FROM due JOIN event e ON e.id = due.event_id CROSS JOIN start
LEFT JOIN family f ON f.id = e.family_id
LEFT JOIN professional p ON p.id = e.professional_id
LEFT JOIN match m ON m.id = CASE WHEN starts_with(e.type, 'match.') THEN e.about::uuid END
LEFT JOIN person who ON who.id = CASE WHEN starts_with(e.type, 'person.') THEN e.about::uuid END
LEFT JOIN merge done ON done.id = CASE WHEN e.type LIKE '%%.merge%%' THEN e.about::uuid END
LEFT JOIN entitlement t ON t.id = CASE WHEN starts_with(e.type, 'entitlement.') THEN e.about::uuid END
LEFT JOIN subscription s ON s.id = CASE WHEN starts_with(e.type, 'subscription.') THEN e.about::uuid END
LEFT JOIN help_domain d ON d.code = CASE WHEN starts_with(e.type, 'help_domain.') THEN e.about END
-- One that names nobody by a number waits for the registrar to say who it is
LEFT JOIN registration r ON r.id = CASE WHEN e.type = 'registration.made' THEN e.about::uuid END
  AND r.bsn_pseudonym IS NULL
