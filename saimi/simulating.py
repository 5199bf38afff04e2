"""A simulation as fast as it can be made: straight to files, or through the broker."""

from __future__ import annotations

import asyncio
import resource
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from core.clock import LOCAL
from core.errors import UserError
from gateway_sim.files_format import MANIFEST, Manifest, sha256
from gateway_sim.files_write import write_files
from saimi.console import progress

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


def peak_memory_mb() -> float:
    """The most memory this process ever had."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)
