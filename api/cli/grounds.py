"""Which statutory task an agency of each kind would name, in families that are made up."""

from api.domain.codes import AgencyKind

GROUND_OF: dict[AgencyKind, str] = {
    AgencyKind.YOUTH_CARE: "youth_help",
    AgencyKind.CERTIFIED_INSTITUTION: "youth_help",
    AgencyKind.CHILD_PROTECTION_BOARD: "child_protection_inquiry",
    AgencyKind.SAFE_AT_HOME: "safe_at_home",
    AgencyKind.CRISIS_SERVICE: "social_support",
    AgencyKind.WOMENS_SHELTER: "social_support",
    AgencyKind.DEBT_HELP: "debt_help",
    AgencyKind.HOUSING: "social_housing",
    AgencyKind.MENTAL_HEALTH: "treatment",
    AgencyKind.ADDICTION_CARE: "treatment",
    AgencyKind.DISABILITY_CARE: "long_term_care",
    AgencyKind.GENERAL_PRACTICE: "treatment",
    AgencyKind.YOUTH_HEALTH_CARE: "youth_health_care",
    AgencyKind.SOCIAL_WORK: "social_support",
    AgencyKind.WORK_AND_INCOME: "work_and_income",
    AgencyKind.SCHOOL: "school_absence",
    AgencyKind.POLICE: "police_task",
    AgencyKind.PROBATION: "probation_supervision",
    AgencyKind.MUNICIPALITY: "municipal_access",
}
