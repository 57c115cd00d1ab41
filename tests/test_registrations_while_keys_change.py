"""While keys change, registrations and persons under one key and the other still are about the same people."""

import secrets
import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from sqlalchemy.exc import DBAPIError
from sqlmodel import col, select

from api.domain import families, matches, placing, signals
from api.domain.codes import FamilyClosing, Kinship, MatchKind, MemberRole
from api.domain.errors import Conflict, KeyMissing
from api.domain.models import Agency, Involvement, Match, Registration, UnplacedRegistration
from api.domain.work import Work
from tests.keyed import Keyed
from tests.registering import long_ago, work_through
from tests.world import World, a_bsn, ago


def made(world: World, agency: Agency, bsn: str, *relatives: tuple[Kinship, str]) -> Registration:
    return long_ago(world, agency, bsn, ago(hours=1), relatives=relatives)


def kinds(world: World) -> list[MatchKind]:
    with world.session() as session:
        return [match.kind for match in session.exec(select(Match))]


@pytest.mark.parametrize("naming_first", [True, False])
def test_a_parent_and_a_child_under_two_keys_match_once_both_are_under_one(keyed: Keyed, naming_first: bool) -> None:
    parent, child, mixed = a_bsn(), a_bsn(), keyed.with_keys(1, 2)
    naming, named = (keyed.first, mixed) if naming_first else (mixed, keyed.first)
    made(naming, naming.an_agency(), parent, (Kinship.CHILD, child))
    made(named, named.an_agency(), child)
    work_through(mixed)
    keyed.rotate(1, 2)
    work_through(mixed)
    assert kinds(mixed) == [MatchKind.FAMILY]


def test_kin_of_a_family_under_the_old_key_match_once_it_is_under_the_new_one(keyed: Keyed) -> None:
    """What matches them is known of the persons only, whose family is closed."""
    parent, child, mixed = a_bsn(), a_bsn(), keyed.with_keys(1, 2)
    family = keyed.first.a_family()
    keyed.first.a_member(family, bsn=parent)
    keyed.first.a_member(family, bsn=child, role=MemberRole.CHILD)
    keyed.first.around(family, lambda work, mine: families.close(work, mine, FamilyClosing.COMPLETED))
    for bsn in (parent, child):
        made(mixed, mixed.an_agency(), bsn)
    work_through(mixed)
    keyed.rotate(1, 2)
    work_through(mixed)
    assert kinds(mixed) == [MatchKind.FAMILY]


def test_one_person_under_two_keys_is_a_match_at_once(keyed: Keyed) -> None:
    bsn, mixed = a_bsn(), keyed.with_keys(1, 2)
    made(keyed.first, keyed.first.an_agency(), bsn)
    made(mixed, mixed.an_agency(), bsn)
    work_through(mixed)
    assert kinds(mixed) == [MatchKind.SAME_PERSON]


def test_who_is_in_a_family_under_the_old_key_joins_it_as_that_member(keyed: Keyed) -> None:
    bsn, mixed = a_bsn(), keyed.with_keys(1, 2)
    family = keyed.first.a_family()
    _, person = keyed.first.a_member(family, bsn=bsn)
    registration = made(mixed, mixed.an_agency(), bsn)
    work_through(mixed)
    with mixed.session() as session:
        involvement_id = session.get_one(Registration, registration.id).involvement_id
        assert session.get_one(Involvement, involvement_id).person_id == person.id


def test_a_shielded_person_under_the_other_key_is_not_told_of(keyed: Keyed) -> None:
    bsn, mixed = a_bsn(), keyed.with_keys(1, 2)
    keyed.first.a_member(keyed.first.a_family(), bsn=bsn, shielded=True)
    for _ in range(2):
        made(mixed, mixed.an_agency(), bsn)
    work_through(mixed)
    with mixed.session() as session:
        [match] = [one for one in session.exec(select(Match)) if one.other_registration_id]
    with pytest.raises(Conflict, match="This is shielded"):
        mixed.do(lambda work: matches.share(work, matches.get_to_decide(work, match.id)), mixed.registrar)


def test_what_the_registrar_dismissed_does_not_come_about_by_changing_keys(keyed: Keyed) -> None:
    """Two families were one too many to choose from; one of them closed since."""
    bsn, mixed = a_bsn(), keyed.with_keys(1, 2)
    both = [keyed.first.a_family() for _ in range(2)]
    for family in both:
        keyed.first.a_member(family, bsn=bsn)
    registration = made(keyed.first, keyed.first.an_agency(), bsn)
    work_through(keyed.first)
    assert kinds(mixed) == [MatchKind.SAME_PERSON] * 2
    with mixed.session() as session:
        found = [match.id for match in session.exec(select(Match))]
    mixed.do(lambda work: [matches.dismiss(work, matches.get_to_decide(work, one)) for one in found], mixed.registrar)
    mixed.around(both[0], lambda work, mine: families.close(work, mine, FamilyClosing.COMPLETED))
    keyed.rotate(1, 2)
    work_through(mixed)
    assert waiting(mixed) == []
    with mixed.session() as session:
        assert session.get_one(Registration, registration.id).involvement_id is None


def test_what_cannot_be_read_is_placed_when_the_key_is_there(keyed: Keyed) -> None:
    bsn, mixed = a_bsn(), keyed.with_keys(1, 2)
    registration = made(mixed, mixed.an_agency(), bsn)
    work_through(keyed.first)
    assert waiting(mixed) == [registration.id]
    work_through(mixed)
    assert waiting(mixed) == []


def test_what_waits_to_be_placed_waits_once_however_many_say_so(keyed: Keyed) -> None:
    registration = made(keyed.first, keyed.first.an_agency(), a_bsn())
    work_through(keyed.first)
    together = threading.Barrier(4)

    def place_anew(_: int) -> None:
        def verb(work: Work) -> None:
            work.session.get(UnplacedRegistration, registration.id)
            together.wait(30)
            placing.place_anew(work, registration.id)

        keyed.first.do(verb)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(place_anew, range(4))) == [None] * 4
    assert waiting(keyed.first) == [registration.id]


def waiting(world: World) -> list[UUID]:
    with world.session() as session:
        return list(session.exec(select(UnplacedRegistration.registration_id)))


def test_an_agency_registers_somebody_once_also_under_two_keys(keyed: Keyed) -> None:
    agency, bsn = keyed.first.an_agency(), a_bsn()
    made(keyed.first, agency, bsn)
    mixed = keyed.with_keys(1, 2)
    with pytest.raises(Conflict, match="registered this person already"):
        made(mixed, agency, bsn)


def test_who_lacks_a_key_does_not_register_somebody_a_second_time(keyed: Keyed) -> None:
    agency, bsn, mixed = keyed.first.an_agency(), a_bsn(), keyed.with_keys(1, 2)
    made(mixed, agency, bsn)
    for number in (bsn, a_bsn()):
        with pytest.raises(KeyMissing, match="can't be looked up"):
            made(keyed.first, agency, number)
    assert made(keyed.first, keyed.first.an_agency(), bsn), "Another agency's are of no account."


def test_an_agency_registers_somebody_once_however_many_do_so_while_keys_change(
    keyed: Keyed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Processes with the old key and with both, a rotation under way, and the worker placing at the same time."""
    monkeypatch.setattr("api.domain.resealing.AT_ONCE", 5)
    agency, bsns, done = keyed.first.an_agency(), [a_bsn() for _ in range(20)], threading.Event()
    processes = [keyed.first, keyed.with_keys(1, 2), keyed.with_keys(1, 2)]

    def registrations(place: int) -> None:
        order = [*bsns]
        secrets.SystemRandom().shuffle(order)
        for bsn in order:
            try:
                made(processes[place], agency, bsn)
            except (Conflict, KeyMissing, DBAPIError):
                continue

    def rotations() -> None:
        while not done.is_set():
            keyed.rotate(1, 2)
            work_through(processes[1])

    with ThreadPoolExecutor(4) as pool:
        rotation = pool.submit(rotations)
        for registering in [pool.submit(registrations, place) for place in range(3)]:
            registering.result()
        done.set()
        rotation.result()
    assert keyed.rotate(1, 2)["registration.bsn_sealed"].stuck == 0
    assert sorted(processes[1].do(registered)) == sorted(bsns)


def registered(work: Work) -> list[str | None]:
    running = work.session.exec(select(Registration).where(col(Registration.ended_at).is_(None)))
    return [signals.bsn_of(work, registration) for registration in running]
