"""The open pages of the desk: one reading of the county for all of them, at most twice a second,
and sent only where it differs from what the page has.

It is read when an alert has changed, and every two seconds besides: that something is overdue is
told by the clock alone.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime

import msgspec
import structlog

from core.clock import Clock
from core.database import Pool, load_queries, translated
from core.errors import DatabaseError
from web.desk.board import Found, board, read
from web.i18n import Language, texts
from web.session import act_for
from web.streams import Event, Stream, encoded

log = structlog.get_logger()

_EVERY_S = 2.0
_PAUSE_S = 0.4
_PATIENCE_S = 6.0
_NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)


class Boards:
    """The pages, and what each was sent last."""

    def __init__(self, *, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock
        self._sent: dict[Stream, str] = {}
        self._wake = asyncio.Event()
        self.behind = False
        """The last try failed: pages show what was before."""

    @property
    def streams(self) -> set[Stream]:
        """The open pages."""
        return set(self._sent)

    def add(self, stream: Stream) -> None:
        """A page more; it is sent the figures as soon as they are read."""
        self._sent[stream] = ""
        self._wake.set()

    def discard(self, stream: Stream) -> None:
        """Forget a page."""
        self._sent.pop(stream, None)

    def wake(self) -> None:
        """Something has changed."""
        self._wake.set()

    async def run(self) -> None:
        """Keep the pages up to date, for ever."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_EVERY_S if self._sent else None):
                    await self._wake.wait()
            self._wake.clear()
            try:
                async with asyncio.timeout(_PATIENCE_S):
                    await self._renew(self.streams)
                self.behind = False
            except Exception as error:
                self.behind = True
                if isinstance(error, DatabaseError | TimeoutError):
                    log.warning("the desk's pages wait for the database", error=str(error))
                else:
                    log.exception("the desk's pages are not up to date; trying again")
            await asyncio.sleep(_PAUSE_S)

    async def _renew(self, streams: set[Stream]) -> None:
        if not streams:
            return
        tokens = sorted({stream.caller.token for stream in streams})
        now = self._clock.now()
        async with translated(), self._pool.acquire() as connection, connection.transaction():
            acting = await act_for(connection, tokens)
            rows = load_queries("web").desk_members(connection, members=sorted(acting))
            members = {row["id"] async for row in rows}
            found = await read(connection, now=now) if members else None
        written: dict[Language, tuple[str, str]] = {}
        for stream in streams:
            if found is None or stream.caller.id not in members or stream not in self._sent:
                continue
            language = stream.caller.language
            if language not in written:
                written[language] = self._write(found, language)
            same, whole = written[language]
            if self._sent[stream] != same:
                self._sent[stream] = same
                stream.put(Event("snapshot", whole))

    def _write(self, found: Found, language: Language) -> tuple[str, str]:
        """What it says but for the time, by which it is told whether it is new; and all of it."""
        said = board(found, texts(language), self._clock.now())
        return encoded(msgspec.structs.replace(said, time=_NO_TIME)), encoded(said)
