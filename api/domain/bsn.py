"""The citizen service number (BSN): nine digits that pass the eleven-test, leading zeros included."""

from typing import Any

from stdnum.nl import bsn as rules

from api.domain.errors import Invalid
from api.domain.vault import Vault


def check(number: str, field: str = "bsn") -> str:
    """The number itself if it can be a BSN; `Invalid` if not, without repeating it."""
    nine_digits = len(number) == 9 and number.isascii() and number.isdigit()
    if not nine_digits or not rules.is_valid(number) or number == "000000000":
        raise Invalid("This is no BSN: give nine digits that pass the eleven-test.", field=field, code="invalid_bsn")
    return number


def sealed(vault: Vault, number: str, person_id: Any) -> tuple[bytes, bytes]:
    """The sealed number, bound to the person, and the pseudonym it is found by."""
    return vault.seal(number.encode(), bound_to=f"person:{person_id}"), vault.pseudonym(number.encode())


def opened(vault: Vault, value: bytes, person_id: Any) -> str:
    return vault.open(value, bound_to=f"person:{person_id}").decode()
