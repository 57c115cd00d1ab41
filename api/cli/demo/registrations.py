"""Registrations of the demo, and what comes of them: one joins a family, two match, others wait. All invented."""

from collections.abc import Sequence
from dataclasses import dataclass

from api.cli.grounds import GROUND_OF
from api.domain import involvements, placing, registrations
from api.domain.codes import AgencyKind, Kinship, LegalBasis
from api.domain.models import Agency, Registration
from api.domain.work import Work


@dataclass(frozen=True)
class Told:
    """An agency registers somebody, so many days ago. `about` and `parents` are full names.

    Who is in a family of the demo has a BSN already; anybody else gets one, unless the agency doesn't know it.
    """

    ago: float
    who: str
    help_domains: tuple[str, ...]
    about: str
    age: int
    knows_bsn: bool = True
    parents: tuple[str, ...] = ()
    shielded: bool = False


REGISTRATIONS: Sequence[Told] = (
    Told(12, "jgz.joke", ("physical_health",), "Joël Abrahams", 12),
    Told(40, "college.linda", ("child_development",), "Lieke Overdiep", 14),
    Told(9, "wilg.tom", ("parenting",), "Lieke Overdiep", 14, parents=("Marga Overdiep",)),
    Told(6, "schuld.bart", ("finances",), "Marga Overdiep", 41),
    Told(90, "keer.leila", ("substance_use",), "Storm Hagedoorn", 33),
    Told(3, "politie.anja", ("child_safety",), "Dex Rossem", 16, knows_bsn=False),
)
"""One joins the family that moved here; three are about a girl and her mother, of whom no two agencies know that the
other is there; one waits as a signal; and of one the registrar still has to say who it is."""


def make(work: Work, told: Told, subject: registrations.Subject, parents: Sequence[str]) -> Registration:
    kind = AgencyKind(work.session.get_one(Agency, work.actor.agency_id).kind)
    terms = involvements.Terms(
        legal_basis=LegalBasis.STATUTORY_TASK, legal_ground=GROUND_OF[kind], shielded=told.shielded
    )
    relatives = [(Kinship.PARENT, bsn) for bsn in parents]
    code = work.municipality_code or ""
    return registrations.make(work, code, subject, list(told.help_domains), terms, relatives)


def place(work: Work, registration: Registration) -> None:
    """Do at once what the worker would have done a second later."""
    placing.place(work, registration.id)
