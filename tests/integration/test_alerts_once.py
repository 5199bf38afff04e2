"""Once only: two workers, killed with -9 at random moments while readings keep coming."""

from __future__ import annotations

import asyncio
import random
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from core.clock import wall_time
from tests.integration.alerts_support import SICK, WELL, County, county
from tests.support.waiting import eventually

CLIENTS = 150
ROUNDS = 12
KILLS = 8
_WORKER = """
import asyncio, sys
from alerts import service
from core.clock import REAL_CLOCK
from core.log import configure_logging
configure_logging("WARNING")
asyncio.run(service.run(
    database_url=sys.argv[1], clock=REAL_CLOCK, stop=asyncio.Event(), instance=sys.argv[2],
    on_ready=lambda: print("ready", flush=True),
))
"""
_ROOT = Path(__file__).parents[2]


class Workers:
    """Worker processes, each started again when it is killed."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._running: dict[int, asyncio.subprocess.Process] = {}

    async def start(self, number: int) -> None:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", _WORKER, self._url, str(number)),
            stdout=asyncio.subprocess.PIPE,
            cwd=_ROOT,
        )
        self._running[number] = process
        assert process.stdout is not None
        async with asyncio.timeout(20):
            assert await process.stdout.readline() == b"ready\n"

    async def kill(self, number: int) -> None:
        process = self._running.pop(number)
        process.send_signal(signal.SIGKILL)
        await process.wait()

    async def stop(self) -> None:
        for number in list(self._running):
            await self.kill(number)


@asynccontextmanager
async def workers(url: str, count: int) -> AsyncIterator[Workers]:
    running = Workers(url)
    try:
        await asyncio.gather(*(running.start(number) for number in range(count)))
        yield running
    finally:
        await running.stop()


async def feed(found: County, presses: dict[int, int], killed: asyncio.Event) -> None:
    """Rounds of packs for everybody: half of them fall ill on the way, some call for help.

    Goes on until all kills are done, so that each hits a worker at work.
    """
    choice = random.Random(11)
    number = -1
    while number < ROUNDS or not killed.is_set():
        number += 1
        now = wall_time()
        packs = []
        for subject in range(1, CLIENTS + 1):
            values = dict(SICK if subject % 2 and number >= subject % ROUNDS else WELL)
            if choice.random() < 0.05:
                values["help"] = 1
                presses[subject] = presses.get(subject, 0) + 1
            packs.append((subject, values, now + timedelta(microseconds=subject)))
        choice.shuffle(packs)
        for start in range(0, CLIENTS, 25):
            await found.put_many(packs[start : start + 25])
            await asyncio.sleep(0.03)


async def test_effects_happen_once_whoever_is_killed(database_url: str) -> None:
    presses: dict[int, int] = {}
    killed = asyncio.Event()
    moment = random.Random(5)
    async with county(database_url, clients=CLIENTS) as found, workers(database_url, 2) as running:
        feeding = asyncio.create_task(feed(found, presses, killed))
        for kill in range(KILLS):
            await asyncio.sleep(moment.uniform(0.0, 0.12))
            await running.kill(kill % 2)
            await running.start(kill % 2)
        killed.set()
        await feeding

        async def nothing_left() -> bool:
            return await found.left() == 0

        await eventually(nothing_left, within=20)
        await running.stop()
        episodes = await found.episodes()
        ill = {one["subject"]: one for one in episodes if one["kind"] == "news2"}
        assert sorted(ill) == list(range(1, CLIENTS + 1, 2))
        called = {one["subject"]: one for one in episodes if one["kind"] == "help"}
        assert len(ill) + len(called) == len(episodes), "an episode is there twice"
        counts = {s: one["summary"]["params"]["count"] for s, one in called.items()}
        assert counts == presses
        events = await found.connection.fetch(
            "SELECT episode, what, jsonb_array_length(detail -> 'events') AS presses "
            "FROM alerts.episode_event ORDER BY id"
        )
        opened = [event["episode"] for event in events if event["what"] == "opened"]
        assert len(opened) == len(set(opened)) == len(episodes)
        assert sum(event["presses"] or 0 for event in events) == sum(presses.values())
        rose = [
            event["episode"]
            for event in events
            if event["what"] not in ("opened", "updated", "called")
        ]
        assert rose == []
        # Nobody is on duty: the desk is called once about each, whoever died meanwhile.
        desk = [event["episode"] for event in events if event["what"] == "called"]
        assert sorted(desk) == sorted(opened)
        pages = await found.connection.fetch(
            "SELECT episode FROM alerts.outbox WHERE what = 'page'"
        )
        assert sorted(page["episode"] for page in pages) == sorted(opened)
        versions = {one["id"]: one["version"] for one in episodes if one["kind"] == "help"}
        for episode, version in versions.items():
            happened = [event for event in events if event["episode"] == episode]
            assert len(happened) == version
