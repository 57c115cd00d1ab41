"""`spil sync`: an agency's caseload, from a file. It is compared first, and carried out once somebody has seen what
that would do. It speaks the API as any client would, and shows line numbers and codes, never what a row says.
"""

import csv
import secrets
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import httpx
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from api.cli.screen import done, out, refuse, say
from api.cli.tokens import Credentials, where

PATH = "/v1/caseload-synchronisations"
MEDIA_TYPES = {".csv": "text/csv", ".ndjson": "application/x-ndjson", ".jsonl": "application/x-ndjson"}
SOME_REFUSED, NOT_CARRIED_OUT = 3, 4
GOING_ON = ("received", "running")
ATTEMPTS = 3
MEANS = {
    "started": "not registered yet",
    "changed": "registered otherwise",
    "confirmed": "as it is registered",
    "ended": "registered, and in no row",
    "kept": "in no row, but a refused row is about the same person",
    "refused": "can't be carried out",
}


@dataclass(frozen=True)
class Sending:
    """What is sent, for which municipality."""

    file: Path
    municipality: str
    may_end: int | None
    refused: Path | None

    @property
    def media_type(self) -> str:
        known = MEDIA_TYPES.get(self.file.suffix.lower())
        return known or refuse(f"A caseload is a file that ends in {', '.join(MEDIA_TYPES)}.")

    @property
    def beside(self) -> Path:
        """Where refused rows are written."""
        return self.refused or self.file.with_name(f"{self.file.stem}.refused.csv")


class Service:
    """Spil, over HTTP."""

    def __init__(self, who: Credentials) -> None:
        self._who, self._token = who, who.fetch()
        self._client = httpx.Client(base_url=where(who.url, who.folder), timeout=120)

    def close(self) -> None:
        self._client.close()

    def send(self, sending: Sending) -> dict[str, Any]:
        """Send the file to be compared. Sent again under one key, it has one effect."""
        headers = {"Content-Type": sending.media_type, "Idempotency-Key": secrets.token_hex(16)}
        asked = {"municipalityCode": sending.municipality, "dryRun": "true"}
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with sending.file.open("rb") as content:
                    return self._ask("POST", PATH, content=content, params=asked, headers=headers)
            except httpx.TransportError:
                if attempt == ATTEMPTS:
                    raise
                time.sleep(1)
        raise AssertionError("The last attempt returns or raises.")

    def carry_out(self, known: dict[str, Any], may_end: int | None) -> dict[str, Any]:
        return self._ask("POST", f"{PATH}/{known['id']}/_perform", json={"mayEnd": may_end})

    def follow(self, known: dict[str, Any], what: str) -> dict[str, Any]:
        """Wait until it is done, and show how far it is."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, console=out, transient=True, disable=not out.is_terminal) as progress:
            task = progress.add_task(what, total=known["rows"])
            while known["state"] in GOING_ON:
                time.sleep(0.3)
                known = self._ask("GET", f"{PATH}/{known['id']}")
                progress.update(task, completed=known["done"], total=max(known["rows"], known["done"]))
        return known

    def rows(self, known: dict[str, Any], outcome: str) -> Iterator[dict[str, Any]]:
        cursor = ""
        while cursor is not None:
            asked = {"outcome": outcome, "limit": "200", "cursor": cursor}
            page = self._ask("GET", f"{PATH}/{known['id']}/rows", params=asked)
            yield from page["items"]
            cursor = page["nextCursor"]

    def _ask(self, method: str, path: str, **how: Any) -> dict[str, Any]:
        """The answer, with a new token if the one there was has expired; a refusal is shown and ends the command."""
        headers = how.pop("headers", {})
        for _ in range(2):
            answer = self._client.request(method, path, headers=self._proof() | headers, **how)
            if answer.status_code != httpx.codes.UNAUTHORIZED or method != "GET":
                break
            self._token = self._who.fetch()
        if answer.is_error:
            _show(answer)
        known: dict[str, Any] = answer.json()
        return known

    def _proof(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"}


def synchronise(sending: Sending, who: Credentials, *, dry_run: bool, yes: bool) -> None:
    """Compare, show, ask, carry out."""
    with _reachable(where(who.url, who.folder)), closing(Service(who)) as service:
        known = service.follow(service.send(sending), "Comparing")
        _show_table("This would happen", known)
        _write_refused(service, known, sending)
        if dry_run:
            raise typer.Exit(_exit_code(known))
        may_end = _ask_whether(known, sending.may_end, yes=yes)
        known = service.follow(service.carry_out(known, may_end), "Carrying out")
        if known["state"] != "completed":
            _say_why_not(known)
        _show_table("This has happened", known)
        _write_refused(service, known, sending)
        done(f"Carried out: {known['rows']} rows.")
        raise typer.Exit(_exit_code(known))


def _ask_whether(known: dict[str, Any], may_end: int | None, *, yes: bool) -> int | None:
    """How many may be ended, by who has seen how many that are."""
    too_many = known["wouldEnd"] > (known["mayEnd"] if may_end is None else may_end)
    if yes:
        return may_end
    question = f"{known['wouldEnd']} of {known['running']} that run would end: more than expected. Carry it out?"
    if not typer.confirm(question if too_many else "Carry it out?"):
        say("Nothing was changed.")
        raise typer.Exit(NOT_CARRIED_OUT)
    return int(known["wouldEnd"]) if too_many else may_end


def _say_why_not(known: dict[str, Any]) -> NoReturn:
    if known["state"] == "confirmation_needed":
        say(f"Not carried out: {known['wouldEnd']} would end, {known['mayEnd']} may. Say --may-end if it is right.")
    else:
        say("It was stopped: your agency is not active any more, or its system is no longer trusted.")
    raise typer.Exit(NOT_CARRIED_OUT)


def _show_table(title: str, known: dict[str, Any]) -> None:
    table = Table(title=title, title_justify="left", title_style="bold", header_style="bold")
    for heading in ("Outcome", "Rows", "Which"):
        table.add_column(heading, justify="right" if heading == "Rows" else "left")
    for outcome, number in known["outcomes"].items():
        if number:
            table.add_row(outcome, str(number), MEANS[outcome])
    out.print(table)


def _write_refused(service: Service, known: dict[str, Any], sending: Sending) -> None:
    if not known["outcomes"]["refused"]:
        return
    with sending.beside.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("line", "code", "column"))
        writer.writerows((row["line"], row["code"], row["column"]) for row in service.rows(known, "refused"))
    say(f"Which rows are refused, and why, is in {sending.beside}")


def _exit_code(known: dict[str, Any]) -> int:
    return SOME_REFUSED if known["outcomes"]["refused"] else 0


def _show(answer: httpx.Response) -> NoReturn:
    try:
        problem = answer.json()
        further = [f"{one['name']}: {one['detail']}" for one in problem.get("errors", [])]
        refuse(f"{answer.status_code} {problem['code']}: {problem['detail']}", *further)
    except (ValueError, KeyError, TypeError):
        refuse(f"{answer.status_code} {answer.reason_phrase}")


@contextmanager
def _reachable(base_url: str) -> Iterator[None]:
    try:
        yield
    except httpx.HTTPError:
        refuse(f"Nothing answers at {base_url}. Start the service, or name where it is with --url.")
