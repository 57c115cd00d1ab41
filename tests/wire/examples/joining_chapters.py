"""The last part of the story: what an agency's system does by itself once it has joined."""

from tests.wire.examples.chapters import LINDE
from tests.wire.examples.step import WORK, Chapter, step

ROWS = """\
bsn,helpDomains,legalBasis,legalGround,contactFrequency
999990044,parenting,statutory_task,youth_help,weekly
999990123,parenting child_development,statutory_task,youth_help,
"""

SYNCHRONISATIONS: Chapter = (
    step(
        "synchronise_caseload",
        LINDE,
        ROWS,
        query={"municipalityCode": "{municipalityCode}", "dryRun": "true"},
        keep={"synchronisationId": "id"},
    ),
    WORK,
    step("list_caseload_synchronisations", LINDE),
    step("get_caseload_synchronisation", LINDE),
    step("list_caseload_rows", LINDE),
    step("carry_out_synchronisation", LINDE, {"mayEnd": 10}),
    WORK,
)

SUBSCRIPTIONS: Chapter = (
    step(
        "make_subscription",
        LINDE,
        {"url": "{receiver}", "types": ["involvement.*", "contact_point.assigned"], "familyIds": ["{familyId}"]},
        keep={"subscriptionId": "id"},
    ),
    WORK,
    step("list_subscriptions", LINDE),
    step("get_subscription", LINDE),
    step("test_subscription", LINDE),
    WORK,
    step("list_deliveries", LINDE),
    step("pause_subscription", LINDE),
    step("resume_subscription", LINDE),
    step("replay_deliveries", LINDE, {"since": "{earlier}"}),
    WORK,
    step("change_subscription", LINDE, {"types": ["involvement.*"]}),
    step("verify_subscription", LINDE),
    WORK,
    step("add_signing_key", LINDE, keep={"signingKeyId": "id"}),
    step("list_signing_keys", LINDE),
    step("get_signing_key", LINDE),
    step("remove_signing_key", LINDE),
    step("remove_subscription", LINDE),
)
