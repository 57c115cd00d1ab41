"""Help domains: the parts of life help is about. One national list, to which a municipality may add its own.

The names are those of the thirteen domains of the ZRM 2017 (Zelfredzaamheid-Matrix), plus three of youth practice.
"""

from collections.abc import Iterable, Sequence

from sqlmodel import col, func, or_, select

from api.domain.codes import EventType
from api.domain.errors import Conflict, Invalid, NotFound
from api.domain.models import HelpDomain
from api.domain.work import Work

UNKNOWN = "There is no such help domain. GET /v1/help-domains lists them."


def known(work: Work, municipality_code: str | None = None) -> Sequence[HelpDomain]:
    """The national list, and what one municipality (or, without one, any) added to it."""
    domains = select(HelpDomain).order_by(col(HelpDomain.position), col(HelpDomain.code))
    if municipality_code:
        own = col(HelpDomain.municipality_code)
        domains = domains.where(or_(own.is_(None), own == municipality_code))
    return work.session.exec(domains).all()


def get(work: Work, code: str) -> HelpDomain:
    domain = work.session.get(HelpDomain, code)
    if domain is None:
        raise NotFound(UNKNOWN)
    return domain


def check(
    work: Work, wanted: Iterable[str], municipality_code: str | None = None, field: str = "helpDomains"
) -> list[str]:
    """The codes, each once and in the order of the list; `Invalid` where one is not on it."""
    asked = set(wanted)
    listed = work.once(("help domains", municipality_code), lambda: known(work, municipality_code))
    valid = [domain.code for domain in listed if domain.code in asked]
    if len(valid) < len(asked):
        raise Invalid(UNKNOWN, field=field, code="unknown_help_domain")
    return valid


def add(work: Work, code: str, label_nl: str, label_en: str) -> HelpDomain:
    """Add a municipality's own help domain."""
    if work.session.get(HelpDomain, code):
        raise Conflict("There already is a help domain with this code. Choose another code.")
    last = work.session.exec(select(func.max(HelpDomain.position))).one() or 0
    domain = work.add(
        HelpDomain(
            code=code,
            label_nl=label_nl,
            label_en=label_en,
            position=last + 1,
            municipality_code=work.actor.municipality_code,
        )
    )
    work.tell(EventType.HELP_DOMAIN_ADDED, domain)
    return domain
