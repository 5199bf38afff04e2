"""A day in all homes at once, as their ambient sensors see it: a pure function of home and date.

Residents get up, use rooms, eat, go out, go to bed and rise at night (`day.toml`); each stay in a
room makes its motion sensor fire now and then. All homes take their next step together, so a day
of the whole county is some hundred operations on arrays. What an illness does to somebody's habits
is asked at every step (`habits`), so that a fall at three stops the kitchen at three.

Clock times (getting up, meals) are local; what lasts is counted in seconds, so that the nights on
which the clock changes are an hour shorter or longer and nothing else.
"""

from __future__ import annotations

from datetime import date

import numpy as np
from numpy.typing import NDArray

from gateway_sim.ambient import CHANNELS, EVENT, FRONT, LEAK, MOISTURE, WARMTH, Dwellers
from gateway_sim.illness import Illnesses
from gateway_sim.noise import key, mix, uniform
from gateway_sim.residents import Residents
from gateway_sim.routine import BATHROOM, HALLWAY, KITCHEN, LIVINGROOM, Routine, routine
from gateway_sim.sensors import Sensors

_GUESTS_FIRE_A_DAY, _GUESTS_HOURS = 260, (8.0, 23.0)
_PETS_FIRE_A_DAY = 70


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
    signs = Sensors(who, day, illnesses, plan or routine(), until)
    Residents(signs).live()
    rest = _Rest(signs)
    rest.others()
    rest.leavers()
    rest.rooms_and_batteries()
    return signs.events()


class _Rest:
    """What is not a resident's doing at home: guests, animals, leaving for days, the rooms."""

    def __init__(self, signs: Sensors) -> None:
        self._signs = signs
        self._who, self._day, self._habit, self._keys = (
            signs.who, signs.day, signs.habit, signs.keys
        )  # fmt: skip

    def others(self) -> None:
        """Guests and animals, whom motion sensors cannot tell from residents."""
        first, last = (float(t) for t in self._day.at(np.array(_GUESTS_HOURS)))
        rooms = (HALLWAY, KITCHEN, LIVINGROOM, LIVINGROOM, BATHROOM, FRONT)
        self._wander("guests", _GUESTS_FIRE_A_DAY, first, last, rooms)
        self._wander("pet", _PETS_FIRE_A_DAY, self._day.start, self._day.end, tuple(range(5)))

    def leavers(self) -> None:
        """Going away for days and coming back: out of bed, through the door."""
        who, time, home = self._habit.crossings("home")
        leaves = home == 0.0
        self._signs.lie(who[leaves], time[leaves] - 60.0, 0.0)
        self._signs.through_door(who, time, 5000)
        self._signs.say(who[~leaves], time[~leaves] + 15.0, HALLWAY, 1.0)

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
            self._signs.say(row[there], time[there], channel[there], 1.0)
            opens = there & (channel == FRONT)
            self._signs.say(row[opens], time[opens] + 6.0, FRONT, 0.0)

    def rooms_and_batteries(self) -> None:
        """Room climate every quarter of an hour, and devices that report in once a day."""
        first = np.flatnonzero(~self._who.second)
        start, end = self._day.start, self._day.end
        offset = start + 900.0 * self._signs.uniform(40, 0, first)
        level = 21.4 + 0.5 * np.sin(start / 86_400.0 / 9.0)
        moist = 38.0 + 3.0 * self._signs.normal(41, 0, first)
        for quarter in range(
            int(min((end - start) // 900, (self._signs.made_until - start) // 900 + 1))
        ):
            moment = offset + 900.0 * quarter
            swing = np.cos(((moment - start) / 3600.0 - 16.0) * np.pi / 12.0)
            warm = level + 0.6 * swing + 0.08 * self._signs.normal(42, quarter, first)
            warm += self._habit("warmth", first, moment) - 1.0
            self._signs.say(first, moment, WARMTH, np.round(warm, 1))
            self._signs.say(first, moment, MOISTURE, np.round(moist + 2.0 * swing))
        for place, (device, metric) in enumerate(CHANNELS):
            if metric != "battery":
                continue
            second = device == "button-2"
            some = np.flatnonzero(self._who.second) if second else first
            self._signs.say(
                some, start + 3 * 3600.0 * self._signs.uniform(43, place, some), place, 94.0
            )
        self._signs.say(first, start + 3 * 3600.0 * self._signs.uniform(44, 0, first), LEAK, 0.0)
