"""Merkle trees over SHA-256: one digest that stands for many records in their order (as in RFC 6962, section 2.1).

A leaf is hashed after a zero byte and a node after a one byte, so that no node can pass for a record.
"""

import hashlib
from collections.abc import Iterable

LEAF, NODE = b"\x00", b"\x01"
EMPTY = hashlib.sha256(b"").digest()


def leaf(content: bytes) -> bytes:
    return hashlib.sha256(LEAF + content).digest()


def root(digests: Iterable[bytes]) -> bytes:
    """The root over digests of leaves, or of equally large whole subtrees but for the last; memory stays flat."""
    left: list[tuple[int, bytes]] = []
    for digest in digests:
        size = 1
        while left and left[-1][0] == size:
            digest, size = _node(left.pop()[1], digest), size * 2
        left.append((size, digest))
    if not left:
        return EMPTY
    _, top = left.pop()
    while left:
        top = _node(left.pop()[1], top)
    return top


def _node(one: bytes, other: bytes) -> bytes:
    return hashlib.sha256(NODE + one + other).digest()
