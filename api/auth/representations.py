"""What somebody gets to see, as bytes, and its ETag: a digest, so that it tells nothing of what they don't see."""

import hashlib
import re

from api.shapes import Out

AS_OF = re.compile(rb'"asOf" ?: ?"[^"]*"')
"""The instant at which somebody asked. It differs each time; what was seen may not."""


class Rendered(bytes):
    """A response body that PostgreSQL has built."""


class Lines(Rendered):
    """A response body of one JSON object a line."""


def content(body: Out | Rendered) -> bytes:
    return body if isinstance(body, Rendered) else body.model_dump_json(by_alias=True).encode()


def etag(body: bytes) -> str:
    """A strong validator; a weak one where all but the instant of asking is the same."""
    lasting, instants = AS_OF.subn(b"", body, count=1)
    return f'{"W/" if instants else ""}"{hashlib.sha256(lasting).hexdigest()[:32]}"'


def tags_of(field: str | None) -> list[str]:
    """The entity tags in an `If-Match` or `If-None-Match`."""
    return [tag.strip() for tag in (field or "").split(",")]


def is_known(field: str | None, tag: str) -> bool:
    """Whether an `If-None-Match` names what there is. Here a weak tag is as good as a strong one (RFC 9110, 13.1.2)."""
    return field is not None and (field.strip() == "*" or tag.removeprefix("W/") in map(_opaque, tags_of(field)))


def _opaque(tag: str) -> str:
    return tag.removeprefix("W/")
