"""The demo's service: the municipality loaded the first time, then served, with who you can be."""

import json
import socket
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from api.cli.demo import CLIENTS, DEMO_JSON
from api.cli.demo.actors import everyone, show, tokens_for, write_demo_json
from api.cli.demo.municipality import Known, is_loaded, load, steps
from api.cli.folder import KNOWN
from api.cli.keys import kept_keys, settings_on, vault_of, write_private
from api.cli.screen import command, done, out, refuse, say
from api.cli.serving import WithWorker
from api.domain.vault import Vault
from api.main import create_app
from api.settings import Settings


def serve_demo(reserved: socket.socket, folder: Path, url: str, base_url: str) -> None:
    """Serve the demo municipality until somebody stops it."""
    settings = settings_on(kept_keys(folder), url, base_url)
    if not is_loaded(url):
        _load(folder, url, vault_of(settings))
    known = _known(folder)
    counts = asdict(known)
    done(", ".join(f"{len(counts[name])} {name}" for name in ("agencies", "professionals", "families")))
    _serve(reserved, folder, settings, known)


def _load(folder: Path, url: str, vault: Vault) -> None:
    def keep(known: dict[str, Any], private_keys: dict[str, str]) -> None:
        for client, pem in private_keys.items():
            write_private(folder / CLIENTS / f"{client}.pem", pem)
        write_private(folder / KNOWN, json.dumps(known, indent=2, ensure_ascii=False))

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=out, transient=True, disable=not out.is_terminal) as progress:
        task = progress.add_task("Loading the municipality of Veenmeer", total=steps())
        load(url, vault, datetime.now(UTC), keep, lambda: progress.advance(task))
    done("The municipality of Veenmeer is loaded")


def _known(folder: Path) -> Known:
    if not (folder / KNOWN).exists():
        refuse(f"{folder / KNOWN} is gone. Start over with: {command()} demo --reset")
    return Known(**json.loads((folder / KNOWN).read_text()))


def _serve(reserved: socket.socket, folder: Path, settings: Settings, known: Known) -> None:
    app = create_app(settings)
    people = everyone(known)
    tokens = tokens_for(people, app.state.own_issuer)

    def ready() -> None:
        write_demo_json(folder / DEMO_JSON, settings.base_url, people, tokens, known)
        show(out, settings.base_url, people, tokens)
        _say_more(folder, settings.base_url, known.clients["schuld"])

    WithWorker(app, ready).run(sockets=[reserved])


def _say_more(folder: Path, base_url: str, client: str) -> None:
    say("")
    say("An agency's system gets its own token with a signed assertion, as the system of Schuldhulp Veenmeer does by:")
    say(f"{command()} token --client {client} --folder '{folder}'")
    say("")
    say(f"All of this is in {folder / DEMO_JSON} too, with the id and the state of every family.")
    done(f"Spil is ready at {base_url} (API: {base_url}/v1/openapi.json). Stop with Ctrl-C.")
