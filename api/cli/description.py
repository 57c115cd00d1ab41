"""The OpenAPI document as a file: written, or compared with what the code says now. Needs no database."""

import json
from pathlib import Path

from api.cli.keys import new_keys, settings_on
from api.cli.screen import done, refuse

NOWHERE = "postgresql://nowhere.invalid/spil"


def described() -> str:
    """The document: the same code always gives the same text."""
    from api.main import create_app

    app = create_app(settings_on(new_keys(), NOWHERE, "https://spil.example"))
    return json.dumps(app.openapi(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def write(out: Path) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(described(), encoding="utf-8")
    done(f"Wrote {out}")


def compare(out: Path) -> None:
    """Refuse if the file isn't what `write` would write."""
    if not out.exists():
        refuse(f"{out} isn't there. Write it with: spil openapi --out {out}")
    if out.read_text(encoding="utf-8") != described():
        refuse(f"{out} is out of date. Write it anew with: spil openapi --out {out}")
    done(f"{out} is up to date")
