"""Once only: two workers, killed with -9 at random moments while readings keep coming."""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta

from core.clock import wall_time
from tests.integration.alerts_support import SICK, WELL, County, county
from tests.support.waiting import eventually
from tests.support.workers import workers

CLIENTS = 150
ROUNDS = 12
KILLS = 20


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
    async with (
        county(database_url, clients=CLIENTS) as found,
        workers(database_url, {"alerts": 2}) as running,
    ):
        feeding = asyncio.create_task(feed(found, presses, killed))
        for kill in range(KILLS):
            await asyncio.sleep(moment.uniform(0.0, 0.12))
            await running.restart("alerts", kill % 2)
        killed.set()
        await feeding

        async def nothing_left() -> bool:
            return await found.left() == 0

        await eventually(nothing_left)
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
