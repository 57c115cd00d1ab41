"""What is delivered goes to where its owner says, and nobody's own network is called for them."""

import asyncio
import datetime
import gzip
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from api.cli.keys import settings_on
from api.domain.addresses import Receivers, check_url, is_public
from api.domain.codes import DeliveryReason
from api.domain.errors import Invalid
from api.receivers import Answer, Sender
from api.settings import Environment, Settings, problems_of
from tests.receiving import Got, Says, a_receiver

HERE = "127.0.0.1"


def post(url: str, receivers: Receivers = Receivers.PUBLIC, *, reads: bool = False, **how: Any) -> Answer:
    async def sent() -> Answer:
        sender = Sender(receivers, 2, **how)
        try:
            return await sender.post(url, {"content-type": "application/json"}, b"{}", reads=reads)
        finally:
            await sender.close()

    return asyncio.run(sent())


Found = list[tuple[Any, ...]]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[list[str]]]:
    """What each name stands for: the first list at the first look-up, and the last one from then on."""
    known: dict[str, list[list[str]]] = {}
    ask: Callable[..., Found] = socket.getaddrinfo

    def look_up(host: Any, port: Any, *args: Any, **how: Any) -> Found:
        name = host.decode() if isinstance(host, bytes) else host
        if name not in known:
            return ask(host, port, *args, **how)
        addresses = known[name].pop(0) if len(known[name]) > 1 else known[name][0]
        return [found for address in addresses for found in ask(address, port, type=socket.SOCK_STREAM)]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return known


# Which addresses


PUBLIC = ["8.8.8.8", "145.53.0.1", "2a02:a400::1", "2606:4700::1111", "64:ff9b::808:808"]
NOT_PUBLIC = [
    *("127.0.0.1", "127.8.9.1", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "169.254.169.254"),
    *("192.0.0.192", "192.0.2.1", "198.18.0.1", "198.51.100.7", "203.0.113.7", "224.0.0.1", "240.0.0.1"),
    *("255.255.255.255", "192.88.99.1", "168.63.129.16", "100.100.100.200"),
    *("::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "fe80::1", "fe80::1%eth0", "fec0::1"),
    *("fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1", "2001::1", "2002:7f00:1::", "2002:808:808::"),
    *("64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::808:808", "100::1", "3fff::1", "5f00::1", "nonsense", ""),
]


@pytest.mark.parametrize("address", PUBLIC)
def test_what_everybody_can_reach_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_what_is_of_some_network_only_is_not(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.nl/",
        "ftp://example.nl/",
        "https:///spil",
        "https://user@example.nl/",
        "https://user:secret@example.nl/",
        "https://example.nl/#here",
        "https://example.nl/a b",
        "https://example.nl\\@10.0.0.1/",
        "https://exämple.nl/",
        "https://example.nl:99999/",
        "https://example.nl:22/",
        "https://example.nl:0/",
        "https://[::1/",
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0177.0.0.1/",
        "https://127.0.0.1./",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://169.254.169.254/latest/meta-data",
        f"https://example.nl/{'a' * 500}",
    ],
)
def test_an_address_that_nothing_could_be_delivered_to_is_refused_at_once(url: str) -> None:
    with pytest.raises(Invalid) as refusal:
        check_url(url, Receivers.PUBLIC)
    assert refusal.value.field == "url"


@pytest.mark.parametrize("url", ["https://example.nl/spil", "https://example.nl:8443/", "https://8.8.8.8/a?b=c"])
def test_any_other_is_taken(url: str) -> None:
    check_url(url, Receivers.PUBLIC)


def test_production_calls_public_addresses_only(settings: Settings) -> None:
    unsafe = settings.model_copy(update={"environment": Environment.PRODUCTION})
    assert any("SPIL_RECEIVERS" in one for one in problems_of(unsafe))
    safe = unsafe.model_copy(update={"receivers": Receivers.PUBLIC})
    assert not any("SPIL_RECEIVERS" in one for one in problems_of(safe))
    assert settings_on({}, "", "").receivers is Receivers.ANYWHERE, "A demo reaches what runs beside it."


# Which connections


SPELLINGS = [HERE, "localhost", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "[::ffff:127.0.0.1]"]


@pytest.mark.parametrize("host", SPELLINGS)
def test_this_machine_is_not_called_however_it_is_spelt(host: str) -> None:
    with a_receiver() as receiver:
        port = receiver.url.rsplit(":", 1)[1]
        assert post(f"http://{host}:{port}").reason is DeliveryReason.ADDRESS_REFUSED
        assert receiver.got == []


@pytest.mark.parametrize(
    "addresses", [["10.0.0.1"], [HERE], ["::1"], ["169.254.169.254"], ["8.8.8.8", HERE], ["64:ff9b::7f00:1"]]
)
def test_a_name_that_stands_for_such_an_address_is_not_called(names: Any, addresses: list[str]) -> None:
    names["receiver.example"] = [addresses]
    assert post("https://receiver.example/").reason is DeliveryReason.ADDRESS_REFUSED


def test_a_name_that_stands_for_nothing_is_refused_in_the_same_way(names: Any) -> None:
    names["receiver.example"] = [[]]
    assert post("https://receiver.example/") == Answer(None, DeliveryReason.ADDRESS_REFUSED)


def test_the_address_that_was_looked_at_is_the_one_that_is_called(names: Any) -> None:
    """A name that stands for something else a moment later changes nothing."""
    with a_receiver() as receiver:
        names["receiver.example"] = [[HERE], ["10.255.255.1"]]
        url = receiver.url.replace(HERE, "receiver.example")
        assert post(url, Receivers.ANYWHERE).received
        assert len(receiver.got) == 1
        assert receiver.got[0].headers["host"].startswith("receiver.example")
        assert names["receiver.example"] == [["10.255.255.1"]], "It was looked up once."


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with a_receiver() as proxy, a_receiver() as receiver:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        assert post(receiver.url, Receivers.ANYWHERE).received
        assert (len(receiver.got), proxy.got) == (1, [])


def test_a_redirect_is_an_answer_and_nothing_more() -> None:
    with a_receiver() as elsewhere, a_receiver(lambda got: Says(307, {"Location": elsewhere.url})) as receiver:
        assert post(receiver.url, Receivers.ANYWHERE).reason is DeliveryReason.REDIRECTED
        assert elsewhere.got == []


# Whom the connection is with


@pytest.fixture
def certified(tmp_path: Path) -> Iterator[tuple[str, ssl.SSLContext]]:
    """The address of a receiver that proves to be `receiver.example`, and whom to trust for that."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "receiver.example")])
    now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)  # as this builder wants it
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now)
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("receiver.example")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "certificate.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    serves = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serves.load_cert_chain(pem)
    with listening(b"HTTP/1.1 204 No Content\r\n\r\n", serves) as port:
        yield f"https://receiver.example:{port}/", ssl.create_default_context(cafile=str(pem))


def test_the_certificate_is_that_of_the_name(names: Any, certified: tuple[str, ssl.SSLContext]) -> None:
    url, trusted = certified
    names |= {"receiver.example": [[HERE]], "other.example": [[HERE]]}
    assert post(url, Receivers.ANYWHERE, trusted=trusted).received
    assert post(url, Receivers.ANYWHERE).reason is DeliveryReason.TLS_FAILED
    other = url.replace("receiver.", "other.")
    assert post(other, Receivers.ANYWHERE, trusted=trusted).reason is DeliveryReason.TLS_FAILED


# What it answers


@contextmanager
def listening(says: bytes, serves: ssl.SSLContext | None = None, *, again: bool = False) -> Iterator[int]:
    """A port of this machine where every connection hears this; with `again` for as long as it listens."""
    server = socket.create_server((HERE, 0))
    stop = threading.Event()

    def answer(connection: socket.socket) -> None:
        try:
            with serves.wrap_socket(connection, server_side=True) if serves else connection as spoken:
                spoken.recv(65536)
                spoken.sendall(says)
                while again and not stop.is_set():
                    spoken.sendall(says[-1:] * (1 if stop.wait(0.01) else 8192))
        except OSError:
            pass

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield server.getsockname()[1]
    finally:
        stop.set()
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join()


OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize("slow", [b"H", OK + b"X-Slow: a"], ids=["status", "header"])
def test_who_never_comes_to_an_end_is_not_waited_for(slow: bytes) -> None:
    with listening(slow) as port, silent(slow) as quiet:
        for one in (port, quiet):
            answer = post(f"http://{HERE}:{one}/", Receivers.ANYWHERE, time_limit=0.3)
            assert answer.reason in {DeliveryReason.TIMED_OUT, DeliveryReason.CONNECTION_FAILED}
            assert not answer.received


@contextmanager
def silent(says: bytes) -> Iterator[int]:
    """A port where every connection hears the beginning of something, and then nothing."""
    server = socket.create_server((HERE, 0))
    kept: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
                connection.sendall(says)
            except OSError:
                return
            kept.append(connection)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield server.getsockname()[1]
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join()
        for connection in kept:
            connection.close()


def test_an_answer_without_end_is_not_read() -> None:
    endless = OK + b"Content-Length: 99999999999\r\n\r\nx"
    with listening(endless, again=True) as port:
        url = f"http://{HERE}:{port}/"
        assert post(url, Receivers.ANYWHERE, reads=True).reason is DeliveryReason.ANSWER_UNREADABLE
        assert post(url, Receivers.ANYWHERE).received, "Its status said that it was received; the rest is of no use."


def test_what_is_packed_is_not_unpacked() -> None:
    packed = gzip.compress(b'{"challenge": "' + b"a" * 10_000_000 + b'"}')
    with a_receiver(lambda got: Says(200, {"Content-Encoding": "gzip"}, packed)) as receiver:
        answer = post(receiver.url, Receivers.ANYWHERE, reads=True)
        assert (answer.reason, answer.body) == (DeliveryReason.ANSWER_UNREADABLE, b"")
        assert receiver.got[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("nonsense", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", OK + b"x" * 200_000])
def test_nonsense_is_no_answer(nonsense: bytes) -> None:
    with listening(nonsense) as port:
        assert post(f"http://{HERE}:{port}/", Receivers.ANYWHERE).reason is DeliveryReason.CONNECTION_FAILED


def test_where_nobody_listens_there_is_no_answer() -> None:
    with socket.create_server((HERE, 0)) as server:
        port = server.getsockname()[1]
    assert post(f"http://{HERE}:{port}/", Receivers.ANYWHERE) == Answer(None, DeliveryReason.CONNECTION_FAILED)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("120", 120.0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", "past"),
        ("soon", None),
        ("", None),
        ("-5", None),
        ("9" * 40, 1e9),
    ],
)
def test_a_busy_receiver_says_for_how_long_in_seconds_or_as_a_moment(said: str, seconds: float | str | None) -> None:
    def busy(_: Got) -> Says:
        return Says(503, {"Retry-After": said})

    with a_receiver(busy) as receiver:
        found = post(receiver.url, Receivers.ANYWHERE).retry_after
    if seconds == "past":
        assert found is not None
        assert found < 0
    else:
        assert found == pytest.approx(seconds)
