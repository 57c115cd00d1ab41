"""Sending something to a receiver somewhere on the internet, whose address somebody else chose.

Invariant: no connection is opened to an address that isn't public (`api/domain/addresses.py`), unless everywhere is
allowed. A name is looked up here, and the connection goes to exactly the address that was looked at: no second look-up
could say something else. TLS is verified against the name. Redirects aren't followed, proxies of the environment aren't
used, and neither time nor the size of the answer is the receiver's to decide.
"""

import asyncio
import json
import socket
import ssl
from collections.abc import AsyncIterator, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpcore
import httpx

from api.domain.addresses import Receivers, is_public
from api.domain.codes import DeliveryReason

TIME_LIMIT = 10.0
"""Seconds for everything together: looking up, connecting, sending and reading."""
READS_ON_FOR = 2.0
"""Seconds that are waited for the rest of an answer nobody needs, so that its connection can be used again."""
LARGEST_ANSWER = 64 * 1024
LOOK_UPS = 16
SUCCESS, REDIRECT = range(200, 300), range(300, 400)
BUSY = {429, 503}


class NotPublic(httpcore.ConnectError):
    """The name has no address, or one that is not public. Which of the two it is, is nobody's business."""


@dataclass(frozen=True)
class Answer:
    """What came of sending something: the status if there is one, and why it doesn't count as received."""

    status: int | None
    reason: DeliveryReason | None
    retry_after: float | None = None
    """Seconds that the receiver asks to be left alone."""
    body: bytes = b""

    @property
    def received(self) -> bool:
        return self.reason is None


class Network(httpcore.AsyncNetworkBackend):
    """Opens connections to public addresses only."""

    def __init__(self, receivers: Receivers) -> None:
        self._receivers = receivers
        self._inner = httpcore.AnyIOBackend()
        self._threads = ThreadPoolExecutor(LOOK_UPS, thread_name_prefix="look-up")

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the interface of httpcore
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Look the name up once, look at every address it has, and connect to one of those."""
        addresses = await self._addresses(host, port)
        if not addresses or (self._receivers is Receivers.PUBLIC and not all(map(is_public, addresses))):
            raise NotPublic
        for address in addresses[:-1]:
            try:
                return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self._inner.connect_tcp(addresses[-1], port, timeout, local_address, socket_options)

    async def _addresses(self, host: str, port: int) -> list[str]:
        try:
            found = await asyncio.get_running_loop().run_in_executor(self._threads, look_up, host, port)
        except (OSError, UnicodeError):
            return []
        return list(dict.fromkeys(found))


def look_up(host: str, port: int) -> list[str]:
    """Every address of a name, also of a number in one of its many spellings."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


class Sender:
    """Connections to receivers, kept for a while between deliveries."""

    def __init__(
        self,
        receivers: Receivers,
        connections: int,
        trusted: ssl.SSLContext | None = None,
        time_limit: float = TIME_LIMIT,
    ) -> None:
        self._time_limit = time_limit
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=trusted or httpx.create_ssl_context(),
            max_connections=connections * 2,
            max_keepalive_connections=connections,
            keepalive_expiry=15,
            retries=0,
            network_backend=Network(receivers),
        )

    async def close(self) -> None:
        await self._pool.aclose()

    async def post(self, url: str, headers: Mapping[str, str], body: bytes, *, reads: bool = False) -> Answer:
        """Send a body; with `reads` the answer's body comes along, as far as it is plain and small."""
        try:
            async with asyncio.timeout(self._time_limit):
                return await self._post(url, headers, body, reads=reads)
        except (TimeoutError, httpcore.TimeoutException):
            return Answer(None, DeliveryReason.TIMED_OUT)
        except NotPublic:
            return Answer(None, DeliveryReason.ADDRESS_REFUSED)
        except httpcore.ConnectError as error:
            untrusted = isinstance(error.__cause__, ssl.SSLError) or "SSL" in str(error) or "certificate" in str(error)
            return Answer(None, DeliveryReason.TLS_FAILED if untrusted else DeliveryReason.CONNECTION_FAILED)
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError, UnicodeError):
            return Answer(None, DeliveryReason.CONNECTION_FAILED)

    async def _post(self, url: str, headers: Mapping[str, str], body: bytes, *, reads: bool) -> Answer:
        given = {"accept": "application/json", "accept-encoding": "identity", "user-agent": "Spil"} | dict(headers)
        encoded = [(name.encode(), value.encode()) for name, value in given.items()]
        async with self._pool.stream("POST", url, headers=encoded, content=body) as response:
            if reads and _is_encoded(response):
                return Answer(response.status, DeliveryReason.ANSWER_UNREADABLE)
            content = await _whole(response) if reads else await _drained(response)
            if content is None:
                return Answer(response.status, DeliveryReason.ANSWER_UNREADABLE)
            return Answer(response.status, _reason(response.status), _retry_after(response), content)


async def _whole(response: httpcore.Response) -> bytes | None:
    """The body of an answer; None if there is more of it than anybody needs."""
    content = b""
    async for part in _parts(response):
        content += part
        if len(content) > LARGEST_ANSWER:
            return None
    return content


async def _drained(response: httpcore.Response) -> bytes:
    """What it says beside its status is of no use: read a little of it, for the connection's sake."""
    read = 0
    try:
        async with asyncio.timeout(READS_ON_FOR):
            async for part in _parts(response):
                read += len(part)
                if read > LARGEST_ANSWER:
                    break
    except (TimeoutError, httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError):
        return b""
    return b""


async def _parts(response: httpcore.Response) -> AsyncIterator[bytes]:
    async for part in response.aiter_stream():
        yield part


def _is_encoded(response: httpcore.Response) -> bool:
    """Whether the body is packed: what a few bytes unpack to could be anything."""
    return any(name.lower() == b"content-encoding" and value.lower() != b"identity" for name, value in response.headers)


def _reason(status: int) -> DeliveryReason | None:
    if status in SUCCESS:
        return None
    if status == httpx.codes.GONE:
        return DeliveryReason.GONE
    return DeliveryReason.REDIRECTED if status in REDIRECT else DeliveryReason.STATUS_REFUSED


def _retry_after(response: httpcore.Response) -> float | None:
    """The seconds, or the moment, that a busy receiver names."""
    said = next((value for name, value in response.headers if name.lower() == b"retry-after"), None)
    if said is None or response.status not in BUSY:
        return None
    text = said.decode("latin-1").strip()
    if text.isdigit():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
        return (moment - datetime.now(UTC)).total_seconds() if moment.tzinfo else None
    except (ValueError, TypeError, OverflowError):
        return None


def challenge_of(answer: Answer) -> str | None:
    """What the answer to a challenge says it was."""
    try:
        said = json.loads(answer.body)
    except (ValueError, RecursionError):
        return None
    challenge = said.get("challenge") if isinstance(said, dict) else None
    return challenge if isinstance(challenge, str) else None
