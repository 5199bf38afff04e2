"""What the sensors of a home are, what one of them says, and who lives among them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gateway_sim.noise import Keys
from gateway_sim.routine import ROOMS

DOORS = ("front", "fridge")

Indexes = NDArray[np.int64]
EVENT = np.dtype([("time", "f8"), ("home", "i4"), ("channel", "i2"), ("value", "f8")])
"""What a sensor said: Unix seconds in whole milliseconds, the home's number, a place in `CHANNELS`,
the value."""


CHANNELS: tuple[tuple[str, str], ...] = (
    *((f"motion-{room}", "motion") for room in ROOMS),
    *((f"door-{door}", "door") for door in DOORS),
    ("plug-kettle", "power"),
    ("bed-1", "bed"), ("bed-2", "bed"),
    ("climate-livingroom", "room_temperature"), ("climate-livingroom", "humidity"),
    *((f"motion-{room}", "battery") for room in ROOMS),
    *((f"door-{door}", "battery") for door in DOORS),
    ("smoke-1", "battery"), ("button-1", "battery"), ("button-2", "battery"),
    ("plug-stove", "power"), ("leak-bathroom", "water_leak"),
)  # fmt: skip
"""Device and metric of everything ambient; the first are the rooms' motion sensors."""
_PLACE = {channel: number for number, channel in enumerate(CHANNELS)}
FRONT, FRIDGE = _PLACE["door-front", "door"], _PLACE["door-fridge", "door"]
KETTLE, STOVE = _PLACE["plug-kettle", "power"], _PLACE["plug-stove", "power"]
BED = _PLACE["bed-1", "bed"]
WARMTH = _PLACE["climate-livingroom", "room_temperature"]
MOISTURE = _PLACE["climate-livingroom", "humidity"]
LEAK = _PLACE["leak-bathroom", "water_leak"]


@dataclass(frozen=True)
class Dwellers:
    """Who lives where; arrays over people, in the order of homes."""

    person: Indexes
    """Index into `People`."""
    home: Indexes
    """The home's number."""
    second: NDArray[np.bool_]
    """Whether the person is the second of their home, whose first is just before them."""
    keys: Keys


def not_blind(home: Indexes, channel: Indexes, said: Indexes, dead_time: int) -> NDArray[np.bool_]:
    """What is kept where a motion sensor that has fired is blind for a while.

    Args:
        home, channel, said: rows in order of these; `said` and `dead_time` in milliseconds.
    """
    kept = np.ones(len(said), dtype=bool)
    rows = np.flatnonzero(channel < len(ROOMS))
    if not len(rows):
        return kept
    series = home[rows] * len(ROOMS) + channel[rows]
    # Each sensor days away from the next.
    moment = said[rows] - said[rows[0]] + series * 1_000_000_000
    heard_next = np.searchsorted(moment, moment + dead_time)
    sees = np.zeros(len(rows), dtype=bool)
    now = np.flatnonzero(np.diff(series, prepend=-1))
    last = np.append(now[1:], len(rows))  # where the sensor's rows end
    while len(now):  # all sensors go on to the next firing that they see
        sees[now] = True
        now = heard_next[now]
        some = now < last
        now, last = now[some], last[some]
    kept[rows] = sees
    return kept
