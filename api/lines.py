"""Lines of a body that comes in pieces: none is longer than so much, so that whatever is sent fills no memory."""

from collections.abc import AsyncIterator

LONGEST = 16 * 1024


async def lines_of(pieces: AsyncIterator[bytes]) -> AsyncIterator[tuple[int, bytes | None]]:
    """Each line with its number, from 1, without its end; None in place of one that is too long."""
    number, rest, skipping = 1, b"", False
    async for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            yield number, None if skipping or len(line) > LONGEST else line.removesuffix(b"\r")
            number, skipping = number + 1, False
        if len(rest) > LONGEST:
            rest, skipping = b"", True
    if rest or skipping:
        yield number, None if skipping else rest.removesuffix(b"\r")
