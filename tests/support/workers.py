"""Worker processes of the path of an alert, to be killed with -9 and started again, in no time.

Each is forked from one process that has everything imported, so that a kill hits a worker at work
and not one that is still starting.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from typing import Literal

Part = Literal["alerts", "deliver"]
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["alerts.worker.service", "saimi.delivering", __name__])
_READY_S = 60.0


class Workers:
    """By part and number."""

    def __init__(self, url: str, settings: Mapping[str, str] | None = None) -> None:
        self._url = url
        self._settings = dict(settings or {})
        self._running: dict[tuple[Part, int], ForkServerProcess] = {}

    async def start(self, part: Part, number: int) -> None:
        """Start one, and wait until it has looked for work."""
        ours, theirs = _FORKS.Pipe(duplex=False)
        process = _FORKS.Process(
            target=_work, args=(part, number, self._url, self._settings, theirs), daemon=True
        )
        with ours, theirs:
            await asyncio.to_thread(process.start)
            self._running[part, number] = process
            theirs.close()
            assert await asyncio.to_thread(ours.poll, _READY_S), f"{part} {number} does not start"
            assert ours.recv_bytes() == b"ready"

    async def kill(self, part: Part, number: int) -> None:
        """kill -9."""
        process = self._running.pop((part, number))
        process.kill()
        await asyncio.to_thread(process.join)

    async def restart(self, part: Part, number: int) -> None:
        await self.kill(part, number)
        await self.start(part, number)

    async def stop(self) -> None:
        for part, number in list(self._running):
            await self.kill(part, number)


@asynccontextmanager
async def workers(
    url: str, parts: Mapping[Part, int], settings: Mapping[str, str] | None = None
) -> AsyncIterator[Workers]:
    """So many workers of each part, ready when entered; `settings` are environment variables."""
    running = Workers(url, settings)
    try:
        # Together: of two that make the key for push messages at once, both use the same one.
        await asyncio.gather(
            *(running.start(part, n) for part, count in parts.items() for n in range(count))
        )
        yield running
    finally:
        await running.stop()


def _work(
    part: Part, number: int, url: str, settings: Mapping[str, str], ready: Connection
) -> None:
    from core.log import configure_logging

    os.environ.update(settings)
    configure_logging("ERROR", service=f"{part} {number}")
    asyncio.run(_serve(part, number, url, ready))


async def _serve(part: Part, number: int, url: str, ready: Connection) -> None:
    from alerts.worker import service
    from core.database import connect, read_clock
    from core.settings import load_settings
    from saimi import delivering

    connection = await connect(url)
    clock = await read_clock(connection)
    await connection.close()
    stop = asyncio.Event()

    def on_ready() -> None:
        ready.send_bytes(b"ready")

    if part == "alerts":
        await service.run(
            database_url=url, clock=clock, stop=stop, instance=str(number), on_ready=on_ready
        )
    else:
        await delivering.run(
            database_url=url, settings=load_settings(), clock=clock, stop=stop, on_ready=on_ready
        )
