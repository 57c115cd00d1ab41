"""A client that offers to go on in another protocol is answered in HTTP/1.1, and what it sent along is read."""

import socket
import time
from urllib.parse import urlsplit

import httpx
import pytest

BODY = b"grant_type=password"
"""A grant that there isn't: the answer tells whether it was read."""


def said(client: httpx.Client, *headers: bytes, apart: bool = False) -> bytes:
    """What comes back on such a request, sent byte by byte as it is; `apart`: the body later than the headers."""
    lines = (b"POST /oauth/token HTTP/1.1", b"Host: spil", *headers, b"Connection: Upgrade, HTTP2-Settings, close")
    form = (b"Content-Type: application/x-www-form-urlencoded", b"Content-Length: %d" % len(BODY))
    head = b"\r\n".join((*lines, *form, b"", b""))
    at = urlsplit(str(client.base_url))
    with socket.create_connection((at.hostname, at.port), timeout=30) as connection:
        for part in (head, BODY) if apart else (head + BODY,):
            connection.sendall(part)
        return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize("offer", [b"Upgrade: h2c", b"upgrade: h2c", b"UPGRADE:h2c", b"Upgrade: TLS/1.3, h2c"])
def test_the_body_is_read_all_the_same(client: httpx.Client, offer: bytes, apart: bool) -> None:
    usual = said(client)
    answer = said(client, offer, b"HTTP2-Settings: AAMAAABkAAQAAP__", apart=apart)
    assert answer.startswith(b"HTTP/1.1 400")
    assert b'"grant_type"' not in usual, usual
    assert fields(answer) == fields(usual)


def fields(answer: bytes) -> list[bytes]:
    return sorted(part.partition(b'"')[0] for part in answer.split(b'"name": "')[1:])


def test_what_looks_like_an_offer_in_a_body_stays_there(client: httpx.Client) -> None:
    """Also where the body comes by itself, after its headers."""
    body, form = b"POST / HTTP/1.1\r\nUpgrade: h2c\r\n\r\n", "application/x-www-form-urlencoded"
    lines = ("POST /oauth/token HTTP/1.1", "Host: spil", f"Content-Type: {form}", f"Content-Length: {len(body)}")
    head = "\r\n".join((*lines, "Connection: close", "", "")).encode()
    at = urlsplit(str(client.base_url))
    with socket.create_connection((at.hostname, at.port), timeout=30) as connection:
        connection.sendall(head)
        time.sleep(0.2)
        connection.sendall(body)
        alone = b"".join(iter(lambda: connection.recv(65536), b""))
    answer = client.post("/oauth/token", content=body, headers={"Content-Type": form})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert alone.startswith(b"HTTP/1.1 400"), alone
    assert b'"code": "invalid"' in alone, alone
    assert fields(alone) == fields(answer.content)
