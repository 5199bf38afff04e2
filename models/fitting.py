"""Learning what is usual in a cohort, from the readings of many clients and homes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from core.errors import ModelError
from models import rooms
from models.baseline import Baseline
from models.cohort import HOURS, Cohort
from models.daily import daily
from models.following import Following
from models.household import PLACES, WHOLE, Events, household
from models.readings import DAY, Flags, Floats, Indexes, Readings
from models.rooms import Happened, Rooms
from models.routine import Days, Routine
from models.signs import METRICS, Measured, Signs, slots
from models.silence import NONE, STEP_S, Silence, Steps
from models.trend import Trend

SILENCE_DAYS = 28
"""Of each home, from which silence is learned."""
ROUTINE_DAYS = 56
AWAY = 288
"""Steps without a sign of life after which a home was left."""
LEAST_DAYS, LEAST_PEOPLE = 25, 10
"""Of each vital sign."""
LEAST_HOMES = 20
"""For a model of silence: fewer homes for two than these are taken with the others."""


def fit(measured: Measured, happened: Happened, together: Flags) -> Following:
    """Learn from readings of n subjects, in order of subject and time.

    Args:
        together: (n,): homes for two.

    Raises:
        ModelError: there are too few people, homes or days.
    """
    if not len(measured) or not len(happened):
        raise ModelError(
            "A cohort cannot be learned here: it needs readings of vital signs and of rooms."
        )
    signs = _signs(slots(measured))
    homes = np.unique(happened.home)
    pairs = homes[together[homes]]
    single = homes[~together[homes]]
    if len(single) < LEAST_HOMES:
        raise ModelError(
            f"A cohort cannot be learned here: there are rooms of {len(single)} clients who live "
            f"alone, and it needs those of {LEAST_HOMES} at least."
        )
    night, day = _routines(_of(happened, single), len(single))
    alone = Rooms(_silence(_of(happened, single), len(single)), night, day)
    two = alone.silence
    if len(pairs) >= LEAST_HOMES:
        two = _silence(_of(happened, pairs), len(pairs))
    return Following(signs, alone, Rooms(two, night, day))


def _signs(readings: Readings) -> Signs:
    """Of what enough people measured; the numbers of the others mean nothing and are not used."""
    days = daily(readings)
    many = len(METRICS)
    followed = np.zeros(many, dtype=bool)
    for metric in range(many):
        measured = np.bincount(days.subject[~np.isnan(days.value[:, metric])])
        followed[metric] = (measured >= LEAST_DAYS).sum() >= LEAST_PEOPLE
    if not followed.any():
        raise ModelError(
            f"A cohort cannot be learned here: no vital sign was measured on {LEAST_DAYS} days by "
            f"{LEAST_PEOPLE} people."
        )
    some = np.flatnonzero(followed)
    baseline = Baseline.fit(replace(readings, value=readings.value[:, some])).cohort
    trend = Trend.fit(replace(days, value=days.value[:, some]))
    curve, covariance = np.zeros((many, HOURS)), np.tile(np.eye(3), (many, 1, 1))
    curve[some], covariance[some] = baseline.curve, baseline.covariance

    def whole(of: Floats, other: float) -> Floats:
        filled = np.full(many, other)
        filled[some] = of
        return filled

    cohort = Cohort(curve, covariance, whole(baseline.scale, 1.0), whole(baseline.degrees, 4.0))
    spread = Trend(whole(trend.scale, 1.0), whole(trend.carries, 0.0), whole(trend.slopes, 1.0))
    return Signs(Baseline(cohort), spread, followed)


def joined(parts: Sequence[tuple[Measured, Happened, Flags]]) -> tuple[Measured, Happened, Flags]:
    """Several recordings as one, in order of subject and time."""
    measured, happened, together = [], [], []
    first = 0
    for one, other, two in parts:
        measured.append(Measured(**{**vars(one), "subject": one.subject + first}))
        happened.append(Happened(**{**vars(other), "home": other.home + first}))
        together.append(two)
        first += len(two)
    many = Measured(
        **{n: np.concatenate([getattr(m, n) for m in measured]) for n in vars(measured[0])}
    )
    all_ = Happened(
        **{n: np.concatenate([getattr(h, n) for h in happened]) for n in vars(happened[0])}
    )
    return (
        many.only(np.lexsort((many.time, many.subject))),
        all_.only(np.lexsort((all_.time, all_.home))),
        np.concatenate(together),
    )


def _of(happened: Happened, homes: np.ndarray) -> Happened:
    """Events of some homes, numbered from 0."""
    place = np.full(int(happened.home.max()) + 1, -1)
    place[homes] = np.arange(len(homes))
    some = happened.only(place[happened.home] >= 0)
    return Happened(**{**vars(some), "home": place[some.home]})


def _silence(happened: Happened, homes: int) -> Silence:
    """From the first weeks of each home."""
    sign = rooms.signs(np.zeros(homes, rooms.ROOMS), happened)
    first = np.full(homes, np.inf)
    np.minimum.at(first, happened.home, happened.time)
    begins = np.floor(first / STEP_S).astype(np.int64)
    # Every home from the same hour of the week on, so that a step has one local hour.
    start = int(begins.min())
    count = SILENCE_DAYS * 288
    step = np.floor(happened.time / STEP_S).astype(np.int64) - start
    inside = step < count
    said = np.full((count, homes), NONE)
    said[step[inside], happened.home[inside]] = sign[inside]
    offset = happened.local[0] - happened.time[0]
    local = ((start + np.arange(count)) * STEP_S + offset) / DAY
    heard = np.arange(count)[:, None] >= (begins - start)[None]
    heard &= ~_away(said)
    return Silence.fit(
        Steps(
            ((local % 1.0) * 24.0).astype(np.int64),
            (np.floor(local).astype(np.int64) + 3) % 7 > 4,
            said,
            heard.astype(np.float64),
        )
    )


def _away(said: Indexes) -> Flags:
    """(steps, homes): gaps of a day and more. Nobody who is at home and well is silent for so long:
    they were away, and would teach that silence is usual once it is long enough."""
    count = len(said)
    number = np.arange(count)[:, None]
    last = np.maximum.accumulate(np.where(said != NONE, number, -1), axis=0)
    after = np.where(said != NONE, number, count)[::-1]
    following = np.minimum.accumulate(after, axis=0)[::-1]
    result: Flags = (following - last > AWAY) & (said == NONE)
    return result


def _routines(happened: Happened, homes: int) -> tuple[Routine, Routine]:
    """Of nights and of days, from the first weeks."""
    first = int(np.floor(happened.local.min() / DAY)) + 1
    many = min(ROUTINE_DAYS, int(np.floor(happened.local.max() / DAY)) - first)
    if many < 1:
        raise ModelError("A routine cannot be learned here: there is not one whole day.")
    heard = np.zeros((homes, len(PLACES)), dtype=bool)
    heard[happened.home, happened.place] = True
    counted = household(
        Events(happened.home, happened.local, happened.time, happened.place), first, many,
        np.broadcast_to(heard, (many, *heard.shape)),
    )  # fmt: skip
    held = np.zeros(counted.shape[:2], dtype=bool)
    found = [
        Routine.fit(Days(counted[:, :, [WHOLE.index(name) for name in names]], held))
        for names in (rooms.BY_NIGHT, rooms.BY_DAY)
    ]
    return found[0], found[1]
