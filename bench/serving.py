"""What is measured, each in a process of its own: the service, and a FastAPI route that does nothing."""

import base64
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from fastapi import FastAPI

from api.settings import Settings


def settings_for(url: str) -> Settings:
    """Settings with keys for this run only."""
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    data_key, pseudonym_key = (base64.b64encode(os.urandom(32)).decode() for _ in range(2))
    return Settings(database_url=url, signing_key=pem, data_keys=f'{{"1": "{data_key}"}}', pseudonym_key=pseudonym_key)


def bare() -> FastAPI:
    """The fastest answer this kind of server can give."""
    app = FastAPI()

    @app.get("/bare")
    async def answer() -> dict[str, str]:
        return {"status": "ok"}

    return app


@contextmanager
def serving(factory: str, settings: Settings | None = None) -> Iterator[int]:
    """Serve an application with one worker; gives its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    command = [sys.executable, "-m", "uvicorn", factory, "--factory", "--port", str(port), "--loop", "uvloop"]
    command += ["--http", "httptools", "--ws", "none", "--no-access-log", "--log-level", "error"]
    process = subprocess.Popen(command, env=os.environ | (_environment(settings) if settings else {}))
    try:
        _wait_for(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=20)


def _environment(settings: Settings) -> dict[str, str]:
    assert settings.database_url
    assert settings.signing_key
    assert settings.data_keys
    assert settings.pseudonym_key
    return {
        "SPIL_DATABASE_URL": settings.database_url,
        "SPIL_SIGNING_KEY": settings.signing_key.get_secret_value(),
        "SPIL_DATA_KEYS": settings.data_keys.get_secret_value(),
        "SPIL_PSEUDONYM_KEY": settings.pseudonym_key.get_secret_value(),
        "SPIL_CONNECTIONS": str(settings.connections),
        "SPIL_RATE_LIMIT": str(10**9),  # counted, and never reached
    }


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(200):
        try:
            httpx.get(f"http://127.0.0.1:{port}/")
            return
        except httpx.TransportError:
            if process.poll() is not None:
                break
            time.sleep(0.1)
    raise RuntimeError("The server didn't start.")
