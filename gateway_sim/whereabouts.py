"""Where the sensors of a home say that somebody who lives alone is: for pictures of a day."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from gateway_sim.ambient import CHANNELS, Dwellers
from gateway_sim.county import County
from gateway_sim.day import ambient_day
from gateway_sim.illness import Illnesses
from gateway_sim.localtime import local_day
from gateway_sim.noise import Floats
from gateway_sim.routine import BATHROOM, ROOMS

WHERE = ("bed", *ROOMS, "out")
SLOTS = 144
"""Ten minutes each, by the clock."""
_BED, _OUT = 0, len(WHERE) - 1
_SILENT_S = 600.0
_VISIT_S = 300.0


def whereabouts(county: County, person: int, day: date, illnesses: Illnesses) -> NDArray[np.int64]:
    """A place in `WHERE` for each ten minutes of a local day, shape (SLOTS,).

    In bed while the bed says so; out from a front door with no motion after it until there is
    motion again; otherwise where motion was last. Of a night without either, as the day before
    ended.
    """
    time, place = _evidence(county, person, day, illnesses)
    starts = local_day(day).at(np.arange(SLOTS) / 6.0) + 300.0
    at = np.searchsorted(time, starts, side="right") - 1
    return place[np.maximum(at, 0)]


def nights(
    county: County, person: int, first: date, days: int, illnesses: Illnesses
) -> NDArray[np.int64]:
    """Visits to the bathroom between 0 and 6 o'clock of each day, shape (days,)."""
    found = []
    for number in range(days):
        day = first + timedelta(days=number)
        events = _own(county, person, day, illnesses)
        moments = events["time"][events["channel"] == BATHROOM]
        moments = moments[moments < local_day(day).at(np.array([6.0]))[0]]
        found.append(int((np.diff(moments, prepend=-np.inf) > _VISIT_S).sum()))
    return np.array(found)


def _evidence(
    county: County, person: int, day: date, illnesses: Illnesses
) -> tuple[Floats, NDArray[np.int64]]:
    """When the whereabouts change, and to what, from yesterday on."""
    events = np.concatenate(
        [_own(county, person, d, illnesses) for d in (day - timedelta(days=1), day)]
    )
    moving = np.sort(events["time"][events["channel"] < len(ROOMS)])
    times, places, in_bed = [-np.inf], [_OUT], False
    for time, channel, value in zip(
        events["time"].tolist(), events["channel"].tolist(), events["value"].tolist(), strict=True
    ):
        device, metric = CHANNELS[channel]
        if metric == "bed":
            in_bed = value == 1.0
            if in_bed:
                times.append(time)
                places.append(_BED)
        elif metric == "motion" and not in_bed:
            times.append(time)
            places.append(1 + channel)
        elif device == "door-front" and value == 0.0:
            after = np.searchsorted(moving, time + 30.0)
            if after == len(moving) or moving[after] - time > _SILENT_S:
                times.append(time)
                places.append(_OUT)
                in_bed = False
    return np.array(times), np.array(places)


def _own(county: County, person: int, day: date, illnesses: Illnesses) -> NDArray[np.void]:
    """The events of the person's home."""
    all_ = county.dwellers
    rows = np.flatnonzero(all_.home == county.home_of[person].number)
    who = Dwellers(all_.person[rows], all_.home[rows], all_.second[rows], all_.keys[rows])
    return ambient_day(who, day, illnesses)
