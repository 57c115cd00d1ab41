"""HTML for people: plain, readable without style or script, Dutch with English beside it."""

import re
from collections.abc import Iterable
from html import escape

from api.pages.problems import Explained, ProblemPage

STYLE = "/docs/assets/spil.css"
ICON = '<link rel="icon" href="/docs/assets/icon.svg" type="image/svg+xml">'


def document(title: str, *parts: str, scripts: Iterable[str] = (), styles: Iterable[str] = (STYLE,)) -> str:
    """A whole page. `parts` are HTML already."""
    links = "".join(f'<link rel="stylesheet" href="{escape(style)}">' for style in styles)
    loaded = "".join(f'<script src="{escape(script)}" defer></script>' for script in scripts)
    head = f'<meta charset="utf-8"><title>{escape(title)} - Spil</title>{ICON}{links}{loaded}'
    width = '<meta name="viewport" content="width=device-width, initial-scale=1">'
    return f'<!doctype html><html lang="nl"><head>{head}{width}</head><body>{"".join(parts)}</body></html>\n'


def text(sentences: str) -> str:
    """Sentences as HTML; what is between backticks is code."""
    return re.sub("`([^`]+)`", r"<code>\1</code>", escape(sentences))


def english(sentences: str, tag: str = "span") -> str:
    return f'<{tag} lang="en">{text(sentences)}</{tag}>'


def of_problem(page: ProblemPage) -> str:
    """The page of one problem."""
    statuses = ", ".join(str(status) for status in page.statuses)
    heading = f"<h1>{text(page.dutch.title)}</h1>{english(page.english.title, 'p')}"
    known_as = f"<p><code>code</code>: <code>{page.code}</code> · HTTP {statuses}</p>"
    both = _section("nl", page.dutch, "Waarom", "Wat te doen") + _section("en", page.english, "Why", "What to do")
    main = f'<main>{heading}{known_as}<div class="beside">{both}</div></main>'
    return document(page.dutch.title, NAVIGATION, main)


def _section(language: str, told: Explained, why: str, what_to_do: str) -> str:
    body = f"<h2>{why}</h2><p>{text(told.why)}</p><h2>{what_to_do}</h2><p>{text(told.do)}</p>"
    return f'<section lang="{language}" aria-label="{why}">{body}</section>'


def of_problems(pages: Iterable[ProblemPage]) -> str:
    """The list of every problem there is."""
    rows = "".join(
        f'<tr><th scope="row"><a href="{page.path}"><code>{page.code}</code></a></th>'
        f"<td>{', '.join(str(status) for status in page.statuses)}</td>"
        f'<td>{text(page.dutch.title)}</td><td lang="en">{text(page.english.title)}</td></tr>'
        for page in pages
    )
    told = (
        "<p>Elke fout die Spil antwoordt heeft een vaste <code>code</code>. "
        + english("Every error that Spil answers has a stable code.")
        + "</p>"
    )
    head = "".join(f'<th scope="col">{name}</th>' for name in ("code", "HTTP", "Nederlands", "English"))
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    return document("Fouten", NAVIGATION, f"<main><h1>Fouten</h1>{told}{table}</main>")


def of_events(told: Iterable[tuple[str, str, str, str, str]]) -> str:
    """The catalogue of events: of each its name, its type, when, to whom, and an example."""
    rows = "".join(
        f'<tr><th scope="row"><code>{name}</code></th><td lang="en">{text(when)}</td><td lang="en">{text(to_whom)}</td>'
        f"<td><details><summary><code>{kind}</code></summary><pre>{escape(example)}</pre></details></td></tr>"
        for name, kind, when, to_whom, example in told
    )
    begin = (
        "<p>Een gebeurtenis zegt wat er gebeurde en waar u kunt kijken, en niets anders. "
        + english("An event says what happened and where to look, and nothing else.")
        + "</p>"
    )
    heads = ("gebeurtenis · event", "wanneer · when", "aan wie · to whom", "voorbeeld · example")
    head = "".join(f'<th scope="col">{name}</th>' for name in heads)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    return document("Gebeurtenissen", NAVIGATION, f"<main><h1>Gebeurtenissen</h1>{begin}{table}</main>")


PLACES = (
    ("/docs", "Documentatie", "Documentation"),
    ("/docs/swagger-ui", "Proberen (Swagger UI)", "Try it out (Swagger UI)"),
    ("/docs/redoc", "Lezen (Redoc)", "Read it (Redoc)"),
    ("/docs/events", "Gebeurtenissen", "Events"),
    ("/problems", "Fouten en wat te doen", "Errors and what to do"),
    ("/v1/openapi.json", "De beschrijving zelf (OpenAPI 3.1)", "The description itself (OpenAPI 3.1)"),
)
NAVIGATION = (
    '<header><nav aria-label="Documentatie"><ul>'
    + "".join(f'<li><a href="{path}">{dutch}</a></li>' for path, dutch, _ in PLACES)
    + "</ul></nav></header>"
)


def landing() -> str:
    """Where to begin."""
    links = "".join(f'<li><a href="{path}">{dutch}</a> · {english(name)}</li>' for path, dutch, name in PLACES[1:])
    told = (
        "<p>Spil laat de systemen van verschillende organisaties zien wie bij een gezin betrokken is, wie leidt, en "
        "wie waarvoor te bellen is.</p>"
        + english("Who is involved with a family, who leads, and whom to call for what.", "p")
    )
    return document("Documentatie", f"<main><h1>Spil</h1>{told}<ul>{links}</ul></main>")


ROOM = '<main id="documentation"><noscript>Zet JavaScript aan, of lees /v1/openapi.json.</noscript></main>'
"""Where Swagger UI and Redoc draw."""
