"""Homes of seeded random days: on some mornings and afternoons a person walks a lot, and is
labelled. Two homes have no hallway sensor, and some dates are missing."""

from __future__ import annotations

from datetime import date

import numpy as np

from models.home_days import Events, Flags, HomeDays, tabulate

PLACES = ("kitchen", "hallway", "lounge", "bedroom")
Label = tuple[str, int, int]
FIRST = date(2019, 4, 1).toordinal()


def made_events(homes: int = 12, days: int = 14, seed: int = 1) -> tuple[Events, set[Label]]:
    """Events, and (home, day, run) of what is labelled."""
    rng = np.random.default_rng(seed)
    home, place, day, second = [], [], [], []
    labelled: set[Label] = set()
    for number in range(homes):
        for date_ in range(FIRST, FIRST + days):
            if rng.random() < 0.1:
                continue
            hours = rng.uniform(6, 22, size=rng.poisson(rng.uniform(30, 90)))
            for run, (low, high) in ((1, (8, 13)), (2, (13, 19))):
                if rng.random() < (0.25 if number % 3 == 0 else 0.03):
                    hours = np.concatenate([hours, rng.uniform(low, high, 30)])
                    labelled.add((f"h{number:02d}", date_, run))
            at = rng.choice([0, 2, 3] if number in (4, 5) else 4, size=len(hours))
            home += [number] * len(hours)
            day += [date_] * len(hours)
            place += at.tolist()
            second += (hours * 3600.0).round().tolist()
    events = Events(
        [f"h{number:02d}" for number in range(homes)],
        PLACES,
        np.array(home),
        np.array(place),
        np.array(day),
        np.array(second),
    )
    return events, labelled


def made_days(homes: int = 12, days: int = 14, seed: int = 1) -> tuple[HomeDays, Flags]:
    """The same as home-days and labels by run."""
    events, labelled = made_events(homes, days, seed)
    found = tabulate(events)
    labels = np.array(
        [
            [(found.names[h], d, run) in labelled for run in range(3)]
            for h, d in zip(found.home.tolist(), found.day.tolist(), strict=True)
        ]
    )
    return found, labels
