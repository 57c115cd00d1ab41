"""`spil listen`: a receiver on this machine, for who builds one. It shows each event that is delivered, once verified.

It speaks the API as any client would: makes a subscription for itself, gives the challenge back, verifies every
signature, and removes the subscription at the end. What isn't signed by Spil is refused, and shown as that.
"""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

from api.cli.screen import done, err, out, refuse, say
from api.cli.stopping import stoppable
from api.cli.tokens import Credentials, where
from api.domain.signatures import NotAuthentic, verify

LARGEST = 1024 * 1024
PATH = "/v1/subscriptions"
CHALLENGE = "nl.spil.subscriptions.challenge"
LOOKS_AFTER = 15
"""Seconds after which it is looked up what keeps the challenge."""


@dataclass(frozen=True)
class Wish:
    """What is listened to, and where."""

    port: int
    types: tuple[str, ...]
    url: str | None
    """How Spil reaches this port from outside, through a tunnel."""
    subscription: str | None
    """One that is there already, instead of one that is made and removed."""


@dataclass
class Listener:
    """What is known of the subscription. The challenge may come before the answer with the keys that signed it."""

    service: "Service"
    path: str = ""
    keys: list[str] = field(default_factory=list)
    known: threading.Event = field(default_factory=threading.Event)
    verified: threading.Event = field(default_factory=threading.Event)
    seen: set[str] = field(default_factory=set)

    def take(self, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        """The status and the body of the answer to a delivery."""
        self.known.wait(timeout=5)
        try:
            message_id = self._verified(headers, body)
        except NotAuthentic as error:
            err.print(f"[bold red]✗[/] Refused: {error}")
            return 401, b""
        event = json.loads(body)
        self.verified.set()
        if event["type"] == CHALLENGE:
            done("The challenge was given back: from now on events are delivered here.")
            return 200, json.dumps({"challenge": event["data"]["challenge"]}).encode()
        say(line_of(event, again=message_id in self.seen))
        self.seen.add(message_id)
        return 204, b""

    def _verified(self, headers: dict[str, str], body: bytes) -> str:
        """The id of a delivery. A key that isn't known may be a new one: then the keys are asked for again."""
        try:
            return verify(headers, body, self.keys, time.time())
        except NotAuthentic:
            self.learn(self.service.get(self.path))
            return verify(headers, body, self.keys, time.time())

    def learn(self, subscription: dict[str, Any]) -> None:
        self.path = f"{PATH}/{subscription['id']}"
        self.keys = [key["publicKey"] for key in subscription["signingKeys"]]
        self.known.set()


def line_of(event: dict[str, Any], *, again: bool = False) -> str:
    """An event in one line: when, what, where to read on."""
    at = datetime.fromisoformat(event["time"]).astimezone().strftime("%H:%M:%S")
    data = event.get("data", {})
    what = data.get("event", event["type"].rpartition(".")[2])
    return f"{at}  {what:<28} {data.get('link', '')}{'  (again)' if again else ''}".rstrip()


class Service:
    """Spil, over HTTP."""

    def __init__(self, who: Credentials) -> None:
        self._who, self._base_url = who, where(who.url, who.folder)

    def get(self, path: str) -> dict[str, Any]:
        return self._ask("GET", path)

    def make(self, url: str, types: tuple[str, ...]) -> dict[str, Any]:
        return self._ask("POST", PATH, json={"url": url, "types": list(types)})

    def verify(self, path: str) -> dict[str, Any]:
        return self._ask("POST", f"{path}/_verify")

    def remove(self, path: str) -> None:
        self._ask("DELETE", path, headers={"If-Match": "*"})

    def _ask(self, method: str, path: str, headers: dict[str, str] | None = None, json: Any = None) -> dict[str, Any]:
        proven = {"Authorization": f"Bearer {self._who.fetch()}"} | (headers or {})
        try:
            answer = httpx.request(method, self._base_url + path, headers=proven, json=json, timeout=30)
        except httpx.HTTPError:
            refuse(f"Nothing answers at {self._base_url}. Start the service, or name where it is with --spil.")
        if not answer.is_success:
            refuse(f"{answer.status_code}: {answer.json().get('detail', answer.reason_phrase)}")
        found: dict[str, Any] = answer.json() if answer.content else {}
        return found


def listen(wish: Wish, who: Credentials) -> None:
    """Listen until somebody stops it."""
    listener = Listener(Service(who))
    with stoppable(), serving(listener, wish.port) as port, subscribed(listener, wish, port):
        say("Stop with Ctrl-C.")
        if not listener.verified.wait(LOOKS_AFTER):
            _say_what_keeps_it(listener)
        while True:
            time.sleep(1)


@contextmanager
def subscribed(listener: Listener, wish: Wish, port: int) -> Iterator[None]:
    """A subscription that delivers here, removed at the end if it was made here."""
    url = wish.url or f"http://127.0.0.1:{port}/"
    if wish.subscription:
        path = f"{PATH}/{wish.subscription}"
        listener.learn(listener.service.get(path))
        yield
        return
    listener.learn(listener.service.make(url, wish.types))
    done(f"Subscribed: {listener.path} delivers to {url}")
    try:
        yield
    finally:
        listener.service.remove(listener.path)
        done("The subscription is removed.")


def _say_what_keeps_it(listener: Listener) -> None:
    log = listener.service.get(f"{listener.path}/deliveries")["items"]
    reasons = [attempt["reason"] for one in log for attempt in one["attempts"] if attempt["reason"]]
    if reasons:
        say(f"No challenge has arrived. Spil says: {reasons[-1]}.")
        say(
            "To reach this machine, Spil has to run with SPIL_RECEIVERS=anywhere, or a tunnel is needed: --url https://..."
        )
    else:
        say("No challenge has arrived, and Spil hasn't tried yet. Does `spil worker` run?")


@contextmanager
def serving(listener: Listener, port: int) -> Iterator[int]:
    """The receiver, on a port of this machine."""
    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), _handler(listener))
    except OSError:
        refuse(f"Port {port} is taken. Name another one with --port.")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    out.print(f"Listening on port {server.server_port}")
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


def _handler(listener: Listener) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(min(int(self.headers.get("Content-Length", 0)), LARGEST))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, says = listener.take(headers, body)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(says)))
            self.end_headers()
            self.wfile.write(says)

        def log_message(self, *_: object) -> None:
            """What arrives is shown by what it says."""

    return Handler
