"""The open pages of the desk: one reading of the county for all that show the same, at most twice a
second, and sent only where it differs from what the page has.

It is read when an alert has changed, and every few seconds besides: that something is overdue is
told by the clock alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
import structlog

from core.clock import Clock
from core.database import Connection, Pool, load_queries, translated
from core.errors import DatabaseError
from web.desk.board import board, read
from web.desk.duty_board import duty_board, read_duty
from web.desk.home_board import home_board, read_homes
from web.i18n import Language, Texts, texts
from web.session import act_for
from web.streams import Event, Stream, encoded

log = structlog.get_logger()

_PATIENCE_S = 6.0
_NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Kind:
    """What a page of the desk shows."""

    read: Callable[[Connection, datetime], Awaitable[Any]]
    write: Callable[[Any, Texts, datetime], msgspec.Struct]
    """What was read in words; the struct's `time` is when."""
    every_s: float
    pause_s: float
    """Between two readings at least."""


KINDS: dict[str, Kind] = {
    "now": Kind(read, board, every_s=2.0, pause_s=0.4),
    "homes": Kind(read_homes, home_board, every_s=5.0, pause_s=2.0),
    "rota": Kind(read_duty, duty_board, every_s=5.0, pause_s=2.0),
}


class Boards:
    """The pages of one kind, and what each was sent last."""

    def __init__(self, kind: Kind, *, pool: Pool, clock: Clock) -> None:
        self._kind = kind
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
                async with asyncio.timeout(self._kind.every_s if self._sent else None):
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
            await asyncio.sleep(self._kind.pause_s)

    async def _renew(self, streams: set[Stream]) -> None:
        if not streams:
            return
        tokens = sorted({stream.caller.token for stream in streams})
        now = self._clock.now()
        async with translated(), self._pool.acquire() as connection, connection.transaction():
            acting = await act_for(connection, tokens)
            rows = load_queries("web").desk_members(connection, members=sorted(acting))
            members = {row["id"] async for row in rows}
            found = await self._kind.read(connection, now) if members else None
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

    def _write(self, found: Any, language: Language) -> tuple[str, str]:
        """What it says but for the time, by which it is told whether it is new; and all of it."""
        said = self._kind.write(found, texts(language), self._clock.now())
        return encoded(msgspec.structs.replace(said, time=_NO_TIME)), encoded(said)
