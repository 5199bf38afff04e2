"""Readings of people who do not exist, for the tests of baselines and trends."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np

from models.daily import Days
from models.readings import DAY, Floats, Indexes, Readings

START = datetime(2026, 2, 2, tzinfo=UTC).timestamp()
LEVEL, BETWEEN, WITHIN, RHYTHM = (np.array(x) for x in ([70.0, 130.0], [8.0, 11.0], [3.0, 5.0],
                                                       [6.0, 4.0]))  # fmt: skip
"""Of two metrics: usual level, deviations between people and within one, the day's wave."""


def rows(subject: Indexes, time: Floats, value: Floats, held: bool = False) -> Readings:
    """Readings of an hour east of Greenwich, all held or none."""
    return Readings(subject, time, time + 3600.0, value, np.full(len(time), held))


def made_readings(
    people: int = 12, days: int = 20, every: float = DAY / 3, seed: int = 1
) -> Readings:
    """Of two metrics, in order of subject and time, at somewhat irregular times."""
    rng = np.random.default_rng(seed)
    steps = int(days * DAY / every)
    subject = np.repeat(np.arange(people), steps)
    time = START + np.tile(np.arange(steps) * every, people) + rng.random(len(subject)) * every / 2
    own = rng.normal(LEVEL, BETWEEN, (people, 2))
    wave = np.cos((time + 3600.0 - 17 * 3600.0) * (2 * np.pi / DAY))
    height = rng.normal(RHYTHM, RHYTHM / 2, (people, 2))
    value = (
        own[subject] + height[subject] * wave[:, None] + rng.normal(0.0, WITHIN, (len(subject), 2))
    )
    return rows(subject, time, value)


def made_days(people: int = 12, days: int = 60, seed: int = 1) -> Days:
    """Of two metrics, in order of subject and day, about a level of one's own."""
    rng = np.random.default_rng(seed)
    subject = np.repeat(np.arange(people), days)
    day = np.tile(np.arange(days) + 20_000, people)
    own = rng.normal(LEVEL, BETWEEN, (people, 2))
    return Days(subject, day, own[subject] + rng.normal(0.0, WITHIN, (len(subject), 2)))


def in_helsinki(time: Floats) -> Floats:
    """What clocks in Helsinki show, as `Readings.local`."""
    zone = ZoneInfo("Europe/Helsinki")
    ahead = [datetime.fromtimestamp(t, zone).utcoffset() for t in time.tolist()]
    local: Floats = time + np.array([o.total_seconds() for o in ahead if o is not None])
    return local
