"""The first half of the story: who there is, and a family with everyone around it. All names are invented."""

from tests.wire.examples.step import (
    ADMINISTRATOR,
    NOBODY,
    REGISTRAR,
    WORK,
    Chapter,
    aside,
    professional,
    relative,
    step,
    system,
)

LINDE, DEBT_HELP = system("agencyId"), system("debtHelpId")
LEAD, COLLEAGUE = professional("professionalId"), professional("colleagueId")
YOUTH_HELP = {"legalBasis": "statutory_task", "legalGround": "youth_help"}
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def _municipality(code: str, name: str) -> dict[str, str]:
    return {
        "code": code,
        "name": name,
        "accessTeamName": f"Toegangsteam {name}",
        "accessTeamPhone": "+31 30 000 00 01",
        "accessTeamEmail": f"toegang@{name.lower()}.example",
    }


MUNICIPALITIES: Chapter = (
    step("register_municipality", ADMINISTRATOR, _municipality("9901", "Veenmeer"), keep={"municipalityCode": "code"}),
    aside("register_municipality", ADMINISTRATOR, _municipality("9902", "Duinrade"), keep={"elsewhere": "code"}),
    step("list_municipalities", REGISTRAR),
    step("get_municipality", REGISTRAR),
    step("change_municipality", ADMINISTRATOR, {"accessTeamPhone": "+31 30 000 00 02"}),
    step("list_help_domains", REGISTRAR),
    step("add_help_domain", REGISTRAR, {"code": "sports", "labelNl": "Sport en spel", "labelEn": "Sports and play"}),
    step("get_help_domain", REGISTRAR, at={"helpDomain": "sports"}),
    step("list_legal_grounds", REGISTRAR),
    step("list_purposes", REGISTRAR),
)


def _agency(name: str, kind: str, *domains: str) -> dict[str, object]:
    return {"name": name, "kind": kind, "phone": "+31 30 000 01 00", "email": None, "helpDomains": list(domains)}


def _professional(name: str, function: str) -> dict[str, str]:
    first = name.split()[0].lower()
    return {"name": name, "function": function, "phone": "+31 6 00 00 00 01", "email": f"{first}@linde.example"}


AGENCIES: Chapter = (
    step(
        "register_agency",
        ADMINISTRATOR,
        _agency("Jeugdhulp De Linde", "youth_care", "parenting", "child_development"),
        keep={"agencyId": "id"},
    ),
    aside("register_agency", REGISTRAR, _agency("Schuldhulp Veenmeer", "debt_help"), keep={"debtHelpId": "id"}),
    aside("register_agency", REGISTRAR, _agency("Veenmeer College", "school"), keep={"schoolId": "id"}),
    aside(
        "register_agency",
        REGISTRAR,
        _agency("Jeugdbescherming Noordwal", "certified_institution"),
        keep={"institutionId": "id"},
    ),
    aside("register_agency", REGISTRAR, _agency("Veilig Thuis Veenmeer", "safe_at_home"), keep={"safeAtHomeId": "id"}),
    step("list_agencies", REGISTRAR, query={"kind": "youth_care"}),
    step("get_agency", REGISTRAR),
    step("change_agency", LINDE, {"phone": "+31 30 000 01 01"}),
    step(
        "register_professional", LINDE, _professional("Marieke Terpstra", "gezinswerker"), keep={"professionalId": "id"}
    ),
    aside("register_professional", LINDE, _professional("Yasmina Belkadi", "pedagoog"), keep={"colleagueId": "id"}),
    aside(
        "register_professional",
        DEBT_HELP,
        _professional("Dennis Ruiter", "schuldhulpverlener"),
        at={"agencyId": "debtHelpId"},
        keep={"counsellorId": "id"},
    ),
    aside(
        "register_professional",
        system("safeAtHomeId"),
        _professional("Els Hoekstra", "crisiswerker"),
        at={"agencyId": "safeAtHomeId"},
        keep={"crisisWorkerId": "id"},
    ),
    step("list_professionals", LINDE, query={"agencyId": "{agencyId}"}),
    step("get_professional", LINDE),
    step("change_professional", LINDE, {"function": "jeugd- en gezinswerker"}),
    step(
        "report_absence",
        LINDE,
        {"startsOn": "{+10}", "endsOn": "{+17}", "coverId": "{colleagueId}"},
        keep={"absenceId": "id"},
    ),
    step("list_absences", LINDE),
    step("get_absence", LINDE),
    step("withdraw_absence", LINDE),
)

CLIENTS: Chapter = (
    step(
        "register_client",
        ADMINISTRATOR,
        {
            "agencyId": "{agencyId}",
            "name": "Dossier van De Linde",
            "jwks": {"keys": ["{publicKey}"]},
            "actsForProfessionals": True,
        },
        keep={"clientId": "id"},
    ),
    step("list_clients", ADMINISTRATOR, query={"agencyId": "{agencyId}"}),
    step("get_client", ADMINISTRATOR),
    step("get_jwks", NOBODY),
    step(
        "get_token",
        NOBODY,
        {
            "grant_type": "client_credentials",
            "client_assertion_type": JWT_BEARER,
            "client_assertion": "{assertion}",
            "scope": "caseload:read team:read",
        },
    ),
    step("add_client_key", ADMINISTRATOR, {"key": "{secondKey}"}),
    step("remove_client_key", ADMINISTRATOR, {"kid": "second-key"}),
    step("deactivate_client", ADMINISTRATOR),
)


def _person(given: str, surname: str, born: str, **more: object) -> dict[str, object]:
    return {"givenName": given, "surname": surname, "birthDate": born, **more}


PARENT = {
    "person": _person("Noor", "de Vries", "1986-05-02", bsn="999990032"),
    "role": "parent",
    "parentalAuthority": True,
}
CHILD = {"person": _person("Saar", "de Vries", "2017-11-30"), "role": "child"}


def _another_family(name: str, kept: str) -> Chapter:
    return (aside("open_family", REGISTRAR, {"name": name, "framework": "voluntary"}, keep={kept: "id"}),)


FAMILIES: Chapter = (
    step(
        "open_family",
        REGISTRAR,
        {"name": "De Vries", "framework": "voluntary", "strategy": "put_in_order", "members": [PARENT]},
        keep={"familyId": "id"},
    ),
    *_another_family("Van Dijk", "otherFamilyId"),
    *_another_family("Smit", "movingFamilyId"),
    step("get_family", REGISTRAR),
    step("change_family", REGISTRAR, {"strategy": "prop_and_support"}),
    step("add_member", REGISTRAR, CHILD, keep={"childId": "id", "childPersonId": "personId"}),
    step(
        "list_members", REGISTRAR, keep={"memberId": "items.role=parent.id", "personId": "items.role=parent.personId"}
    ),
    step("get_member", REGISTRAR),
    step("change_member", REGISTRAR, {"parentalAuthority": True}),
    step("move_member", REGISTRAR, {"familyId": "{otherFamilyId}"}, at={"memberId": "childId"}),
    aside("add_member", REGISTRAR, {"personId": "{childPersonId}", "role": "child"}, keep={"childId": "id"}),
    aside(
        "add_member",
        REGISTRAR,
        {"person": _person("Bo", "de Vries", "2003-02-14"), "role": "other"},
        keep={"leavingId": "id", "leavingPersonId": "personId"},
    ),
    step("end_membership", REGISTRAR, at={"memberId": "leavingId"}),
    step("search_persons", REGISTRAR, {"bsn": "999990032"}),
    step("get_person", REGISTRAR),
    step("change_person", REGISTRAR, {"givenName": "Noortje"}),
    step("close_family", REGISTRAR, {"closing": "completed"}, at={"familyId": "movingFamilyId"}),
    step("reopen_family", REGISTRAR, at={"familyId": "movingFamilyId"}),
    step("move_family", REGISTRAR, {"municipalityCode": "{elsewhere}"}, at={"familyId": "movingFamilyId"}),
)


def _invitation(agency: str, domain: str) -> dict[str, object]:
    return {"agencyId": f"{{{agency}}}", "helpDomains": [domain]}


INVOLVEMENTS: Chapter = (
    step("invite_agency", REGISTRAR, _invitation("agencyId", "parenting"), keep={"involvementId": "id"}),
    step("accept_invitation", LINDE, {**YOUTH_HELP, "professionalId": "{professionalId}"}),
    step(
        "start_involvement",
        LINDE,
        {**YOUTH_HELP, "helpDomains": ["child_development"], "professionalId": "{colleagueId}"},
        keep={"secondInvolvementId": "id"},
    ),
    step("list_involvements", REGISTRAR, query={"state": "running"}),
    step("get_involvement", REGISTRAR),
    step("change_involvement", LINDE, {"contactFrequency": "weekly"}),
    step("confirm_involvement", LINDE),
    step("end_involvement", LINDE, {"reason": "completed"}, at={"involvementId": "secondInvolvementId"}),
    aside("invite_agency", REGISTRAR, _invitation("schoolId", "child_development"), keep={"declinedId": "id"}),
    step("decline_invitation", system("schoolId"), {"reason": "no_capacity"}, at={"involvementId": "declinedId"}),
    aside("invite_agency", REGISTRAR, _invitation("schoolId", "child_development"), keep={"withdrawnId": "id"}),
    step("withdraw_invitation", REGISTRAR, at={"involvementId": "withdrawnId"}),
    aside("invite_agency", REGISTRAR, _invitation("debtHelpId", "finances"), keep={"debtInvolvementId": "id"}),
    aside(
        "accept_invitation",
        DEBT_HELP,
        {"legalBasis": "statutory_task", "legalGround": "debt_help", "professionalId": "{counsellorId}"},
        at={"involvementId": "debtInvolvementId"},
    ),
    step(
        "disclose_to_agency",
        REGISTRAR,
        {"stage": "lead_and_contact_points"},
        at={"involvementId": "debtInvolvementId"},
    ),
    aside("disclose_to_agency", REGISTRAR, {"stage": "agencies"}, at={"involvementId": "debtInvolvementId"}),
)


def _proposal(kept: str) -> dict[str, object]:
    return {
        "professionalId": f"{{{kept}}}",
        "powers": ["assign_contact_points", "invite_agencies"],
        "legalBasis": "consent",
        "endsOn": "{+180}",
    }


MANDATES: Chapter = (
    aside("propose_mandate", REGISTRAR, _proposal("professionalId"), keep={"declinedMandateId": "id"}),
    step("decline_mandate", LEAD, {"reason": "family_prefers_another"}, at={"mandateId": "declinedMandateId"}),
    aside("propose_mandate", REGISTRAR, _proposal("professionalId"), keep={"withdrawnMandateId": "id"}),
    step("withdraw_proposal", REGISTRAR, at={"mandateId": "withdrawnMandateId"}),
    step("propose_mandate", REGISTRAR, _proposal("professionalId"), keep={"mandateId": "id"}),
    step("accept_mandate", LEAD),
    step("list_mandates", REGISTRAR),
    step("get_mandate", REGISTRAR),
    step("change_mandate", REGISTRAR, {"powers": ["assign_contact_points", "invite_agencies", "convene"]}),
    step(
        "name_deputy",
        LEAD,
        {"professionalId": "{colleagueId}", "startsOn": "{+0}", "endsOn": "{+7}"},
        keep={"deputyId": "id"},
    ),
    step("list_deputies", LEAD),
    step("get_deputy", LEAD),
    step("assign_contact_point", LEAD, {"professionalId": "{professionalId}"}, at={"helpDomain": "parenting"}),
    aside("assign_contact_point", LEAD, {"professionalId": "{counsellorId}"}, at={"helpDomain": "finances"}),
    step("list_contact_points", DEBT_HELP),
    step("whom_to_call", DEBT_HELP, at={"helpDomain": "parenting"}),
    step("get_who_is_involved", DEBT_HELP),
    step("get_caseload", LINDE),
    step("get_timeline", LEAD, query={"limit": "3"}),
    step("end_deputy", LEAD),
    step("transfer_mandate", LEAD, {"professionalId": "{colleagueId}"}, keep={"nextMandateId": "id"}),
    step("export_involvements", LINDE),
    step("export_family", REGISTRAR, accept="application/x-ndjson"),
    step("hand_over_roles", LINDE, {"dryRun": True, "successorId": "{colleagueId}"}),
)

LEGAL_BASES: Chapter = (
    step(
        "record_consent",
        REGISTRAR,
        {"memberId": "{memberId}", "decision": "given", "agencyId": "{schoolId}", "endsOn": "{+180}"},
        keep={"consentId": "id"},
    ),
    step("list_consents", REGISTRAR),
    step("get_consent", REGISTRAR),
    step("withdraw_consent", REGISTRAR),
    step(
        "record_measure",
        REGISTRAR,
        {
            "memberId": "{childId}",
            "kind": "supervision_order",
            "agencyId": "{institutionId}",
            "endsOn": "{+180}",
            "conditions": [{"code": "school_attendance", "negotiable": False}],
        },
        keep={"measureId": "id"},
    ),
    step("list_measures", REGISTRAR),
    step("get_measure", REGISTRAR),
    step("change_measure", REGISTRAR, {"reviewOn": "{+90}"}),
    step("extend_measure", REGISTRAR, {"endsOn": "{+300}"}),
    step("end_measure", REGISTRAR, {"reason": "lifted"}),
)

CHAPTERS: tuple[Chapter, ...] = (
    MUNICIPALITIES,
    AGENCIES,
    CLIENTS,
    FAMILIES,
    INVOLVEMENTS,
    MANDATES,
    LEGAL_BASES,
    (WORK,),
)
MEMBER = relative("personId")
