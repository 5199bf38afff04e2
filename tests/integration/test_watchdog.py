"""The dead-man's check against real processes: killed, hung, behind, and without a database."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from core.clock import wall_time
from core.database import connect
from core.migrate import migrate
from saimi.supervisor import saimi_command
from tests.integration.alerts_support import county_again
from tests.support.databases import Databases, postgres_server
from tests.support.waiting import eventually

AFTER_S = 8.0
"""Generous: other tests run beside these, and an engine that is slow is not dead."""
WAIT_S = 120.0


class Pager:
    """Counts what comes from outside: pages as JSON, and pings."""

    def __init__(self) -> None:
        self.titles: list[str] = []
        self.pings = 0
        self.refused = 0
        self.deaf = False
        self.port = 0

    async def notify(self, request: web.Request) -> web.Response:
        if self.deaf:
            self.refused += 1
            return web.Response(status=503)
        self.titles.append((await request.json())["title"])
        return web.Response()

    async def ping(self, _request: web.Request) -> web.Response:
        self.pings += 1
        return web.Response()

    async def has(self, number: int) -> bool:
        return len(self.titles) >= number


@asynccontextmanager
async def pager() -> AsyncIterator[Pager]:
    one = Pager()
    app = web.Application()
    app.router.add_post("/page", one.notify)
    app.router.add_get("/ping", one.ping)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    one.port = runner.addresses[0][1]
    try:
        yield one
    finally:
        await runner.cleanup()


class Process:
    """A service as a process of its own; its standard input is ours, and ends with us."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    async def ended(self) -> None:
        await self._process.wait()


@asynccontextmanager
async def service(name: str, url: str, folder: Path, **settings: str) -> AsyncIterator[Process]:
    environment = {**os.environ, "SAIMI_DATABASE_URL": url, "SAIMI_DATA_DIR": str(folder)}
    with (folder / f"{name}.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *saimi_command(name),
            stdin=asyncio.subprocess.PIPE,
            stdout=log,
            stderr=log,
            env=environment | settings,
        )
    try:
        yield Process(process)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGCONT)
            process.kill()
        await process.wait()


@asynccontextmanager
async def watchdog(url: str, folder: Path, page: Pager) -> AsyncIterator[Process]:
    async with service(
        "watchdog",
        url,
        folder,
        SAIMI_WATCHDOG_URLS=f"json://127.0.0.1:{page.port}/page",
        SAIMI_WATCHDOG_PING_URL=f"http://127.0.0.1:{page.port}/ping",
        SAIMI_WATCHDOG_PING_S="1",
        SAIMI_WATCHDOG_AFTER_S=str(AFTER_S),
        SAIMI_WATCHDOG_LANGUAGE="en",
    ) as process:
        yield process


@asynccontextmanager
async def ingest(url: str) -> AsyncIterator[None]:
    """Ingest's sign of life, as long as the database takes it."""

    async def beat() -> None:
        while True:
            try:
                async with county_again(url) as found:
                    while True:
                        await found.ingest_beats()
                        await asyncio.sleep(0.5)
            except Exception:
                await asyncio.sleep(0.5)

    beating = asyncio.create_task(beat())
    try:
        yield
    finally:
        beating.cancel()
        await asyncio.gather(beating, return_exceptions=True)


async def is_alive(url: str) -> None:
    """Wait until the engine has beaten, so that nobody misses it before it came."""

    async def beats() -> bool:
        connection = await connect(url)
        try:
            return bool(
                await connection.fetchval(
                    "SELECT count(*) FROM ops.heartbeat WHERE service = 'alerts' AND wall_at > $1",
                    wall_time() - timedelta(seconds=3),
                )
            )
        finally:
            await connection.close()

    await eventually(beats, within=WAIT_S)


async def is_watched(page: Pager) -> None:
    """Wait until the watchdog has watched for its time, and found all well."""

    async def pinged() -> bool:
        return page.pings > 0

    await eventually(pinged, within=WAIT_S)
    assert page.titles == []


async def is_said(page: Pager, titles: list[str]) -> None:
    """Wait for these, which are all that was said so far."""
    await eventually(lambda: page.has(len(titles)), within=WAIT_S)
    assert page.titles == titles


async def is_all(page: Pager, titles: list[str]) -> None:
    """Wait for these, and see that nothing else comes for as long as an outage takes to be said."""
    await is_said(page, titles)
    pings = page.pings

    async def as_long() -> bool:
        return page.pings >= pings + int(AFTER_S)

    await eventually(as_long, within=WAIT_S)
    assert page.titles == titles


async def nothing_waits(folder: Path) -> bool:
    """Whether the watchdog has written that it was heard."""
    memory = json.loads((folder / "watchdog.json").read_text())
    return memory["watch"].get("page", 0) > 0 and not memory.get("waiting")


DOWN, UP = "Saimi is not watching", "Saimi is watching again"


async def an_engine_that_is_killed_is_paged_once_and_cleared_once(
    made: Callable[[], str], folder: Path
) -> None:
    url = made()
    async with AsyncExitStack() as watched, pager() as page, ingest(url):
        async with service("alerts", url, folder) as engine:
            await is_alive(url)
            await watched.enter_async_context(watchdog(url, folder, page))
            await is_watched(page)
            engine.send(signal.SIGKILL)
            await engine.ended()
            await is_said(page, [DOWN])
        async with service("alerts", url, folder):
            await is_all(page, [DOWN, UP])


async def an_engine_that_hangs_is_paged_once_though_the_watchdog_is_killed_meanwhile(
    made: Callable[[], str], folder: Path
) -> None:
    url = made()
    async with pager() as page, ingest(url), service("alerts", url, folder) as engine:
        await is_alive(url)
        async with watchdog(url, folder, page) as first:
            engine.send(signal.SIGSTOP)
            await is_said(page, [DOWN])
            # Killed before it has written that the page went out, it would page once more.
            await eventually(partial(nothing_waits, folder), within=WAIT_S)
            first.send(signal.SIGKILL)
            await first.ended()
        page.pings = 0
        async with watchdog(url, folder, page):
            # Another one goes on where it was: no second page for the same outage.
            await is_all(page, [DOWN])
            engine.send(signal.SIGCONT)
            await is_all(page, [DOWN, UP])


async def a_database_that_is_away_is_paged_without_it(
    _made: Callable[[], str], folder: Path
) -> None:
    with ExitStack() as stack:
        started = partial(stack.enter_context, postgres_server("plain", folder))
        server = await asyncio.to_thread(started)
        url = server.url
        await migrate(url)
        async with pager() as page, ingest(url), service("alerts", url, folder):
            await is_alive(url)
            async with watchdog(url, folder, page):
                await is_watched(page)
                await asyncio.to_thread(server.kill)
                await is_said(page, [DOWN])
                await asyncio.to_thread(server.restart)
                await is_all(page, [DOWN, UP])


async def an_engine_that_lives_and_does_not_assess_is_paged(
    made: Callable[[], str], folder: Path
) -> None:
    url = made()
    async with county_again(url) as found, pager() as page, ingest(url):
        await found.connection.execute(
            "INSERT INTO telemetry.note (subject, since, until, noted_at) "
            "VALUES (0, now(), now(), $1)",
            wall_time(),
        )
        held = found.connection.transaction()
        await held.start()
        # What somebody holds, the engine passes over.
        await found.connection.execute("SELECT FROM telemetry.note FOR UPDATE")
        async with service("alerts", url, folder):
            await is_alive(url)
            async with watchdog(url, folder, page):
                await is_watched(page)
                await is_said(page, [DOWN])
                await held.rollback()
                await is_all(page, [DOWN, UP])


async def who_cannot_page_stops_to_ping_and_pages_once_it_can(
    made: Callable[[], str], folder: Path
) -> None:
    url = made()
    async with pager() as page, ingest(url), service("alerts", url, folder) as engine:
        await is_alive(url)
        async with watchdog(url, folder, page):
            await is_watched(page)
            page.deaf = True
            engine.send(signal.SIGKILL)

            async def tried() -> bool:
                return page.refused > 1

            await eventually(tried, within=WAIT_S)
            pings, refused = page.pings, page.refused

            async def tried_more() -> bool:
                return page.refused > refused + 1

            await eventually(tried_more, within=WAIT_S)
            assert page.pings == pings
            page.deaf = False
            await is_all(page, [DOWN])


STORIES: Sequence[Callable[[Callable[[], str], Path], Coroutine[Any, Any, None]]] = (
    an_engine_that_is_killed_is_paged_once_and_cleared_once,
    an_engine_that_hangs_is_paged_once_though_the_watchdog_is_killed_meanwhile,
    a_database_that_is_away_is_paged_without_it,
    an_engine_that_lives_and_does_not_assess_is_paged,
    who_cannot_page_stops_to_ping_and_pages_once_it_can,
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def told(
    plain_databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Mapping[str, asyncio.Task[None]]]:
    """All stories at once, each with processes of its own: they do little but wait."""
    urls: list[str] = []

    def made() -> str:
        urls.append(plain_databases.create())
        return urls[-1]

    folder = tmp_path_factory.mktemp("watchdog")
    tasks = {}
    for number, story in enumerate(STORIES):
        own = folder / str(number)
        own.mkdir()
        tasks[story.__name__] = asyncio.create_task(story(made, own))
    yield tasks
    for task in tasks.values():
        task.cancel()
    await asyncio.gather(*tasks.values(), return_exceptions=True)
    for url in urls:
        plain_databases.drop(url)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("story", [story.__name__ for story in STORIES])
async def test_the_watchdog(told: Mapping[str, asyncio.Task[None]], story: str) -> None:
    await told[story]


async def test_it_starts_without_a_database_and_without_anybody_to_tell(tmp_path: Path) -> None:
    nowhere = "postgresql://saimi:secret@127.0.0.1:9/saimi"
    async with service("watchdog", nowhere, tmp_path, SAIMI_WATCHDOG_AFTER_S="2") as process:

        async def said() -> bool:
            return "there is nobody to tell" in (tmp_path / "watchdog.log").read_text()

        await eventually(said, within=WAIT_S)
        process.send(signal.SIGTERM)
        await process.ended()
    assert "secret" not in (tmp_path / "watchdog.log").read_text()
