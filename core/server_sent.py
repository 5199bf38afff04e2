"""Server-sent events (WHATWG HTML, 9.2.6), as a client reads them."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator


async def events(chunks: AsyncIterable[bytes]) -> AsyncIterator[tuple[str, bytes]]:
    """Take a stream of server-sent events apart; lines may be of any length."""
    rest, name, data = b"", "message", b""
    async for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            field, _, value = line.removesuffix(b"\r").partition(b":")
            value = value.removeprefix(b" ")
            if field == b"event":
                name = value.decode()
            elif field == b"data":
                data += value
            elif not line.strip():
                if data:
                    yield name, data
                name, data = "message", b""
