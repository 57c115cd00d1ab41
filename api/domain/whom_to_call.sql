-- Whom to call about one help domain, and why it is this one. Follows around.sql.
SELECT row_of_domain.body::text AS body, ARRAY[fam.id] AS family_ids, NULL AS next_cursor
FROM fam CROSS JOIN row_of_domain
