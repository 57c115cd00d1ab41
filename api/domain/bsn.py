"""The citizen service number (BSN): nine digits that pass the eleven-test, leading zeros included."""

import re
from typing import Any

from stdnum.nl import bsn as rules

from api.domain.errors import Invalid
from api.domain.vault import Place, Vault

NINE_DIGITS = re.compile(r"(?<![0-9A-Fa-f])[0-9]{9}(?![0-9A-Fa-f])")
"""Nine digits by themselves, and not a part of a longer number or of an identifier in hexadecimal."""


def check(number: str, field: str = "bsn") -> str:
    """The number itself if it can be a BSN; `Invalid` if not, without repeating it."""
    nine_digits = len(number) == 9 and number.isascii() and number.isdigit()
    if not nine_digits or not _passes(number):
        raise Invalid("This is no BSN: give nine digits that pass the eleven-test.", field=field, code="invalid_bsn")
    return number


def is_in(text: str) -> bool:
    """Whether something in the text can be a BSN: it then stays out of whatever is stored or told in the clear."""
    return any(_passes(number) for number in NINE_DIGITS.findall(text))


def sealed(vault: Vault, number: str, row_id: Any, table: str = "person") -> tuple[bytes, bytes]:
    """The sealed number, bound to its row, and the pseudonym it is found by."""
    return vault.seal(number.encode(), bound_to=_place(row_id, table)), vault.pseudonym(number.encode())


def opened(vault: Vault, value: bytes, row_id: Any, table: str = "person") -> str:
    return vault.open(value, bound_to=_place(row_id, table)).decode()


def pseudonyms(vault: Vault, number: str) -> list[bytes]:
    """Every pseudonym that a row with this number may have; while keys change there are two."""
    return vault.pseudonyms(check(number).encode())


def _place(row_id: Any, table: str) -> Place:
    return Place(table, "bsn_sealed", (str(row_id),))


def _passes(number: str) -> bool:
    return bool(rules.is_valid(number)) and number != "000000000"
