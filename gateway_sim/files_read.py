"""Reads the files of a simulation: by home for training, in order of time for playing back.

Memory is bounded both ways, however long the run: by home there are so many rows at a time as one
asks for, in order of time one slice (`Manifest.slice_s`) of all homes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from core.errors import SaimiError, UserError
from gateway_sim import files_format as form
from gateway_sim.files_format import File, Manifest
from gateway_sim.files_rows import Rows, milliseconds_of, outside
from gateway_sim.ledger import TruthFault, TruthLabel
from gateway_sim.sorting import order_by

_MOST_ROWS = 4_000_000
"""Rows that `homes` has in memory at once, some 150 MB, unless told otherwise."""


@dataclass(frozen=True)
class Series:
    """One metric of one device."""

    time: NDArray[np.int64]
    """Milliseconds since 1970-01-01 UTC by the device's clock, in the order of measuring."""
    value: NDArray[np.float64]
    """In the catalogue's unit."""
    qualifier: NDArray[np.int8]
    """-1 below, 1 above what the device can tell."""
    ahead: NDArray[np.int64]
    """Milliseconds that the device's clock was ahead: 0 but for faults of clocks."""


@dataclass(frozen=True)
class HomeReadings:
    """Everything that the devices of one home said."""

    gateway: str
    series: dict[tuple[str, str], Series]
    """By device and metric."""

    def __len__(self) -> int:
        return sum(len(one.time) for one in self.series.values())


class Recording:
    """A finished simulation in a directory.

    Raises:
        UserError: there is none, it is not finished, or of another version.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        if not (directory / form.MANIFEST).exists():
            raise UserError(
                f"{directory} is not finished: run the same `saimi simulate` again."
                if (directory / form.UNFINISHED).exists()
                else f"{directory} holds no simulation: there is no {form.MANIFEST} in it."
            )
        self.manifest: Manifest = form.read_manifest(directory / form.MANIFEST)

    def damaged(self) -> list[str]:
        """Names of files that are not there or not as they were written; reads all of them."""
        return [file.name for file in self.manifest.files if not self._whole(file)]

    def table(self, name: str) -> pa.Table:
        """One of the small files: homes, clients, devices, labels."""
        with self._opened(f"{name}.parquet") as file:
            return file.read(use_threads=False)

    def labels(self) -> list[TruthLabel]:
        """What was truly the matter, in order of time."""
        return [TruthLabel(**row) for row in self.table("labels").to_pylist()]

    def faults(self) -> list[TruthFault]:
        """What was truly wrong with devices and gateways, as the county lists it."""
        table = self.table("faults")
        start, end = (
            (table[name].cast(pa.int64()).to_numpy() / 1000.0).tolist() for name in ("start", "end")
        )
        return [
            TruthFault(kind, gateway, device or "", begin, past)
            for kind, gateway, device, begin, past in zip(
                table["kind"].to_pylist(), table["gateway"].to_pylist(),
                table["device"].to_pylist(), start, end, strict=True,
            )
        ]  # fmt: skip

    def homes(self, most_rows: int = _MOST_ROWS) -> Iterator[HomeReadings]:
        """Home after home, in order of their numbers; those without readings are left out.

        Args:
            most_rows: in memory at once, or a single home if that has more. A part with more rows
                is read in several goes.
        """
        rows = {file.name: file.rows for file in self.manifest.files}
        for part in range(self.manifest.parts):
            name = form.part_name(part)
            homes = self.manifest.homes_of(part)
            goes = min(len(homes), max(1, -(-rows[name] // most_rows)))
            gateways = self.gateways[homes.start : homes.stop]
            for some in np.array_split(np.arange(len(homes)), goes):
                yield from self._of(name, gateways[int(some[0]) : int(some[-1]) + 1])

    def slices(self, start: datetime | None = None, end: datetime | None = None) -> Iterator[Rows]:
        """All readings measured at start <= time < end, a slice of all homes at a time, in the
        order of measuring.

        Raises:
            SaimiError: a file was damaged.
        """
        with ExitStack() as stack:
            files = [
                stack.enter_context(self._opened(form.part_name(part)))
                for part in range(self.manifest.parts)
            ]
            for number, bounds in enumerate(self.manifest.slices()):
                if not outside(bounds, start, end):
                    rows = Rows.joined([Rows.read(file, number) for file in files])
                    rows = rows.take(np.argsort(rows.measured, kind="stable"))
                    yield rows.within(start, end)

    def blocks(self, start: datetime | None = None, end: datetime | None = None) -> Iterator[Rows]:
        """All readings measured at start <= time < end, slice after slice of one part after the
        other.

        Within a block the rows of a home are in one piece, in the order of measuring.

        Raises:
            SaimiError: a file was damaged.
        """
        for part in range(self.manifest.parts):
            with self._opened(form.part_name(part)) as file:
                for number, bounds in enumerate(self.manifest.slices()):
                    if not outside(bounds, start, end):
                        rows = Rows.read(file, number).within(start, end)
                        yield rows.take(order_by(rows.gateway.codes, rows.measured))

    def extent(
        self, start: datetime | None = None, end: datetime | None = None
    ) -> tuple[int, int, int]:
        """How many readings were measured at start <= time < end, and when the first and the last
        (milliseconds; the run's beginning where there are none)."""
        count, first, last = 0, [], []
        low, high = milliseconds_of(start, end)
        for part in range(self.manifest.parts):
            with self._opened(form.part_name(part)) as file:
                for number, bounds in enumerate(self.manifest.slices()):
                    if outside(bounds, start, end):
                        continue
                    time = Rows.moments(file, number)
                    time = time[(time >= low) & (time < high)]
                    if len(time):
                        count += len(time)
                        first.append(int(time.min()))
                        last.append(int(time.max()))
        begin = int(self.manifest.start.timestamp() * 1000)
        return count, min(first, default=begin), max(last, default=begin)

    def _of(self, name: str, gateways: Sequence[str]) -> Iterator[HomeReadings]:
        """Homes that follow one another in a part."""
        place = {gateway: number for number, gateway in enumerate(gateways)}
        numbers: dict[tuple[str, str], int] = {}
        kept = []
        with self._opened(name) as file:
            for group in range(file.num_row_groups):
                rows = Rows.read(file, group)
                homes = np.array([place.get(g, -1) for g in rows.gateway.names], dtype=np.int64)
                home = homes[rows.gateway.codes]
                wanted = np.flatnonzero(home >= 0)
                if len(wanted):
                    series = rows.series(numbers)
                    kept.append((
                        home[wanted], series[wanted], rows.time[wanted], rows.value[wanted],
                        rows.qualifier[wanted], rows.ahead[wanted],
                    ))  # fmt: skip
        if not kept:
            return
        home, series, time, value, qualifier, ahead = (
            np.concatenate(column) for column in zip(*kept, strict=True)
        )
        order = order_by(home, series, time - ahead)
        home, series, ahead = home[order], series[order], ahead[order]
        time, value, qualifier = time[order], value[order], qualifier[order]
        cuts = np.flatnonzero((np.diff(home) != 0) | (np.diff(series) != 0)) + 1
        edges = np.concatenate(([0], cuts, [len(home)])).tolist()
        names = list(numbers)
        found: dict[tuple[str, str], Series] = {}
        for low, high in pairwise(edges):
            found[names[series[low]]] = Series(
                time[low:high], value[low:high], qualifier[low:high], ahead[low:high]
            )
            if high == len(home) or home[high] != home[low]:
                yield HomeReadings(gateways[home[low]], found)
                found = {}

    @cached_property
    def gateways(self) -> list[str]:
        """Gateways of all homes, in order of their numbers."""
        names: list[str] = self.table("homes")["gateway"].to_pylist()
        return names

    def _whole(self, file: File) -> bool:
        path = self.directory / file.name
        try:
            return path.stat().st_size == file.bytes and form.sha256(path) == file.sha256
        except OSError:
            return False

    @contextmanager
    def _opened(self, name: str) -> Iterator[pq.ParquetFile]:
        path = self.directory / name
        try:
            with pq.ParquetFile(path) as file:
                yield file
        except (OSError, pa.ArrowException) as error:
            raise SaimiError(
                f"{path} cannot be read: it is damaged or gone; make the simulation again."
            ) from error
