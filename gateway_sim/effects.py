"""What faults make of readings: arrays in, arrays out, a pure function of seed, fault and time.

Each fault changes the rows that it meets and leaves the others; faults of a file act one after the
other. Who is met is `gateway_sim.faulty`'s matter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.catalogue import catalogue
from gateway_sim import faults as kinds
from gateway_sim.columns import Columns, channels
from gateway_sim.noise import Floats, Keys, mix, normal, uniform
from gateway_sim.reading import Reading
from gateway_sim.sorting import order_by

Rows = NDArray[np.int64]
_DAY_MS = 86_400_000.0
_METRICS = [catalogue()[channel.metric] for channel in channels()]
_LOW = np.array([metric.possible[0] for metric in _METRICS])
_HIGH = np.array([metric.possible[1] for metric in _METRICS])
_DECIMALS = np.array([metric.decimals for metric in _METRICS])
_BATTERY = np.array([metric.name == "battery" for metric in _METRICS])


@dataclass
class Shown:
    """What devices show: rows as arrays of equal length."""

    made: Columns
    """As they should: true times."""
    time: NDArray[np.int64]
    """Milliseconds since 1970-01-01 UTC by the device's own clock."""
    value: Floats
    qualifier: NDArray[np.int8]
    """-1: below, 1: above what the device can measure; `value` is its limit."""
    shift: NDArray[np.int8]
    """How much the number in the device's name is off."""
    count: NDArray[np.int8]
    """How often the gateway hears it: 0, 1 or 2 times."""

    @classmethod
    def rightly(cls, made: Columns) -> Shown:
        """By healthy devices."""
        none = np.zeros(len(made), dtype=np.int8)
        time, value = made.time.copy(), made.value.copy()
        return cls(made, time, value, none, none.copy(), none + np.int8(1))

    def take(self, rows: Rows) -> Shown:
        """Some rows, or all in another order."""
        return Shown(
            self.made.take(rows), self.time[rows], self.value[rows], self.qualifier[rows],
            self.shift[rows], self.count[rows],
        )  # fmt: skip

    def heard(self) -> Shown:
        """What reaches the gateway, each as often as it does."""
        if (self.count == 1).all():
            return self
        heard = self.take(np.repeat(np.arange(len(self.made)), self.count))
        return replace(heard, count=np.ones(len(heard.made), dtype=np.int8))

    def by_home(self) -> Shown:
        """In order of home, then of when it was measured: as gateways send it."""
        made = self.made
        return self.take(order_by(made.home, made.time, made.channel))

    def by_series(self) -> Shown:
        """In order of home, then channel and when it was measured: each series in one piece."""
        made = self.made
        return self.take(order_by(made.home, made.channel, made.time))

    def by_time(self) -> Shown:
        """In order of when it was measured, then home and channel."""
        made = self.made
        return self.take(order_by(made.time, made.home, made.channel))

    def readings(self) -> Iterator[Reading]:
        """Each row as an object."""
        names = channels()
        for channel, time, value, qualifier, shift in zip(
            self.made.channel.tolist(), (self.time / 1000.0).tolist(), self.value.tolist(),
            self.qualifier.tolist(), self.shift.tolist(), strict=True,
        ):  # fmt: skip
            device, metric = names[channel]
            if shift:
                device = renumbered(device, shift)
            yield Reading(time, device, metric, value, qualifier)


def renumbered(device: str, by: int) -> str:
    """The name of a device whose number is off; one without a number keeps its name."""
    return re.sub(r"\d+$", lambda number: str(int(number[0]) + by), device)


def afflict(
    shown: Shown,
    fault: kinds.DeviceFault,
    rows: Rows,
    begins: NDArray[np.int64],
    ends: NDArray[np.int64],
    salt: np.uint64,
    before: Floats,
) -> None:
    """Change `rows` of `shown` as a fault does.

    Args:
        rows: places of those it meets, shape (n,).
        begins, ends: milliseconds at which it began and ends there, shape (n,).
        salt: what this fault's chances depend on besides home, channel and time.
        before: for `Stuck`: each row's last value before it began; NaN where there was none.
    """
    since = shown.made.time[rows] - begins
    channel = shown.made.channel[rows]
    value = shown.value[rows]
    match fault:
        case kinds.NoisyReading(size=size):
            noisy = value + size * normal(_keys(shown.made, rows, salt))
            shown.value[rows] = np.clip(_rounded(noisy, channel), _LOW[channel], _HIGH[channel])
        case kinds.Coarse(step=step):
            shown.value[rows] = np.round(np.round(value / step) * step, 6)
        case kinds.Drift(per_day=per_day):
            shown.value[rows] = _rounded(value + per_day * since / _DAY_MS, channel)
        case kinds.Stuck():
            shown.value[rows] = np.where(np.isnan(before), value, before)
        case kinds.Sentinel(shows=shows, rate=rate):
            shown.value[rows[_some(shown, rows, salt, rate)]] = shows
        case kinds.Limits(low=low, high=high):
            shown.qualifier[rows] = np.where(value < low, -1, np.where(value > high, 1, 0))
            shown.value[rows] = np.clip(value, low, high)
        case kinds.Battery():
            lasts = (ends - begins) * _share_until_empty(fault, begins, ends)
            left = np.clip(1.0 - since / lasts, 0.0, 1.0)
            shown.value[rows] = np.where(_BATTERY[channel], np.round(value * left), value)
            shown.count[rows[since >= lasts]] = 0
        case kinds.Dropout(rate=rate):
            shown.count[rows[_some(shown, rows, salt, rate)]] = 0
        case kinds.Double(rate=rate):
            again = rows[_some(shown, rows, salt, rate)]
            shown.count[again] = np.minimum(2 * shown.count[again], 2)
        case kinds.ClockDrift(seconds_per_day=ahead):
            shown.time[rows] += np.round(ahead * 1000.0 * since / _DAY_MS).astype(np.int64)
        case kinds.ClockJump(seconds=seconds):
            shown.time[rows] += round(seconds * 1000.0)
        case kinds.ClockReset(shows=shows):
            shown.time[rows] = round(shows.timestamp() * 1000.0) + since
        case kinds.Renumber(by=by):
            shown.shift[rows] += np.int8(by)
        case _:
            raise TypeError(f"{fault.kind} is no fault of devices")


def _share_until_empty(
    fault: kinds.Battery, begins: NDArray[np.int64], ends: NDArray[np.int64]
) -> Floats:
    """The part of the fault's time until the battery is empty; the rest is silence."""
    if fault.until_hours is None:
        raise ValueError("a battery's fault has an end once it is laid on a run")
    silent = (fault.until_hours - fault.empty_hours) * 3_600_000.0
    share: Floats = 1.0 - silent / (ends - begins)
    return share


def _rounded(value: Floats, channel: NDArray[np.int16]) -> Floats:
    """To as many decimals as the metric is shown with."""
    scale = 10.0 ** _DECIMALS[channel]
    rounded: Floats = np.round(value * scale) / scale
    return rounded


def _some(shown: Shown, rows: Rows, salt: np.uint64, rate: float) -> NDArray[np.bool_]:
    chosen: NDArray[np.bool_] = uniform(_keys(shown.made, rows, salt)) < rate
    return chosen


def _keys(made: Columns, rows: Rows, salt: np.uint64) -> Keys:
    who = made.home[rows].astype(np.uint64) * np.uint64(len(channels()))
    own = mix(who + made.channel[rows].astype(np.uint64) + salt)
    return own ^ mix(made.time[rows].astype(np.uint64))
