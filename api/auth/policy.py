"""Who may do what: the only place that decides. It is data; the functions below only look things up in it.

Whoever asks has a role, from their token. A role alone shows no family. What someone may do for a family follows from
their running relations to it, which one query finds; a lead coordinator and a deputy may do what the mandate gives
them the power to. Who has no relation at all can't tell the family from one that doesn't exist.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from api.domain.actor import Role
from api.domain.codes import Power


class Relation(StrEnum):
    """How someone can be related to a family."""

    REGISTRAR = "registrar"
    PRIVACY_OFFICER = "privacy_officer"
    LEAD_COORDINATOR = "lead_coordinator"
    DEPUTY = "deputy"
    CONTACT_POINT = "contact_point"
    INVOLVED_AGENCY = "involved_agency"
    CONSULTING_AGENCY = "consulting_agency"
    """Involved, and shown who leads and whom to call, not which agencies there are."""
    SIGNALLING_AGENCY = "signalling_agency"
    """Involved, and shown that others are, not who."""
    INVITED_AGENCY = "invited_agency"
    PROPOSED_LEAD = "proposed_lead"
    EMERGENCY = "emergency_access"
    """Opened it in an emergency, and looks for a few hours."""
    MEMBER = "member"


class Permission(StrEnum):
    """Everything that can be allowed. Every route names one of these."""

    DIRECTORY_READ = "directory:read"
    MUNICIPALITY_MANAGE = "municipality:manage"
    HELP_DOMAIN_ADD = "help_domain:add"
    AGENCY_REGISTER = "agency:register"
    AGENCY_CHANGE = "agency:change"
    CLIENT_REGISTER = "client:register"
    PROFESSIONAL_READ = "professional:read"
    PROFESSIONAL_MANAGE = "professional:manage"
    PROFESSIONAL_HAND_OVER = "professional:hand_over"
    ABSENCE_REPORT = "absence:report"
    PERSON_FIND = "person:find"
    PERSON_CHANGE = "person:change"
    PERSON_MERGE = "person:merge"
    CASELOAD_READ = "caseload:read"
    EVENT_READ = "event:read"
    SUBSCRIPTION_READ = "subscription:read"
    SUBSCRIPTION_MANAGE = "subscription:manage"
    DISCLOSURE_READ = "disclosure:read"
    DISCLOSURE_HOLD = "disclosure:hold"
    OWN_LOG_READ = "own_log:read"
    ENTITLEMENT_READ = "entitlement:read"
    ENTITLEMENT_GIVE = "entitlement:give"
    ACCESS_CHECK = "access:check"
    ACCESS_EXPLAIN = "access:explain"
    EMERGENCY_OPEN = "emergency:open"
    EMERGENCY_READ = "emergency:read"
    EMERGENCY_REVIEW = "emergency:review"
    REGISTRATION_MAKE = "registration:make"
    REGISTRATION_READ = "registration:read"
    REGISTRATION_MAINTAIN = "registration:maintain"
    REGISTRATION_CONFIRM = "registration:confirm"
    CASELOAD_SYNCHRONISE = "caseload:synchronise"
    MATCH_READ = "match:read"
    MATCH_DECIDE = "match:decide"
    MATCH_FOLLOW_UP = "match:follow_up"
    FAMILY_OPEN = "family:open"
    FAMILY_READ = "family:read"
    FAMILY_EXPORT = "family:export"
    FAMILY_CHANGE = "family:change"
    FAMILY_MERGE = "family:merge"
    MEMBER_MANAGE = "member:manage"
    TEAM_READ = "team:read"
    TIMELINE_READ = "timeline:read"
    INVOLVEMENT_EXPORT = "involvement:export"
    INVOLVEMENT_READ = "involvement:read"
    INVOLVEMENT_INVITE = "involvement:invite"
    INVOLVEMENT_DISCLOSE = "involvement:disclose"
    INVOLVEMENT_ANSWER = "involvement:answer"
    INVOLVEMENT_MAINTAIN = "involvement:maintain"
    CONSENT_READ = "consent:read"
    CONSENT_RECORD = "consent:record"
    MEASURE_READ = "measure:read"
    MEASURE_RECORD = "measure:record"
    MANDATE_READ = "mandate:read"
    MANDATE_PROPOSE = "mandate:propose"
    MANDATE_TRANSFER = "mandate:transfer"
    MANDATE_ANSWER = "mandate:answer"
    MANDATE_CHANGE = "mandate:change"
    MANDATE_END = "mandate:end"
    DEPUTY_NAME = "deputy:name"
    CONTACT_POINT_READ = "contact_point:read"
    CONTACT_POINT_ASSIGN = "contact_point:assign"


@dataclass(frozen=True)
class Rule:
    """Who has a permission: by role, where no family is concerned; by relation to the family otherwise."""

    roles: frozenset[Role] = frozenset()
    relations: frozenset[Relation] = frozenset()
    power: Power | None = None
    """The lead coordinator and the deputy have the permission too, if the mandate holds this power."""

    @property
    def of_relations(self) -> frozenset[Relation]:
        return self.relations | (LEADING if self.power else frozenset())

    @property
    def whose(self) -> str:
        """Who has it, for the description of the API."""
        names = ", ".join(sorted(self.roles or self.of_relations)).replace("_", " ")
        return f"By role: {names}." if self.roles else f"For a family, by relation: {names}."

    def described(self, permission: str) -> dict[str, object]:
        """The same for programs that read the description."""
        who: dict[str, object] = {"x-roles": sorted(self.roles)} if self.roles else {}
        who |= {"x-relations": sorted(self.relations)} if self.relations else {}
        return {"x-permission": permission, **who} | ({"x-power": self.power} if self.power else {})


def roles(*names: Role) -> Rule:
    return Rule(roles=frozenset(names))


def relations(*names: Relation, power: Power | None = None) -> Rule:
    return Rule(relations=frozenset(names), power=power)


R = Relation
LEADING = frozenset({R.LEAD_COORDINATOR, R.DEPUTY})
AROUND = (R.REGISTRAR, R.LEAD_COORDINATOR, R.DEPUTY, R.CONTACT_POINT, R.INVOLVED_AGENCY)
IN_STAGES = (R.CONSULTING_AGENCY, R.SIGNALLING_AGENCY)
"""Involved agencies that are not shown everything: disclosure goes in stages."""
STAFF = (Role.AGENCY_SYSTEM, Role.PROFESSIONAL, Role.REGISTRAR, Role.PRIVACY_OFFICER, Role.PLATFORM_ADMINISTRATOR)

RULES: dict[Permission, Rule] = {
    # Where no family is concerned
    Permission.DIRECTORY_READ: roles(*STAFF, Role.ANALYST, Role.FAMILY_MEMBER),
    Permission.MUNICIPALITY_MANAGE: roles(Role.PLATFORM_ADMINISTRATOR),
    Permission.HELP_DOMAIN_ADD: roles(Role.REGISTRAR),
    Permission.AGENCY_REGISTER: roles(Role.PLATFORM_ADMINISTRATOR, Role.REGISTRAR),
    Permission.AGENCY_CHANGE: roles(Role.PLATFORM_ADMINISTRATOR, Role.AGENCY_SYSTEM),
    Permission.CLIENT_REGISTER: roles(Role.PLATFORM_ADMINISTRATOR),
    Permission.PROFESSIONAL_READ: roles(*STAFF),
    Permission.PROFESSIONAL_MANAGE: roles(Role.PLATFORM_ADMINISTRATOR, Role.AGENCY_SYSTEM),
    Permission.PROFESSIONAL_HAND_OVER: roles(Role.AGENCY_SYSTEM),
    Permission.ABSENCE_REPORT: roles(Role.AGENCY_SYSTEM, Role.PROFESSIONAL),
    Permission.PERSON_FIND: roles(Role.REGISTRAR),
    Permission.PERSON_CHANGE: roles(Role.REGISTRAR),
    Permission.PERSON_MERGE: roles(Role.REGISTRAR),
    Permission.REGISTRATION_MAKE: roles(Role.AGENCY_SYSTEM, Role.PROFESSIONAL),
    Permission.REGISTRATION_READ: roles(Role.AGENCY_SYSTEM, Role.PROFESSIONAL),
    Permission.REGISTRATION_MAINTAIN: roles(Role.AGENCY_SYSTEM, Role.PROFESSIONAL),
    Permission.REGISTRATION_CONFIRM: roles(Role.REGISTRAR),
    Permission.CASELOAD_SYNCHRONISE: roles(Role.AGENCY_SYSTEM),
    Permission.MATCH_READ: roles(Role.REGISTRAR),
    Permission.MATCH_DECIDE: roles(Role.REGISTRAR),
    Permission.MATCH_FOLLOW_UP: roles(Role.REGISTRAR, Role.ANALYST),
    Permission.FAMILY_OPEN: roles(Role.REGISTRAR),
    Permission.INVOLVEMENT_EXPORT: roles(Role.AGENCY_SYSTEM, Role.PROFESSIONAL),
    Permission.CASELOAD_READ: roles(Role.AGENCY_SYSTEM, Role.PROFESSIONAL, Role.REGISTRAR, Role.FAMILY_MEMBER),
    Permission.EVENT_READ: roles(
        Role.AGENCY_SYSTEM, Role.PROFESSIONAL, Role.REGISTRAR, Role.PRIVACY_OFFICER, Role.FAMILY_MEMBER
    ),
    Permission.SUBSCRIPTION_READ: roles(Role.AGENCY_SYSTEM, Role.REGISTRAR),
    Permission.SUBSCRIPTION_MANAGE: roles(Role.AGENCY_SYSTEM, Role.REGISTRAR),
    Permission.DISCLOSURE_READ: roles(Role.PRIVACY_OFFICER),
    Permission.OWN_LOG_READ: roles(Role.FAMILY_MEMBER),
    Permission.ENTITLEMENT_READ: roles(Role.AGENCY_SYSTEM, Role.PROFESSIONAL, Role.REGISTRAR, Role.PRIVACY_OFFICER),
    Permission.ENTITLEMENT_GIVE: roles(Role.REGISTRAR),
    Permission.ACCESS_CHECK: roles(*STAFF, Role.ANALYST, Role.FAMILY_MEMBER),
    Permission.EMERGENCY_OPEN: roles(Role.PROFESSIONAL),
    Permission.EMERGENCY_READ: roles(Role.PROFESSIONAL, Role.REGISTRAR, Role.PRIVACY_OFFICER),
    Permission.EMERGENCY_REVIEW: roles(Role.PRIVACY_OFFICER),
    # For one family
    Permission.FAMILY_READ: relations(*AROUND, R.EMERGENCY, R.MEMBER),
    Permission.FAMILY_EXPORT: relations(R.REGISTRAR, R.MEMBER),
    Permission.FAMILY_CHANGE: relations(R.REGISTRAR),
    Permission.FAMILY_MERGE: relations(R.REGISTRAR),
    Permission.ACCESS_EXPLAIN: relations(R.REGISTRAR, R.LEAD_COORDINATOR, R.PRIVACY_OFFICER),
    Permission.DISCLOSURE_HOLD: relations(R.REGISTRAR, R.LEAD_COORDINATOR, R.PRIVACY_OFFICER),
    Permission.MEMBER_MANAGE: relations(R.REGISTRAR),
    Permission.TEAM_READ: relations(*AROUND, *IN_STAGES, R.EMERGENCY, R.MEMBER),
    Permission.TIMELINE_READ: relations(*AROUND, R.MEMBER),
    Permission.INVOLVEMENT_READ: relations(*AROUND, *IN_STAGES, R.MEMBER, R.INVITED_AGENCY),
    Permission.INVOLVEMENT_INVITE: relations(R.REGISTRAR, power=Power.INVITE_AGENCIES),
    Permission.INVOLVEMENT_ANSWER: relations(R.INVITED_AGENCY),
    Permission.INVOLVEMENT_MAINTAIN: relations(R.INVOLVED_AGENCY, *IN_STAGES),
    Permission.INVOLVEMENT_DISCLOSE: relations(R.REGISTRAR, R.LEAD_COORDINATOR),
    Permission.CONSENT_READ: relations(R.REGISTRAR, R.LEAD_COORDINATOR, R.MEMBER),
    Permission.CONSENT_RECORD: relations(R.REGISTRAR, R.LEAD_COORDINATOR, R.MEMBER),
    Permission.MEASURE_READ: relations(*AROUND, R.MEMBER),
    Permission.MEASURE_RECORD: relations(R.REGISTRAR, R.INVOLVED_AGENCY),
    Permission.MANDATE_READ: relations(*AROUND, R.MEMBER, R.PROPOSED_LEAD),
    Permission.MANDATE_PROPOSE: relations(R.REGISTRAR),
    Permission.MANDATE_TRANSFER: relations(R.REGISTRAR, R.LEAD_COORDINATOR),
    Permission.MANDATE_ANSWER: relations(R.PROPOSED_LEAD),
    Permission.MANDATE_CHANGE: relations(R.REGISTRAR),
    Permission.MANDATE_END: relations(R.REGISTRAR, R.LEAD_COORDINATOR),
    Permission.DEPUTY_NAME: relations(R.REGISTRAR, R.LEAD_COORDINATOR),
    Permission.CONTACT_POINT_READ: relations(*AROUND, R.CONSULTING_AGENCY, R.EMERGENCY, R.MEMBER),
    Permission.CONTACT_POINT_ASSIGN: relations(R.REGISTRAR, power=Power.ASSIGN_CONTACT_POINTS),
}

FIELDS: dict[str, frozenset[Relation]] = {
    "shielded": frozenset({R.REGISTRAR, R.LEAD_COORDINATOR}),
    "birth_date": frozenset({R.REGISTRAR, R.LEAD_COORDINATOR, R.DEPUTY}),
    "strategy": frozenset(AROUND),
    "consents": frozenset({R.REGISTRAR, R.LEAD_COORDINATOR}),
    "measures": frozenset({R.REGISTRAR, R.LEAD_COORDINATOR, R.DEPUTY}),
    "lead": frozenset({*AROUND, R.CONSULTING_AGENCY, R.EMERGENCY, R.MEMBER}),
    "agencies": frozenset({*AROUND, R.EMERGENCY, R.MEMBER}),
    "timeline": frozenset({*AROUND, R.MEMBER}),
    "oversight": frozenset({R.REGISTRAR, R.LEAD_COORDINATOR, R.PRIVACY_OFFICER}),
}
"""Who sees what not everybody related to a family sees: `lead` and `agencies` are the later stages of disclosure,
`shielded` holds shielded persons too, `oversight` is who looked in an emergency and what is kept from own logs. An
agency always sees its own involvement and the measures it carries out, a member their own membership, and the consents
and measures that are theirs or of children they decide for."""

RELATIONS_OF: dict[Role, tuple[Relation, ...]] = {
    Role.AGENCY_SYSTEM: (R.INVOLVED_AGENCY, *IN_STAGES, R.INVITED_AGENCY),
    Role.PROFESSIONAL: (
        R.LEAD_COORDINATOR,
        R.DEPUTY,
        R.CONTACT_POINT,
        R.INVOLVED_AGENCY,
        *IN_STAGES,
        R.INVITED_AGENCY,
        R.PROPOSED_LEAD,
        R.EMERGENCY,
    ),
    Role.REGISTRAR: (R.REGISTRAR,),
    Role.PRIVACY_OFFICER: (R.PRIVACY_OFFICER,),
    Role.FAMILY_MEMBER: (R.MEMBER,),
    Role.ANALYST: (),
    Role.PLATFORM_ADMINISTRATOR: (),
}


@dataclass(frozen=True)
class Standing:
    """One running relation to a family, what it may do by mandate, and the legal basis it rests on."""

    relation: Relation
    powers: tuple[str, ...] = ()
    legal_basis: str | None = None


@dataclass(frozen=True)
class Access:
    """What someone may do and see, once their role and relations are known."""

    role: Role
    standings: tuple[Standing, ...] = field(default=())

    def sees(self, name: str) -> bool:
        return any(standing.relation in FIELDS[name] for standing in self.standings)

    def has(self, relation: Relation) -> bool:
        return any(standing.relation is relation for standing in self.standings)

    def by(self, permission: Permission) -> Standing | None:
        """The standing that gives this permission."""
        rule = RULES[permission]
        for standing in self.standings:
            if standing.relation in rule.relations:
                return standing
            if rule.power and standing.relation in LEADING and rule.power in standing.powers:
                return standing
        return None

    def lacks(self, permission: Permission) -> Power | None:
        """The power that would have given this permission to this lead coordinator or deputy."""
        leads = any(standing.relation in LEADING for standing in self.standings)
        return RULES[permission].power if leads else None
