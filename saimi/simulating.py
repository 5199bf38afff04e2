"""A simulation as fast as it can be made: straight to files, or through the broker."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from bench.process import memory_mb
from core.broker import BrokerAddress
from core.clock import LOCAL, REAL_CLOCK
from core.database import connect, read_clock, wait_for_database
from core.errors import UserError
from core.registry_import import import_document
from core.schema import require_current
from core.settings import Settings
from gateway_sim.county import County
from gateway_sim.credentials import load_credentials
from gateway_sim.files_format import MANIFEST, Manifest, sha256
from gateway_sim.files_write import county_of, write_files
from gateway_sim.ledger import Ledger
from gateway_sim.made import Made
from gateway_sim.replay import ReplayProgress, replay
from saimi.console import progress
from saimi.replaying import require_ingest

FILES_BEGIN = datetime(2026, 1, 5, tzinfo=LOCAL)
"""A Monday: where files begin unless told otherwise; the same command has the same bytes."""


@dataclass(frozen=True)
class Span:
    """What the command line says about time."""

    length: timedelta | None
    start: datetime | None
    vitals_every_s: float | None

    def bounds(self, default: datetime) -> tuple[datetime, datetime]:
        """Start and end; `default` is the start without --from.

        Raises:
            UserError: no length was given, or it leads out of the calendar.
        """
        if self.length is None:
            raise UserError("Say how much to simulate: --hours or --days.")
        start = self.start or default
        try:
            return start, start + self.length
        except OverflowError:
            raise UserError(
                f"{self.length.days} days from {start:%Y-%m-%d} lead out of the calendar."
            ) from None

    def bounds_until(self, now: datetime) -> tuple[datetime, datetime]:
        """As `bounds`; without --from it ends with the last whole minute before `now`."""
        ended = now.replace(second=0, microsecond=0)
        try:
            return self.bounds(ended - (self.length or timedelta(0)))
        except OverflowError:
            raise UserError(f"{self.length} before {now:%Y-%m-%d} there was no calendar.") from None


class FilesReport(msgspec.Struct):
    """What a run wrote."""

    directory: str
    start: datetime
    end: datetime
    homes: int
    readings: int
    made: int
    """Of these, made by this run; the others were there from one that was stopped."""
    labels: int
    files: int
    bytes: int
    manifest_sha256: str
    """Of the manifest, which has the hashes of all files: the same run, the same hash."""
    seconds: float
    cpu_s: float
    """Of all threads; not above `seconds` where one core is used."""
    readings_per_s: float
    """Made, by CPU second: what one core makes when nothing else is running on it."""
    peak_memory_mb: float


async def simulate_to_files(
    directory: Path, manifest: Manifest, stop: asyncio.Event
) -> FilesReport:
    """Write a run into `directory`, with a progress bar.

    Raises:
        UserError: the directory holds something else or cannot be written to.
        SaimiError: it was stopped, or the disk is full.
    """
    began, cpu = time.monotonic(), time.process_time()
    with progress("Simulating", 100, "%") as bar:

        def show(readings: int, share: float) -> None:
            bar.reach(round(100 * share, 1))
            bar.describe(f"{readings:,} readings")

        whole = await asyncio.to_thread(
            write_files, directory, manifest, progress=show, stopped=stop.is_set
        )
    cpu = time.process_time() - cpu
    return FilesReport(
        directory=str(directory),
        start=whole.manifest.start,
        end=whole.manifest.end,
        homes=whole.manifest.homes,
        readings=whole.manifest.readings,
        made=whole.made,
        labels=next(f.rows for f in whole.manifest.files if f.name == "labels.parquet"),
        files=len(whole.manifest.files) + 1,
        bytes=sum(file.bytes for file in whole.manifest.files),
        manifest_sha256=sha256(directory / MANIFEST),
        seconds=round(time.monotonic() - began, 3),
        cpu_s=round(cpu, 3),
        readings_per_s=round(whole.made / cpu, 1) if cpu > 0 else 0.0,
        peak_memory_mb=peak_memory_mb(),
    )


class PublishReport(msgspec.Struct):
    """What a run sent through the broker as fast as it could."""

    start: datetime
    end: datetime
    homes: int
    readings: int
    messages: int
    """Each counted once."""
    repeated: int
    """Times a message went out again."""
    answered_by: str
    """`ingest`: with a receipt, so it is committed; `broker`: with its acknowledgement."""
    unanswered: int
    """Messages; 0: nothing was lost."""
    seconds: float
    """From the first message to the last answer, making them included."""
    cpu_s: float
    readings_per_s: float
    """By `seconds`."""
    readings_per_cpu_s: float
    """What one core makes and sends when nothing else is running on it."""
    peak_memory_mb: float


async def simulate_through_broker(
    run: Manifest,
    settings: Settings,
    stop: asyncio.Event,
    *,
    ledger: Path | None = None,
    connections: int = 0,
    credentials: Path | None = None,
) -> PublishReport:
    """Make a run and send it on the way, nothing kept on disk, with a progress bar.

    With a database the homes are registered and every message is sent until its receipt comes;
    without one until the broker has acknowledged it.

    Args:
        ledger: where to note what is sent, and the truth.
        connections: gateways with a connection of their own.
        credentials: how each gateway comes in; all have a connection of their own then.

    Raises:
        UserError: the credentials are wrong, or do not suffice.
        SaimiError: broker or database are not to be used, or no ingest is running on it.
    """
    mqtt_url = settings.require_mqtt_url()
    county = await asyncio.to_thread(county_of, run)
    made = await asyncio.to_thread(Made, county, run)
    known = None
    if credentials is not None:
        known = load_credentials(credentials, made.gateways, BrokerAddress.parse(mqtt_url))
    receipts = settings.database_url is not None
    if settings.database_url is not None:
        await _register(settings.database_url.get_secret_value(), county)
    book = None if ledger is None else Ledger(ledger)
    cpu = time.process_time()
    try:
        if book is not None:
            book.label(made.labels())
            book.faults(made.faults())
        with progress("Simulating", None, "readings") as bar:

            def show(where: ReplayProgress) -> None:
                bar.reach(where.rows)

            sent = await replay(
                made,
                mqtt_url=mqtt_url,
                clock=REAL_CLOCK,
                stop=stop,
                ledger=book,
                progress=show,
                connections=connections,
                credentials=known,
                receipts=receipts,
            )
    finally:
        if book is not None:
            book.close()
    cpu = time.process_time() - cpu
    return PublishReport(
        start=run.start,
        end=run.end,
        homes=run.homes,
        readings=sent.rows,
        messages=sent.messages,
        repeated=sent.repeated,
        answered_by="ingest" if receipts else "broker",
        unanswered=sent.unreceipted,
        seconds=round(sent.seconds, 3),
        cpu_s=round(cpu, 3),
        readings_per_s=round(sent.rows / sent.seconds, 1) if sent.seconds > 0 else 0.0,
        readings_per_cpu_s=round(sent.rows / cpu, 1) if cpu > 0 else 0.0,
        peak_memory_mb=peak_memory_mb(),
    )


async def _register(url: str, county: County) -> None:
    await wait_for_database(url, patience=timedelta(seconds=10))
    await require_current(url)
    connection = await connect(url)
    try:
        await require_ingest(connection)
        clock = await read_clock(connection)
        await import_document(connection, county.document(), now=clock.now())
    finally:
        await connection.close()


def peak_memory_mb() -> float:
    """The most memory this process ever had; what getrusage(2) says may be its parent's."""
    return round(memory_mb(os.getpid(), peak=True), 1)
