"""`spil demo`: a real service on a real database, from one command on a bare machine.

Invariant: whatever was started is stopped again, however this ends; data stay in the folder until `--reset`.
"""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path

from api.cli.folder import CHECKPOINTS, KEYS, KNOWN, POSTGRES, folder_database
from api.cli.port import reserve
from api.cli.screen import command, done, refuse
from api.cli.stopping import stoppable

CLIENTS, DEMO_JSON, HELD = "clients", "demo.json", "lock"
THE_REST = "api.cli.demo.service"


def run(host: str, port: int, folder: Path, *, reset: bool) -> None:
    """Start everything, say who you can be, and serve until somebody stops it."""
    reserved = reserve(host, port, f"{command()} demo --port {port + 1}")
    base_url = _url(host, reserved.getsockname()[1])
    folder = folder.absolute()
    with stoppable(), reserved, _held(folder):
        if reset:
            _throw_away(folder)
        (folder / DEMO_JSON).unlink(missing_ok=True)
        with folder_database(folder, meanwhile=_import_the_rest) as url:
            from api.cli.demo.service import serve_demo

            serve_demo(reserved, folder, url, base_url)
    done("Stopped. Your data stay for the next time.")


def _import_the_rest() -> None:
    """The code of the service takes as long to load as PostgreSQL takes to start. What fails here fails again below."""
    with suppress(Exception):
        import_module(THE_REST)


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """One demo at a time in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / HELD).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            refuse(f"A demo runs in {folder} already. Stop it first, or use another --folder.")
        yield


def _throw_away(folder: Path) -> None:
    for name in (POSTGRES, CLIENTS):
        shutil.rmtree(folder / name, ignore_errors=True)
    for name in (KEYS, KNOWN, CHECKPOINTS):
        (folder / name).unlink(missing_ok=True)
    done("Threw away what there was")


def _url(host: str, port: int) -> str:
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - what is listened on, told apart
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"
