"""Ids of resources that stand for more than one row: which family, and what of it, in one id of at most 64 characters.

A FHIR id has letters, digits, `-` and `.`: that is just enough to write three ids of ours in one.
"""

import base64
import binascii
from uuid import UUID

SIGNS = b"-."


def joined(*ids: UUID | str) -> str:
    """One id for two or three."""
    whole = b"".join(UUID(str(one)).bytes for one in ids)
    return base64.b64encode(whole, altchars=SIGNS).decode().rstrip("=")


def parted(joint: str) -> tuple[UUID, ...]:
    """The ids in one; none at all if it isn't one of ours."""
    try:
        whole = base64.b64decode(joint + "=" * (-len(joint) % 4), altchars=SIGNS, validate=True)
    except (binascii.Error, ValueError):
        return ()
    ids = tuple(UUID(bytes=whole[place : place + 16]) for place in range(0, len(whole) - len(whole) % 16, 16))
    return ids if ids and joined(*ids) == joint else ()
