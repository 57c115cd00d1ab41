"""Members: the persons of a family, each for a period. One person can be in two families."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlmodel import col, func, or_, select

from api.domain import consents, persons
from api.domain.codes import EventType, MemberRole
from api.domain.errors import Conflict, NotFound
from api.domain.models import Family, Member, Person
from api.domain.work import Work

NO_SUCH_MEMBER = "This family has no such member now."


def current(work: Work, family: Family) -> Sequence[tuple[Member, Person]]:
    """Who is in the family now, parents before children."""
    return work.session.exec(
        select(Member, Person)
        .join(Person, col(Person.id) == Member.person_id)
        .where(
            Member.family_id == family.id,
            col(Member.started_at) <= work.at,
            or_(col(Member.ends_at).is_(None), col(Member.ends_at) > work.at),
        )
        .order_by(col(Member.role) == MemberRole.CHILD, col(Person.birth_date), col(Member.id))
    ).all()


def of(work: Work, family: Family) -> Sequence[UUID]:
    """The persons who are in the family now."""
    return [person.id for _, person in current(work, family)]


def get(work: Work, family: Family, member_id: UUID) -> Member:
    member = work.session.get(Member, member_id)
    if member is None or member.family_id != family.id or (member.ends_at and member.ends_at <= work.at):
        raise NotFound(NO_SUCH_MEMBER)
    return member


def may_look(work: Work, family: Family, about_id: UUID | None) -> bool:
    """Whether the actor, if they are of the family, may look at what is about this member. Others may."""
    reader_id = work.actor.person_id
    if reader_id is None or about_id is None:
        return True
    return bool(work.session.scalar(select(func.may_look(reader_id, about_id, family.id))))


def join(work: Work, family: Family, person: Person, role: MemberRole, *, parental_authority: bool = False) -> Member:
    if any(member.person_id == person.id for member, _ in current(work, family)):
        raise Conflict("This person is a member of the family already.")
    persons.must_stand(work, person)
    member = Member(
        family_id=family.id,
        person_id=person.id,
        role=role,
        parental_authority=parental_authority,
        started_at=work.at,
    )
    work.add(member)
    work.tell(EventType.MEMBER_JOINED, member)
    return member


def change(work: Work, member: Member, **new: Any) -> Member:
    member.sqlmodel_update(new)
    work.tell(EventType.MEMBER_CHANGED, member)
    consents.uphold(work, work.session.get_one(Family, member.family_id))
    return member


def leave(work: Work, member: Member) -> Member:
    _end(work, member)
    consents.uphold(work, work.session.get_one(Family, member.family_id))
    return member


def succeed(work: Work, family: Family, member: Member, successor: Person) -> Member:
    """The same member, from now on as another person: what they said of sharing stands."""
    _end(work, member)
    return join(work, family, successor, member.role, parental_authority=member.parental_authority)


def _end(work: Work, member: Member) -> None:
    member.ends_at = work.at
    work.tell(EventType.MEMBER_LEFT, member)


def move(work: Work, member: Member, to: Family) -> Member:
    """Leave one family and join another at the same instant, in the same role."""
    if to.id == member.family_id:
        raise Conflict("The member is in this family already. Name another one.")
    person = work.session.get_one(Person, member.person_id)
    leave(work, member)
    return join(work, to, person, member.role, parental_authority=member.parental_authority)
