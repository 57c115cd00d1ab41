"""Who can have no role around a family: for each reason why not, a professional of whom it is true."""

from api.domain.codes import AgencyKind
from api.domain.models import Family, Professional
from tests.world import World, ago, in_days

NOBODY = "00000000-0000-4000-8000-000000000000"

REFUSED = [
    ("nobody", 400, "invalid"),
    ("left", 400, "invalid"),
    ("uninvolved", 409, "no_running_involvement"),
    ("signaller", 409, "no_running_involvement"),
    ("shielded", 409, "no_running_involvement"),
    ("ended", 409, "no_running_involvement"),
    ("lapsed", 409, "no_running_involvement"),
    ("invited", 409, "no_running_involvement"),
]
"""Who it is, and what is answered when they are to have a role."""


def someone(world: World, family: Family, who: str) -> Professional:
    """A professional who can have no role around this family, for the reason named."""
    if who == "nobody":
        return Professional(id=NOBODY, agency_id=NOBODY, name="", function="")
    if who == "signaller":
        police = world.an_agency(AgencyKind.POLICE, signal_only=True)
        world.an_involvement(family, police)
        return world.a_professional(police)
    if who == "lapsed":
        until = {"legal_basis": "consent", "legal_basis_ends_on": in_days(-2)}
        return world.an_involved_professional(family, ("parenting",), at=ago(days=8), **until)
    if who == "shielded":
        return world.an_involved_professional(family, ("parenting",), shielded=True)
    agency = world.an_agency()
    professional = world.a_professional(agency)
    if who == "left":
        world.an_involvement(family, agency)
        path = f"/professionals/{professional.id}"
        assert world.as_(world.system(agency)).change(path, {"active": False}).status_code == 200
    if who == "invited":
        world.an_invitation(family, agency)
    if who == "ended":
        ended = world.an_involvement(family, agency)
        path = f"/families/{family.id}/involvements/{ended.id}/_end"
        assert world.as_(world.system(agency)).post(path, {"reason": "completed"}).status_code == 200
    return professional
