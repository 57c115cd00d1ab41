"""The second half of the story: registrations and matches, emergencies, duplicates, and who saw what."""

from tests.wire.examples.chapters import CHAPTERS, DEBT_HELP, LEAD, LINDE, MEMBER, YOUTH_HELP
from tests.wire.examples.joining_chapters import SUBSCRIPTIONS, SYNCHRONISATIONS
from tests.wire.examples.step import OFFICER, REGISTRAR, WORK, Chapter, aside, professional, step

CRISIS_WORKER = professional("crisisWorkerId")
DEBT_TASK = {"legalBasis": "statutory_task", "legalGround": "debt_help"}


def _registration(bsn: str | None, basis: dict[str, str], domain: str, **more: object) -> dict[str, object]:
    who = {"bsn": bsn} if bsn else {}
    return {"municipalityCode": "{municipalityCode}", **who, "helpDomains": [domain], **basis, **more}


def _a_match(bsn: str, kept: str) -> Chapter:
    """Two agencies register one person, whom no family has."""
    mine, theirs = _registration(bsn, YOUTH_HELP, "parenting"), _registration(bsn, DEBT_TASK, "finances")
    return (
        aside("make_registration", LINDE, mine, keep={f"{kept}Registration": "id"}),
        aside("make_registration", DEBT_HELP, theirs),
        WORK,
        aside("list_matches", REGISTRAR, query={"state": "found"}, keep={kept: "items.0.id"}),
    )


def _unknown(given: str) -> dict[str, object]:
    named = {"givenName": given, "surname": "Mulder", "birthDate": "2016-03-04"}
    return _registration(None, YOUTH_HELP, "parenting", **named)


REGISTRATIONS: Chapter = (
    step(
        "make_registration",
        LINDE,
        _registration("999990044", YOUTH_HELP, "parenting", contactFrequency="weekly"),
        keep={"registrationId": "id"},
    ),
    step("list_registrations", LINDE),
    step("get_registration", LINDE),
    step("change_registration", LINDE, {"contactFrequency": "fortnightly"}),
    step("renew_registration", LINDE),
    aside("make_registration", LINDE, _unknown("Jip"), keep={"unconfirmedId": "id"}),
    step("list_unconfirmed_registrations", REGISTRAR),
    step(
        "confirm_registered_person",
        REGISTRAR,
        {"person": {"givenName": "Jip", "surname": "Mulder", "birthDate": "2016-03-04", "bsn": "999990068"}},
        at={"registrationId": "unconfirmedId"},
    ),
    aside("make_registration", LINDE, _unknown("Pim"), keep={"rejectedId": "id"}),
    step("reject_registration", REGISTRAR, at={"registrationId": "rejectedId"}),
)

MATCHES: Chapter = (
    *_a_match("999990056", "matchId"),
    step("list_matches", REGISTRAR, query={"state": "found"}),
    step("get_match", REGISTRAR),
    step("share_match", REGISTRAR),
    step("record_consultation", LINDE, at={"registrationId": "matchIdRegistration"}),
    step("end_registration", LINDE, {"reason": "no_longer_needed"}),
    *_a_match("999990081", "dismissedMatch"),
    step("dismiss_match", REGISTRAR, at={"matchId": "dismissedMatch"}),
    *_a_match("999990093", "joiningMatch"),
    step("join_match", REGISTRAR, {"familyId": "{otherFamilyId}"}, at={"matchId": "joiningMatch"}),
    *_a_match("999990111", "openingMatch"),
    step(
        "open_matched_family",
        REGISTRAR,
        {
            "name": "Jansen",
            "framework": "voluntary",
            "members": [
                {
                    "registrationId": "{openingMatchRegistration}",
                    "person": {"givenName": "Lot", "surname": "Jansen", "birthDate": "1990-07-08"},
                    "role": "parent",
                    "parentalAuthority": True,
                }
            ],
        },
        at={"matchId": "openingMatch"},
    ),
    step("get_match_follow_up", REGISTRAR),
)

EMERGENCIES: Chapter = (
    step("entitle_agency", REGISTRAR, {"agencyId": "{safeAtHomeId}"}, keep={"entitlementId": "id"}),
    step("list_entitlements", REGISTRAR),
    step(
        "open_in_emergency",
        CRISIS_WORKER,
        {"municipalityCode": "{municipalityCode}", "familyId": "{familyId}", "reason": "missing_child"},
        keep={"emergencyAccessId": "items.0.id"},
    ),
    step("list_emergency_accesses", OFFICER),
    step("end_emergency_access", CRISIS_WORKER),
    step("review_emergency_access", OFFICER),
    step("end_entitlement", REGISTRAR),
)


def _twin(given: str, kept: str) -> Chapter:
    person = {"givenName": given, "surname": "Bakker", "birthDate": "2012-06-01"}
    family = {"name": "Bakker", "framework": "voluntary", "members": [{"person": person, "role": "child"}]}
    return (
        aside("open_family", REGISTRAR, family, keep={f"{kept}FamilyId": "id"}),
        aside("list_members", REGISTRAR, at={"familyId": f"{kept}FamilyId"}, keep={f"{kept}Id": "items.0.personId"}),
    )


DUPLICATES: Chapter = (
    *_twin("Fleur", "twin"),
    *_twin("Floor", "double"),
    step("list_possible_duplicates", REGISTRAR),
    step("list_possible_duplicate_families", REGISTRAR),
    step(
        "merge_family",
        REGISTRAR,
        {"intoFamilyId": "{twinFamilyId}"},
        at={"familyId": "doubleFamilyId"},
        keep={"familyMergeId": "id"},
    ),
    aside("undo_merge", REGISTRAR, at={"mergeId": "familyMergeId"}),
    step("merge_person", REGISTRAR, {"intoPersonId": "{twinId}"}, at={"personId": "doubleId"}, keep={"mergeId": "id"}),
    step("list_merges", REGISTRAR),
    step("undo_merge", REGISTRAR),
)

EVENTS: Chapter = (
    WORK,
    step("list_events", LINDE, query={"familyId": "{familyId}", "limit": "2"}, keep={"cursor": "nextCursor"}),
    step("stream_events", LINDE, query={"familyId": "{familyId}", "cursor": "{cursor}"}),
)

DISCLOSURES: Chapter = (
    step("explain_access", REGISTRAR),
    step("check_access", LEAD, {"familyId": "{familyId}", "permission": "contact_point:assign"}),
    step("place_disclosure_hold", REGISTRAR, {"endsOn": "{+14}"}, keep={"holdId": "id"}),
    step("list_disclosure_holds", REGISTRAR),
    step("lift_disclosure_hold", REGISTRAR),
    step("list_disclosures", OFFICER, query={"familyId": "{familyId}", "limit": "2"}),
    step("search_disclosures", OFFICER, {"bsn": "999990032"}, query={"limit": "2"}),
    step("list_processing_log", OFFICER, query={"limit": "2"}),
    step("list_access_log", OFFICER, query={"limit": "2"}),
    step("list_my_disclosures", MEMBER, query={"limit": "2"}),
    step("release_contact_point", LEAD, at={"helpDomain": "parenting"}),
    step("end_mandate", REGISTRAR, {"reason": "completed"}),
)

STORY: tuple[Chapter, ...] = (
    *CHAPTERS,
    REGISTRATIONS,
    MATCHES,
    EMERGENCIES,
    DUPLICATES,
    EVENTS,
    SYNCHRONISATIONS,
    SUBSCRIPTIONS,
    DISCLOSURES,
)
