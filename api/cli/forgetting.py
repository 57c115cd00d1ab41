"""`spil forget`: what has been kept for long enough, and forgetting it."""

from rich.table import Table
from sqlmodel import Session

from api.cli import configuration
from api.cli.auditing import book_of, session_of
from api.cli.screen import done, out, refuse, say
from api.cli.stopping import stoppable
from api.domain import retention
from api.domain.checkpoints import Book, NotToBeTrusted
from api.domain.sealing import Elsewhere


def forget_configured(*, dry_run: bool) -> None:
    """Forget all that is over, or say what that would be."""
    settings = configuration.safe()
    book = book_of(settings)
    with stoppable(), session_of(settings.database_url or "") as session:
        try:
            if dry_run:
                _show(retention.everything_due(session, book, retention.now_of(session)), "would be forgotten")
            else:
                _show(_forget(session, book), "forgotten")
        except (Elsewhere, NotToBeTrusted) as error:
            refuse(f"Records of disclosures were not forgotten: {error}")
    if dry_run:
        for what, until in retention.KEPT.items():
            say(f"Kept: {what}, {until}.")
    done("Nothing was changed" if dry_run else "Forgotten what is over")


def _forget(session: Session, book: Book | None) -> dict[str, int]:
    now, gone = retention.now_of(session), {}
    for term in retention.TERMS:
        gone[term.what] = 0
        while some := retention.forget_some(session, term, now):
            gone[term.what] += some
    gone[retention.RECORDS] = 0
    while book and book.signs and (some := retention.forget_records(session, book)):
        gone[retention.RECORDS] += some
    return gone


def _show(counts: dict[str, int], heading: str) -> None:
    table = Table("what", heading, "kept for", "because", box=None)
    for term in retention.TERMS:
        table.add_row(term.what, f"{counts[term.what]:,}", f"{term.days:,} days", term.ground)
    days = f"{retention.RECORDS_DAYS:,} days"
    table.add_row(retention.RECORDS, f"{counts[retention.RECORDS]:,}", days, retention.RECORDS_GROUND)
    out.print(table)
