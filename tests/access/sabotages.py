"""Mistakes that somebody could make in the code of access, each with the test that notices.

A sabotage replaces text of the code (`tests/access/sabotaged.py`). Where row-level security stands behind what is
broken, no row is shown and the test passes; the same without it has to fail. `tests/access/test_power.py` tries some of
them, `python -m tests.campaigns.sabotage` all.
"""

from dataclasses import dataclass

Change = tuple[str, str, str]
"""A module, or a file of SQL in the domain; what stands there; what stands there instead."""


@dataclass(frozen=True)
class Sabotage:
    """What is changed, and the test that notices. `behind`: row-level security makes it harmless."""

    changes: tuple[Change, ...]
    test: str
    behind: bool = False


VISIBILITY, FIELDS, POLICY = "test_visibility.py", "test_fields.py", "test_policy.py"
DISCLOSURES, ORACLES, TOKENS = "test_disclosures.py", "test_oracles.py", "test_tokens.py"
WITHOUT_ROWS: Change = ("api.db", " -c role={role}", "")
CANT_TELL = "test_an_outsider_cant_tell_a_hidden_family_from_none"
ENDS = "test_when_a_relation_ends_the_next_request_finds_nothing"
RELATIONS, CALLS, GUARDS, VERIFIED = "api.auth.relations", "api.auth.calls", "api.auth.guards", "api.auth.tokens"


def one(module: str, old: str, new: str, test: str, behind: bool = False) -> Sabotage:
    path, _, name = test.partition("::")
    return Sabotage(((module, old, new),), f"{path if '/' in path else f'tests/access/{path}'}::{name}", behind)


def oracle(name: str) -> str:
    return f"{ORACLES}::test_existence_is_not_told_by[{name}]"


SABOTAGES: dict[str, Sabotage] = {
    # Who is related
    "an end is not looked at": one(
        RELATIONS,
        ' AND ({alias}.ends_at IS NULL OR {alias}.ends_at > statement_timestamp())"',
        '"',
        f"{VISIBILITY}::{ENDS}[involvement ended, for who is named]",
        behind=True,
    ),
    "an agency sees every agency's families": one(
        RELATIONS,
        'OF_MY_AGENCY = "role.agency_id = %(agency_id)s"',
        'OF_MY_AGENCY = "true"',
        f"{VISIBILITY}::{CANT_TELL}[uninvolved agency's system-plain]",
        behind=True,
    ),
    "a professional sees what their agency is involved with": one(
        RELATIONS,
        'Role.PROFESSIONAL: naming_me("involvement")',
        'Role.PROFESSIONAL: "involvement AS role"',
        f"{VISIBILITY}::{CANT_TELL}[colleague who isn't named-plain]",
        behind=True,
    ),
    "a registrar sees every municipality": one(
        RELATIONS,
        'RESPONSIBLE = "role.municipality_code = %(municipality_code)s"',
        'RESPONSIBLE = "true"',
        f"{VISIBILITY}::{CANT_TELL}[registrar elsewhere-plain]",
        behind=True,
    ),
    "whoever leads somebody leads everybody": one(
        RELATIONS,
        'MINE = "role.professional_id = %(professional_id)s"',
        'MINE = "true"',
        f"{VISIBILITY}::{CANT_TELL}[lead's colleague without a role-plain]",
        behind=True,
    ),
    "a cover stays": one(
        RELATIONS,
        'WHERE a.cover_id = %(professional_id)s AND {runs("a")})',
        "WHERE a.cover_id = %(professional_id)s)",
        f"{VISIBILITY}::{ENDS}[absence over, for the cover]",
        behind=True,
    ),
    "whoever borrows a professional's id is that professional": one(
        RELATIONS,
        "WHERE p.id = %(professional_id)s AND p.agency_id = %(agency_id)s AND p.active",
        "WHERE p.id = %(professional_id)s",
        oracle("an agency, or a professional, that is no longer active"),
        behind=True,
    ),
    "an invitation that is answered stays": one(
        RELATIONS,
        'f"{OF_MY_AGENCY} AND role.answer IS NULL"',
        "OF_MY_AGENCY",
        f"{VISIBILITY}::{ENDS}[invitation declined]",
        behind=True,
    ),
    "a small child looks": one(
        RELATIONS,
        "coalesce({OLD_ENOUGH}, role.role <> 'child')",
        "(true OR {OLD_ENOUGH})",
        f"{VISIBILITY}::test_a_child_may_look_from_twelve[11-0-False]",
        behind=True,
    ),
    "the caseload is of everybody": Sabotage(
        (
            (
                "caseload.sql",
                "SELECT DISTINCT family_id FROM relation ORDER BY family_id LIMIT %(limit)s",
                "SELECT id AS family_id FROM family ORDER BY changed_at DESC LIMIT %(limit)s",
            ),
            ("caseload.sql", " JOIN sees ON sees.family_id = f.id", " LEFT JOIN sees ON sees.family_id = f.id"),
        ),
        f"tests/access/{VISIBILITY}::test_an_outsiders_lists_dont_show_it",
        behind=True,
    ),
    "a person of any municipality": one(
        "api.domain.persons",
        "if person is None or person.municipality_code != work.actor.municipality_code:",
        "if person is None:",
        f"{VISIBILITY}::test_a_person_of_another_municipality_is_as_hidden",
        behind=True,
    ),
    "a part of any family": one(
        "api.domain.members",
        "member.family_id != family.id",
        "False",
        oracle("parts of a hidden family, below a family of one's own"),
        behind=True,
    ),
    "the record of every municipality": one(
        "api.domain.disclosures",
        "here = AuditRecord.municipality_code == code",
        "here = AuditRecord.decision != code",
        oracle("the filters of another officer's record of disclosures"),
        behind=True,
    ),
    # How a stranger is refused
    "a hidden family is refused in other words": one(
        CALLS,
        "        raise NotFound(NO_FAMILY, code=",
        '        there = connection.exec_driver_sql("SELECT 1 FROM family WHERE id = %(family_id)s", values).first()\n'
        '        raise NotFound(NO_FAMILY + (" " if there else ""), code=',
        f"{VISIBILITY}::{CANT_TELL}[uninvolved agency's system-with preconditions]",
        behind=True,
    ),
    "a family is locked before it is known who asks": one(
        RELATIONS,
        "WHERE f.id = %(family_id)s AND EXISTS (SELECT FROM related) FOR NO KEY UPDATE",
        "WHERE f.id = %(family_id)s FOR NO KEY UPDATE",
        oracle("a lock on the family, waited for"),
        behind=True,
    ),
    "a second family is not looked up": one(
        CALLS,
        "        _look_up(work.session, work.actor, family_id, self.operation)\n",
        "",
        f"{VISIBILITY}::test_a_family_named_in_a_body_is_as_hidden_as_one_in_a_path",
    ),
    "a replay comes before the policy": one(
        CALLS,
        "    access, at = _look_up(session, actor, family_id, operation)\n    work = Work(",
        "    import datetime\n"
        "    before = Work(session, actor, datetime.datetime.now(datetime.UTC), request.app.state.vault)\n"
        "    if claim and (kept := claim.earlier_answer(before)):\n"
        "        return kept\n"
        "    session.rollback()\n"
        "    access, at = _look_up(session, actor, family_id, operation)\n    work = Work(",
        oracle("idempotency replay, with one's own key, after the relation ended"),
    ),
    "an idempotency key is everybody's": one(
        "api.auth.requests",
        'caller=":".join(str(part) for part in astuple(actor))',
        'caller="anybody"',
        "tests/wire/test_idempotency.py::test_a_key_belongs_to_one_client",
    ),
    # What may be done
    "any relation may do anything": one(
        CALLS,
        "    if access.by(operation.permission) is None:\n",
        "    if not access.standings:\n",
        f"{POLICY}::test_a_relation_may_do_what_the_table_says_and_nothing_else[POST /members-parent]",
    ),
    "any role may do anything": one(
        GUARDS,
        "actor.role not in RULES[operation.permission].roles",
        "False",
        f"{POLICY}::test_a_role_may_do_what_the_table_says_and_nothing_else[GET /disclosures-M]",
    ),
    "a mandate has every power": one(
        "api.auth.policy",
        "rule.power in standing.powers",
        "True",
        "tests/test_powers_and_deputies.py::test_a_power_that_is_taken_away_is_gone_at_once",
    ),
    "If-Match is not looked at": one(
        "api.auth.preconditions",
        'tags_of(if_match) != ["*"] and not any(',
        'tags_of(if_match) == [""] and not any(',
        "tests/wire/test_preconditions.py::test_a_second_contact_point_needs_to_know_the_first",
    ),
    "whoever likes covers for a colleague": one(
        "api.routers.professionals",
        "not in (None, absent.id)",
        "in ()",
        "tests/test_agencies_and_professionals.py::test_nobody_becomes_the_cover_of_a_colleague_by_their_own_word",
    ),
    # What is shown
    "everybody sees what is shielded": one(
        "api.auth.policy",
        '"shielded": frozenset({R.REGISTRAR, R.LEAD_COORDINATOR})',
        '"shielded": frozenset(R)',
        f"{FIELDS}::test_a_shielded_involvement_shows_on_no_read[parent]",
    ),
    "everybody sees every field": one(
        "api.auth.policy",
        "return any(standing.relation in FIELDS[name] for standing in self.standings)",
        "return True",
        f"{FIELDS}::test_a_shielded_involvement_shows_on_no_read[deputy]",
    ),
    "everybody sees birth dates": one(
        "api.auth.policy",
        '"birth_date": frozenset({',
        '"birth_date": frozenset({*R, ',
        f"{FIELDS}::test_a_member_sees_their_own_birth_date_only[parent-1985-04-01]",
    ),
    "the timeline tells of shielded involvements": one(
        "knowable_events.sql",
        "(i.started_at IS NOT NULL AND NOT i.shielded)",
        "i.started_at IS NOT NULL",
        f"{FIELDS}::test_beside_an_open_involvement_a_shielded_one_of_the_same_agency_changes_nothing",
    ),
    "the timeline tells what a shielded agency did": one(
        "knowable_events.sql",
        "hidden.agency_id IN (e.agency_id",
        "false AND hidden.agency_id IN (e.agency_id",
        f"{FIELDS}::test_once_shielded_nothing_is_left_to_see_of_it",
    ),
    "an invited agency hears everything": one(
        "knowable_events.sql",
        "AND (fam.sees_timeline",
        "AND (true OR fam.sees_timeline",
        "tests/test_events.py::test_an_invited_agency_hears_of_its_invitation_only",
    ),
    "a cursor tells the places of events": one(
        "timeline.sql",
        "at, count(*) + CASE",
        "at, max(place) + CASE",
        oracle("a shielded involvement, by the pages and cursors of the timeline"),
    ),
    "a gap tells of a shielded involvement": one(
        "around.sql",
        "WHERE NOT inv.shielded AND NOT a.signal_only",
        "WHERE NOT a.signal_only",
        oracle("a shielded involvement, by gaps and help domains"),
    ),
    "another agency's involvement is refused in other words": one(
        "api.domain.involvements",
        "    involvement = work.session.get(Involvement, involvement_id)\n    own =",
        "    involvement = get(work, family, involvement_id)\n    own =",
        oracle("the id of a shielded involvement, below the family"),
    ),
    "an open invitation is told": one(
        "api.domain.involvements",
        "if known.answer is None and knows_others:",
        "if known.answer is None:",
        oracle("an invitation of a shielded agency, or of one that is invited already"),
    ),
    "the gap of a shielded involvement can be closed": one(
        "api.domain.contact_points",
        "not (knows_shielded or not continuity",
        "not (True or not continuity",
        oracle("the gap that an involvement left, which was shielded since"),
    ),
    # The record
    "a document leaves no record": one(
        "api.auth.documents",
        "WHERE document.body IS NOT NULL",
        "WHERE false",
        f"{DISCLOSURES}::test_the_caseload_leaves_one_record_per_family_shown",
    ),
    "a read leaves no record": one(
        CALLS,
        "    if isinstance(call, FamilyCall):\n        subjects",
        "    if False:\n        subjects",
        f"{DISCLOSURES}::test_every_read_of_a_family_leaves_one_record_for_each_person_it_is_about[registrar]",
    ),
    "a refusal leaves no record": one(
        "api.auth.answering",
        "            if about is not None:\n",
        "            if False:\n",
        f"{DISCLOSURES}::test_a_refusal_leaves_a_record_on_every_route",
    ),
    # Tokens
    "a token for any audience": one(
        VERIFIED,
        "            audience=audience,\n",
        '            audience=jwt.get_unverified_claims(token)["aud"],\n',
        f"{TOKENS}::test_a_hostile_token_is_a_401_like_any_other[other audience]",
    ),
    "a token that has expired": one(
        VERIFIED,
        '{"leeway": LEEWAY}',
        '{"leeway": 10**6}',
        f"{TOKENS}::test_a_hostile_token_is_a_401_like_any_other[expired]",
    ),
    "a token by any key": one(
        VERIFIED,
        'known = keys.get(header.get("kid", ""))',
        'known = keys.get(header.get("kid", "")) or next(iter(keys.values()), None)',
        f"{TOKENS}::test_a_hostile_token_is_a_401_like_any_other[kid unknown]",
    ),
    "a token for as long as one likes": one(
        VERIFIED,
        "<= LONGEST_LIFE",
        "<= 10**9",
        f"{TOKENS}::test_a_hostile_token_is_a_401_like_any_other[lives too long]",
    ),
}
