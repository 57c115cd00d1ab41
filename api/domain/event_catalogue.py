"""The catalogue of events: when each is told, to whom, and where to read what has become of it.

An event says what happened and where to look, and nothing else: whoever gets it reads with their own rights. What is
told to whom is decided where events are read (`knowable_events.sql`, `events.sql`); this is what is said of it.
"""

from dataclasses import dataclass

from api.domain.codes import EventType

PREFIX = "nl.spil"

PLURALS = {
    "absence": "absences",
    "agency": "agencies",
    "caseload_synchronisation": "caseload-synchronisations",
    "client": "clients",
    "consent": "consents",
    "contact_point": "contact-points",
    "deputy": "deputies",
    "disclosure_hold": "disclosure-holds",
    "emergency_access": "emergency-accesses",
    "entitlement": "entitlements",
    "family": "families",
    "help_domain": "help-domains",
    "involvement": "involvements",
    "mandate": "mandates",
    "match": "matches",
    "measure": "measures",
    "member": "members",
    "municipality": "municipalities",
    "person": "persons",
    "professional": "professionals",
    "registration": "registrations",
    "subscription": "subscriptions",
}
"""What an event is about, and the plural by which its type is known outside."""

FAMILY = "/v1/families/{familyId}"
LINKS = {
    "agency": "/v1/agencies/{about}",
    "caseload_synchronisation": "/v1/caseload-synchronisations/{about}",
    "client": "/v1/clients/{about}",
    "consent": FAMILY + "/consents/{about}",
    "contact_point": FAMILY + "/contact-points",
    "disclosure_hold": FAMILY + "/disclosure-holds",
    "emergency_access": "/v1/emergency-accesses",
    "entitlement": "/v1/entitlements",
    "help_domain": "/v1/help-domains/{about}",
    "involvement": FAMILY + "/involvements/{about}",
    "mandate": FAMILY + "/mandates/{about}",
    "match": "/v1/matches/{about}",
    "measure": FAMILY + "/measures/{about}",
    "member": FAMILY + "/members/{about}",
    "municipality": "/v1/municipalities/{about}",
    "professional": "/v1/professionals/{about}",
    "registration": "/v1/registrations/{about}",
    "subscription": "/v1/subscriptions/{about}",
}
"""Where to look, by what an event is about. Whatever else is about a family: at the family."""

LINKS_OF = {
    EventType.MANDATE_GAP_OPENED: FAMILY + "/mandates",
    EventType.REGISTRATION_RELATIVE_NAMED: "/v1/registrations",
    EventType.PERSON_REGISTERED: "/v1/persons/{about}",
    EventType.PERSON_CHANGED: "/v1/persons/{about}",
    EventType.PERSON_MERGED: "/v1/merges",
    EventType.PERSON_MERGE_UNDONE: "/v1/merges",
    EventType.ABSENCE_REPORTED: "/v1/professionals",
    EventType.ABSENCE_WITHDRAWN: "/v1/professionals",
}
"""Where to look, for types that differ from the others about the same."""

AROUND = "everybody around the family: registrar, lead coordinator, deputy, contact points, involved agencies"
OWN_OR_OPEN = f"the agency itself; once it is openly involved, {AROUND}, and the family"
WHO_LEADS = f"{AROUND}, agencies that see who leads, and the family"
PROPOSAL = "the professional it is proposed to, the lead coordinator and the registrar"
LEAD_AND_REGISTRAR = "the lead coordinator and the registrar"
OVERSIGHT = "the lead coordinator, the registrar and the privacy officer"
CONSENTS = "the lead coordinator, the registrar and the member whose decision it is"
MEASURES = "lead coordinator, deputy, registrar, the agency that carries it out, and who may look for the child"
MEMBERS = f"{AROUND}, and the family; of a shielded person only the first two"
OWN_AGENCY = "the agency's own system"
OWN_SUBSCRIPTION = "whose it is: the agency's own system, or the registrar of the municipality"
OWN_REGISTRATION = "the agency's own system and the professional it names"
REGISTRAR = "the registrar of the municipality"
ENTITLEMENTS = f"{OWN_AGENCY}, and the municipality's registrar and privacy officer"

E = EventType
TOLD: dict[EventType, tuple[str, str]] = {
    E.MUNICIPALITY_REGISTERED: ("A municipality begins to use Spil.", REGISTRAR),
    E.MUNICIPALITY_CHANGED: ("A municipality's name or access team is another one.", REGISTRAR),
    E.HELP_DOMAIN_ADDED: ("A municipality adds a help domain to the list.", REGISTRAR),
    E.AGENCY_REGISTERED: ("An agency is registered.", OWN_AGENCY),
    E.AGENCY_CHANGED: ("An agency's details change, or it becomes active or inactive.", OWN_AGENCY),
    E.CLIENT_REGISTERED: ("A system of the agency may ask for tokens.", OWN_AGENCY),
    E.CLIENT_DEACTIVATED: ("A system of the agency may no longer ask for tokens.", OWN_AGENCY),
    E.CLIENT_KEY_ADDED: ("A system of the agency has another public key.", OWN_AGENCY),
    E.CLIENT_KEY_REMOVED: ("A system of the agency has one public key less.", OWN_AGENCY),
    E.PROFESSIONAL_REGISTERED: ("An agency registers a professional.", OWN_AGENCY),
    E.PROFESSIONAL_CHANGED: ("A professional's details change, or they become active or inactive.", OWN_AGENCY),
    E.ABSENCE_REPORTED: ("A professional will be absent, with or without a colleague who covers.", OWN_AGENCY),
    E.ABSENCE_WITHDRAWN: ("An absence is taken back or ended early.", OWN_AGENCY),
    E.ENTITLEMENT_GIVEN: ("A municipality entitles an agency to emergency access.", ENTITLEMENTS),
    E.ENTITLEMENT_ENDED: ("An entitlement to emergency access ends.", ENTITLEMENTS),
    E.PERSON_REGISTERED: ("A municipality records a person.", REGISTRAR),
    E.PERSON_CHANGED: ("A person's record is corrected.", REGISTRAR),
    E.PERSON_MERGED: ("Two records turn out to be of one person.", REGISTRAR),
    E.PERSON_MERGE_UNDONE: ("A merge of two persons is undone.", REGISTRAR),
    E.FAMILY_OPENED: ("A coordinated approach to a family begins.", f"{AROUND}, and the family"),
    E.FAMILY_CHANGED: ("A family's name, framework or strategy changes.", f"{AROUND}, and the family"),
    E.FAMILY_CLOSED: ("The coordinated approach ends.", "the registrar and the family"),
    E.FAMILY_REOPENED: ("The coordinated approach begins again.", f"{AROUND}, and the family"),
    E.FAMILY_MOVED: ("Another municipality becomes responsible.", f"{AROUND}, and the family"),
    E.FAMILY_MERGED: ("Two families turn out to be one.", LEAD_AND_REGISTRAR),
    E.FAMILY_MERGE_UNDONE: ("A merge of two families is undone.", LEAD_AND_REGISTRAR),
    E.MEMBER_JOINED: ("Somebody becomes a member of a family.", MEMBERS),
    E.MEMBER_CHANGED: (
        "What a member is in the family changes.",
        MEMBERS,
    ),
    E.MEMBER_LEFT: ("Somebody leaves a family.", MEMBERS),
    E.CONSENT_GIVEN: ("A member consents to sharing.", CONSENTS),
    E.CONSENT_OBJECTED: ("A member objects to sharing.", CONSENTS),
    E.CONSENT_WITHDRAWN: ("A consent or an objection is taken back.", CONSENTS),
    E.CONSENT_CARRIED_OVER: ("What was said of sharing goes along to a merged family.", CONSENTS),
    E.MEASURE_RECORDED: ("A child protection measure is recorded.", MEASURES),
    E.MEASURE_CHANGED: ("What is recorded of a measure changes.", MEASURES),
    E.MEASURE_EXTENDED: ("A measure runs for longer.", MEASURES),
    E.MEASURE_ENDED: ("A measure ends.", MEASURES),
    E.INVOLVEMENT_INVITED: ("An agency is invited to a family.", f"the invited agency, {LEAD_AND_REGISTRAR}"),
    E.INVOLVEMENT_DECLINED: ("An invited agency declines.", LEAD_AND_REGISTRAR),
    E.INVOLVEMENT_WITHDRAWN: ("An invitation is taken back.", LEAD_AND_REGISTRAR),
    E.INVOLVEMENT_STARTED: ("An agency becomes involved with a family.", OWN_OR_OPEN),
    E.INVOLVEMENT_CHANGED: ("The terms of an involvement change.", OWN_OR_OPEN),
    E.INVOLVEMENT_CONFIRMED: ("An agency says that it still is involved.", OWN_OR_OPEN),
    E.INVOLVEMENT_DISCLOSED: ("An agency is shown more, or less, of the others.", OWN_OR_OPEN),
    E.INVOLVEMENT_ENDED: ("An involvement ends.", f"{AROUND}, and the family"),
    E.REGISTRATION_MADE: ("An agency registers a person.", f"{OWN_REGISTRATION}; without a BSN {REGISTRAR}"),
    E.REGISTRATION_RELATIVE_NAMED: ("An agency names a parent or child of the person.", OWN_AGENCY),
    E.REGISTRATION_CHANGED: ("A registration changes.", OWN_REGISTRATION),
    E.REGISTRATION_RENEWED: ("An agency says that its registration still holds.", OWN_REGISTRATION),
    E.REGISTRATION_CONFIRMED: ("The registrar says who a registered person is.", OWN_REGISTRATION),
    E.REGISTRATION_REJECTED: ("The registrar can't say who a registered person is.", OWN_REGISTRATION),
    E.REGISTRATION_JOINED: ("A registration has become an involvement with a family.", OWN_REGISTRATION),
    E.REGISTRATION_LEFT: ("A registration is no longer part of a family, and waits again.", OWN_REGISTRATION),
    E.REGISTRATION_MATCH_SHARED: ("Another agency is involved with this person: consult.", OWN_REGISTRATION),
    E.REGISTRATION_CONSULTED: ("The agency has recorded that it consulted the others.", OWN_REGISTRATION),
    E.REGISTRATION_ENDED: ("A registration ends.", OWN_REGISTRATION),
    E.REGISTRATION_EXPIRED: ("A registration has run out.", OWN_REGISTRATION),
    E.MATCH_FOUND: ("Registrations match each other or a family.", REGISTRAR),
    E.MATCH_SHARED: ("The agencies of a match were told of each other.", REGISTRAR),
    E.MATCH_JOINED: ("A match has become part of a family.", REGISTRAR),
    E.MATCH_DISMISSED: ("The registrar sees no match in it.", REGISTRAR),
    E.MATCH_CONSULTED: ("The agencies of a match have consulted each other.", REGISTRAR),
    E.MATCH_LAPSED: ("A match is over, as one of its registrations is.", REGISTRAR),
    E.MANDATE_PROPOSED: ("Somebody is asked to lead.", PROPOSAL),
    E.MANDATE_DECLINED: ("A proposal to lead is declined.", LEAD_AND_REGISTRAR),
    E.MANDATE_WITHDRAWN: ("A proposal to lead is taken back.", LEAD_AND_REGISTRAR),
    E.MANDATE_GRANTED: ("A lead coordinator has the mandate.", WHO_LEADS),
    E.MANDATE_CHANGED: ("The powers or the term of a mandate change.", f"{AROUND}, and the family"),
    E.MANDATE_ENDED: ("A mandate ends.", WHO_LEADS),
    E.MANDATE_GAP_OPENED: ("A family has no lead coordinator.", WHO_LEADS),
    E.DEPUTY_NAMED: ("A deputy stands in for the lead coordinator.", f"{AROUND}, and the family"),
    E.DEPUTY_ENDED: ("A deputy no longer stands in.", f"{AROUND}, and the family"),
    E.CONTACT_POINT_ASSIGNED: ("A help domain has a contact point, or another one.", WHO_LEADS),
    E.CONTACT_POINT_ENDED: ("Somebody is no longer the contact point of a help domain.", WHO_LEADS),
    E.CONTACT_POINT_GAP_OPENED: ("A help domain has lost its contact point.", WHO_LEADS),
    E.CONTACT_POINT_GAP_CLOSED: ("A help domain needs no contact point any more.", WHO_LEADS),
    E.DISCLOSURE_HOLD_PLACED: ("Members are not yet shown who looks from now on.", OVERSIGHT),
    E.DISCLOSURE_HOLD_LIFTED: ("Members are shown again who looked.", OVERSIGHT),
    E.EMERGENCY_ACCESS_OPENED: ("A professional opened the family in an emergency.", OVERSIGHT),
    E.EMERGENCY_ACCESS_ENDED: ("An emergency access is over.", OVERSIGHT),
    E.EMERGENCY_ACCESS_REVIEWED: ("The privacy officer has looked into an emergency access.", OVERSIGHT),
    E.CASELOAD_SYNCHRONISATION_RECEIVED: ("An agency has sent its whole caseload.", OWN_AGENCY),
    E.CASELOAD_SYNCHRONISATION_CONFIRMED: ("The agency has a compared caseload carried out.", OWN_AGENCY),
    E.CASELOAD_SYNCHRONISATION_HELD: ("A caseload would end so much that the agency has to say so.", OWN_AGENCY),
    E.CASELOAD_SYNCHRONISATION_COMPARED: ("It is known what a caseload would change.", OWN_AGENCY),
    E.CASELOAD_SYNCHRONISATION_COMPLETED: ("A caseload has been carried out.", OWN_AGENCY),
    E.CASELOAD_SYNCHRONISATION_STOPPED: ("A caseload is not carried out any further.", OWN_AGENCY),
    E.SUBSCRIPTION_MADE: ("Somebody asks to be told of events at an address.", OWN_SUBSCRIPTION),
    E.SUBSCRIPTION_CHANGED: ("What a subscription delivers, or where, changes.", OWN_SUBSCRIPTION),
    E.SUBSCRIPTION_CHALLENGED: ("The address of a subscription has to be verified (anew).", OWN_SUBSCRIPTION),
    E.SUBSCRIPTION_VERIFIED: ("The address of a subscription gave its challenge back.", OWN_SUBSCRIPTION),
    E.SUBSCRIPTION_TESTED: ("A test event is delivered by a subscription.", OWN_SUBSCRIPTION),
    E.SUBSCRIPTION_PAUSED: ("A subscription delivers nothing for a while.", OWN_SUBSCRIPTION),
    E.SUBSCRIPTION_RESUMED: ("A subscription delivers again.", OWN_SUBSCRIPTION),
    E.SUBSCRIPTION_REPLAYED: ("Events are delivered by a subscription once more.", OWN_SUBSCRIPTION),
    E.SUBSCRIPTION_DISABLED: ("A subscription delivers nothing until it is verified anew.", OWN_SUBSCRIPTION),
    E.SUBSCRIPTION_KEY_ADDED: ("A second key signs what a subscription delivers.", OWN_SUBSCRIPTION),
    E.SUBSCRIPTION_KEY_REMOVED: ("A key no longer signs what a subscription delivers.", OWN_SUBSCRIPTION),
    E.SUBSCRIPTION_REMOVED: ("A subscription is removed.", OWN_SUBSCRIPTION),
}
"""When it is told, and to whom: as far as each may see it when they read it."""


@dataclass(frozen=True)
class Told:
    """What is said of a type of event."""

    type: EventType
    name: str
    """Its name outside: the type of the CloudEvent."""
    when: str
    to_whom: str
    link: str
    """Where to look, with `{familyId}` and `{about}` in it."""


def _told(kind: EventType) -> Told:
    about, verb = kind.split(".")
    when, to_whom = TOLD[kind]
    name = f"{PREFIX}.{PLURALS[about]}.{verb.replace('_', '-')}"
    return Told(kind, name, when, to_whom, LINKS_OF.get(kind) or LINKS.get(about, FAMILY))


CATALOGUE: dict[EventType, Told] = {kind: _told(kind) for kind in TOLD}


def matching(pattern: str) -> list[EventType]:
    """The types that a pattern names: one type, or all about something, as in `involvement.*`."""
    about, _, verb = pattern.partition(".")
    return [kind for kind in CATALOGUE if kind == pattern or (verb == "*" and kind.startswith(f"{about}."))]
