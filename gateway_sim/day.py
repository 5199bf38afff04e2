"""A day in a home, as its ambient sensors see it: a pure function of home and local date.

Residents get up, use rooms, eat, go out, go to bed and rise at night; each stay in a room makes its
motion sensor fire now and then. About 180 ambient events a home and day, as in TIHM's homes.
Clock times (getting up, meals) are local; what lasts is counted in seconds, so that the nights on
which the clock changes are an hour shorter or longer and nothing else.
"""

from __future__ import annotations

import math
from bisect import bisect
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from core.clock import LOCAL

ROOMS = ("hallway", "kitchen", "livingroom", "bedroom", "bathroom")
DOORS = ("front", "fridge")

# Where somebody goes next from where they are, and how long they stay: minutes (median).
_NEXT: dict[str, dict[str, float]] = {
    "hallway": {"kitchen": 0.35, "livingroom": 0.4, "bedroom": 0.1, "bathroom": 0.15},
    "kitchen": {"hallway": 0.3, "livingroom": 0.6, "bathroom": 0.1},
    "livingroom": {"hallway": 0.35, "kitchen": 0.45, "bedroom": 0.1, "bathroom": 0.1},
    "bedroom": {"hallway": 0.5, "bathroom": 0.3, "livingroom": 0.2},
    "bathroom": {"hallway": 0.5, "bedroom": 0.15, "livingroom": 0.35},
}
# The same as rooms and cumulated shares, the last one left out: a drawn number picks a room.
_NEXT_SHARES = {
    room: (list(choices), list(accumulate(choices.values()))[:-1])
    for room, choices in _NEXT.items()
}
_STAY_MINUTES = {
    "hallway": 1.5,
    "kitchen": 14.0,
    "livingroom": 38.0,
    "bedroom": 12.0,
    "bathroom": 7.0,
}
# Seconds between firings of a sensor whose room is in use (they have a dead time themselves).
_FIRES_EVERY = {
    "hallway": 60.0,
    "kitchen": 240.0,
    "livingroom": 720.0,
    "bedroom": 420.0,
    "bathroom": 240.0,
}


class Reading(NamedTuple):
    """What a device says of one metric at one time."""

    time: float
    """Unix seconds, whole milliseconds."""
    device: str
    metric: str
    value: float


class Habits(NamedTuple):
    """One resident's day."""

    wakes: float
    """Hour of getting up, local."""
    sleeps: float
    """Hour of going to bed, local, before midnight."""
    bed: str
    """Name of the bed sensor."""
    button: str
    """Name of the help button."""


def local_midnight(day: date) -> float:
    """Unix seconds of the day's beginning in Europe/Helsinki."""
    return datetime(day.year, day.month, day.day, tzinfo=LOCAL).timestamp()


def local_date(time: float) -> date:
    """The day in Europe/Helsinki of Unix seconds."""
    return datetime.fromtimestamp(time, UTC).astimezone(LOCAL).date()


def at_hour(day: date, hour: float) -> float:
    """Unix seconds at which local clocks show `hour` (0 … <24) on that day."""
    naive = datetime(day.year, day.month, day.day) + timedelta(hours=hour)  # noqa: DTZ001 - made aware next
    return naive.replace(tzinfo=LOCAL).timestamp()


def ambient_day(seed: tuple[int, ...], residents: list[Habits], day: date) -> list[Reading]:
    """All ambient readings of a home on one local day, in order of time.

    Args:
        seed: the county's seed and the home's number.
        residents: one or two people.
        day: local date; readings lie between its midnight and the next.
    """
    rng = np.random.default_rng([*seed, day.toordinal()])
    start, end = local_midnight(day), local_midnight(day + timedelta(days=1))
    readings: list[Reading] = []
    for habits in residents:
        readings.extend(_resident(rng, habits, day))
    readings.extend(_climate(rng, day, start, end))
    readings.extend(_self_checks(rng, start, [habits.button for habits in residents]))
    return _tidy(readings, start, end)


def _resident(rng: np.random.Generator, habits: Habits, day: date) -> Iterator[Reading]:
    wakes = at_hour(day, habits.wakes + rng.normal(0.0, 0.35))
    sleeps = at_hour(day, min(23.8, habits.sleeps + rng.normal(0.0, 0.4)))
    yield from _night(rng, habits.bed, local_midnight(day), wakes)
    yield Reading(wakes, habits.bed, "bed", 0.0)
    trips = _trips(rng, day)
    meals = [
        wakes + 1200.0,
        at_hour(day, 11.7 + rng.normal(0, 0.4)),
        at_hour(day, 17.0 + rng.normal(0, 0.5)),
    ]
    room, now = "bathroom", wakes + 30.0
    while now < sleeps:
        if trips and now >= trips[0][0]:
            left, back = trips.pop(0)
            left = max(left, now)
            back = max(back, left + 600.0)
            for moment in (left, back):
                yield from _through_door(rng, moment)
            room, now = "hallway", back + 20.0
            continue
        if meals and now >= meals[0]:
            meals.pop(0)
            yield from _meal(rng, now)
            room = "kitchen"
            stay = 900.0 + rng.exponential(900.0)
        else:
            stay = 60.0 * _STAY_MINUTES[room] * rng.lognormal(0.0, 0.7)
        leaves = min(now + stay, sleeps)
        yield from _fires(rng, room, now, leaves)
        rooms, shares = _NEXT_SHARES[room]
        room = rooms[bisect(shares, rng.random())]
        now = leaves + rng.uniform(3.0, 15.0)
    yield from _fires(rng, "bedroom", sleeps, sleeps + 120.0)
    yield Reading(sleeps + 150.0, habits.bed, "bed", 1.0)


def _night(rng: np.random.Generator, bed: str, start: float, wakes: float) -> Iterator[Reading]:
    """Rising at night, mostly to the bathroom: on average once."""
    for moment in np.sort(rng.uniform(start + 900.0, wakes - 900.0, rng.poisson(1.1))):
        yield Reading(moment, bed, "bed", 0.0)
        yield from _fires(rng, "bedroom", moment + 4.0, moment + 12.0)
        yield from _fires(rng, "bathroom", moment + 25.0, moment + 200.0)
        yield Reading(moment + rng.uniform(240.0, 500.0), bed, "bed", 1.0)


def _trips(rng: np.random.Generator, day: date) -> list[tuple[float, float]]:
    """Times out of the home: none, one or two, in the middle of the day."""
    count = int(rng.choice([0, 1, 2], p=[0.35, 0.5, 0.15]))
    starts = np.sort(rng.uniform(9.5, 16.5, count))
    return [(at_hour(day, h), at_hour(day, h) + rng.uniform(1500.0, 7200.0)) for h in starts]


def _through_door(rng: np.random.Generator, moment: float) -> Iterator[Reading]:
    yield Reading(moment - 8.0, "motion-hallway", "motion", 1.0)
    yield Reading(moment, "door-front", "door", 1.0)
    yield Reading(moment + rng.uniform(4.0, 25.0), "door-front", "door", 0.0)


def _meal(rng: np.random.Generator, start: float) -> Iterator[Reading]:
    for moment in start + np.sort(rng.uniform(20.0, 700.0, 1 + rng.poisson(1.6))):
        yield Reading(moment, "door-fridge", "door", 1.0)
        yield Reading(moment + rng.uniform(3.0, 20.0), "door-fridge", "door", 0.0)
    if rng.random() < 0.8:
        boils = start + rng.uniform(30.0, 400.0)
        yield Reading(boils, "plug-kettle", "power", round(rng.normal(1950.0, 15.0)))
        yield Reading(boils + rng.uniform(130.0, 240.0), "plug-kettle", "power", 0.0)


def _fires(rng: np.random.Generator, room: str, start: float, end: float) -> Iterator[Reading]:
    """A motion sensor: on entering, then now and then while somebody is there."""
    moment = start + rng.uniform(0.5, 3.0)
    while moment < end:
        yield Reading(moment, f"motion-{room}", "motion", 1.0)
        moment += 30.0 + rng.exponential(_FIRES_EVERY[room])


def _climate(rng: np.random.Generator, day: date, start: float, end: float) -> Iterator[Reading]:
    """Room climate every quarter of an hour, beginning at a second of the home's own."""
    level = 21.4 + 0.5 * math.sin(day.toordinal() / 9.0)
    moist = 38.0 + rng.normal(0.0, 3.0)
    for moment in np.arange(start + rng.uniform(0.0, 900.0), end, 900.0).tolist():
        hour = (moment - start) / 3600.0
        swing = math.cos((hour - 16.0) * math.pi / 12.0)
        warm = level + 0.6 * swing + rng.normal(0.0, 0.08)
        yield Reading(moment, "climate-livingroom", "room_temperature", round(warm, 1))
        yield Reading(moment, "climate-livingroom", "humidity", round(moist + 2.0 * swing))


def _self_checks(rng: np.random.Generator, start: float, buttons: list[str]) -> Iterator[Reading]:
    """Battery-driven devices report in once a day, in the small hours."""
    devices = [f"motion-{room}" for room in ROOMS] + [f"door-{door}" for door in DOORS]
    for device in [*devices, "smoke-1", *buttons]:
        yield Reading(start + rng.uniform(0.0, 3 * 3600.0), device, "battery", 94.0)


def _tidy(readings: list[Reading], start: float, end: float) -> list[Reading]:
    """Whole milliseconds, inside the day, in order, one value per device, metric and time."""
    seen: set[tuple[str, str, float]] = set()
    tidy = []
    for reading in sorted(readings):
        time = round(float(reading.time), 3)
        while (reading.device, reading.metric, time) in seen:
            time = round(time + 0.001, 3)
        seen.add((reading.device, reading.metric, time))
        if start <= time < end:
            tidy.append(reading._replace(time=time, value=float(reading.value)))
    tidy.sort()
    return tidy
