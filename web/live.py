"""The live list: every open page hears of every change of the alerts its member may see.

A page's stream starts with a `snapshot` and goes on with `episode` for every change; a `heartbeat`
every two seconds carries whether the alert engine and ingest are alive, so that a page can say
within ten seconds that it is not to be relied on. One notification costs one query, however many
pages are open: what changed is read once, and handed to the pages of those who may see it.

A page that does not keep up is cut off rather than queued for without end; its browser comes back
by itself and starts with a new snapshot.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Set
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import msgspec
import structlog

from alerts.episodes.listing import Card, cards
from core.clock import Clock, ScaledClock
from core.database import (
    EPISODE_CHANNEL,
    REGISTRY_CHANNEL,
    RIGHTS_CHANGED,
    Connection,
    Pool,
    connect,
    load_queries,
    translated,
)
from core.errors import DatabaseError
from web.access import purpose_of, record_looks, shown_with
from web.desk.boards import KINDS, Boards
from web.session import Caller, act_for, gather, touch_sessions
from web.streams import Event, Renderer, Stream, encoded

log = structlog.get_logger()

MOST_PAGES = 100
"""Live pages of one session: what a stolen one can use up."""
HEARTBEAT_S = 2.0
ALIVE_WITHIN = timedelta(seconds=7)
"""Services beat at least every 2 s; with our own period a dead one shows within 10 s."""
_CHECK_SESSIONS_EVERY = 5
_REFRESH_RIGHTS_EVERY = 15
"""In heartbeats: care relationships begin and end in time, without anybody telling us."""
_RETRY_S = (0.1, 0.25, 0.5, 1.0, 2.0)
_PATIENCE_S = 6.0
"""Longest that handing out may take; a database cut off from us would otherwise be waited for until
TCP gives up, a quarter of an hour."""


class Hub:
    """All open pages of one web process, and its ear at the database."""

    def __init__(
        self, *, database_url: str, pool: Pool, clock: Clock, wall: Callable[[], datetime]
    ) -> None:
        self._url = database_url
        self._pool = pool
        self._clock = clock
        self._wall = wall
        self._streams: set[Stream] = set()
        self._joining: set[Stream] = set()
        self._desk = {name: Boards(kind, pool=pool, clock=clock) for name, kind in KINDS.items()}
        self._looks: dict[tuple[str, str], set[tuple[int, int]]] = {}
        self._changed: set[int] = set()
        self._wake = asyncio.Event()
        self._rights_changed = False
        self._refresh_all = False
        self._listening = False
        self._behind = False
        """The last try to hand out failed: pages show what was before."""
        self._turned = asyncio.Event()
        """One of these two has changed."""
        self._beat = Event(
            "heartbeat",
            encoded({"time": clock.now(), "alerts_alive": False, "ingest_alive": False}),
        )
        self._tasks: list[asyncio.Task[None]] = []

    # -- its life

    async def start(self) -> None:
        """Begin to listen; returns at once."""
        work: tuple[Callable[[], Coroutine[Any, Any, None]], ...] = (
            self._listen,
            self._hand_out,
            self._pulse,
            *(boards.run for boards in self._desk.values()),
        )
        self._tasks = [asyncio.create_task(one(), name=one.__name__) for one in work]

    async def stop(self) -> None:
        """End every stream and stop listening."""
        for stream in self._open:
            stream.end()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # -- pages

    def open(self, caller: Caller, *, only: int | None = None) -> Stream:
        """Add a page; a heartbeat comes at once, the snapshot as soon as it is read. A session that
        has MOST_PAGES loses its oldest."""
        same = [one for one in self._streams if one.caller.token == caller.token]
        if len(same) >= MOST_PAGES:
            oldest = min(same, key=lambda one: one.number)
            log.warning("page cut off: too many of one session", member=caller.id)
            oldest.end()
            self.close(oldest)
        stream = Stream(caller, only)
        stream.put(self._beat)
        self._streams.add(stream)
        self._joining.add(stream)
        self._wake.set()
        return stream

    def open_desk(self, caller: Caller, kind: str) -> Stream:
        """Add a page of the desk (web.desk.boards.KINDS), which is sent figures and no alerts."""
        stream = Stream(caller)
        stream.put(self._beat)
        self._desk[kind].add(stream)
        return stream

    @property
    def _open(self) -> set[Stream]:
        """Every page, of whatever it is sent."""
        return self._streams.union(*(boards.streams for boards in self._desk.values()))

    def close(self, stream: Stream) -> None:
        """Forget a page."""
        for boards in self._desk.values():
            boards.discard(stream)
        self._streams.discard(stream)
        self._joining.discard(stream)

    def end_session(self, token: str) -> None:
        """End the streams of a session that is over."""
        for stream in [one for one in self._open if one.caller.token == token]:
            stream.end(Event("session", encoded({"ended": True})))
            self.close(stream)

    async def look_for_ended(self) -> None:
        """End the streams of sessions that were ended elsewhere; by itself it is done now and then.

        Raises:
            DatabaseError: the database is away.
        """
        await self._check_sessions()

    # -- what changed

    def _notified(self, _connection: object, _pid: int, channel: str, payload: object) -> None:
        if channel == REGISTRY_CHANNEL or payload == RIGHTS_CHANGED:
            self._rights_changed = True
        elif str(payload).isdigit():
            self._changed.add(int(str(payload)))
        else:
            self._refresh_all = True
        self._wake.set()
        self._wake_desk()

    def _wake_desk(self) -> None:
        for boards in self._desk.values():
            boards.wake()

    async def _listen(self) -> None:
        attempt = 0
        while True:
            connection: asyncpg.Connection | None = None
            try:
                connection = await connect(self._url)
                async with translated():
                    await connection.add_listener(EPISODE_CHANNEL, self._notified)
                    await connection.add_listener(REGISTRY_CHANNEL, self._notified)
                    if attempt:
                        log.info("listening to the database again")
                    attempt = 0
                    self._listening = True
                    self._turned.set()
                    # Whatever was notified while nobody listened.
                    self._refresh_all = True
                    self._wake.set()
                    self._wake_desk()
                    while True:  # A dead connection is silent, as a quiet night is: ask.
                        await asyncio.sleep(HEARTBEAT_S)
                        await connection.fetchval("SELECT 1", timeout=HEARTBEAT_S)
            except DatabaseError as error:
                if attempt == 0:
                    log.warning("not listening to the database", error=str(error))
            except Exception:
                log.exception("listening to the database failed")
            finally:
                self._listening = False
                if connection is not None:
                    with suppress(Exception):
                        connection.terminate()
            await asyncio.sleep(_RETRY_S[min(attempt, len(_RETRY_S) - 1)])
            attempt += 1

    async def _hand_out(self) -> None:
        # The only task that sends what it read of episodes, so that nobody's older state can
        # overtake a newer one.
        while True:
            await self._wake.wait()
            self._wake.clear()
            changed, self._changed = self._changed, set()
            joining, self._joining = self._joining, set()
            rights, self._rights_changed = self._rights_changed, False
            everything, self._refresh_all = self._refresh_all, False
            try:
                async with asyncio.timeout(_PATIENCE_S):
                    if everything:
                        await self._snapshot(set(self._streams))  # others may join meanwhile
                    else:
                        if rights:
                            await self._refresh_rights(self._streams - joining)
                        await self._send(changed, self._streams - joining)
                        await self._snapshot(joining & self._streams)
                self._is_behind(False)
            except Exception as error:
                # Whatever it is: a page that hears nothing more must not look like a quiet night.
                self._is_behind(True)
                if isinstance(error, DatabaseError | TimeoutError):
                    log.warning("pages wait for the database", error=str(error))
                else:
                    log.exception("handing out failed; trying again")
                self._refresh_all = True
                await asyncio.sleep(_RETRY_S[2])
                self._wake.set()

    def _is_behind(self, behind: bool) -> None:
        if behind != self._behind:
            self._behind = behind
            self._turned.set()

    async def _send(self, changed: Set[int], streams: Set[Stream]) -> None:
        if not changed or not streams:
            return
        async with self._acting_for(streams) as connection:
            found = await cards(connection, sorted(changed))
            subjects = set[int]().union(*(card.concerns for card in found))
            rights = await self._rights(connection, streams, subjects)
        render = Renderer(self._clock.now())
        for stream in streams:
            stream.visible -= subjects
            stream.visible |= rights[stream.caller.id]
        for card in found:
            for stream in streams:
                seen = stream.sees(card)
                if seen is not None:
                    stream.put(Event("episode", render(seen, stream.caller.language)))
                    self._look(stream, seen)
        await self._record()

    # -- snapshots and rights

    @asynccontextmanager
    async def _acting_for(self, streams: Set[Stream]) -> AsyncIterator[Connection]:
        """A transaction that sees what the members of any of these pages may see."""
        tokens = sorted({stream.caller.token for stream in streams})
        async with translated(), self._pool.acquire() as connection, connection.transaction():
            await act_for(connection, tokens)
            yield connection

    async def _rights(
        self, connection: Connection, streams: Set[Stream], subjects: Set[int] | None = None
    ) -> dict[int, frozenset[int]]:
        """Which of these subjects each page's member may see; None: of those of open alerts."""
        found = dict.fromkeys({stream.caller.id for stream in streams}, frozenset[int]())
        asked = None if subjects is None else sorted(subjects)
        rows = load_queries("web").visible_to(connection, subjects=asked)
        async for row in rows:
            found[row["member"]] = frozenset(row["subjects"])
        return found

    async def _refresh_rights(self, streams: Set[Stream]) -> None:
        """Let go of those whom a page may see no longer, and show whom it may see by now.

        Who is gained is sent alert by alert: among them is whatever was opened a moment ago and is
        about to be sent anyway, and a page need not get everything again for that.
        """
        if not streams:
            return
        before = set[int]().union(*(stream.visible for stream in streams))
        async with self._acting_for(streams) as connection:
            kept = await self._rights(connection, streams, before)
            opened = await self._rights(connection, streams)
            gained: dict[Stream, frozenset[int]] = {}
            for stream in streams:
                if new := opened[stream.caller.id] - stream.visible:
                    gained[stream] = new
            subjects = sorted(frozenset[int]().union(*gained.values()))
            rows = load_queries("web").open_episodes(connection, subjects=subjects)
            changed = {row["id"] async for row in rows} if subjects else set[int]()
        lost = {stream for stream in streams if stream.visible - kept[stream.caller.id]}
        await self._send(changed, gained.keys() - lost)
        await self._snapshot(lost)

    async def _snapshot(self, streams: Set[Stream]) -> None:
        if not streams:
            return
        async with self._acting_for(streams) as connection:
            rights = await self._rights(connection, streams)
            subjects = sorted(frozenset[int]().union(*rights.values()))
            await gather(connection, subjects)
            rows = load_queries("web").open_episodes(connection, subjects=subjects)
            found = await cards(connection, [row["id"] async for row in rows])
        render = Renderer(self._clock.now())
        for stream in streams:
            stream.visible = set(rights[stream.caller.id])
            mine = [seen for card in found if (seen := stream.sees(card)) is not None]
            for seen in mine:
                self._look(stream, seen)
            content = {
                "episodes": [msgspec.Raw(render(s, stream.caller.language).encode()) for s in mine],
                "time": self._clock.now(),
            }
            stream.put(Event("snapshot", encoded(content)))
        await self._record()

    # -- the record of who looked

    def _look(self, stream: Stream, card: Card) -> None:
        for subject in shown_with(card) - stream.looked:
            stream.looked.add(subject)
            key = ("list" if stream.only is None else "episode", purpose_of(stream.caller))
            self._looks.setdefault(key, set()).add((stream.caller.id, subject))

    async def _record(self) -> None:
        # After the alerts were sent: an alert never waits for its record. What could not be
        # written stays here and is written with the next.
        for what, purpose in list(self._looks):
            looks = self._looks[what, purpose]
            async with translated(), self._pool.acquire() as connection:
                await record_looks(connection, looks, what=what, wall=self._wall(), purpose=purpose)
            del self._looks[what, purpose]

    # -- heartbeat

    async def _pulse(self) -> None:
        beats = 0
        while True:
            with suppress(TimeoutError):  # At once when it has turned, else in a while.
                async with asyncio.timeout(HEARTBEAT_S):
                    await self._turned.wait()
            self._turned.clear()
            self._beat = await self._heartbeat()
            for stream in self._open:
                stream.put(self._beat)
            beats += 1
            with suppress(DatabaseError):
                if beats % _CHECK_SESSIONS_EVERY == 0:
                    await self._check_sessions()
                if beats % _REFRESH_RIGHTS_EVERY == 0:
                    self._rights_changed = True
                    self._wake.set()

    async def _heartbeat(self) -> Event:
        wall = self._wall()
        alive: dict[str, bool] = {"alerts": False, "ingest": False}
        answered = True
        try:
            async with (
                asyncio.timeout(HEARTBEAT_S),
                translated(),
                self._pool.acquire() as connection,
            ):
                for service in alive:
                    beat = await load_queries("core").last_beat(connection, service=service)
                    alive[service] = beat is not None and wall - beat < ALIVE_WITHIN
                await load_queries("core").beat(
                    connection, service="web", instance="web", wall_at=wall, detail={}
                )
        except (DatabaseError, TimeoutError):
            answered = False
        content = {
            "time": self._clock.now(),
            # How fast this clock runs, for pages that count waiting times on by themselves.
            "factor": self._clock.factor if isinstance(self._clock, ScaledClock) else 1.0,
            # A database that does not tell us what changes is none for a live list.
            "database_alive": answered
            and self._listening
            and not (self._behind or any(boards.behind for boards in self._desk.values())),
            "alerts_alive": alive["alerts"],
            "ingest_alive": alive["ingest"],
        }
        return Event("heartbeat", encoded(content))

    async def _check_sessions(self) -> None:
        tokens = {stream.caller.token for stream in self._open}
        if not tokens:
            return
        async with translated(), self._pool.acquire() as connection:
            living = await touch_sessions(connection, sorted(tokens))
        for token in tokens - living:
            self.end_session(token)
