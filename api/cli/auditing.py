"""`spil audit`: sealing the record of disclosures, verifying what was sealed, and exporting it."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer
from sqlalchemy import create_engine
from sqlmodel import Session

from api.cli import configuration
from api.cli.keys import vault_of
from api.cli.screen import done, err, out, refuse, say
from api.cli.stopping import stoppable
from api.db import DatabaseRole, sqlalchemy_url
from api.domain import disclosures, record_forms, retention, sealing, verifying
from api.domain.actor import Actor, Role
from api.domain.checkpoints import NOTHING, Book, NotToBeTrusted, private_key, public_key
from api.domain.models import AuditRecord
from api.domain.vault import Vault
from api.settings import Settings

PATIENCE = 60
"""Seconds to wait for transactions that were running when this began."""
OFF = "Nothing is sealed: SPIL_CHECKPOINTS and SPIL_CHECKPOINT_KEY aren't set."


def book_of(settings: Settings) -> Book | None:
    """The configured checkpoints; none where sealing is off."""
    if settings.checkpoints is None:
        return None
    key = private_key(settings.checkpoint_key.get_secret_value()) if settings.checkpoint_key else None
    return Book(settings.checkpoints, key, *(public_key(pem) for pem in settings.checkpoint_public_keys))


def seal_configured(*, restored: bool) -> None:
    """Seal all that is finished by now. `restored`: say first that the database went back in time."""
    settings = configuration.safe()
    book = book_of(settings) or refuse(OFF)
    with stoppable(), session_of(settings.database_url or "") as session:
        try:
            if restored:
                _lay_down_restored(session, book)
            count = _seal(session, book)
        except (sealing.Elsewhere, NotToBeTrusted) as error:
            refuse(f"Nothing was sealed. {_sentence(error)}")
    done(f"Sealed {count:,} records")


def _seal(session: Session, book: Book) -> int:
    known = sealing.horizon(session)
    until = time.monotonic() + PATIENCE
    while not sealing.is_past(session, known):
        session.rollback()
        if time.monotonic() > until:
            refuse(f"A transaction has been running for more than {PATIENCE} seconds. Try again when it has ended.")
        time.sleep(0.1)
    count = 0
    while line := sealing.seal_next(session, book, known.upto):
        count += line.checkpoint.count
    return count


def _lay_down_restored(session: Session, book: Book) -> None:
    kept = verifying.first_wrong(session, book)
    session.rollback()
    sealing.lay_down(session, book, **verifying.restored(kept))
    done(f"The checkpoints up to {kept[0]} stand; those after it are given up, and stay in the file")


def verify_configured(checkpoints: Path | None, keys: list[Path], head: str | None) -> None:
    """Verify every checkpoint and every record they cover; exit 1 if anything is wrong."""
    settings = configuration.known()
    url = configuration.database_url()
    book = _book_to_verify(settings, checkpoints, keys)
    with stoppable(), session_of(url) as session, out.status("Verifying") as status:
        report = verifying.verify(
            session, book, expected_head=head, on_progress=lambda count: status.update(f"Verified {count:,} records")
        )
    _show(report)
    if report.wrong:
        raise typer.Exit(1)


def _book_to_verify(settings: Settings, checkpoints: Path | None, keys: list[Path]) -> Book:
    """The configured checkpoints, or a copy somewhere else with the public keys that go with it."""
    path = checkpoints or settings.checkpoints or refuse(OFF)
    if not path.exists():
        refuse(f"There are no checkpoints in {path}.")
    try:
        key = private_key(settings.checkpoint_key.get_secret_value()) if settings.checkpoint_key else None
        pems = [*settings.checkpoint_public_keys, *(file.read_text() for file in keys)]
        return Book(path, key, *(public_key(pem) for pem in pems))
    except (ValueError, TypeError, OSError):
        refuse("A key can't be read: give Ed25519 keys in PEM.")


def _show(report: verifying.Report) -> None:
    for sentence in report.wrong:
        err.print(f"[bold red]✗[/] {sentence}", soft_wrap=True)
    for sentence in report.given_up:
        say(sentence)
    say(f"{report.checkpoints:,} checkpoints, {report.batches:,} batches, {report.records:,} records looked at.")
    if report.forgotten:
        say(f"{report.forgotten:,} records were forgotten when their time was over; a checkpoint says so.")
    since = f", the oldest of {report.unsealed_since}" if report.unsealed else ""
    say(f"Not covered yet: {report.unsealed:,} records{since}.")
    if report.head != NOTHING:
        say(f"The last checkpoint is {report.head}. Note it down elsewhere: --head looks whether it is still there.")
    if not report.wrong:
        done("Everything that was sealed is as it was")


@contextmanager
def session_of(url: str) -> Iterator[Session]:
    """A session that sees all of the record, as the worker does."""
    options = f"-c timezone=UTC -c role={DatabaseRole.WORKER}"
    engine = create_engine(sqlalchemy_url(url), connect_args={"options": options}, hide_parameters=True)
    try:
        with Session(engine) as session:
            yield session
    finally:
        engine.dispose()


def _sentence(error: Exception) -> str:
    text = str(error)
    return text if text.endswith((".", "verify")) else f"The last checkpoint can't be trusted: {text}."


def export_configured(municipality: str, form: str, since: datetime | None, until: datetime | None) -> None:
    """Write records to standard output, a line each; that somebody did so is on record before the first of them."""
    if form not in FORMS:
        refuse(f"The forms are {', '.join(FORMS)}.")
    settings = configuration.safe()
    write, vault = FORMS[form], vault_of(settings)
    asked = disclosures.Asked(from_day=since and since.date(), until_day=until and until.date())
    with stoppable(), session_of(settings.database_url or "") as session:
        _record_export(session, municipality)
        for record in disclosures.all_of(session, municipality, asked):
            print(json.dumps(write(record, vault), default=_text, ensure_ascii=False))  # noqa: T201 - it is the output


def _record_export(session: Session, municipality: str) -> None:
    now = retention.now_of(session)
    by = Actor(Role.PLATFORM_ADMINISTRATOR, "spil audit export", municipality)
    about = {"municipality_code": municipality, "purpose": "oversight", "activity": "oversight_of_disclosures"}
    session.add(AuditRecord.of(by, "disclosure:export", "shown", now, fields="disclosure", **about))
    session.commit()


def _native(record: AuditRecord, _: Vault) -> dict[str, Any]:
    return record.model_dump(exclude={"id"})


def _text(value: Any) -> str:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else str(value)


FORMS: dict[str, Callable[[AuditRecord, Vault], dict[str, Any]]] = {
    "native": _native,
    "processing-log": record_forms.processing_log,
    "access-log": record_forms.access_log,
}
