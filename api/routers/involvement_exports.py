"""Exports of one's own involvements and registrations, in chunks."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from api.auth.calls import Call
from api.auth.chunks import Chunk, Read
from api.auth.guards import Routes
from api.auth.policy import Permission
from api.auth.requests import NDJSON
from api.domain import involvement_exports
from api.domain.documents import Document
from api.paging import Cursor, decode, encode
from api.problems import WireError
from api.routers import registrations
from api.routers.involvements import InvolvementOut
from api.routers.registrations import RegistrationOut
from api.shapes import Out

routes = Routes("Involvements")

AT_ONCE = 200
THEN_REGISTRATIONS = encode(["registrations"])


class ExportedInvolvement(InvolvementOut):
    """An involvement of yours. `kind` says that it is one."""

    kind: Literal["involvement"]


class ExportedRegistration(RegistrationOut):
    """A registration of yours. `kind` says that it is one."""

    kind: Literal["registration"]


Exported = Annotated[ExportedInvolvement | ExportedRegistration, Field(discriminator="kind")]


class InvolvementExport(Out):
    """All of your own involvements and registrations."""

    items: list[Exported]


@routes.get("/involvement-export", Permission.INVOLVEMENT_EXPORT, shape=InvolvementExport, offers=frozenset({NDJSON}))
def export_involvements(cursor: Cursor = None) -> Document | Read:
    """Export your own involvements and registrations: of your agency for its system, of those that name you otherwise.

    Involvements with the families that you are related to now, ended ones and open invitations too, as
    `GET /v1/families/{familyId}/involvements` shows them; then registrations, the oldest first. It is sent as it is
    read, whatever its size. As lines (`Accept: application/x-ndjson`), one of `kind` `checkpoint` comes every so often:
    what stood above it is whole, and its `cursor` goes on from there after a cut. The last line is of `kind` `end`;
    without that, or as JSON without its closing bracket, the answer was cut. There is no BSN in it. 400
    `invalid_cursor`: take the cursor from a checkpoint.
    """
    after = _family_of(cursor)
    if after or not cursor:
        return involvement_exports.involvements(after, THEN_REGISTRATIONS)
    return lambda call: _registrations(call, None if cursor == THEN_REGISTRATIONS else cursor)


def _family_of(cursor: str | None) -> UUID | None:
    """The family after which to go on; none if it is among the registrations."""
    try:
        after = decode(cursor, UUID)
    except WireError:
        return None
    return after[0] if after else None


def _registrations(call: Call, cursor: str | None) -> Chunk:
    found = registrations.list_registrations(call, cursor, AT_ONCE)
    kind = '{"kind":"registration",'
    return Chunk([kind + one.model_dump_json(by_alias=True)[1:] for one in found.items], found.next_cursor)
