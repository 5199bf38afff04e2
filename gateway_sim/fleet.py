"""All gateways of a process at the broker: sends what a feed has, until receipts come.

One pump on the event loop does everything in order: take in receipts, note in the ledger what goes
out, publish. It is woken by new messages and by receipts, and looks after what is overdue once a
second. Waiting times here are real seconds: they belong to the network, not to simulated time.
"""

from __future__ import annotations

import asyncio
import resource
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from typing import Any, Protocol

import msgspec
import structlog

from core.broker import BrokerAddress
from core.clock import Clock, wall_time
from core.errors import BrokerError, UserError
from core.wire import (
    Status,
    decode_home_message,
    decode_receipt,
    encode,
    readings_topic,
    status_topic,
)
from gateway_sim.formats import Format, Told
from gateway_sim.ledger import Ledger
from gateway_sim.link import Connected, Inbox, Link, Published, Received, Refused, terms_of
from gateway_sim.outbox import Message
from gateway_sim.window import Window

OWN_CONNECTIONS = 500
"""So many gateways have a connection of their own if nothing else is asked for; more share one."""
_CONNECTING_AT_ONCE = 16
_FILES_BESIDE = 100
"""Open files of a process besides its connections."""
_HEARTBEAT_S = 30.0
_CHECK_S = 1.0
_log = structlog.get_logger(__name__)


class Feed(Protocol):
    """Where the fleet gets messages from: the outbox, or a replay's memory."""

    def take(self, gateway: str, room: int, room_for_history: int) -> list[Message]:
        """The next messages to send, each once; life-safety events beyond `room`."""
        ...

    def receipt(self, gateway: str, boot: str, ranges: Iterable[tuple[int, int]]) -> None:
        """These are committed for good."""
        ...

    def boot(self, gateway: str) -> str:
        """Present boot identifier."""
        ...

    def highest_seq(self, gateway: str) -> int:
        """Highest seq given out in the present boot."""
        ...

    def __len__(self) -> int:
        """How many messages have no receipt yet, as far as the feed keeps count."""
        ...


class Fleet:
    """The gateways of one process; use as an asynchronous context manager after `connect`.

    Args:
        connections: how many gateways have a connection of their own.
        credentials: how each gateway comes in; none: all as `mqtt_url` says.
        formats: gateways that do not speak SenML; they have no boot, no seq and no receipts.
        window: how many messages a gateway may have on their way.
        patience: real seconds without any receipt after which a gateway begins to repeat.
        receipts: whether somebody gives them; else a message is done with once the broker has
            acknowledged it, and no gateway says that it is there: no heartbeat, no goodbye.
        heartbeats: whether gateways say now and then that they are there, besides their first and
            last word.
        monotonic, wall: real time, for waiting and for the ledger.
    """

    def __init__(
        self,
        gateways: Sequence[str],
        feed: Feed,
        *,
        mqtt_url: str,
        clock: Clock,
        ledger: Ledger | None,
        connections: int = OWN_CONNECTIONS,
        credentials: Mapping[str, BrokerAddress] | None = None,
        formats: Mapping[str, Format] | None = None,
        window: int = 64,
        patience: float = 5.0,
        receipts: bool = True,
        heartbeats: bool = True,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], datetime] = wall_time,
    ) -> None:
        self._address = BrokerAddress.parse(mqtt_url)
        self._credentials = credentials or {}
        self._formats = formats or {}
        self._connections = max(connections, len(self._credentials))
        self._pool = ThreadPoolExecutor(_CONNECTING_AT_ONCE, thread_name_prefix="connecting")
        self._feed = feed
        self._clock = clock
        self._ledger = ledger
        self._monotonic = monotonic
        self._wall = wall
        self._window = window
        self._receipts = receipts
        self._heartbeats = heartbeats
        self._sent: deque[tuple[Message, Published]] = deque()
        """Without receipts: what the broker has not acknowledged, as far as we have looked."""
        self._windows = {
            gateway: Window(window, patience=patience, longest=max(20.0, patience))
            for gateway in gateways
        }
        self._links: list[Link] = []
        self._link_of: dict[str, Link] = {}
        self._held: set[str] = set()
        self._wake = asyncio.Event()
        self._changed = asyncio.Event()
        self._inbox = Inbox(self._wake.set)
        self._dirty: set[str] = set(gateways)
        self._checked = self._beaten = float("-inf")
        self._task: asyncio.Task[None] | None = None
        self.published = 0
        """Messages that went out at least once."""
        self.repeated = 0
        """Times a message went out again."""

    async def connect(self, stop: asyncio.Event) -> bool:
        """Wait for the broker and begin; False if `stop` was set before it was there.

        Raises:
            BrokerError: the broker refuses us.
        """
        names = list(self._windows)
        first = self._credentials.get(names[0]) if names else None
        terms = await terms_of(
            first or self._address, stop, "SAIMI_MQTT_URL" if first is None else "the credentials"
        )
        if terms is None:
            return False
        own = names[: self._connections]
        groups = [[name] for name in own] + ([names[len(own) :]] if len(names) > len(own) else [])
        _open_files(len(groups))
        for number, group in enumerate(groups):
            alone = number < len(own)
            link = Link(
                self._credentials.get(group[0], self._address),
                terms,
                group,
                group[0] if alone else f"saimi-gateways-{self._feed.boot(group[0])}",
                self._inbox,
                self._pool,
                own=alone,
                receipts=self._receipts,
            )
            self._links.append(link)
            self._link_of.update(dict.fromkeys(group, link))
        for link in self._links:
            if not (link.own and link.gateways[0] in self._held):
                link.start()
        self._task = asyncio.create_task(self._run())
        _log.info("gateways connecting", gateways=len(names), broker=str(self._address))
        return True

    def on_its_way(self, gateway: str) -> int:
        """How many messages of a gateway went out and have no receipt."""
        return len(self._windows[gateway])

    @property
    def unreceipted(self) -> int:
        """How many messages went out and have no receipt."""
        return sum(len(window) for window in self._windows.values())

    def hears(self, gateway: str) -> bool:
        """Whether a gateway is connected."""
        link = self._link_of.get(gateway)
        return link is not None and link.up and gateway not in self._held

    def say(self, gateway: str, told: Told) -> None:
        """Publish a message in a foreign format; lost unless `hears`."""
        link = self._link_of.get(gateway)
        if link is not None and self.hears(gateway):
            topic = readings_topic(gateway, self._formats[gateway].source, told.rest)
            link.publish(topic, told.payload, qos=told.qos, retain=told.retain)
            self.published += bool(told.readings)

    def touch(self, gateways: Iterable[str]) -> None:
        """The feed has something new for these."""
        self._dirty.update(gateways)
        self._wake.set()

    async def changed(self, seconds: float) -> None:
        """Wait for receipts, at most `seconds`; raises what ended the pump."""
        self._changed.clear()
        waiting = asyncio.create_task(self._changed.wait())
        tasks: set[asyncio.Future[Any]] = {waiting}
        if self._task is not None:
            tasks.add(self._task)
        await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        self.check()

    def check(self) -> None:
        """Raise what ended the pump, if something did."""
        if self._task is not None and self._task.done() and not self._task.cancelled():
            self._task.result()

    async def drain(self, seconds: float) -> bool:
        """Wait until every message has its receipt; False if that took longer."""
        deadline = self._monotonic() + seconds
        while len(self._feed) or self.unreceipted:
            left = deadline - self._monotonic()
            if left <= 0:
                return False
            await self.changed(min(left, 0.5))
        return True

    async def close(self) -> None:
        """Say goodbye on the status topics and disconnect; what has no receipt stays stored."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        byes = [self._status(gateway, online=False) for gateway in self._windows]
        deadline = self._monotonic() + 2.0
        while self._monotonic() < deadline:
            if all(bye is None or bye.is_published() for bye in byes):
                break
            await asyncio.sleep(0.02)
        for link in self._links:
            link.close()
        self._pool.shutdown(wait=False)

    def hold(self, gateways: Iterable[str], *, forget: bool) -> None:
        """Break the connections of these and make none until `release`; the broker hears nothing,
        and sends their last wills. (Who shares a connection falls silent, without a last will.)

        Args:
            forget: what they had in memory is gone too: the power has failed.
        """
        for gateway in gateways:
            self._held.add(gateway)
            if forget:
                self._windows[gateway].forgotten()
            link = self._link_of.get(gateway)
            if link is not None and link.own:
                link.cut(forget=forget)

    def release(self, gateways: Iterable[str]) -> None:
        """The line is there again."""
        for gateway in gateways:
            self._held.discard(gateway)
            link = self._link_of.get(gateway)
            if link is None:
                continue
            if link.own:
                link.start()
            else:
                self._windows[gateway].reconnected()
                self._greet(gateway)
                self.touch([gateway])

    async def _run(self) -> None:
        while True:
            self.pump()
            # Not wait_for: up to Python 3.11 it can swallow a cancellation, and `close` would wait
            # for ever (CPython issue 86296).
            with suppress(TimeoutError):
                async with asyncio.timeout(_CHECK_S):
                    await self._wake.wait()

    def pump(self) -> None:
        """Take in what the network brought, send what is to be sent."""
        self._wake.clear()
        now = self._monotonic()
        self._take_in(now)
        if self._heartbeats and now - self._beaten >= _HEARTBEAT_S:
            self._beaten = now
            for gateway in self._windows:
                self._status(gateway)
        if now - self._checked >= _CHECK_S:
            self._checked = now
            for link in self._links:
                link.tend()
            self._dirty.update(gateway for gateway, window in self._windows.items() if len(window))
        outgoing = self._outgoing(now)
        if not outgoing:
            return
        fresh = [message for message, first in outgoing if first]
        if self._ledger is not None and fresh:
            keys = ((message.gateway, message.boot, message.seq) for message in fresh)
            self._ledger.published(keys, self._wall())
            self._ledger.commit()
        for message, _ in outgoing:
            link = self._link_of[message.gateway]
            handle = link.publish(readings_topic(message.gateway), message.payload)
            self._windows[message.gateway].sent(message, handle, now)
            if not self._receipts:
                self._sent.append((message, handle))
        self.published += len(fresh)
        self.repeated += len(outgoing) - len(fresh)

    def _outgoing(self, now: float) -> list[tuple[Message, bool]]:
        """What goes out now, and whether for the first time."""
        outgoing: list[tuple[Message, bool]] = []
        dirty, self._dirty = self._dirty, set()
        for gateway in dirty:
            link = self._link_of.get(gateway)
            if link is None or not link.up or gateway in self._held:
                continue  # when it is up again, it is looked at again
            window = self._windows[gateway]
            outgoing.extend((message, False) for message in window.due(now))
            # A backlog of the past fills a quarter of the window, so that what is live never
            # queues behind more than that.
            past = max(0, window.room - self._window * 3 // 4)
            fresh = self._feed.take(gateway, window.room, past)
            outgoing.extend((message, True) for message in fresh)
        return outgoing

    def _take_in(self, now: float) -> None:
        receipts = False
        while self._sent and self._sent[0][1].is_published():
            message, _ = self._sent.popleft()
            self._done(message.gateway, message.boot, [(message.seq, message.seq)], now)
            receipts = True
        for event in self._inbox.drain():
            match event:
                case Connected(link):
                    for gateway in link.gateways:
                        self._windows[gateway].reconnected()
                        self._greet(gateway)
                    self._dirty.update(link.gateways)
                case Received(gateway, payload, "message"):
                    self._hear(gateway, payload)
                case Received(gateway, payload, "receipt"):
                    receipts = self._receipt(gateway, payload, now) or receipts
                case Refused(reason) if not self._receipts:
                    raise BrokerError(
                        f"The MQTT broker at {self._address} takes no readings from us ({reason}): "
                        f"check what this user may publish."
                    )
        if receipts:
            self._changed.set()

    def _receipt(self, gateway: str, payload: bytes, now: float) -> bool:
        if gateway not in self._windows:
            return False  # of a gateway on the same broker that is not ours
        try:
            receipt = decode_receipt(payload)
        except msgspec.MsgspecError:
            _log.warning("not a receipt", gateway=gateway)
            return False
        self._done(gateway, receipt.boot, receipt.ranges, now)
        return True

    def _hear(self, gateway: str, payload: bytes) -> None:
        """Something to show or speak at home: here it is written down that it was."""
        if gateway not in self._windows:
            return
        try:
            message = decode_home_message(payload)
        except msgspec.MsgspecError:
            _log.warning("not a message for the home", gateway=gateway)
            return
        _log.info("said at home", gateway=gateway, what=message.what, repeat=message.repeat)
        if self._ledger is not None:
            self._ledger.heard(gateway, message, self._wall())

    def _done(self, gateway: str, boot: str, ranges: Sequence[tuple[int, int]], now: float) -> None:
        self._windows[gateway].receipt(boot, ranges, now)
        self._feed.receipt(gateway, boot, ranges)
        self._dirty.add(gateway)

    def _greet(self, gateway: str) -> None:
        self._status(gateway)
        if gateway in self._formats:
            for told in self._formats[gateway].greeting():
                self.say(gateway, told)

    def _status(self, gateway: str, *, online: bool = True) -> Published | None:
        """Heartbeat or goodbye, kept by the broker; None where nobody is connected."""
        link = self._link_of.get(gateway)
        if link is None or not self.hears(gateway) or not self._receipts:
            return None
        status = Status(online=online, time=round(self._clock.now().timestamp(), 3))
        if gateway not in self._formats:
            status.boot = self._feed.boot(gateway)
            status.seq = self._feed.highest_seq(gateway)
        return link.publish(status_topic(gateway), encode(status), retain=True)


def _open_files(connections: int) -> None:
    """Let this process have so many connections.

    Raises:
        UserError: the system does not allow it.
    """
    wanted = connections + _FILES_BESIDE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        if hard != resource.RLIM_INFINITY and hard < wanted:
            raise UserError(
                f"{connections:,} connections need {wanted:,} open files, and a process may have "
                f"{hard:,} here: raise the limit (ulimit -Hn, or LimitNOFILE of the service), or "
                "ask for fewer with --connections."
            )
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
