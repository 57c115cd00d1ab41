-- What there is to tell of a seeded municipality: an event of each beginning and end, and an audit record of each event.
-- An event's identifier follows from what it is about. These events are not told outside: there is no outbox row.
CREATE TEMPORARY TABLE told (LIKE event) ON COMMIT DROP;

INSERT INTO told (id, type, at, place, about, agency_id, professional_id, by_role)
SELECT md5('registered' || id)::uuid, 'agency.registered', now(), 0, id::text, id, NULL::uuid, 'platform_administrator'
FROM agency WHERE NOT EXISTS (SELECT FROM event WHERE event.about = agency.id::text)
UNION ALL
SELECT md5('registered' || id)::uuid, 'professional.registered', now(), 1, id::text, agency_id, id, 'platform_administrator'
FROM professional WHERE NOT EXISTS (SELECT FROM event WHERE event.about = professional.id::text)
UNION ALL
SELECT md5('registered' || code)::uuid, 'municipality.registered', now(), 2, code, NULL, NULL, 'platform_administrator'
FROM municipality WHERE code = %(code)s;

INSERT INTO event SELECT * FROM told;

INSERT INTO audit_record (at, action, decision, event_id, role, subject)
SELECT at, type, 'changed', id, by_role, 'seed' FROM told;

INSERT INTO event (id, type, at, place, family_id, about, reason, by_role, by_municipality_code)
SELECT md5(told.type || f.id)::uuid, told.type, told.at, 0, f.id, f.id, told.reason, 'registrar', f.municipality_code
FROM family f CROSS JOIN LATERAL (
  VALUES ('family.opened', f.opened_at, NULL), ('family.closed', f.closed_at, f.closing)
) AS told (type, at, reason)
WHERE f.municipality_code = %(code)s AND told.at IS NOT NULL
UNION ALL
SELECT md5('joined' || m.id)::uuid, 'member.joined', m.started_at, 1, m.family_id, m.id, NULL, 'registrar', %(code)s
FROM member m JOIN family f ON f.id = m.family_id AND f.municipality_code = %(code)s;

INSERT INTO event (id, type, at, place, family_id, about, involvement_id, agency_id, professional_id, reason,
                   by_role, by_agency_id, by_municipality_code)
SELECT md5(told.type || i.id)::uuid, told.type, told.at, 2, i.family_id, i.id, i.id, i.agency_id, i.professional_id,
       told.reason, told.by_role, CASE told.by_role WHEN 'agency_system' THEN i.agency_id END,
       CASE told.by_role WHEN 'registrar' THEN %(code)s END
FROM involvement i JOIN family f ON f.id = i.family_id AND f.municipality_code = %(code)s
CROSS JOIN LATERAL (
  VALUES ('involvement.invited', i.invited_at, NULL, 'registrar'),
         ('involvement.started', i.started_at, NULL, 'agency_system'),
         ('involvement.ended', CASE WHEN i.end_reason IS NOT NULL THEN i.ends_at END, i.end_reason, 'agency_system')
) AS told (type, at, reason, by_role)
WHERE told.at IS NOT NULL;

INSERT INTO event (id, type, at, place, family_id, about, professional_id, reason,
                   by_role, by_agency_id, by_municipality_code)
SELECT md5(told.type || m.id)::uuid, told.type, told.at, told.place, m.family_id, m.id, m.professional_id, told.reason,
       told.by_role, CASE told.by_role WHEN 'professional' THEN p.agency_id END,
       CASE told.by_role WHEN 'registrar' THEN %(code)s END
FROM mandate m JOIN family f ON f.id = m.family_id AND f.municipality_code = %(code)s
JOIN professional p ON p.id = m.professional_id
CROSS JOIN LATERAL (
  VALUES ('mandate.ended', CASE WHEN m.end_reason IS NOT NULL THEN m.ends_at END, m.end_reason, 'clock', 3),
         ('mandate.proposed', m.proposed_at, NULL, 'registrar', 4),
         ('mandate.granted', m.started_at, NULL, 'professional', 5)
) AS told (type, at, reason, by_role, place)
WHERE told.at IS NOT NULL;

INSERT INTO event (id, type, at, place, family_id, about, professional_id, help_domain, reason,
                   by_role, by_municipality_code)
SELECT md5(told.type || c.id)::uuid, told.type, told.at, told.place, c.family_id, c.id, c.professional_id, c.help_domain,
       told.reason, 'registrar', %(code)s
FROM contact_point c JOIN family f ON f.id = c.family_id AND f.municipality_code = %(code)s
CROSS JOIN LATERAL (
  VALUES ('contact_point.ended', c.ends_at, c.end_reason, 6), ('contact_point.assigned', c.started_at, NULL, 7)
) AS told (type, at, reason, place)
WHERE told.at IS NOT NULL;

INSERT INTO event (id, type, at, place, family_id, about, professional_id, by_role, by_municipality_code)
SELECT md5('named' || d.id)::uuid, 'deputy.named', d.started_at, 8, d.family_id, d.id, d.professional_id, 'registrar', %(code)s
FROM deputy d JOIN family f ON f.id = d.family_id AND f.municipality_code = %(code)s;

INSERT INTO audit_record (at, action, decision, family_id, municipality_code, event_id, role, subject, agency_id)
SELECT e.at, e.type, 'changed', e.family_id, f.municipality_code, e.id, e.by_role, 'seed', e.by_agency_id
FROM event e JOIN family f ON f.id = e.family_id AND f.municipality_code = %(code)s
