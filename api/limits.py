"""How much one client may ask in a minute, so that none keeps the others waiting; and how often anybody may guess.

Counted is what is asked, before anything is looked up: a limit tells nothing of any family. Each process counts for
itself, so N processes let through up to N times as much.
"""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from time import monotonic

from api.problems import WireError

MINUTE = 60


@dataclass(frozen=True)
class Verdict:
    """What is left to who asked, and for how many seconds that holds."""

    policy: str
    most: int
    left: int
    seconds: int
    refused: bool

    @property
    def headers(self) -> dict[str, str]:
        """As draft-ietf-httpapi-ratelimit-headers has them."""
        return {
            "RateLimit-Policy": f'"{self.policy}";q={self.most};w={MINUTE}',
            "RateLimit": f'"{self.policy}";r={self.left};t={self.seconds}',
        }

    @property
    def refusal(self) -> WireError:
        detail = f"You have asked too much in a minute. Go on in {self.seconds} seconds."
        return WireError(429, "too_many_requests", detail, {"Retry-After": str(self.seconds)})


class Limit:
    """So many in a minute for each name; 0 is no limit. What was counted is forgotten when its minute is over."""

    def __init__(self, policy: str, most: int) -> None:
        self._policy, self._most = policy, most
        self._counted: Counter[str] = Counter()
        self._until = 0.0

    def count(self, name: str) -> Verdict | None:
        """Count one more of this name; None where nothing is limited."""
        if not self._most:
            return None
        now = monotonic()
        if now >= self._until:
            self._counted, self._until = Counter(), now + MINUTE
        self._counted[name] += 1
        left = self._most - self._counted[name]
        return Verdict(self._policy, self._most, max(0, left), max(1, round(self._until - now)), left < 0)


class Limits:
    """Those of one process."""

    def __init__(self, of_client: int, of_address: int) -> None:
        self.of_client = Limit("client", of_client)
        """What whoever has proven who they are asks."""
        self.of_address = Limit("address", of_address)
        """Asking for tokens, and showing what proves nothing."""


def address_of(peer: str, forwarded_for: str, proxies: Collection[str]) -> str:
    """Where a request comes from: what our own proxies say of it, read from the end, as far as they are ours."""
    for address in [peer, *(part.strip() for part in reversed(forwarded_for.split(",")))]:
        if address not in proxies:
            return address[:64] or peer
    return peer
