"""Ambient sensors on one day: what people's doings make them say, and how it is put in order."""

from __future__ import annotations

from datetime import date
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from gateway_sim.ambient import BED, EVENT, FRIDGE, FRONT, Dwellers, Indexes, not_blind
from gateway_sim.habits import Habits
from gateway_sim.illness import Illnesses
from gateway_sim.localtime import EPOCH, Floats, LocalDay, local_day, milliseconds
from gateway_sim.noise import Keys, exponential, key, normal, uniform
from gateway_sim.routine import HALLWAY, ROOMS, Routine
from gateway_sim.sorting import order_by

N = TypeVar("N", bound=np.generic)
_AHEAD_S = 300.0
"""How much longer than its events a day is made: something is said shortly before its occasion."""


class Sensors:
    """The sensors of all homes on one local day; what they say is kept until `events`.

    `who` counts people in the order of `Dwellers`; times are Unix seconds; `salt`, `turn` and
    `step` tell apart what is drawn for one person on one day.
    """

    def __init__(
        self, who: Dwellers, day: date, illnesses: Illnesses, plan: Routine, until: float
    ) -> None:
        """Nobody has done anything yet; `until`: what comes later is left out."""
        self.who, self.plan = who, plan
        self.day: LocalDay = local_day(day)
        self.end = min(self.day.end, until)
        self.made_until = self.end + _AHEAD_S
        self.number = np.full(len(who.person), day.toordinal() - EPOCH, dtype=np.int64)
        self.keys: Keys = who.keys ^ key(60, day.toordinal())
        self.made: list[tuple[Floats, Indexes, Indexes, Floats]] = []
        self.habit = Habits(illnesses, who.person, self.day.start, self.day.end)
        home = np.where(who.second, np.roll(who.keys, 1), who.keys)
        self.lively: Floats = np.exp(
            plan.home_spread * normal(who.keys ^ key(61)) + plan.day_spread * self.normal(1)
        )
        self.sensitivity: Floats = np.exp(
            plan.sensor_spread * np.stack([normal(home ^ key(65, n)) for n in range(len(ROOMS))], 1)
        )

    def lie(self, who: Indexes, time: Floats, value: float) -> None:
        """Somebody's bed: 1 somebody lies in it, 0 nobody does."""
        self.say(who, time, BED + self.who.second[who], value)

    def power(
        self, who: Indexes, start: Floats, plug: int, watts: float, lasts: tuple[float, float],
        step: int,
    ) -> None:  # fmt: skip
        """A plug's power, and 0 at the end."""
        low, high = lasts
        begins = start + 30.0 + 370.0 * self.uniform(28 + plug, step, who)
        self.say(who, begins, plug, np.round(watts + 15.0 * self.normal(50 + plug, step, who)))
        ends = begins + low + (high - low) * self.uniform(70 + plug, step, who)
        self.say(who, ends, plug, 0.0)

    def opens(
        self, who: Indexes, openings: Indexes, start: Floats, span: Floats, salt: int
    ) -> None:
        """The fridge, so many times within a span."""
        for n in range(int(openings.max(initial=0))):
            some = openings > n
            at = start[some] + span[some] * self.uniform(91, salt + n, who[some])
            self.say(who[some], at, FRIDGE, 1.0)
            shuts = at + 3.0 + 10.0 * exponential(self.salted(92, salt + n, who[some]))
            self.say(who[some], shuts, FRIDGE, 0.0)

    def through_door(self, who: Indexes, moment: Floats, salt: int) -> None:
        """The hallway, and the front door opened and shut."""
        self.say(who, moment - 8.0, HALLWAY, 1.0)
        self.say(who, moment, FRONT, 1.0)
        shuts = moment + 3.0 + 10.0 * exponential(self.salted(95, salt, who))
        self.say(who, shuts, FRONT, 0.0)

    def fires(self, who: Indexes, room: Indexes, start: Floats, end: Floats, salt: int) -> None:
        """A motion sensor: on entering, then now and then while somebody is there."""
        every = self.plan.fires_s()[room] / (self.lively[who] * self.sensitivity[who, room])
        begin = start + 0.5 + 2.5 * self.uniform(30, salt, who)
        entering = begin < end
        self.say(who[entering], begin[entering], room[entering], 1.0)
        self.repeats(who, room, begin, end, every, salt)

    def repeats(
        self, who: Indexes, room: Indexes, start: Floats, end: Floats, every: Floats, salt: int
    ) -> None:
        """A motion sensor that fires now and then between two moments."""
        end = np.minimum(end, self.made_until)
        some = np.flatnonzero(start < end)
        who, room, end, every = who[some], room[some], end[some], every[some]
        moment, turn = start[some], 0
        while len(who):
            # As many firings at once as most are still to have; then who stays longer goes on.
            least = self.plan.dead_time_s + every
            many = int(np.clip(np.median((end - moment) / least), 1, 64))
            turns = np.array(
                [key(31, 1024 * salt + turn + n) for n in range(1, many + 1)], dtype=np.uint64
            )
            gaps = exponential(self.keys[who] ^ turns[:, None])
            steps = np.vstack([moment, self.plan.dead_time_s + every * gaps])
            # Summed one after the other, so that how many go at once changes not even the last bit.
            moments = np.cumsum(steps, axis=0)[1:]
            inside = moments < end
            of = np.nonzero(inside)[1]
            self.say(who[of], moments[inside], room[of], 1.0)
            still = np.flatnonzero(inside[-1])
            who, room, end, every = who[still], room[still], end[still], every[still]
            moment, turn = moments[-1, still], turn + many

    def events(self) -> NDArray[np.void]:
        """Everything said, in order."""
        time, who, channel, value = self.said()
        home, said = self.who.home[who], milliseconds(time)
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
        kept = not_blind(home, channel, said, round(1000.0 * self.plan.dead_time_s))
        start, end = round(1000.0 * self.day.start), round(1000.0 * self.end)
        rows = np.flatnonzero(kept & (said >= start) & (said < end))
        rows = rows[order_by(home[rows], said[rows], channel[rows])]
        made = np.empty(len(rows), dtype=EVENT)
        made["time"], made["home"] = said[rows] / 1000.0, home[rows]
        made["channel"], made["value"] = channel[rows], value[rows]
        return made

    def said(self) -> tuple[Floats, Indexes, Indexes, Floats]:
        """Time, person, channel and value of everything said so far."""
        none, nobody = np.empty(0), np.empty(0, dtype=np.int64)
        made = [(none, nobody, nobody, none), *self.made]
        return (
            np.concatenate([time for time, _, _, _ in made]),
            np.concatenate([who for _, who, _, _ in made]),
            np.concatenate([channel for _, _, channel, _ in made]),
            np.concatenate([value for _, _, _, value in made]),
        )

    def say(
        self, who: Indexes, time: Floats, channel: Indexes | int, value: Floats | float
    ) -> None:
        """One reading each."""
        made = (time, who, _each(channel, len(who), np.int64), _each(value, len(who), np.float64))
        if self.made_until < self.day.end:
            soon = time < self.made_until
            time, who, of, what = made
            made = time[soon], who[soon], of[soon], what[soon]
        if len(made[0]):
            self.made.append(made)

    def salted(self, salt: int, turn: int = 0, who: Indexes | None = None) -> Keys:
        """Keys of these people on this day."""
        keys = self.keys if who is None else self.keys[who]
        return keys ^ key(salt, turn)

    def uniform(self, salt: int, turn: int = 0, who: Indexes | None = None) -> Floats:
        """Of 0 to 1, one for each."""
        return uniform(self.salted(salt, turn, who))

    def normal(self, salt: int, turn: int = 0, who: Indexes | None = None) -> Floats:
        """Of mean 0 and deviation 1, one for each."""
        return normal(self.salted(salt, turn, who))


def _each(value: Any, count: int, dtype: type[N]) -> NDArray[N]:
    """One value for each; as it is where it is an array already."""
    return value if isinstance(value, np.ndarray) else np.full(count, value, dtype=dtype)
