"""Drives the generated Python client: an agency's system makes, reads, changes and lists; a registrar does so too.

It runs by itself, with the client on its path, and says what it has made. `drive.ts` does the same.
"""

import json
import os
import secrets
import sys
import time
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from jose import jwt
from spil_client import (
    ApiClient,
    ApiException,
    CaseloadItem,
    ClientAssertionType,
    Configuration,
    ContactFrequency,
    FamiliesApi,
    FamilyChange,
    FamilyOpening,
    Framework,
    GrantType,
    InputPlace,
    LegalBasis,
    MemberRole,
    NewMember,
    NewRegistration,
    PersonRegistration,
    Problem,
    Registration,
    RegistrationChange,
    RegistrationsApi,
    TokensApi,
    WhoIsInvolvedApi,
)

GIVEN: dict[str, Any] = json.loads(os.environ["GIVEN"])
SPIL = os.environ["SPIL"]


def token() -> str:
    """The own issuer's, by client credentials."""
    system, now = os.environ["SPIL_CLIENT"], int(time.time())
    claims: dict[str, str | int] = {"iss": system, "sub": system, "aud": f"{SPIL}/oauth/token"}
    claims |= {"iat": now, "exp": now + 60, "jti": secrets.token_hex(16)}
    key, kid = Path(os.environ["SPIL_KEY"]).read_text(encoding="utf-8"), os.environ["SPIL_KEY_NAME"]
    assertion = jwt.encode(claims, key, "ES256", headers={"kid": kid})
    tokens = TokensApi(ApiClient(Configuration(host=SPIL, ignore_operation_servers=True)))
    given = tokens.get_token(assertion, ClientAssertionType.JWT_BEARER, GrantType.CLIENT_CREDENTIALS)
    assert given.token_type == "Bearer"
    return given.access_token


def client(access_token: str) -> ApiClient:
    return ApiClient(Configuration(host=f"{SPIL}/v1", access_token=access_token))


def refused(refusal: ApiException, status: int, code: str) -> Problem:
    problem = Problem.from_json(refusal.body or "")
    assert problem is not None
    assert (refusal.status, problem.status, problem.code) == (status, status, code)
    return problem


def make(api: RegistrationsApi) -> list[UUID]:
    """Register everybody, the first one twice under the same key."""
    made: list[UUID] = []
    keys = {bsn: str(uuid4()) for bsn in GIVEN["bsns"]}
    for bsn in [GIVEN["bsns"][0], *GIVEN["bsns"]]:
        whom = NewRegistration(
            municipality_code=GIVEN["municipality"],
            bsn=bsn,
            help_domains=["parenting"],
            legal_basis=LegalBasis.STATUTORY_TASK,
            legal_ground=GIVEN["legalGround"],
        )
        answer = api.make_registration_with_http_info(whom, idempotency_key=keys[bsn])
        assert answer.status_code == 201
        assert (answer.headers or {})["location"].endswith(str(answer.data.id))
        made.append(answer.data.id)
    assert made.pop(0) == made[0]
    return made


def change(api: RegistrationsApi, registration_id: UUID) -> None:
    read = api.get_registration_with_http_info(registration_id)
    assert read.data.contact_frequency is None
    etag = (read.headers or {})["etag"]
    weekly = RegistrationChange(contact_frequency=ContactFrequency.WEEKLY)
    changed = api.change_registration_with_http_info(registration_id, etag, weekly)
    assert changed.data.contact_frequency is ContactFrequency.WEEKLY
    assert changed.data.legal_ground == GIVEN["legalGround"]
    try:
        api.change_registration(registration_id, etag, weekly)
    except ApiException as refusal:
        refused(refusal, 412, "precondition_failed")
    else:
        raise AssertionError("An old ETag was good enough.")
    fresh = (changed.headers or {})["etag"]
    emptied = api.change_registration(registration_id, fresh, RegistrationChange(contact_frequency=None))
    assert emptied.contact_frequency is None


def all_of(api: RegistrationsApi) -> list[Registration]:
    """Two to a page, until there is no next one."""
    page = api.list_registrations(limit=2)
    found = list(page.items)
    while page.next_cursor:
        page = api.list_registrations(limit=2, cursor=page.next_cursor)
        assert 0 < len(page.items) <= 2
        found += page.items
    return found


def is_told_what_is_wrong(api: RegistrationsApi) -> None:
    nobody = NewRegistration(
        municipality_code=GIVEN["municipality"], help_domains=["nonsense"], legal_basis=LegalBasis.STATUTORY_TASK
    )
    try:
        api.make_registration(nobody)
    except ApiException as refusal:
        errors = refused(refusal, 400, "invalid").errors or []
        assert errors
        assert all(error.place is InputPlace.BODY and error.detail for error in errors)
    else:
        raise AssertionError("Nobody was registered.")


def open_families(families: FamiliesApi) -> list[UUID]:
    child = NewMember(role=MemberRole.CHILD, person=PersonRegistration(given_name="Sem", surname="Voorbeeld"))
    opening = FamilyOpening(name="Voorbeeld", framework=Framework.VOLUNTARY, members=[child])
    opened = [families.open_family(opening).id for _ in range(3)]
    read = families.get_family_with_http_info(opened[0])
    etag = (read.headers or {})["etag"]
    renamed = families.change_family(opened[0], etag, FamilyChange(name="Voorbeeld-Jansen"))
    assert (renamed.name, renamed.framework) == ("Voorbeeld-Jansen", Framework.VOLUNTARY)
    members = families.list_members(opened[0])
    assert [(one.given_name, one.role) for one in members.items] == [("Sem", MemberRole.CHILD)]
    try:
        families.get_family(uuid4())
    except ApiException as refusal:
        refused(refusal, 404, "family_not_found")
    else:
        raise AssertionError("There was a family.")
    return opened


def caseload(api: WhoIsInvolvedApi) -> list[CaseloadItem]:
    page = api.get_caseload(limit=2)
    found = list(page.items)
    while page.next_cursor:
        page = api.get_caseload(limit=2, cursor=page.next_cursor)
        found += page.items
    return found


def main() -> None:
    system = client(token())
    registrations = RegistrationsApi(system)
    made = make(registrations)
    change(registrations, made[0])
    is_told_what_is_wrong(registrations)
    listed = [one.id for one in all_of(registrations)]
    assert sorted(listed) == sorted(made)
    registrar = client(GIVEN["registrar"])
    opened = open_families(FamiliesApi(registrar))
    seen = [item.family.id for item in caseload(WhoIsInvolvedApi(registrar))]
    assert sorted(seen) == sorted(opened)
    team = WhoIsInvolvedApi(registrar).get_who_is_involved(opened[0], accept_language="en")
    assert team.family.name == "Voorbeeld-Jansen"
    assert team.lead_coordinator is None
    sys.stdout.write(json.dumps({"registrations": made, "families": opened}, default=str))


main()
