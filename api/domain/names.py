"""Names as they sound: what is left of a Dutch name once spelling, prefixes and diacritics no longer matter.

For finding persons who may have been recorded twice. What is stored is a keyed pseudonym of it, never the name.
"""

import re
import unicodedata
from datetime import date
from difflib import SequenceMatcher

from api.domain.vault import Vault

Known = tuple[str, str, date | None]
"""Somebody's given name, surname and birth date."""

PREFIXES = re.compile("van|von|de|der|den|het|t|ter|ten|te|in|op|aan|bij|uit|la|le|el|al|ben|bin|di|da|du|dos")
SOUNDS = (
    ("sch", "sg"),
    ("ch", "g"),
    ("e?ij|ei|ey|y", "i"),
    ("ou", "au"),
    ("ph", "f"),
    ("th|dt|d\\b|tt", "t"),
    ("qu", "kw"),
    ("x", "ks"),
    ("c(?=[eiy])", "s"),
    ("c", "k"),
    ("v", "f"),
    ("z", "s"),
    ("(.)\\1+", "\\1"),
)


def plain(name: str) -> str:
    """The name in lower case, without diacritics, prefixes and punctuation."""
    letters = unicodedata.normalize("NFKD", name.casefold()).replace("ø", "o").replace("ł", "l").replace("ß", "ss")
    words = re.findall("[a-z]+", "".join(one for one in letters if not unicodedata.combining(one)).replace("-", " "))
    return " ".join([word for word in words if not PREFIXES.fullmatch(word)] or words)


def sound(name: str) -> str:
    """How the name sounds: its consonants, and a vowel where it begins with one."""
    heard = plain(name)
    for spelled, said in SOUNDS:
        heard = re.sub(spelled, said, heard)
    heard = heard.replace(" ", "")
    return heard[:1] + re.sub("[aeiou]", "", heard[1:])


def keys(vault: Vault, given_name: str, surname: str, birth_date: date | None) -> list[bytes]:
    """Pseudonyms that two records of one person have in common, unless more than one thing differs between them."""
    if birth_date is None:
        return [vault.pseudonym(f"name|{sound(_first(given_name))}|{sound(surname)}".encode())]
    low, high = sorted((birth_date.day, birth_date.month))  # a day and a month that were swapped are the same
    born = f"{birth_date.year}|{low}|{high}"
    given = sound(_first(given_name))
    found = (
        f"surname|{sound(surname)}|{born}",
        f"given|{given}|{born}",
        f"year|{given}|{sound(surname)}|{birth_date.year}",
        f"name|{given}|{sound(surname)}",
    )
    return [vault.pseudonym(one.encode()) for one in found]


def likeness(one: Known, other: Known) -> int:
    """From 0 to 100: how alike two persons' names and birth dates are."""
    names = SequenceMatcher(None, plain(f"{one[0]} {one[1]}"), plain(f"{other[0]} {other[1]}")).ratio()
    return round(100 * (0.7 * names + 0.3 * _same_day(one[2], other[2])))


def _same_day(one: date | None, other: date | None) -> float:
    if one is None or other is None:
        return 0.5
    if one == other:
        return 1.0
    swapped = (one.year, one.day, one.month) == (other.year, other.month, other.day)
    return 0.8 if swapped else 0.4 if one.year == other.year else 0.0


def _first(given_name: str) -> str:
    return (plain(given_name).split() or [""])[0]
