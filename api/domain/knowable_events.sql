-- What happened around families, as the reader may know it, for the selects that follow it.
-- Starts from `relation` and `sees`, which the policy puts before it.
-- A shielded involvement, and what an agency figures in that was never openly involved, are for its own eyes, the
-- lead's and the registrar's; so is a question still open, and what a shielded person joined. That somebody looked in an
-- emergency, or that a log is held back, is theirs and the privacy officer's, who knows of nothing else. What is about
-- one member is for the members who may look. What a member said of sharing is never for agencies, and a measure only
-- for the one that carries it out. Who doesn't read the timeline knows of their own involvement and of what they are
-- asked; and of who leads and whom to call, if they are shown that.
WITH fam AS MATERIALIZED (
  SELECT mine.family_id, sees.shielded AS sees_shielded, sees.consents AS sees_consents,
         sees.measures AS sees_measures, sees.timeline AS sees_timeline, sees.lead AS sees_lead,
         sees.oversight AS sees_oversight
  FROM (SELECT DISTINCT family_id FROM relation) AS mine JOIN sees ON sees.family_id = mine.family_id
),
hidden AS MATERIALIZED (
  SELECT i.family_id, i.agency_id FROM involvement i JOIN fam ON fam.family_id = i.family_id
  WHERE NOT fam.sees_shielded AND (fam.sees_timeline OR NOT fam.sees_oversight)
    AND i.agency_id IS DISTINCT FROM %(agency_id)s::uuid
  GROUP BY i.family_id, i.agency_id
  HAVING bool_or(i.shielded OR NOT (%(person_id)s::uuid IS NULL OR may_look(%(person_id)s::uuid, i.person_id, i.family_id)))
    AND NOT bool_or(i.started_at IS NOT NULL AND NOT i.shielded
                    AND (%(person_id)s::uuid IS NULL OR may_look(%(person_id)s::uuid, i.person_id, i.family_id)))
),
knowable AS NOT MATERIALIZED (
  SELECT e.*, coalesce(e.agency_id, p.agency_id) AS figures, p.name AS professional
  FROM event e JOIN fam ON fam.family_id = e.family_id
  LEFT JOIN professional p ON p.id = e.professional_id
  LEFT JOIN involvement i ON i.id = e.involvement_id
  LEFT JOIN member mm ON starts_with(e.type, 'member.') AND mm.family_id = e.family_id AND mm.id::text = e.about
  LEFT JOIN person who ON who.id = mm.person_id
  LEFT JOIN consent c ON starts_with(e.type, 'consent.') AND c.family_id = e.family_id AND c.id::text = e.about
  LEFT JOIN measure o ON starts_with(e.type, 'measure.') AND o.family_id = e.family_id AND o.id::text = e.about
  LEFT JOIN mandate m ON starts_with(e.type, 'mandate.') AND m.family_id = e.family_id AND m.id::text = e.about
  WHERE (e.involvement_id IS NULL OR fam.sees_shielded OR (i.started_at IS NOT NULL AND NOT i.shielded)
         OR i.agency_id = %(agency_id)s::uuid)
    AND (i.id IS NULL OR %(person_id)s::uuid IS NULL OR may_look(%(person_id)s::uuid, i.person_id, i.family_id))
    AND (who.id IS NULL OR fam.sees_shielded OR NOT who.shielded OR who.id = %(person_id)s::uuid)
    AND (fam.sees_shielded OR NOT (starts_with(e.type, 'person.')
         OR e.type IN ('family.merged', 'family.merge_undone')))
    AND (fam.sees_oversight OR NOT (starts_with(e.type, 'emergency_access.') OR starts_with(e.type, 'disclosure_hold.')))
    AND (fam.sees_consents OR NOT starts_with(e.type, 'consent.') OR %(person_id)s::uuid IN (c.person_id, c.given_by_id))
    AND (fam.sees_measures OR NOT starts_with(e.type, 'measure.') OR o.agency_id = %(agency_id)s::uuid
         OR (%(person_id)s::uuid IS NOT NULL AND may_look(%(person_id)s::uuid, o.person_id, o.family_id)))
    AND (m.id IS NULL OR fam.sees_shielded OR m.started_at IS NOT NULL OR m.professional_id = %(professional_id)s::uuid)
    AND NOT EXISTS (
      SELECT FROM hidden
      WHERE hidden.family_id = e.family_id AND hidden.agency_id IN (e.agency_id, p.agency_id, e.by_agency_id))
    AND (fam.sees_timeline
      OR starts_with(e.type, 'emergency_access.') OR starts_with(e.type, 'disclosure_hold.')
      OR (i.agency_id = %(agency_id)s::uuid AND (%(professional_id)s::uuid IS NULL OR i.professional_id = %(professional_id)s::uuid))
      OR (m.started_at IS NULL AND m.professional_id = %(professional_id)s::uuid)
      OR (fam.sees_lead AND (starts_with(e.type, 'contact_point.')
                             OR e.type IN ('mandate.granted', 'mandate.ended', 'mandate.gap_opened'))))
)
