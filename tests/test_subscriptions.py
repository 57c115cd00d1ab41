"""Subscriptions: an organisation is told what it may know of, signed, in order, at an address that wants it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlmodel import select, text

from api.cli.listening import Listener, Service, Wish, serving, subscribed
from api.cli.tokens import Credentials
from api.domain import clients, contact_points, involvements, signatures
from api.domain.codes import InvolvementEnd
from api.domain.models import AuditRecord, Event
from tests.receiving import (
    CHALLENGE,
    TEST,
    Got,
    Receiver,
    Says,
    a_receiver,
    a_worker,
    deliver,
    gives_back,
    stop_while_sending,
)
from tests.world import Caller, Team, World, ago, refused


@pytest.fixture(autouse=True, scope="module")
def worker(world: World) -> Iterator[None]:
    with a_worker(world):
        yield


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with a_receiver() as receiver:
        yield receiver


@pytest.fixture
def team(world: World) -> Team:
    return world.a_team()


@pytest.fixture
def agency(world: World, team: Team) -> Caller:
    return world.as_(world.system(team.agency))


@pytest.fixture(autouse=True)
def nothing_stays(world: World) -> Iterator[None]:
    """A subscription that stayed, of this test or of another one, would be delivered by each that delivers."""
    _remove_all(world)
    yield
    _remove_all(world)


def _remove_all(world: World) -> None:
    with world.session() as session:
        session.execute(text("DELETE FROM subscription WHERE url NOT LIKE '%/stage'"))
        session.commit()


def subscribe(caller: Caller, receiver: Receiver, **more: Any) -> Any:
    answer = caller.post("/subscriptions", {"url": receiver.url} | more)
    assert answer.status_code == 201, answer.text
    return answer.json()


def active(world: World, caller: Caller, receiver: Receiver, **more: Any) -> str:
    """The path of a subscription that is verified."""
    path = f"/subscriptions/{subscribe(caller, receiver, **more)['id']}"
    deliver(world)
    assert caller.get(path).json()["state"] == "active"
    return path


def log_of(caller: Caller, path: str, **query: Any) -> list[Any]:
    items: list[Any] = caller.get(f"{path}/deliveries", params=query).json()["items"]
    return items


def make_due(world: World, **more: str) -> None:
    """The time that is waited for has passed."""
    with world.session() as session:
        session.execute(text("UPDATE delivery_line SET due_at = now() - interval '1 second'"))
        session.execute(text("UPDATE subscription SET not_before = NULL"))
        session.commit()


def earlier(world: World, days: int) -> None:
    """Whatever has failed so far did so some days earlier."""
    with world.session() as session:
        values = {"days": f"{days} days"}
        session.execute(text("UPDATE delivery SET first_attempt_at = first_attempt_at - (:days)::interval"), values)
        session.execute(text("UPDATE subscription SET failing_since = failing_since - (:days)::interval"), values)
        session.commit()


def something_happens(world: World, team: Team, help_domain: str = "parenting") -> None:
    world.around(team.family, lambda work, mine: contact_points.assign(work, mine, help_domain, team.lead.id))
    world.around(team.family, lambda work, mine: contact_points.release(work, mine, help_domain))


def test_an_address_is_verified_before_anything_is_sent(world: World, team: Team, agency: Caller) -> None:
    with a_receiver(lambda got: Says(200)) as receiver:
        path = f"/subscriptions/{subscribe(agency, receiver)['id']}"
        something_happens(world, team)
        deliver(world)
        assert [one.event["type"] for one in receiver.got] == [CHALLENGE]
        assert agency.get(path).json()["state"] == "unverified"
        [attempt] = log_of(agency, path)[0]["attempts"]
        assert (attempt["status"], attempt["reason"]) == (200, "challenge_failed")


def test_who_gives_the_challenge_back_is_told_what_happened(
    world: World, team: Team, agency: Caller, receiver: Receiver
) -> None:
    path = active(world, agency, receiver, types=["contact_point.*"])
    something_happens(world, team)
    deliver(world)
    assert receiver.told == ["contact_point.assigned", "contact_point.ended"]
    event, got = receiver.events[0], receiver.got[-1]
    assert event["data"]["familyId"] == str(team.family.id)
    assert got.headers["content-type"].startswith("application/cloudevents+json")
    assert event["id"] != got.headers["webhook-id"] == receiver.events[1]["id"]
    assert [one["state"] for one in log_of(agency, path)] == ["delivered"] * 3


# What is sent


def test_each_key_signs_while_one_follows_the_other(
    world: World, team: Team, agency: Caller, receiver: Receiver
) -> None:
    path = active(world, agency, receiver)
    [old] = agency.get(path).json()["signingKeys"]
    new = agency.post(f"{path}/signing-keys").json()
    agency.post(f"{path}/_test")
    deliver(world)
    removal = {"If-Match": agency.get(f"{path}/signing-keys/{old['id']}").headers["ETag"]}
    assert agency.delete(f"{path}/signing-keys/{old['id']}", headers=removal).status_code == 204
    agency.post(f"{path}/_test")
    deliver(world)
    both, last = [one for one in receiver.got if one.event["type"] == TEST]
    for key in (old, new):
        assert is_signed(both, key)
    assert not is_signed(last, old)
    assert is_signed(last, new)


def is_signed(got: Got, key: Any) -> bool:
    try:
        signatures.verify(got.headers, got.body, [key["publicKey"]], datetime.now(UTC).timestamp())
    except signatures.NotAuthentic:
        return False
    return True


def test_a_subscription_has_a_key_always_and_two_at_most(agency: Caller, receiver: Receiver) -> None:
    made = subscribe(agency, receiver)
    path, [first] = f"/subscriptions/{made['id']}/signing-keys", made["signingKeys"]
    tag = {"If-Match": agency.get(f"{path}/{first['id']}").headers["ETag"]}
    refused(agency.delete(f"{path}/{first['id']}", headers=tag), 409, "last_key")
    assert agency.post(path).status_code == 201
    refused(agency.post(path), 409, "too_many_keys")
    assert len(agency.get(path).json()["items"]) == 2
    refused(agency.get(f"{path}/{uuid4()}"), 404, "not_found")


def test_only_wanted_types_and_families_are_delivered(
    world: World, team: Team, agency: Caller, receiver: Receiver
) -> None:
    other = world.a_family()
    world.an_involvement(other, team.agency)
    wanted = {"types": ["contact_point.assigned"], "familyIds": [str(team.family.id), str(uuid4())]}
    active(world, agency, receiver, **wanted)
    something_happens(world, team)
    world.around(other, lambda work, mine: contact_points.assign(work, mine, "parenting", team.lead.id))
    deliver(world)
    assert receiver.told == ["contact_point.assigned"]
    assert receiver.events[0]["data"]["familyId"] == str(team.family.id)


def test_a_family_of_others_is_named_in_a_filter_as_one_that_is_not_there(
    world: World, agency: Caller, receiver: Receiver
) -> None:
    hidden, missing = (subscribe(agency, receiver, familyIds=[str(one)]) for one in (world.a_family().id, uuid4()))
    assert hidden.keys() == missing.keys()
    assert hidden["state"] == missing["state"] == "unverified"


@pytest.mark.parametrize("wrong", ["mandate.eaten", "nothing.*"])
def test_a_type_that_no_event_has_is_refused(agency: Caller, receiver: Receiver, wrong: str) -> None:
    refused(agency.post("/subscriptions", {"url": receiver.url, "types": [wrong]}), 400, "invalid")


def test_nothing_is_told_of_what_went_before(world: World, team: Team, agency: Caller, receiver: Receiver) -> None:
    deliver(world)
    active(world, agency, receiver)
    assert [one for one in receiver.told if not one.startswith("subscription.")] == []


def test_a_dashboard_hears_of_the_families_of_its_municipality(world: World, receiver: Receiver) -> None:
    municipality = world.a_municipality()
    registrar = world.as_(world.a_registrar(municipality))
    active(world, registrar, receiver, types=["family.*"])
    family, _ = world.a_family(municipality), world.a_family()
    deliver(world)
    assert {one["data"]["familyId"] for one in receiver.events} == {str(family.id)}


# Who may


def test_only_an_agencys_system_and_a_registrar_have_subscriptions(
    world: World, team: Team, receiver: Receiver
) -> None:
    for actor in (world.actor(team.lead), world.officer(), world.administrator):
        refused(world.as_(actor).post("/subscriptions", {"url": receiver.url}), 403, "role_lacking")
        refused(world.as_(actor).get("/subscriptions"), 403, "role_lacking")


OPERATIONS = [
    ("GET", ""),
    ("GET", "/deliveries"),
    ("GET", "/signing-keys"),
    ("POST", "/_verify"),
    ("POST", "/_test"),
    ("POST", "/_pause"),
    ("POST", "/_resume"),
    ("POST", "/signing-keys"),
]


def test_a_subscription_of_others_is_not_there(world: World, team: Team, agency: Caller, receiver: Receiver) -> None:
    made = subscribe(agency, receiver)
    key = made["signingKeys"][0]["id"]
    for other in (world.system(world.an_agency()), world.registrar):
        caller = world.as_(other)
        assert made["id"] not in caller.get("/subscriptions").text
        for method, rest in [*OPERATIONS, ("GET", f"/signing-keys/{key}")]:
            refused(caller.call(method, f"/subscriptions/{made['id']}{rest}"), 404, "not_found")
        changed = caller.call("PATCH", f"/subscriptions/{made['id']}", json={"types": []}, headers={"If-Match": "*"})
        refused(changed, 404, "not_found")
        refused(caller.delete(f"/subscriptions/{made['id']}", headers={"If-Match": "*"}), 404, "not_found")
        replay = {"since": ago(hours=1).isoformat()}
        refused(caller.post(f"/subscriptions/{made['id']}/_replay", replay), 404, "not_found")


def test_an_organisation_has_so_many_at_most(agency: Caller, receiver: Receiver) -> None:
    for _ in range(20):
        subscribe(agency, receiver)
    refused(agency.post("/subscriptions", {"url": receiver.url}), 409, "too_many_subscriptions")
    assert len(agency.get("/subscriptions", params={"limit": 3}).json()["items"]) == 3


def test_every_change_of_a_subscription_is_told(world: World, agency: Caller, receiver: Receiver) -> None:
    path = active(world, agency, receiver)
    for verb in ("_test", "_pause", "_resume", "_verify"):
        assert agency.post(f"{path}/{verb}").status_code == 200
    assert agency.change(path, {"types": ["mandate.*"]}).status_code == 200
    assert agency.delete(path, headers={"If-Match": "*"}).status_code == 204
    refused(agency.get(path), 404, "not_found")
    with world.session() as session:
        told = session.exec(select(Event.type).where(Event.about == path.rpartition("/")[2]).order_by(Event.at)).all()
    verbs = ("made", "verified", "tested", "paused", "resumed", "challenged", "changed", "removed")
    assert [str(one) for one in told] == [f"subscription.{verb}" for verb in verbs]


# When it doesn't get through


def test_what_comes_later_waits_for_what_comes_before(
    world: World, team: Team, agency: Caller, receiver: Receiver
) -> None:
    path = active(world, agency, receiver, types=["contact_point.*"])
    receiver.answer = lambda got: Says(500)
    something_happens(world, team)
    deliver(world)
    assert receiver.told == ["contact_point.assigned"]
    receiver.answer = gives_back
    deliver(world)
    assert receiver.told == ["contact_point.assigned"], "It is tried again after a while, not at once."
    make_due(world)
    deliver(world)
    assert receiver.told == ["contact_point.assigned", "contact_point.assigned", "contact_point.ended"]
    assert receiver.got[1].headers["webhook-id"] == receiver.got[2].headers["webhook-id"]
    _, first = log_of(agency, path, state="delivered")[:2]
    assert [(one["status"], one["reason"]) for one in first["attempts"]] == [(500, "status_refused"), (204, None)]


def test_a_worker_that_stops_finishes_what_it_sends_and_leaves_the_rest_to_others_at_once(
    world: World, team: Team, agency: Caller, receiver: Receiver
) -> None:
    path = active(world, agency, receiver, types=["contact_point.*"])
    something_happens(world, team)
    stop_while_sending(world, receiver)
    assert receiver.told == ["contact_point.assigned"]
    assert log_of(agency, path)[1]["state"] == "delivered"
    deliver(world)
    assert receiver.told == ["contact_point.assigned", "contact_point.ended"]


def test_what_was_tried_for_three_days_is_given_up_and_the_next_has_its_turn(
    world: World, team: Team, agency: Caller, receiver: Receiver
) -> None:
    path = active(world, agency, receiver, types=["contact_point.*"])
    receiver.answer = lambda got: Says(422 if got.event["data"].get("event") == "contact_point.assigned" else 204)
    something_happens(world, team)
    deliver(world)
    earlier(world, 4)
    with world.session() as session:  # something else got through meanwhile
        session.execute(text("UPDATE subscription SET failing_since = NULL"))
        session.commit()
    make_due(world)
    deliver(world)
    assert [one["state"] for one in log_of(agency, path)] == ["delivered", "given_up", "delivered"]
    assert agency.get(path).json()["state"] == "active"


def test_who_isnt_reached_for_three_days_is_disabled(
    world: World, team: Team, agency: Caller, receiver: Receiver
) -> None:
    path = active(world, agency, receiver, types=["contact_point.*"])
    receiver.answer = lambda got: Says(503)
    something_happens(world, team)
    deliver(world)
    earlier(world, 4)
    make_due(world)
    deliver(world)
    assert (agency.get(path).json()["state"], agency.get(path).json()["disabledReason"]) == ("disabled", "unreachable")
    before = len(receiver.got)
    make_due(world)
    deliver(world)
    assert len(receiver.got) == before


def test_who_says_gone_is_disabled_at_once_and_catches_up_when_verified_anew(
    world: World, team: Team, agency: Caller, receiver: Receiver
) -> None:
    path = active(world, agency, receiver, types=["contact_point.*"])
    receiver.answer = lambda got: Says(410)
    something_happens(world, team)
    deliver(world)
    assert agency.get(path).json()["disabledReason"] == "gone"
    refused(agency.post(f"{path}/_resume"), 409, "subscription_not_paused")
    receiver.answer = gives_back
    agency.post(f"{path}/_verify")
    make_due(world)
    deliver(world)
    deliver(world)
    assert receiver.told == ["contact_point.assigned", "contact_point.assigned", "contact_point.ended"]


@pytest.mark.parametrize(("status", "waits"), [(429, True), (503, True), (500, False)])
def test_a_busy_receiver_is_left_alone_for_as_long_as_it_asks(
    world: World, team: Team, agency: Caller, receiver: Receiver, status: int, *, waits: bool
) -> None:
    active(world, agency, receiver, types=["contact_point.*"])
    receiver.answer = lambda got: Says(status, {"Retry-After": "3600"})
    something_happens(world, team)
    deliver(world)
    with world.session() as session:
        left_alone = session.execute(
            text("SELECT not_before - now() > interval '59 minutes' FROM subscription WHERE state = 'active'")
        )
        assert left_alone.scalar_one() is (True if waits else None)
        session.execute(text("UPDATE delivery_line SET due_at = now() - interval '1 second'"))
        session.commit()
    deliver(world)
    assert len(receiver.events) == (1 if waits else 2)


def test_a_redirect_is_not_followed(world: World, team: Team, agency: Caller, receiver: Receiver) -> None:
    path = active(world, agency, receiver, types=["contact_point.*"])
    with a_receiver() as elsewhere:
        receiver.answer = lambda got: Says(307, {"Location": elsewhere.url})
        something_happens(world, team)
        deliver(world)
        assert elsewhere.got == []
    assert log_of(agency, path, state="waiting")[-1]["attempts"][0]["reason"] == "redirected"


def test_another_address_is_verified_before_anything_is_sent_there(
    world: World, team: Team, agency: Caller, receiver: Receiver
) -> None:
    path = active(world, agency, receiver, types=["contact_point.*"])
    with a_receiver(lambda got: Says(204)) as other:
        assert agency.change(path, {"url": other.url}).json()["state"] == "unverified"
        something_happens(world, team)
        deliver(world)
        assert (other.told, receiver.told) == ([], [])
        other.answer = gives_back
        agency.post(f"{path}/_verify")
        deliver(world)
        deliver(world)
        assert other.told == ["contact_point.assigned", "contact_point.ended"]


def test_what_happens_during_a_pause_is_delivered_after_it(
    world: World, team: Team, agency: Caller, receiver: Receiver
) -> None:
    path = active(world, agency, receiver, types=["contact_point.*"])
    assert agency.post(f"{path}/_pause").json()["state"] == "paused"
    refused(agency.post(f"{path}/_test"), 409, "subscription_not_active")
    something_happens(world, team)
    deliver(world)
    assert receiver.told == []
    agency.post(f"{path}/_resume")
    deliver(world)
    assert receiver.told == ["contact_point.assigned", "contact_point.ended"]


# Once more


def test_one_event_or_a_range_is_delivered_once_more_under_the_same_ids(
    world: World, team: Team, agency: Caller, receiver: Receiver
) -> None:
    something_happens(world, team)
    deliver(world)
    path = active(world, agency, receiver, types=["contact_point.*"])
    agency.post(f"{path}/_replay", {"since": ago(hours=1).isoformat()})
    refused(agency.post(f"{path}/_replay", {"since": ago(hours=1).isoformat()}), 409, "replay_under_way")
    deliver(world)
    assert receiver.told == ["contact_point.assigned", "contact_point.ended"]
    first = receiver.events[0]["id"]
    assert agency.post(f"{path}/_replay", {"eventId": first}).status_code == 200
    deliver(world)
    agency.post(f"{path}/_replay", {"since": ago(hours=1).isoformat(), "until": datetime.now(UTC).isoformat()})
    deliver(world)
    ids = [one["id"] for one in receiver.events]
    assert ids[:2] == ids[3:]
    assert ids[2] == first


@pytest.mark.parametrize(
    "body",
    [{}, {"eventId": str(uuid4()), "since": "2026-01-01T00:00:00Z"}, {"until": "2026-01-01T00:00:00Z"}],
)
def test_a_replay_is_of_one_event_or_of_a_range(agency: Caller, receiver: Receiver, body: Any) -> None:
    made = subscribe(agency, receiver)
    refused(agency.post(f"/subscriptions/{made['id']}/_replay", body), 400, "invalid")


def test_an_event_that_was_never_delivered_is_not_replayed(
    world: World, team: Team, agency: Caller, receiver: Receiver
) -> None:
    made = subscribe(agency, receiver)
    something_happens(world, team)
    for event_id in (world.told(team.family)[0].id, uuid4()):
        refused(agency.post(f"/subscriptions/{made['id']}/_replay", {"eventId": str(event_id)}), 404, "not_found")


# Nothing that may not be known


def test_nothing_leaves_after_the_relation_ended(world: World, team: Team, agency: Caller, receiver: Receiver) -> None:
    path = active(world, agency, receiver, types=["contact_point.*"])
    receiver.answer = lambda got: Says(500)
    something_happens(world, team)
    deliver(world)
    [left, _] = log_of(agency, path)[:2][::-1]
    before = len(receiver.got)
    world.around(team.family, lambda work, mine: end_all(work, mine, team))
    make_due(world)
    deliver(world)
    assert len(receiver.got) == before, "At every attempt it is asked anew whether it may be told."
    states = {one["eventId"]: (one["state"], one["type"]) for one in log_of(agency, path)}
    assert states[left["eventId"]] == ("withheld", "nl.spil.contact-points.assigned")
    never = [one for one in log_of(agency, path, state="withheld") if one["eventId"] != left["eventId"]]
    assert [one["type"] for one in never] == [None] * len(never) != []


def end_all(work: Any, family: Any, team: Team) -> None:
    mine = involvements.of_family(work, family)
    for one in mine:
        if one.agency_id == team.agency.id:
            involvements.end(work, family, one, InvolvementEnd.COMPLETED)


def test_the_record_of_a_delivery_is_there_before_it_leaves(
    world: World, team: Team, agency: Caller, receiver: Receiver
) -> None:
    active(world, agency, receiver, types=["contact_point.*"])
    seen: list[int] = []

    def answer(got: Got) -> Says:
        with world.session() as session:
            of_family = select(AuditRecord).where(
                AuditRecord.family_id == team.family.id, AuditRecord.action == "event:read"
            )
            seen.append(len(session.exec(of_family).all()))
        return gives_back(got)

    receiver.answer = answer
    something_happens(world, team)
    deliver(world)
    assert seen == [1, 2]


@pytest.mark.parametrize("how", ["agency", "client"])
def test_nothing_leaves_once_its_maker_isnt_active(world: World, team: Team, receiver: Receiver, how: str) -> None:
    system = world.system(team.agency)
    key = {"kty": "RSA", "kid": "1", "n": "x" * 342, "e": "AQAB"}
    client = world.do(lambda work: clients.register(work, team.agency.id, "Systeem", {"keys": [key]}))
    caller = world.as_(type(system)(role=system.role, subject=client.id, agency_id=team.agency.id))
    path = active(world, caller, receiver, types=["contact_point.*"])
    receiver.answer = lambda got: Says(500)
    something_happens(world, team)
    deliver(world)
    before = len(receiver.got)
    with world.session() as session:
        table, key_of = ("agency", team.agency.id) if how == "agency" else ("client", client.id)
        session.execute(text(f"UPDATE {table} SET active = false WHERE id = :id"), {"id": key_of})
        session.commit()
    make_due(world)
    deliver(world)
    assert len(receiver.got) == before
    with world.session() as session:
        known = session.execute(
            text("SELECT state, disabled_reason FROM subscription WHERE url NOT LIKE '%/stage'")
        ).one()
    assert tuple(known) == ("disabled", "maker_inactive")
    assert path


def test_what_was_deleted_is_not_delivered(world: World, team: Team, agency: Caller, receiver: Receiver) -> None:
    path = active(world, agency, receiver)
    something_happens(world, team)
    agency.delete(path, headers={"If-Match": "*"})
    deliver(world)
    assert receiver.told == []


# On a machine of one's own


def test_listening_shows_what_is_signed_and_refuses_the_rest(
    world: World, team: Team, capsys: pytest.CaptureFixture[str]
) -> None:
    token = world.as_(world.system(team.agency)).token
    who = Credentials(token, None, None, None, str(world.client.base_url), Path("nowhere"))
    listener = Listener(Service(who))
    wish = Wish(0, ("contact_point.*",), None, None)
    with serving(listener, wish.port) as port, subscribed(listener, wish, port):
        deliver(world)
        something_happens(world, team)
        deliver(world)
        forged = httpx.post(f"http://127.0.0.1:{port}/", content=b"{}", headers={"webhook-id": "1"})
        agency = world.as_(world.system(team.agency))
        assert agency.get("/subscriptions").json()["items"][0]["state"] == "active"
    said = capsys.readouterr()
    assert "The challenge was given back" in said.out
    assert said.out.index("contact_point.assigned") < said.out.index("contact_point.ended")
    assert f"/v1/families/{team.family.id}/contact-points" in said.out
    assert (forged.status_code, "Refused" in said.err) == (401, True)
    assert agency.get("/subscriptions").json()["items"] == []
