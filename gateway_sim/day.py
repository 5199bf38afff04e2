"""A day in all homes at once, as their ambient sensors see it: a pure function of home and date.

Residents get up, use rooms, eat, go out, go to bed and rise at night (`day.toml`); each stay in a
room makes its motion sensor fire now and then. All homes take their next step together, so a day
of the whole county is some hundred operations on arrays. What an illness does to somebody's habits
is asked at every step (`habits`), so that a fall at three stops the kitchen at three.

Clock times (getting up, meals) are local; what lasts is counted in seconds, so that the nights on
which the clock changes are an hour shorter or longer and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from gateway_sim.habits import Habits
from gateway_sim.illness import Illnesses
from gateway_sim.localtime import EPOCH, Floats, LocalDay, local_day, milliseconds
from gateway_sim.noise import Keys, exponential, key, mix, normal, uniform
from gateway_sim.routine import (
    BATHROOM,
    BEDROOM,
    HALLWAY,
    KITCHEN,
    LIVINGROOM,
    ROOMS,
    Routine,
    routine,
)
from gateway_sim.sorting import order_by

DOORS = ("front", "fridge")

Indexes = NDArray[np.int64]
N = TypeVar("N", bound=np.generic)
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
    qualifier: int = 0
    """-1: below, 1: above what the device can measure; the value is its limit then."""


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
_FRONT, _FRIDGE = _PLACE["door-front", "door"], _PLACE["door-fridge", "door"]
_KETTLE, _STOVE = _PLACE["plug-kettle", "power"], _PLACE["plug-stove", "power"]
_BED = _PLACE["bed-1", "bed"]
_WARMTH = _PLACE["climate-livingroom", "room_temperature"]
_MOISTURE = _PLACE["climate-livingroom", "humidity"]
_LEAK = _PLACE["leak-bathroom", "water_leak"]

_AHEAD_S = 300.0
"""How much longer than its events a day is made: something is said shortly before its occasion."""
_LYING = 0.05
"""Movement below which somebody lies where they are and does nothing."""
_GUESTS_FIRE_A_DAY, _GUESTS_HOURS = 260, (8.0, 23.0)
_PETS_FIRE_A_DAY = 70


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


def ambient_day(
    who: Dwellers,
    day: date,
    illnesses: Illnesses,
    plan: Routine | None = None,
    until: float = np.inf,
) -> NDArray[np.void]:
    """All ambient events (`EVENT`) of these people's homes on one local day.

    In the order of home and time; a device says one thing of a metric at a time.

    Args:
        until: Unix seconds; what comes later is left out, and mostly not even made.
    """
    if len(who.person) == 0:
        return np.empty(0, dtype=EVENT)
    made = _Day(who, day, illnesses, plan or routine(), until)
    made.residents()
    made.others()
    made.leavers()
    made.rooms_and_batteries()
    return made.events()


class _Day:
    def __init__(
        self, who: Dwellers, day: date, illnesses: Illnesses, plan: Routine, until: float
    ) -> None:
        self._who, self._plan = who, plan
        self._day: LocalDay = local_day(day)
        self._end = min(self._day.end, until)
        self._made_until = self._end + _AHEAD_S
        self._number = np.full(len(who.person), day.toordinal() - EPOCH, dtype=np.int64)
        self._keys: Keys = who.keys ^ key(60, day.toordinal())
        self._made: list[tuple[Floats, Indexes, Indexes, Floats]] = []
        self._habit = Habits(illnesses, who.person, self._day.start, self._day.end)
        home = np.where(who.second, np.roll(who.keys, 1), who.keys)
        self._lively: Floats = np.exp(
            plan.home_spread * normal(who.keys ^ key(61)) + plan.day_spread * self._normal(1)
        )
        self._sensors: Floats = np.exp(
            plan.sensor_spread * np.stack([normal(home ^ key(65, n)) for n in range(len(ROOMS))], 1)
        )
        self._nightly: Floats = plan.night_rises * np.exp(
            plan.night_spread * normal(who.keys ^ key(66)) - plan.night_spread**2 / 2.0
        )

    # -- residents -------------------------------------------------------------------------------

    def residents(self) -> None:
        day, plan, keys = self._day, self._plan, self._who.keys
        everybody = np.arange(len(keys))
        noon = np.full(len(keys), day.start + 43_200.0)
        rest = self._habit("bed", everybody, noon) - 1.0
        up = day.at(np.clip(plan.rises(keys, self._number) + 1.5 * rest, 3.0, 12.0))
        down = day.at(np.clip(plan.retires(keys, self._number) - 1.0 * rest, 18.0, 23.8))
        before = self._seats(self._number - 1, np.full(len(up), day.start))
        after = self._seats(self._number, np.full(len(up), day.end))
        self._sleep(np.full(len(up), day.start + 60.0), up, before, 0)
        self._lie(everybody[before != LIVINGROOM], up[before != LIVINGROOM], 0.0)
        self._walk(up, down)
        self._fires(everybody, after, down, down + 120.0, 4)
        self._lie(everybody[after != LIVINGROOM], down[after != LIVINGROOM] + 150.0, 1.0)
        self._sleep(down + 200.0, np.full(len(up), day.end - 60.0), after, 1)
        self._made = [self._seen(*self._all())]

    def _seats(self, evening: Indexes, midnight: Floats) -> Indexes:
        """Where people spend the night that begins on an evening: in bed, or in the chair."""
        everybody = np.arange(len(midnight))
        drawn = uniform(self._who.keys ^ key(64) ^ mix(evening.astype(np.uint64)))
        chair = drawn < self._habit("chair", everybody, midnight) - 1.0
        return np.where(chair, LIVINGROOM, BEDROOM)

    def _lie(self, who: Indexes, time: Floats, value: float) -> None:
        self._say(who, time, _BED + self._who.second[who], value)

    def _sleep(self, start: Floats, end: Floats, room: Indexes, part: int) -> None:
        """A part of the night: turning over, and rising, mostly to the bathroom."""
        everybody = np.arange(len(start))
        every = self._plan.asleep_fires_every_s / self._sensors[everybody, room]
        self._repeats(everybody, room, start, end, every, 60 + part)
        middle = (start + end) / 2.0
        night = np.maximum(end - start, 0.0) / (8.5 * 3600.0)
        habit = self._habit("night", everybody, middle)
        times = _poisson(self._uniform(10, part), self._nightly * habit * night)
        wanders = self._habit("door_night", everybody, middle) - 1.0
        for rise in range(int(times.max(initial=0))):
            turn = 64 * part + rise
            some = np.flatnonzero((times > rise) & (end - start > 1800.0))
            latest = end[some] - start[some] - 900.0
            moment = start[some] + self._uniform(11, turn, some) * latest
            lies = room[some] != LIVINGROOM
            self._lie(some[lies], moment[lies], 0.0)
            self._fires(some, room[some], moment + 4.0, moment + 12.0, 100 + turn)
            back = moment + 240.0 + 260.0 * self._uniform(12, turn, some)
            bathroom = np.full(len(some), BATHROOM)
            self._fires(some, bathroom, moment + 25.0, moment + 200.0, 300 + turn)
            hungry = self._uniform(13, turn, some) < self._plan.night_kitchen
            eats = some[hungry]
            self._fires(
                eats, np.full(len(eats), KITCHEN), moment[hungry] + 205.0, back[hungry], 500 + turn
            )
            leaves = self._uniform(14, turn, some) < wanders[some] / np.maximum(times[some], 1)
            self._through_door(some[leaves], moment[leaves] + 60.0, 2000 + turn)
            self._fires(some, room[some], back - 30.0, back - 20.0, 700 + turn)
            self._lie(some[lies], back[lies], 1.0)

    def _walk(self, up: Floats, down: Floats) -> None:
        """From room to room until bedtime, everybody's next step at once."""
        plan = self._plan
        trips, lasts = self._trips()
        meals = self._meals(up)
        self._doorways(up, down)
        now, room = up + 30.0, np.full(len(up), BATHROOM)
        trip, meal = np.zeros(len(up), dtype=np.int64), np.zeros(len(up), dtype=np.int64)
        stays, to_bathroom = plan.stay_s(), plan.shares()[:, BATHROOM]
        dressing = 60.0 * plan.dressing_minutes
        step = 0
        last = np.minimum(down, self._made_until)
        while len(awake := np.flatnonzero(now < last)):
            step += 1
            due = awake[now[awake] >= trips[awake, trip[awake]]]
            out = due[self._uniform(18, step, due) < self._does("out", due, now[due])]
            if len(out):
                back = now[out] + lasts[out, trip[out]]
                for moment, salt in ((now[out], 1), (back, 2)):
                    self._through_door(out, moment, 64 * step + salt)
                room[out], now[out] = HALLWAY, back + 20.0
                awake = np.setdiff1d(awake, out, assume_unique=True)
            trip[due] += 1
            eating = now[awake] >= meals[awake, meal[awake]]
            eaters = awake[eating]
            hungry = eaters[
                self._uniform(15, step, eaters) < self._does("kitchen", eaters, now[eaters])
            ]
            self._meal(hungry, now[hungry], meal[hungry], step)
            meal[eaters] += 1
            room[hungry] = KITCHEN
            where, when = room[awake], now[awake]
            rests = self._habit("bed", awake, when)
            stay = stays[where] * np.exp(plan.stay_spread * self._normal(16, step, awake))
            stay = np.minimum(stay / self._lively[awake], 6 * 3600.0)
            stay *= np.where(where == BEDROOM, np.maximum(rests, 1.0) ** 2, 1.0)
            # More often to the bathroom is sooner to the bathroom: its rate is one of several.
            often = self._habit("bathroom", awake, when)
            stay /= 1.0 + to_bathroom[where] * (often - 1.0)
            at_table = np.isin(awake, hungry, assume_unique=True)
            stay[at_table] = 900.0 + 900.0 * exponential(self._salted(17, step, awake[at_table]))
            leaves = np.minimum(when + stay, down[awake])
            self._fires(awake, where, when, leaves, 1000 + step)
            self._fridge(awake[(where == KITCHEN) & ~at_table], when, leaves, awake, step)
            naps = (where == BEDROOM) & (rests > 1.2) & (leaves - when > 1200.0)
            self._lie(awake[naps], when[naps] + 200.0, 1.0)
            self._lie(awake[naps], leaves[naps] - 60.0, 0.0)
            pull = np.where(
                (leaves < up[awake] + dressing) | (leaves > down[awake] - dressing),
                plan.dressing_pull,
                1.0,
            )
            room[awake] = self._next(awake, where, leaves, pull, np.maximum(rests, 1.0), step)
            now[awake] = leaves + 3.0 + 12.0 * self._uniform(19, step, awake)

    def _next(
        self, who: Indexes, room: Indexes, time: Floats, pull: Floats, rests: Floats, step: int
    ) -> Indexes:
        """The room after this one."""
        shares = self._plan.shares()[room]
        shares[:, BATHROOM] *= pull * self._habit("bathroom", who, time)
        shares[:, BEDROOM] *= pull * rests**2
        cumulated = np.cumsum(shares, axis=1)
        drawn = self._uniform(20, step, who) * cumulated[:, -1]
        after: Indexes = np.minimum((drawn[:, None] >= cumulated).sum(axis=1), len(ROOMS) - 1)
        return after

    def _does(self, habit: str, who: Indexes, time: Floats) -> Floats:
        """How likely somebody does what they usually do; who lies there does nothing."""
        lies = self._habit("movement", who, time) < _LYING
        return np.where(lies, 0.0, self._habit(habit, who, time))

    def _trips(self) -> tuple[Floats, Floats]:
        """When people leave the home, and for how long, shape (people, 3); the last is never."""
        share = np.cumsum(self._plan.trips)[:-1] / sum(self._plan.trips)
        count = (self._uniform(21)[:, None] >= share).sum(axis=1)
        hours = np.sort(
            np.column_stack([9.5 + 7.0 * self._uniform(22, n) for n in range(2)]), axis=1
        )
        starts = np.full((len(count), 3), np.inf)
        for n in range(2):
            some = count > n
            starts[some, n] = self._day.at(hours[some, n])
        low, high = self._plan.trip_minutes
        lasts = np.column_stack(
            [60.0 * (low + (high - low) * self._uniform(23, n)) for n in range(3)]
        )
        return starts, lasts

    def _meals(self, up: Floats) -> Floats:
        """When people eat, shape (people, meals + 1); the last is never."""
        plan = self._plan
        hours = [
            hour + plan.meal_spread_h * self._normal(24, n) for n, hour in enumerate(plan.meals_at)
        ]
        times = [
            up + 1200.0 if plan.meals_at[n] < 0 else self._day.at(hour)
            for n, hour in enumerate(hours)
        ]
        return np.column_stack([*times, np.full(len(up), np.inf)])

    def _meal(self, who: Indexes, start: Floats, meal: Indexes, step: int) -> None:
        expected = np.full(len(who), max(self._plan.fridge_at_meals - 1.0, 0.0))
        openings = 1 + _poisson(self._uniform(25, step, who), expected)
        self._opens(who, openings, start + 20.0, np.full(len(who), 680.0), 64 * step)
        boils = self._uniform(26, step, who) < self._plan.kettle
        self._power(who[boils], start[boils], _KETTLE, 1950.0, (130.0, 240.0), step)
        cooks = (self._uniform(27, step, who) < self._plan.stove) & (meal > 0)
        self._power(who[cooks], start[cooks], _STOVE, 1450.0, (480.0, 1700.0), step)

    def _power(
        self, who: Indexes, start: Floats, plug: int, watts: float, lasts: tuple[float, float],
        step: int,
    ) -> None:  # fmt: skip
        low, high = lasts
        begins = start + 30.0 + 370.0 * self._uniform(28 + plug, step, who)
        self._say(who, begins, plug, np.round(watts + 15.0 * self._normal(50 + plug, step, who)))
        ends = begins + low + (high - low) * self._uniform(70 + plug, step, who)
        self._say(who, ends, plug, 0.0)

    def _fridge(
        self, who: Indexes, when: Floats, leaves: Floats, awake: Indexes, step: int
    ) -> None:
        """Now and then somebody in the kitchen looks into the fridge."""
        at = np.searchsorted(awake, who)
        expected = np.full(len(who), self._plan.fridge_between)
        openings = _poisson(self._uniform(90, step, who), expected)
        span = np.maximum(leaves[at] - when[at] - 20.0, 1.0)
        self._opens(who, openings, when[at] + 5.0, span, 64 * step + 32)

    def _opens(
        self, who: Indexes, openings: Indexes, start: Floats, span: Floats, salt: int
    ) -> None:
        for n in range(int(openings.max(initial=0))):
            some = openings > n
            at = start[some] + span[some] * self._uniform(91, salt + n, who[some])
            self._say(who[some], at, _FRIDGE, 1.0)
            shuts = at + 3.0 + 10.0 * exponential(self._salted(92, salt + n, who[some]))
            self._say(who[some], shuts, _FRIDGE, 0.0)

    def _doorways(self, up: Floats, down: Floats) -> None:
        """The front door opened by day without leaving: the post, a neighbour, some air."""
        everybody = np.arange(len(up))
        times = _poisson(self._uniform(93), np.full(len(up), self._plan.doorways))
        for n in range(int(times.max(initial=0))):
            some = everybody[times > n]
            at = up[some] + (down[some] - up[some]) * self._uniform(94, n, some)
            able = self._does("out", some, at) > 0.0
            self._through_door(some[able], at[able], 4000 + n)

    def _through_door(self, who: Indexes, moment: Floats, salt: int) -> None:
        self._say(who, moment - 8.0, HALLWAY, 1.0)
        self._say(who, moment, _FRONT, 1.0)
        shuts = moment + 3.0 + 10.0 * exponential(self._salted(95, salt, who))
        self._say(who, shuts, _FRONT, 0.0)

    def _fires(self, who: Indexes, room: Indexes, start: Floats, end: Floats, salt: int) -> None:
        """A motion sensor: on entering, then now and then while somebody is there."""
        every = self._plan.fires_s()[room] / (self._lively[who] * self._sensors[who, room])
        begin = start + 0.5 + 2.5 * self._uniform(30, salt, who)
        entering = begin < end
        self._say(who[entering], begin[entering], room[entering], 1.0)
        self._repeats(who, room, begin, end, every, salt)

    def _repeats(
        self, who: Indexes, room: Indexes, start: Floats, end: Floats, every: Floats, salt: int
    ) -> None:
        """A motion sensor that fires now and then between two moments."""
        end = np.minimum(end, self._made_until)
        some = np.flatnonzero(start < end)
        who, room, end, every = who[some], room[some], end[some], every[some]
        moment, turn = start[some], 0
        while len(who):
            # As many firings at once as most are still to have; then who stays longer goes on.
            least = self._plan.dead_time_s + every
            many = int(np.clip(np.median((end - moment) / least), 1, 64))
            turns = np.array(
                [key(31, 1024 * salt + turn + n) for n in range(1, many + 1)], dtype=np.uint64
            )
            gaps = exponential(self._keys[who] ^ turns[:, None])
            steps = np.vstack([moment, self._plan.dead_time_s + every * gaps])
            # Summed one after the other, so that how many go at once changes not even the last bit.
            moments = np.cumsum(steps, axis=0)[1:]
            inside = moments < end
            of = np.nonzero(inside)[1]
            self._say(who[of], moments[inside], room[of], 1.0)
            still = np.flatnonzero(inside[-1])
            who, room, end, every = who[still], room[still], end[still], every[still]
            moment, turn = moments[-1, still], turn + many

    def _seen(
        self, time: Floats, who: Indexes, channel: Indexes, value: Floats
    ) -> tuple[Floats, Indexes, Indexes, Floats]:
        """Of what residents would do what they do: less when ill, nothing when lying or away."""
        movement = self._habit("movement", who, time)
        share = np.where(channel < len(ROOMS), movement, movement >= _LYING)
        share = share * (self._habit("home", who, time) > 0.5)
        share *= np.where(channel == LIVINGROOM, self._habit("sight", who, time), 1.0)
        if (share >= 1.0).all():
            return time, who, channel, value
        moment = np.round(time * 1000.0).astype(np.int64).astype(np.uint64)
        kept = uniform(self._keys[who] ^ mix(moment) ^ mix(channel.astype(np.uint64))) < share
        return time[kept], who[kept], channel[kept], value[kept]

    # -- guests, animals, rooms -------------------------------------------------------------------

    def others(self) -> None:
        """Guests and animals, whom motion sensors cannot tell from residents."""
        first, last = (float(t) for t in self._day.at(np.array(_GUESTS_HOURS)))
        rooms = (HALLWAY, KITCHEN, LIVINGROOM, LIVINGROOM, BATHROOM, _FRONT)
        self._wander("guests", _GUESTS_FIRE_A_DAY, first, last, rooms)
        self._wander("pet", _PETS_FIRE_A_DAY, self._day.start, self._day.end, tuple(range(5)))

    def leavers(self) -> None:
        """Going away for days and coming back: out of bed, through the door."""
        who, time, home = self._habit.crossings("home")
        leaves = home == 0.0
        self._lie(who[leaves], time[leaves] - 60.0, 0.0)
        self._through_door(who, time, 5000)
        self._say(who[~leaves], time[~leaves] + 15.0, HALLWAY, 1.0)

    def _wander(
        self, habit: str, a_day: int, first: float, last: float, rooms: tuple[int, ...]
    ) -> None:
        for who in self._habit.changed(habit).tolist():
            row = np.full(6 * a_day, who)
            own = (
                self._keys[row] ^ key(*habit.encode()) ^ mix(np.arange(6 * a_day).astype(np.uint64))
            )
            time = first + (last - first) * uniform(own)
            there = uniform(own ^ key(1)) * 6.0 < self._habit(habit, row, time) - 1.0
            channel = np.array(rooms)[(uniform(own ^ key(2)) * len(rooms)).astype(np.int64)]
            sight = np.where(channel == LIVINGROOM, self._habit("sight", row, time), 1.0)
            there &= uniform(own ^ key(3)) < sight
            self._say(row[there], time[there], channel[there], 1.0)
            opens = there & (channel == _FRONT)
            self._say(row[opens], time[opens] + 6.0, _FRONT, 0.0)

    def rooms_and_batteries(self) -> None:
        """Room climate every quarter of an hour, and devices that report in once a day."""
        first = np.flatnonzero(~self._who.second)
        start, end = self._day.start, self._day.end
        offset = start + 900.0 * self._uniform(40, 0, first)
        level = 21.4 + 0.5 * np.sin(start / 86_400.0 / 9.0)
        moist = 38.0 + 3.0 * self._normal(41, 0, first)
        for quarter in range(int(min((end - start) // 900, (self._made_until - start) // 900 + 1))):
            moment = offset + 900.0 * quarter
            swing = np.cos(((moment - start) / 3600.0 - 16.0) * np.pi / 12.0)
            warm = level + 0.6 * swing + 0.08 * self._normal(42, quarter, first)
            warm += self._habit("warmth", first, moment) - 1.0
            self._say(first, moment, _WARMTH, np.round(warm, 1))
            self._say(first, moment, _MOISTURE, np.round(moist + 2.0 * swing))
        for place, (device, metric) in enumerate(CHANNELS):
            if metric != "battery":
                continue
            second = device == "button-2"
            some = np.flatnonzero(self._who.second) if second else first
            self._say(some, start + 3 * 3600.0 * self._uniform(43, place, some), place, 94.0)
        self._say(first, start + 3 * 3600.0 * self._uniform(44, 0, first), _LEAK, 0.0)

    # -- putting it together ----------------------------------------------------------------------

    def events(self) -> NDArray[np.void]:
        """Everything said, in order."""
        time, who, channel, value = self._all()
        home, said = self._who.home[who], milliseconds(time)
        # Of what a device says in one millisecond the smaller value comes first; none has more
        # than one decimal.
        order = order_by(home, channel, said, np.round(10.0 * value).astype(np.int64))
        home, channel, said, value = home[order], channel[order], said[order], value[order]
        same = (home[1:] == home[:-1]) & (channel[1:] == channel[:-1])
        while True:  # a device says one thing of a metric at a time
            again = np.flatnonzero(same & (said[1:] <= said[:-1])) + 1
            if not len(again):
                break
            said[again] = said[again - 1] + 1
        kept = _not_blind(home, channel, said, round(1000.0 * self._plan.dead_time_s))
        start, end = round(1000.0 * self._day.start), round(1000.0 * self._end)
        rows = np.flatnonzero(kept & (said >= start) & (said < end))
        rows = rows[order_by(home[rows], said[rows], channel[rows])]
        made = np.empty(len(rows), dtype=EVENT)
        made["time"], made["home"] = said[rows] / 1000.0, home[rows]
        made["channel"], made["value"] = channel[rows], value[rows]
        return made

    def _all(self) -> tuple[Floats, Indexes, Indexes, Floats]:
        """Time, person, channel and value of everything said so far."""
        none, nobody = np.empty(0), np.empty(0, dtype=np.int64)
        made = [(none, nobody, nobody, none), *self._made]
        return (
            np.concatenate([time for time, _, _, _ in made]),
            np.concatenate([who for _, who, _, _ in made]),
            np.concatenate([channel for _, _, channel, _ in made]),
            np.concatenate([value for _, _, _, value in made]),
        )

    def _say(
        self, who: Indexes, time: Floats, channel: Indexes | int, value: Floats | float
    ) -> None:
        made = (time, who, _each(channel, len(who), np.int64), _each(value, len(who), np.float64))
        if self._made_until < self._day.end:
            soon = time < self._made_until
            time, who, of, what = made
            made = time[soon], who[soon], of[soon], what[soon]
        if len(made[0]):
            self._made.append(made)

    def _salted(self, salt: int, turn: int = 0, who: Indexes | None = None) -> Keys:
        keys = self._keys if who is None else self._keys[who]
        return keys ^ key(salt, turn)

    def _uniform(self, salt: int, turn: int = 0, who: Indexes | None = None) -> Floats:
        return uniform(self._salted(salt, turn, who))

    def _normal(self, salt: int, turn: int = 0, who: Indexes | None = None) -> Floats:
        return normal(self._salted(salt, turn, who))


def _each(value: Any, count: int, dtype: type[N]) -> NDArray[N]:
    """One value for each; as it is where it is an array already."""
    return value if isinstance(value, np.ndarray) else np.full(count, value, dtype=dtype)


def _not_blind(home: Indexes, channel: Indexes, said: Indexes, dead_time: int) -> NDArray[np.bool_]:
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


def _poisson(drawn: Floats, expected: Floats) -> Indexes:
    """How many, by the inverse of Poisson's distribution; at most 30."""
    count = np.zeros(len(drawn), dtype=np.int64)
    part = np.exp(-expected)
    total = part.copy()
    for n in range(1, 31):
        count += drawn > total
        part = part * expected / n
        total += part
        if not (drawn > total).any():
            break
    return count
