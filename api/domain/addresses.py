"""Where something may be delivered: addresses that everybody on the internet can reach, and no others.

Invariant: an address counts as public only if it is known to be. What embeds another address (IPv4 in IPv6, translated
or tunnelled) is as public as that one, or not at all.
"""

from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

from api.domain.errors import Invalid

LONGEST_URL = 500
HTTPS_PORT, FIRST_FREE_PORT = 443, 1024
REFUSED_IPV4 = (
    IPv4Network("192.0.0.0/24"),  # protocol assignments; earlier versions of Python know a part of it only
    IPv4Network("192.88.99.0/24"),  # relays of 6to4
    IPv4Network("168.63.129.16/32"),  # a cloud's own services, on an address that looks public
)
GLOBAL_IPV6 = IPv6Network("2000::/3")
TRANSLATED = IPv6Network("64:ff9b::/96")
REFUSED_IPV6 = tuple(
    IPv6Network(one) for one in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "2620:4f:8000::/48")
)
"""Special purposes, documentation, and tunnels that could end anywhere (Teredo, 6to4)."""


class Receivers(StrEnum):
    """Where receivers may be."""

    PUBLIC = "public"
    """At https addresses that everybody can reach."""
    ANYWHERE = "anywhere"
    """On this machine and in its network too, without TLS: for trying out and testing."""


def is_public(address: str) -> bool:
    """Whether everybody on the internet reaches the same machine at this address."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return _public_4(found) if isinstance(found, IPv4Address) else _public_6(found)


def _public_4(address: IPv4Address) -> bool:
    refused = address.is_multicast or address.is_reserved or any(address in network for network in REFUSED_IPV4)
    return address.is_global and not refused


def _public_6(address: IPv6Address) -> bool:
    if address in TRANSLATED:
        return _public_4(IPv4Address(int(address) & 0xFFFFFFFF))
    refused = any(address in network for network in REFUSED_IPV6)
    return address in GLOBAL_IPV6 and address.is_global and not refused


def check_url(url: str, receivers: Receivers) -> None:
    """Refuse an address that nothing could ever be delivered to. What its name stands for is looked at every time."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise _refused("Give an address such as https://example.nl/spil.") from None
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url or len(url) > LONGEST_URL or not host:
        raise _refused(f"Give an address such as https://example.nl/spil, of {LONGEST_URL} characters at most.")
    if parts.username is not None or parts.password is not None or "#" in url:
        raise _refused("Leave user name, password and fragment out: the signature says who sends.")
    if receivers is Receivers.PUBLIC:
        _check_public(parts.scheme, host, port)
    elif parts.scheme not in {"http", "https"}:
        raise _refused("The address must start with https:// or http://.")


def _check_public(scheme: str, host: str, port: int | None) -> None:
    if scheme != "https":
        raise _refused("The address must start with https://.")
    if port not in {None, HTTPS_PORT} and (port or 0) < FIRST_FREE_PORT:
        raise _refused(f"Use port {HTTPS_PORT}, or one from {FIRST_FREE_PORT} on.")
    if _is_number(host) and not is_public(host):
        raise _refused("This address is not one that everybody on the internet can reach.")


def _is_number(host: str) -> bool:
    """An IP address, in one of the ways that they can be written: decimal, octal, hexadecimal, in one to four parts."""
    last = host.rstrip(".").rpartition(".")[2]
    return ":" in host or last.isdigit() or last.lower().startswith("0x")


def _refused(sentence: str) -> Invalid:
    return Invalid(sentence, field="url", code="url_refused")
