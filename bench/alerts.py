"""How many clients the alert engine assesses a second, beside the bare loop over the database.

A round: a minute's pack of six vital signs of every client is committed with its notes, and one or
more `saimi alerts`, which were idle, assess everybody: the clock runs from the commit until no note
is left. The bare loop then does the same work with nothing evaluated: claim the notes, lock the
states, read what is new, write the states back, in as many processes. Rates are medians of the
rounds, ratios medians of each round's own.

The models of SAIMI_MODEL_DIR, where there are any, look at a client every five minutes, and clients
are not in step: before a round the last looks at every fifth client are dated back, so that they
are due with five packs new to them.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

import asyncpg
import msgspec
import numpy as np
from numpy.typing import NDArray

from bench.bare_loop import bare_loop
from bench.process import cpu_seconds, is_server, memory_mb
from bench.scratch import scratch_database
from core.catalogue import catalogue
from core.clock import wall_time
from core.database import NOTE_CHANNEL, ServerInfo, connect, load_queries, server_info, translated
from core.errors import SaimiError

VITALS = {
    "pulse": (72.0, 9.0, 0),
    "spo2": (96.5, 1.0, 0),
    "systolic": (128.0, 12.0, 0),
    "diastolic": (76.0, 8.0, 0),
    "temperature": (36.7, 0.3, 1),
    "respiratory_rate": (15.0, 2.0, 0),
}
"""Mean and spread of each sign, of healthy clients, and its decimals."""
ILL = 0.02
"""Share of the clients whose signs lie far off, so that there is something to say."""
_ILLNESS = {"pulse": 45.0, "spo2": -6.0, "temperature": 2.0, "respiratory_rate": 9.0}
_PACKS = 5
"""Between two looks of the models, one a minute."""
_LOOK_S = 0.02
_PATIENCE_S = 120.0


class Worker(Protocol):
    """A `saimi alerts` as a process of its own."""

    @property
    def pid(self) -> int | None: ...

    async def start(self) -> None:
        """Start it; returns when it works."""

    async def stop(self) -> object:
        """Stop it in order."""


Starter = Callable[[str, int], Worker]
"""Makes the nth worker, not started yet, on the database of this address."""
Say = Callable[[str, int, int], object]
"""Is told what is being done, and how much of how much is done."""


class Round(msgspec.Struct):
    """One measurement."""

    clients: int
    seconds: float
    clients_per_s: float
    engine_cpu_us_per_client: float
    database_cpu_us_per_client: float | None
    """Of the server's processes that work for the engine; None where these run elsewhere."""
    looked_at_by_models: int
    """Clients; 0 where no model is in force."""
    bare_clients_per_s: float
    ratio: float
    """Of the bare loop's rate; 1 is as fast as with nothing evaluated."""


class Report(msgspec.Struct):
    """What `saimi bench alerts` prints."""

    database: dict[str, str]
    cores: int
    workers: int
    clients: int
    models: bool
    """Whether the models of SAIMI_MODEL_DIR were in force."""
    history_packs: int
    """Packs of each client that were there before."""
    clients_per_s: float
    engine_cpu_us_per_client: float
    database_cpu_us_per_client: float | None
    bare_clients_per_s: float
    ratio: float
    episodes: int
    """Opened meanwhile."""
    peak_memory_mb: float
    """Of the largest worker."""
    rounds: list[Round]


@dataclass(frozen=True)
class Place:
    """Where it is measured."""

    database_url: str
    """The server; a database of our own is made on it."""
    starter: Starter
    batch: int
    """Notes that a worker takes at once."""
    models_every: timedelta
    """How often models look at a client."""
    say: Say


async def measure(
    place: Place, *, clients: int, workers: int, history: int, rounds: int, cores: int, seed: int
) -> Report:
    """Measure `rounds` minutes of `clients` clients.

    Args:
        history: packs of each client before the first, one a minute.

    Raises:
        SaimiError: the database is away, or a worker stopped or left somebody out.
    """
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(scratch_database(place.database_url))
        connection = await connect(url)
        stack.push_async_callback(connection.close)
        county = await _County.make(connection, clients, seed, place.say)
        began = wall_time() - timedelta(minutes=history + rounds)
        for pack in range(history):
            await county.send(connection, began + timedelta(minutes=pack), noted=False)
            place.say("Making what was before", pack + 1, history)
        await connection.execute("VACUUM ANALYZE")
        engine = [place.starter(url, number) for number in range(workers)]
        for worker in engine:
            await worker.start()
            stack.push_async_callback(worker.stop)
        # Everybody's first assessment makes their state; it is no measure of the later ones.
        await _assessed(connection, county, began + timedelta(minutes=history), engine)
        await _calm(connection, place.say)
        measured = []
        for nth in range(rounds):
            place.say("The engine is assessing", nth, rounds)
            at = began + timedelta(minutes=history + 1 + nth)
            await _models_due(connection, place.models_every, nth)
            done = await _assessed(connection, county, at, engine)
            bare = await bare_loop(
                url, connection, county.subjects, at, workers=workers, most=place.batch
            )
            measured.append(_round(clients, done, bare))
        episodes = await load_queries("bench").episodes(connection)
        peak = max(memory_mb(worker.pid or 0, peak=True) for worker in engine)
        info = await server_info(connection)
    return _report(info, measured, cores, workers, history, episodes, peak)


class _County:
    """Who is monitored, and what their monitors measure."""

    def __init__(self, subjects: list[int], devices: list[int], seed: int) -> None:
        self.subjects = subjects
        self._devices = devices
        self._random = np.random.default_rng(seed)
        ill = self._random.random(len(subjects)) < ILL
        self._usual: NDArray[np.float64] = np.array(
            [
                mean + self._random.normal(0.0, spread / 2, len(subjects))
                + ill * _ILLNESS.get(name, 0.0)
                for name, (mean, spread, _) in VITALS.items()
            ]
        )  # fmt: skip

    @classmethod
    async def make(
        cls, connection: asyncpg.Connection, clients: int, seed: int, say: Say
    ) -> _County:
        """Register everybody."""
        say("Registering the clients", 0, 1)
        queries = load_queries("bench")
        async with translated():
            await queries.add_area(connection)
            await queries.add_homes(connection, clients=clients)
            await queries.add_clients(connection)
            rows = [row async for row in queries.monitors(connection)]
        return cls([row["subject"] for row in rows], [row["device"] for row in rows], seed)

    async def send(self, connection: asyncpg.Connection, at: datetime, *, noted: bool) -> None:
        """Commit one pack of everybody, as ingest does, with its notes or without."""
        now = wall_time()
        values = self._usual + np.array(
            [
                self._random.normal(0.0, spread / 6, len(self.subjects))
                for _, spread, _ in VITALS.values()
            ]
        )
        rows: list[tuple[Any, ...]] = []
        for place, (name, (_, _, decimals)) in enumerate(VITALS.items()):
            metric = catalogue()[name].id
            shown = np.round(values[place], decimals).tolist()
            rows.extend(
                (at, now, value, device, subject, metric)
                for value, device, subject in zip(shown, self._devices, self.subjects, strict=True)
            )
        async with translated(), connection.transaction():
            await connection.copy_records_to_table(
                "reading",
                schema_name="telemetry",
                records=rows,
                columns=("time", "received_at", "value", "device", "subject", "metric"),
            )
            if noted:
                await self.note(connection, at)
                await connection.execute("SELECT pg_notify($1, '')", NOTE_CHANNEL)

    async def note(self, connection: asyncpg.Connection, at: datetime) -> None:
        """Note that everybody has something new of this time."""
        await load_queries("bench").add_notes(
            connection, subjects=self.subjects, time=at, wall=wall_time()
        )


@dataclass(frozen=True)
class _Done:
    """What the engine did in a round, and at what cost."""

    seconds: float
    engine_cpu_s: float
    database_cpu_s: float | None
    by_models: int


async def _assessed(
    connection: asyncpg.Connection, county: _County, at: datetime, engine: Sequence[Worker]
) -> _Done:
    """Send a pack of everybody and look on until everybody was assessed."""
    queries = load_queries("bench")
    pids = [worker.pid for worker in engine]
    since = wall_time()
    cpu = sum(cpu_seconds(pid) for pid in pids if pid is not None)
    backends = await _backends(connection)
    await county.send(connection, at, noted=True)
    began = moved = time.monotonic()
    left = len(county.subjects)
    while left:
        await asyncio.sleep(_LOOK_S)
        async with translated():
            now_left = await queries.notes_left(connection)
        if now_left < left:
            moved = time.monotonic()
        elif time.monotonic() - moved > _PATIENCE_S or [one.pid for one in engine] != pids:
            raise SaimiError(f"The engine stopped with {left:,} notes left: see its log.")
        left = now_left
    seconds = time.monotonic() - began
    cpu = sum(cpu_seconds(pid) for pid in pids if pid is not None) - cpu
    after = await _backends(connection)
    async with translated():
        unseen = (await queries.waiting(connection, since=since))["unseen"]
        by_models = await queries.looked_at_by_models(connection, since=since)
    if unseen:
        raise SaimiError(f"{unseen:,} clients were left out: this run says nothing.")
    used = {pid: after[pid] - backends.get(pid, 0.0) for pid in after}
    return _Done(seconds, cpu, sum(used.values()) if used else None, by_models)


async def _calm(connection: asyncpg.Connection, say: Say) -> None:
    """Wait until everybody's devices were looked at once: after that, a few a second are."""
    most, moved, before = 0, time.monotonic(), -1
    while time.monotonic() - moved < _PATIENCE_S:
        async with translated():
            left = await load_queries("bench").due_left(connection, now=wall_time())
        if not left:
            return
        most = max(most, left)
        if left != before:
            moved, before = time.monotonic(), left
        say("The engine is looking at devices", most - left, most)
        await asyncio.sleep(_LOOK_S * 10)
    raise SaimiError(f"The engine stopped with {before:,} subjects due: see its log.")


async def _models_due(connection: asyncpg.Connection, every: timedelta, nth: int) -> None:
    """Let the models' next look at every fifth client be due, another fifth each round."""
    async with translated():
        await load_queries("bench").models_due(connection, every=every, nth=nth, packs=_PACKS)


async def _backends(connection: asyncpg.Connection) -> dict[int, float]:
    async with translated():
        rows = [row async for row in load_queries("bench").backends(connection)]
    return {row["pid"]: cpu_seconds(row["pid"]) for row in rows if is_server(row["pid"])}


def _round(clients: int, done: _Done, bare_s: float) -> Round:
    rate, bare = clients / done.seconds, clients / bare_s
    return Round(
        clients=clients,
        seconds=done.seconds,
        clients_per_s=rate,
        engine_cpu_us_per_client=1e6 * done.engine_cpu_s / clients,
        database_cpu_us_per_client=(
            None if done.database_cpu_s is None else 1e6 * done.database_cpu_s / clients
        ),
        looked_at_by_models=done.by_models,
        bare_clients_per_s=bare,
        ratio=rate / bare,
    )


def _report(
    info: ServerInfo, rounds: list[Round], cores: int, workers: int, history: int, episodes: int,
    peak: float,
) -> Report:  # fmt: skip
    known = [cost for one in rounds if (cost := one.database_cpu_us_per_client) is not None]
    median = statistics.median
    return Report(
        database={"edition": info.edition, "version": info.version},
        cores=cores,
        workers=workers,
        clients=rounds[0].clients,
        models=any(one.looked_at_by_models for one in rounds),
        history_packs=history,
        clients_per_s=median([one.clients_per_s for one in rounds]),
        engine_cpu_us_per_client=median([one.engine_cpu_us_per_client for one in rounds]),
        database_cpu_us_per_client=median(known) if known else None,
        bare_clients_per_s=median([one.bare_clients_per_s for one in rounds]),
        ratio=median([one.ratio for one in rounds]),
        episodes=episodes,
        peak_memory_mb=peak,
        rounds=rounds,
    )
