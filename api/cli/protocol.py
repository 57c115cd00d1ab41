"""HTTP as the service speaks it: HTTP/1.1, also with clients that would rather speak something else.

Over plain HTTP some clients (Java's own, and curl when asked) offer to go on in HTTP/2 with `Upgrade: h2c`. A server
may let that pass. The parser would stop at the end of the headers, though, and the body would be lost; so such an
offer is taken out before it is parsed.
"""

import re

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD = re.compile(rb"[A-Z]+ \S+ HTTP/1\.1\r\n(?:[^\r\n]+\r\n)*\r\n")
OFFER = re.compile(rb"\r\nupgrade:[^\r\n]*(?=\r\n)", re.IGNORECASE)


class Protocol(HttpToolsProtocol):
    """uvicorn's, deaf to offers of other protocols."""

    def data_received(self, data: bytes) -> None:
        offers = b"pgrade:" in data or b"PGRADE:" in data
        in_a_body = self.cycle is not None and self.cycle.more_body
        super().data_received(_without_offer(data) if offers and not in_a_body else data)


def _without_offer(data: bytes) -> bytes:
    """Only at the start of a request: what looks like it further on is in a body."""
    head = HEAD.match(data)
    return OFFER.sub(b"", data[: head.end()]) + data[head.end() :] if head else data
