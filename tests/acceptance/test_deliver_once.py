"""Once only, from a reading to a phone: alert workers and delivering workers are killed with -9 at
random moments, and what the push service was told says what came of it.

No episode and no message is missing or there twice; every message arrives; none is repeated but the
one that a killed worker had on its way, and that says so.

SAIMI_TEST_KILLS says how often in all (here 6, `make soak` 100), SAIMI_TEST_SEED repeats a run's
choices. Some 50 messages for every kill.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import secrets
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from core.clock import wall_time
from tests.integration.alerts_support import SICK, WELL, County, county
from tests.support.outside import PushService, push_service
from tests.support.waiting import eventually

KILLS = int(os.environ.get("SAIMI_TEST_KILLS", "6"))
SEED = os.environ.get("SAIMI_TEST_SEED") or secrets.token_hex(4)
EACH = 40
"""New clients for every kill: half of them fall ill, a tenth calls for help."""
CLIENTS = EACH * (KILLS + 1)
MEMBERS = (1, 2)
_ROOT = Path(__file__).parents[2]
_ALERTS = """
import asyncio, sys
from alerts import batch, service
from alerts.outbox import Message, enqueue
from core.clock import REAL_CLOCK
from core.log import configure_logging

written = batch.write_changes

async def write_and_page(connection, changes, *, now):
    ids = await written(connection, changes, now=now)
    await enqueue(connection, [
        Message(episode=episode, step="told", member=member, severity=change.severity, what="page")
        for (_, change), episode in zip(changes, ids, strict=True) if change.what == "opened"
        for member in (1, 2)
    ], now=now)
    return ids

batch.write_changes = write_and_page
configure_logging("WARNING")
asyncio.run(service.run(
    database_url=sys.argv[1], clock=REAL_CLOCK, stop=asyncio.Event(), instance=sys.argv[2],
    on_ready=lambda: print("ready", flush=True),
))
"""
_DELIVER = """
import asyncio, sys
from core.clock import REAL_CLOCK
from core.log import configure_logging
from core.settings import load_settings
from saimi.delivering import run
configure_logging("ERROR")
asyncio.run(run(
    database_url=sys.argv[1], settings=load_settings(), clock=REAL_CLOCK, stop=asyncio.Event(),
    on_ready=lambda: print("ready", flush=True),
))
"""

pytestmark = pytest.mark.timeout(120 + 20 * KILLS)


class Workers:
    """Worker processes, each started again when it is killed."""

    def __init__(self, url: str, environment: dict[str, str]) -> None:
        self._url = url
        self._environment = os.environ | environment
        self._running: dict[tuple[str, int], asyncio.subprocess.Process] = {}

    async def start(self, part: str, number: int) -> None:
        script = {"alerts": _ALERTS, "deliver": _DELIVER}[part]
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", script, self._url, str(number)),
            stdout=asyncio.subprocess.PIPE,
            env=self._environment,
            cwd=_ROOT,
        )
        self._running[part, number] = process
        assert process.stdout is not None
        async with asyncio.timeout(60):
            assert await process.stdout.readline() == b"ready\n"

    async def kill(self, part: str, number: int) -> None:
        process = self._running.pop((part, number))
        process.send_signal(signal.SIGKILL)
        await process.wait()

    async def stop(self) -> None:
        for part, number in list(self._running):
            await self.kill(part, number)


@asynccontextmanager
async def workers(url: str, service: PushService, folder: Path) -> AsyncIterator[Workers]:
    running = Workers(
        url, {"SAIMI_PUSH_SERVICES": service.origin, "SAIMI_DATA_DIR": str(folder / "data")}
    )
    try:
        # Together: of two that make the key for push messages at once, both use the same one.
        starts = [running.start(part, n) for part in ("alerts", "deliver") for n in (0, 1)]
        await asyncio.gather(*starts)
        yield running
    finally:
        await running.stop()


async def feed(found: County, first: int, chance: random.Random, called: set[int]) -> None:
    """Packs of the next clients, as ingest commits them."""
    now = wall_time()
    packs = []
    for subject in range(first, first + EACH):
        values = dict(SICK if subject % 2 else WELL)
        if chance.random() < 0.1:
            values["help"] = 1
            called.add(subject)
        packs.append((subject, values, now + timedelta(microseconds=subject)))
    await found.put_many(packs)


async def test_everything_happens_once_and_every_message_arrives(
    plain_database_url: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    chance = random.Random(SEED)
    called: set[int] = set()
    parts = ["deliver" if kill % 2 else "alerts" for kill in range(KILLS)]
    chance.shuffle(parts)
    began = time.monotonic()
    async with (
        county(plain_database_url, clients=CLIENTS) as found,
        push_service() as service,
    ):
        # A service takes its time, before it has taken a message and after.
        service.pause = lambda: chance.uniform(0.0, 0.04)
        for member in MEMBERS:
            await found.connection.execute(
                "INSERT INTO registry.member_channel (member, kind, address, created_at)"
                " VALUES ($1, 'webpush', $2, now())",
                member,
                json.dumps(service.browser().subscription),
            )
        async with workers(plain_database_url, service, tmp_path) as running:
            for kill, part in enumerate(parts):
                await feed(found, 1 + kill * EACH, chance, called)
                await asyncio.sleep(chance.uniform(0.0, 0.5))
                number = chance.randrange(2)
                await running.kill(part, number)
                await running.start(part, number)
            await feed(found, 1 + KILLS * EACH, chance, called)

            async def nothing_left() -> bool:
                waiting = await found.connection.fetchval(
                    "SELECT count(*) FROM alerts.outbox"
                    " WHERE state = 'waiting' AND member IS NOT NULL"
                )
                return waiting == 0 and await found.left() == 0

            await eventually(nothing_left, within=60 + KILLS)
        episodes = await found.episodes()
        rows = await found.connection.fetch("SELECT * FROM alerts.outbox ORDER BY id")

    told = Counter(push.content["key"] for push in service.taken)
    repeats = sum(told.values()) - len(told)
    record_property(
        "once only",
        f"{KILLS} kills ({parts.count('alerts')} alerts, {parts.count('deliver')} deliver), "
        f"{len(episodes):,} episodes, {len(rows):,} messages, {sum(told.values()):,} arrived, "
        f"{repeats} repeated, {time.monotonic() - began:.0f} s (seed {SEED})",
    )
    assert service.faults == []
    # Each who fell ill, each who called: one episode, and it was told to both members once.
    expected = {(subject, "news2") for subject in range(1, CLIENTS + 1, 2)}
    expected |= {(subject, "help") for subject in called}
    assert Counter((one["subject"], one["kind"]) for one in episodes) == Counter(expected)
    ours = Counter((row["episode"], row["member"]) for row in rows if row["step"] == "told")
    assert ours == Counter((one["id"], member) for one in episodes for member in MEMBERS)
    # Each message arrived; what arrived is a message.
    sent = {str(row["key"]) for row in rows if row["member"] is not None}
    assert told.keys() == sent, f"seed {SEED}"
    assert all(row["state"] == "sent" for row in rows if row["member"] is not None)
    # What came again says so, and is no more than what a killed worker had on its way.
    seen: set[str] = set()
    for push in service.taken:
        if push.content["key"] in seen:
            assert push.content["repeat"], f"a repeat that does not say so (seed {SEED})"
        seen.add(push.content["key"])
    marked = sum(push.content["repeat"] for push in service.taken)
    assert repeats <= marked <= parts.count("deliver"), f"seed {SEED}"
