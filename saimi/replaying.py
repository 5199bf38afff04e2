"""Recorded data through MQTT, ingest and the database, with an account of every row."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import asyncpg
import msgspec

from bench.process import memory_mb
from core.clock import Clock, wall_time
from core.database import connect, load_queries, read_clock, server_info, set_clock, translated
from core.errors import SaimiError, UserError
from core.migrate import migrate
from core.registry_import import import_document
from core.schema import require_current
from core.settings import Settings
from gateway_sim.recording import Recorded
from gateway_sim.replay import ReplayProgress, ReplayReport, replay
from saimi.addresses import Running, read_running
from saimi.console import progress, say
from saimi.data_directory import DataDirectory
from saimi.parts import Parts
from saimi.supervisor import Service, saimi_command

_INGEST_ALIVE = timedelta(seconds=6)


@dataclass(frozen=True)
class Options:
    """What the command line says."""

    opened: Callable[[], Recorded]
    """Opens what is recorded, which may take a while."""
    speed: float | None = None
    """None: as fast as receipts come."""
    as_live: bool = False
    data_dir: Path | None = None
    """Where embedded parts keep their data; None: nowhere, it is removed at the end."""


class Report(msgspec.Struct):
    """Rows are counted: rows == committed + duplicates + conflicts + all rejected."""

    rows: int
    homes: int
    """Registered; some have no rows."""
    messages: int
    committed: int
    duplicates: int
    """Rows whose device, metric, time and value are stored already."""
    conflicts: int
    """Rows of which another value is stored; kept with the rejected."""
    rejected: dict[str, int]
    """The others kept with the rejected, by reason."""
    adds_up: bool
    """The counts make up all rows, and are those of the tables."""
    unreceipted: int
    """Messages that nobody confirmed; 0: the whole input is accounted for."""
    repeated: int
    """Times a message was sent again."""
    seconds: float
    rows_per_s: float
    peak_memory_mb: dict[str, float]
    """Of the replay, and of ingest where it is ours."""
    database: dict[str, str]
    broker: str


class _Tally(msgspec.Struct):
    """What the database holds of some gateways."""

    committed: int
    duplicates: int
    rejected: int
    stored: int
    reasons: dict[str, int]


async def run_replay(options: Options, settings: Settings, stop: asyncio.Event) -> Report:
    """Register the homes, send every row, wait for the receipts, and reckon.

    Raises:
        SaimiError: the folder cannot be used, a part does not start, or no ingest is running on
            the given database.
    """
    recorded = await asyncio.to_thread(options.opened)
    homes = await asyncio.to_thread(recorded.document)
    async with AsyncExitStack() as stack:
        line = await _Line.open(options, settings, stack)
        connection = await connect(line.database_url)
        stack.push_async_callback(connection.close)
        clock = await _clock(connection, options, own=line.ingest is not None)
        await import_document(connection, homes, now=clock.now())
        if line.ingest is None:
            await require_ingest(connection)
        else:
            await line.ingest.start()
        gateways = [home.gateway for home in homes.homes]
        before = await _tally(connection, gateways)
        sent = await _send(recorded, options, line.mqtt_url, clock, stop)
        after = await _tally(connection, gateways)
        info = await server_info(connection)
        # What getrusage(2) says of a process may be its parent's.
        memory = {"replay": memory_mb(os.getpid(), peak=True)}
        if line.ingest is not None and line.ingest.pid is not None:
            memory["ingest"] = memory_mb(line.ingest.pid, peak=True)
    return _report(
        sent,
        before,
        after,
        memory,
        homes=len(homes.homes),
        database={"edition": info.edition, "version": info.version},
        broker=line.broker,
    )


@dataclass
class _Line:
    """Where the rows go."""

    database_url: str
    mqtt_url: str
    broker: str
    ingest: Service | None
    """Ours, not started yet; None where database and broker are somebody else's."""

    @classmethod
    async def open(cls, options: Options, settings: Settings, stack: AsyncExitStack) -> _Line:
        """The line of the settings, of a running `saimi up`, or a new one."""
        if settings.database_url is not None and settings.mqtt_url is not None:
            parts = await stack.enter_async_context(Parts(Path(), settings))
            await require_current(parts.database_url)
            return cls(parts.database_url, parts.mqtt_url, parts.broker, None)
        running = _running(options)
        if running is not None:
            say(f"Replaying into the Saimi that runs at {running.web_url}.")
            return cls(running.database_url, running.mqtt_url, "of the running Saimi", None)
        folder = options.data_dir
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="saimi-")))
        directory = await stack.enter_async_context(DataDirectory(folder))
        parts = await stack.enter_async_context(Parts(directory.path, settings))
        await migrate(parts.database_url)
        ingest = Service(
            "ingest",
            saimi_command("ingest"),
            environment={
                "SAIMI_DATABASE_URL": parts.database_url,
                "SAIMI_MQTT_URL": parts.mqtt_url,
                "SAIMI_DATA_DIR": str(directory.path),
            },
            logs=directory.logs,
            inherited=directory.inherited,
        )
        stack.push_async_callback(ingest.stop)
        return cls(parts.database_url, parts.mqtt_url, parts.broker, ingest)


def _running(options: Options) -> Running | None:
    return None if options.data_dir is None else read_running(options.data_dir)


async def _clock(connection: asyncpg.Connection, options: Options, *, own: bool) -> Clock:
    clock = await read_clock(connection)
    if not options.as_live or options.speed is None or options.speed == clock.factor:
        return clock
    if own:
        return await set_clock(connection, factor=options.speed)
    raise UserError(
        f"Live rows go by the clock of the running services, which runs {clock.factor:g} times as "
        "fast as real time: leave --speed out, or start them at that speed."
    )


async def require_ingest(connection: asyncpg.Connection) -> None:
    """Make sure that somebody gives receipts.

    Raises:
        SaimiError: nobody does.
    """
    async with translated():
        beat = await load_queries("core").last_beat(connection, service="ingest")
    if beat is None or wall_time() - beat > _INGEST_ALIVE:
        raise SaimiError(
            "No ingest is running on this database, so nobody would take what is sent: "
            "start `saimi ingest`, or unset SAIMI_DATABASE_URL."
        )


async def _send(
    recorded: Recorded, options: Options, mqtt_url: str, clock: Clock, stop: asyncio.Event
) -> ReplayReport:
    with progress("Replaying", None, "rows") as bar:

        def show(where: ReplayProgress) -> None:
            bar.reach(where.rows, where.total)
            bar.describe(f"Replaying {where.at:%Y-%m-%d}")

        return await replay(
            recorded,
            mqtt_url=mqtt_url,
            clock=clock,
            stop=stop,
            speed=options.speed,
            as_live=options.as_live,
            progress=show,
        )


async def _tally(connection: asyncpg.Connection, gateways: list[str]) -> _Tally:
    queries = load_queries("saimi")
    async with translated():
        counted = await queries.counters_of(connection, gateways=gateways)
        reasons = {
            row["reason"]: row["count"]
            async for row in queries.rejected_of(connection, gateways=gateways)
        }
    return _Tally(**counted, reasons=reasons)


def _report(
    sent: ReplayReport,
    before: _Tally,
    after: _Tally,
    memory: dict[str, float],
    *,
    homes: int,
    database: dict[str, str],
    broker: str,
) -> Report:
    committed = after.committed - before.committed
    duplicates = after.duplicates - before.duplicates
    kept = {
        reason: count - before.reasons.get(reason, 0) for reason, count in after.reasons.items()
    }
    rejected = {reason: count for reason, count in kept.items() if count}
    adds_up = (
        committed + duplicates + sum(rejected.values()) == sent.rows
        and committed == after.stored - before.stored
        and sum(rejected.values()) == after.rejected - before.rejected
        and sent.unreceipted == 0
    )
    return Report(
        rows=sent.rows,
        homes=homes,
        messages=sent.messages,
        committed=committed,
        duplicates=duplicates,
        conflicts=rejected.pop("conflict", 0),
        rejected=rejected,
        adds_up=adds_up,
        unreceipted=sent.unreceipted,
        repeated=sent.repeated,
        seconds=round(sent.seconds, 3),
        rows_per_s=round(sent.rows / sent.seconds, 1) if sent.seconds > 0 else 0.0,
        peak_memory_mb={name: round(peak, 1) for name, peak in memory.items()},
        database=database,
        broker=broker,
    )
