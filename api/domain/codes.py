"""The closed code lists of the field. Their values are the same in code, database and wire.

Help domains are not here: they are a list in the database, to which a municipality may add its own.
"""

from enum import StrEnum


class AgencyKind(StrEnum):
    """What sort of organisation an agency is."""

    YOUTH_CARE = "youth_care"
    CERTIFIED_INSTITUTION = "certified_institution"
    CHILD_PROTECTION_BOARD = "child_protection_board"
    SAFE_AT_HOME = "safe_at_home"
    CRISIS_SERVICE = "crisis_service"
    WOMENS_SHELTER = "womens_shelter"
    DEBT_HELP = "debt_help"
    HOUSING = "housing"
    MENTAL_HEALTH = "mental_health"
    ADDICTION_CARE = "addiction_care"
    DISABILITY_CARE = "disability_care"
    GENERAL_PRACTICE = "general_practice"
    YOUTH_HEALTH_CARE = "youth_health_care"
    SOCIAL_WORK = "social_work"
    WORK_AND_INCOME = "work_and_income"
    SCHOOL = "school"
    POLICE = "police"
    PROBATION = "probation"
    MUNICIPALITY = "municipality"


class Framework(StrEnum):
    """The framework (kader) in which a family is helped."""

    VOLUNTARY = "voluntary"
    PRESSURE = "pressure"
    COURT_ORDERED = "court_ordered"


class Strategy(StrEnum):
    """The strategy (aanpak) for a family, after Steketee & Vandenbroucke (2010)."""

    PUT_IN_ORDER = "put_in_order"
    FINGER_ON_THE_PULSE = "finger_on_the_pulse"
    PROP_AND_SUPPORT = "prop_and_support"
    DIRECT_OFFER = "direct_offer"
    REFRESH = "refresh"


class FamilyClosing(StrEnum):
    """How a coordinated approach came to its end. The last is Spil's to give."""

    COMPLETED = "completed"
    STOPPED_BY_FAMILY = "stopped_by_family"
    MOVED_AWAY = "moved_away"
    OPENED_IN_ERROR = "opened_in_error"
    MERGED = "merged"


class MemberRole(StrEnum):
    """What a person is in a family."""

    PARENT = "parent"
    STEP_PARENT = "step_parent"
    FOSTER_PARENT = "foster_parent"
    OTHER_CARER = "other_carer"
    CHILD = "child"
    OTHER = "other"


class LegalBasis(StrEnum):
    """The ground on which an agency is involved. None is ever assumed."""

    STATUTORY_TASK = "statutory_task"
    CONSENT = "consent"
    MEASURE = "measure"
    VITAL_INTEREST = "vital_interest"


class DisclosureStage(StrEnum):
    """How much an involved agency is shown of the others: the stages of disclosure, each with what comes before it."""

    OTHERS_INVOLVED = "others_involved"
    LEAD_AND_CONTACT_POINTS = "lead_and_contact_points"
    AGENCIES = "agencies"


class ConsentDecision(StrEnum):
    """What a member says of sharing."""

    GIVEN = "given"
    OBJECTED = "objected"


class ConsentState(StrEnum):
    """Where a consent or an objection stands."""

    RUNNING = "running"
    WITHDRAWN = "withdrawn"
    ENDED = "ended"


class MeasureKind(StrEnum):
    """What a court can order for the protection of a child."""

    SUPERVISION_ORDER = "supervision_order"
    PROVISIONAL_SUPERVISION_ORDER = "provisional_supervision_order"
    OUT_OF_HOME_PLACEMENT = "out_of_home_placement"
    GUARDIANSHIP = "guardianship"
    PROVISIONAL_GUARDIANSHIP = "provisional_guardianship"
    YOUTH_PROBATION = "youth_probation"
    SECURE_YOUTH_CARE = "secure_youth_care"


class MeasureCondition(StrEnum):
    """What is asked of a family under a measure."""

    ACCEPT_HOME_VISITS = "accept_home_visits"
    ACCEPT_PARENTING_HELP = "accept_parenting_help"
    ACCEPT_TREATMENT = "accept_treatment"
    SCHOOL_ATTENDANCE = "school_attendance"
    CONTACT_ARRANGEMENT = "contact_arrangement"
    NO_CONTACT_WITH_PERSON = "no_contact_with_person"
    STAY_AT_AGREED_ADDRESS = "stay_at_agreed_address"
    SOBRIETY = "sobriety"
    SHARE_INFORMATION_WITH_LEAD = "share_information_with_lead"


class MeasureState(StrEnum):
    """Where a measure stands."""

    RUNNING = "running"
    ENDED = "ended"


class MeasureEnd(StrEnum):
    """How a measure came to its end. The last is Spil's to give."""

    LIFTED = "lifted"
    REPLACED = "replaced"
    RECORDED_IN_ERROR = "recorded_in_error"
    EXPIRED = "expired"


class MandateBasis(StrEnum):
    """The ground of a mandate: the family's consent, or a child protection measure."""

    CONSENT = "consent"
    MEASURE = "measure"


class ContactFrequency(StrEnum):
    """How often an agency is in touch with the family."""

    DAILY = "daily"
    SEVERAL_TIMES_A_WEEK = "several_times_a_week"
    WEEKLY = "weekly"
    FORTNIGHTLY = "fortnightly"
    MONTHLY = "monthly"
    QUARTERLY = "quarterly"
    WHEN_NEEDED = "when_needed"


class InvolvementState(StrEnum):
    """Where an involvement stands."""

    INVITED = "invited"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    RUNNING = "running"
    ENDED = "ended"


class InvitationDecline(StrEnum):
    """Why an agency declines an invitation."""

    NO_CAPACITY = "no_capacity"
    NOT_OUR_TASK = "not_our_task"
    NOT_OUR_AREA = "not_our_area"
    ANOTHER_AGENCY_FITS_BETTER = "another_agency_fits_better"
    NO_LEGAL_BASIS = "no_legal_basis"


class InvolvementEnd(StrEnum):
    """How an involvement came to its end. The last three are Spil's to give."""

    COMPLETED = "completed"
    STOPPED_BY_FAMILY = "stopped_by_family"
    HANDED_OVER = "handed_over"
    NO_LONGER_NEEDED = "no_longer_needed"
    LEGAL_BASIS_ENDED = "legal_basis_ended"
    FAMILY_CLOSED = "family_closed"
    MERGE_UNDONE = "merge_undone"


class HandoverKind(StrEnum):
    """What a professional who leaves can carry around a family."""

    INVOLVEMENT = "involvement"
    CONTACT_POINT = "contact_point"
    MANDATE = "mandate"
    DEPUTY = "deputy"


class HandoverOutcome(StrEnum):
    """What becomes of it when they hand over. A mandate is proposed, and goes over when the successor accepts."""

    HANDED_OVER = "handed_over"
    PROPOSED = "proposed"
    STAYS = "stays"


class HandoverReason(StrEnum):
    """Why something stays with a professional who hands over."""

    NO_SUCCESSOR = "no_successor"
    SUCCESSOR_INVOLVED_ALREADY = "successor_involved_already"
    SUCCESSOR_NOT_WORKING = "successor_not_working"
    NO_RUNNING_INVOLVEMENT = "no_running_involvement"
    NO_LEGAL_BASIS = "no_legal_basis"
    PROPOSAL_OPEN = "proposal_open"
    NOT_ANSWERED = "not_answered"
    NAMED_BY_LEAD = "named_by_lead"
    BEING_CHANGED = "being_changed"
    REFUSED = "refused"


class Power(StrEnum):
    """What a mandate allows the lead coordinator to do."""

    ASSIGN_CONTACT_POINTS = "assign_contact_points"
    INVITE_AGENCIES = "invite_agencies"
    CONVENE = "convene"
    REVIEW_NECESSITY = "review_necessity"
    ESCALATE = "escalate"
    MANAGE_PLAN = "manage_plan"


class MandateState(StrEnum):
    """Where a mandate stands."""

    PROPOSED = "proposed"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    ACTIVE = "active"
    ENDED = "ended"


class MandateDecline(StrEnum):
    """Why a professional declines a mandate."""

    NO_CAPACITY = "no_capacity"
    CONFLICT_OF_INTEREST = "conflict_of_interest"
    FAMILY_PREFERS_ANOTHER = "family_prefers_another"
    POWERS_INSUFFICIENT = "powers_insufficient"


class MandateEnd(StrEnum):
    """How a mandate came to its end. The last four are Spil's to give."""

    LAID_DOWN = "laid_down"
    WITHDRAWN = "withdrawn"
    COMPLETED = "completed"
    TRANSFERRED = "transferred"
    EXPIRED = "expired"
    INVOLVEMENT_ENDED = "involvement_ended"
    FAMILY_CLOSED = "family_closed"


class ContactPointEnd(StrEnum):
    """How a contact point came to its end."""

    REASSIGNED = "reassigned"
    RELEASED = "released"
    INVOLVEMENT_ENDED = "involvement_ended"
    FAMILY_CLOSED = "family_closed"


class EmergencyReason(StrEnum):
    """Why a professional opens a family in an emergency: what happens, not what is the matter with whom."""

    ACUTE_UNSAFETY = "acute_unsafety"
    MISSING_CHILD = "missing_child"
    SUICIDE_RISK = "suicide_risk"
    ACUTE_PSYCHIATRIC_CRISIS = "acute_psychiatric_crisis"
    REQUEST_OF_EMERGENCY_SERVICES = "request_of_emergency_services"


class EmergencyEnd(StrEnum):
    """How an emergency access came to its end. All but the first are Spil's to give."""

    ENDED_EARLY = "ended_early"
    EXPIRED = "expired"
    ENTITLEMENT_ENDED = "entitlement_ended"
    FAMILY_CLOSED = "family_closed"
    FAMILY_MOVED = "family_moved"


class RegistrationState(StrEnum):
    """Where a registration stands, as its own agency sees it."""

    UNCONFIRMED = "unconfirmed"
    WAITING = "waiting"
    JOINED = "joined"
    ENDED = "ended"
    EXPIRED = "expired"
    REJECTED = "rejected"


class RegistrationEnd(StrEnum):
    """How a registration came to its end. The last four are not the agency's to give."""

    COMPLETED = "completed"
    STOPPED_BY_FAMILY = "stopped_by_family"
    HANDED_OVER = "handed_over"
    NO_LONGER_NEEDED = "no_longer_needed"
    LEGAL_BASIS_ENDED = "legal_basis_ended"
    EXPIRED = "expired"
    REJECTED = "rejected"
    DUPLICATE = "duplicate"


class Kinship(StrEnum):
    """What a relative is to the person whom a registration is about."""

    PARENT = "parent"
    CHILD = "child"


class SynchronisationState(StrEnum):
    """Where the synchronisation of a caseload stands."""

    RECEIVED = "received"
    RUNNING = "running"
    CONFIRMATION_NEEDED = "confirmation_needed"
    COMPARED = "compared"
    COMPLETED = "completed"
    STOPPED = "stopped"


class CaseloadOutcome(StrEnum):
    """What became of a row of a caseload, or of a registration that is in none of its rows."""

    STARTED = "started"
    CHANGED = "changed"
    CONFIRMED = "confirmed"
    ENDED = "ended"
    KEPT = "kept"
    REFUSED = "refused"


class MatchKind(StrEnum):
    """Whether a match is of one person, or of a parent and a child."""

    SAME_PERSON = "same_person"
    FAMILY = "family"


class MatchState(StrEnum):
    """Where a match stands."""

    FOUND = "found"
    SHARED = "shared"
    JOINED = "joined"
    DISMISSED = "dismissed"
    LAPSED = "lapsed"


class MergeKind(StrEnum):
    """Of what two records were merged."""

    PERSON = "person"
    FAMILY = "family"


class DisclosureDecision(StrEnum):
    """What came of somebody's wish to see or change something, as the record says it."""

    SHOWN = "shown"
    CHANGED = "changed"
    REFUSED = "refused"


class SubscriptionState(StrEnum):
    """Whether anything is delivered by a subscription."""

    UNVERIFIED = "unverified"
    ACTIVE = "active"
    PAUSED = "paused"
    DISABLED = "disabled"


class SubscriptionDisabling(StrEnum):
    """Why Spil itself delivers nothing by a subscription any more."""

    GONE = "gone"
    UNREACHABLE = "unreachable"
    MAKER_INACTIVE = "maker_inactive"


class DeliveryKind(StrEnum):
    """What is delivered."""

    EVENT = "event"
    CHALLENGE = "challenge"
    TEST = "test"


class DeliveryState(StrEnum):
    """Where a delivery stands."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"
    WITHHELD = "withheld"


class DeliveryReason(StrEnum):
    """Why an attempt to deliver doesn't count as received."""

    STATUS_REFUSED = "status_refused"
    REDIRECTED = "redirected"
    GONE = "gone"
    TIMED_OUT = "timed_out"
    ADDRESS_REFUSED = "address_refused"
    TLS_FAILED = "tls_failed"
    CONNECTION_FAILED = "connection_failed"
    ANSWER_UNREADABLE = "answer_unreadable"
    CHALLENGE_FAILED = "challenge_failed"
    NOT_VISIBLE = "not_visible"


class Answer(StrEnum):
    """What became of an invitation or a proposal."""

    ACCEPTED = "accepted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


class EventType(StrEnum):
    """Everything that can be told to have happened. The name says what it is about and what happened to it."""

    MUNICIPALITY_REGISTERED = "municipality.registered"
    MUNICIPALITY_CHANGED = "municipality.changed"
    HELP_DOMAIN_ADDED = "help_domain.added"
    AGENCY_REGISTERED = "agency.registered"
    AGENCY_CHANGED = "agency.changed"
    CLIENT_REGISTERED = "client.registered"
    CLIENT_DEACTIVATED = "client.deactivated"
    CLIENT_KEY_ADDED = "client.key_added"
    CLIENT_KEY_REMOVED = "client.key_removed"
    PROFESSIONAL_REGISTERED = "professional.registered"
    PROFESSIONAL_CHANGED = "professional.changed"
    ABSENCE_REPORTED = "absence.reported"
    ABSENCE_WITHDRAWN = "absence.withdrawn"
    ENTITLEMENT_GIVEN = "entitlement.given"
    ENTITLEMENT_ENDED = "entitlement.ended"
    PERSON_REGISTERED = "person.registered"
    PERSON_CHANGED = "person.changed"
    PERSON_MERGED = "person.merged"
    PERSON_MERGE_UNDONE = "person.merge_undone"
    FAMILY_OPENED = "family.opened"
    FAMILY_CHANGED = "family.changed"
    FAMILY_CLOSED = "family.closed"
    FAMILY_REOPENED = "family.reopened"
    FAMILY_MOVED = "family.moved"
    FAMILY_MERGED = "family.merged"
    FAMILY_MERGE_UNDONE = "family.merge_undone"
    MEMBER_JOINED = "member.joined"
    MEMBER_CHANGED = "member.changed"
    MEMBER_LEFT = "member.left"
    CONSENT_GIVEN = "consent.given"
    CONSENT_OBJECTED = "consent.objected"
    CONSENT_WITHDRAWN = "consent.withdrawn"
    CONSENT_CARRIED_OVER = "consent.carried_over"
    MEASURE_RECORDED = "measure.recorded"
    MEASURE_CHANGED = "measure.changed"
    MEASURE_EXTENDED = "measure.extended"
    MEASURE_ENDED = "measure.ended"
    INVOLVEMENT_INVITED = "involvement.invited"
    INVOLVEMENT_DECLINED = "involvement.declined"
    INVOLVEMENT_WITHDRAWN = "involvement.withdrawn"
    INVOLVEMENT_STARTED = "involvement.started"
    INVOLVEMENT_CHANGED = "involvement.changed"
    INVOLVEMENT_CONFIRMED = "involvement.confirmed"
    INVOLVEMENT_DISCLOSED = "involvement.disclosed"
    INVOLVEMENT_ENDED = "involvement.ended"
    REGISTRATION_MADE = "registration.made"
    REGISTRATION_RELATIVE_NAMED = "registration.relative_named"
    REGISTRATION_CHANGED = "registration.changed"
    REGISTRATION_RENEWED = "registration.renewed"
    REGISTRATION_CONFIRMED = "registration.confirmed"
    REGISTRATION_REJECTED = "registration.rejected"
    REGISTRATION_JOINED = "registration.joined"
    REGISTRATION_LEFT = "registration.left"
    REGISTRATION_MATCH_SHARED = "registration.match_shared"
    REGISTRATION_CONSULTED = "registration.consulted"
    REGISTRATION_ENDED = "registration.ended"
    REGISTRATION_EXPIRED = "registration.expired"
    CASELOAD_SYNCHRONISATION_RECEIVED = "caseload_synchronisation.received"
    CASELOAD_SYNCHRONISATION_CONFIRMED = "caseload_synchronisation.confirmed"
    CASELOAD_SYNCHRONISATION_HELD = "caseload_synchronisation.held"
    CASELOAD_SYNCHRONISATION_COMPARED = "caseload_synchronisation.compared"
    CASELOAD_SYNCHRONISATION_COMPLETED = "caseload_synchronisation.completed"
    CASELOAD_SYNCHRONISATION_STOPPED = "caseload_synchronisation.stopped"
    MATCH_FOUND = "match.found"
    MATCH_SHARED = "match.shared"
    MATCH_JOINED = "match.joined"
    MATCH_DISMISSED = "match.dismissed"
    MATCH_CONSULTED = "match.consulted"
    MATCH_LAPSED = "match.lapsed"
    MANDATE_PROPOSED = "mandate.proposed"
    MANDATE_DECLINED = "mandate.declined"
    MANDATE_WITHDRAWN = "mandate.withdrawn"
    MANDATE_GRANTED = "mandate.granted"
    MANDATE_CHANGED = "mandate.changed"
    MANDATE_ENDED = "mandate.ended"
    MANDATE_GAP_OPENED = "mandate.gap_opened"
    DEPUTY_NAMED = "deputy.named"
    DEPUTY_ENDED = "deputy.ended"
    CONTACT_POINT_ASSIGNED = "contact_point.assigned"
    CONTACT_POINT_ENDED = "contact_point.ended"
    CONTACT_POINT_GAP_OPENED = "contact_point.gap_opened"
    CONTACT_POINT_GAP_CLOSED = "contact_point.gap_closed"
    DISCLOSURE_HOLD_PLACED = "disclosure_hold.placed"
    DISCLOSURE_HOLD_LIFTED = "disclosure_hold.lifted"
    EMERGENCY_ACCESS_OPENED = "emergency_access.opened"
    EMERGENCY_ACCESS_ENDED = "emergency_access.ended"
    EMERGENCY_ACCESS_REVIEWED = "emergency_access.reviewed"
    SUBSCRIPTION_MADE = "subscription.made"
    SUBSCRIPTION_CHANGED = "subscription.changed"
    SUBSCRIPTION_CHALLENGED = "subscription.challenged"
    SUBSCRIPTION_VERIFIED = "subscription.verified"
    SUBSCRIPTION_TESTED = "subscription.tested"
    SUBSCRIPTION_PAUSED = "subscription.paused"
    SUBSCRIPTION_RESUMED = "subscription.resumed"
    SUBSCRIPTION_REPLAYED = "subscription.replayed"
    SUBSCRIPTION_DISABLED = "subscription.disabled"
    SUBSCRIPTION_KEY_ADDED = "subscription.key_added"
    SUBSCRIPTION_KEY_REMOVED = "subscription.key_removed"
    SUBSCRIPTION_REMOVED = "subscription.removed"
