"""`day.toml`: how people at home move through their rooms, and when they sleep."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from gateway_sim.data_file import DataFile
from gateway_sim.localtime import SATURDAY, weekday
from gateway_sim.noise import Floats, Keys, key, mix, normal
from gateway_sim.traits import Spread

ROOMS = ("hallway", "kitchen", "livingroom", "bedroom", "bathroom")
HALLWAY, KITCHEN, LIVINGROOM, BEDROOM, BATHROOM = range(len(ROOMS))


_Amount = Annotated[float, Meta(ge=0.0, le=1e6)]
_Share = Annotated[float, Meta(ge=0.0, le=1.0)]
_Spread = Annotated[float, Meta(ge=0.0, le=10.0)]
_Seconds = Annotated[float, Meta(ge=1.0, le=1e6)]
"""A sensor that fired without end would keep a day from ending."""


class Room(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One room."""

    stay_minutes: Annotated[float, Meta(ge=0.1, le=1440.0)]
    fires_every_s: _Seconds
    next: dict[str, _Amount]

    def __post_init__(self) -> None:
        if unknown := self.next.keys() - set(ROOMS):
            raise ValueError(f"there is no room {min(unknown)!r} to go to next")
        if not sum(self.next.values()) > 0.0:
            raise ValueError("from every room one has to go on to another")


class Routine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    wakes_h: Spread
    sleeps_h: Spread
    wakes_spread_h: _Spread
    sleeps_spread_h: _Spread
    weekend_wakes_h: Annotated[float, Meta(ge=-6.0, le=6.0)]
    dead_time_s: _Seconds
    stay_spread: _Spread
    day_spread: _Spread
    home_spread: _Spread
    sensor_spread: _Spread
    dressing_minutes: _Amount
    dressing_pull: _Amount
    night_rises: _Amount
    night_spread: _Spread
    night_kitchen: _Share
    asleep_fires_every_s: _Seconds
    trips: Annotated[list[_Amount], Meta(min_length=3, max_length=3)]
    trip_minutes: tuple[_Amount, _Amount]
    doorways: _Amount
    meals_at: Annotated[list[Annotated[float, Meta(ge=-1.0, lt=24.0)]], Meta(max_length=10)]
    meal_spread_h: _Spread
    fridge_at_meals: _Amount
    fridge_between: _Amount
    kettle: _Share
    stove: _Share
    room: dict[str, Room]

    def __post_init__(self) -> None:
        if self.room.keys() != set(ROOMS):
            raise ValueError(f"the rooms are {', '.join(ROOMS)}")
        if not sum(self.trips) > 0.0:
            raise ValueError("trips are shares of days, of which some has to be above 0")
        if self.trip_minutes[0] > self.trip_minutes[1]:
            raise ValueError("trip_minutes are the shortest and the longest trip")

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
    """A routine from a file like `day.toml`.

    Raises:
        UserError: there is no such file, or it is wrong; names file, line and key.
    """
    return DataFile(path, "routine").convert(Routine, lambda _: iter(()))


@cache
def routine() -> Routine:
    """The routine that ships."""
    return load_routine(Path(__file__).with_name("day.toml"))
