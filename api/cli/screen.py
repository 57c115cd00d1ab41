"""What the command line says, and how it refuses: one sentence on standard error, exit 1, never a stack trace."""

import shutil
import sys
from typing import NoReturn

import typer
from rich.console import Console
from rich.markup import escape

out = Console(highlight=False, width=None if sys.stdout.isatty() else 100)
err = Console(stderr=True, highlight=False)


def command() -> str:
    """How to call this program from here, for sentences that can be copied."""
    return "spil" if shutil.which("spil") or not sys.argv[0].endswith("spil") else sys.argv[0]


def say(sentence: str) -> None:
    out.print(escape(sentence), soft_wrap=True)


def done(sentence: str) -> None:
    out.print(f"[green]✓[/] {escape(sentence)}", soft_wrap=True)


def refuse(*sentences: str) -> NoReturn:
    """Say what is wrong, and leave with exit code 1."""
    for sentence in sentences:
        err.print(f"[bold red]✗[/] {escape(sentence)}", soft_wrap=True)
    raise typer.Exit(1)
