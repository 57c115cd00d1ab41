"""What no operation takes: bodies, values and paths that break parsers, with a canary that no answer may repeat."""

import json
from typing import Any

from tests.wire.answers import CANARY_NAME, CANARY_NUMBER

LONG = CANARY_NAME * 2000

VALUES: dict[str, str] = {
    "text of another kind": json.dumps(f"{CANARY_NAME} {CANARY_NUMBER}\\u0000"[:-6] + "\x00"),
    "a NUL byte": json.dumps(f"{CANARY_NAME}\x00"),
    "a lone surrogate": f'"{CANARY_NAME}\\ud800"',
    "NaN": "NaN",
    "more than a float holds": "1e999",
    "a huge number": CANARY_NUMBER * 60,
    "an object": json.dumps({CANARY_NAME: CANARY_NUMBER}),
    "a list in a list": json.dumps([[CANARY_NAME], CANARY_NUMBER]),
    "text without end": json.dumps(LONG),
}
"""As JSON, for each field of a body."""

BODIES: dict[str, bytes] = {
    "no JSON": f"{CANARY_NAME}={CANARY_NUMBER}".encode(),
    "half of it": f'{{"name": "{CANARY_NAME}'.encode(),
    "bytes that are no UTF-8": b'{"name": "\xff\xfe ' + CANARY_NAME.encode() + b'"}',
    "a list": json.dumps([CANARY_NAME]).encode(),
    "a text": json.dumps(CANARY_NUMBER).encode(),
    "a number": CANARY_NUMBER.encode(),
    "true": b"true",
    "NaN": b"NaN",
    "deep nesting": b'{"a":' * 5000 + b"1" + b"}" * 5000,
    "deep lists": b"[" * 100_000,
    "an unknown field": json.dumps({CANARY_NAME: CANARY_NUMBER}).encode(),
    "a number without end": b'{"a": ' + b"9" * 5000 + b"}",
    "a byte order mark": b"\xef\xbb\xbf{}",
    "a field twice": f'{{"{CANARY_NAME}": 1, "{CANARY_NAME}": 2}}'.encode(),
    "a NUL byte": b"\x00",
}

IN_PATH: dict[str, str] = {
    "a NUL byte": f"{CANARY_NAME}%00",
    "a NUL byte only": "%00",
    "half a character": f"{CANARY_NAME}%ED%A0%80",
    "no UTF-8": "%FF%FE",
    "a name": CANARY_NAME,
    "a number": CANARY_NUMBER,
    "an odd percent sign": f"{CANARY_NAME}%25zz",
    "a slash": f"{CANARY_NAME}%2F..%2F{CANARY_NUMBER}",
    "an overlong text": CANARY_NAME * 300,
    "a UUID in braces": "%7B00000000-0000-4000-8000-000000000000%7D",
    "a UUID without dashes": "00000000000040008000000000000000",
    "text outside ASCII": "%F0%9F%A6%9C",
}

IN_QUERY: dict[str, str] = {
    "a NUL byte": f"{CANARY_NAME}%00",
    "half a character": "%ED%A0%80",
    "an object": f"%7B%22{CANARY_NAME}%22:1%7D",
    "an overlong text": CANARY_NAME * 300,
}


def with_value(body: dict[str, Any], field: str, value: str) -> bytes:
    """The body with this JSON for one field."""
    marked = json.dumps(body | {field: "<here>"})
    return marked.replace('"<here>"', value).encode("utf-8", "surrogatepass")
