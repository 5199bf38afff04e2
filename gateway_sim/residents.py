"""What residents do on one day: getting up, rooms, meals, trips, bed, and rising at night."""

from __future__ import annotations

import numpy as np

from gateway_sim.ambient import KETTLE, STOVE, Indexes
from gateway_sim.localtime import Floats
from gateway_sim.noise import exponential, key, mix, normal, uniform
from gateway_sim.routine import BATHROOM, BEDROOM, HALLWAY, KITCHEN, LIVINGROOM, ROOMS
from gateway_sim.sensors import Sensors

_LYING = 0.05
"""Movement below which somebody lies where they are and does nothing."""


class Residents:
    """All residents on one local day; their sensors say what they do."""

    def __init__(self, signs: Sensors) -> None:
        """Nothing is done yet."""
        self._signs = signs
        self._who, self._plan, self._day = signs.who, signs.plan, signs.day
        self._habit, self._number, self._keys = signs.habit, signs.number, signs.keys
        self._nightly: Floats = self._plan.night_rises * np.exp(
            self._plan.night_spread * normal(self._who.keys ^ key(66))
            - self._plan.night_spread**2 / 2.0
        )

    def live(self) -> None:
        """The whole day."""
        day, plan, keys = self._day, self._plan, self._who.keys
        everybody = np.arange(len(keys))
        noon = np.full(len(keys), day.start + 43_200.0)
        rest = self._habit("bed", everybody, noon) - 1.0
        up = day.at(np.clip(plan.rises(keys, self._number) + 1.5 * rest, 3.0, 12.0))
        down = day.at(np.clip(plan.retires(keys, self._number) - 1.0 * rest, 18.0, 23.8))
        before = self._seats(self._number - 1, np.full(len(up), day.start))
        after = self._seats(self._number, np.full(len(up), day.end))
        self._sleep(np.full(len(up), day.start + 60.0), up, before, 0)
        self._signs.lie(everybody[before != LIVINGROOM], up[before != LIVINGROOM], 0.0)
        self._walk(up, down)
        self._signs.fires(everybody, after, down, down + 120.0, 4)
        self._signs.lie(everybody[after != LIVINGROOM], down[after != LIVINGROOM] + 150.0, 1.0)
        self._sleep(down + 200.0, np.full(len(up), day.end - 60.0), after, 1)
        self._signs.made = [self._seen(*self._signs.said())]

    def _seats(self, evening: Indexes, midnight: Floats) -> Indexes:
        """Where people spend the night that begins on an evening: in bed, or in the chair."""
        everybody = np.arange(len(midnight))
        drawn = uniform(self._who.keys ^ key(64) ^ mix(evening.astype(np.uint64)))
        chair = drawn < self._habit("chair", everybody, midnight) - 1.0
        return np.where(chair, LIVINGROOM, BEDROOM)

    def _sleep(self, start: Floats, end: Floats, room: Indexes, part: int) -> None:
        """A part of the night: turning over, and rising, mostly to the bathroom."""
        everybody = np.arange(len(start))
        every = self._plan.asleep_fires_every_s / self._signs.sensitivity[everybody, room]
        self._signs.repeats(everybody, room, start, end, every, 60 + part)
        middle = (start + end) / 2.0
        night = np.maximum(end - start, 0.0) / (8.5 * 3600.0)
        habit = self._habit("night", everybody, middle)
        times = _poisson(self._signs.uniform(10, part), self._nightly * habit * night)
        wanders = self._habit("door_night", everybody, middle) - 1.0
        for rise in range(int(times.max(initial=0))):
            turn = 64 * part + rise
            some = np.flatnonzero((times > rise) & (end - start > 1800.0))
            latest = end[some] - start[some] - 900.0
            moment = start[some] + self._signs.uniform(11, turn, some) * latest
            lies = room[some] != LIVINGROOM
            self._signs.lie(some[lies], moment[lies], 0.0)
            self._signs.fires(some, room[some], moment + 4.0, moment + 12.0, 100 + turn)
            back = moment + 240.0 + 260.0 * self._signs.uniform(12, turn, some)
            bathroom = np.full(len(some), BATHROOM)
            self._signs.fires(some, bathroom, moment + 25.0, moment + 200.0, 300 + turn)
            hungry = self._signs.uniform(13, turn, some) < self._plan.night_kitchen
            eats = some[hungry]
            self._signs.fires(
                eats, np.full(len(eats), KITCHEN), moment[hungry] + 205.0, back[hungry], 500 + turn
            )
            leaves = self._signs.uniform(14, turn, some) < wanders[some] / np.maximum(
                times[some], 1
            )
            self._signs.through_door(some[leaves], moment[leaves] + 60.0, 2000 + turn)
            self._signs.fires(some, room[some], back - 30.0, back - 20.0, 700 + turn)
            self._signs.lie(some[lies], back[lies], 1.0)

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
        last = np.minimum(down, self._signs.made_until)
        while len(awake := np.flatnonzero(now < last)):
            step += 1
            due = awake[now[awake] >= trips[awake, trip[awake]]]
            out = due[self._signs.uniform(18, step, due) < self._does("out", due, now[due])]
            if len(out):
                back = now[out] + lasts[out, trip[out]]
                for moment, salt in ((now[out], 1), (back, 2)):
                    self._signs.through_door(out, moment, 64 * step + salt)
                room[out], now[out] = HALLWAY, back + 20.0
                awake = np.setdiff1d(awake, out, assume_unique=True)
            trip[due] += 1
            eating = now[awake] >= meals[awake, meal[awake]]
            eaters = awake[eating]
            hungry = eaters[
                self._signs.uniform(15, step, eaters) < self._does("kitchen", eaters, now[eaters])
            ]
            self._meal(hungry, now[hungry], meal[hungry], step)
            meal[eaters] += 1
            room[hungry] = KITCHEN
            where, when = room[awake], now[awake]
            rests = self._habit("bed", awake, when)
            stay = stays[where] * np.exp(plan.stay_spread * self._signs.normal(16, step, awake))
            stay = np.minimum(stay / self._signs.lively[awake], 6 * 3600.0)
            stay *= np.where(where == BEDROOM, np.maximum(rests, 1.0) ** 2, 1.0)
            # More often to the bathroom is sooner to the bathroom: its rate is one of several.
            often = self._habit("bathroom", awake, when)
            stay /= 1.0 + to_bathroom[where] * (often - 1.0)
            at_table = np.isin(awake, hungry, assume_unique=True)
            stay[at_table] = 900.0 + 900.0 * exponential(
                self._signs.salted(17, step, awake[at_table])
            )
            leaves = np.minimum(when + stay, down[awake])
            self._signs.fires(awake, where, when, leaves, 1000 + step)
            self._fridge(awake[(where == KITCHEN) & ~at_table], when, leaves, awake, step)
            naps = (where == BEDROOM) & (rests > 1.2) & (leaves - when > 1200.0)
            self._signs.lie(awake[naps], when[naps] + 200.0, 1.0)
            self._signs.lie(awake[naps], leaves[naps] - 60.0, 0.0)
            pull = np.where(
                (leaves < up[awake] + dressing) | (leaves > down[awake] - dressing),
                plan.dressing_pull,
                1.0,
            )
            room[awake] = self._next(awake, where, leaves, pull, np.maximum(rests, 1.0), step)
            now[awake] = leaves + 3.0 + 12.0 * self._signs.uniform(19, step, awake)

    def _next(
        self, who: Indexes, room: Indexes, time: Floats, pull: Floats, rests: Floats, step: int
    ) -> Indexes:
        """The room after this one."""
        shares = self._plan.shares()[room]
        shares[:, BATHROOM] *= pull * self._habit("bathroom", who, time)
        shares[:, BEDROOM] *= pull * rests**2
        cumulated = np.cumsum(shares, axis=1)
        drawn = self._signs.uniform(20, step, who) * cumulated[:, -1]
        after: Indexes = np.minimum((drawn[:, None] >= cumulated).sum(axis=1), len(ROOMS) - 1)
        return after

    def _does(self, habit: str, who: Indexes, time: Floats) -> Floats:
        """How likely somebody does what they usually do; who lies there does nothing."""
        lies = self._habit("movement", who, time) < _LYING
        return np.where(lies, 0.0, self._habit(habit, who, time))

    def _trips(self) -> tuple[Floats, Floats]:
        """When people leave the home, and for how long, shape (people, 3); the last is never."""
        share = np.cumsum(self._plan.trips)[:-1] / sum(self._plan.trips)
        count = (self._signs.uniform(21)[:, None] >= share).sum(axis=1)
        hours = np.sort(
            np.column_stack([9.5 + 7.0 * self._signs.uniform(22, n) for n in range(2)]), axis=1
        )
        starts = np.full((len(count), 3), np.inf)
        for n in range(2):
            some = count > n
            starts[some, n] = self._day.at(hours[some, n])
        low, high = self._plan.trip_minutes
        lasts = np.column_stack(
            [60.0 * (low + (high - low) * self._signs.uniform(23, n)) for n in range(3)]
        )
        return starts, lasts

    def _meals(self, up: Floats) -> Floats:
        """When people eat, shape (people, meals + 1); the last is never."""
        plan = self._plan
        hours = [
            hour + plan.meal_spread_h * self._signs.normal(24, n)
            for n, hour in enumerate(plan.meals_at)
        ]
        times = [
            up + 1200.0 if plan.meals_at[n] < 0 else self._day.at(hour)
            for n, hour in enumerate(hours)
        ]
        return np.column_stack([*times, np.full(len(up), np.inf)])

    def _meal(self, who: Indexes, start: Floats, meal: Indexes, step: int) -> None:
        expected = np.full(len(who), max(self._plan.fridge_at_meals - 1.0, 0.0))
        openings = 1 + _poisson(self._signs.uniform(25, step, who), expected)
        self._signs.opens(who, openings, start + 20.0, np.full(len(who), 680.0), 64 * step)
        boils = self._signs.uniform(26, step, who) < self._plan.kettle
        self._signs.power(who[boils], start[boils], KETTLE, 1950.0, (130.0, 240.0), step)
        cooks = (self._signs.uniform(27, step, who) < self._plan.stove) & (meal > 0)
        self._signs.power(who[cooks], start[cooks], STOVE, 1450.0, (480.0, 1700.0), step)

    def _fridge(
        self, who: Indexes, when: Floats, leaves: Floats, awake: Indexes, step: int
    ) -> None:
        """Now and then somebody in the kitchen looks into the fridge."""
        at = np.searchsorted(awake, who)
        expected = np.full(len(who), self._plan.fridge_between)
        openings = _poisson(self._signs.uniform(90, step, who), expected)
        span = np.maximum(leaves[at] - when[at] - 20.0, 1.0)
        self._signs.opens(who, openings, when[at] + 5.0, span, 64 * step + 32)

    def _doorways(self, up: Floats, down: Floats) -> None:
        """The front door opened by day without leaving: the post, a neighbour, some air."""
        everybody = np.arange(len(up))
        times = _poisson(self._signs.uniform(93), np.full(len(up), self._plan.doorways))
        for n in range(int(times.max(initial=0))):
            some = everybody[times > n]
            at = up[some] + (down[some] - up[some]) * self._signs.uniform(94, n, some)
            able = self._does("out", some, at) > 0.0
            self._signs.through_door(some[able], at[able], 4000 + n)

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
