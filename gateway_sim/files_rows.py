"""Rows of a simulation's files as arrays, with names as numbers that a list explains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray


@dataclass(frozen=True)
class Coded:
    """Texts of which few are distinct."""

    names: list[str]
    codes: NDArray[np.int32]
    """A place in `names` for each row."""

    def take(self, rows: NDArray[np.int64]) -> Self:
        """Some rows, or all in another order."""
        return type(self)(self.names, self.codes[rows])

    @classmethod
    def joined(cls, parts: Sequence[Coded]) -> Coded:
        """One after the other, with one list of names."""
        known: dict[str, int] = {}
        codes = [
            np.array([known.setdefault(name, len(known)) for name in part.names], dtype=np.int32)[
                part.codes
            ]
            for part in parts
        ]
        return cls(list(known), np.concatenate(codes))


@dataclass(frozen=True)
class Rows:
    """Readings as arrays of equal length."""

    gateway: Coded
    device: Coded
    metric: Coded
    time: NDArray[np.int64]
    """Milliseconds since 1970-01-01 UTC, by the device's clock."""
    value: NDArray[np.float64]
    qualifier: NDArray[np.int8]
    ahead: NDArray[np.int64]
    """Milliseconds that the device's clock was ahead."""

    @property
    def measured(self) -> NDArray[np.int64]:
        """When it truly was measured."""
        return self.time - self.ahead

    def __len__(self) -> int:
        return len(self.time)

    @classmethod
    def read(cls, file: pq.ParquetFile, group: int) -> Rows:
        """One row group of a file of readings."""
        columns = ["gateway", "device", "metric", "time", "value", "qualifier", "ahead_ms"]
        table = file.read_row_group(group, columns=columns, use_threads=False)
        return cls(
            _coded(table["gateway"]),
            _coded(table["device"]),
            _coded(table["metric"]),
            table["time"].cast(pa.int64()).to_numpy(),
            table["value"].to_numpy(),
            table["qualifier"].to_numpy(),
            table["ahead_ms"].to_numpy(),
        )

    @staticmethod
    def moments(file: pq.ParquetFile, group: int) -> NDArray[np.int64]:
        """`measured` of one row group alone."""
        table = file.read_row_group(group, columns=["time", "ahead_ms"], use_threads=False)
        moments: NDArray[np.int64] = (
            table["time"].cast(pa.int64()).to_numpy() - table["ahead_ms"].to_numpy()
        )
        return moments

    @classmethod
    def joined(cls, parts: Sequence[Rows]) -> Rows:
        """One after the other."""
        return cls(
            Coded.joined([part.gateway for part in parts]),
            Coded.joined([part.device for part in parts]),
            Coded.joined([part.metric for part in parts]),
            np.concatenate([part.time for part in parts]),
            np.concatenate([part.value for part in parts]),
            np.concatenate([part.qualifier for part in parts]),
            np.concatenate([part.ahead for part in parts]),
        )

    def take(self, rows: NDArray[np.int64]) -> Rows:
        """Some rows, or all in another order."""
        return Rows(
            self.gateway.take(rows), self.device.take(rows), self.metric.take(rows),
            self.time[rows], self.value[rows], self.qualifier[rows], self.ahead[rows],
        )  # fmt: skip

    def within(self, start: datetime | None, end: datetime | None) -> Rows:
        """Those measured at start <= time < end."""
        low, high = milliseconds_of(start, end)
        moments = self.measured
        if len(self) == 0 or (low <= moments.min() and moments.max() < high):
            return self
        return self.take(np.flatnonzero((moments >= low) & (moments < high)))

    def series(self, numbers: dict[tuple[str, str], int]) -> NDArray[np.int64]:
        """A number for each row's device and metric; new ones are added to `numbers`."""
        metrics = self.metric.names
        both = self.device.codes.astype(np.int64) * len(metrics) + self.metric.codes
        distinct, position = np.unique(both, return_inverse=True)
        known = [
            numbers.setdefault((self.device.names[device], metrics[metric]), len(numbers))
            for device, metric in (divmod(pair, len(metrics)) for pair in distinct.tolist())
        ]
        return np.array(known, dtype=np.int64)[position]


def outside(bounds: tuple[float, float], start: datetime | None, end: datetime | None) -> bool:
    """Whether nothing between two moments (Unix seconds) has start <= time < end."""
    low, high = milliseconds_of(start, end)
    return bounds[1] * 1000.0 <= low or bounds[0] * 1000.0 >= high


def _coded(column: pa.ChunkedArray) -> Coded:
    whole = column.combine_chunks()
    return Coded(whole.dictionary.to_pylist(), whole.indices.to_numpy())


def milliseconds_of(start: datetime | None, end: datetime | None) -> tuple[float, float]:
    """Bounds in milliseconds since 1970-01-01 UTC."""
    low = float("-inf") if start is None else start.timestamp() * 1000.0
    high = float("inf") if end is None else end.timestamp() * 1000.0
    return low, high
