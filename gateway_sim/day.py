"""A day in all homes at once, as their ambient sensors see it: a pure function of home and date.

Residents get up, use rooms, eat, go out, go to bed and rise at night (`day.toml`); each stay in a
room makes its motion sensor fire now and then. All homes take their next step together, so a day
of the whole county is some hundred operations on arrays. What an illness does to somebody's habits
(`illness.HABITS`) is asked when the day begins.

Clock times (getting up, meals) are local; what lasts is counted in seconds, so that the nights on
which the clock changes are an hour shorter or longer and nothing else.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from gateway_sim.illness import HABITS, Illnesses
from gateway_sim.localtime import Floats, LocalDay, local_day
from gateway_sim.noise import Keys, exponential, key, normal, uniform

ROOMS = ("hallway", "kitchen", "livingroom", "bedroom", "bathroom")
DOORS = ("front", "fridge")
_HALLWAY, _KITCHEN, _, _BEDROOM, _BATHROOM = range(len(ROOMS))

Indexes = NDArray[np.int64]
EVENT = np.dtype([("time", "f8"), ("home", "i4"), ("channel", "i2"), ("value", "f8")])
"""What a sensor said: Unix seconds in whole milliseconds, the home's number, a place in `CHANNELS`,
the value."""


class Reading(NamedTuple):
    """What a device says of one metric at one time."""

    time: float
    """Unix seconds, whole milliseconds."""
    device: str
    metric: str
    value: float


CHANNELS: tuple[tuple[str, str], ...] = (
    *((f"motion-{room}", "motion") for room in ROOMS),
    *((f"door-{door}", "door") for door in DOORS),
    ("plug-kettle", "power"),
    ("bed-1", "bed"), ("bed-2", "bed"),
    ("climate-livingroom", "room_temperature"), ("climate-livingroom", "humidity"),
    *((f"motion-{room}", "battery") for room in ROOMS),
    *((f"door-{door}", "battery") for door in DOORS),
    ("smoke-1", "battery"), ("button-1", "battery"), ("button-2", "battery"),
)  # fmt: skip
"""Device and metric of everything ambient."""
_PLACE = {channel: number for number, channel in enumerate(CHANNELS)}
_FRONT, _FRIDGE = _PLACE["door-front", "door"], _PLACE["door-fridge", "door"]
_KETTLE, _BED = _PLACE["plug-kettle", "power"], _PLACE["bed-1", "bed"]


class _Room(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    stay_minutes: float
    fires_every_s: float
    next: dict[str, float]


class Routine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`day.toml`: how people at home move."""

    dead_time_s: float
    stay_spread: float
    day_spread: float
    home_spread: float
    wakes_spread_h: float
    sleeps_spread_h: float
    night_rises: float
    trips: list[float]
    trip_minutes: tuple[float, float]
    meals_at: list[float]
    meal_spread_h: float
    fridge_openings: float
    kettle: float
    room: dict[str, _Room]

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


@cache
def routine() -> Routine:
    """The routine that ships."""
    text = Path(__file__).with_name("day.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), Routine)


@dataclass(frozen=True)
class Dwellers:
    """Who lives where; arrays over people, in the order of homes."""

    person: Indexes
    """Index into `People`."""
    home: Indexes
    """The home's number."""
    second: NDArray[np.bool_]
    """Whether the person is the second of their home."""
    keys: Keys
    wakes: Floats
    """Usual hour of getting up, local."""
    sleeps: Floats
    """Usual hour of going to bed, local, before midnight."""


def ambient_day(
    who: Dwellers, day: date, illnesses: Illnesses, plan: Routine | None = None
) -> NDArray[np.void]:
    """All ambient events (`EVENT`) of these people's homes on one local day.

    In the order of home and time; a device says one thing of a metric at a time.
    """
    if len(who.person) == 0:
        return np.empty(0, dtype=EVENT)
    made = _Day(who, local_day(day), day.toordinal(), illnesses, plan or routine())
    made.residents()
    made.rooms_and_batteries()
    return made.events()


class _Day:
    def __init__(
        self, who: Dwellers, day: LocalDay, number: int, illnesses: Illnesses, plan: Routine
    ) -> None:
        self._who, self._day, self._plan = who, day, plan
        self._keys: Keys = who.keys ^ key(60, number)
        self._made: list[tuple[Floats, Indexes, Indexes, Floats]] = []
        noon = np.full(len(who.person), day.start + 43_200.0)
        self._habit = {
            habit: illnesses.lean(habit, np.ones(len(noon)), who.person, noon) for habit in HABITS
        }
        lively = np.exp(
            plan.home_spread * normal(who.keys ^ key(61)) + plan.day_spread * self._normal(1)
        )
        self._lively: Floats = np.maximum(self._habit["movement"] * lively, 0.02)

    def residents(self) -> None:
        who, plan, day = self._who, self._plan, self._day
        rest = self._habit["bed"] - 1.0
        wakes = who.wakes + plan.wakes_spread_h * self._normal(2) + 1.5 * rest
        sleeps = who.sleeps + plan.sleeps_spread_h * self._normal(3) - 1.0 * rest
        up = day.at(np.clip(wakes, 3.0, 12.0))
        down = day.at(np.clip(sleeps, 18.0, 23.8))
        everybody = np.arange(len(up))
        bed = _BED + who.second
        self._night(up)
        self._say(everybody, up, bed, 0.0)
        self._walk(up, down)
        self._fires(everybody, np.full(len(up), _BEDROOM), down, down + 120.0, 4)
        self._say(everybody, down + 150.0, bed, 1.0)

    def _night(self, up: Floats) -> None:
        """Rising at night, mostly to the bathroom."""
        expected = self._plan.night_rises * self._habit["night"]
        times = _poisson(self._uniform(10), expected)
        for rise in range(int(times.max(initial=0))):
            some = np.flatnonzero(times > rise)
            begin = self._day.start + 900.0
            moment = begin + self._uniform(11, rise, some) * (up[some] - 900.0 - begin)
            bed = _BED + self._who.second[some]
            self._say(some, moment, bed, 0.0)
            self._fires(some, np.full(len(some), _BEDROOM), moment + 4.0, moment + 12.0, 20 + rise)
            bathroom = np.full(len(some), _BATHROOM)
            self._fires(some, bathroom, moment + 25.0, moment + 200.0, 40 + rise)
            self._say(some, moment + 240.0 + 260.0 * self._uniform(12, rise, some), bed, 1.0)

    def _walk(self, up: Floats, down: Floats) -> None:
        """From room to room until bedtime, everybody's next step at once."""
        plan = self._plan
        trips, lasts = self._trips()
        meals = self._meals(up)
        now, room = up + 30.0, np.full(len(up), _BATHROOM)
        trip, meal = np.zeros(len(up), dtype=np.int64), np.zeros(len(up), dtype=np.int64)
        stays, cumulated = plan.stay_s(), self._cumulated()
        step = 0
        while len(awake := np.flatnonzero(now < down)):
            step += 1
            out = awake[now[awake] >= trips[awake, trip[awake]]]
            if len(out):
                back = now[out] + lasts[out, trip[out]]
                for moment, salt in ((now[out], 1), (back, 2)):
                    self._through_door(out, moment, 64 * step + salt)
                trip[out] += 1
                room[out], now[out] = _HALLWAY, back + 20.0
                awake = np.setdiff1d(awake, out, assume_unique=True)
            eating = now[awake] >= meals[awake, meal[awake]]
            eaters = awake[eating]
            meal[eaters] += 1
            hungry = eaters[self._uniform(13, step, eaters) < self._habit["kitchen"][eaters]]
            self._meal(hungry, now[hungry], step)
            room[hungry] = _KITCHEN
            stay = stays[room[awake]] * np.exp(plan.stay_spread * self._normal(14, step, awake))
            stay = np.minimum(stay / self._lively[awake], 6 * 3600.0)
            at_table = np.isin(awake, hungry, assume_unique=True)
            stay[at_table] = 900.0 + 900.0 * exponential(self._salted(15, step, awake[at_table]))
            leaves = np.minimum(now[awake] + stay, down[awake])
            self._fires(awake, room[awake], now[awake], leaves, 100 + step)
            drawn = self._uniform(16, step, awake)[:, None]
            there = cumulated[awake, room[awake]]
            room[awake] = np.minimum((drawn >= there).sum(axis=1), len(ROOMS) - 1)
            now[awake] = leaves + 3.0 + 12.0 * self._uniform(17, step, awake)

    def _cumulated(self) -> Floats:
        """Cumulated shares of the next room, shape (people, rooms, rooms)."""
        shares = np.repeat(self._plan.shares()[None], len(self._keys), axis=0)
        shares[:, :, _BATHROOM] *= self._habit["bathroom"][:, None]
        cumulated: Floats = np.cumsum(shares, axis=2)
        return cumulated / cumulated[:, :, -1:]

    def _trips(self) -> tuple[Floats, Floats]:
        """When people leave the home, and for how long, shape (people, 3); the last is never."""
        share = np.cumsum(self._plan.trips)[:-1] / sum(self._plan.trips)
        count = (self._uniform(18)[:, None] >= share).sum(axis=1)
        hours = np.sort(
            np.column_stack([9.5 + 7.0 * self._uniform(19, n) for n in range(2)]), axis=1
        )
        starts = np.full((len(count), 3), np.inf)
        for n in range(2):
            some = count > n
            starts[some, n] = self._day.at(hours[some, n])
        low, high = self._plan.trip_minutes
        lasts = np.column_stack(
            [60.0 * (low + (high - low) * self._uniform(20, n)) for n in range(3)]
        )
        return starts, lasts

    def _meals(self, up: Floats) -> Floats:
        """When people eat, shape (people, meals + 1); the last is never."""
        plan = self._plan
        hours = [
            hour + plan.meal_spread_h * self._normal(21, n) for n, hour in enumerate(plan.meals_at)
        ]
        times = [
            up + 1200.0 if plan.meals_at[n] < 0 else self._day.at(hour)
            for n, hour in enumerate(hours)
        ]
        return np.column_stack([*times, np.full(len(up), np.inf)])

    def _meal(self, who: Indexes, start: Floats, step: int) -> None:
        openings = 1 + _poisson(
            self._uniform(22, step, who), np.full(len(who), self._plan.fridge_openings)
        )
        for n in range(int(openings.max(initial=0))):
            some = openings > n
            opens = start[some] + 20.0 + 680.0 * self._uniform(23, 64 * step + n, who[some])
            self._say(who[some], opens, _FRIDGE, 1.0)
            shuts = opens + 3.0 + 17.0 * self._uniform(24, 64 * step + n, who[some])
            self._say(who[some], shuts, _FRIDGE, 0.0)
        boils = self._uniform(25, step, who) < self._plan.kettle
        hot, begins = who[boils], start[boils]
        begins = begins + 30.0 + 370.0 * self._uniform(26, step, hot)
        watts: Floats = np.round(1950.0 + 15.0 * self._normal(27, step, hot))
        self._say(hot, begins, _KETTLE, watts)
        self._say(hot, begins + 130.0 + 110.0 * self._uniform(28, step, hot), _KETTLE, 0.0)

    def _through_door(self, who: Indexes, moment: Floats, salt: int) -> None:
        self._say(who, moment - 8.0, _HALLWAY, 1.0)
        self._say(who, moment, _FRONT, 1.0)
        self._say(who, moment + 4.0 + 21.0 * self._uniform(29, salt, who), _FRONT, 0.0)

    def _fires(self, who: Indexes, room: Indexes, start: Floats, end: Floats, salt: int) -> None:
        """A motion sensor: on entering, then now and then while somebody is there."""
        every = self._plan.fires_s()[room] / self._lively[who]
        moment = start + 0.5 + 2.5 * self._uniform(30, salt, who)
        turn = 0
        while len(still := np.flatnonzero(moment < end)):
            who, room, end = who[still], room[still], end[still]
            every, moment = every[still], moment[still]
            self._say(who, moment, room, 1.0)
            turn += 1
            gap = exponential(self._salted(31, 1024 * salt + turn, who))
            moment = moment + self._plan.dead_time_s + every * gap

    def rooms_and_batteries(self) -> None:
        """Room climate every quarter of an hour, and devices that report in once a day."""
        first = np.flatnonzero(~self._who.second)
        start, end = self._day.start, self._day.end
        offset = start + 900.0 * self._uniform(40, 0, first)
        level = 21.4 + 0.5 * np.sin(start / 86_400.0 / 9.0)
        moist = 38.0 + 3.0 * self._normal(41, 0, first)
        for quarter in range(int((end - start) // 900)):
            moment = offset + 900.0 * quarter
            swing = np.cos(((moment - start) / 3600.0 - 16.0) * np.pi / 12.0)
            warm = level + 0.6 * swing + 0.08 * self._normal(42, quarter, first)
            self._say(first, moment, _PLACE["climate-livingroom", "room_temperature"],
                      np.round(warm, 1))  # fmt: skip
            self._say(first, moment, _PLACE["climate-livingroom", "humidity"],
                      np.round(moist + 2.0 * swing))  # fmt: skip
        for place, (device, metric) in enumerate(CHANNELS):
            if metric != "battery":
                continue
            second = device == "button-2"
            some = np.flatnonzero(self._who.second) if second else first
            self._say(some, start + 3 * 3600.0 * self._uniform(43, place, some), place, 94.0)

    def events(self) -> NDArray[np.void]:
        """Everything said, in order."""
        time, who, channel, value = (
            np.concatenate(column) for column in zip(*self._made, strict=True)
        )
        made = np.empty(len(time), dtype=EVENT)
        made["time"], made["home"] = np.round(time, 3), self._who.home[who]
        made["channel"], made["value"] = channel, value
        made = made[np.lexsort((made["value"], made["time"], made["channel"], made["home"]))]
        while True:  # a device says one thing of a metric at a time
            same = (made["home"][1:] == made["home"][:-1]) & (
                made["channel"][1:] == made["channel"][:-1]
            )
            again = np.flatnonzero(same & (made["time"][1:] <= made["time"][:-1])) + 1
            if not len(again):
                break
            made["time"][again] = np.round(made["time"][again - 1] + 0.001, 3)
        inside = (made["time"] >= self._day.start) & (made["time"] < self._day.end)
        made = made[inside]
        ordered: NDArray[np.void] = made[np.lexsort((made["channel"], made["time"], made["home"]))]
        return ordered

    def _say(
        self, who: Indexes, time: Floats, channel: Indexes | int, value: Floats | float
    ) -> None:
        if len(who):
            shape = len(who)
            self._made.append(
                (time, who, np.broadcast_to(np.asarray(channel, dtype=np.int64), shape),
                 np.broadcast_to(np.asarray(value, dtype=np.float64), shape))
            )  # fmt: skip

    def _salted(self, salt: int, turn: int = 0, who: Indexes | None = None) -> Keys:
        keys = self._keys if who is None else self._keys[who]
        return keys ^ key(salt, turn)

    def _uniform(self, salt: int, turn: int = 0, who: Indexes | None = None) -> Floats:
        return uniform(self._salted(salt, turn, who))

    def _normal(self, salt: int, turn: int = 0, who: Indexes | None = None) -> Floats:
        return normal(self._salted(salt, turn, who))


def _poisson(drawn: Floats, expected: Floats) -> Indexes:
    """How many, by the inverse of Poisson's distribution; at most 30."""
    count = np.zeros(len(drawn), dtype=np.int64)
    part = np.exp(-expected)
    total = part.copy()
    for n in range(1, 31):
        count += drawn > total
        part = part * expected / n
        total += part
    return count
