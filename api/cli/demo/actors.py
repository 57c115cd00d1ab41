"""Who you can be in the demo: a token for each, a line of curl that works as printed, and `demo.json` for programs."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from api.auth.issuing import OwnIssuer
from api.cli.demo.field import HOME, MUNICIPALITIES, NEIGHBOUR
from api.cli.demo.municipality import ADMINISTRATOR, Known, professional_of, registrar_of, system_of
from api.cli.keys import write_private
from api.domain.actor import Actor, Role

TOKEN_LIFE = 12 * 3600
"""Seconds: the longest life a token may have. Every start makes new ones."""


@dataclass(frozen=True)
class Someone:
    """Somebody you can be: who, a path that shows something to them, and what it shows."""

    name: str
    actor: Actor
    path: str
    shows: str


def everyone(known: Known) -> list[Someone]:
    """Who you can be, by what they are to the first family: complete, with a lead and a contact point."""
    complete, deputised = known.family("complete"), known.family("deputy_running")
    team, looked = f"/families/{complete}/who-is-involved", f"/disclosures?familyId={complete}"
    finances = f"/families/{complete}/contact-points/finances"
    home, neighbour = (MUNICIPALITIES[code][0] for code in (HOME, NEIGHBOUR))
    return [
        Someone(f"Registrar of {home}", registrar_of(HOME), "/caseload", "its families and what to do"),
        Someone("System of Jeugdhulp De Wilg", system_of(known, "wilg"), "/caseload", "the families it is related to"),
        Someone("System of Schuldhulp Veenmeer", system_of(known, "schuld"), team, "who is involved with a family"),
        Someone("Marieke Terpstra, lead coordinator", professional_of(known, "wilg.marieke"), team, "the whole team"),
        Someone("Dennis Ruiter, debt help", professional_of(known, "schuld.dennis"), finances, "whom to call"),
        Someone("Ruben Oosterhof, youth care", professional_of(known, "wilg.ruben"), "/caseload", "a lead proposed"),
        Someone(
            "Yasmina Belkadi, deputy",
            professional_of(known, "wilg.yasmina"),
            f"/families/{deputised}/who-is-involved",
            "a family whose lead is away",
        ),
        Someone(f"Analyst of {home}", _of_municipality(Role.ANALYST), "/agencies", "the agencies; no family"),
        Someone(f"Privacy officer of {home}", _of_municipality(Role.PRIVACY_OFFICER), looked, "who saw or changed it"),
        Someone("Elif Aksoy, parent", _relative(known, "Elif Aksoy"), team, "her own family"),
        Someone("System of Veenmeer College", system_of(known, "college"), "/caseload", "nothing: not involved"),
        Someone(f"Registrar of {neighbour}", registrar_of(NEIGHBOUR), "/caseload", "another municipality"),
        Someone("Platform administrator", ADMINISTRATOR, "/municipalities", "the municipalities; no family"),
    ]


def tokens_for(people: Sequence[Someone], issuer: OwnIssuer) -> list[str]:
    return [issuer.token(someone.actor, seconds=TOKEN_LIFE) for someone in people]


def write_demo_json(file: Path, base_url: str, people: Sequence[Someone], tokens: Sequence[str], known: Known) -> None:
    """What the demo is made of, for programs. It is there as a whole, once the service answers."""
    actors = [_described(someone, token) for someone, token in zip(people, tokens, strict=True)]
    document = {"baseUrl": base_url, "actors": actors, "families": known.families}
    write_private(file, json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def curl(base_url: str, someone: Someone, token: str) -> str:
    return f"curl -sS -H 'Authorization: Bearer {token}' '{base_url}/v1{someone.path}'"


def show(console: Console, base_url: str, people: Sequence[Someone], tokens: Sequence[str]) -> None:
    """The table, and below it a line for each that can be copied whole: nothing in it is wrapped or cut off."""
    table = Table(title="Who you can be", title_justify="left", title_style="bold", header_style="bold")
    table.add_column("", justify="right", no_wrap=True)
    for heading in ("Who", "Role", "What the line shows"):
        table.add_column(heading)
    for number, someone in enumerate(people, start=1):
        table.add_row(str(number), escape(someone.name), str(someone.actor.role), escape(someone.shows))
    console.print(table)
    console.print("[bold]A line to copy for each, with their token[/] (valid for twelve hours)")
    for number, (someone, token) in enumerate(zip(people, tokens, strict=True), start=1):
        console.print(f"\n[bold]{number}[/] {escape(someone.name)}", soft_wrap=True)
        console.print(curl(base_url, someone, token), soft_wrap=True, markup=False, style="cyan")


def _described(someone: Someone, token: str) -> dict[str, Any]:
    actor = someone.actor
    return {
        "name": someone.name,
        "role": str(actor.role),
        "agencyId": _text(actor.agency_id),
        "professionalId": _text(actor.professional_id),
        "personId": _text(actor.person_id),
        "token": token,
    }


def _text(identifier: UUID | None) -> str | None:
    return str(identifier) if identifier else None


def _of_municipality(role: Role) -> Actor:
    return Actor(role=role, subject=f"{role}-{HOME}".replace("_", "-"), municipality_code=HOME)


def _relative(known: Known, full_name: str) -> Actor:
    person_id = known.persons[full_name]
    return Actor(role=Role.FAMILY_MEMBER, subject=f"person-{person_id}", person_id=UUID(person_id))
