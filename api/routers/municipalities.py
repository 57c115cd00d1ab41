"""Municipalities and help domains: who is responsible, and what help is about."""

from pydantic import MISSING

from api.auth.calls import Call
from api.auth.guards import Routes
from api.auth.policy import Permission
from api.domain import help_domains, municipalities
from api.domain.models import HelpDomain, Municipality
from api.paging import Page
from api.routers.parameters import HelpDomainInPath, Language, MunicipalityCodeInPath
from api.shapes import Body, CleanText, Email, HelpDomainCode, MunicipalityCode, Out, Phone

routes = Routes("Municipalities")


class MunicipalityRegistration(Body):
    """A municipality that comes to use Spil."""

    code: MunicipalityCode
    name: CleanText
    access_team_name: CleanText
    access_team_phone: Phone
    access_team_email: Email


class MunicipalityChange(Body):
    """What changes of a municipality."""

    name: CleanText | MISSING = MISSING
    access_team_name: CleanText | MISSING = MISSING
    access_team_phone: Phone | MISSING = MISSING
    access_team_email: Email | MISSING = MISSING


class MunicipalityOut(Out):
    """A municipality, and how to reach its access team."""

    code: MunicipalityCode
    name: str
    access_team_name: str
    access_team_phone: str
    access_team_email: str


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


@routes.get("/municipalities", Permission.DIRECTORY_READ)
def list_municipalities(call: Call) -> Page[MunicipalityOut]:
    """List the municipalities that use Spil."""
    return Page(items=[MunicipalityOut.of(known) for known in municipalities.known(call.work)])


@routes.post("/municipalities", Permission.MUNICIPALITY_MANAGE, status=201, location="/municipalities/{code}")
def register_municipality(call: Call, body: MunicipalityRegistration) -> MunicipalityOut:
    """Register a municipality."""
    return MunicipalityOut.of(municipalities.register(call.work, Municipality(**body.given())))


@routes.get("/municipalities/{municipalityCode}", Permission.DIRECTORY_READ)
def get_municipality(call: Call, code: MunicipalityCodeInPath) -> MunicipalityOut:
    """Get a municipality."""
    return MunicipalityOut.of(municipalities.get(call.work, code))


@routes.patch("/municipalities/{municipalityCode}", Permission.MUNICIPALITY_MANAGE)
def change_municipality(call: Call, code: MunicipalityCodeInPath, body: MunicipalityChange) -> MunicipalityOut:
    """Change a municipality: what the body leaves out stays as it is."""
    municipality = municipalities.get(call.work, code)
    call.must_match(MunicipalityOut.of(municipality))
    return MunicipalityOut.of(municipalities.change(call.work, municipality, **body.given()))


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
