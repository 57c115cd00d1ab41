"""Checkpoints: signed lines in a file outside the database, each of which says what records there were up to there.

Invariant: a line is only ever added, and carries the digest of the one before it; so none can be changed, removed or
moved without the next one saying so. A line is JSON with sorted names; its signature is Ed25519 over the line without
the signature, and names its key, so that keys can follow each other.
"""

import base64
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, BinaryIO

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

FIRST = -(2**63)
"""Before every id."""
NOTHING = "0" * 64
"""What the first line has for the digest of the one before it."""
SEALED, FORGOTTEN, RESTORED = "sealed", "forgotten", "restored"


class NotToBeTrusted(Exception):
    """A line, or the file as a whole, is not what was written; the sentence says what is wrong."""


@dataclass(frozen=True)
class Part:
    """A stretch of a batch: its last id, how many records, and the root over them. It says where a change is."""

    upto: int
    count: int
    root: str


@dataclass(frozen=True)
class Checkpoint:
    """One line. `sealed`: the records after `after` up to `upto`. `forgotten`: all up to `upto` may be gone by now.

    `restored`: the database went back in time; the batches after line `keeps` are given up. Whatever its kind, a line
    says how far everything was sealed (`sealed_upto`) and forgotten (`forgotten_upto`) once it was written.
    """

    number: int
    kind: str
    at: str
    after: int
    upto: int
    count: int
    root: str
    parts: tuple[Part, ...]
    last: str | None
    """The digest of the last record of the last batch: a quick look whether the database still is the one we know."""
    sealed_upto: int
    forgotten_upto: int
    keeps: int | None
    previous: str

    def body(self) -> dict[str, Any]:
        return asdict(self) | {"parts": [[part.upto, part.count, part.root] for part in self.parts]}


@dataclass(frozen=True)
class Line:
    """A checkpoint as it stands in the file."""

    checkpoint: Checkpoint
    digest: str


def key_id(key: Ed25519PublicKey) -> str:
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:16]


def private_key(pem: str) -> Ed25519PrivateKey:
    """The key that signs; `ValueError` if it is no Ed25519 key in PEM."""
    key = load_pem_private_key(pem.encode(), None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError("Not an Ed25519 key.")
    return key


def public_key(pem: str) -> Ed25519PublicKey:
    """A key that is trusted; `ValueError` if it is no Ed25519 key in PEM."""
    key = load_pem_public_key(pem.encode())
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("Not an Ed25519 key.")
    return key


class Book:
    """The file of checkpoints, and the keys: the one that signs, if this is who seals, and all that are trusted."""

    def __init__(self, path: Path, key: Ed25519PrivateKey | None = None, *trusted: Ed25519PublicKey) -> None:
        self.path, self._key = path, key
        own = [key.public_key()] if key else []
        self._trusted = {key_id(one): one for one in (*own, *trusted)}

    @property
    def signs(self) -> bool:
        return self._key is not None

    @property
    def trusted(self) -> list[Ed25519PublicKey]:
        """Every key whose lines count."""
        return list(self._trusted.values())

    def lines(self) -> Iterator[bytes]:
        """The lines as they stand in the file, read one at a time; one that was not written to its end is none."""
        if self.path.exists():
            with self.path.open("rb") as file:
                yield from (line[:-1] for line in file if line.endswith(b"\n"))

    def read(self, line: bytes) -> Line:
        """What a line says, if it is signed by a trusted key."""
        try:
            said = json.loads(line)
            signature, key = base64.b64decode(said.pop("signature"), validate=True), said["key"]
            signed = _canonical(said)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise NotToBeTrusted("it can't be read") from None
        if key not in self._trusted:
            raise NotToBeTrusted("its key is unknown; give the public key it was signed with")
        try:
            self._trusted[key].verify(signature, signed)
        except InvalidSignature:
            raise NotToBeTrusted("its signature doesn't fit") from None
        if line != _with_signature(said, signature):
            raise NotToBeTrusted("it is written differently from how it was")
        return Line(_checkpoint(said), hashlib.sha256(line).hexdigest())

    def head(self) -> Line | None:
        """The last line, if there is one."""
        if not self.path.exists():
            return None
        with self.path.open("rb") as file:
            line = _last_line(file)
        return self.read(line) if line else None

    def append(self, checkpoint: Checkpoint) -> Line:
        """Add a line; it is on disk when this returns. Who adds one at the same time is refused."""
        if self._key is None:
            raise NotToBeTrusted("there is no key to sign with")
        said = checkpoint.body() | {"key": key_id(self._key.public_key())}
        line = _with_signature(said, self._key.sign(_canonical(said)))
        new = not self.path.exists()
        with self.path.open("a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._must_follow(file, checkpoint)
            file.write(line + b"\n")
            file.flush()
            os.fsync(file.fileno())
        if new:
            _sync_folder(self.path.parent)
        return Line(checkpoint, hashlib.sha256(line).hexdigest())

    def _must_follow(self, file: BinaryIO, checkpoint: Checkpoint) -> None:
        """A new line follows the last one. What was left of a line when the power failed goes away first."""
        last = _last_line(file)
        digest = hashlib.sha256(last).hexdigest() if last else NOTHING
        if digest != checkpoint.previous:
            raise NotToBeTrusted("somebody else has added a line")
        file.truncate(_whole(file))
        file.seek(0, os.SEEK_END)


def _canonical(said: dict[str, Any]) -> bytes:
    return json.dumps(said, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def _with_signature(said: dict[str, Any], signature: bytes) -> bytes:
    return _canonical(said | {"signature": base64.b64encode(signature).decode()})


def _checkpoint(said: dict[str, Any]) -> Checkpoint:
    parts = tuple(Part(*part) for part in said["parts"])
    return Checkpoint(**{one.name: said[one.name] for one in fields(Checkpoint)} | {"parts": parts})


def _whole(file: BinaryIO) -> int:
    """Where the last line that was written to its end ends."""
    position = file.seek(0, os.SEEK_END)
    while position > 0:
        start = max(0, position - 65536)
        file.seek(start)
        found = file.read(position - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        position = start
    return 0


def _last_line(file: BinaryIO) -> bytes:
    """The last line that was written to its end, read from the end of the file backwards."""
    end, read, size = _whole(file), b"", 65536
    while end and len(read) < end:
        start = max(0, end - size)
        file.seek(start)
        read = file.read(end - start)
        before = read[:-1].rfind(b"\n")
        if before >= 0:
            return read[before + 1 : -1]
        size *= 4
    return read[:-1]


def _sync_folder(folder: Path) -> None:
    """A new file is only there for good when its folder is on disk too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
