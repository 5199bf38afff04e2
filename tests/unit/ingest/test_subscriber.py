"""The two sides of the subscriber's queue: the thread fills it, and asyncio empties it."""

from __future__ import annotations

import asyncio
import threading
from typing import cast

from core.clock import REAL_CLOCK
from ingest.connection import Connection
from ingest.intake import Intake
from ingest.packets import Publish
from ingest.subscriber import Subscriber


class _Line:
    """A connection from which one message comes at each read."""

    def __init__(self, subscriber: Subscriber) -> None:
        self._subscriber = subscriber
        self._mid = 0

    def read(self) -> None:
        self._mid += 1
        message = Publish("saimi/v1/gw/senml", b"[]", self._mid, retain=False, dup=False)
        self._subscriber._on_message(cast(Connection, self), message)


class _Lock:
    """A lock for which the other thread always is a moment quicker."""

    def __init__(self, before: threading.Event, after: threading.Event) -> None:
        self._before, self._after = before, after
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        if threading.current_thread() is threading.main_thread():
            self._before.set()
            assert self._after.wait(5)
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


async def test_what_comes_while_asyncio_takes_does_not_leave_it_asleep() -> None:
    intake = Intake("mqtt://localhost", "postgresql://localhost", "service", REAL_CLOCK)
    subscriber = Subscriber(
        "mqtt://localhost",
        "service",
        REAL_CLOCK,
        arrived=intake._arrived,
    )
    intake._own = subscriber
    line = cast(Connection, _Line(subscriber))
    taking, read = threading.Event(), threading.Event()

    def read_while_asyncio_takes() -> None:
        taking.wait(5)
        subscriber._read(line)
        read.set()

    subscriber._read(line)
    subscriber._lock = cast(threading.Lock, _Lock(taking, read))
    thread = threading.Thread(target=read_while_asyncio_takes)
    thread.start()
    await asyncio.wait_for(intake.wait(), 5)
    assert len(intake.take(100, 100_000)) == 2
    thread.join()

    async def read_later() -> None:
        for _ in range(3):
            await asyncio.sleep(0)  # asyncio waits again by now
        subscriber._read(line)

    await asyncio.wait_for(asyncio.gather(intake.wait(), read_later()), 5)
    assert len(intake.take(100, 100_000)) == 1
    await subscriber.close()
