"""What a family of the demo is written down as: who they are, and what happened around them, in days ago."""

from collections.abc import Sequence
from dataclasses import dataclass

from api.cli.demo.field import HOME
from api.cli.demo.steps import Step
from api.domain.codes import Framework, MemberRole, Strategy


@dataclass(frozen=True)
class Relative:
    """A person in a family. The same full name in two families is the same person."""

    full_name: str
    age: int
    role: MemberRole
    parental_authority: bool = False


def parent(full_name: str, age: int, *, authority: bool = True) -> Relative:
    return Relative(full_name, age, MemberRole.PARENT, authority)


def carer(full_name: str, age: int, role: MemberRole = MemberRole.OTHER_CARER) -> Relative:
    return Relative(full_name, age, role)


def child(full_name: str, age: int) -> Relative:
    return Relative(full_name, age, MemberRole.CHILD)


@dataclass(frozen=True)
class Story:
    """A family and what happened around it, the oldest first.

    `state` is a short code for programs; the label is for people. Involvements are confirmed for half a year, so one
    that began earlier is confirmed since, or is stale.
    """

    state: str
    label: str
    name: str
    opened: float
    people: Sequence[Relative]
    steps: Sequence[Step] = ()
    framework: Framework = Framework.VOLUNTARY
    strategy: Strategy | None = None
    municipality: str = HOME
