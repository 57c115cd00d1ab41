"""Reading a caseload as an agency's system writes it: NDJSON or CSV, line by line.

A line that can't be read is refused by its number and a code, and holds up no other. Nothing that it says is repeated.
"""

import csv
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json

from api.domain import bsn as numbers
from api.domain.errors import Invalid
from api.lines import lines_of
from api.problems import WireError
from api.shapes import Body

CSV, NDJSON = "text/csv", "application/x-ndjson"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
OTHER_MARKS = (b"\xff\xfe", b"\xfe\xff")
LISTS = {"helpDomains"}
NOT_SAID = {"shielded"}
"""What an empty cell leaves as it is; elsewhere it says that there is none."""
YES_NO = {"true": True, "false": False}
CODES = {"missing": "missing", "extra_forbidden": "unknown_field"}
"""What is wrong with a field, by pydantic's name for it; anything else is `invalid`."""

Cells = Callable[[str], dict[str, Any]]


@dataclass(frozen=True)
class Line:
    """What a line says, by our names; or why it can't be read, and whom it is about if it says so."""

    number: int
    bsn: str | None
    said: dict[str, Any] | None = None
    code: str | None = None
    field: str | None = None


class Unreadable(Exception):
    """A line is not what it should be."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


async def read(pieces: AsyncIterator[bytes], media_type: str, shape: type[Body]) -> AsyncIterator[Line]:
    """The lines of a file, empty ones left out; `shape` is what a row may say."""
    cells: Cells | None = _of_json if media_type == NDJSON else None
    async for number, line in lines_of(pieces):
        if number == 1 and line is not None:
            line = _without_mark(line)
        if line is not None and not line.strip():
            continue
        if cells is None:
            cells = _columns(line, shape)
        else:
            yield _read(number, line, cells, shape)


def _without_mark(first: bytes) -> bytes:
    if first.startswith(OTHER_MARKS):
        raise WireError(400, "wrong_encoding", "The file is not UTF-8. Save it as UTF-8 and send it again.")
    return first.removeprefix(BYTE_ORDER_MARK)


def _columns(header: bytes | None, shape: type[Body]) -> Cells:
    """How the lines of a CSV file are read, by its first line."""
    try:
        text = (header or b"").decode()
    except UnicodeDecodeError:
        raise WireError(400, "wrong_encoding", "The file is not UTF-8. Save it as UTF-8 and send it again.") from None
    delimiter = ";" if ";" in text else ","
    try:
        names = [name.strip() for name in next(csv.reader([text], delimiter=delimiter), [])]
    except csv.Error:  # lines that end as nobody's do any more, for one
        names = []
    known = {field.alias: field.is_required() for field in shape.model_fields.values() if field.alias}
    needed = [name for name, required in known.items() if required and name not in names]
    if needed or len(set(names)) < len(names) or not set(names) <= known.keys():
        detail = f"The first line names the columns, each once. Always: {', '.join(n for n, r in known.items() if r)}."
        also = ", ".join(name for name, required in known.items() if not required)
        raise WireError(400, "unknown_columns", f"{detail} And, where you have them: {also}.")
    return lambda line: _of_csv(line, delimiter, names)


def _of_json(line: str) -> dict[str, Any]:
    said = from_json(line, allow_inf_nan=False)
    if not isinstance(said, dict):
        raise ValueError
    return said


def _of_csv(line: str, delimiter: str, names: list[str]) -> dict[str, Any]:
    [values] = csv.reader([line], delimiter=delimiter, strict=True)
    cells = zip(names, values, strict=True)
    return {name: _cell(name, value.strip()) for name, value in cells if value.strip() or name not in NOT_SAID}


def _cell(name: str, value: str) -> Any:
    if name in LISTS:
        return value.split()
    return YES_NO.get(value, value) if value else None


def _read(number: int, line: bytes | None, cells: Cells, shape: type[Body]) -> Line:
    given: dict[str, Any] = {}
    try:
        if line is None:
            raise Unreadable("line_too_long")
        given = cells(line.decode())
        row = shape.model_validate(given)
        said = row.model_dump(mode="json", exclude={"bsn"}, exclude_unset=True)
        return Line(number, numbers.check(given["bsn"]), said)
    except UnicodeDecodeError:
        return Line(number, None, code="not_utf8")
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        return _refused(number, given, shape, str(first["type"]), str(first["loc"][0]) if first["loc"] else "")
    except Invalid as error:
        return Line(number, None, code=error.code, field="bsn")
    except Unreadable as error:
        return Line(number, None, code=error.code)
    except (ValueError, csv.Error, RecursionError):
        return Line(number, None, code="malformed")


def _refused(number: int, given: dict[str, Any], shape: type[Body], kind: str, field: str) -> Line:
    known = {one.alias for one in shape.model_fields.values()}
    code = "invalid_bsn" if field == "bsn" and kind != "missing" else CODES.get(kind, "invalid")
    return Line(number, _legible(given.get("bsn")), code=code, field=field if field in known else None)


def _legible(bsn: Any) -> str | None:
    """The BSN of a row that can't be carried out, if it is one."""
    try:
        return numbers.check(bsn) if isinstance(bsn, str) else None
    except Invalid:
        return None
