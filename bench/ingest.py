"""How fast ingest is, and how near to the limits of its broker client and its database.

A round: the broker is filled while ingest is away; ingest takes it all, from its start to its last
commit; a bare paho takes the same messages; the rows that were stored are copied into an empty
database. Rates are medians of the rounds, ratios medians of each round's own ratio.
"""

from __future__ import annotations

import asyncio
import math
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import asyncpg
import msgspec

from bench.copying import copy_rows, keep_rows
from bench.line import Received, fill, forget, keep_readings, receive
from bench.process import cpu_seconds, is_server, memory_mb
from bench.scratch import scratch_database
from bench.traffic import Traffic
from core.clock import wall_time
from core.database import ServerInfo, connect, load_queries, server_info, translated
from core.errors import SaimiError
from core.registry_import import import_document

_LIMIT = "saimi-bench-limit"
"""The session of the bare paho."""
_LOOK_S = 0.05
_PATIENCE_S = 120.0
_POINTS = 10
"""Of memory over a round."""


class Ingest(Protocol):
    """A `saimi ingest` as a process of its own."""

    @property
    def pid(self) -> int | None: ...

    async def start(self) -> None:
        """Start it; returns when it takes messages."""

    async def stop(self) -> object:
        """Stop it in order."""


Starter = Callable[[str], Ingest]
"""Makes an ingest, not started yet, that writes to the database of this address."""
Say = Callable[[str, int, int], object]
"""Is told what is being done, and how much of how much is done."""


class Limits(msgspec.Struct):
    """What the parts do by themselves."""

    copy_rows_per_s: float
    """Binary COPY into the same table, in transactions of the same size."""
    paho_messages_per_s: float
    """paho receiving with manual acknowledgement, doing nothing."""


class Ratios(msgspec.Struct):
    """Ingest's rate as a part of the limit, 1 being as fast."""

    copy: float
    paho: float


class Round(msgspec.Struct):
    """One measurement."""

    readings: int
    messages: int
    seconds: float
    readings_per_s: float
    messages_per_s: float
    readings_per_transaction: float
    ingest_cpu_s_per_million_readings: float
    database_cpu_s_per_million_readings: float | None
    """Of the server's processes that work for ingest; None where these run elsewhere."""
    peak_memory_mb: float
    memory_mb: list[tuple[int, float]]
    """Readings settled, and the memory that ingest had then."""
    limits: Limits
    ratios: Ratios


class Figures(msgspec.Struct):
    """Medians over the rounds of one kind of messages."""

    readings_per_message: int
    gateways: int
    readings_per_s: float
    messages_per_s: float
    ingest_cpu_s_per_million_readings: float
    database_cpu_s_per_million_readings: float | None
    peak_memory_mb: float
    """The highest of all rounds."""
    memory_growth_mb: float
    """From a fifth of the readings to the last: caches are warm by then. The largest."""
    limits: Limits
    ratios: Ratios
    rounds: list[Round]


class Report(msgspec.Struct):
    """What `saimi bench ingest` prints."""

    broker: str
    cores: int
    database: dict[str, str] = {}
    """Edition and version."""
    single: Figures | None = None
    """Messages of one reading."""
    packs: Figures | None = None
    """Messages of ten."""


@dataclass(frozen=True)
class Place:
    """Where it is measured."""

    database_url: str
    """The server; databases of our own are made on it."""
    mqtt_url: str
    starter: Starter
    say: Say


async def measure(
    place: Place, *, size: int, messages: int, gateways: int, rounds: int
) -> tuple[Figures, ServerInfo]:
    """Measure messages of `size` readings; the figures, and what kind of database it was.

    Raises:
        SaimiError: a part is away, or ingest stopped or lost something.
    """
    measured = []
    gateways = min(gateways, messages)
    for _ in range(rounds):
        traffic = Traffic(gateways, messages, size, wall_time().timestamp())
        one, server = await _round(place, traffic)
        measured.append(one)
    return _figures(size, gateways, measured), server


async def _round(place: Place, traffic: Traffic) -> tuple[Round, ServerInfo]:
    async with scratch_database(place.database_url) as url:
        connection = await connect(url)
        try:
            server = await server_info(connection)
            await import_document(connection, traffic.document(), now=wall_time())
            ingest = place.starter(url)
            await _fill(place, traffic, ingest)
            run = await _Run.watch(connection, ingest, traffic, place.say)
        finally:
            await connection.close()
        bare = await _receive(place, traffic)
        copied = await _copy(place, url, traffic, run.transactions)
    per_million = 1e6 / traffic.readings
    limits = Limits(traffic.readings / copied, traffic.messages / bare.seconds)
    readings_per_s, messages_per_s = (
        count / run.seconds for count in (traffic.readings, traffic.messages)
    )
    measured = Round(
        readings=traffic.readings,
        messages=traffic.messages,
        seconds=run.seconds,
        readings_per_s=readings_per_s,
        messages_per_s=messages_per_s,
        readings_per_transaction=traffic.readings / run.transactions,
        ingest_cpu_s_per_million_readings=run.cpu_s * per_million,
        database_cpu_s_per_million_readings=(
            None if run.database_cpu_s is None else run.database_cpu_s * per_million
        ),
        peak_memory_mb=run.peak_mb,
        memory_mb=run.memory,
        limits=limits,
        ratios=Ratios(
            readings_per_s / limits.copy_rows_per_s, messages_per_s / limits.paho_messages_per_s
        ),
    )
    return measured, server


async def _fill(place: Place, traffic: Traffic, ingest: Ingest) -> None:
    """Let the broker keep the messages for ingest, which is away, and for a bare paho."""
    await ingest.start()  # it makes its session
    await ingest.stop()
    await asyncio.to_thread(keep_readings, place.mqtt_url, _LIMIT)

    def progress(done: int) -> None:
        place.say("Filling the broker", done, traffic.messages)

    await asyncio.to_thread(fill, place.mqtt_url, traffic.packs(), progress)


async def _receive(place: Place, traffic: Traffic) -> Received:
    place.say("Receiving with a bare paho", 0, traffic.messages)
    received = await asyncio.to_thread(receive, place.mqtt_url, _LIMIT, traffic.messages)
    await asyncio.to_thread(forget, place.mqtt_url, _LIMIT)
    return received


async def _copy(place: Place, url: str, traffic: Traffic, transactions: int) -> float:
    """Seconds of bare COPY."""
    place.say("Copying the same rows", 0, traffic.readings)
    with tempfile.TemporaryDirectory(prefix="saimi-bench-") as folder:
        file = Path(folder) / "rows"
        rows = await keep_rows(url, file)
        async with scratch_database(place.database_url) as empty:
            return await copy_rows(empty, file, rows, -(-rows // transactions))


@dataclass
class _Run:
    """What ingest did, and at what cost."""

    seconds: float
    cpu_s: float
    database_cpu_s: float | None
    peak_mb: float
    memory: list[tuple[int, float]]
    transactions: int

    @classmethod
    async def watch(
        cls, connection: asyncpg.Connection, ingest: Ingest, traffic: Traffic, say: Say
    ) -> _Run:
        """Start it, and look on until everything is committed."""
        queries = load_queries("bench")
        await ingest.start()
        ready = time.monotonic()
        try:
            pid = ingest.pid
            if pid is None:
                raise SaimiError("Ingest ended while it was measured: see its log.")
            born_cpu = cpu_seconds(pid)
            backends: dict[int, float] = {}
            memory: list[tuple[int, float]] = []
            done, moved, point = 0, ready, 0
            while done < traffic.readings:
                await asyncio.sleep(_LOOK_S)
                async with translated():
                    now_done = await queries.settled(connection)
                if now_done > done:
                    moved = time.monotonic()
                elif time.monotonic() - moved > _PATIENCE_S or ingest.pid != pid:
                    raise SaimiError(
                        f"Ingest stopped at {done:,} of {traffic.readings:,} readings: see its log."
                    )
                done = now_done
                if done * _POINTS // traffic.readings > point:
                    point = done * _POINTS // traffic.readings
                    memory.append((done, memory_mb(pid)))
                    say("Ingest is working", done, traffic.readings)
            seconds = moved - ready
            cpu_s = cpu_seconds(pid) - born_cpu
            peak = memory_mb(pid, peak=True)
            async with translated():
                async for row in queries.backends(connection):
                    if is_server(row["pid"]):
                        backends[row["pid"]] = cpu_seconds(row["pid"])
        finally:
            await ingest.stop()
        async with translated():
            outcome = await queries.outcome(connection)
        told = (outcome["stored"], outcome["committed"], outcome["messages"])
        if told != (traffic.readings, traffic.readings, traffic.messages):
            raise SaimiError(
                f"Of {traffic.readings:,} readings in {traffic.messages:,} messages, {told[0]:,} "
                f"are stored, {told[1]:,} counted, and {told[2]:,} messages: this run says nothing."
            )
        return cls(
            seconds, cpu_s, sum(backends.values()) if backends else None, peak, memory,
            outcome["transactions"],
        )  # fmt: skip


def _figures(size: int, gateways: int, rounds: list[Round]) -> Figures:
    def median(values: list[float]) -> float:
        return statistics.median(values)

    database = [one.database_cpu_s_per_million_readings for one in rounds]
    known = [cost for cost in database if cost is not None and not math.isnan(cost)]
    return Figures(
        readings_per_message=size,
        gateways=gateways,
        readings_per_s=median([one.readings_per_s for one in rounds]),
        messages_per_s=median([one.messages_per_s for one in rounds]),
        ingest_cpu_s_per_million_readings=median(
            [one.ingest_cpu_s_per_million_readings for one in rounds]
        ),
        database_cpu_s_per_million_readings=median(known) if known else None,
        peak_memory_mb=max(one.peak_memory_mb for one in rounds),
        memory_growth_mb=max(_growth(one.memory_mb, one.readings) for one in rounds),
        limits=Limits(
            median([one.limits.copy_rows_per_s for one in rounds]),
            median([one.limits.paho_messages_per_s for one in rounds]),
        ),
        ratios=Ratios(
            median([one.ratios.copy for one in rounds]), median([one.ratios.paho for one in rounds])
        ),
        rounds=rounds,
    )


def _growth(memory: list[tuple[int, float]], readings: int) -> float:
    later = [mb for done, mb in memory if done >= readings / 5]
    return later[-1] - later[0] if later else 0.0
