"""Help domains: the parts of life help is about, in Dutch and English."""

from api.auth.calls import Call
from api.auth.guards import Routes
from api.auth.policy import Permission
from api.domain import help_domains
from api.domain.models import HelpDomain
from api.paging import Page
from api.routers.parameters import HelpDomainInPath, Language
from api.shapes import Body, CleanText, HelpDomainCode, MunicipalityCode, Out

routes = Routes("Municipalities")


class HelpDomainAddition(Body):
    """A help domain of your municipality's own."""

    code: HelpDomainCode
    label_nl: CleanText
    label_en: CleanText


class HelpDomainOut(Out):
    """A help domain. `label` is in the language asked for; `municipalityCode` is null for the national list."""

    code: HelpDomainCode
    label: str
    label_nl: str
    label_en: str
    municipality_code: MunicipalityCode | None


def _labelled(domain: HelpDomain, language: str) -> HelpDomainOut:
    return HelpDomainOut.of(domain, label=domain.label_en if language == "en" else domain.label_nl)


@routes.get("/help-domains", Permission.DIRECTORY_READ)
def list_help_domains(call: Call, language: Language) -> Page[HelpDomainOut]:
    """List the help domains, in their usual order: the national list, and those of your own municipality."""
    domains = help_domains.known(call.work, call.work.actor.municipality_code)
    return Page(items=[_labelled(domain, language) for domain in domains])


@routes.post("/help-domains", Permission.HELP_DOMAIN_ADD, status=201, location="/help-domains/{code}")
def add_help_domain(call: Call, language: Language, body: HelpDomainAddition) -> HelpDomainOut:
    """Add a help domain for your municipality."""
    return _labelled(help_domains.add(call.work, **body.given()), language)


@routes.get("/help-domains/{helpDomain}", Permission.DIRECTORY_READ)
def get_help_domain(call: Call, code: HelpDomainInPath, language: Language) -> HelpDomainOut:
    """Get a help domain."""
    return _labelled(help_domains.get(call.work, code), language)
