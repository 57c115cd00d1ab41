-- The reader's own involvements with a page of their families, one JSON object a line: an agency's system has those of
-- its agency, a professional those that name them. As `GET .../involvements` shows them, ended ones and open invitations
-- too, and only to whom it shows them: who looks in an emergency or is only asked to lead sees none there.
-- Starts from `relation`, which the policy puts before it and which holds one family more than the page.
WITH page AS (
  SELECT DISTINCT family_id FROM relation ORDER BY family_id LIMIT %(limit)s
),
own AS (
  SELECT i.* FROM involvement i JOIN page ON page.family_id = i.family_id
  WHERE i.agency_id = %(agency_id)s::uuid
    AND (%(professional_id)s::uuid IS NULL OR i.professional_id = %(professional_id)s::uuid)
    AND EXISTS (
      SELECT FROM relation
      WHERE relation.family_id = i.family_id AND relation.name NOT IN ('emergency_access', 'proposed_lead'))
)
SELECT
  coalesce((
    SELECT string_agg(json_build_object(
      'kind', 'involvement',
      'id', own.id,
      'familyId', own.family_id,
      'agencyId', own.agency_id,
      'professionalId', own.professional_id,
      'helpDomains', to_json(own.help_domains),
      'state', CASE
        WHEN own.answer IS NULL THEN 'invited'
        WHEN own.answer <> 'accepted' THEN own.answer
        WHEN own.ends_at <= statement_timestamp() THEN 'ended'
        ELSE 'running' END,
      'shielded', own.shielded,
      'contactFrequency', own.contact_frequency,
      'legalBasis', own.legal_basis,
      'legalGround', own.legal_ground,
      'measureId', own.measure_id,
      'personId', own.person_id,
      'disclosureStage', own.disclosure_stage,
      'invitedAt', own.invited_at,
      'answeredAt', own.answered_at,
      'declineReason', own.decline_reason,
      'startedAt', own.started_at,
      'confirmationDueOn', own.confirmation_due_on,
      'endsAt', own.ends_at,
      'endReason', own.end_reason)::text, E'\n' ORDER BY own.family_id, own.id)
    FROM own), '') AS body,
  ARRAY(SELECT DISTINCT family_id FROM own) AS family_ids,
  CASE WHEN (SELECT count(DISTINCT family_id) FROM relation) > %(limit)s THEN
    translate(encode(convert_to(json_build_array((SELECT max(family_id::text) FROM page))::text, 'UTF8'), 'base64'), E'+/=\n', '-_')
  ELSE %(then)s::text END AS next_cursor
