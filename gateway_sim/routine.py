"""`day.toml`: how people at home move through their rooms, and when they sleep."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from gateway_sim.localtime import SATURDAY, weekday
from gateway_sim.noise import Floats, Keys, key, mix, normal
from gateway_sim.traits import Spread

ROOMS = ("hallway", "kitchen", "livingroom", "bedroom", "bathroom")
HALLWAY, KITCHEN, LIVINGROOM, BEDROOM, BATHROOM = range(len(ROOMS))


class Room(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One room."""

    stay_minutes: float
    fires_every_s: float
    next: dict[str, float]


class Routine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    wakes_h: Spread
    sleeps_h: Spread
    wakes_spread_h: float
    sleeps_spread_h: float
    weekend_wakes_h: float
    dead_time_s: float
    stay_spread: float
    day_spread: float
    home_spread: float
    sensor_spread: float
    dressing_minutes: float
    dressing_pull: float
    night_rises: float
    night_spread: float
    night_kitchen: float
    asleep_fires_every_s: float
    trips: list[float]
    trip_minutes: tuple[float, float]
    doorways: float
    meals_at: list[float]
    meal_spread_h: float
    fridge_at_meals: float
    fridge_between: float
    kettle: float
    stove: float
    room: dict[str, Room]

    def rises(self, keys: Keys, day: NDArray[np.int64]) -> Floats:
        """Local hour at which people get up on days since 1970-01-01, both shape (n,)."""
        weekend = weekday(day) >= SATURDAY
        by_chance = self.wakes_spread_h * normal(keys ^ key(62) ^ mix(day.astype(np.uint64)))
        hour = self.wakes_h.of(keys ^ key(8)) + self.weekend_wakes_h * weekend + by_chance
        return np.clip(hour, 3.0, 12.0)

    def retires(self, keys: Keys, day: NDArray[np.int64]) -> Floats:
        """Local hour at which people go to bed, before midnight; as `rises`."""
        by_chance = self.sleeps_spread_h * normal(keys ^ key(63) ^ mix(day.astype(np.uint64)))
        return np.clip(self.sleeps_h.of(keys ^ key(9)) + by_chance, 18.0, 23.8)

    def stay_s(self) -> Floats:
        """Median stay by room, seconds."""
        return np.array([60.0 * self.room[room].stay_minutes for room in ROOMS])

    def fires_s(self) -> Floats:
        """Mean time between firings by room, besides the dead time, seconds."""
        return np.array([self.room[room].fires_every_s for room in ROOMS])

    def shares(self) -> Floats:
        """Where somebody goes next, shape (rooms, rooms); rows sum to 1."""
        table = np.array([[self.room[a].next.get(b, 0.0) for b in ROOMS] for a in ROOMS])
        shares: Floats = table / table.sum(axis=1, keepdims=True)
        return shares


def load_routine(path: Path) -> Routine:
    """A routine from a file like `day.toml`."""
    return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Routine)


@cache
def routine() -> Routine:
    """The routine that ships."""
    return load_routine(Path(__file__).with_name("day.toml"))
