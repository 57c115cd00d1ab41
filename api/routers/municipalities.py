"""Municipalities: who is responsible, and how their access team is reached."""

from pydantic import MISSING

from api.auth.calls import Call
from api.auth.guards import Routes
from api.auth.policy import Permission
from api.domain import municipalities
from api.domain.models import Municipality
from api.paging import Page
from api.routers.parameters import MunicipalityCodeInPath
from api.shapes import Body, CleanText, Email, MunicipalityCode, Out, Phone

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
    return MunicipalityOut.of(municipalities.change(call.work, municipality, **body.given()))
