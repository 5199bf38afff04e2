"""A county made by hand, of round numbers, so that tests can say what is usual and what is not."""

from __future__ import annotations

from functools import cache

import numpy as np

from models.baseline import Baseline
from models.calibration import Sigmoid
from models.cohort import HOURS, Cohort
from models.county import County, Record
from models.deterioration import Deterioration
from models.evidence import FEATURES
from models.following import Following
from models.rooms import BY_DAY, BY_NIGHT, Rooms
from models.routine import Routine
from models.signs import METRICS, Signs
from models.silence import Silence
from models.trend import Trend

USUAL = {
    "pulse": (70.0, 4.0), "spo2": (96.0, 1.0), "respiratory_rate": (16.0, 1.0),
    "systolic": (130.0, 6.0), "diastolic": (75.0, 4.0), "temperature": (36.6, 0.2),
    "weight": (75.0, 0.5), "glucose": (6.0, 1.0),
}  # fmt: skip
"""Level and spread of one person's readings; people differ by three spreads."""


def made_following() -> Following:
    """Everybody's gaps end in a step with a chance of 0.1 by day and 0.02 by night."""
    level, spread = (np.array([USUAL[m][n] for m in METRICS]) for n in (0, 1))
    cohort = Cohort(
        np.repeat(level[:, None], HOURS, axis=1),
        np.array([np.diag([9.0 * s * s, 0.01 * s * s, 0.01 * s * s]) for s in spread]),
        spread**2,
        np.full(len(METRICS), 30.0),
    )
    trend = Trend(spread**2, np.full(len(METRICS), 0.2), np.full(len(METRICS), 0.05))
    hazard = np.full((3, 2, 24, 9), 0.1)
    hazard[:, :, [*range(6), 22, 23]] = 0.02
    silence = Silence(hazard)
    night, day = (
        Routine(np.full(n, 8.0), np.full(n, 4.0), np.full(n, 0.05), np.ones(n))
        for n in (len(BY_NIGHT), len(BY_DAY))
    )
    rooms = Rooms(silence, night, day)
    return Following(
        Signs(Baseline(cohort), trend, np.ones(len(METRICS), dtype=bool)), rooms, rooms
    )


@cache
def made_county() -> County:
    """With a model in which each spread above or below, now, adds 0.8 to the log-odds."""
    weight = np.array([0.8 if name.endswith("_now") else 0.0 for name in FEATURES])
    weight[FEATURES.index("together_now")] = 0.0
    model = Deterioration(weight, -8.0, Sigmoid(1.0, 0.0))
    record = Record(clients=0, homes=0, readings=0, days=0.0, digest="0" * 64)
    return County(made_following(), model, 0.5, 0.9, record)
