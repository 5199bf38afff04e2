"""Readings of many homes as columns: what is made, kept in files and packed without an object each.

A row names its home and its channel (a device and metric) by number; tables here say what they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gateway_sim.ambient import CHANNELS
from gateway_sim.devices import ambient, personal
from gateway_sim.measuring import BY_HAND
from gateway_sim.people import VITALS
from gateway_sim.reading import Reading
from gateway_sim.scenario import EVENT_DEVICES
from gateway_sim.sorting import order_by

RESIDENTS = 2
"""In a home at most."""


class Channel(NamedTuple):
    """One metric of one device of a home."""

    device: str
    metric: str


@cache
def channels() -> tuple[Channel, ...]:
    """All that a home can have; a row's `channel` is a place in here."""
    worn = [(f"monitor-{n + 1}", metric) for n in range(RESIDENTS) for metric in VITALS]
    by_hand = [(f"{kind}-{n + 1}", metric) for n in range(RESIDENTS) for kind, metric in BY_HAND]
    models = [*ambient(), *(m for n in range(RESIDENTS) for m in personal(n, True, True))]
    events = [
        (model.name, metric)
        for metric, kind in EVENT_DEVICES.items()
        for model in models
        if model.kind == kind
    ]
    return tuple(sorted({Channel(*pair) for pair in (*worn, *by_hand, *CHANNELS, *events)}))


@cache
def channel_numbers() -> dict[tuple[str, str], int]:
    """Place in `channels` by device and metric."""
    return {(device, metric): number for number, (device, metric) in enumerate(channels())}


def places(pairs: Sequence[tuple[str, str]]) -> NDArray[np.int16]:
    """Place in `channels` of several devices and metrics."""
    return np.array([channel_numbers()[pair] for pair in pairs], dtype=np.int16)


@dataclass(frozen=True)
class Columns:
    """Rows as arrays of equal length."""

    home: NDArray[np.int32]
    """The home's number."""
    channel: NDArray[np.int16]
    """Place in `channels`."""
    time: NDArray[np.int64]
    """Milliseconds since 1970-01-01 UTC, by the device's clock."""
    value: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.time)

    def take(self, rows: NDArray[np.int64] | slice) -> Columns:
        """Some rows, or all in another order."""
        return Columns(self.home[rows], self.channel[rows], self.time[rows], self.value[rows])

    def by_time(self) -> Columns:
        """In order of time, then home and channel."""
        return self.take(order_by(self.time, self.home, self.channel))

    def by_home(self) -> Columns:
        """In order of home, then time and channel: as gateways send them."""
        return self.take(order_by(self.home, self.time, self.channel))

    def by_series(self) -> Columns:
        """In order of home, then channel and time: each series in one piece."""
        return self.take(order_by(self.home, self.channel, self.time))

    def starts(self) -> NDArray[np.int64]:
        """Where each home's rows begin, and the end; for rows in order of home."""
        if len(self) == 0:
            return np.zeros(1, dtype=np.int64)
        inner = np.flatnonzero(self.home[1:] != self.home[:-1]) + 1
        return np.concatenate(([0], inner, [len(self)]))

    def readings(self) -> Iterator[Reading]:
        """Each row as an object."""
        names = channels()
        for time, channel, value in zip(
            (self.time / 1000.0).tolist(), self.channel.tolist(), self.value.tolist(), strict=True
        ):
            device, metric = names[channel]
            yield Reading(time, device, metric, value)

    @classmethod
    def joined(cls, parts: Sequence[Columns]) -> Columns:
        """One after the other; none at all of an empty list."""
        if not parts:
            return cls(np.empty(0, np.int32), np.empty(0, np.int16), np.empty(0, np.int64),
                       np.empty(0, np.float64))  # fmt: skip
        if len(parts) == 1:
            return parts[0]
        return cls(
            np.concatenate([part.home for part in parts]),
            np.concatenate([part.channel for part in parts]),
            np.concatenate([part.time for part in parts]),
            np.concatenate([part.value for part in parts]),
        )
