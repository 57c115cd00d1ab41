"""For what something is shown: what the record of a disclosure says beside who and what."""

from enum import StrEnum

from api.auth.policy import Permission, Relation
from api.domain.actor import Role


class Purpose(StrEnum):
    """For what something is shown. The list with its labels and validity is in the database."""

    COORDINATION_OF_HELP = "coordination_of_help"
    ASSESSMENT_OF_SIGNALS = "assessment_of_signals"
    EMERGENCY = "emergency"
    OVERSIGHT = "oversight"
    OWN_DATA = "own_data"
    ADMINISTRATION = "administration"


PURPOSE_OF: dict[Relation, Purpose] = dict.fromkeys(Relation, Purpose.COORDINATION_OF_HELP) | {
    Relation.SIGNALLING_AGENCY: Purpose.ASSESSMENT_OF_SIGNALS,
    Relation.PRIVACY_OFFICER: Purpose.OVERSIGHT,
    Relation.EMERGENCY: Purpose.EMERGENCY,
    Relation.MEMBER: Purpose.OWN_DATA,
}
"""For what a family is shown to who has this relation to it."""

PURPOSE_OF_ROLE: dict[Role, Purpose] = dict.fromkeys(Role, Purpose.ADMINISTRATION) | {
    Role.REGISTRAR: Purpose.COORDINATION_OF_HELP,
    Role.PRIVACY_OFFICER: Purpose.OVERSIGHT,
    Role.FAMILY_MEMBER: Purpose.OWN_DATA,
}
"""The same where no family is concerned."""

ACTIVITIES: dict[str, frozenset[str]] = {
    "family_coordination": frozenset(
        {"family", "member", "team", "timeline", "involvement", "mandate", "deputy", "contact_point", "caseload"}
        | {"consent", "measure", "event"}
    ),
    "assessment_of_signals": frozenset({"person", "registration", "match"}),
    "oversight_of_disclosures": frozenset({"disclosure", "own_log", "access"}),
    "emergency_access": frozenset({"emergency"}),
}
"""The processing activities, as a municipality's register has them, by what a permission is about."""


def recorded(permission: Permission) -> dict[str, str]:
    """What the record of a disclosure says by this permission: the processing activity and the class of fields."""
    about = permission.partition(":")[0]
    known = (name for name, subjects in ACTIVITIES.items() if about in subjects)
    return {"activity": next(known, "administration"), "fields": about}
