"""The whole line under a county's load: monitors, broker, ingest, database, alerts, open phones.

All parts are real and run on this machine: the simulator's readings are published through the
broker, `saimi ingest` stores them, `saimi alerts` assesses them, `saimi web` streams to phones that
have the list open. A delay is from the moment a reading was sent to the moment its alert was on a
phone; every phone that may see an alert counts.
"""

from __future__ import annotations

import asyncio
import math
import multiprocessing
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from math import ceil
from multiprocessing.connection import Connection as Pipe
from typing import Any, Protocol

import asyncpg
import msgspec

from bench.phones import Seen, watch
from bench.process import cpu_seconds, is_server
from bench.publisher import Sent, publish
from bench.scratch import scratch_database
from core.clock import wall_time
from core.database import ServerInfo, connect, load_queries, server_info, translated
from core.errors import SaimiError
from core.registry_import import import_document
from gateway_sim.county import County
from gateway_sim.files_format import Manifest
from gateway_sim.files_write import planned
from gateway_sim.scenario import EventPlan, IllnessPlan, Scenario

EVERY_S = 60.0
"""Between two packs of a client, at a load of 1."""
PROMISED_S = 1.0
"""The 99th percentile that makes a load bearable."""
_START = datetime(2026, 1, 5, 8, tzinfo=UTC)
_ILL_BY = 0.38
"""Severity of an infection at which the score calls."""
_LOOK_S = 0.1
_PATIENCE_S = 120.0
_LINGER_S = 5.0
"""What is on its way to a phone when the last note is gone has arrived by then."""


class Service(Protocol):
    """One of Saimi's services as a process of its own."""

    @property
    def pid(self) -> int | None: ...

    async def start(self) -> None:
        """Start it; returns when it works."""

    async def stop(self) -> object:
        """Stop it in order."""


@dataclass(frozen=True)
class Place:
    """Where it is measured."""

    database_url: str
    """The server; a database of our own is made on it."""
    mqtt_url: str
    services: Callable[[str], tuple[Mapping[str, Service], str]]
    """The services on the database of an address, in the order of their start, and the web's."""
    cookie: Callable[[asyncpg.Connection, int], Awaitable[dict[str, str]]]
    """Logs a member in."""
    say: Callable[[str, int, int], object]


@dataclass(frozen=True)
class Wanted:
    """What is measured."""

    clients: int
    minutes: float
    """Timed."""
    settle: float
    """Minutes before: everybody has been assessed once by then."""
    alerts: int
    """Illnesses that reach the score, and calls, within them."""
    phones: int
    load: float
    """How many times a pack a minute."""
    seed: int


class Delay(msgspec.Struct):
    """Milliseconds that half, 99 of 100, and the slowest take."""

    p50_ms: float
    p99_ms: float
    longest_ms: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Delay:
        """By the nearest rank; NaN of nothing."""
        ordered = sorted(seconds)
        if not ordered:
            return cls(math.nan, math.nan, math.nan)
        ranks = (max(ceil(part * len(ordered)) - 1, 0) for part in (0.5, 0.99, 1.0))
        return cls(*(1000.0 * ordered[rank] for rank in ranks))


class Load(msgspec.Struct):
    """One run."""

    load: float
    clients: int
    homes: int
    seconds: float
    messages: int
    readings: int
    readings_per_s: float
    lost: int
    """Readings that were sent and are not stored."""
    alerts: int
    """Opened by a reading within the timed minutes."""
    unseen: int
    """(Alert, phone) that should have met and did not."""
    phone: Delay
    """From a reading's sending to its alert on a phone: what this is about."""
    stages: dict[str, Delay]
    """Its parts: to ingest, from there to the engine's writing, from there to a phone."""
    minutes: list[Delay]
    """`phone` by the minute of the reading: whether it fell behind, or stumbled once."""
    publisher_late_ms: float
    """The longest that the publisher sent something after it was due; in no other figure."""
    broken_streams: int
    cpu: dict[str, float]
    """Cores that each part used, on average."""


class Report(msgspec.Struct):
    """What `saimi bench county` prints."""

    database: dict[str, str]
    broker: str
    cores: int
    phones: int
    county: Load
    """At the load asked for."""
    climb: list[Load]
    """At higher ones, until it was too much."""
    highest_load: float | None
    """The highest at which the 99th percentile stayed below a second; None: none did."""


async def measure(place: Place, wanted: Wanted) -> tuple[Load, ServerInfo]:
    """Run the line once.

    Raises:
        SaimiError: a part is away or stopped.
    """
    async with AsyncExitStack() as stack:
        county, run = _planned(wanted)
        context = multiprocessing.get_context("spawn")
        sender, theirs = context.Pipe()
        args = (place.mqtt_url, run, theirs)
        publisher = context.Process(target=publish, args=args, daemon=True)
        publisher.start()
        stack.callback(publisher.kill)
        url = await stack.enter_async_context(scratch_database(place.database_url))
        connection = await connect(url)
        stack.push_async_callback(connection.close)
        place.say("Registering the county", 0, 1)
        await import_document(connection, county.document(), now=wall_time())
        await connection.execute("ANALYZE")
        services, web_url = place.services(url)
        for service in services.values():
            await service.start()
            stack.push_async_callback(service.stop)
        cookies = await _logins(place, connection, county, wanted.phones)
        phones_line, phones_end = context.Pipe()
        phones = context.Process(target=watch, args=(web_url, cookies, phones_end), daemon=True)
        phones.start()
        stack.callback(phones.kill)
        place.say("Making the readings", 0, 1)
        for line, process in ((sender, publisher), (phones_line, phones)):
            await hear(line, process, _PATIENCE_S * 5)
        pids = {name: service.pid for name, service in services.items()}
        used = await _cpu(connection, pids)
        began = wall_time()
        tick = time.monotonic()
        sender.send("go")
        sent = await _while(place, wanted, sender, publisher)
        await _settled(connection, sent)
        seconds = time.monotonic() - tick
        after = await _cpu(connection, pids)
        await asyncio.sleep(_LINGER_S)
        phones_line.send("end")
        seen: Seen = await hear(phones_line, phones, _PATIENCE_S)
        cores = {name: (after[name] - used[name]) / seconds for name in after}
        cores |= {"publisher": sent.cpu_s / seconds, "phones": seen.cpu_s / seconds}
        load = await _judged(connection, wanted, county, sent, seen, began, seconds, cores)
        return load, await server_info(connection)


def _planned(wanted: Wanted) -> tuple[County, Manifest]:
    """A county of at least so many clients, and a run in which enough happens."""
    homes = wanted.clients
    while True:  # some homes have two clients
        county = County(wanted.seed, homes, monitors=1.0)
        people = len(county.residents)
        fewer = ceil(homes * wanted.clients / people)
        if fewer >= homes or people < wanted.clients:
            break
        homes = fewer
    chance = random.Random(wanted.seed)
    last = wanted.settle + wanted.minutes
    who = chance.sample(range(1, len(county.clients_of_first_team()) + 1), wanted.alerts)
    moments = [chance.uniform(wanted.settle, last) for _ in who]
    half = len(who) // 2
    scenario = Scenario(
        name="bench",
        description="So many illnesses and calls within so many minutes.",
        hours=last / 60.0,
        illness=[
            IllnessPlan("infection", client, _ILL_BY, at)
            for client, at in zip(who[:half], moments[:half], strict=True)
        ],
        event=[
            EventPlan("help", client, at)
            for client, at in zip(who[half:], moments[half:], strict=True)
        ],
    )
    run = planned(
        seed=wanted.seed, homes=homes, scenario=scenario, start=_START,
        end=_START + timedelta(minutes=last), vitals_every_s=EVERY_S / wanted.load,
    )  # fmt: skip
    return county, run


async def _logins(
    place: Place, connection: asyncpg.Connection, county: County, phones: int
) -> list[dict[str, str]]:
    async with translated():
        rows = load_queries("bench").add_phones(
            connection, count=phones, team=county.first_team.name
        )
        members = [row["id"] async for row in rows]
    return [await place.cookie(connection, member) for member in members]


async def hear(line: Pipe, process: Any, patience: float) -> Any:
    """The next word of a process.

    Raises:
        SaimiError: it ended, or says nothing.
    """
    until = time.monotonic() + patience
    while not line.poll():
        if not process.is_alive() or time.monotonic() > until:
            raise SaimiError("A part of the measurement ended, or says nothing: see above.")
        await asyncio.sleep(_LOOK_S)
    return line.recv()


async def _while(place: Place, wanted: Wanted, line: Pipe, process: Any) -> Sent:
    """Show how far it is until the publisher has sent everything."""
    total = int(60 * (wanted.settle + wanted.minutes))
    began = time.monotonic()
    while not line.poll():
        if not process.is_alive():
            raise SaimiError("The publisher ended before everything was sent: see above.")
        place.say("The county is living", min(int(time.monotonic() - began), total), total)
        await asyncio.sleep(0.5)
    sent: Sent = line.recv()
    if not sent.readings:
        raise SaimiError("The broker did not acknowledge everything: this run says nothing.")
    return sent


async def _settled(connection: asyncpg.Connection, sent: Sent) -> None:
    """Wait until ingest and engine have dealt with everything, or make no progress any more."""
    queries = load_queries("bench")
    before, moved = (-1, -1), time.monotonic()
    while time.monotonic() - moved < _PATIENCE_S:
        async with translated():
            now = (await queries.settled(connection), await queries.notes_left(connection))
        if now[0] >= sent.readings and not now[1]:
            return
        if now != before:
            moved, before = time.monotonic(), now
        await asyncio.sleep(_LOOK_S)


async def _cpu(connection: asyncpg.Connection, pids: Mapping[str, int | None]) -> dict[str, float]:
    """Processor seconds so far of each part on this machine that is known."""
    found = {name: cpu_seconds(pid) for name, pid in pids.items() if pid is not None}
    async with translated():
        rows = load_queries("bench").server_processes(connection)
        servers = [row["pid"] async for row in rows if is_server(row["pid"])]
    if servers:
        found["database"] = sum(cpu_seconds(pid) for pid in servers)
    return found


async def _judged(
    connection: asyncpg.Connection,
    wanted: Wanted,
    county: County,
    sent: Sent,
    seen: Seen,
    began: datetime,
    seconds: float,
    cores: dict[str, float],
) -> Load:
    queries = load_queries("bench")
    async with translated():
        stored = await queries.stored(connection)
        since = began + timedelta(minutes=wanted.settle)
        rows = [row async for row in queries.opened(connection, since=since)]
    arrivals = [(row, at) for row in rows for at in seen.arrivals.get(row["id"], ())]
    by_minute: list[list[float]] = [[] for _ in range(ceil(wanted.minutes))]
    for row, at in arrivals:
        minute = int((row["measured_at"] - since) / timedelta(minutes=1))
        minute = min(max(minute, 0), len(by_minute) - 1)
        by_minute[minute].append(at - row["measured_at"].timestamp())
    return Load(
        load=wanted.load,
        clients=len(county.residents),
        homes=len(county.homes),
        seconds=seconds,
        messages=sent.messages,
        readings=sent.readings,
        readings_per_s=sent.readings / seconds,
        lost=sent.readings - stored,
        alerts=len(rows),
        unseen=wanted.phones * len(rows) - len(arrivals),
        phone=Delay.of([delay for delays in by_minute for delay in delays]),
        stages={
            "ingest": Delay.of(_seconds(rows, "measured_at", "received_at")),
            "engine": Delay.of(_seconds(rows, "received_at", "opened_at")),
            "phone": Delay.of([at - row["opened_at"].timestamp() for row, at in arrivals]),
        },
        minutes=[Delay.of(delays) for delays in by_minute],
        publisher_late_ms=1000.0 * sent.latest_s,
        broken_streams=seen.broken,
        cpu={name: round(value, 3) for name, value in cores.items()},
    )


def _seconds(rows: Sequence[Any], since: str, until: str) -> list[float]:
    return [(row[until] - row[since]).total_seconds() for row in rows]


async def climb(place: Place, wanted: Wanted, loads: Sequence[float]) -> list[Load]:
    """Run at each of the loads until one is too much.

    Raises:
        SaimiError: a part is away or stopped.
    """
    found = []
    for load in loads:
        one, _ = await measure(place, replace(wanted, load=load))
        found.append(one)
        if not bearable(one):
            break
    return found


def bearable(run: Load) -> bool:
    """Whether nothing was lost and the 99th percentile kept what is promised."""
    return run.lost == 0 and run.unseen == 0 and run.phone.p99_ms < 1000.0 * PROMISED_S
