"""What a household did on each local day: counts by room and hour, nights, meals, bed.

A day's night is the one that ends on it, from 22 to 6 by the local clock. Firings of one room less
than five minutes apart are one visit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

PLACES = (
    "hallway", "kitchen", "livingroom", "bedroom", "bathroom",
    "front", "fridge", "cooking", "bed_out", "bed_in", "elsewhere",
)  # fmt: skip
"""What an event is of: motion in a room, a door opened, a plug on, leaving the bed, lying down;
motion or a door elsewhere is a sign of life and counted nowhere."""
ROOMS = 5
_KITCHEN, _BATHROOM, _FRONT, _FRIDGE, _COOKING, _OUT, _IN = 1, 4, 5, 6, 7, 8, 9
NIGHT = (22, 6)
"""Local hours, the first of the evening before."""
_VISIT_S = 300.0
_DAY_S = 86_400.0

WHOLE = (
    "activity", "kitchen_visits", "meals", "bathroom_by_day", "bathroom_by_night", "rises",
    "minutes_out_of_bed", "front_by_night", "front_by_day",
)  # fmt: skip
MEASURES: tuple[str, ...] = (
    *WHOLE,
    *(f"{room}_{hour:02}" for room in PLACES[:ROOMS] for hour in range(24)),
)
"""Of a day; the last are firings by room and local hour."""
SENSORS = {
    "activity": (0, 1, 2, 3, 4), "kitchen_visits": (1,), "meals": (_FRIDGE,),
    "bathroom_by_day": (_BATHROOM,), "bathroom_by_night": (_BATHROOM,), "rises": (_OUT, _IN),
    "minutes_out_of_bed": (_OUT, _IN), "front_by_night": (_FRONT,), "front_by_day": (_FRONT,),
}  # fmt: skip
"""What must be heard for a measure to be known."""


@dataclass(frozen=True)
class Events:
    """Rows (e) in order of home and time."""

    home: Ints
    """0 … n - 1."""
    local: Floats
    """Seconds since 1970-01-01 on the local clock; so an hour that the clock repeats counts twice
    in its hour, and one that it leaves out has nothing."""
    time: Floats
    """Unix seconds: what lasts is counted in these."""
    place: Ints
    """Index into PLACES."""


def household(events: Events, first: int, days: int, heard: NDArray[np.bool_]) -> Floats:
    """Counts of each (day, home, measure), shape (days, n, len(MEASURES)).

    Args:
        first: local days since 1970-01-01 of the first row; what lies outside is left out.
        heard: (days, n, len(PLACES)): whether the sensor was there and alive, all day. Where it was
            not, what needs it is NaN, not 0.
    """
    homes = heard.shape[1]
    made = np.zeros((days, homes, len(MEASURES)))
    hour = np.floor(events.local % _DAY_S / 3600.0).astype(np.int64)
    day = np.floor(events.local / _DAY_S).astype(np.int64) - first
    late = hour >= NIGHT[0]
    night = late | (hour < NIGHT[1])
    morning = day + late
    place = events.place

    def count(at: Ints, values: Floats | float) -> None:
        np.add.at(made.reshape(-1), at, values)

    def add(measure: int, which: NDArray[np.bool_], at: Ints, amount: Floats | None = None) -> None:
        rows = np.flatnonzero(which & (at >= 0) & (at < days))
        values = 1.0 if amount is None else amount[rows]
        count((at[rows] * homes + events.home[rows]) * len(MEASURES) + measure, values)

    visit = _visits(events)
    motion = place < ROOMS
    add(0, motion, day)
    add(1, visit & (place == _KITCHEN), day)
    # A meal: the fridge or the stove, once an hour at most.
    add(2, _first_of_hour(events, day, hour), day)
    add(3, visit & (place == _BATHROOM) & ~night, day)
    add(4, visit & (place == _BATHROOM) & night, morning)
    add(5, (place == _OUT) & night, morning)
    add(6, (place == _OUT) & night, morning, _minutes_out(events, hour))
    add(7, (place == _FRONT) & night, morning)
    add(8, (place == _FRONT) & ~night, day)
    rows = np.flatnonzero(motion & (day >= 0) & (day < days))
    cell = len(WHOLE) + 24 * place[rows] + hour[rows]
    count((day[rows] * homes + events.home[rows]) * len(MEASURES) + cell, 1.0)
    for number, name in enumerate(MEASURES):
        needs = SENSORS[name] if number < len(WHOLE) else ((number - len(WHOLE)) // 24,)
        made[..., number][~heard[..., needs].all(axis=-1)] = np.nan
    return made


def _visits(events: Events) -> NDArray[np.bool_]:
    """Whether each event is the first of its visit to its place."""
    order = np.lexsort((events.time, events.place, events.home))
    new = np.ones(len(order), dtype=bool)
    same = (np.diff(events.home[order]) == 0) & (np.diff(events.place[order]) == 0)
    new[1:] = ~(same & (np.diff(events.time[order]) < _VISIT_S))
    visit = np.empty_like(new)
    visit[order] = new
    return visit


def _first_of_hour(events: Events, day: Ints, hour: Ints) -> NDArray[np.bool_]:
    some = np.flatnonzero((events.place == _FRIDGE) | (events.place == _COOKING))
    keys = np.stack([events.home[some], day[some], hour[some]])
    first = np.zeros(len(events.home), dtype=bool)
    if len(some):
        first[some[np.unique(keys, axis=1, return_index=True)[1]]] = True
    return first


def _minutes_out(events: Events, hour: Ints) -> Floats:
    """Minutes from each leaving of the bed to the next lying down, or to the night's end."""
    bed = np.flatnonzero((events.place == _OUT) | (events.place == _IN))
    minutes = np.zeros(len(hour))
    if len(bed):
        after = np.append(events.time[bed][1:], np.inf)
        after[:-1][np.diff(events.home[bed]) != 0] = np.inf
        left = (NIGHT[1] * 3600.0 - events.local[bed] % _DAY_S) % _DAY_S
        minutes[bed] = np.round(np.minimum(after - events.time[bed], left) / 60.0)
    return minutes
